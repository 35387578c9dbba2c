// memory_bytes: whatever is read, by whatever way, no more is taken, nothing is left, and who is refused hears of the limit.
#include "base/status.h"
#include "nested_table.h"
#include "parquet/codec.h"
#include "parquet/format.h"
#include <zlib.h>

// A footer's last 64 KiB are looked at in any case; a batch's own struct and a spare's are not counted.
enum { SLACK = 96 * 1024, PEAK_STREAM = 0, PEAK_READ, PEAK_CHECK, PEAK_SURVEY, WAYS };

static grove_status stream_all(grove_parquet *p, uint64_t *rows, grove_error *err)
{
  struct ArrowArrayStream in;
  struct ArrowArray batch;
  GROVE__TRY(grove_parquet_stream(p, 0, 0, &in, err));
  int code;
  while ((code = in.get_next(&in, &batch)) == 0 && batch.release) {
    *rows += (uint64_t)batch.length;
    batch.release(&batch);
  }
  grove_status s = code ? GROVE_ELIMIT : GROVE_OK; // what else it may be, its words say
  if (code) {
    snprintf(err->text, sizeof err->text, "%s", in.get_last_error(&in));
  }
  in.release(&in);
  return s;
}

static grove_status go(grove_parquet *p, int way, uint64_t *rows, grove_error *err)
{
  grove_table *t = NULL;
  grove_parquet_survey_result found = {.struct_size = sizeof found};
  switch (way) {
  case PEAK_STREAM: return stream_all(p, rows, err);
  case PEAK_READ: {
    grove_status s = grove_parquet_read(p, 0, 0, &t, err);
    *rows = grove_table_rows(t);
    grove_table_release(t);
    return s;
  }
  case PEAK_CHECK: *rows = grove_parquet_rows(p); return grove_parquet_check(p, err);
  default: *rows = grove_parquet_rows(p); return grove_parquet_survey(p, NULL, NULL, &found, err);
  }
}

// Whether the file can be read that way; *rows gets what was.
static bool fits(bytes file, grove_parquet_options o, int way, uint64_t limit, uint64_t *rows)
{
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  grove_source source;
  grove_parquet *p = NULL;
  grove_error err = {0};
  *rows = 0;
  o.memory_bytes = limit;
  o.allocator = &a;
  grove_source_of_memory(file.p, file.n, &source);
  grove_status s = grove_parquet_open(&source, &o, &p, &err);
  size_t opened = m.live_bytes, open_peak = m.peak_bytes;
  m.peak_bytes = opened;
  s = s ? s : go(p, way, rows, &err);
  if (open_peak > limit + SLACK || m.peak_bytes - opened > limit + SLACK) {
    fail_msg("way %d: %zu bytes to open, %zu to read, and the limit is %llu", way, open_peak, m.peak_bytes - opened,
        (unsigned long long)limit);
  }
  if (s) {
    check_status(s, GROVE_ELIMIT);
    check_contains(err.text, "memory_bytes");
  }
  grove_parquet_close(p);
  assert_int_equal(m.live_blocks, 0);
  return !s;
}

// All ways, for limits from `least` on: those from `enough` on have to do, but for a read, which keeps all of it.
static void sweep(bytes file, grove_parquet_options o, uint64_t least, uint64_t enough, uint64_t all)
{
  for (int way = 0; way < WAYS; way++) {
    for (uint64_t limit = least; limit <= 2 * enough; limit += limit / 3) {
      uint64_t rows;
      bool good = fits(file, o, way, limit, &rows);
      if (limit >= enough && way != PEAK_READ) {
        if (!good || rows != all) {
          fail_msg("way %d, limit %llu: %llu rows", way, (unsigned long long)limit, (unsigned long long)rows);
        }
      }
    }
  }
}

