#include "columnar/number.h"
#include "columnar/bytes.h"
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  MANTISSA_DIGITS = 19, // 10^19 - 1 is the longest run of nines in 64 bits
  SLOW_DIGITS = 800,    // no double is nearer to a midpoint than 768 digits can tell
  EXPONENT_MOST = 100000
};

// ---- reading -----------------------------------------------------------------------------------

static bool is_digit(char c)
{
  return (unsigned)(c - '0') < 10;
}

static const char *read_exponent(const char *p, const char *end, int64_t *out)
{
  const char *q = p + 1;
  bool negative = q < end && *q == '-';
  q += q < end && (*q == '-' || *q == '+');
  if (q == end || !is_digit(*q)) {
    return p; // "1e": the e belongs to what follows
  }
  int64_t e = 0;
  for (; q < end && is_digit(*q); q++) {
    e = e < EXPONENT_MOST ? e * 10 + (*q - '0') : e;
  }
  *out = negative ? -e : e;
  return q;
}

// More than 19 digits were written; leading zeros don't count.
static bool has_too_many(const char *first, const char *last)
{
  while (first < last && (*first == '0' || *first == '.')) {
    first++;
  }
  return last - first - (memchr(first, '.', (size_t)(last - first)) != NULL) > MANTISSA_DIGITS;
}

// Up to eight digits, that the first `n` bytes of a word are: pairs are added up, then pairs of pairs.
static uint64_t add_digits(uint64_t word, unsigned n)
{
  word <<= 64 - 8 * n;
  word = (word & GROVE__BYTES(0x0F)) * 2561 >> 8;
  word = (word & 0x00FF00FF00FF00FFu) * 6553601 >> 16;
  return (word & 0x0000FFFF0000FFFFu) * 42949672960001u >> 32;
}

// How many digits a word begins with. The lower test may carry, but only out of a byte that it tells from a digit.
static unsigned count_digits(uint64_t word)
{
  uint64_t others = ((word & GROVE__BYTES(0xF0)) | ((word + GROVE__BYTES(0x06)) & GROVE__BYTES(0xF0)) >> 4) ^
                    GROVE__BYTES(0x33);
  return grove__first_byte(others);
}

// Takes the digits at p into *mantissa, which may wrap. Gives the end of them.
static const char *take_digits(const char *p, const char *end, uint64_t *mantissa)
{
  static const uint32_t powers[] = {
      1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  while (end - p >= 8) {
    uint64_t word = grove__load_bytes(p);
    unsigned n = count_digits(word);
    if (n) {
      *mantissa = *mantissa * powers[n] + add_digits(word, n);
    }
    p += n;
    if (n < 8) {
      return p;
    }
  }
  while (p < end && is_digit(*p)) {
    *mantissa = *mantissa * 10 + (uint64_t)(*p++ - '0');
  }
  return p;
}

// Any number without its sign.
static const char *read_long(const char *p, const char *end, grove__digits *out)
{
  const char *first = p;
  uint64_t mantissa = 0; // may wrap; then `cut` is set
  p = take_digits(p, end, &mantissa);
  int64_t written = p - first;
  int64_t exponent = 0;
  out->integer = true;
  if (p < end && *p == '.') {
    const char *fraction = ++p;
    p = take_digits(p, end, &mantissa);
    exponent = fraction - p;
    written -= exponent;
    out->integer = false;
  }
  if (!written) {
    return NULL;
  }
  out->first = first;
  out->last = p;
  out->cut = written > MANTISSA_DIGITS && has_too_many(first, p);
  if (p < end && (*p == 'e' || *p == 'E')) {
    int64_t e = 0;
    const char *q = read_exponent(p, end, &e);
    out->integer = out->integer && q == p;
    exponent += e;
    p = q;
  }
  out->mantissa = mantissa;
  out->exponent = exponent;
  return p;
}

// The common case with few branches that could be guessed wrong: digits and maybe a point, all within a word and
// without an exponent. Gives NULL if it is not so.
static const char *read_short(const char *p, grove__digits *out)
{
  uint64_t word = grove__load_bytes(p);
  unsigned whole = count_digits(word);
  if (whole == 8) {
    return NULL;
  }
  uint64_t behind = word >> 8 * whole;
  unsigned point = (behind & 0xFF) == '.';
  behind = point ? behind >> 8 : 0;
  unsigned fraction = count_digits(behind);
  unsigned digits = whole + fraction, used = digits + point;
  char next = (char)(word >> 8 * (used & 7));
  if (used == 8 || !digits || (next | 0x20) == 'e') {
    return NULL;
  }
  uint64_t front = ((uint64_t)1 << 8 * whole) - 1;
  out->mantissa = add_digits((word & front) | behind << 8 * whole, digits);
  out->exponent = -(int64_t)fraction;
  out->integer = !point;
  out->cut = false;
  return p + used;
}

const char *grove__digits_read(const char *p, const char *end, grove__digits *out)
{
  out->negative = p < end && *p == '-';
  p += p < end && (*p == '-' || *p == '+');
  const char *after = end - p >= 8 ? read_short(p, out) : NULL;
  return after ? after : read_long(p, end, out);
}

bool grove__digits_int(const grove__digits *d, int64_t *out)
{
  if (!d->integer || d->cut || d->mantissa > (uint64_t)INT64_MAX + d->negative ||
      (d->negative && !d->mantissa)) {
    return false;
  }
  *out = (int64_t)(d->negative ? 0 - d->mantissa : d->mantissa);
  return true;
}

// ---- to double ---------------------------------------------------------------------------------

// The long way, by the C library in the C locale. `text` holds digits, a point and an exponent,
// nothing else. newlocale gives the C locale without allocating in the libraries we know, so
// nothing is kept between calls.
static double convert_slowly(const char *text)
{
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!c) {
    return strtod(text, NULL);
  }
  double value = strtod_l(text, NULL, c);
  freelocale(c);
  return value;
}

