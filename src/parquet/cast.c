#include "parquet/cast.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/bitmap.h"
#include "columnar/layout.h"
#include "columnar/number.h"
#include <math.h>
#include <stdio.h>

// A value on its way: an integer (negative ones in `whole`, others in `count`) or a double.
typedef struct value {
  bool is_float, negative;
  int64_t whole;
  uint64_t count;
  double real;
} value;

static bool is_number(const char *format)
{
  return format[0] && !format[1] && strchr("cCsSiIlLfg", format[0]) != NULL;
}

// Halves are read as other numbers; nobody declares them.
static bool is_number_from(const char *format)
{
  return is_number(format) || strcmp(format, "e") == 0;
}

bool grove__cast_is_known(const char *from, const char *to)
{
  grove__layout layout;
  if (grove__layout_read(to, &layout) || layout.shape == GROVE__SHAPE_VIEWS) {
    return false;
  }
  return strcmp(from, to) == 0 || (is_number_from(from) && is_number(to)) || strcmp(from, "n") == 0 ||
         grove__cast_kinds_known(from, to);
}

static value of_signed(int64_t v)
{
  return (value){.negative = v < 0, .whole = v, .count = (uint64_t)v};
}

static value of_unsigned(uint64_t v)
{
  return (value){.whole = (int64_t)v, .count = v};
}

static value of_real(double v)
{
  return (value){.is_float = true, .real = v};
}

static value load(char format, const void *p, size_t i)
{
  switch (format) {
  case 'c': return of_signed(((const int8_t *)p)[i]);
  case 'C': return of_unsigned(((const uint8_t *)p)[i]);
  case 's': return of_signed(((const int16_t *)p)[i]);
  case 'S': return of_unsigned(((const uint16_t *)p)[i]);
  case 'i': return of_signed(((const int32_t *)p)[i]);
  case 'I': return of_unsigned(((const uint32_t *)p)[i]);
  case 'l': return of_signed(((const int64_t *)p)[i]);
  case 'L': return of_unsigned(((const uint64_t *)p)[i]);
  case 'f': return of_real((double)((const float *)p)[i]);
  case 'e': return of_real(grove__half_double(((const uint16_t *)p)[i]));
  default: return of_real(((const double *)p)[i]);
  }
}

// A double that is an integer becomes one; false: it is none, or beyond 64 bits.
static bool make_whole(value *v)
{
  if (!v->is_float) {
    return true;
  }
  if (!(v->real >= -0x1p63 && v->real < 0x1p64) || v->real != floor(v->real)) {
    return false;
  }
  *v = v->real < 0 ? of_signed((int64_t)v->real) : of_unsigned((uint64_t)v->real);
  return true;
}

static bool fits(const value *v, int64_t low, uint64_t high)
{
  return v->negative ? v->whole >= low : v->count <= high;
}

#define STORE(type, low, high)                                                                     \
  if (!make_whole(&v) || !fits(&v, low, high)) {                                                   \
    return false;                                                                                  \
  }                                                                                                \
  ((type *)p)[i] = (type)v.count;                                                                  \
  return true

static bool store_double(value v, double *out)
{
  *out = v.is_float ? v.real : v.negative ? (double)v.whole : (double)v.count;
  value back = of_real(*out);
  return v.is_float || (make_whole(&back) && back.negative == v.negative && back.count == v.count);
}

static bool store(char format, void *p, size_t i, value v)
{
  double real;
  switch (format) {
  case 'c': STORE(int8_t, INT8_MIN, INT8_MAX);
  case 'C': STORE(uint8_t, 0, UINT8_MAX);
  case 's': STORE(int16_t, INT16_MIN, INT16_MAX);
  case 'S': STORE(uint16_t, 0, UINT16_MAX);
  case 'i': STORE(int32_t, INT32_MIN, INT32_MAX);
  case 'I': STORE(uint32_t, 0, UINT32_MAX);
  case 'l': STORE(int64_t, INT64_MIN, INT64_MAX);
  case 'L': STORE(uint64_t, 0, UINT64_MAX);
  case 'f':
    if (!store_double(v, &real)) {
      return false;
    }
    ((float *)p)[i] = (float)real;
    return isnan(real) || (double)((float *)p)[i] == real;
  default: return store_double(v, (double *)p + i);
  }
}

