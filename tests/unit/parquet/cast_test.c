// Times, decimals and texts in declared formats: the same value, or an error that names the row.
#include "parquet/cast.h"
#include "parquet_fixture.h"

typedef struct kinds_case {
  const char *from, *to;
  int64_t in, out;
  bool fits;
} kinds_case;

enum { MILLION = 1000000 };
#define DAY_US 86400000000ll

static const kinds_case cases[] = {
    // units: to finer ones as long as they fit, to coarser ones without a rest
    {"tsu:", "tsn:", 5, 5000, true}, {"tsn:", "tsu:", 5000, 5, true},
    {"tsn:", "tsu:", 5001, 0, false}, {"tsn:", "tsu:", -5000, -5, true},
    {"tsm:", "tsn:", INT64_MAX / MILLION, INT64_MAX / MILLION * MILLION, true},
    {"tsm:", "tsn:", INT64_MAX / MILLION + 1, 0, false},
    {"tsm:", "tsn:", INT64_MIN / MILLION, INT64_MIN / MILLION * MILLION, true},
    {"tsm:", "tss:UTC", -3000, -3, true}, {"tsm:", "tss:", 3001, 0, false},
    // zones are what is declared
    {"tsu:UTC", "tsu:", 7, 7, true}, {"tsu:", "tsu:Europe/Berlin", 7, 7, true},
    // dates and instants
    {"tdD", "tsu:", -1, -DAY_US, true}, {"tsu:", "tdD", 3 * DAY_US, 3, true},
    {"tsu:", "tdD", 3 * DAY_US + 1, 0, false}, {"tdD", "tdm", 2, 2 * 86400000, true},
    {"tdD", "tsn:", INT32_MAX, 0, false}, {"tdm", "tdD", 86400000ll * INT32_MAX, INT32_MAX, true},
    {"tdm", "tdD", 86400000ll * INT32_MAX + 86400000, 0, false},
    // times of day and spans: 4 and 8 bytes
    {"ttm", "ttu", 1500, 1500000, true}, {"ttu", "ttm", 1500000, 1500, true},
    {"ttn", "tts", 1999999999, 0, false}, {"ttn", "tts", 2000000000, 2, true},
    {"tDs", "tDm", -4, -4000, true},
    // decimals
    {"d:9,2", "d:20,4", 12345, 1234500, true}, {"d:9,4", "d:9,2", 12300, 123, true},
    {"d:9,4", "d:9,2", 12345, 0, false}, {"d:9,2", "d:4,2", -9999, -9999, true},
    {"d:9,2", "d:4,2", 10000, 0, false}, {"d:9,2", "d:4,2", -10000, 0, false},
    {"d:18,0", "d:38,30", 0, 0, true}, {"d:18,0", "d:38,30", 999999999, 0, false},
    {"i", "d:9,2", -7, -700, true}, {"L", "d:38,0", -1, -1, true}, // as 2^64 - 1
    {"c", "d:4,2", -99, -9900, true}, {"c", "d:4,2", -100, 0, false},
    // halves: 1, 0.5, -2
    {"e", "g", 0x3c00, 0x3ff0000000000000, true}, {"e", "f", 0x3800, 0x3f000000, true},
    {"e", "i", 0x3800, 0, false}, {"e", "c", 0xc000, -2, true}};

static uint32_t width_of(const char *format)
{
  grove__layout l;
  check_ok(grove__layout_read(format, &l));
  return l.width;
}

