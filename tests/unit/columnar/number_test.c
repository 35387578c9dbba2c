// Decimal text to doubles and back. Expected values are C literals: the compiler rounds them
// correctly.
#include "check.h"
#include "columnar/decimal.h"
#include "columnar/number.h"
#include <math.h>

static uint64_t bits_of(double value)
{
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static double read(const char *text)
{
  double value = 0;
  if (!grove__double_read(text, strlen(text), &value)) {
    fail_msg("\"%s\" was not read", text);
  }
  return value;
}

#define check_literal(literal) assert_int_equal(bits_of(read(#literal)), bits_of(literal))

static void literals_are_read_exactly(void **state)
{
  (void)state;
  check_literal(0.1);
  check_literal(1e22);
  check_literal(1e23);
  check_literal(8.41e-21);
  check_literal(9007199254740993.0);
  check_literal(7.3177701707893310e+15);
  check_literal(123456789012345678.0);
  check_literal(1234567890123456789e27);
  check_literal(1234567890123456789e-27);
  check_literal(0.000000000000000000000000001);
  check_literal(1.7976931348623157e308);
  check_literal(2.2250738585072011e-308);
  check_literal(4.9406564584124654e-324);
  assert_true(read("2.4703282292062327e-324") == 0); // just below half of the least double
  check_literal(6.02214076e23);
  check_literal(0.50000000000000011102230246251565404236316680908203125);
  check_literal(1.00000000000000011102230246251565404236316680908203124);
  check_literal(1.00000000000000011102230246251565404236316680908203125);
  check_literal(1.00000000000000011102230246251565404236316680908203126);
  assert_int_equal(bits_of(read("-0")), bits_of(-0.0));
  assert_true(isinf(read("1e400")));
  assert_true(read("1e-400") == 0);
  assert_true(read("1e999999999999999999999") == (double)INFINITY);
  assert_true(read("0e999999999999999999999") == 0);
}

// A midpoint between two doubles, told apart only by a digit far behind.
static void late_digits_count(void **state)
{
  char text[1200] = "1.00000000000000011102230246251565404236316680908203125";
  (void)state;
  size_t n = strlen(text);
  memset(text + n, '0', 1000);
  assert_true(read(text) == 1.0);
  text[n + 1000] = '1';
  assert_true(read(text) > 1.0);
}

static void spellings(void **state)
{
  static const char *const bad[] = {"", "+", "-", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "1_0",
      "--1", "in", "infinit", "nano", "1 "};
  double value = 77;
  (void)state;
  assert_true(read("+1.5") == 1.5 && read(".5") == 0.5 && read("5.") == 5 && read("1E5") == 1e5);
  assert_true(read("-Infinity") < -1e308 && isinf(read("INF")) && isnan(read("nAn")));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (grove__double_read(bad[i], strlen(bad[i]), &value)) {
      fail_msg("\"%s\" was read as %g", bad[i], value);
    }
  }
  assert_true(value == 77);
}

static bool read_int(const char *text, int64_t *out)
{
  grove__digits d;
  const char *end = text + strlen(text);
  return grove__digits_read(text, end, &d) == end && grove__digits_int(&d, out);
}

static void integers(void **state)
{
  int64_t v = 0;
  (void)state;
  assert_true(read_int("9223372036854775807", &v) && v == INT64_MAX);
  assert_true(read_int("-9223372036854775808", &v) && v == INT64_MIN);
  assert_true(read_int("+000000000000000000000000000042", &v) && v == 42);
  assert_false(read_int("9223372036854775808", &v));
  assert_false(read_int("-9223372036854775809", &v));
  assert_false(read_int("99999999999999999999", &v));
  assert_false(read_int("1.0", &v));
  assert_false(read_int("1e3", &v));
  assert_false(read_int("-0", &v));
}

static void doubles_come_back(void **state)
{
  uint64_t x = 88172645463325252u; // a plain xorshift: any bits will do
  char text[GROVE__DOUBLE_TEXT];
  (void)state;
  for (int i = 0; i < 100000; i++) {
    double value;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    memcpy(&value, &x, sizeof value);
    if (isnan(value)) {
      continue;
    }
    grove__double_text(value, true, text);
    if (bits_of(read(text)) != x) {
      fail_msg("%a became \"%s\"", value, text);
    }
  }
  grove__double_text(0.1, true, text);
  assert_string_equal(text, "0.1");
  grove__double_text((double)0.1f, false, text);
  assert_string_equal(text, "0.1");
  grove__double_text(-INFINITY, true, text);
  assert_string_equal(text, "-inf");
}

