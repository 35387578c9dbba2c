#include "columnar/keyorder.h"
#include <math.h>

static int compare_bytes(const void *a, size_t n, const void *b, size_t m)
{
  size_t both = n < m ? n : m;
  int c = both ? memcmp(a, b, both) : 0;
  return c ? c : (n > m) - (n < m);
}

static int compare_doubles(const grove__stored *c, int64_t a, int64_t b)
{
  double x = 0, y = 0;
  grove__stored_doubles(c, (size_t)a, 1, &x);
  grove__stored_doubles(c, (size_t)b, 1, &y);
  if (isnan(x) || isnan(y)) {
    return isnan(x) - isnan(y);
  }
  return (x > y) - (x < y);
}

// Two's complement, the least byte first: the sign, then the magnitude from the top.
static int compare_wide(const uint8_t *a, const uint8_t *b, size_t n)
{
  int x = (int8_t)a[n - 1], y = (int8_t)b[n - 1];
  for (size_t i = n - 1; x == y && i-- > 0;) {
    x = a[i];
    y = b[i];
  }
  return (x > y) - (x < y);
}

static uint64_t load_unsigned(const uint8_t *p, size_t width)
{
  uint64_t v = 0;
  memcpy(&v, p, width);
  return v;
}

static int compare_fixed(const grove__stored *c, int64_t a, int64_t b)
{
  size_t width = c->layout.width;
  const uint8_t *p = (const uint8_t *)c->values + (size_t)(c->offset + a) * width;
  const uint8_t *q = (const uint8_t *)c->values + (size_t)(c->offset + b) * width;
  switch (c->layout.number) {
  case GROVE__NUMBER_U8:
  case GROVE__NUMBER_U16:
  case GROVE__NUMBER_U32:
  case GROVE__NUMBER_U64: {
    uint64_t x = load_unsigned(p, width), y = load_unsigned(q, width);
    return (x > y) - (x < y);
  }
  case GROVE__NUMBER_F16:
  case GROVE__NUMBER_F32:
  case GROVE__NUMBER_F64: return compare_doubles(c, a, b);
  case GROVE__NUMBER_NONE: return compare_bytes(p, width, q, width);
  default: return compare_wide(p, q, width); // integers, too
  }
}

int grove__key_compare(const grove__stored *c, int64_t a, int64_t b)
{
  bool x = grove__stored_valid(c, a), y = grove__stored_valid(c, b);
  if (!x || !y) {
    return y - x;
  }
  if (c->layout.shape == GROVE__SHAPE_TEXT) {
    size_t n, m;
    const char *p = grove__stored_text(c, a, &n), *q = grove__stored_text(c, b, &m);
    return compare_bytes(p, n, q, m);
  }
  if (c->layout.shape == GROVE__SHAPE_BITS) {
    return grove__bit_get(c->values, c->offset + a) - grove__bit_get(c->values, c->offset + b);
  }
  return compare_fixed(c, a, b);
}