// Many digits: as many as can matter, and a 1 for whatever is left out.
static double convert_cut(const grove__digits *d)
{
  char text[SLOW_DIGITS + 48];
  size_t n = 0;
  int64_t exponent = d->exponent;
  bool lost = false;
  for (const char *p = d->first; p < d->last; p++) {
    if (*p == '.') {
      continue; // d->exponent counts the fraction's digits already
    }
    if (n < SLOW_DIGITS) {
      n += n || *p != '0';
      text[n ? n - 1 : 0] = *p;
    } else {
      lost = lost || *p != '0';
      exponent++;
    }
  }
  if (lost) {
    text[n++] = '1';
    exponent--;
  }
  snprintf(text + n, sizeof text - n, "e%lld", (long long)exponent);
  return convert_slowly(text);
}

#if defined(__SIZEOF_INT128__) && FLT_EVAL_METHOD == 0
__extension__ typedef unsigned __int128 wide;

static const uint64_t fives[28] = {1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u,
    1953125u, 9765625u, 48828125u, 244140625u, 1220703125u, 6103515625u, 30517578125u,
    152587890625u, 762939453125u, 3814697265625u, 19073486328125u, 95367431640625u,
    476837158203125u, 2384185791015625u, 11920928955078125u, 59604644775390625u,
    298023223876953125u, 1490116119384765625u, 7450580596923828125u};
static const double tens[23] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
    1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { FIVES_MOST = 27, TENS_MOST = 22 };

static int count_leading_zeros(wide v)
{
  uint64_t high = (uint64_t)(v >> 64);
  return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v);
}

// v * 2^power, plus something smaller than v's last bit if `more`; v > 0 has more than 54 bits if
// `more`. The result is a normal number by the range of the callers.
static double round_to_double(wide v, bool more, int power)
{
  int shift = 128 - count_leading_zeros(v) - 53;
  if (shift > 0) {
    wide rest = v & (((wide)1 << shift) - 1);
    wide half = (wide)1 << (shift - 1);
    v >>= shift;
    power += shift;
    if (rest > half || (rest == half && (more || (v & 1)))) {
      v++;
    }
  }
  uint64_t bits = (uint64_t)(power + 1023) << 52;
  double scale;
  memcpy(&scale, &bits, sizeof scale);
  return (double)(uint64_t)v * scale;
}

