// Footers as no writer at hand makes them: what is newer than this reader is left aside, and what lies under it is read.
#include "parquet/footer.h"
#include "parquet/out.h"
#include "parquet_fixture.h"

enum { KIND_VARIANT = 16, KIND_GEOMETRY = 17, KIND_TO_COME = 40 };

static grove__budget budget;

static void put_element(grove__out *o, const char *name, int physical, int repetition, int children,
    int logical)
{
  int last = 0;
  if (physical >= 0) {
    grove__out_int(o, &last, 1, GROVE__THRIFT_I32, physical);
  }
  if (repetition >= 0) {
    grove__out_int(o, &last, 3, GROVE__THRIFT_I32, repetition);
  }
  grove__out_binary(o, &last, 4, name, strlen(name));
  if (children) {
    grove__out_int(o, &last, 5, GROVE__THRIFT_I32, children);
  }
  if (logical) {
    int kind = 0, inner = 0;
    grove__out_field(o, &last, 10, GROVE__THRIFT_STRUCT);
    grove__out_field(o, &kind, logical, GROVE__THRIFT_STRUCT);
    grove__out_int(o, &inner, 1, GROVE__THRIFT_I8, 1); // a variant's version, or what we don't know
    grove__out_stop(o);
    grove__out_stop(o);
  }
  grove__out_stop(o);
}

// A variant, one in a list, a geometry and a kind that nobody has thought of yet.
static void put_schema(grove__out *o, int *last)
{
  grove__out_list(o, last, 2, GROVE__THRIFT_STRUCT, 11);
  put_element(o, "schema", -1, -1, 4, 0);
  put_element(o, "v", -1, GROVE__OPTIONAL, 2, KIND_VARIANT);
  put_element(o, "metadata", GROVE__BYTE_ARRAY, GROVE__REQUIRED, 0, 0);
  put_element(o, "value", GROVE__BYTE_ARRAY, GROVE__OPTIONAL, 0, 0);
  put_element(o, "l", -1, GROVE__OPTIONAL, 1, GROVE__KIND_LIST);
  put_element(o, "list", -1, GROVE__REPEATED, 1, 0);
  put_element(o, "element", -1, GROVE__OPTIONAL, 2, KIND_VARIANT);
  put_element(o, "metadata", GROVE__BYTE_ARRAY, GROVE__REQUIRED, 0, 0);
  put_element(o, "value", GROVE__BYTE_ARRAY, GROVE__OPTIONAL, 0, 0);
  put_element(o, "g", GROVE__BYTE_ARRAY, GROVE__OPTIONAL, 0, KIND_GEOMETRY);
  put_element(o, "k", GROVE__INT64, GROVE__OPTIONAL, 0, KIND_TO_COME);
}

// How the schema of a file is put.
typedef void schema_fn(grove__out *o, int *last);
static bytes make_file_of(schema_fn *put)
{
  grove__out o = {.budget = &budget};
  budget.allocator = grove__allocator_malloc;
  grove__out_bytes(&o, "PAR1", 4);
  int last = 0;
  grove__out_int(&o, &last, 1, GROVE__THRIFT_I32, 2);
  put(&o, &last);
  grove__out_int(&o, &last, 3, GROVE__THRIFT_I64, 0);
  grove__out_list(&o, &last, 4, GROVE__THRIFT_STRUCT, 0);
  grove__out_stop(&o);
  uint32_t n = (uint32_t)o.used - 4;
  grove__out_bytes(&o, &n, 4);
  grove__out_bytes(&o, "PAR1", 4);
  assert_int_equal(o.status, GROVE_OK);
  bytes file = {malloc(o.used), o.used};
  assert_non_null(file.p);
  memcpy(file.p, o.block.p, o.used);
  grove__out_free(&o);
  return file;
}

// A variant's two parts are bytes, and a kind that is not known is its physical type, as a struct's leaves and in lists.
static void what_is_newer_is_read_as_it_lies(void **state)
{
  static const char *const formats[][2] = {
      {"v.metadata", "z"}, {"v.value", "z"}, {"l", "+l"}, {"g", "z"}, {"k", "l"}};
  (void)state;
  bytes file = make_file_of(put_schema);
  grove_source source;
  grove_parquet *p = NULL;
  struct ArrowSchema schema;
  grove_error err;
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, NULL, &p, &err), &err);
  check_ok_err(grove_parquet_schema(p, &schema, &err), &err);
  assert_int_equal(schema.n_children, 5);
  for (int64_t i = 0; i < schema.n_children; i++) {
    assert_string_equal(schema.children[i]->name, formats[i][0]);
    assert_string_equal(schema.children[i]->format, formats[i][1]);
  }
  const struct ArrowSchema *item = schema.children[2]->children[0];
  assert_string_equal(item->format, "+s");
  assert_int_equal(item->n_children, 2);
  assert_string_equal(item->children[0]->name, "metadata");
  assert_string_equal(item->children[1]->format, "z");
  schema.release(&schema);
  grove_parquet_close(p);
  free(file.p);
}

