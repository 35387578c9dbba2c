// Damaged files: never a crash, never a wild read, memory within the limit, and a status with words. Under the
// sanitizers these tests say most.
#include "parquet/format.h"
#include "parquet/page.h"
#include "nested_table.h"

enum { LIMIT_BYTES = 8 << 20, ROWS_MAX = 1 << 20 };

static const column_plan plans[] = {{"l", 2, 40}, {"u", 2, 9}, {"c", 0, 5}, {"b", 3, 2},
    {"g", 1, UINT64_MAX}, {"d:20,2", 1, 30}, {"n", 8, 1}, {"u", 0, UINT64_MAX}};
enum { PLANS = sizeof plans / sizeof plans[0] };

static bytes small_file(uint32_t codec)
{
  grove_table *t = random_table(plans, PLANS, 60, 7);
  grove_parquet_write_options o = {.struct_size = sizeof o, .codec = codec, .group_rows = 40};
  bytes b = write_table(t, &o);
  grove_table_release(t);
  return b;
}

// Takes the batches of a stream, whatever comes.
static void drain(grove_parquet *p)
{
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  grove_error err;
  if (grove_parquet_stream(p, 0, 0, &stream, &err)) {
    return;
  }
  for (int64_t rows = 0; rows < ROWS_MAX;) {
    if (stream.get_next(&stream, &batch)) {
      assert_non_null(stream.get_last_error(&stream));
      break;
    }
    if (!batch.release) {
      break;
    }
    rows += batch.length;
    batch.release(&batch);
  }
  stream.release(&stream);
}

// Reads all there is; `source` is damaged in some way. Gives the status of the table's read.
static grove_status read_all(const grove_source *source, grove_error *err)
{
  check_memory memory = {0};
  grove_allocator a = check_allocator(&memory);
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  grove_parquet_options o = {
      GROVE_PARQUET, .no_crc = 1, .batch_rows = 17, .memory_bytes = LIMIT_BYTES, .allocator = &a};
  memset(err, 0, sizeof *err);
  grove_status s = grove_parquet_open(source, &o, &p, err);
  if (!s) {
    s = grove_parquet_read(p, 0, 0, &t, err);
    if (grove_parquet_rows(p) < ROWS_MAX) {
      drain(p);
    }
  }
  if (s) {
    assert_int_equal(err->status, s);
    assert_true(err->text[0] != 0);
  }
  grove_table_release(t);
  grove_parquet_close(p);
  assert_int_equal(memory.live_blocks, 0);
  assert_true(memory.peak_bytes < LIMIT_BYTES + (1 << 20));
  return s;
}

static grove_status read_bytes(const uint8_t *p, size_t n)
{
  grove_source source;
  grove_error err;
  // Of exactly the size, so that a byte too far is seen.
  uint8_t *copy = malloc(n ? n : 1);
  assert_non_null(copy);
  memcpy(copy, p, n);
  grove_source_of_memory(copy, n, &source);
  grove_status s = read_all(&source, &err);
  free(copy);
  return s;
}

// Each byte of a file, pages and footer alike, set to `n` of what fields, counts and lengths like least.
static void every_byte(uint32_t codec, size_t n)
{
  static const uint8_t values[] = {0, 0xff, 0x80, 0x7f, 1, 2};
  bytes file = small_file(codec);
  size_t refused = 0;
  assert_int_equal(read_bytes(file.p, file.n), GROVE_OK);
  for (size_t i = 0; i < file.n; i++) {
    uint8_t old = file.p[i];
    for (size_t k = 0; k < n; k++) {
      file.p[i] = values[k];
      refused += read_bytes(file.p, file.n) != GROVE_OK;
    }
    file.p[i] = (uint8_t)(old + 1);
    refused += read_bytes(file.p, file.n) != GROVE_OK;
    file.p[i] = old;
  }
  assert_true(refused > file.n / 2); // most of what is not a value is noticed
  free(file.p);
}

static void every_byte_plain(void **state)
{
  (void)state;
  every_byte(GROVE_CODEC_NONE, 6);
}

static void every_byte_snappy(void **state)
{
  (void)state;
  every_byte(GROVE_CODEC_SNAPPY, 1);
}

static void every_byte_zstd(void **state)
{
  (void)state;
  every_byte(GROVE_CODEC_ZSTD, 1);
}

