#include "columnar/decimal.h"
#include "columnar/number.h"
#include <string.h>

enum { LIMBS = 8, LIMB_DIGITS = 9 };

// The magnitude in 32-bit limbs, least first. Gives whether the value is negative.
static bool read_limbs(const void *value, uint32_t bytes, uint32_t limbs[LIMBS])
{
  memset(limbs, 0, LIMBS * sizeof *limbs);
  memcpy(limbs, value, bytes);
  uint32_t n = bytes / 4;
  bool negative = limbs[n - 1] >> 31;
  uint64_t carry = 1;
  for (uint32_t i = 0; negative && i < n; i++) {
    carry += (uint32_t)~limbs[i];
    limbs[i] = (uint32_t)carry;
    carry >>= 32;
  }
  return negative;
}

// Divides by 10^9 in place; gives the remainder.
static uint32_t divide(uint32_t limbs[LIMBS], bool *zero)
{
  uint64_t rest = 0;
  *zero = true;
  for (int i = LIMBS - 1; i >= 0; i--) {
    rest = rest << 32 | limbs[i];
    limbs[i] = (uint32_t)(rest / 1000000000u);
    rest %= 1000000000u;
    *zero = *zero && !limbs[i];
  }
  return (uint32_t)rest;
}

size_t grove__decimal_text(const void *value, uint32_t bytes, char out[GROVE__DECIMAL_TEXT])
{
  uint32_t limbs[LIMBS];
  char reversed[GROVE__DECIMAL_TEXT + LIMB_DIGITS];
  size_t n = 0;
  bool zero = false;
  bool negative = read_limbs(value, bytes, limbs);
  while (!zero) {
    uint32_t group = divide(limbs, &zero);
    for (int i = 0; i < LIMB_DIGITS; i++, group /= 10) {
      reversed[n++] = (char)('0' + group % 10);
    }
  }
  while (n > 1 && reversed[n - 1] == '0') {
    n--;
  }
  if (negative) {
    reversed[n++] = '-';
  }
  for (size_t i = 0; i < n; i++) {
    out[i] = reversed[n - 1 - i];
  }
  out[n] = 0;
  return n;
}

size_t grove__decimal_print(const void *value, uint32_t bytes, int32_t scale, char *out)
{
  char digits[GROVE__DECIMAL_TEXT];
  int n = (int)grove__decimal_text(value, bytes, digits);
  const char *p = digits;
  char *to = out;
  if (*p == '-') {
    *to++ = *p++;
    n--;
  }
  int blank = n <= scale ? scale - n + 1 : 0; // zeros in front: at least one before the point
  for (int i = -blank; i < n; i++) {
    *to++ = i < 0 ? '0' : p[i];
    if (scale > 0 && n - scale == i + 1) {
      *to++ = '.';
    }
  }
  for (int i = scale; i < 0 && *p != '0'; i++) {
    *to++ = '0';
  }
  return (size_t)(to - out);
}

double grove__decimal_double(const void *value, uint32_t bytes, int32_t scale)
{
  char text[GROVE__DECIMAL_TEXT];
  grove__digits d;
  size_t n = grove__decimal_text(value, bytes, text);
  grove__digits_read(text, text + n, &d);
  d.exponent = -(int64_t)scale;
  return grove__digits_double(&d);
}
