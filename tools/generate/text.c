#include "generate.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void text_add(text *t, const char *format, ...)
{
  char piece[512];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(piece, sizeof(piece), format, args);
  va_end(args);
  if (t->failed || n < 0 || (size_t)n >= sizeof(piece)) {
    t->failed = true;
    return;
  }
  if (t->n + (size_t)n > t->room) {
    size_t room = t->room ? t->room * 2 : 1 << 20;
    char *bytes = realloc(t->bytes, room);
    if (!bytes) {
      t->failed = true;
      return;
    }
    t->bytes = bytes;
    t->room = room;
  }
  for (int i = 0; i < n; i++) {
    t->bytes[t->n++] = piece[i];
  }
}

void text_free(text *t)
{
  free(t->bytes);
  *t = (text){0};
}

// xorshift64* (Vigna 2014): good enough for data that nobody believes.
static uint64_t dice_next(dice *d)
{
  uint64_t x = d->state ? d->state : 0x9e3779b97f4a7c15u;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  d->state = x;
  return x * 0x2545f4914f6cdd1du;
}

double dice_unit(dice *d)
{
  return (double)(dice_next(d) >> 11) * 0x1p-53;
}

double dice_between(dice *d, double a, double b)
{
  return a + (b - a) * dice_unit(d);
}

double dice_normal(dice *d)
{
  double u = 1 - dice_unit(d);
  return sqrt(-2 * log(u)) * cos(6.283185307179586 * dice_unit(d));
}

unsigned dice_below(dice *d, unsigned n)
{
  return (unsigned)(dice_unit(d) * n);
}
