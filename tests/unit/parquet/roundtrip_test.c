// What the writer writes, the reader reads: every format, with and without nulls, with few and many different
// values, in pages and row groups that end anywhere.
#include "parquet_fixture.h"

static const char *const formats[] = {"b", "c", "C", "s", "S", "i", "I", "l", "L", "e", "f", "g",
    "u", "z", "n", "tdD", "ttm", "ttu", "ttn", "tsm:", "tsu:UTC", "tsn:", "d:9,2", "d:38,10", "d:39,4,256", "d:76,76,256", "w:3",
    "w:16"};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static void go_round(
    size_t rows, unsigned nulls, uint64_t kinds, uint32_t codec, uint32_t group_rows)
{
  column_plan plans[FORMATS];
  for (size_t i = 0; i < FORMATS; i++) {
    plans[i] = (column_plan){formats[i], nulls, kinds};
  }
  grove_table *t = random_table(plans, FORMATS, rows, rows * 31 + nulls * 7 + kinds);
  grove_parquet_write_options o = {
      .struct_size = sizeof o, .codec = codec, .group_rows = group_rows};
  for (o.page_version = 1; o.page_version <= 2; o.page_version++) {
    bytes file = write_table(t, &o);
    read_back(t, file, 0);
    read_back(t, file, rows > 100 ? 997 : 1);
    free(file.p);
  }
  grove_table_release(t);
}

static void all_formats(void **state)
{
  (void)state;
  const unsigned nulls[] = {0, 1, 7, 8};
  const uint64_t kinds[] = {1, 2, 300, UINT64_MAX};
  for (size_t i = 0; i < 4; i++) {
    for (size_t k = 0; k < 4; k++) {
      go_round(3001, nulls[i], kinds[k], (uint32_t)((i + k) % 3), k == 1 ? 64 : k == 2 ? 1013 : 0);
    }
  }
}

static void odd_lengths(void **state)
{
  (void)state;
  const size_t rows[] = {0, 1, 2, 7, 8, 9, 63, 64, 65, 1023, 1024, 1025};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    go_round(rows[i], 3, 5, GROVE_CODEC_SNAPPY, 0);
  }
}

static void several_pages(void **state)
{
  (void)state;
  const column_plan plans[] = {
      {"l", 1, UINT64_MAX}, {"u", 1, UINT64_MAX}, {"u", 0, 40}, {"c", 2, 10}, {"b", 4, 2}};
  grove_table *t = random_table(plans, 5, 300000, 5);
  grove_parquet_write_options o = {.struct_size = sizeof o, .codec = GROVE_CODEC_ZSTD};
  bytes file = write_table(t, &o);
  read_back(t, file, 0);
  read_back(t, file, 10007);
  free(file.p);
  grove_table_release(t);
}

// Each row group has a dictionary of texts of one length, which are read as numbers of that width where they lie as such:
// behind 999 texts of 3 bytes, numbers of 4 do not.
static void texts_of_one_length(void **state)
{
  enum { ROWS = 999, LENGTHS = 10 };
  static const size_t lengths[LENGTHS] = {3, 4, 1, 8, 2, 16, 17, 40, 3, 8};
  (void)state;
  for (int nulls = 0; nulls < 2; nulls++) {
    grove__column c = {.name = "t",
        .format = "u",
        .values_bytes = (ROWS * LENGTHS + 1) * sizeof(int32_t),
        .data_bytes = 110 * ROWS,
        .validity_bytes = nulls ? ROWS * LENGTHS / 8 + 1 : 0};
    int32_t *offsets = c.values = grove__alloc(&grove__allocator_malloc, c.values_bytes);
    char *text = c.data = grove__alloc(&grove__allocator_malloc, c.data_bytes);
    uint8_t *valid = c.validity =
        nulls ? grove__alloc_zero(&grove__allocator_malloc, c.validity_bytes) : NULL;
    assert_true(offsets && text && (valid || !nulls));
    uint64_t seed = 11;
    offsets[0] = 0;
    for (size_t i = 0; i < ROWS * LENGTHS; i++) {
      bool there = !nulls || grove__random_below(&seed, 5) > 0;
      size_t n = there ? lengths[i / ROWS] : 0;
      memset(text + offsets[i], 'a' + (int)grove__random_below(&seed, 20), n);
      offsets[i + 1] = offsets[i] + (int32_t)n;
      c.nulls += !there;
      if (nulls && there) {
        valid[i / 8] |= (uint8_t)(1 << i % 8);
      }
    }
    grove_table *t = NULL;
    check_ok(grove__table_build(&grove__allocator_malloc, &c, 1, ROWS * LENGTHS, &t, NULL));
    grove_parquet_write_options o = {
        .struct_size = sizeof o, .codec = GROVE_CODEC_NONE, .group_rows = ROWS};
    bytes file = write_table(t, &o);
    read_back(t, file, 0);
    read_back(t, file, 101);
    free(file.p);
    grove_table_release(t);
  }
}

// A slice: rows 3 to 3 + n of what was imported, as other producers hand tables over.
static void tables_with_an_offset(void **state)
{
  (void)state;
  const column_plan plans[] = {{"l", 2, 50}, {"u", 2, 50}, {"b", 2, 2}, {"d:20,3", 2, 50}};
  grove_table *t = random_table(plans, 4, 500, 9), *slice = NULL, *again = NULL;
  struct ArrowArray array;
  struct ArrowSchema schema;
  grove_error err;
  check_ok_err(grove_table_export(t, &array, &schema, &err), &err);
  array.offset = 3;
  array.length = 400;
  check_ok_err(grove_table_import(&array, &schema, &slice, &err), &err);
  bytes file = write_table(slice, NULL);
  read_back(slice, file, 64);
  free(file.p);
  grove_table_release(again);
  grove_table_release(slice);
  grove_table_release(t);
}

static void no_place_in_parquet(void **state)
{
  (void)state;
  const column_plan plans[] = {{"d:5,-2", 0, 50}};
  grove_table *t = random_table(plans, 1, 5, 9);
  grove_store *store = NULL;
  grove_writer *w = NULL;
  grove_error err = {0};
  char folder[] = "/tmp/grove_parquet_XXXXXX";
  char path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/x", folder);
  check_ok(grove_store_open(NULL, &store, NULL));
  check_ok(grove_store_write(store, path, &w, NULL));
  check_status(grove_parquet_write(t, NULL, w, &err), GROVE_ENOTSUP);
  check_contains(err.text, "column \"d:5,-2\": Parquet has no place for the format");
  grove_parquet_write_options o = {.struct_size = sizeof o, .codec = 9};
  check_status(grove_parquet_write(t, &o, w, &err), GROVE_EINVAL);
  o = (grove_parquet_write_options){.struct_size = sizeof o, .page_version = 3};
  check_status(grove_parquet_write(t, &o, w, &err), GROVE_EINVAL);
  check_contains(err.text, "page_version 3");
  static const char *const nowhere[] = {"nowhere", NULL};
  o = (grove_parquet_write_options){.struct_size = sizeof o, .bloom = nowhere};
  check_status(grove_parquet_write(t, &o, w, &err), GROVE_ENOENT);
  check_ok(grove_writer_close(w, 0, NULL));
  grove_store_close(store);
  assert_int_equal(rmdir(folder), 0);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_formats),
      cmocka_unit_test(odd_lengths),
      cmocka_unit_test(several_pages),
      cmocka_unit_test(texts_of_one_length),
      cmocka_unit_test(tables_with_an_offset),
      cmocka_unit_test(no_place_in_parquet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
