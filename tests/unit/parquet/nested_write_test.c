// Lists, maps and structs that the writer writes, the reader reads: of every depth, with and without nulls, in pages and
// row groups that end anywhere.
#include "nested_table.h"

// A struct at the top is read as its leaves; in a list it stays one.
static const char *const specs[] = {"+l(l)", "+l(u)", "+L(+l(b))", "+m(u;d:20,3)",
    "+l(+s(i;+l(u);+s(g;n)))", "+w:2(+m(l;+l(tsu:UTC)))", "+l(+l(+l(z)))", "l",
    "+m(u;+s(f;+m(i;+l(+s(w:3)))))", "+l(n)"};
enum { SPECS = sizeof specs / sizeof specs[0] };

static grove_status write_to(const grove_table *const *tables, size_t n,
    const grove_parquet_write_options *o, grove_error *err)
{
  char path[] = "/tmp/grove_parquet_XXXXXX";
  grove_store *store = NULL;
  grove_writer *to = NULL;
  grove_parquet_writer *w = NULL;
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  check_ok(grove_store_open(NULL, &store, NULL));
  check_ok(grove_store_write(store, path, &to, NULL));
  grove_status s = grove_parquet_writer_open(tables[0], o, to, &w, err);
  for (size_t i = 0; i < n && !s; i++) {
    s = grove_parquet_writer_put(w, tables[i], err);
  }
  grove_status closed = grove_parquet_writer_close(w, !s, s ? NULL : err);
  check_ok(grove_writer_close(to, 0, NULL));
  grove_store_close(store);
  unlink(path);
  return s ? s : closed;
}

static void go_round(const grove_table *t, const grove_parquet_write_options *form)
{
  grove_parquet_write_options o = *form;
  for (o.page_version = 1; o.page_version <= 2; o.page_version++) {
    bytes file = write_table(t, &o);
    read_back(t, file, 0);
    read_back(t, file, 13);
    free(file.p);
  }
}

// As they are read: the items of a fixed list become those of a list, which the digests don't tell apart.
static void all_shapes(void **state)
{
  (void)state;
  const unsigned nulls[] = {0, 2, 8};
  const uint64_t kinds[] = {2, 300, UINT64_MAX};
  const size_t rows[] = {0, 1, 9, 700};
  for (size_t i = 0; i < 36; i++) {
    grove_table *t =
        nested_table(specs, SPECS, rows[i % 4], nulls[i / 4 % 3], kinds[i / 12], i);
    const grove_parquet_write_options o = {.struct_size = sizeof o,
        .codec = (uint32_t)(i % 3),
        .group_rows = i % 5 == 0 ? 64 : 0,
        .page_rows = i % 2 ? 7 : 0,
        .no_dictionary = i % 7 == 0};
    go_round(t, &o);
    grove_table_release(t);
  }
}

// More than a page has room for, by bytes and by items.
static void several_pages_of_lists(void **state)
{
  (void)state;
  static const char *const wide[] = {"+l(l)", "+l(u)", "+l(+w:3(b))"};
  grove_table *t = nested_table(wide, 3, 300000, 1, UINT64_MAX, 4);
  const grove_parquet_write_options o = {.struct_size = sizeof o, .codec = GROVE_CODEC_ZSTD};
  go_round(t, &o);
  grove_table_release(t);
}

// Rows 3 to 3 + n of what was imported.
static void a_slice_of_lists(void **state)
{
  (void)state;
  grove_table *t = nested_table(specs, SPECS, 100, 2, 50, 9), *slice = NULL;
  struct ArrowArray array;
  struct ArrowSchema schema;
  grove_error err;
  check_ok_err(grove_table_export(t, &array, &schema, &err), &err);
  array.offset = 3;
  array.length = 80;
  check_ok_err(grove_table_import(&array, &schema, &slice, &err), &err);
  go_round(slice, &(grove_parquet_write_options){.struct_size = sizeof(grove_parquet_write_options)});
  grove_table_release(slice);
  grove_table_release(t);
}

// Leaves of a struct are columns to the reader; a null of the struct is null in each.
static void a_struct_becomes_its_leaves(void **state)
{
  (void)state;
  static const char *const one[] = {"+s(l;+s(u;+l(i)))"};
  grove_table *t = nested_table(one, 1, 50, 3, 90, 2), *again = NULL;
  bytes file = write_table(t, NULL);
  grove_source source;
  grove_parquet *p = NULL;
  grove_error err;
  grove__column_view whole, a, leaf;
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, NULL, &p, &err), &err);
  check_ok_err(grove_parquet_read(p, 0, 0, &again, &err), &err);
  assert_int_equal(grove_table_columns(again), 3);
  assert_string_equal(grove_table_name(again, 0), "+s(l;+s(u;+l(i))).a");
  assert_string_equal(grove_table_name(again, 2), "+s(l;+s(u;+l(i))).b.b");
  grove__table_view(t, 0, &whole);
  grove__view_child(&whole, 0, &a);
  grove__table_view(again, 0, &leaf);
  size_t nulls = 0;
  for (int64_t i = 0; i < 50; i++) {
    bool there = grove__bit_get(whole.validity, i) && grove__bit_get(a.validity, i);
    assert_int_equal(there, grove__bit_get(leaf.validity, i));
    assert_true(!there || ((const int64_t *)a.values)[i] == ((const int64_t *)leaf.values)[i]);
    nulls += !there;
  }
  assert_true(nulls > 10 && nulls < 40);
  grove_table_release(again);
  grove_parquet_close(p);
  free(file.p);
  grove_table_release(t);
}