// Texts of `length` bytes, of so many kinds, beside a row number.
static bytes write_texts(size_t rows, size_t length, size_t kinds, uint32_t page_rows, bool plain)
{
  const grove_allocator *a = &grove__allocator_malloc;
  grove__column c[2] = {{.name = "n", .format = "l", .values_bytes = rows * 8},
      {.name = "t", .format = "u", .values_bytes = (rows + 1) * 4, .data_bytes = rows * length}};
  c[0].values = grove__alloc_zero(a, c[0].values_bytes);
  c[1].values = grove__alloc_zero(a, c[1].values_bytes);
  c[1].data = grove__alloc_zero(a, c[1].data_bytes);
  for (size_t i = 0; i < rows; i++) {
    char *to = (char *)c[1].data + i * length;
    memset(to, 'a' + (int)(i % 26), length);
    snprintf(to, length, "%zu", i % kinds);
    to[strlen(to)] = '.';
    ((int64_t *)c[0].values)[i] = (int64_t)i;
    ((int32_t *)c[1].values)[i + 1] = (int32_t)((i + 1) * length);
  }
  grove_table *t = NULL;
  check_ok(grove__table_build(a, c, 2, rows, &t, NULL));
  const grove_parquet_write_options o = {
      .struct_size = sizeof o, .page_rows = page_rows, .no_dictionary = plain, .codec = GROVE_CODEC_SNAPPY};
  bytes file = write_table(t, &o);
  grove_table_release(t);
  return file;
}

// A batch of the usual length would be 16 MB of them: how many rows there is room for is found by reading.
static void long_texts(void **state)
{
  (void)state;
  bytes file = write_texts(20000, 1000, 20000, 500, true);
  sweep(file, (grove_parquet_options){GROVE_PARQUET}, 600000, 3 << 20, 20000);
  free(file.p);
}

// What a rule passes over within a page is decoded, some rows at a time.
static void texts_that_are_passed_over(void **state)
{
  (void)state;
  uint64_t rows;
  bytes file = write_texts(60000, 1000, 100, 0, false);
  grove_parquet_options o = {GROVE_PARQUET, .rule = "n >= 59990", .columns = (const char *const[]){"t", NULL}};
  for (uint64_t limit = 1 << 20; limit < 16 << 20; limit += limit / 2) {
    bool good = fits(file, o, PEAK_STREAM, limit, &rows);
    if (limit > 3 << 20) {
      assert_true(good && rows >= 10 && rows < 16384);
    }
  }
  free(file.p);
}

static bytes write_many(size_t columns, size_t rows, uint32_t page_rows)
{
  const grove_allocator *a = &grove__allocator_malloc;
  grove__column *c = grove__alloc_zero(a, columns * sizeof *c);
  char(*names)[32] = grove__alloc_zero(a, columns * sizeof *names);
  grove_table *t = NULL;
  for (size_t i = 0; i < columns; i++) {
    snprintf(names[i], sizeof names[i], "column_%zu", i);
    c[i] = (grove__column){.name = names[i], .format = "l", .values_bytes = rows * 8};
    c[i].values = grove__alloc_zero(a, rows * 8);
    for (size_t k = 0; k < rows; k++) {
      ((uint64_t *)c[i].values)[k] = grove__mix64(i * rows + k);
    }
  }
  check_ok(grove__table_build(a, c, columns, rows, &t, NULL));
  const grove_parquet_write_options o = {
      .struct_size = sizeof o, .page_rows = page_rows, .no_dictionary = 1, .codec = GROVE_CODEC_SNAPPY};
  bytes file = write_table(t, &o);
  grove_table_release(t);
  grove__free(a, c, columns * sizeof *c);
  grove__free(a, names, columns * sizeof *names);
  return file;
}

// Scans and structs are more than what is in such columns.
static void columns_of_little(void **state)
{
  (void)state;
  bytes file = write_many(1500, 4, 0);
  sweep(file, (grove_parquet_options){GROVE_PARQUET}, 200000, 8 << 20, 4);
  free(file.p);
}