// Types that nobody knows, or that are not of their physical type: bounds of them are in an order that is not known either.
static void put_strange(grove__out *o, int *last)
{
  grove__out_list(o, last, 2, GROVE__THRIFT_STRUCT, 7);
  put_element(o, "schema", -1, -1, 6, 0);
  put_element(o, "none", GROVE__INT64, GROVE__OPTIONAL, 0, 0);
  put_element(o, "date", GROVE__INT32, GROVE__OPTIONAL, 0, GROVE__KIND_DATE);
  put_element(o, "to come", GROVE__INT64, GROVE__OPTIONAL, 0, KIND_TO_COME);
  put_element(o, "of one bit", GROVE__INT32, GROVE__OPTIONAL, 0, GROVE__KIND_INTEGER);
  put_element(o, "date in 64", GROVE__INT64, GROVE__OPTIONAL, 0, GROVE__KIND_DATE);
  put_element(o, "text", GROVE__DOUBLE, GROVE__OPTIONAL, 0, GROVE__KIND_STRING);
}

static void put_orders(grove__out *o, int *last, size_t n)
{
  grove__out_list(o, last, 7, GROVE__THRIFT_STRUCT, n);
  for (size_t i = 0; i < n; i++) {
    int inner = 0;
    grove__out_field(o, &inner, 1, GROVE__THRIFT_STRUCT);
    grove__out_stop(o);
    grove__out_stop(o);
  }
}

static void an_order_that_is_not_known(void **state)
{
  (void)state;
  grove__out o = {.budget = &budget};
  budget.allocator = grove__allocator_malloc;
  int last = 0;
  put_strange(&o, &last);
  grove__out_list(&o, &last, 4, GROVE__THRIFT_STRUCT, 0);
  put_orders(&o, &last, 6);
  grove__out_stop(&o);
  assert_int_equal(o.status, GROVE_OK);
  grove__footer f;
  grove_error err;
  check_ok_err(grove__footer_read(&f, &grove__allocator_malloc, 0, 0, o.block.p, o.used, 0, &err), &err);
  assert_int_equal(f.n_leaves, 6);
  for (size_t i = 0; i < f.n_leaves; i++) {
    assert_int_equal(f.leaves[i].ordered, i < 2);
  }
  grove__footer_free(&f);
  grove__out_free(&o);
}

// A group, one without a name in it, and a leaf: lengths of all three.
static char long_name[3][5000];
static void put_long(grove__out *o, int *last)
{
  grove__out_list(o, last, 2, GROVE__THRIFT_STRUCT, 4);
  put_element(o, "schema", -1, -1, 1, 0);
  put_element(o, long_name[0], -1, GROVE__OPTIONAL, 1, 0);
  put_element(o, long_name[1], -1, GROVE__OPTIONAL, 1, 0);
  put_element(o, long_name[2], GROVE__INT64, GROVE__OPTIONAL, 0, 0);
}

static grove_status open_long(size_t group, size_t inner, size_t leaf, size_t *path)
{
  size_t n[3] = {group, inner, leaf};
  for (int i = 0; i < 3; i++) {
    memset(long_name[i], 'a' + i, n[i]);
    long_name[i][n[i]] = 0;
  }
  bytes file = make_file_of(put_long);
  grove_source source;
  grove_parquet *p = NULL;
  grove_error err = {0};
  grove_source_of_memory(file.p, file.n, &source);
  grove_status s = grove_parquet_open(&source, NULL, &p, &err);
  if (!s) {
    struct ArrowSchema schema;
    check_ok_err(grove_parquet_schema(p, &schema, &err), &err);
    *path = strlen(schema.children[0]->name);
    schema.release(&schema);
  } else {
    check_contains(err.text, "path has over 4095 bytes");
  }
  grove_parquet_close(p);
  free(file.p);
  return s;
}

// Whatever the lengths, also of names that are empty: at most 4,095 bytes with the dots, and nothing behind them is written.
static void paths_of_every_length_at_the_limit(void **state)
{
  (void)state;
  for (size_t group = 4085; group < 4100; group++) {
    for (size_t inner = 0; inner < 4; inner++) {
      for (size_t leaf = 0; leaf < 12; leaf++) {
        size_t wanted = group + 1 + inner + 1 + leaf, path = 0;
        grove_status s = open_long(group, inner, leaf, &path);
        assert_int_equal(s, wanted > 4095 ? GROVE_ECORRUPT : GROVE_OK);
        assert_int_equal(path, s ? 0 : wanted);
      }
    }
  }
  size_t path;
  check_status(open_long(4094, 0, 4900, &path), GROVE_ECORRUPT);
}

