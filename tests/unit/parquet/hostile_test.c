// Damaged files: never a crash, never a wild read, memory within the limit, and a status with words. Under the
// sanitizers these tests say most.
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

// v1 and v2 pages, dictionaries and none, page indexes, bloom filters, flat and nested.
enum { FORMS = 8 };

static bytes file_of_form(size_t form)
{
  static const char *const flat[] = {"l", "u", "c", "b", "g", "d:20,2", "n", "w:3"};
  static const char *const nested[] = {"+l(u)", "+l(+l(l))", "+m(u;+s(i;+l(b)))", "+w:2(g)"};
  static const char *const bloom[] = {"row", NULL};
  bool deep = form >= FORMS / 2;
  grove_table *t = deep ? table_of_specs(nested, 4, 60, 2, 40, form, true)
                        : table_of_specs(flat, 8, 60, 2, 40, form, true);
  const grove_parquet_write_options o = {.struct_size = sizeof o,
      .codec = (uint32_t)(form % 3),
      .page_version = 1 + form % 2,
      .no_dictionary = form / 2 % 2 ? 1 : 0,
      .page_rows = 9,
      .group_rows = 40,
      .bloom = bloom};
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
  // By a rule, so that page indexes and filters are read, and pages passed over. Not of all files there is a "row".
  o.rule = "row >= 37 and row < 50 or row == 21";
  o.batch_rows = 5;
  if (!grove_parquet_open(source, &o, &p, NULL) && grove_parquet_rows(p) < ROWS_MAX) {
    drain(p);
  }
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

// The same of every form of a file: of a third of its bytes, each to one of what it was not.
static void bytes_of_every_form(void **state)
{
  (void)state;
  uint64_t seed = 11;
  for (size_t form = 0; form < FORMS; form++) {
    bytes file = file_of_form(form);
    size_t refused = 0;
    assert_int_equal(read_bytes(file.p, file.n), GROVE_OK);
    for (size_t i = form % 3; i < file.n; i += 3) {
      uint8_t old = file.p[i];
      file.p[i] = (uint8_t)(old ^ (1 + grove__random_below(&seed, 255)));
      refused += read_bytes(file.p, file.n) != GROVE_OK;
      file.p[i] = old;
    }
    assert_true(refused > file.n / 24);
    free(file.p);
  }
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
  static bytes files[FORMS];
  for (uint64_t first = 0; first < 2400; first++) {
    uint64_t seed = first;
    bytes *file = &files[first % FORMS];
    if (!file->p) {
      *file = file_of_form(first % FORMS);
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
  for (size_t i = 0; i < FORMS; i++) {
    free(files[i].p);
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
      cmocka_unit_test(bytes_of_every_form),
      cmocka_unit_test(huge_numbers),
      cmocka_unit_test(random_damage),
      cmocka_unit_test(cut_anywhere),
      cmocka_unit_test(no_memory),
      cmocka_unit_test(no_memory_to_write),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
