// Instants of 96 bits at the ends of what nanoseconds reach: the right one, or the error that names it; never another one.
#include "footer_change.h"

enum { JULIAN_1970 = 2440588, ROWS = 3 };

typedef struct instant {
  int64_t nanos; // of the day
  uint32_t day;
  bool fits;
  int64_t value;
} instant;

static const instant instants[] = {
    {0, JULIAN_1970, true, 0},
    {1, JULIAN_1970 - 1, true, -86399999999999},
    {86399999999999, JULIAN_1970, true, 86399999999999},
    // the last: 2262-04-11T23:47:16.854775807
    {85636854775807, JULIAN_1970 + 106751, true, INT64_MAX},
    {85636854775808, JULIAN_1970 + 106751, false, 0},
    {0, JULIAN_1970 + 106752, false, 0},
    {-763145224193, JULIAN_1970 + 106752, true, INT64_MAX}, // not of that day, but an instant
    // the first: 1677-09-21T00:12:43.145224193; one before is what others take for none
    {763145224193, JULIAN_1970 - 106752, true, INT64_MIN + 1},
    {763145224192, JULIAN_1970 - 106752, false, 0},
    {763145224191, JULIAN_1970 - 106752, false, 0},
    {86399999999999, JULIAN_1970 - 106752, true, -9223286400000000001},
    {86399999999999, JULIAN_1970 - 106753, false, 0},
    {INT64_MAX, JULIAN_1970, true, INT64_MAX},
    {INT64_MAX, JULIAN_1970 + 1, false, 0},
    {INT64_MIN, JULIAN_1970, false, 0},
    {INT64_MIN, JULIAN_1970 + 1, true, INT64_MIN + 86400000000000},
    {INT64_MAX, UINT32_MAX, false, 0},
    {INT64_MIN, UINT32_MAX, false, 0},
    {INT64_MIN, 0, false, 0},
    {0, 0, false, 0},
    {INT64_MAX, JULIAN_1970 - 213503, true, -9223287163145224193}, // days and nanoseconds that are too large by themselves
    {INT64_MAX, JULIAN_1970 - 213505, false, 0},
};

// The schema's type and the chunk's, 7 (FIXED_LEN_BYTE_ARRAY), become 3 (INT96): both have 12 bytes a value.
static int64_t make_int96(void *user, const rewriting *r, int64_t value)
{
  const int *p = r->path;
  (void)user;
  bool type = (r->depth == 2 && p[0] == 2 && p[1] == 1) ||
              (r->depth == 4 && p[0] == 4 && p[1] == 1 && p[2] == 3 && p[3] == 1);
  return type && value == 7 ? 3 : value;
}

// A column with a value, the instant, and the value again.
static bytes make_file(const instant *k, bool nullable, bool dictionary)
{
  const grove_allocator *a = &grove__allocator_malloc;
  const grove_parquet_write_options o = {.struct_size = sizeof o, .no_dictionary = !dictionary,
      .codec = GROVE_CODEC_NONE, .no_crc = 1, .no_statistics = 1, .no_page_index = 1};
  grove__column c = {.name = "t", .format = "w:12", .values_bytes = (ROWS + nullable) * 12};
  grove_table *t = NULL;
  size_t rows = ROWS + nullable;
  c.values = grove__alloc_zero(a, c.values_bytes);
  for (size_t i = 0; i < ROWS; i++) {
    uint64_t nanos = i == 1 ? (uint64_t)k->nanos : 5;
    uint32_t day = i == 1 ? k->day : JULIAN_1970;
    memcpy((char *)c.values + 12 * i, &nanos, 8);
    memcpy((char *)c.values + 12 * i + 8, &day, 4);
  }
  if (nullable) { // so that the column is optional; the last row is null
    c.validity_bytes = 1;
    c.validity = grove__alloc_zero(a, 1);
    *(uint8_t *)c.validity = 7;
    c.nulls = 1;
  }
  check_ok(grove__table_build(a, &c, 1, rows, &t, NULL));
  bytes whole = write_table(t, &o), file = change_footer(whole, make_int96, NULL, 0);
  grove_table_release(t);
  free(whole.p);
  return file;
}

static grove_status read_file(bytes file, uint32_t policy, grove_table **out, grove_error *err)
{
  const grove_parquet_options o = {GROVE_PARQUET, .int96_overflow = policy};
  grove_source source;
  grove_parquet *p = NULL;
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, &o, &p, err), err);
  grove_status s = grove_parquet_read(p, 0, 0, out, err);
  grove_parquet_close(p);
  return s;
}

