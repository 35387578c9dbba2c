#include "columnar/value_text.h"
#include "columnar/decimal.h"
#include "columnar/number.h"
#include <math.h>

// ---- types -------------------------------------------------------------------------------------

static int64_t units_of(char letter)
{
  return letter == 's' ? 1 : letter == 'm' ? 1000 : letter == 'u' ? 1000000 : 1000000000;
}

static void read_temporal(grove__value_type *t, const char *format)
{
  switch (format[1]) {
  case 'd':
    t->kind = GROVE__VALUE_DATE;
    t->second = format[2] == 'D' ? 1 : 86400000;
    break;
  case 't':
    t->kind = GROVE__VALUE_TIME;
    t->second = units_of(format[2]);
    break;
  case 's':
    t->kind = GROVE__VALUE_STAMP;
    t->second = units_of(format[2]);
    t->utc = format[3] == ':' && format[4];
    break;
  default: break; // a duration: its count of units
  }
}

grove_status grove__value_type_read(const char *format, grove__value_type *out)
{
  *out = (grove__value_type){.kind = GROVE__VALUE_INTEGER};
  GROVE__TRY(grove__layout_read(format, &out->layout));
  switch (out->layout.number) {
  case GROVE__NUMBER_NULL: out->kind = GROVE__VALUE_NULL; break;
  case GROVE__NUMBER_BOOL: out->kind = GROVE__VALUE_BOOL; break;
  case GROVE__NUMBER_F16:
  case GROVE__NUMBER_F32:
  case GROVE__NUMBER_F64: out->kind = GROVE__VALUE_FLOAT; break;
  case GROVE__NUMBER_DECIMAL: out->kind = GROVE__VALUE_DECIMAL; break;
  case GROVE__NUMBER_NONE:
    out->kind = out->layout.utf8 ? GROVE__VALUE_TEXT : GROVE__VALUE_BYTES;
    break;
  default: break;
  }
  if (format[0] == 't') {
    read_temporal(out, format);
  }
  return GROVE_OK;
}

// ---- numbers -----------------------------------------------------------------------------------

static size_t print_unsigned(uint64_t v, char *out)
{
  char reversed[20];
  size_t n = 0;
  do {
    reversed[n++] = (char)('0' + v % 10);
    v /= 10;
  } while (v);
  for (size_t i = 0; i < n; i++) {
    out[i] = reversed[n - 1 - i];
  }
  return n;
}

static size_t print_signed(int64_t v, char *out)
{
  *out = '-';
  return v < 0 ? 1 + print_unsigned(0 - (uint64_t)v, out + 1) : print_unsigned((uint64_t)v, out);
}

// `v` with at least `width` digits, zeros in front.
static size_t print_padded(uint64_t v, size_t width, char *out)
{
  char digits[20];
  size_t n = print_unsigned(v, digits);
  size_t zeros = n < width ? width - n : 0;
  memset(out, '0', zeros);
  memcpy(out + zeros, digits, n);
  return zeros + n;
}

static int64_t read_integer(const grove__value_type *t, const void *values, int64_t i)
{
  bool is_signed = t->layout.number != GROVE__NUMBER_U8 && t->layout.number != GROVE__NUMBER_U16 &&
                   t->layout.number != GROVE__NUMBER_U32;
  switch (t->layout.width) {
  case 1: return is_signed ? ((const int8_t *)values)[i] : ((const uint8_t *)values)[i];
  case 2: return is_signed ? ((const int16_t *)values)[i] : ((const uint16_t *)values)[i];
  case 4:
    return is_signed ? ((const int32_t *)values)[i] : (int64_t)((const uint32_t *)values)[i];
  default: return ((const int64_t *)values)[i];
  }
}

// Numbers of a few decimals, as most are: m / 10^k is exact in one rounding, so if it is the value, m with k decimals
// reads back as it; and with up to 15 digits it is what the search for the fewest digits would find, too. Gives 0 if
// the value is none of these.
static size_t print_short(double value, char *out)
{
  static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
  double v = fabs(value);
  if (!(v >= 1e-4 && v < 1e9)) {
    return 0;
  }
  for (size_t k = 0; k < sizeof tens / sizeof tens[0]; k++) {
    uint64_t m = (uint64_t)(v * tens[k] + 0.5);
    if ((double)m / tens[k] == v) {
      uint64_t unit = (uint64_t)tens[k];
      size_t n = value < 0;
      out[0] = '-';
      n += print_unsigned(m / unit, out + n);
      if (k) {
        out[n++] = '.';
        n += print_padded(m % unit, k, out + n);
      }
      return n;
    }
  }
  return 0;
}

