// Any column that is numbers, as doubles.
#include "columnar/decimal.h"
#include "columnar/number.h"
#include "columnar/table.h"
#include <math.h>

enum { SHOWN = 40 }; // most bytes of a text in an error

double grove__half_double(uint16_t half)
{
  int exponent = half >> 10 & 31;
  int fraction = half & 1023;
  double value;
  if (exponent == 31) {
    value = fraction ? (double)NAN : (double)INFINITY;
  } else if (exponent == 0) {
    value = fraction * 0x1p-24;
  } else {
    value = ldexp(1024 + fraction, exponent - 25);
  }
  return half >> 15 ? -value : value;
}

#define CASE(letter, type)                                                                         \
  case GROVE__NUMBER_##letter:                                                                     \
    for (size_t i = 0; i < n; i++) {                                                               \
      out[i] = (double)((const type *)c->values)[from + i];                                        \
    }                                                                                              \
    return true

bool grove__stored_doubles(const grove__stored *c, size_t row, size_t n, double *out)
{
  size_t from = (size_t)c->offset + row;
  switch (c->layout.number) {
    CASE(I8, int8_t);
    CASE(U8, uint8_t);
    CASE(I16, int16_t);
    CASE(U16, uint16_t);
    CASE(I32, int32_t);
    CASE(U32, uint32_t);
    CASE(I64, int64_t);
    CASE(U64, uint64_t);
    CASE(F32, float);
  case GROVE__NUMBER_F64:
    if (n) {
      memcpy(out, (const double *)c->values + from, n * sizeof *out);
    }
    return true;
  case GROVE__NUMBER_F16:
    for (size_t i = 0; i < n; i++) {
      out[i] = grove__half_double(((const uint16_t *)c->values)[from + i]);
    }
    return true;
  case GROVE__NUMBER_BOOL:
    for (size_t i = 0; i < n; i++) {
      out[i] = grove__bit_get(c->values, (int64_t)(from + i));
    }
    return true;
  case GROVE__NUMBER_DECIMAL:
    for (size_t i = 0; i < n; i++) {
      const char *value = (const char *)c->values + (from + i) * c->layout.width;
      out[i] = grove__decimal_double(value, c->layout.width, c->layout.scale);
    }
    return true;
  case GROVE__NUMBER_NULL:
    for (size_t i = 0; i < n; i++) {
      out[i] = NAN;
    }
    return true;
  case GROVE__NUMBER_NONE: break;
  }
  return false;
}

void grove__column_doubles(const grove__column *c, size_t row, size_t n, double *out)
{
  grove__stored stored = {.validity = c->validity, .values = c->values, .data = c->data};
  bool known = grove__layout_read(c->format, &stored.layout) == GROVE_OK;
  if (!known || !grove__stored_doubles(&stored, row, n, out)) {
    memset(out, 0, n * sizeof *out);
  }
  for (size_t i = 0; c->validity && i < n; i++) {
    if (!grove__bit_get(c->validity, (int64_t)(row + i))) {
      out[i] = NAN;
    }
  }
}

// What is wrong is often one field among many: the first text that is no number is named.
static grove_status refuse_column(const grove_table *t, const grove__stored *c, grove_error *err)
{
  double number;
  int64_t rows =
      err && c->layout.shape == GROVE__SHAPE_TEXT && c->layout.utf8 ? (int64_t)t->rows : 0;
  for (int64_t row = 0; row < rows; row++) {
    size_t bytes = 0;
    const char *text = grove__stored_valid(c, row) ? grove__stored_text(c, row, &bytes) : NULL;
    if (text && !grove__double_read(text, bytes, &number)) {
      size_t shown = bytes < SHOWN ? bytes : SHOWN;
      while (shown < bytes && ((unsigned char)text[shown] & 0xc0) == 0x80) {
        shown--; // not in the middle of a character
      }
      return grove__error(err, GROVE_ENOTSUP, row,
          "column \"%.80s\" is text, not numbers: row %lld has \"%.*s\"%s", c->name,
          (long long)row + 1, (int)shown, text, shown < bytes ? "..." : "");
    }
  }
  return grove__error(err, GROVE_ENOTSUP, -1,
      "column \"%.80s\" (format \"%.40s\") is not numbers: leave it out or turn it into numbers",
      c->name, c->format);
}

grove_status grove_table_doubles(
    const grove_table *t, size_t column, size_t from, size_t n, double *out, grove_error *err)
{
  if (!t || (!out && n) || column >= t->n) {
    return grove__error(
        err, GROVE_EINVAL, -1, "column %zu of a table of %zu as doubles", column, t ? t->n : 0);
  }
  const grove__stored *c = &t->columns[column];
  if (from > t->rows || n > t->rows - from) {
    return grove__error(err, GROVE_EINVAL, -1,
        "rows %zu to %zu of column \"%.80s\", which has %llu", from, from + n, c->name,
        (unsigned long long)t->rows);
  }
  if (!grove__stored_doubles(c, from, n, out)) {
    return refuse_column(t, c, err);
  }
  for (size_t i = 0; c->nulls && i < n; i++) {
    if (!grove__stored_valid(c, (int64_t)(from + i))) {
      out[i] = NAN;
    }
  }
  return GROVE_OK;
}
