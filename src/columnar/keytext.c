#include "columnar/keytext.h"
#include "columnar/decimal.h"
#include "columnar/number.h"
#include "columnar/value_text.h"
#include <stdio.h>

enum { TEXT_MOST = 1200 }; // a decimal may have a scale of 1000

static grove_status put(grove__budget *g, grove__buffer *out, const char *text, size_t n)
{
  out->used = 0;
  GROVE__TRY(grove__buffer_reserve(g, out, n + 1));
  if (n) {
    memcpy(out->p, text, n);
  }
  out->p[n] = 0;
  out->used = n + 1;
  return GROVE_OK;
}

// `unit` is the last letter but one of a timestamp's format.
static int write_timestamp(int64_t value, char unit, char *out, size_t room)
{
  int digits = unit == 's' ? 0 : unit == 'm' ? 3 : unit == 'u' ? 6 : 9;
  int64_t per_second = 1;
  for (int i = 0; i < digits; i++) {
    per_second *= 10;
  }
  int64_t fraction = value % per_second;
  int64_t seconds = value / per_second;
  if (fraction < 0) {
    fraction += per_second;
    seconds--;
  }
  int64_t of_day = seconds % 86400;
  int64_t days = seconds / 86400;
  if (of_day < 0) {
    of_day += 86400;
    days--;
  }
  int n = (int)grove__date_text(days, out);
  n += snprintf(out + n, room - (size_t)n, "T%02d:%02d:%02d", (int)(of_day / 3600),
      (int)(of_day / 60 % 60), (int)(of_day % 60));
  if (digits) {
    n += snprintf(out + n, room - (size_t)n, ".%0*lld", digits, (long long)fraction);
  }
  return n;
}

static int64_t read_signed(const grove__stored *c, int64_t i)
{
  switch (c->layout.number) {
  case GROVE__NUMBER_I8: return ((const int8_t *)c->values)[i];
  case GROVE__NUMBER_U8: return ((const uint8_t *)c->values)[i];
  case GROVE__NUMBER_I16: return ((const int16_t *)c->values)[i];
  case GROVE__NUMBER_U16: return ((const uint16_t *)c->values)[i];
  case GROVE__NUMBER_I32: return ((const int32_t *)c->values)[i];
  case GROVE__NUMBER_U32: return ((const uint32_t *)c->values)[i];
  default: return ((const int64_t *)c->values)[i];
  }
}

static int write_integer(const grove__stored *c, int64_t i, char *out, size_t room)
{
  int64_t value = read_signed(c, i);
  if (c->layout.number == GROVE__NUMBER_U64) {
    return snprintf(out, room, "%llu", (unsigned long long)value);
  }
  if (strcmp(c->format, "tdD") == 0) {
    return (int)grove__date_text(value, out);
  }
  if (strcmp(c->format, "tdm") == 0) {
    return (int)grove__date_text(value / 86400000 - (value % 86400000 < 0), out);
  }
  if (strncmp(c->format, "ts", 2) == 0) {
    return write_timestamp(value, c->format[2], out, room);
  }
  return snprintf(out, room, "%lld", (long long)value);
}

static grove_status put_bytes(grove__budget *g, grove__buffer *out, const uint8_t *bytes, size_t n)
{
  out->used = 0;
  GROVE__TRY(grove__buffer_reserve(g, out, 2 * n + 1));
  for (size_t i = 0; i < n; i++) {
    out->p[2 * i] = (uint8_t) "0123456789abcdef"[bytes[i] >> 4];
    out->p[2 * i + 1] = (uint8_t) "0123456789abcdef"[bytes[i] & 15];
  }
  out->p[2 * n] = 0;
  out->used = 2 * n + 1;
  return GROVE_OK;
}

grove_status grove__key_text(
    const grove__stored *c, int64_t row, grove__budget *budget, grove__buffer *out)
{
  char text[TEXT_MOST];
  double value = 0;
  size_t n = 0;
  int64_t i = c->offset + row;
  const uint8_t *bytes = (const uint8_t *)c->values + (size_t)i * c->layout.width;
  switch (c->layout.number) {
  case GROVE__NUMBER_NONE:
    if (c->layout.shape == GROVE__SHAPE_TEXT) {
      const char *p = grove__stored_text(c, row, &n);
      return put(budget, out, p, n);
    }
    return put_bytes(budget, out, bytes, c->layout.width);
  case GROVE__NUMBER_BOOL:
    return grove__bit_get(c->values, i) ? put(budget, out, "true", 4)
                                        : put(budget, out, "false", 5);
  case GROVE__NUMBER_F16:
  case GROVE__NUMBER_F32:
  case GROVE__NUMBER_F64:
    grove__stored_doubles(c, (size_t)row, 1, &value);
    value += 0.0; // -0 is of 0's group
    grove__double_text(value, c->layout.number == GROVE__NUMBER_F64, text);
    return put(budget, out, text, strlen(text));
  case GROVE__NUMBER_DECIMAL: n = grove__decimal_print(bytes, c->layout.width, c->layout.scale, text); break;
  default: n = (size_t)write_integer(c, i, text, sizeof text); break;
  }
  return put(budget, out, text, n);
}