// A varint where a byte was: what a count looks like that was made huge.
static void huge_numbers(void **state)
{
  (void)state;
  static const uint8_t huge[][6] = {{0xff, 0xff, 0xff, 0xff, 0x0f}, {0xfe, 0xff, 0xff, 0xff, 0x0f},
      {0x80, 0x80, 0x80, 0x80, 0x08}, {0xff, 0xff, 0xff, 0xff, 0x7f}, {0x80, 0x80, 0x40}};
  bytes file = small_file(GROVE_CODEC_NONE);
  uint8_t *longer = malloc(file.n + 8);
  assert_non_null(longer);
  for (size_t i = 4; i < file.n - 8; i += 3) {
    for (size_t k = 0; k < sizeof huge / sizeof huge[0]; k++) {
      size_t n = strlen((const char *)huge[k]);
      memcpy(longer, file.p, i);
      memcpy(longer + i, huge[k], n);
      memcpy(longer + i + n, file.p + i + 1, file.n - i - 1);
      // The footer's length stays right if the change is in it.
      size_t end = file.n + n - 1;
      uint32_t footer;
      memcpy(&footer, longer + end - 8, 4);
      if (i >= file.n - 8 - footer) {
        footer += (uint32_t)n - 1;
        memcpy(longer + end - 8, &footer, 4);
      }
      grove_status s = read_bytes(longer, end);
      (void)s; // some bytes are values, and any value will do
    }
  }
  free(longer);
  free(file.p);
}

static void random_damage(void **state)
{
  (void)state;
  for (uint64_t first = 0; first < 1500; first++) {
    uint64_t seed = first;
    static bytes files[3];
    bytes *file = &files[first % 3];
    if (!file->p) {
      *file = small_file((uint32_t)(first % 3));
    }
    uint8_t *copy = malloc(file->n);
    assert_non_null(copy);
    memcpy(copy, file->p, file->n);
    for (size_t flips = 1 + grove__random_below(&seed, 6); flips; flips--) {
      copy[grove__random_below(&seed, file->n)] = (uint8_t)grove__random_next(&seed);
    }
    grove_status s = read_bytes(copy, file->n);
    (void)s;
    free(copy);
  }
}

// ---- sources that end early -----------------------------------------------------------------------

typedef struct ending {
  bytes file;
  uint64_t ends, footer;
} ending;

static grove_status read_until(void *user, uint64_t offset, void *out, size_t n, grove_error *err)
{
  const ending *e = user;
  // The footer is whole: else only the check of the tail would be tested.
  if (offset < e->footer && offset + n > e->ends) {
    if (err) {
      memset(err, 0, sizeof *err);
      err->status = GROVE_EIO;
      strcpy(err->text, "it ends early");
    }
    return GROVE_EIO;
  }
  assert_true(offset + n <= e->file.n);
  memcpy(out, e->file.p + offset, n);
  return GROVE_OK;
}

static void source_ends_early(void **state)
{
  (void)state;
  column_plan wide[] = {{"l", 1, UINT64_MAX}, {"u", 1, UINT64_MAX}};
  grove_table *t = random_table(wide, 2, 20000, 3);
  grove_parquet_write_options o = {
      .struct_size = sizeof o, .codec = GROVE_CODEC_SNAPPY, .group_rows = 4000};
  ending e = {.file = write_table(t, &o)};
  uint32_t footer;
  memcpy(&footer, e.file.p + e.file.n - 8, 4);
  e.footer = e.file.n - 65536; // one read brings the tail
  grove_source source = {sizeof source, e.file.n, &e, read_until, NULL};
  grove_error err;
  size_t failed = 0;
  for (e.ends = 0; e.ends < e.footer; e.ends += 1 + e.footer / 997) {
    grove_status s = read_all(&source, &err);
    failed += s == GROVE_EIO;
    assert_true(s == GROVE_EIO || s == GROVE_OK);
  }
  assert_true(failed > 900);
  free(e.file.p);
  grove_table_release(t);
}

// Where the headers and the bodies of a file's pages begin, found by walking; the footer is ours to trust here.
static size_t page_borders(const bytes *file, uint64_t footer, uint64_t *out, size_t room)
{
  size_t n = 0;
  for (uint64_t at = 4; at < footer && n + 2 <= room;) {
    grove__page_head h;
    size_t used = 0;
    bool cut = false;
    if (grove__page_head_read(&h, file->p + at, (size_t)(footer - at), &used, &cut) ||
        h.type > GROVE__PAGE_DATA_V2) {
      break;
    }
    out[n++] = at;
    out[n++] = at + used;
    at += used + h.packed;
  }
  out[n++] = footer;
  return n;
}