static const char *bad_name;
static void put_bad(grove__out *o, int *last)
{
  grove__out_list(o, last, 2, GROVE__THRIFT_STRUCT, 2);
  put_element(o, "schema", -1, -1, 1, 0);
  put_element(o, bad_name, GROVE__INT64, GROVE__OPTIONAL, 0, 0);
}
static void names_are_text(void **state)
{
  static const char *const bad[] = {"\xff\xfe", "a\x80", "\xc3", "\xed\xa0\x80"};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bad_name = bad[i];
    bytes file = make_file_of(put_bad);
    grove_source source;
    grove_parquet *p = NULL;
    grove_error err = {0};
    grove_source_of_memory(file.p, file.n, &source);
    check_status(grove_parquet_open(&source, NULL, &p, &err), GROVE_ECORRUPT);
    check_contains(err.text, "the name of a column is no text");
    free(file.p);
  }
}

// Many leaves of a group with a long name: a path each.
enum { LEAVES = 2000 };
static void put_many(grove__out *o, int *last)
{
  memset(long_name[0], 'a', 4000);
  long_name[0][4000] = 0;
  grove__out_list(o, last, 2, GROVE__THRIFT_STRUCT, LEAVES + 2);
  put_element(o, "schema", -1, -1, 1, 0);
  put_element(o, long_name[0], -1, GROVE__OPTIONAL, LEAVES, 0);
  for (int i = 0; i < LEAVES; i++) {
    put_element(o, "x", GROVE__INT64, GROVE__OPTIONAL, 0, 0);
  }
}
static void a_footer_counts_as_memory(void **state)
{
  (void)state;
  bytes file = make_file_of(put_many);
  assert_true(file.n < 64 * 1024);
  grove_source source;
  grove_parquet *p = NULL;
  grove_error err = {0};
  grove_parquet_options o = {GROVE_PARQUET, .memory_bytes = 1024 * 1024};
  grove_source_of_memory(file.p, file.n, &source);
  check_status(grove_parquet_open(&source, &o, &p, &err), GROVE_ELIMIT);
  check_contains(err.text, "limit of 1048576 bytes (memory_bytes)");
  o.memory_bytes = 64 * 1024 * 1024;
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  grove_parquet_close(p);
  free(file.p);
}

// Many row groups of columns with long names: a name is kept once, and the footer's own bytes count while they are read.
static void many_row_groups(void **state)
{
  enum { COLUMNS = 8, GROUPS = 300 };
  static char names[COLUMNS][1000];
  grove__column c[COLUMNS] = {0};
  const grove_parquet_write_options w = {.struct_size = sizeof w, .group_rows = 1};
  grove_table *t = NULL;
  (void)state;
  for (size_t i = 0; i < COLUMNS; i++) {
    memset(names[i], 'a' + (int)i, sizeof names[i] - 1);
    c[i] = (grove__column){.name = names[i], .format = "l", .values_bytes = GROUPS * 8};
    c[i].values = grove__alloc_zero(&grove__allocator_malloc, GROUPS * 8);
  }
  check_ok(grove__table_build(&grove__allocator_malloc, c, COLUMNS, GROUPS, &t, NULL));
  bytes file = write_table(t, &w);
  uint32_t footer;
  memcpy(&footer, file.p + file.n - 8, 4);
  assert_true(footer > COLUMNS * GROUPS * sizeof names[0]); // in the file a name is there once a chunk
  for (uint64_t limit = 64 * 1024; limit < 16 << 20; limit *= 2) {
    check_memory m = {0};
    grove_allocator a = check_allocator(&m);
    const grove_parquet_options o = {GROVE_PARQUET, .memory_bytes = limit, .allocator = &a};
    grove_source source;
    grove_parquet *p = NULL;
    grove_error err = {0};
    grove_source_of_memory(file.p, file.n, &source);
    grove_status s = grove_parquet_open(&source, &o, &p, &err);
    check_status(s, limit < footer + COLUMNS * GROUPS * sizeof(grove__chunk) ? GROVE_ELIMIT : GROVE_OK);
    assert_true(m.peak_bytes < limit + 128 * 1024); // one look at the file's end, and a block of the arena
    if (s && limit < footer) {
      check_contains(err.text, "bytes are more than the limit of");
    } else if (!s) {
      assert_true(m.live_bytes < COLUMNS * GROUPS * 130 + 64 * 1024);
    }
    grove_parquet_close(p);
    assert_int_equal(m.live_blocks, 0);
  }
  free(file.p);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_newer_is_read_as_it_lies), cmocka_unit_test(an_order_that_is_not_known),
      cmocka_unit_test(paths_of_every_length_at_the_limit), cmocka_unit_test(names_are_text),
      cmocka_unit_test(a_footer_counts_as_memory), cmocka_unit_test(many_row_groups)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