static void look_at(const grove_table *t, const instant *k)
{
  grove__column_view v;
  grove__table_view(t, 0, &v);
  assert_string_equal(v.format, "tsn:");
  const int64_t *values = v.values;
  bool there = !v.validity || grove__bit_get(v.validity, v.offset + 1);
  assert_true(there == k->fits);
  assert_true(!there || values[v.offset + 1] == k->value);
  assert_true(values[v.offset] == 5 && values[v.offset + 2] == 5);
}

static void the_ends_of_the_range(void **state)
{
  (void)state;
  for (size_t i = 0; i < 2 * sizeof instants / sizeof *instants; i++) {
    const instant *k = &instants[i / 2];
    bytes file = make_file(k, true, i % 2);
    grove_error err = {0};
    for (uint32_t policy = 0; policy < 2; policy++) {
      grove_table *t = NULL;
      grove_status s = read_file(file, policy, &t, &err);
      if ((s == GROVE_OK) != (k->fits || policy)) {
        fail_msg("instant %zu, policy %u: %s", i / 2, policy, err.text);
      }
      if (s) {
        check_status(s, GROVE_ECORRUPT);
        check_contains(err.text, "row group 0, column \"t\"");
        check_contains(err.text, "an INT96 instant is before 1677 or after 2262");
      } else {
        look_at(t, k);
      }
      grove_table_release(t);
    }
    free(file.p);
  }
}

// What is declared, and what becomes of an instant: further away than nanoseconds reach, or between two of the unit.
static void units_that_are_declared(void **state)
{
  static const struct {
    const char *format;
    int64_t nanos;
    uint32_t day;
    int64_t value;
    const char *words; // NULL: it is the value
  } cases[] = {
      {"tsu:", 0, JULIAN_1970 + 2932896, 253402214400000000, NULL}, // 9999-12-31
      {"tsu:UTC", 86399999999000, JULIAN_1970 + 2932896, 253402300799999999, NULL},
      {"tsm:", 0, 0, -210866803200000, NULL}, // -4713-11-24
      {"tss:UTC", 86399000000000, UINT32_MAX, 370874307571199, NULL},
      {"tsu:", 0, UINT32_MAX, 0, "further away than 64 bits of microseconds reach (int96_overflow 1 makes it null)"},
      {"tsu:", 1001, JULIAN_1970, 0, "no whole number of microseconds, which are declared"},
      {"tsm:", 1000, JULIAN_1970, 0, "no whole number of milliseconds, which are declared"},
      {"tss:", 1000000, JULIAN_1970, 0, "no whole number of seconds, which are declared"},
      {"tsu:", -1000, JULIAN_1970, -1, NULL},
      {"tsn:UTC", 7, JULIAN_1970, 7, NULL},
      {"tdD", 0, JULIAN_1970 - 1000000, -1000000, NULL},
      {"tdD", 1000000000, JULIAN_1970, 0, "does not fit the declared format"},
  };
  (void)state;
  for (size_t i = 0; i < 4 * sizeof cases / sizeof *cases; i++) {
    const char *format = cases[i / 4].format;
    const instant k = {cases[i / 4].nanos, cases[i / 4].day, false, 0};
    bytes file = make_file(&k, true, i % 2);
    const char *const columns[] = {"t", NULL};
    const grove_parquet_options o = {GROVE_PARQUET, .columns = columns, .formats = &format};
    grove_source source;
    grove_parquet *p = NULL;
    grove_table *t = NULL;
    grove_error err;
    // Their neighbours are 5 nanoseconds, which no other unit has: they become none.
    for (size_t at = 4; at + 12 <= file.n; at++) {
      static const uint8_t five[] = {5, 0, 0, 0, 0, 0, 0, 0};
      uint32_t day;
      memcpy(&day, file.p + at + 8, 4);
      file.p[at] = day == JULIAN_1970 && memcmp(file.p + at, five, 8) == 0 && format[2] != 'n' ? 0 : file.p[at];
    }
    grove_source_of_memory(file.p, file.n, &source);
    check_ok_err(grove_parquet_open(&source, &o, &p, &err), &err);
    grove_status s = grove_parquet_read(p, 0, 0, &t, &err);
    if (cases[i / 4].words) {
      check_status(s, GROVE_ECORRUPT);
      check_contains(err.text, cases[i / 4].words);
    } else {
      check_ok_err(s, &err);
      grove__column_view v;
      grove__table_view(t, 0, &v);
      assert_string_equal(v.format, format);
      int64_t value = format[1] == 'd' ? ((const int32_t *)v.values)[v.offset + 1] : ((const int64_t *)v.values)[v.offset + 1];
      assert_true(value == cases[i / 4].value);
    }
    grove_table_release(t);
    grove_parquet_close(p);
    free(file.p);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_ends_of_the_range), cmocka_unit_test(units_that_are_declared)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
