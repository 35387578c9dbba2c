// What the Parquet tests share: random tables, digests of tables, files in memory.
#ifndef GROVE_TESTS_PARQUET_FIXTURE_H
#define GROVE_TESTS_PARQUET_FIXTURE_H
#include "base/alloc.h"
#include "base/random.h"
#include "check.h"
#include "columnar/arrow.h"
#include "columnar/bitmap.h"
#include "columnar/build.h"
#include "columnar/layout.h"
#include <grove/parquet.h>
#include <unistd.h>

typedef struct bytes {
  uint8_t *p;
  size_t n;
} bytes;

// One column of random values. nulls_in_8: of 8 values, how many are null; kinds: of how many different values.
typedef struct column_plan {
  const char *format;
  unsigned nulls_in_8;
  uint64_t kinds;
} column_plan;

GROVE_MAYBE_UNUSED static void fill_text(
    grove__column *c, size_t rows, uint64_t kinds, uint64_t *seed)
{
  const grove_allocator *a = &grove__allocator_malloc;
  int32_t *offsets = c->values;
  c->data_bytes = rows * 24 + 1;
  c->data = grove__alloc_zero(a, c->data_bytes);
  assert_non_null(c->data);
  offsets[0] = 0;
  for (size_t i = 0; i < rows; i++) {
    uint64_t kind = grove__random_below(seed, kinds), mixed = grove__mix64(kind);
    size_t n = kind == 0 ? 0 : 1 + mixed % 22;
    char *to = (char *)c->data + offsets[i];
    for (size_t k = 0; k < n; k++) {
      to[k] = (char)('!' + (mixed >> (k % 50)) % 90);
    }
    offsets[i + 1] = offsets[i] + (int32_t)n;
  }
}

GROVE_MAYBE_UNUSED static void fill_column(
    grove__column *c, const column_plan *plan, size_t rows, uint64_t *seed)
{
  const grove_allocator *a = &grove__allocator_malloc;
  grove__layout layout;
  check_ok(grove__layout_read(plan->format, &layout));
  memset(c, 0, sizeof *c);
  c->name = plan->format;
  c->format = plan->format;
  if (layout.shape == GROVE__SHAPE_NULL) {
    return;
  }
  size_t width = layout.shape == GROVE__SHAPE_BITS ? 1 : layout.width;
  c->values_bytes = (rows + 1) * width;
  c->values = grove__alloc_zero(a, c->values_bytes);
  assert_non_null(c->values);
  for (size_t i = 0; i < rows && layout.shape != GROVE__SHAPE_TEXT; i++) {
    uint64_t v[4] = {grove__mix64(grove__random_below(seed, plan->kinds)), 0, 0, 0};
    v[0] = strncmp(plan->format, "tts", 3) == 0 || strncmp(plan->format, "tss", 3) == 0
               ? v[0] % 86400
               : v[0];
    v[1] = layout.width == 16 && (int64_t)v[0] < 0 ? UINT64_MAX : 0;
    memcpy((uint8_t *)c->values + i * width, v, width < sizeof v ? width : sizeof v);
  }
  if (layout.shape == GROVE__SHAPE_TEXT) {
    fill_text(c, rows, plan->kinds, seed);
  }
  if (plan->nulls_in_8) {
    c->validity_bytes = rows / 8 + 1;
    c->validity = grove__alloc_zero(a, c->validity_bytes);
    assert_non_null(c->validity);
    for (size_t i = 0; i < rows; i++) {
      if (grove__random_below(seed, 8) < plan->nulls_in_8) {
        c->nulls++;
      } else {
        grove__bit_set(c->validity, (int64_t)i);
      }
    }
  }
}

GROVE_MAYBE_UNUSED static grove_table *random_table(
    const column_plan *plans, size_t n, size_t rows, uint64_t seed)
{
  grove__column columns[40];
  grove_table *t = NULL;
  grove_error err;
  assert_true(n <= 40);
  for (size_t i = 0; i < n; i++) {
    fill_column(&columns[i], &plans[i], rows, &seed);
  }
  check_ok_err(grove__table_build(&grove__allocator_malloc, columns, n, rows, &t, &err), &err);
  return t;
}

// Mixes in n bytes.
GROVE_MAYBE_UNUSED static uint64_t mix_bytes(uint64_t h, const void *p, size_t n)
{
  h = grove__mix64(h ^ n);
  for (const uint8_t *at = p; n;) {
    uint64_t word = 0;
    size_t take = n < sizeof word ? n : sizeof word;
    memcpy(&word, at, take);
    h = grove__mix64(h ^ word);
    at += take;
    n -= take;
  }
  return h;
}

GROVE_MAYBE_UNUSED static uint64_t hash_row(
    const grove__column_view *v, const grove__layout *layout, int64_t row);

// A list: its items; a struct: its fields.
GROVE_MAYBE_UNUSED static uint64_t hash_nested(const grove__column_view *v, int64_t row)
{
  int64_t from = 0, to = (int64_t)v->n_children;
  bool list = grove__view_items(v, row, &from, &to);
  uint64_t h = grove__mix64((uint64_t)(to - from) ^ (list ? 0x6c697374 : 0x73747274));
  for (int64_t k = from; k < to; k++) {
    grove__column_view child;
    grove__layout layout;
    grove__view_child(v, list ? 0 : (size_t)k, &child);
    check_ok(grove__layout_any(child.format, &layout));
    h = grove__mix64(h ^ hash_row(&child, &layout, list ? k : row));
  }
  return h;
}