// Nothing but nulls in the first chunk: a page without a byte of values has a checksum of its levels.
static void nulls_alone_in_pages_of_version_2(void **state)
{
  (void)state;
  static const char *const first[] = {"n", "+l(n)"};
  for (size_t i = 0; i < 2; i++) {
    grove_table *t = nested_table(&first[i], 1, 20, 8, 1, 1);
    for (uint32_t codec = 0; codec < 3; codec++) {
      const grove_parquet_write_options o = {
          .struct_size = sizeof o, .codec = codec, .page_version = 2};
      bytes file = write_table(t, &o);
      read_back(t, file, 0);
      free(file.p);
    }
    grove_table_release(t);
  }
}

static void refuse(const char *const *specs_of, size_t n, const grove_parquet_write_options *o,
    grove_status status, const char *words)
{
  const grove_table *tables[2] = {NULL, NULL};
  grove_error err = {0};
  for (size_t i = 0; i < n; i++) {
    // One column of the same name each.
    grove_table *t = nested_table(&specs_of[i], 1, 5, 0, 4, 1), *named = NULL;
    struct ArrowArray array;
    struct ArrowSchema schema;
    check_ok(grove_table_export(t, &array, &schema, NULL));
    schema.children[0]->name = "x";
    check_ok(grove_table_import(&array, &schema, &named, NULL));
    grove_table_release(t);
    tables[i] = named;
  }
  check_status(write_to(tables, n, o, &err), status);
  check_contains(err.text, words);
  for (size_t i = 0; i < n; i++) {
    grove_table_release((grove_table *)(uintptr_t)tables[i]);
  }
}

static void what_has_no_place(void **state)
{
  (void)state;
  static const char *const x[] = {"x", NULL};
  const grove_parquet_write_options plain = {.struct_size = sizeof plain};
  const grove_parquet_write_options sorted = {.struct_size = sizeof sorted, .sorted = x};
  refuse((const char *const[]){"+l(d:5,-2)"}, 1, &plain, GROVE_ENOTSUP,
      "column \"x.list.element\": Parquet has no place for the format \"d:5,-2\"");
  refuse((const char *const[]){"+l(l)"}, 1, &sorted, GROVE_EINVAL,
      "sorted: column \"x\" is a list, which has no order");
  refuse((const char *const[]){"+l(+s(l;u))", "+l(+s(l;g))"}, 2, &plain, GROVE_EINVAL,
      "other fields or items in it");
  refuse((const char *const[]){"+l(+s(l;u))", "+l(+s(l))"}, 2, &plain, GROVE_EINVAL,
      "other fields or items in it");
  refuse((const char *const[]){"+l(l)", "+L(l)"}, 2, &plain, GROVE_EINVAL,
      "begun with a column \"x\" (+l), and one \"x\" (+L) is added");
}

// 49 lists are as deep as a schema goes; the reader reads what the writer writes.
static void as_deep_as_it_goes(void **state)
{
  (void)state;
  char spec[256] = "", *deep = spec;
  for (size_t depth = 48; depth <= 50; depth++) {
    *spec = 0;
    for (size_t i = 0; i < depth; i++) {
      strcat(spec, "+l(");
    }
    strcat(spec, "l");
    memset(spec + strlen(spec), ')', depth);
    spec[4 * depth + 1] = 0;
    grove_table *t = nested_table((const char *const *)&deep, 1, 40, 1, 9, depth);
    grove_error err = {0};
    if (depth < 50) {
      bytes file = write_table(t, NULL);
      read_back(t, file, 0);
      free(file.p);
    } else {
      const grove_table *const tables[] = {t};
      check_status(write_to(tables, 1, NULL, &err), GROVE_ELIMIT);
      check_contains(err.text, "the schema would be nested deeper than 100");
    }
    grove_table_release(t);
  }
}

// The first table says that there are no nulls, and a later one has some.
static void a_null_where_there_is_none(void **state)
{
  (void)state;
  static const char *const spec[] = {"+l(l)"};
  const grove_table *tables[2];
  grove_error err = {0};
  for (unsigned i = 0; i < 2; i++) {
    grove_table *t = nested_table(spec, 1, 30, i, 4, 1), *bent = NULL;
    struct ArrowArray array;
    struct ArrowSchema schema;
    check_ok(grove_table_export(t, &array, &schema, NULL));
    schema.children[0]->children[0]->flags = i ? ARROW_FLAG_NULLABLE : 0;
    check_ok(grove_table_import(&array, &schema, &bent, NULL));
    grove_table_release(t);
    tables[i] = bent;
  }
  check_status(write_to(tables, 2, NULL, &err), GROVE_EINVAL);
  check_contains(err.text, "column \"+l(l).list.element\", rows 0 to 29: a null, where the schema");
  grove_table_release((grove_table *)(uintptr_t)tables[0]);
  grove_table_release((grove_table *)(uintptr_t)tables[1]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_shapes),
      cmocka_unit_test(several_pages_of_lists),
      cmocka_unit_test(a_slice_of_lists),
      cmocka_unit_test(a_struct_becomes_its_leaves),
      cmocka_unit_test(nulls_alone_in_pages_of_version_2),
      cmocka_unit_test(what_has_no_place),
      cmocka_unit_test(as_deep_as_it_goes),
      cmocka_unit_test(a_null_where_there_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
