#include "parquet_text.h"
#include "cli.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum kind { NOTHING, BOOL, INTEGER, FLOAT, TEXT, BYTES, FIXED, DECIMAL, DATE, TIME, TIMESTAMP };

struct text_column {
  enum kind kind;
  char letter;    // Arrow's, for numbers; 'Z' and 'U' are the large forms
  int width;      // FIXED, DECIMAL: bytes
  int scale;      // DECIMAL
  int64_t second; // how many of its units make a second; DATE: how many make a day
  bool utc;       // TIMESTAMP: an instant, not a wall clock's reading
};

// ---- types ----------------------------------------------------------------------------------------

static int64_t units_of(char letter)
{
  return letter == 's' ? 1 : letter == 'm' ? 1000 : letter == 'u' ? 1000000 : 1000000000;
}

static bool read_decimal(text_column *c, const char *format)
{
  int precision, bits = 128;
  c->kind = DECIMAL;
  if (sscanf(format, "d:%d,%d,%d", &precision, &c->scale, &bits) < 2) {
    return false;
  }
  c->width = bits / 8;
  return bits % 32 == 0 && bits > 0 && bits <= 256 && abs(c->scale) < 1000;
}

static bool read_temporal(text_column *c, const char *format)
{
  c->letter = format[2];
  switch (format[1]) {
  case 'd':
    c->kind = DATE;
    c->second = format[2] == 'D' ? 1 : 86400000;
    return format[2] == 'D' || format[2] == 'm';
  case 't':
    c->kind = TIME;
    c->second = units_of(format[2]);
    return format[2] && strchr("smun", format[2]);
  case 's':
    c->kind = TIMESTAMP;
    c->second = units_of(format[2]);
    c->utc = format[2] && format[3] == ':' && format[4];
    return format[2] && strchr("smun", format[2]);
  case 'D': // a duration: its count of units
    c->kind = INTEGER;
    c->letter = 'l';
    return true;
  default: return false;
  }
}

static bool read_format(text_column *c, const char *format)
{
  c->letter = format[0];
  switch (format[0]) {
  case 'n': c->kind = NOTHING; return true;
  case 'b': c->kind = BOOL; return true;
  case 'e':
  case 'f':
  case 'g': c->kind = FLOAT; return true;
  case 'u':
  case 'U': c->kind = TEXT; return true;
  case 'z':
  case 'Z': c->kind = BYTES; return true;
  case 'w': c->kind = FIXED; return sscanf(format, "w:%d", &c->width) == 1 && c->width >= 0;
  case 'd': return read_decimal(c, format);
  case 't': return read_temporal(c, format);
  default: c->kind = INTEGER; return format[0] && strchr("cCsSiIlL", format[0]) && !format[1];
  }
}

text_column *text_column_create(const struct ArrowSchema *schema)
{
  text_column *c = cli_alloc(1, sizeof *c);
  if (schema->dictionary || !read_format(c, schema->format)) {
    free(c);
    return NULL;
  }
  return c;
}

void text_column_destroy(text_column *c)
{
  free(c);
}

// ---- numbers --------------------------------------------------------------------------------------

static int64_t read_integer(char letter, const void *values, size_t i)
{
  switch (letter) {
  case 'c': return ((const int8_t *)values)[i];
  case 'C': return ((const uint8_t *)values)[i];
  case 's': return ((const int16_t *)values)[i];
  case 'S': return ((const uint16_t *)values)[i];
  case 'i': return ((const int32_t *)values)[i];
  case 'I': return ((const uint32_t *)values)[i];
  default: return ((const int64_t *)values)[i];
  }
}

static double half_to_double(uint16_t h)
{
  int exponent = h >> 10 & 31;
  double fraction = (h & 1023) / 1024.0;
  double v = exponent == 31 ? (h & 1023 ? NAN : INFINITY)
             : exponent     ? ldexp(1 + fraction, exponent - 15)
                            : ldexp(fraction, -14);
  return h & 0x8000 ? -v : v;
}

// The shortest text that reads back as the same value of the same width.
static double print_float(char letter, const void *values, size_t i, char *out)
{
  if (letter == 'g') {
    double v = ((const double *)values)[i];
    cli_format_double(v, out);
    return v;
  }
  float v = letter == 'f' ? ((const float *)values)[i]
                          : (float)half_to_double(((const uint16_t *)values)[i]);
  for (int digits = letter == 'f' ? 6 : 3; digits <= 9; digits++) {
    snprintf(out, 32, "%.*g", digits, (double)v);
    if (isnan(v) || isinf(v) || strtof(out, NULL) == v) {
      break;
    }
  }
  if (isnan(v)) {
    strcpy(out, "NaN");
  }
  return (double)v;
}

