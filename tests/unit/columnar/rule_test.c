#include "check.h"
#include "columnar/build.h"
#include "columnar/rule.h"
#include "base/alloc.h"
#include "base/random.h"
#include <math.h>
#include <time.h>

static void parse_fails(const char *text, int64_t at, const char *words)
{
  grove__rule *r = NULL;
  grove_error err = {0};
  check_status(grove__rule_parse(text, &r, &err), GROVE_EINVAL);
  assert_null(r);
  check_contains(err.text, words);
  assert_int_equal(err.at, at);
}

static void says_where_and_what(void **state)
{
  (void)state;
  parse_fails("", 0, "expected a column's name at its end");
  parse_fails("   ", 3, "expected a column's name");
  parse_fails("passenger_count", 15, "expected one of < <= > >= == !=");
  parse_fails("passenger_count >=", 18, "expected a number at its end");
  parse_fails("passenger_count >= two", 19, "expected a number at character 20, found \"two\"");
  parse_fails("a >= 2and b < 1", 5, "expected a number at character 6, found \"2and\"");
  parse_fails("a => 2", 2, "found \"=>\"");
  parse_fails("a >= 2 b", 7, "expected \"and\", \"or\" or the end");
  parse_fails("a >= 2 and", 10, "expected a column's name");
  parse_fails("a >= 2 and or b > 1", 11, "found \"or\"");
  parse_fails("a is 3", 5, "expected \"null\" or \"not null\"");
  parse_fails("a is not 3", 9, "expected \"null\"");
  parse_fails("\"a >= 2", 0, "quote at character 1 is not closed");
  parse_fails("(a >= 2)", 0, "parentheses are not supported");
  parse_fails("a >= 2)", 6, "parentheses are not supported");
  parse_fails("a >= nan", 5, "expected a number");
  parse_fails("a >= 0x10", 5, "expected a number");
  parse_fails("a ! 2", 2, "expected one of");
  parse_fails("\"\" > 2", 0, "expected a column's name");
  parse_fails("a == 1 or a == \"1\"", 15, "expected a number");
}

static void apply(const char *text, const double *const *values, size_t n, double *out)
{
  grove__rule *r = NULL;
  grove_error err = {0};
  unsigned char scratch[64];
  assert_true(n <= sizeof scratch);
  check_ok_err(grove__rule_parse(text, &r, &err), &err);
  grove__rule_apply(r, values, n, scratch, out);
  grove__rule_destroy(r);
}

static void check_rule(const char *text, const double *values, size_t n, const char *want)
{
  double out[64];
  apply(text, &values, n, out);
  for (size_t i = 0; i < n; i++) {
    if (out[i] != want[i] - '0') {
      fail_msg("%s: row %zu is %g, should be %c", text, i, out[i], want[i]);
    }
  }
}

static void compares_and_leaves_nulls_out(void **state)
{
  const double v[] = {1, 2, 3, NAN, -2, INFINITY};
  (void)state;
  check_rule("a >= 2", v, 6, "011001");
  check_rule("a > 2", v, 6, "001001");
  check_rule("a < 2", v, 6, "100010");
  check_rule("a <= 2", v, 6, "110010");
  check_rule("a == 2", v, 6, "010000");
  check_rule("a = 2", v, 6, "010000");
  check_rule("a != 2", v, 6, "101011");
  check_rule("a is null", v, 6, "000100");
  check_rule("a is not null", v, 6, "111011");
  check_rule("a IS NOT Null AND a<-1.5e0", v, 6, "000010");
  check_rule("a>=.3e1", v, 6, "001001");
  check_rule("a = +2.", v, 6, "010000");
  check_rule("a<2 or a is null", v, 6, "100110");
}

static void binds_and_before_or(void **state)
{
  const double a[] = {0, 0, 1, 1, 0, 0, 1, 1}, b[] = {0, 1, 0, 1, 0, 1, 0, 1};
  const double c[] = {0, 0, 0, 0, 1, 1, 1, 1};
  const double *const values[] = {a, b, c};
  double out[8];
  (void)state;
  apply("a = 1 or b = 1 and c = 1", values, 8, out);
  for (int i = 0; i < 8; i++) {
    assert_true(out[i] == (a[i] == 1 || (b[i] == 1 && c[i] == 1)));
  }
  apply("a = 1 and b = 1 or c = 1 and a = 0", values, 8, out);
  for (int i = 0; i < 8; i++) {
    assert_true(out[i] == ((a[i] == 1 && b[i] == 1) || (c[i] == 1 && a[i] == 0)));
  }
}

