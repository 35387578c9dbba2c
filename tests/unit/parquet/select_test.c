// Columns by name: what a name may mean, and what is refused because it may mean two.
#include "parquet_fixture.h"

enum { ROWS = 3 };

static grove__column number(const char *name, int64_t first)
{
  const grove_allocator *a = &grove__allocator_malloc;
  grove__column c = {.name = name, .format = "l", .rows = ROWS, .values_bytes = ROWS * 8};
  c.values = grove__alloc_zero(a, ROWS * 8);
  for (int64_t i = 0; i < ROWS; i++) {
    ((int64_t *)c.values)[i] = first + i;
  }
  return c;
}

static grove__column wrap(const char *name, const char *format, grove__column child)
{
  const grove_allocator *a = &grove__allocator_malloc;
  grove__column c = {.name = name, .format = format, .rows = ROWS, .n_children = 1};
  c.children = grove__alloc_zero(a, sizeof child);
  *c.children = child;
  if (strcmp(format, "+l") == 0) { // an item a row
    c.values_bytes = (ROWS + 1) * 4;
    c.values = grove__alloc_zero(a, c.values_bytes);
    for (int32_t i = 0; i <= ROWS; i++) {
      ((int32_t *)c.values)[i] = i;
    }
  }
  return c;
}

// "a.b" beside a{b}, a list "c.d" beside c{d}, "e" beside "E", "x" twice, a name with quotes.
static bytes make_file(void)
{
  grove_table *t = NULL;
  grove_error err;
  grove__column c[] = {number("a.b", 10), wrap("a", "+s", number("b", 20)),
      wrap("c.d", "+l", number("item", 30)), wrap("c", "+s", number("d", 40)), number("e", 50),
      number("E", 60), number("x", 70), number("x", 80), number("\"q\".r", 90),
      wrap("deep", "+s", wrap("f.g", "+s", number("h", 100))), number("only.one", 110)};
  size_t n = sizeof c / sizeof *c;
  check_ok_err(grove__table_build(&grove__allocator_malloc, c, n, ROWS, &t, &err), &err);
  bytes file = write_table(t, NULL);
  grove_table_release(t);
  return file;
}

static grove_status open_with(
    bytes file, const char *name, const char *rule, grove_parquet **p, grove_error *err)
{
  const char *names[] = {name, NULL};
  const grove_parquet_options o = {GROVE_PARQUET, .columns = name ? names : NULL, .rule = rule};
  grove_source source;
  grove_source_of_memory(file.p, file.n, &source);
  return grove_parquet_open(&source, &o, p, err);
}

// The column that is asked for by `name` begins with the number and is called `called`.
static void gives(bytes file, const char *name, int64_t first, const char *called)
{
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  grove__column_view v;
  grove_error err;
  check_ok_err(open_with(file, name, NULL, &p, &err), &err);
  check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
  assert_int_equal(grove_table_columns(t), 1);
  assert_string_equal(grove_table_name(t, 0), called);
  grove__table_view(t, 0, &v);
  while (v.n_children) {
    grove__column_view child;
    grove__view_child(&v, 0, &child);
    v = child;
  }
  assert_int_equal(((const int64_t *)v.values)[v.offset], first);
  grove_table_release(t);
  grove_parquet_close(p);
}

static void refused(bytes file, const char *name, grove_status want, const char *words)
{
  grove_parquet *p = NULL;
  grove_error err = {0};
  check_status(open_with(file, name, NULL, &p, &err), want);
  assert_string_equal(err.text, words);
}

static void a_name_means_one_column(void **state)
{
  (void)state;
  bytes file = make_file();
  refused(file, "a.b", GROVE_ENOENT,
      "column \"a.b\" may be 2: \"a.b\" or \"a\".\"b\"; ask for one of them in its quotes, as here");
  gives(file, "\"a.b\"", 10, "a.b");
  gives(file, "\"a\".\"b\"", 20, "a.b");
  refused(file, "c.d", GROVE_ENOENT,
      "column \"c.d\" may be 2: \"c\".\"d\" or \"c.d\"; ask for one of them in its quotes, as here");
  gives(file, "\"c.d\"", 30, "c.d");
  gives(file, "\"c\".\"d\"", 40, "c.d");
  gives(file, "e", 50, "e");
  gives(file, "\"E\"", 60, "E");
  gives(file, "DEEP.f.g.h", 100, "DEEP.f.g.h");
  gives(file, "\"deep\".\"f.g\".\"h\"", 100, "deep.f.g.h");
  gives(file, "\"q\".r", 90, "\"q\".r"); // as it is called comes before quotes
  gives(file, "\"\"\"q\"\".r\"", 90, "\"q\".r");
  gives(file, "only.one", 110, "only.one"); // nothing else is called so
  refused(file, "x", GROVE_ENOENT,
      "2 columns are called \"x\": no name tells them apart, they are read only with all (no `columns`)");
  refused(file, "A.B", GROVE_ENOENT, "no column \"A.B\", and 2 that differ from it only in case");
  refused(file, "a", GROVE_ENOTSUP,
      "column \"a\" is a struct; its leaves are read by their paths, such as \"a.b\"");
  free(file.p);
}