// The first columns may not read so far ahead that the last find no room for a page.
static void windows_of_all(void **state)
{
  (void)state;
  bytes file = write_many(60, 20000, 500);
  sweep(file, (grove_parquet_options){GROVE_PARQUET}, 200000, 2 << 20, 20000);
  free(file.p);
}

static void lists(void **state)
{
  static const char *const specs[] = {"+l(l)", "+m(u;+l(g))", "+l(+s(u;l))"};
  (void)state;
  grove_table *t = nested_table(specs, 3, 40000, 2, 1000, 5);
  bytes file = write_table(t, &(grove_parquet_write_options){
                                  .struct_size = sizeof(grove_parquet_write_options), .page_rows = 1000});
  sweep(file, (grove_parquet_options){GROVE_PARQUET}, 200000, 3 << 20, 40000);
  free(file.p);
  grove_table_release(t);
}

// The offsets of a list are made while the items of the one before wait for their table.
static void offsets_beside_items(void **state)
{
  static const char *const specs[] = {"+l(+s(+l(l);+l(l);+l(l)))"};
  uint64_t rows;
  bool good = false;
  (void)state;
  grove_table *t = nested_table(specs, 1, 60000, 0, 1000, 5);
  bytes file = write_table(t, &(grove_parquet_write_options){
                                  .struct_size = sizeof(grove_parquet_write_options), .page_rows = 1000});
  for (uint64_t limit = 1 << 20; limit < 12 << 20; limit += 100000) {
    good = fits(file, (grove_parquet_options){GROVE_PARQUET}, PEAK_READ, limit, &rows);
  }
  assert_true(good);
  free(file.p);
  grove_table_release(t);
}

// A footer's blocks count whole, and what does not fit behind it is refused for the same reason.
static void footers(void **state)
{
  column_plan plans[40];
  uint64_t rows;
  (void)state;
  for (size_t i = 0; i < 40; i++) {
    plans[i] = (column_plan){"l", 0, 50};
  }
  grove_table *t = random_table(plans, 40, 300, 1);
  bytes file = write_table(
      t, &(grove_parquet_write_options){.struct_size = sizeof(grove_parquet_write_options), .group_rows = 1});
  bool good = false;
  for (uint64_t limit = 100000; limit < 6 << 20; limit += 40000) {
    good = fits(file, (grove_parquet_options){GROVE_PARQUET}, PEAK_STREAM, limit, &rows);
  }
  assert_true(good);
  free(file.p);
  grove_table_release(t);
}

static void names_behind_a_footer(void **state)
{
  enum { COLUMNS = 400 };
  static const char *columns[COLUMNS + 1], *formats[COLUMNS];
  static char names[COLUMNS][32];
  uint64_t rows;
  (void)state;
  for (size_t i = 0; i < COLUMNS; i++) {
    snprintf(names[i], sizeof names[i], "COLUMN_%zu", i);
    columns[i] = names[i];
    formats[i] = "d:20,0";
  }
  bytes file = write_many(COLUMNS, 2, 0);
  grove_parquet_options o = {GROVE_PARQUET, .columns = columns, .formats = formats, .rule = "column_3 != 0"};
  for (uint64_t limit = 130000; limit < 260000; limit += 1000) {
    (void)fits(file, o, PEAK_STREAM, limit, &rows);
  }
  assert_true(fits(file, o, PEAK_STREAM, 4 << 20, &rows));
  free(file.p);
}

static grove_status count_text(void *user, const char *key, const char *value, size_t n)
{
  (void)value;
  *(size_t *)user += key && !strncmp(key, "key", 3) ? n : 0;
  return GROVE_OK;
}

