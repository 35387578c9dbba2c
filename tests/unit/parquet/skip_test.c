// Rows of lists that a rule passes over: whole pages of them are not decoded, those of version 2 not even unpacked, and
// what comes behind is right wherever pages and batches begin.
#include "nested_table.h"
#include "parquet/footer.h"
#include "parquet/format.h"
#include "parquet/page.h"

enum { ROWS = 200, PAGE_ROWS = 10 };

// "row" counts; beside it lists of texts, lists of lists, and maps.
static grove_table *make_table(void)
{
  static const char *const specs[] = {"+l(u)", "+l(+l(l))", "+m(u;+l(i))"};
  return table_of_specs(specs, 3, ROWS, 1, UINT64_MAX, 5, true);
}

// Behind the levels of a page, up to its end, bytes that are no values.
static void spoil_values(uint8_t *body, const grove__page_head *h, unsigned levels)
{
  size_t at = 0;
  if (h->type == GROVE__PAGE_DATA_V2) {
    at = (size_t)h->repetition_bytes + (size_t)h->levels_bytes;
  }
  for (unsigned i = 0; h->type == GROVE__PAGE_DATA && i < levels; i++) {
    uint32_t n;
    memcpy(&n, body + at, 4);
    at += 4 + n;
  }
  memset(body + at, 0xff, h->packed - at);
}

// Of the leaves in lists, the values of all pages before the n-th.
static void spoil_pages(bytes file, size_t n)
{
  grove__footer f;
  uint32_t footer;
  memcpy(&footer, file.p + file.n - 8, 4);
  uint64_t at = file.n - 8 - footer;
  check_ok(grove__footer_read(
      &f, &grove__allocator_malloc, 0, 0, file.p + at, (size_t)(file.n - 8 - at), at, NULL));
  for (size_t leaf = 1; leaf < f.n_leaves; leaf++) {
    uint64_t page = f.groups[0].chunks[leaf].start;
    for (size_t i = 0; i < n; i++) {
      grove__page_head h;
      size_t used = 0;
      bool cut = false;
      assert_null(grove__page_head_read(&h, file.p + page, (size_t)(file.n - page), &used, &cut));
      spoil_values(file.p + page + used, &h, 2);
      page += used + h.packed;
    }
  }
  grove__footer_free(&f);
}

// Whether the rows that come are those of the table, of which `row` says where they stand; and the last one is there.
static grove_status stream(bytes file, const grove_table *t, const char *rule, uint32_t batch_rows,
    uint64_t *rows, grove_error *err)
{
  grove_source source;
  grove_parquet *p = NULL;
  struct ArrowArrayStream in;
  struct ArrowArray batch;
  struct ArrowSchema schema;
  grove_parquet_options o = {GROVE_PARQUET, .rule = rule, .batch_rows = batch_rows, .no_crc = 1};
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, &o, &p, err), err);
  check_ok_err(grove_parquet_stream(p, 0, 0, &in, err), err);
  int failed;
  *rows = 0;
  while ((failed = in.get_next(&in, &batch)) == 0 && batch.release) {
    grove_table *got = NULL, *want = NULL;
    uint64_t at[ROWS];
    double numbers[ROWS];
    assert_int_equal(in.get_schema(&in, &schema), 0);
    check_ok_err(grove_table_import(&batch, &schema, &got, err), err);
    size_t n = grove_table_rows(got);
    check_ok_err(grove_table_doubles(got, 0, 0, n, numbers, err), err);
    for (size_t i = 0; i < n; i++) {
      at[i] = (uint64_t)numbers[i];
    }
    check_ok_err(grove_table_take(t, at, n, &want, err), err);
    assert_true(digest(got) == digest(want));
    *rows += n;
    grove_table_release(want);
    grove_table_release(got);
  }
  if (failed) {
    snprintf(err->text, sizeof err->text, "%s", in.get_last_error(&in));
  }
  in.release(&in);
  grove_parquet_close(p);
  return failed ? GROVE_ECORRUPT : GROVE_OK;
}

static void spoiled_pages_are_passed_over(void **state)
{
  (void)state;
  grove_table *t = make_table();
  const grove_parquet_write_options forms[] = {
      {.struct_size = sizeof forms[0], .page_version = 2, .codec = GROVE_CODEC_ZSTD},
      {.struct_size = sizeof forms[0], .page_version = 2, .codec = GROVE_CODEC_NONE},
      {.struct_size = sizeof forms[0], .page_version = 1, .codec = GROVE_CODEC_NONE}};
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    grove_parquet_write_options o = forms[i];
    o.page_rows = PAGE_ROWS;
    o.no_dictionary = 1;
    bytes file = write_table(t, &o);
    uint64_t rows;
    grove_error err = {0};
    spoil_pages(file, 18);
    assert_int_equal(stream(file, t, NULL, 10, &rows, &err), GROVE_ECORRUPT);
    check_contains(err.text, "row group 0, column \"+l(u).list.element\", page 0");
    for (uint32_t batch = 1; batch < 19; batch++) { // some begin in the page before the last one that is wanted
      check_ok_err(stream(file, t, "row >= 198", batch, &rows, &err), &err);
      assert_true(rows >= 2 && rows <= batch + 1);
    }
    free(file.p);
  }
  grove_table_release(t);
}

static void any_rows_by_any_batches(void **state)
{
  (void)state;
  grove_table *t = make_table();
  for (uint32_t i = 0; i < 12; i++) {
    const grove_parquet_write_options o = {.struct_size = sizeof o,
        .page_version = 1 + i % 2,
        .codec = i % 3,
        .page_rows = 1 + 7 * (i / 2),
        .group_rows = i % 5 ? 0 : 90};
    bytes file = write_table(t, &o);
    for (unsigned low = 0; low < ROWS; low += 9) {
      char rule[80];
      uint64_t rows;
      grove_error err = {0};
      snprintf(rule, sizeof rule, "row == %u or row == %u or row == 199", low, low + 30);
      check_ok_err(stream(file, t, rule, 1 + low % 13, &rows, &err), &err);
      assert_true(rows >= 2);
    }
    free(file.p);
  }
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spoiled_pages_are_passed_over),
      cmocka_unit_test(any_rows_by_any_batches),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