static void names_columns_once(void **state)
{
  grove__rule *r = NULL;
  grove_error err = {0};
  (void)state;
  check_ok_err(grove__rule_parse("\"fare amount\" > 1 and `a\"b` < 2 or \"x\"\"y\" is null and "
                                 "\"fare amount\" < 9 and trip.fare.2 != 0 and \"and\" = 1",
                   &r, &err),
      &err);
  assert_int_equal(r->count, 5);
  assert_int_equal(r->terms, 6);
  assert_string_equal(r->columns[0], "fare amount");
  assert_string_equal(r->columns[1], "a\"b");
  assert_string_equal(r->columns[2], "x\"y");
  assert_string_equal(r->columns[3], "trip.fare.2");
  assert_string_equal(r->columns[4], "and");
  assert_null(r->columns[5]);
  assert_true(r->compared[0]);
  assert_false(r->compared[2]);
  grove__rule_destroy(r);
  grove__rule_destroy(NULL);
}

// Any text gives a rule or an error with words and a place inside the text; nothing else.
static void survives_any_text(void **state)
{
  static const char *const words[] = {"a", "b1", ">=", "<", "=", "!", "2", "-3.5e2", " ", "and",
      "or", "is", "not", "null", "\"", "`", "(", "\xc3\xa9", ".", "e", "1e", "\"x y\"", "\t", "+"};
  uint64_t seed = (uint64_t)time(NULL), s = seed;
  size_t good = 0;
  (void)state;
  for (int i = 0; i < 200000; i++) {
    char text[128] = "";
    size_t n = grove__random_below(&s, 12);
    for (size_t k = 0; k < n; k++) {
      strcat(text, words[grove__random_below(&s, sizeof words / sizeof *words)]);
    }
    grove__rule *r = NULL;
    grove_error err = {0};
    grove_status status = grove__rule_parse(text, &r, &err);
    if (status ? (r || !err.text[0] || err.at < 0 || err.at > (int64_t)strlen(text))
               : (!r || !r->terms || !r->count || !r->term[0].starts_group)) {
      fail_msg("seed %llu: \"%s\" gave %d \"%s\" at %lld", (unsigned long long)seed, text, status,
          err.text, (long long)err.at);
    }
    good += !status;
    grove__rule_destroy(r);
  }
  assert_true(good > 10); // the words do make rules now and then
}

// ---- counting where the numbers lie ---------------------------------------------------------------

enum { COUNTED = 5000 };