// The source ends at each border of a page, one byte before and one behind it, and the footer is whole.
static void source_ends_at_pages(void **state)
{
  (void)state;
  enum { BORDERS = 4000 };
  static uint64_t borders[BORDERS + 1];
  column_plan wide[] = {{"l", 1, UINT64_MAX}, {"u", 1, 20}, {"g", 0, 9}};
  for (uint32_t codec = 0; codec < 3; codec++) {
    grove_table *t = random_table(wide, 3, 40000, codec);
    grove_parquet_write_options o = {.struct_size = sizeof o,
        .codec = codec,
        .group_rows = 15000,
        .page_rows = 2000,
        .no_page_index = 1};
    ending e = {.file = write_table(t, &o)};
    uint32_t footer_bytes;
    memcpy(&footer_bytes, e.file.p + e.file.n - 8, 4);
    uint64_t footer = e.file.n - 8 - footer_bytes;
    size_t n = page_borders(&e.file, footer, borders, BORDERS), refused = 0;
    assert_true(n > 100);
    // One read brings the tail, of 64 KiB: what lies there is not asked for again by pages in front of it.
    e.footer = e.file.n - 65536;
    grove_source source = {sizeof source, e.file.n, &e, read_until, NULL};
    grove_error err;
    for (size_t i = 0; i < n; i++) {
      for (int off = -1; off <= 1; off++) {
        e.ends = borders[i] + (uint64_t)off;
        if (e.ends >= e.footer) {
          continue;
        }
        grove_status s = read_all(&source, &err);
        assert_int_equal(s, GROVE_EIO);
        refused++;
      }
    }
    assert_true(refused > 50);
    free(e.file.p);
    grove_table_release(t);
  }
}

static void cut_anywhere(void **state)
{
  (void)state;
  bytes file = small_file(GROVE_CODEC_SNAPPY);
  for (size_t n = 0; n < file.n; n++) {
    assert_int_equal(read_bytes(file.p, n), GROVE_ECORRUPT);
  }
  free(file.p);
}

// ---- no memory ------------------------------------------------------------------------------------

static grove_status use(const bytes *file, const grove_allocator *a)
{
  grove_source source;
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  struct ArrowSchema schema;
  grove_parquet_options o = {GROVE_PARQUET, .batch_rows = 30, .allocator = a};
  grove_source_of_memory(file->p, file->n, &source);
  grove_status s = grove_parquet_open(&source, &o, &p, NULL);
  if (!s) {
    s = grove_parquet_schema(p, &schema, NULL);
  }
  if (!s) {
    schema.release(&schema);
    s = grove_parquet_read(p, 0, 0, &t, NULL);
  }
  if (!s) {
    s = grove_parquet_check(p, NULL);
  }
  if (p) {
    drain(p);
  }
  grove_table_release(t);
  grove_parquet_close(p);
  return s;
}

static void no_memory(void **state)
{
  (void)state;
  bytes file = small_file(GROVE_CODEC_ZSTD);
  grove_status s = GROVE_ENOMEM;
  for (size_t n = 1; s; n++) {
    check_memory memory = {.fail_at = n};
    grove_allocator a = check_allocator(&memory);
    s = use(&file, &a);
    assert_true(s == GROVE_OK || s == GROVE_ENOMEM);
    assert_int_equal(memory.live_blocks, 0);
    assert_int_equal(memory.live_bytes, 0);
    assert_true(n < 5000);
  }
  free(file.p);
}

static void no_memory_to_write_table(const grove_table *t)
{
  grove_store *store = NULL;
  char path[64];
  snprintf(path, sizeof path, "/tmp/grove_parquet_%ld", (long)getpid());
  check_ok(grove_store_open(NULL, &store, NULL));
  grove_status s = GROVE_ENOMEM;
  for (size_t n = 1; s; n++) {
    check_memory memory = {.fail_at = n};
    grove_allocator a = check_allocator(&memory);
    grove_parquet_write_options o = {.struct_size = sizeof o, .allocator = &a};
    grove_writer *w = NULL;
    check_ok(grove_store_write(store, path, &w, NULL));
    s = grove_parquet_write(t, &o, w, NULL);
    check_ok(grove_writer_close(w, 0, NULL));
    assert_true(s == GROVE_OK || s == GROVE_ENOMEM);
    assert_int_equal(memory.live_blocks, 0);
    assert_true(n < 5000);
  }
  grove_store_close(store);
}

static void no_memory_to_write(void **state)
{
  (void)state;
  static const char *const nested[] = {"+l(+m(u;l))", "+s(l;+w:2(b))"};
  grove_table *t = random_table(plans, PLANS, 60, 7);
  no_memory_to_write_table(t);
  grove_table_release(t);
  t = nested_table(nested, 2, 60, 2, 9, 7);
  no_memory_to_write_table(t);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_byte_plain),
      cmocka_unit_test(every_byte_snappy),
      cmocka_unit_test(every_byte_zstd),
      cmocka_unit_test(huge_numbers),
      cmocka_unit_test(random_damage),
      cmocka_unit_test(source_ends_early),
      cmocka_unit_test(source_ends_at_pages),
      cmocka_unit_test(cut_anywhere),
      cmocka_unit_test(no_memory),
      cmocka_unit_test(no_memory_to_write),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