static grove_status refuse(const grove__column *c, const char *to, uint64_t row, grove_error *err)
{
  value v = load(c->format[0], c->values, (size_t)row);
  char text[32];
  if (v.is_float) {
    snprintf(text, sizeof text, "%.9g", v.real);
  } else if (v.negative) {
    snprintf(text, sizeof text, "%lld", (long long)v.whole);
  } else {
    snprintf(text, sizeof text, "%llu", (unsigned long long)v.count);
  }
  return grove__error(err, GROVE_ECORRUPT, (int64_t)row,
      "column \"%.100s\", row %llu of the batch: %s does not fit the declared format \"%.20s\" "
      "exactly "
      "(the file has \"%s\")",
      c->name, (unsigned long long)row, text, to, c->format);
}

// Of a column that can only be null.
static grove_status fill_nulls(const grove_allocator *a, grove__column *c, const grove__layout *l,
    uint64_t rows, grove_error *err)
{
  size_t bitmap = grove__bitmap_bytes(rows) + 1;
  size_t bytes = l->shape == GROVE__SHAPE_BITS ? bitmap : ((size_t)rows + 1) * l->width + 1;
  c->validity = grove__alloc_zero(a, bitmap);
  c->validity_bytes = bitmap;
  c->values = grove__alloc_zero(a, bytes);
  c->values_bytes = bytes;
  c->nulls = (int64_t)rows;
  return c->validity && c->values ? GROVE_OK : grove__error_memory(err, "a column's values", bytes);
}

static grove_status convert(const grove_allocator *a, grove__column *c, const char *to,
    const grove__layout *l, uint64_t rows, grove_error *err)
{
  size_t bytes =
      (size_t)rows * l->width + 1; // there are as many in memory already, of a byte at least
  void *values = grove__alloc_zero(a, bytes);
  if (!values) {
    return grove__error_memory(err, "a column's values", bytes);
  }
  for (uint64_t i = 0; i < rows; i++) {
    bool there = !c->validity || grove__bit_get(c->validity, (int64_t)i);
    if (there && !store(to[0], values, (size_t)i, load(c->format[0], c->values, (size_t)i))) {
      grove__free(a, values, bytes);
      return refuse(c, to, i, err);
    }
  }
  grove__free(a, c->values, c->values_bytes);
  c->values = values;
  c->values_bytes = bytes;
  return GROVE_OK;
}

uint64_t grove__cast_bytes(const char *from, const char *to, uint64_t rows)
{
  grove__layout is, wanted;
  if (strcmp(from, to) == 0 || grove__layout_read(from, &is) || grove__layout_read(to, &wanted)) {
    return 0;
  }
  if (is.shape == GROVE__SHAPE_TEXT && wanted.width <= is.width) {
    return 0; // offsets stay
  }
  uint64_t bitmap = is.shape == GROVE__SHAPE_NULL ? rows / 8 + 2 : 0;
  return wanted.shape == GROVE__SHAPE_BITS ? 2 * bitmap : (rows + 1) * wanted.width + 1 + bitmap;
}

grove_status grove__column_cast(
    const grove_allocator *a, grove__column *c, const char *to, uint64_t rows, grove_error *err)
{
  grove__layout l;
  if (strcmp(c->format, to) == 0) {
    return GROVE_OK;
  }
  grove_status s = grove__layout_read(to, &l);
  if (!s && l.shape == GROVE__SHAPE_NULL) {
    s = GROVE_ENOTSUP; // open refuses it
  }
  if (!s) {
    s = strcmp(c->format, "n") == 0                  ? fill_nulls(a, c, &l, rows, err)
        : is_number_from(c->format) && is_number(to) ? convert(a, c, to, &l, rows, err)
                                                : grove__cast_kinds(a, c, to, rows, err);
  }
  if (!s) {
    c->format = to;
  }
  return s;
}