// Columns of all kinds of numbers, with the ends of their ranges among them.
static grove_table *make_numbers(uint64_t *seed, bool nulls)
{
  static const char *const formats[] = {"c", "C", "s", "S", "i", "I", "f", "g", "l", "L"};
  static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
  static const size_t widths[] = {1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  grove__column columns[10] = {0};
  grove_table *t = NULL;
  grove_error err = {0};
  for (size_t c = 0; c < 10; c++) {
    uint8_t *values = grove__alloc(&grove__allocator_malloc, COUNTED * widths[c]);
    assert_non_null(values);
    for (size_t i = 0; i < COUNTED; i++) {
      uint64_t bits = grove__random_next(seed);
      int64_t small = (int64_t)(bits >> 8) % 5 - 2;
      float f = bits & 7 ? (float)small / 2 : NAN;
      double d = bits & 7 ? (double)small / 2 : NAN;
      bits = bits & 1   ? (uint64_t)small
             : bits & 2 ? bits >> 16
             : bits & 4 ? 0x80000000u
                        : 0x7fffffff7fff7fffu;
      memcpy(values + i * widths[c],
          c == 6   ? (void *)&f
          : c == 7 ? (void *)&d
                   : (void *)&bits,
          widths[c]);
    }
    columns[c] = (grove__column){.name = names[c],
        .format = formats[c],
        .values = values,
        .values_bytes = COUNTED * widths[c]};
    if (nulls) {
      uint8_t *validity = grove__alloc(&grove__allocator_malloc, COUNTED / 8 + 1);
      assert_non_null(validity);
      memset(validity, 0, COUNTED / 8 + 1);
      for (size_t i = 0; i < COUNTED; i++) {
        bool there = grove__random_below(seed, 3) > 0;
        validity[i / 8] |= (uint8_t)(there << i % 8);
        columns[c].nulls += !there;
      }
      columns[c].validity = validity;
      columns[c].validity_bytes = COUNTED / 8 + 1;
    }
  }
  check_ok_err(grove__table_build(&grove__allocator_malloc, columns, 10, COUNTED, &t, &err), &err);
  return t;
}

static void check_count(const grove_table *t, const char *text, size_t from, size_t n)
{
  static double numbers[10][COUNTED], out[COUNTED];
  static unsigned char scratch[3 * COUNTED];
  const double *values[10];
  size_t places[10];
  uint64_t count = 0, wanted = 0;
  grove__rule *r = NULL;
  grove_error err = {0};
  check_ok_err(grove__rule_parse(text, &r, &err), &err);
  for (size_t c = 0; c < r->count; c++) {
    check_ok_err(grove_table_find(t, r->columns[c], &places[c], &err), &err);
    check_ok_err(grove_table_doubles(t, places[c], from, n, numbers[c], &err), &err);
    values[c] = numbers[c];
  }
  grove__rule_apply(r, values, n, scratch, out);
  for (size_t i = 0; i < n; i++) {
    wanted += out[i] != 0;
  }
  assert_true(grove__rule_count(r, t, places, from, n, scratch, &count));
  if (count != wanted) {
    fail_msg("%s: %llu rows, should be %llu", text, (unsigned long long)count,
        (unsigned long long)wanted);
  }
  grove__rule_destroy(r);
}

static void count_all(bool nulls)
{
  static const char *const ops[] = {"<", "<=", ">", ">=", "==", "!="};
  static const char *const numbers[] = {"0", "-1", "1", "0.5", "-1.5", "127", "-128", "255", "256",
      "32767", "-32768", "65535", "65536", "2147483647", "-2147483648", "2147483648", "4294967295",
      "4294967296", "9223372036854775807", "9007199254740993", "-9223372036854775808",
      "18446744073709551615", "1e30", "-1e30", "1e999", "-1e999"};
  uint64_t seed = (uint64_t)time(NULL);
  print_message("seed %llu\n", (unsigned long long)seed);
  grove_table *t = make_numbers(&seed, nulls);
  for (size_t c = 0; c < 10; c++) {
    char text[80];
    for (size_t o = 0; o < 6; o++) {
      for (size_t x = 0; x < sizeof numbers / sizeof *numbers; x++) {
        size_t from = (size_t)grove__random_below(&seed, COUNTED);
        snprintf(text, sizeof text, "%c %s %s", (int)('a' + c), ops[o], numbers[x]);
        check_count(t, text, from, (size_t)grove__random_below(&seed, COUNTED - from + 1));
      }
    }
    snprintf(text, sizeof text, "%c is null", (int)('a' + c));
    check_count(t, text, c, COUNTED - c);
    snprintf(text, sizeof text, "%c is not null", (int)('a' + c));
    check_count(t, text, 0, COUNTED - c);
  }
  check_count(t, "a > 0 and b < 3 or c = 1 and g != 1 or h is null", 3, COUNTED - 3);
  check_count(t, "a is null or e is not null and g is null", 0, COUNTED);
  check_count(t, "g is not null and f >= 1 or a = -2", 1, 0);
  grove_table_release(t);
}

static void counts_as_it_applies(void **state)
{
  (void)state;
  count_all(false);
}

static void counts_no_nulls(void **state)
{
  (void)state;
  count_all(true);
}

static void counts_no_texts(void **state)
{
  (void)state;
  int32_t *offsets = grove__alloc(&grove__allocator_malloc, 3 * sizeof *offsets);
  char *text = grove__alloc(&grove__allocator_malloc, 2);
  assert_true(offsets && text);
  memcpy(offsets, (const int32_t[]){0, 1, 2}, 3 * sizeof *offsets);
  memcpy(text, "12", 2);
  grove__column column = {.name = "a",
      .format = "u",
      .values = offsets,
      .values_bytes = 3 * sizeof *offsets,
      .data = text,
      .data_bytes = 2};
  grove_table *t = NULL;
  grove__rule *r = NULL;
  unsigned char scratch[6];
  uint64_t count = 7;
  check_ok(grove__table_build(&grove__allocator_malloc, &column, 1, 2, &t, NULL));
  check_ok(grove__rule_parse("a = 1", &r, NULL));
  assert_false(grove__rule_count(r, t, &(size_t){0}, 0, 2, scratch, &count));
  assert_int_equal(count, 7);
  grove__rule_destroy(r);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(says_where_and_what),
      cmocka_unit_test(compares_and_leaves_nulls_out),
      cmocka_unit_test(binds_and_before_or),
      cmocka_unit_test(names_columns_once),
      cmocka_unit_test(survives_any_text),
      cmocka_unit_test(counts_as_it_applies),
      cmocka_unit_test(counts_no_nulls),
      cmocka_unit_test(counts_no_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