static void to_the_value_or_not_at_all(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const kinds_case *k = &cases[i];
    const grove_allocator *a = &grove__allocator_malloc;
    const uint64_t in[2] = {(uint64_t)k->in, k->in < 0 && *k->from == 'd' ? UINT64_MAX : 0};
    uint64_t out[2] = {0, 0};
    uint32_t width = width_of(k->from);
    grove_error err = {0};
    // Three rows: a null, whose bytes are not looked at, and the value twice.
    grove__column c = {.name = "x", .format = k->from, .values_bytes = 48, .nulls = 1};
    c.values = grove__alloc_zero(a, 48);
    c.validity_bytes = 1;
    c.validity = grove__alloc_zero(a, 1);
    *(uint8_t *)c.validity = 6;
    memset(c.values, 0x7f, width);
    memcpy((char *)c.values + width, in, width);
    memcpy((char *)c.values + 2 * (size_t)width, in, width);
    assert_true(grove__cast_is_known(k->from, k->to));
    grove_status s = grove__column_cast(a, &c, k->to, 3, &err);
    if ((s == GROVE_OK) != k->fits) {
      fail_msg("case %zu, %s to %s: %s", i, k->from, k->to, err.text);
    }
    if (s) {
      check_status(s, GROVE_ECORRUPT);
      assert_int_equal(err.at, 1);
      check_contains(err.text, "column \"x\", row 1 of the batch: ");
    } else {
      uint32_t now = width_of(k->to);
      uint64_t want[2] = {(uint64_t)k->out, k->out < 0 && *k->from != 'L' ? UINT64_MAX : 0};
      memcpy(out, (char *)c.values + now, now);
      assert_memory_equal(out, want, now);
      assert_memory_equal((char *)c.values + now, (char *)c.values + 2 * (size_t)now, now);
      assert_string_equal(c.format, k->to);
    }
    grove__columns_free(a, &c, 1);
  }
}

static void texts(void **state)
{
  static const char *const formats[] = {"u", "U", "z", "Z"};
  (void)state;
  for (size_t i = 0; i < 8; i++) {
    const grove_allocator *a = &grove__allocator_malloc;
    const char *from = i < 4 ? "z" : "u", *to = formats[i % 4];
    for (int bad = 0; bad < 2; bad++) {
      static const int32_t offsets[] = {0, 2, 2, 5};
      grove__column c = {.name = "x", .format = from, .values_bytes = sizeof offsets, .data_bytes = 5};
      grove_table *t = NULL;
      grove_error err = {0};
      c.values = grove__alloc(a, sizeof offsets);
      c.data = grove__alloc(a, 5);
      memcpy(c.values, offsets, sizeof offsets);
      memcpy(c.data, bad ? "ab\xff""de" : "abcde", 5);
      bool refused = bad && i < 4 && (to[0] | 32) == 'u';
      check_status(grove__column_cast(a, &c, to, 3, &err), refused ? GROVE_ECORRUPT : GROVE_OK);
      if (refused) {
        check_contains(err.text, "column \"x\", row 2 of the batch: it is not UTF-8");
        grove__columns_free(a, &c, 1);
        continue;
      }
      check_ok(grove__table_build(a, &c, 1, 3, &t, NULL));
      assert_string_equal(grove_table_format(t, 0), to);
      grove__column_view v;
      grove__table_view(t, 0, &v);
      int64_t last = (to[0] & 32) ? ((const int32_t *)v.values)[3] : ((const int64_t *)v.values)[3];
      assert_int_equal(last, 5);
      grove_table_release(t);
    }
  }
}

static void what_is_not_cast(void **state)
{
  static const char *const pairs[][2] = {{"tsu:", "ttu"}, {"tsu:", "l"}, {"l", "tsu:"},
      {"d:9,2", "l"}, {"d:9,2", "g"}, {"g", "d:9,2"}, {"u", "l"}, {"l", "u"}, {"d:9,2", "d:50,2,256"},
      {"d:9,2", "d:39,2"}, {"b", "l"}, {"w:3", "z"}, {"tDs", "tsu:"}, {"u", "vu"}, {"l", "+l"}};
  (void)state;
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    if (grove__cast_is_known(pairs[i][0], pairs[i][1])) {
      fail_msg("%s to %s", pairs[i][0], pairs[i][1]);
    }
  }
}