static size_t print_float(
    const grove__value_type *t, const void *values, int64_t i, char *out, bool *number)
{
  bool exact = t->layout.number == GROVE__NUMBER_F64;
  double v = exact                                    ? ((const double *)values)[i]
             : t->layout.number == GROVE__NUMBER_F32 ? (double)((const float *)values)[i]
                                                      : grove__half_double(((const uint16_t *)values)[i]);
  *number = isfinite(v);
  size_t n = exact ? print_short(v, out) : 0;
  if (n) {
    return n;
  }
  grove__double_text(v, exact, out);
  if (isnan(v)) {
    memcpy(out, "NaN", 4);
  }
  return strlen(out);
}

// ---- dates and times ---------------------------------------------------------------------------

static int64_t divide_down(int64_t a, int64_t b)
{
  return a / b - (a % b < 0);
}

// The year is taken to begin in March, so that the leap day is its last; an era has 400 years.
size_t grove__date_text(int64_t days, char *out)
{
  days += 719468; // from 0000-03-01; no date that we print is near the end of int64
  int64_t era = divide_down(days, 146097);
  int64_t of_era = days - era * 146097;
  int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  int64_t month = (5 * of_year + 2) / 153;
  int64_t day = of_year - (153 * month + 2) / 5 + 1;
  month = month < 10 ? month + 3 : month - 9;
  year += era * 400 + (month <= 2);
  size_t n = 0;
  if (year < 0 || year > 9999) {
    out[n++] = year < 0 ? '-' : '+'; // ISO 8601 wants a sign there
  }
  n += print_padded((uint64_t)(year < 0 ? -year : year), 4, out + n);
  out[n++] = '-';
  n += print_padded((uint64_t)month, 2, out + n);
  out[n++] = '-';
  return n + print_padded((uint64_t)day, 2, out + n);
}

// Seconds of a day, and what is left of a second, which is printed only if it is not zero.
static size_t print_time(int64_t seconds, int64_t left, int64_t units, char *out)
{
  size_t n = 0;
  if (seconds < 0) { // legal nowhere, but some column may have it
    out[n++] = '-';
    seconds = -seconds;
  }
  n += print_padded((uint64_t)(seconds / 3600), 2, out + n);
  out[n++] = ':';
  n += print_padded((uint64_t)(seconds / 60 % 60), 2, out + n);
  out[n++] = ':';
  n += print_padded((uint64_t)(seconds % 60), 2, out + n);
  if (left) {
    out[n++] = '.';
    n += print_padded((uint64_t)left, units == 1000 ? 3 : units == 1000000 ? 6 : 9, out + n);
  }
  return n;
}

static size_t print_temporal(const grove__value_type *t, int64_t v, char *out)
{
  if (t->kind == GROVE__VALUE_DATE) {
    return grove__date_text(divide_down(v, t->second), out);
  }
  int64_t seconds = divide_down(v, t->second);
  int64_t left = v % t->second; // their product may not fit
  left += left < 0 ? t->second : 0;
  if (t->kind == GROVE__VALUE_TIME) {
    return print_time(seconds, left, t->second, out);
  }
  int64_t days = divide_down(seconds, 86400);
  size_t n = grove__date_text(days, out);
  out[n++] = 'T';
  n += print_time(seconds - days * 86400, left, t->second, out + n);
  if (t->utc) {
    out[n++] = 'Z';
  }
  return n;
}

// ---- one value ---------------------------------------------------------------------------------

const char *grove__value_bytes(
    const grove__value_type *t, const struct ArrowArray *a, int64_t i, size_t *n)
{
  if (t->layout.shape == GROVE__SHAPE_FIXED) {
    *n = t->layout.width;
    return (const char *)a->buffers[1] + (size_t)i * *n;
  }
  size_t from;
  size_t to;
  if (t->layout.width == 8) {
    from = (size_t)((const int64_t *)a->buffers[1])[i];
    to = (size_t)((const int64_t *)a->buffers[1])[i + 1];
  } else {
    from = (size_t)((const int32_t *)a->buffers[1])[i];
    to = (size_t)((const int32_t *)a->buffers[1])[i + 1];
  }
  *n = to - from;
  return *n ? (const char *)a->buffers[2] + from : "";
}

size_t grove__value_print(const grove__value_type *t, const struct ArrowArray *a, int64_t i,
    char out[GROVE__VALUE_TEXT_MOST], bool *number)
{
  const void *values = a->buffers[1];
  *number = true;
  switch (t->kind) {
  case GROVE__VALUE_BOOL:
    memcpy(out, grove__bit_get(values, i) ? "true" : "false", 5);
    return grove__bit_get(values, i) ? 4 : 5;
  case GROVE__VALUE_INTEGER:
    return t->layout.number == GROVE__NUMBER_U64 ? print_unsigned(((const uint64_t *)values)[i], out)
                                                 : print_signed(read_integer(t, values, i), out);
  case GROVE__VALUE_FLOAT: return print_float(t, values, i, out, number);
  case GROVE__VALUE_DECIMAL:
    return grove__decimal_print((const char *)values + (size_t)i * t->layout.width,
        t->layout.width, t->layout.scale, out);
  default: *number = false; return print_temporal(t, read_integer(t, values, i), out);
  }
}
