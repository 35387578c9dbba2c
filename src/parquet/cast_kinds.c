// Times in another unit, decimals of another scale, texts with wider offsets: what is no plain number, still exactly.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/bitmap.h"
#include "columnar/decimal.h"
#include "columnar/layout.h"
#include "columnar/utf8.h"
#include "parquet/cast.h"
#include <stdlib.h>

__extension__ typedef __int128 wide;

enum { DAY_S = 86400, BILLION = 1000000000 };

// What a format's integers count.
typedef enum family {
  FAMILY_NONE,
  FAMILY_INTEGER,
  FAMILY_STAMP, // and dates
  FAMILY_DAY_TIME,
  FAMILY_SPAN,
  FAMILY_DECIMAL,
  FAMILY_TEXT
} family;

typedef struct kind {
  family family;
  int64_t unit;  // of times: nanoseconds
  int32_t scale; // of decimals, and how many digits
  int32_t digits;
  uint32_t width; // bytes of a value, or of an offset
  bool is_signed, utf8;
} kind;

static int64_t unit_of(char letter)
{
  switch (letter) {
  case 's': return BILLION;
  case 'm': return 1000000;
  case 'u': return 1000;
  default: return 1;
  }
}

static kind kind_of(const char *format)
{
  grove__layout l;
  kind k = {.family = FAMILY_NONE};
  if (grove__layout_read(format, &l)) {
    return k;
  }
  k.width = l.width;
  k.is_signed = true;
  if (l.shape == GROVE__SHAPE_TEXT) {
    k.family = FAMILY_TEXT;
    k.utf8 = l.utf8;
  } else if (!format[1] && strchr("cCsSiIlL", *format)) {
    k.family = FAMILY_INTEGER;
    k.is_signed = strchr("csil", *format) != NULL;
  } else if (*format == 't') {
    k.family = format[1] == 't' ? FAMILY_DAY_TIME : format[1] == 'D' ? FAMILY_SPAN : FAMILY_STAMP;
    k.unit = strcmp(format, "tdD") == 0   ? (int64_t)DAY_S * BILLION
             : strcmp(format, "tdm") == 0 ? unit_of('m')
                                          : unit_of(format[2]);
  } else if (*format == 'd' && l.width == 16) {
    k.scale = l.scale;
    k.digits = (int32_t)strtol(format + 2, NULL, 10);
    k.family = k.digits <= 38 ? FAMILY_DECIMAL : FAMILY_NONE; // what 128 bits hold
  }
  return k;
}

bool grove__cast_kinds_known(const char *from, const char *to)
{
  kind a = kind_of(from), b = kind_of(to);
  return a.family != FAMILY_NONE && b.family != FAMILY_NONE &&
         (a.family == b.family || (a.family == FAMILY_INTEGER && b.family == FAMILY_DECIMAL));
}

grove__units grove__cast_units(const char *from, const char *to)
{
  kind a = kind_of(from), b = kind_of(to);
  if (!a.unit || !b.unit) {
    return (grove__units){1, 1};
  }
  return a.unit > b.unit ? (grove__units){a.unit / b.unit, 1} : (grove__units){1, b.unit / a.unit};
}

static wide load(const kind *k, const uint8_t *p)
{
  uint64_t v = 0;
  if (k->width == 16) {
    wide all;
    memcpy(&all, p, sizeof all);
    return all;
  }
  memcpy(&v, p, k->width);
  unsigned unused = 64 - 8 * k->width;
  return k->is_signed ? (wide)((int64_t)(v << unused) >> unused) : (wide)v;
}

static bool store(const kind *k, uint8_t *p, wide v)
{
  if (k->width < 16) {
    wide high = ((wide)1 << (8 * k->width - 1)) - 1;
    if (v > high || v < -high - 1) {
      return false;
    }
  }
  memcpy(p, &v, k->width);
  return true;
}

// 10^n for up to 38, which 128 bits hold.
static wide ten_to(int32_t n)
{
  wide v = 1;
  while (n-- > 0) {
    v *= 10;
  }
  return v;
}

static bool rescale(const kind *from, const kind *to, wide *v)
{
  int32_t steps = to->scale - from->scale;
  if (steps > 38 || steps < -38) {
    return *v == 0;
  }
  wide factor = ten_to(steps < 0 ? -steps : steps), limit = ten_to(to->digits);
  if (steps < 0) {
    wide whole = *v / factor;
    bool exact = whole * factor == *v;
    *v = whole;
    return exact && whole < limit && whole > -limit;
  }
  return !__builtin_mul_overflow(*v, factor, v) && *v < limit && *v > -limit;
}