// A stream says in which row group a value does not fit, and where its batch begins.
static void a_stream_says_where(void **state)
{
  static const char *const name[] = {"l", NULL}, *const wanted[] = {"i", NULL};
  (void)state;
  grove_table *t = random_table(&(column_plan){"l", 0, 1}, 1, 50, 1);
  grove__column_view v;
  grove__table_view(t, 0, &v);
  for (size_t i = 0; i < 50; i++) {
    ((int64_t *)(uintptr_t)v.values)[i] = i == 46 ? INT64_MAX : (int64_t)i;
  }
  bytes file = write_table(t, &(grove_parquet_write_options){
                                  .struct_size = sizeof(grove_parquet_write_options), .group_rows = 30});
  grove_source source;
  grove_parquet *p = NULL;
  struct ArrowArrayStream in;
  struct ArrowArray batch;
  int failed = 0;
  grove_source_of_memory(file.p, file.n, &source);
  const grove_parquet_options o = {GROVE_PARQUET, .columns = name, .formats = wanted, .batch_rows = 8};
  check_ok(grove_parquet_open(&source, &o, &p, NULL));
  check_ok(grove_parquet_stream(p, 0, 0, &in, NULL));
  while (!(failed = in.get_next(&in, &batch)) && batch.release) {
    batch.release(&batch);
  }
  assert_int_not_equal(failed, 0);
  assert_string_equal(in.get_last_error(&in),
      "row group 1, batch at its row 16: column \"l\", row 0 of the batch: 9223372036854775807 does "
      "not fit the declared format \"i\" exactly (the file has \"l\")");
  in.release(&in);
  grove_parquet_close(p);
  free(file.p);
  grove_table_release(t);
}

// What a cast takes counts, too: a table that fits as the file has it may not fit as it is asked for.
static void a_cast_counts_as_memory(void **state)
{
  static const char *const name[] = {"l", NULL}, *const wanted[] = {"d:38,2", NULL};
  enum { ROWS = 100000 };
  (void)state;
  grove_table *t = random_table(&(column_plan){"l", 0, 1000}, 1, ROWS, 1);
  grove__column_view v;
  grove__table_view(t, 0, &v);
  for (size_t i = 0; i < ROWS; i++) {
    ((int64_t *)(uintptr_t)v.values)[i] = (int64_t)i;
  }
  bytes file = write_table(t, NULL);
  for (int cast = 0; cast < 3; cast++) { // as it is; cast and limited; cast
    check_memory m = {0};
    grove_allocator a = check_allocator(&m);
    const grove_parquet_options o = {GROVE_PARQUET, .columns = name, .formats = cast ? wanted : NULL,
        .memory_bytes = cast < 2 ? 2 << 20 : 4 << 20, .allocator = &a, .batch_rows = 4096};
    grove_source source;
    grove_parquet *p = NULL;
    grove_table *got = NULL;
    grove_error err = {0};
    uint64_t rows = 0;
    grove_source_of_memory(file.p, file.n, &source);
    check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
    check_status(grove_parquet_read(p, 0, 0, &got, &err), cast == 1 ? GROVE_ELIMIT : GROVE_OK);
    assert_true(m.peak_bytes < o.memory_bytes + 256 * 1024);
    if (cast == 1) {
      check_contains(err.text, "column \"l\" as \"d:38,2\" needs 1600017 bytes more, over the limit of 2097152 bytes");
      digest_stream(p, &rows); // batches fit
      assert_int_equal(rows, ROWS);
    }
    grove_table_release(got);
    grove_parquet_close(p);
    assert_int_equal(m.live_blocks, 0);
  }
  free(file.p);
  grove_table_release(t);
}