// Little-endian two's complement of any width, to decimal digits: divided by ten, limb by limb.
static void print_decimal(const text_column *c, const void *value, char *out, size_t room)
{
  uint32_t limb[8];
  char digits[96];
  int n = c->width / 4, count = 0;
  memcpy(limb, value, (size_t)c->width);
  bool negative = limb[n - 1] >> 31;
  uint64_t carry = 1;
  for (int i = 0; i < n && negative; i++) {
    carry += (uint32_t)~limb[i];
    limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  for (bool more = true; more && count < 90;) {
    uint64_t rest = 0;
    more = false;
    for (int i = n - 1; i >= 0; i--) {
      rest = rest << 32 | limb[i];
      limb[i] = (uint32_t)(rest / 10);
      rest %= 10;
      more |= limb[i] != 0;
    }
    digits[count++] = (char)('0' + rest);
  }
  FILE *f = fmemopen(out, room, "w");
  if (!f) {
    out[0] = '\0';
    return;
  }
  if (negative) {
    fputc('-', f);
  }
  int whole = count - c->scale;
  if (whole <= 0) {
    fputs("0", f);
  }
  for (int i = 0; i < whole; i++) {
    fputc(i < count ? digits[count - 1 - i] : '0', f); // past the digits: a negative scale
  }
  for (int i = 0; i < c->scale; i++) {
    int place = c->scale - 1 - i;
    fprintf(f, "%s%c", i ? "" : ".", place < count ? digits[place] : '0');
  }
  fclose(f);
}

// ---- dates and times ------------------------------------------------------------------------------

static int64_t divide_down(int64_t a, int64_t b)
{
  return a / b - (a % b < 0);
}

// Days since 1970-01-01 in the Gregorian calendar, for any year: counted in eras of 400 years from March on.
static int print_date(int64_t days, char *out, size_t room)
{
  days += 719468;
  int64_t era = divide_down(days, 146097);
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted = (5 * day_of_year + 2) / 153; // 0: March
  int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  int64_t year = year_of_era + era * 400 + (month <= 2);
  const char *form = year < 0 || year > 9999 ? "%+05" PRId64 "-%02" PRId64 "-%02" PRId64
                                             : "%04" PRId64 "-%02" PRId64 "-%02" PRId64;
  return snprintf(out, room, form, year, month, day);
}

// Seconds of a day and what is left of a second, which is printed only if it is not zero.
static int print_time(int64_t seconds, int64_t left, int64_t units, char *out, size_t room)
{
  int n = snprintf(out, room, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600,
      seconds / 60 % 60, seconds % 60);
  if (left) {
    int digits = units == 1000 ? 3 : units == 1000000 ? 6 : 9;
    n += snprintf(out + n, room - (size_t)n, ".%0*" PRId64, digits, left);
  }
  return n;
}

static void print_temporal(
    const text_column *c, const void *values, size_t i, char *out, size_t room)
{
  bool narrow = c->kind == DATE ? c->letter == 'D'
                                : c->kind == TIME && (c->letter == 's' || c->letter == 'm');
  int64_t v = read_integer(narrow ? 'i' : 'l', values, i);
  if (c->kind == DATE) {
    print_date(divide_down(v, c->second), out, room);
    return;
  }
  int64_t seconds = divide_down(v, c->second);
  int64_t left = v - seconds * c->second;
  if (c->kind == TIME) {
    print_time(seconds, left, c->second, out, room);
    return;
  }
  int64_t days = divide_down(seconds, 86400);
  int n = print_date(days, out, room);
  n += snprintf(out + n, room - (size_t)n, "T");
  n += print_time(seconds - days * 86400, left, c->second, out + n, room - (size_t)n);
  snprintf(out + n, room - (size_t)n, "%s", c->utc ? "Z" : "");
}

// ---- texts ----------------------------------------------------------------------------------------

void text_put_csv_string(const char *text, size_t n, FILE *out)
{
  bool quote = n == 0; // so that an empty text is not a null
  for (size_t i = 0; i < n && !quote; i++) {
    quote = strchr(",\"\r\n", text[i]) != NULL;
  }
  if (!quote) {
    fwrite(text, 1, n, out);
    return;
  }
  fputc('"', out);
  for (size_t i = 0; i < n; i++) {
    if (text[i] == '"') {
      fputc('"', out);
    }
    fputc(text[i], out);
  }
  fputc('"', out);
}

void text_put_json_string(const char *text, size_t n, FILE *out)
{
  fputc('"', out);
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') {
      fprintf(out, "\\%c", c);
    } else if (c == '\n') {
      fputs("\\n", out);
    } else if (c < 0x20 || c == 0x7f) {
      fprintf(out, "\\u%04x", c);
    } else {
      fputc(c, out);
    }
  }
  fputc('"', out);
}