// Units divide each other, so that one of the two factors is 1.
static bool change_unit(const kind *from, const kind *to, wide *v)
{
  wide all = *v * from->unit; // 64 bits times 47
  *v = all / to->unit;
  return *v * to->unit == all;
}

static bool convert_one(const kind *from, const kind *to, const uint8_t *in, uint8_t *out)
{
  wide v = load(from, in);
  bool exact =
      to->family == FAMILY_DECIMAL ? rescale(from, to, &v) : change_unit(from, to, &v);
  return exact && store(to, out, v);
}

static grove_status refuse(
    const grove__column *c, const kind *from, const char *to, uint64_t row, grove_error *err)
{
  char text[1200];
  const uint8_t *p = (const uint8_t *)c->values + (size_t)row * from->width;
  wide v = load(from, p);
  size_t n = grove__decimal_print(
      &v, sizeof v, from->family == FAMILY_DECIMAL ? from->scale : 0, text);
  text[n] = 0;
  return grove__error(err, GROVE_ECORRUPT, (int64_t)row,
      "column \"%.100s\", row %llu of the batch: %.60s does not fit the declared format \"%.20s\" "
      "exactly (the file has \"%s\")",
      c->name, (unsigned long long)row, text, to, c->format);
}

static grove_status convert_values(const grove_allocator *a, grove__column *c, const kind *from,
    const kind *to, const char *format, uint64_t rows, grove_error *err)
{
  size_t bytes = (size_t)rows * to->width + 1;
  uint8_t *values = grove__alloc_zero(a, bytes);
  if (!values) {
    return grove__error_memory(err, "a column's values", bytes);
  }
  for (uint64_t i = 0; i < rows; i++) {
    const uint8_t *in = (const uint8_t *)c->values + (size_t)i * from->width;
    if ((!c->validity || grove__bit_get(c->validity, (int64_t)i)) &&
        !convert_one(from, to, in, values + (size_t)i * to->width)) {
      grove__free(a, values, bytes);
      return refuse(c, from, format, i, err);
    }
  }
  grove__free(a, c->values, c->values_bytes);
  c->values = values;
  c->values_bytes = bytes;
  return GROVE_OK;
}

// Bytes that are to be text are looked at, each by itself.
static grove_status check_texts(
    const grove__column *c, const char *format, uint64_t rows, grove_error *err)
{
  const int32_t *offsets = c->values;
  for (uint64_t i = 0; i < rows && offsets; i++) {
    size_t n = (size_t)(offsets[i + 1] - offsets[i]);
    if (grove__utf8_check((const char *)c->data + offsets[i], n) != n) {
      return grove__error(err, GROVE_ECORRUPT, (int64_t)i,
          "column \"%.100s\", row %llu of the batch: it is not UTF-8, which the declared format "
          "\"%.20s\" wants (the file has \"%s\")",
          c->name, (unsigned long long)i, format, c->format);
    }
  }
  return GROVE_OK;
}

static grove_status widen_offsets(
    const grove_allocator *a, grove__column *c, uint64_t rows, grove_error *err)
{
  size_t bytes = ((size_t)rows + 1) * sizeof(int64_t);
  const int32_t *narrow = c->values;
  int64_t *offsets = grove__alloc_zero(a, bytes);
  if (!offsets) {
    return grove__error_memory(err, "a column's offsets", bytes);
  }
  for (uint64_t i = 0; i <= rows && narrow; i++) {
    offsets[i] = narrow[i];
  }
  grove__free(a, c->values, c->values_bytes);
  c->values = offsets;
  c->values_bytes = bytes;
  return GROVE_OK;
}

grove_status grove__cast_kinds(
    const grove_allocator *a, grove__column *c, const char *to, uint64_t rows, grove_error *err)
{
  kind from = kind_of(c->format), wanted = kind_of(to);
  if (from.family != FAMILY_TEXT) {
    return convert_values(a, c, &from, &wanted, to, rows, err);
  }
  if (wanted.utf8 && !from.utf8) {
    GROVE__TRY(check_texts(c, to, rows, err));
  }
  return wanted.width > from.width ? widen_offsets(a, c, rows, err) : GROVE_OK;
}