// What a row of a column says: nothing of how it lies in memory. conformance_good.py computes the same.
GROVE_MAYBE_UNUSED static uint64_t hash_row(
    const grove__column_view *v, const grove__layout *layout, int64_t row)
{
  int64_t i = v->offset + row;
  const int32_t *offsets = v->values;
  if (layout->shape == GROVE__SHAPE_NULL || (v->validity && !grove__bit_get(v->validity, i))) {
    return grove__mix64(0x6e756c6c);
  }
  if (v->nested) {
    return hash_nested(v, row);
  }
  switch (layout->shape) {
  case GROVE__SHAPE_BITS: return grove__mix64(grove__bit_get(v->values, i));
  case GROVE__SHAPE_TEXT:
    return mix_bytes(0, (const char *)v->data + offsets[i], (size_t)(offsets[i + 1] - offsets[i]));
  default: return mix_bytes(0, (const char *)v->values + (size_t)i * layout->width, layout->width);
  }
}

// A number that two tables share if their columns have equal names and values. `sums`: one a column, zero at first;
// `before`: rows that were taken in already.
GROVE_MAYBE_UNUSED static void digest_rows(const grove_table *t, uint64_t before, uint64_t *sums)
{
  for (size_t i = 0; i < grove_table_columns(t); i++) {
    grove__column_view v;
    grove__layout layout;
    grove__table_view(t, i, &v);
    check_ok(grove__layout_any(v.format, &layout));
    for (size_t row = 0; row < grove_table_rows(t); row++) {
      sums[i] += grove__mix64(hash_row(&v, &layout, (int64_t)row) ^ grove__mix64(before + row + 1));
    }
  }
}

GROVE_MAYBE_UNUSED static uint64_t digest_columns(const grove_table *t, const uint64_t *sums)
{
  uint64_t all = grove_table_columns(t);
  for (size_t i = 0; i < grove_table_columns(t); i++) {
    all = mix_bytes(all, grove_table_name(t, i), strlen(grove_table_name(t, i)));
    all = grove__mix64(all ^ sums[i]);
  }
  return all;
}

GROVE_MAYBE_UNUSED static uint64_t digest(const grove_table *t)
{
  uint64_t sums[256] = {0};
  assert_true(grove_table_columns(t) <= 256);
  digest_rows(t, 0, sums);
  return digest_columns(t, sums);
}

// The same of a stream; *rows gets their number. A failing stream fails the test.
GROVE_MAYBE_UNUSED static uint64_t digest_stream(grove_parquet *p, uint64_t *rows)
{
  uint64_t sums[256] = {0};
  uint64_t all = 0;
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  struct ArrowSchema schema;
  grove_error err;
  check_ok_err(grove_parquet_stream(p, 0, 0, &stream, &err), &err);
  *rows = 0;
  for (;;) {
    grove_table *t = NULL;
    if (stream.get_next(&stream, &batch)) {
      fail_msg("%s", stream.get_last_error(&stream));
    }
    if (!batch.release) {
      break;
    }
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    check_ok_err(grove_table_import(&batch, &schema, &t, &err), &err);
    digest_rows(t, *rows, sums);
    *rows += grove_table_rows(t);
    all = digest_columns(t, sums);
    grove_table_release(t);
  }
  stream.release(&stream);
  return all;
}

GROVE_MAYBE_UNUSED static bytes load_file(const char *path)
{
  bytes b = {NULL, 0};
  FILE *f = fopen(path, "rb");
  if (!f) {
    return b;
  }
  fseek(f, 0, SEEK_END);
  b.n = (size_t)ftell(f);
  rewind(f);
  b.p = malloc(b.n + 1);
  assert_non_null(b.p);
  assert_int_equal(fread(b.p, 1, b.n, f), b.n);
  fclose(f);
  return b;
}

// A table as the bytes of a file; the caller frees them.
GROVE_MAYBE_UNUSED static bytes write_table(
    const grove_table *t, const grove_parquet_write_options *o)
{
  char path[] = "/tmp/grove_parquet_XXXXXX";
  grove_store *store = NULL;
  grove_writer *w = NULL;
  grove_error err;
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  check_ok(grove_store_open(NULL, &store, NULL));
  check_ok_err(grove_store_write(store, path, &w, &err), &err);
  check_ok_err(grove_parquet_write(t, o, w, &err), &err);
  check_ok_err(grove_writer_close(w, 1, &err), &err);
  grove_store_close(store);
  bytes b = load_file(path);
  unlink(path);
  return b;
}

// Reads what was written: at once and as a stream, in batches of so many rows (0: the default).
GROVE_MAYBE_UNUSED static void read_back(const grove_table *t, bytes file, uint32_t batch_rows)
{
  grove_source source;
  grove_parquet *p = NULL;
  grove_table *again = NULL;
  grove_error err;
  uint64_t rows = 0;
  grove_source_of_memory(file.p, file.n, &source);
  grove_parquet_options o = {GROVE_PARQUET, .batch_rows = batch_rows};
  check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
  assert_int_equal(grove_parquet_rows(p), grove_table_rows(t));
  check_ok_err(grove_parquet_read(p, 0, 0, &again, &err), &err);
  assert_int_equal(grove_table_rows(again), grove_table_rows(t));
  assert_int_equal(grove_table_columns(again), grove_table_columns(t));
  assert_true(digest(again) == digest(t));
  if (grove_table_rows(t)) {
    assert_true(digest_stream(p, &rows) == digest(t));
  }
  assert_int_equal(rows, grove_table_rows(t));
  check_ok_err(grove_parquet_check(p, &err), &err);
  grove_table_release(again);
  grove_parquet_close(p);
}
#endif