// Footer and copies of its texts together.
static void metadata(void **state)
{
  enum { PAIRS = 8, BYTES = 300000 };
  const char *pairs[2 * PAIRS + 1] = {NULL};
  char *value = malloc(BYTES + 1);
  (void)state;
  memset(value, 'v', BYTES);
  value[BYTES] = 0;
  for (size_t i = 0; i < PAIRS; i++) {
    pairs[2 * i] = "key";
    pairs[2 * i + 1] = value;
  }
  grove_table *t = random_table(&(column_plan){"l", 0, 50}, 1, 5, 1);
  bytes file = write_table(t, &(grove_parquet_write_options){
                                  .struct_size = sizeof(grove_parquet_write_options), .metadata = pairs});
  for (uint64_t limit = PAIRS * BYTES + 20000; limit < PAIRS * BYTES + 2 * BYTES; limit += BYTES / 4) {
    check_memory m = {0};
    grove_allocator a = check_allocator(&m);
    const grove_parquet_options o = {GROVE_PARQUET, .memory_bytes = limit, .allocator = &a};
    grove_source source;
    grove_parquet *p = NULL;
    grove_error err = {0};
    size_t told = 0;
    grove_source_of_memory(file.p, file.n, &source);
    check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
    m.peak_bytes = 0;
    size_t opened = m.live_bytes;
    grove_status s = grove_parquet_metadata(p, count_text, &told, &err);
    assert_true(m.peak_bytes - opened <= limit);
    if (s) {
      check_status(s, GROVE_ELIMIT);
      check_contains(err.text, "a text of a file's metadata needs");
    }
    assert_int_equal(s == GROVE_OK, limit > PAIRS * (BYTES + 8) + BYTES + 2000);
    assert_true(s || told == PAIRS * BYTES);
    grove_parquet_close(p);
    assert_int_equal(m.live_blocks, 0);
  }
  free(file.p);
  free(value);
  grove_table_release(t);
}

// What decompressors keep for themselves is the read's, too: brotli's window alone may be 16 MiB.
static void codecs(void **state)
{
  static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x04, 0x21, 0x00, 0x00, 'a', 'b', 'c', 'd'};
  static const uint8_t brotli[] = {0x8b, 0x01, 0x80, 'a', 'b', 'c', 'd', 0x03};
  uint8_t packed[64], out[8];
  uLongf n = sizeof packed;
  (void)state;
  assert_int_equal(compress(packed, &n, (const uint8_t *)"abcd", 4), Z_OK);
  const struct {
    int32_t id;
    const uint8_t *p;
    size_t n;
    bool keeps; // until it is freed
  } cases[] = {{GROVE__CODEC_ZSTD, zstd, sizeof zstd, true}, {GROVE__CODEC_GZIP, packed, n, true},
      {GROVE__CODEC_BROTLI, brotli, sizeof brotli, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!grove__codec_is_read(cases[i].id)) {
      continue;
    }
    for (uint64_t most = 0; most <= 1 << 20; most += most ? most : 500) {
      check_memory m = {0};
      grove__budget b = {.allocator = check_allocator(&m), .most = most};
      grove__codec c = {.budget = &b};
      grove_status why = GROVE_OK;
      for (int twice = 0; twice < 2; twice++) {
        const char *flaw = grove__codec_unpack(&c, cases[i].id, cases[i].p, cases[i].n, out, 4, &why);
        assert_true(!most || b.used <= most);
        if (flaw) {
          check_status(why, GROVE_ELIMIT);
          assert_true(most && most <= 256 * 1024);
        } else {
          assert_memory_equal(out, "abcd", 4);
          assert_true(most != 500);
          assert_true(!cases[i].keeps || b.used > 5000);
        }
      }
      grove__codec_free(&c);
      assert_int_equal(b.used, 0);
      assert_int_equal(m.live_blocks, 0);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(long_texts),
      cmocka_unit_test(texts_that_are_passed_over),
      cmocka_unit_test(columns_of_little),
      cmocka_unit_test(windows_of_all),
      cmocka_unit_test(lists),
      cmocka_unit_test(offsets_beside_items),
      cmocka_unit_test(footers),
      cmocka_unit_test(names_behind_a_footer),
      cmocka_unit_test(metadata),
      cmocka_unit_test(codecs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