// A column that says it is text and is not, in some old encoding perhaps: refused as text, and read as the bytes that it is.
static void bytes_that_say_they_are_text(void **state)
{
  enum { TEXTS = 6 };
  static const char *const formats[] = {"u", "z", "Z"};
  const char *const columns[] = {"t", NULL};
  (void)state;
  for (uint32_t plain = 0; plain < 2; plain++) {
    const grove_allocator *a = &grove__allocator_malloc;
    grove__column c = {.name = "t", .format = "u", .values_bytes = (TEXTS + 1) * 4, .data_bytes = TEXTS * 4};
    c.values = grove__alloc_zero(a, c.values_bytes);
    c.data = grove__alloc_zero(a, c.data_bytes);
    for (int32_t i = 0; i < TEXTS; i++) {
      ((int32_t *)c.values)[i + 1] = 4 * (i + 1);
      memcpy((char *)c.data + 4 * i, "Q?xy", 4);
    }
    grove_table *t = NULL;
    check_ok(grove__table_build(a, &c, 1, TEXTS, &t, NULL));
    const grove_parquet_write_options wo = {.struct_size = sizeof wo, .codec = GROVE_CODEC_NONE, .no_crc = 1,
        .no_dictionary = plain, .no_statistics = 1, .no_page_index = 1};
    bytes file = write_table(t, &wo);
    grove_table_release(t);
    for (size_t i = 0; i + 4 <= file.n; i++) {
      file.p[i + 1] = memcmp(file.p + i, "Q?xy", 4) ? file.p[i + 1] : 0xe9; // é of Latin-1
    }
    for (size_t i = 0; i < 3; i++) {
      const grove_parquet_options o = {GROVE_PARQUET, .columns = columns, .formats = &formats[i]};
      grove_source source;
      grove_parquet *p = NULL;
      grove_table *got = NULL;
      grove_error err;
      grove_source_of_memory(file.p, file.n, &source);
      check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
      grove_status s = grove_parquet_read(p, 0, 0, &got, &err);
      if (i == 0) {
        check_status(s, GROVE_ECORRUPT);
        check_contains(err.text, "is not UTF-8");
      } else {
        check_ok_err(s, &err);
        grove__column_view v;
        grove__table_view(got, 0, &v);
        assert_string_equal(v.format, formats[i]);
        assert_memory_equal(v.data, "Q\xe9xyQ\xe9xy", 8);
      }
      grove_table_release(got);
      grove_parquet_close(p);
    }
    free(file.p);
  }
}

// A batch of many columns counts until it is handed out: by default it has as many rows as there is room for; more that
// are asked for are refused, and never taken.
static void a_batch_counts_as_memory(void **state)
{
  enum { COLUMNS = 24, ROWS = 16384 };
  static const uint64_t budgets[] = {200000, 1 << 20, 3 << 20, 16 << 20};
  (void)state;
  column_plan plans[COLUMNS];
  for (size_t i = 0; i < COLUMNS; i++) {
    plans[i] = (column_plan){i % 3 ? "d:38,2" : "l", i % 2, 50};
  }
  grove_table *t = random_table(plans, COLUMNS, ROWS, 3);
  bytes file = write_table(t, &(grove_parquet_write_options){.struct_size = sizeof(grove_parquet_write_options), .page_rows = 500});
  for (size_t i = 0; i < 2 * sizeof budgets / sizeof *budgets; i++) {
    check_memory m = {0};
    grove_allocator a = check_allocator(&m);
    const grove_parquet_options o = {
        GROVE_PARQUET, .memory_bytes = budgets[i / 2], .allocator = &a, .batch_rows = i % 2 ? ROWS : 0};
    grove_source source;
    grove_parquet *p = NULL;
    struct ArrowArrayStream in;
    struct ArrowArray batch;
    grove_error err = {0};
    int code;
    grove_source_of_memory(file.p, file.n, &source);
    check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
    check_ok_err(grove_parquet_stream(p, 0, 0, &in, &err), &err);
    uint64_t rows = 0;
    while ((code = in.get_next(&in, &batch)) == 0 && batch.release) {
      rows += (uint64_t)batch.length;
      batch.release(&batch);
    }
    bool fits = i / 2 == 3 || (i % 2 == 0 && i / 2 > 0); // 24 scans do not fit into 200 kB whatever they read
    if (code) {
      check_contains(in.get_last_error(&in), "(memory_bytes)");
    }
    assert_true(!fits || (!code && rows == ROWS));
    if (m.peak_bytes > budgets[i / 2] + 256 * 1024) {
      fail_msg("%llu bytes where %llu are the limit", (unsigned long long)m.peak_bytes, (unsigned long long)budgets[i / 2]);
    }
    in.release(&in);
    grove_parquet_close(p);
    assert_int_equal(m.live_blocks, 0);
  }
  free(file.p);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(to_the_value_or_not_at_all),
      cmocka_unit_test(texts),
      cmocka_unit_test(bytes_that_say_they_are_text),
      cmocka_unit_test(what_is_not_cast),
      cmocka_unit_test(a_stream_says_where),
      cmocka_unit_test(a_cast_counts_as_memory),
      cmocka_unit_test(a_batch_counts_as_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