static const char *find_bytes(const text_column *c, const struct ArrowArray *a, size_t i, size_t *n)
{
  if (c->kind == FIXED) {
    *n = (size_t)c->width;
    return (const char *)a->buffers[1] + i * *n;
  }
  size_t from, to;
  if (c->letter == 'U' || c->letter == 'Z') {
    from = (size_t)((const int64_t *)a->buffers[1])[i];
    to = (size_t)((const int64_t *)a->buffers[1])[i + 1];
  } else {
    from = (size_t)((const int32_t *)a->buffers[1])[i];
    to = (size_t)((const int32_t *)a->buffers[1])[i + 1];
  }
  *n = to - from;
  return *n ? (const char *)a->buffers[2] + from : "";
}

static void put_hex(const char *bytes, size_t n, FILE *out)
{
  for (size_t i = 0; i < n; i++) {
    fprintf(out, "%02x", (unsigned char)bytes[i]);
  }
}

// ---- one value ------------------------------------------------------------------------------------

static bool is_null(const text_column *c, const struct ArrowArray *a, size_t i)
{
  const uint8_t *valid = a->n_buffers > 0 ? a->buffers[0] : NULL;
  return c->kind == NOTHING || (a->null_count && valid && !(valid[i / 8] >> (i % 8) & 1));
}

// A value that is neither text nor bytes. Gives whether it is a number or a truth value that JSON has a word for.
static bool print_value(
    const text_column *c, const struct ArrowArray *a, size_t i, char *out, size_t room)
{
  const void *values = a->buffers[1];
  switch (c->kind) {
  case BOOL:
    snprintf(out, room, "%s", ((const uint8_t *)values)[i / 8] >> (i % 8) & 1 ? "true" : "false");
    return true;
  case INTEGER:
    if (c->letter == 'L') {
      snprintf(out, room, "%" PRIu64, ((const uint64_t *)values)[i]);
    } else {
      snprintf(out, room, "%" PRId64, read_integer(c->letter, values, i));
    }
    return true;
  case FLOAT: return isfinite(print_float(c->letter, values, i, out));
  case DECIMAL:
    print_decimal(c, (const char *)values + i * (size_t)c->width, out, room);
    return true;
  default: print_temporal(c, values, i, out, room); return false;
  }
}

void text_put_csv(const text_column *c, const struct ArrowArray *array, int64_t row, FILE *out)
{
  size_t i = (size_t)(array->offset + row), n;
  char text[1200];
  if (is_null(c, array, i)) {
    return;
  }
  if (c->kind == TEXT) {
    const char *bytes = find_bytes(c, array, i, &n);
    text_put_csv_string(bytes, n, out);
  } else if (c->kind == BYTES || c->kind == FIXED) {
    const char *bytes = find_bytes(c, array, i, &n);
    if (n == 0) {
      fputs("\"\"", out);
    }
    put_hex(bytes, n, out);
  } else {
    print_value(c, array, i, text, sizeof text);
    fputs(text, out);
  }
}

void text_put_json(const text_column *c, const struct ArrowArray *array, int64_t row, FILE *out)
{
  size_t i = (size_t)(array->offset + row), n;
  char text[1200];
  if (is_null(c, array, i)) {
    fputs("null", out);
  } else if (c->kind == TEXT) {
    const char *bytes = find_bytes(c, array, i, &n);
    text_put_json_string(bytes, n, out);
  } else if (c->kind == BYTES || c->kind == FIXED) {
    const char *bytes = find_bytes(c, array, i, &n);
    fputc('"', out);
    put_hex(bytes, n, out);
    fputc('"', out);
  } else if (print_value(c, array, i, text, sizeof text)) {
    fputs(text, out);
  } else {
    fprintf(out, "\"%s\"", text);
  }
}