// Whole numbers have a way of their own, which must not be seen.
static void whole_numbers_are_as_printf_has_them(void **state)
{
  static const double some[] = {0, -0.0, 1, -7, 10, 999999, 1000000, 1234567, 16777216,
      999999999999999, -999999999999999, 1e15, 1e16, 0x1p53, 0x1p63, 1e300, 0.5, -1.5};
  char text[GROVE__DOUBLE_TEXT], want[64];
  (void)state;
  for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
    grove__double_text(some[i], true, text);
    snprintf(want, sizeof want, "%.15g", some[i]);
    if (strtod(want, NULL) != some[i]) {
      snprintf(want, sizeof want, "%.16g", some[i]);
    }
    assert_string_equal(text, want);
    if (fabs(some[i]) <= 1e6) {
      grove__double_text(some[i], false, text);
      snprintf(want, sizeof want, "%.6g", some[i]);
      assert_string_equal(text, want);
    }
  }
}

static void decimals(void **state)
{
  char text[GROVE__DECIMAL_TEXT];
  int64_t small[2] = {-12345, -1};
  uint8_t least[32] = {0};
  (void)state;
  grove__decimal_text(small, 16, text);
  assert_string_equal(text, "-12345");
  assert_true(grove__decimal_double(small, 16, 2) == -123.45);
  assert_true(grove__decimal_double(small, 16, -3) == -12345000.0);
  assert_true(grove__decimal_double(small, 8, 0) == -12345.0);
  least[31] = 0x80; // -2^255
  grove__decimal_text(least, 32, text);
  assert_string_equal(
      text, "-57896044618658097711785492504343953926634992332820282019728792003956564819968");
  assert_true(grove__decimal_double(least, 32, 0) == -0x1p255);
}

// The same number digit by digit: what the reading by words has to be equal to.
static const char *read_by_bytes(const char *p, const char *end, grove__digits *d)
{
  int digits = 0, significant = 0, e = 0;
  *d = (grove__digits){.integer = true, .negative = p < end && *p == '-'};
  p += p < end && (*p == '-' || *p == '+');
  for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && d->integer)); p++) {
    if (*p == '.') {
      d->integer = false;
      continue;
    }
    d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
    d->exponent -= !d->integer;
    significant += significant || *p != '0';
    digits++;
  }
  d->cut = significant > 19;
  const char *q = p + 1;
  if (digits && p < end && (*p == 'e' || *p == 'E')) {
    bool negative = q < end && *q == '-';
    q += q < end && (*q == '-' || *q == '+');
    for (; q < end && *q >= '0' && *q <= '9'; q++) {
      e = e < 100000 ? e * 10 + (*q - '0') : e;
      d->integer = false;
      p = q + 1;
    }
    d->exponent += d->integer ? 0 : negative ? -e : e;
  }
  return digits ? p : NULL;
}

static void words_read_what_bytes_read(void **state)
{
  static const char letters[] = "0123456789012345678901234567890123456789..-+e,\n\xfa\xff:/ ";
  uint64_t seed = 11;
  (void)state;
  for (int round = 0; round < 200000; round++) {
    char text[40], exact[40];
    size_t n = 0, most = 1 + (size_t)round % 32;
    for (; n < most; n++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      bool digits = round & 64 && n + 4 < most; // half of them are mostly numbers
      text[n] = letters[(seed >> 33) % (digits ? 40 : sizeof letters - 1)];
    }
    memset(text + n, round & 128 ? '7' : ',', sizeof text - n); // what lies behind must not be read as a part
    memcpy(exact, text, n);
    grove__digits d, want;
    const char *end = grove__digits_read(text, text + n, &d);
    const char *wanted = read_by_bytes(exact, exact + n, &want);
    if (!wanted) {
      assert_null(end);
      continue;
    }
    bool same = end - text == wanted - exact && d.cut == want.cut && d.negative == want.negative &&
                d.integer == want.integer &&
                (d.cut || (d.mantissa == want.mantissa && d.exponent == want.exponent));
    if (!same) {
      fail_msg("\"%.*s\": %d bytes, mantissa %llu, exponent %lld", (int)n, text, (int)(end - text),
          (unsigned long long)d.mantissa, (long long)d.exponent);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(literals_are_read_exactly),
      cmocka_unit_test(words_read_what_bytes_read),
      cmocka_unit_test(late_digits_count),
      cmocka_unit_test(spellings),
      cmocka_unit_test(integers),
      cmocka_unit_test(doubles_come_back),
      cmocka_unit_test(whole_numbers_are_as_printf_has_them),
      cmocka_unit_test(decimals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
