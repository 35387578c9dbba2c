#include "parquet/bits.h"
#include "parquet/write.h"
#include <math.h>

static void keep(uint8_t *to, uint32_t *bytes, const uint8_t *p, uint32_t n)
{
  memcpy(to, p, n);
  *bytes = n;
}

static int compare_bytes(const uint8_t *a, uint32_t n, const uint8_t *b, uint32_t m)
{
  int order = memcmp(a, b, n < m ? n : m);
  return order ? order : (n > m) - (n < m);
}

static int64_t load_signed(const uint8_t *p, uint32_t n)
{
  return n == 8 ? (int64_t)grove__load64(p) : (int32_t)grove__load32(p);
}

static uint64_t load_unsigned(const uint8_t *p, uint32_t n)
{
  return n == 8 ? grove__load64(p) : n == 4 ? grove__load32(p) : *p;
}

static double load_float(const uint8_t *p, uint32_t n)
{
  float narrow;
  double wide;
  if (n == 8) {
    memcpy(&wide, p, 8);
    return wide;
  }
  memcpy(&narrow, p, 4);
  return (double)narrow;
}

static int compare(
    const grove__target *t, const uint8_t *a, uint32_t n, const uint8_t *b, uint32_t m)
{
  switch (t->order) {
  case GROVE__ORDER_SIGNED: {
    int64_t x = load_signed(a, n), y = load_signed(b, m);
    return (x > y) - (x < y);
  }
  case GROVE__ORDER_UNSIGNED: {
    uint64_t x = load_unsigned(a, n), y = load_unsigned(b, m);
    return (x > y) - (x < y);
  }
  case GROVE__ORDER_FLOAT: {
    double x = load_float(a, n), y = load_float(b, m);
    return (x > y) - (x < y);
  }
  case GROVE__ORDER_DECIMAL: // of equal length: the sign first, then as unsigned
    if ((a[0] ^ b[0]) & 0x80) {
      return a[0] & 0x80 ? -1 : 1;
    }
    return memcmp(a, b, n);
  default: return compare_bytes(a, n, b, m);
  }
}

// A zero is a -0 as a bound below and a +0 above: readers may compare by bits.
static void widen_zeros(grove__extent *e, uint32_t n)
{
  if (load_float(e->low, n) == 0) {
    memset(e->low, 0, n);
    e->low[n - 1] = 0x80;
  }
  if (load_float(e->high, n) == 0) {
    memset(e->high, 0, n);
  }
}

static void add_one(grove__extent *e, const grove__target *t, const uint8_t *p, uint32_t n)
{
  if (n > sizeof e->low) {
    e->given_up = true;
    return;
  }
  if (t->order == GROVE__ORDER_FLOAT && isnan(load_float(p, n))) {
    return;
  }
  if (!e->any || compare(t, p, n, e->low, e->low_bytes) < 0) {
    keep(e->low, &e->low_bytes, p, n);
  }
  if (!e->any || compare(t, p, n, e->high, e->high_bytes) > 0) {
    keep(e->high, &e->high_bytes, p, n);
  }
  e->any = true;
}

void grove__extent_join(grove__extent *e, const grove__target *t, const grove__extent *more)
{
  e->given_up = e->given_up || more->given_up;
  if (more->any && !e->given_up) {
    add_one(e, t, more->low, more->low_bytes);
    add_one(e, t, more->high, more->high_bytes);
  }
  if (t->order == GROVE__ORDER_FLOAT && e->any) {
    widen_zeros(e, t->width);
  }
}

void grove__extent_add(grove__extent *e, const grove__target *t, const uint8_t *staged, size_t n)
{
  uint32_t width = t->physical == GROVE__BOOLEAN ? 1 : t->width;
  if (t->order == GROVE__ORDER_NONE) {
    return;
  }
  for (size_t i = 0; i < n && !e->given_up; i++) {
    uint32_t bytes = width;
    if (t->transform == GROVE__TRANSFORM_TEXT) {
      bytes = grove__load32(staged);
      staged += 4;
    }
    add_one(e, t, staged, bytes);
    staged += bytes;
  }
  if (t->order == GROVE__ORDER_FLOAT && e->any) {
    widen_zeros(e, width);
  }
}