// What a rule says in its quotes may have quotes in it, each doubled.
static void a_rule_means_one_column(void **state)
{
  static const struct {
    const char *rule;
    size_t rows;
  } cases[] = {{"\"\"\"a.b\"\"\" < 13", ROWS}, {"\"\"\"a.b\"\"\" > 13", 0}, {"\"\"\"a\"\".\"\"b\"\"\" > 19", ROWS},
      {"`\"a\".\"b\"` < 20", 0}};
  (void)state;
  bytes file = make_file();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    grove_parquet *p = NULL;
    grove_table *t = NULL;
    grove_error err;
    check_ok_err(open_with(file, "e", cases[i].rule, &p, &err), &err);
    check_ok_err(grove_parquet_read(p, 0, 0, &t, &err), &err);
    assert_int_equal(grove_table_rows(t), cases[i].rows);
    grove_table_release(t);
    grove_parquet_close(p);
  }
  grove_parquet *p = NULL;
  grove_error err = {0};
  check_status(open_with(file, "e", "a.b > 3", &p, &err), GROVE_ENOENT);
  check_contains(err.text, "column \"a.b\" may be 2");
  free(file.p);
}

static void all_come_whatever_they_are_called(void **state)
{
  (void)state;
  bytes file = make_file();
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  check_ok(open_with(file, NULL, NULL, &p, NULL));
  check_ok(grove_parquet_read(p, 0, 0, &t, NULL));
  assert_int_equal(grove_table_columns(t), 11);
  grove_table_release(t);
  grove_parquet_close(p);
  free(file.p);
}

// So many columns that looking at each of them for each of them must be cheap, in whatever manner they are asked for.
static void wide_schemas(void **state)
{
  enum { WIDE = 4000 };
  static char names[3][WIDE][24];
  static const char *asked[WIDE + 1];
  static const char *const forms[] = {"column_%zu", "COLUMN_%zu", "\"column_%zu\""};
  (void)state;
  const grove_allocator *a = &grove__allocator_malloc;
  grove__column *columns = grove__alloc_zero(a, WIDE * sizeof *columns);
  grove_table *t = NULL;
  grove_error err;
  for (size_t i = 0; i < WIDE; i++) {
    for (size_t k = 0; k < 3; k++) {
      snprintf(names[k][i], sizeof names[k][i], forms[k], i);
    }
    columns[i] = (grove__column){.name = names[0][i], .format = "n"};
  }
  check_ok_err(grove__table_build(a, columns, WIDE, 1, &t, &err), &err);
  bytes file = write_table(t, NULL);
  grove_source source;
  grove_source_of_memory(file.p, file.n, &source);
  for (size_t k = 0; k < 3; k++) {
    for (size_t i = 0; i < WIDE; i++) {
      asked[i] = names[k][WIDE - 1 - i];
    }
    const grove_parquet_options o = {GROVE_PARQUET, .columns = asked};
    grove_parquet *p = NULL;
    struct ArrowSchema schema;
    check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
    check_ok_err(grove_parquet_schema(p, &schema, &err), &err);
    assert_int_equal(schema.n_children, WIDE);
    assert_string_equal(schema.children[0]->name, names[k == 2 ? 0 : k][WIDE - 1]);
    schema.release(&schema);
    grove_parquet_close(p);
  }
  grove_table_release(t);
  grove__free(a, columns, WIDE * sizeof *columns);
  free(file.p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_means_one_column),
      cmocka_unit_test(a_rule_means_one_column),
      cmocka_unit_test(all_come_whatever_they_are_called),
      cmocka_unit_test(wide_schemas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