// For |exponent| <= 27 the power of five is exact in 64 bits, so one multiplication or division of
// 128 bits is exact too, remainder included, and is rounded once.
static double convert_wide(uint64_t mantissa, int exponent)
{
  if (exponent >= 0) {
    return round_to_double((wide)mantissa * fives[exponent], false, exponent);
  }
  uint64_t divisor = fives[-exponent];
  int a = __builtin_clzll(mantissa);
  int b = __builtin_clzll(divisor);
  // Both have their top bit set now: the quotient has 63 or 64 bits.
  wide numerator = (wide)(mantissa << a) << 63;
  uint64_t quotient = (uint64_t)(numerator / (divisor << b));
  bool more = (wide)quotient * (divisor << b) != numerator;
  return round_to_double(quotient, more, exponent - 63 - a + b);
}

static bool convert_quickly(uint64_t mantissa, int64_t exponent, double *out)
{
  if (mantissa <= (uint64_t)1 << 53 && exponent >= -TENS_MOST && exponent <= TENS_MOST) {
    // Both operands are exact, so the one operation rounds once (Clinger 1990).
    double m = (double)mantissa;
    *out = exponent < 0 ? m / tens[-exponent] : m * tens[exponent];
    return true;
  }
  if (exponent >= -FIVES_MOST && exponent <= FIVES_MOST) {
    *out = convert_wide(mantissa, (int)exponent);
    return true;
  }
  return false;
}
#else
static bool convert_quickly(uint64_t mantissa, int64_t exponent, double *out)
{
  (void)mantissa, (void)exponent, (void)out;
  return false;
}
#endif

double grove__digits_double(const grove__digits *d)
{
  double value = 0;
  if (d->cut) {
    value = convert_cut(d);
  } else if (d->mantissa && !convert_quickly(d->mantissa, d->exponent, &value)) {
    char text[64];
    snprintf(
        text, sizeof text, "%llue%lld", (unsigned long long)d->mantissa, (long long)d->exponent);
    value = convert_slowly(text);
  }
  return d->negative ? -value : value;
}

static bool equals_word(const char *text, size_t n, const char *word)
{
  size_t i = 0;
  for (; i < n && word[i]; i++) {
    if ((text[i] | 0x20) != word[i]) {
      return false;
    }
  }
  return i == n && !word[i];
}

bool grove__double_read(const char *text, size_t n, double *out)
{
  const char *end = text + n;
  grove__digits d;
  if (grove__digits_read(text, end, &d) == end) {
    *out = grove__digits_double(&d);
    return true;
  }
  bool negative = n && *text == '-';
  size_t sign = n && (*text == '-' || *text == '+');
  text += sign;
  n -= sign;
  if (equals_word(text, n, "inf") || equals_word(text, n, "infinity")) {
    *out = negative ? -INFINITY : INFINITY;
    return true;
  }
  if (equals_word(text, n, "nan")) {
    *out = NAN;
    return true;
  }
  return false;
}

// ---- to text -----------------------------------------------------------------------------------

// printf writes the host's decimal point, which may have several bytes: whatever is not a part of a
// number becomes one '.'.
static void normalise_point(char *text)
{
  char *to = text;
  bool inside = false;
  for (const char *p = text; *p; p++) {
    bool point = !is_digit(*p) && *p != '-' && *p != '+' && *p != 'e';
    if (!point || !inside) {
      *to++ = point ? '.' : *p;
    }
    inside = point;
  }
  *to = 0;
}

// A whole number that printf would write without an exponent, digit by digit. Gives false if it is none.
static bool print_whole(double value, double below, char *out)
{
  char digit[20];
  size_t n = 0;
  if (!(fabs(value) < below) || value != (double)(int64_t)value || (value == 0 && signbit(value))) {
    return false;
  }
  uint64_t left = (uint64_t)fabs(value);
  do {
    digit[n++] = (char)('0' + left % 10);
    left /= 10;
  } while (left);
  if (value < 0) {
    *out++ = '-';
  }
  while (n) {
    *out++ = digit[--n];
  }
  *out = 0;
  return true;
}

void grove__double_text(double value, bool exact, char out[GROVE__DOUBLE_TEXT])
{
  if (print_whole(value, exact ? 1e15 : 1e6, out)) {
    return;
  }
  if (isnan(value) || isinf(value)) {
    strcpy(out, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
    return;
  }
  for (int digits = exact ? 15 : 6; digits <= 17; digits++) {
    double back = 0;
    snprintf(out, GROVE__DOUBLE_TEXT, "%.*g", digits, value);
    normalise_point(out);
    if (grove__double_read(out, strlen(out), &back) &&
        (exact ? back == value : (float)back == (float)value)) {
      return;
    }
  }
}
