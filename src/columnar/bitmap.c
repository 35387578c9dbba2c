#include "columnar/bitmap.h"
#include <string.h>

// Less than eight bytes.
static uint64_t load_few(const uint8_t *p, int64_t bytes)
{
  uint64_t word = 0;
  for (int64_t i = 0; i < bytes; i++) {
    word |= (uint64_t)p[i] << 8 * i;
  }
  return word;
}

// The n < 64 bits that a byte begins with.
static int64_t count_few(const uint8_t *p, int64_t n)
{
  uint64_t last = n & 7 ? (uint64_t)p[n >> 3] << (n & ~(int64_t)7) : 0;
  return (int64_t)grove__bits_set((load_few(p, n >> 3) | last) & (((uint64_t)1 << n) - 1));
}

int64_t grove__bitmap_count(const uint8_t *bits, int64_t from, int64_t n)
{
  const uint8_t *p = bits + (from >> 3);
  int64_t count = 0, skip = from & 7;
  if (skip) { // up to the next whole byte
    int64_t few = n < 8 - skip ? n : 8 - skip;
    count = (int64_t)grove__bits_set((uint64_t)*p++ >> skip & (((uint64_t)1 << few) - 1));
    n -= few;
  }
  for (; n >= 64; n -= 64, p += 8) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    count += (int64_t)grove__bits_set(word);
  }
  return count + count_few(p, n);
}

static void copy_bit(const uint8_t *in, int64_t from, uint8_t *out, int64_t to)
{
  if (grove__bit_get(in, from)) {
    grove__bit_set(out, to);
  } else {
    grove__bit_clear(out, to);
  }
}

void grove__bitmap_copy(const uint8_t *in, int64_t from, uint8_t *out, int64_t to, int64_t n)
{
  while (n && (to & 7)) {
    copy_bit(in, from++, out, to++);
    n--;
  }
  if ((from & 7) == 0) {
    memcpy(out + (to >> 3), in + (from >> 3), (size_t)(n >> 3));
  } else {
    // Each byte of `out` is made of two of `in`; the second exists, since it holds bits that are
    // copied.
    int shift = (int)(from & 7);
    const uint8_t *p = in + (from >> 3);
    for (int64_t i = 0; i < n >> 3; i++) {
      out[(to >> 3) + i] = (uint8_t)(p[i] >> shift | p[i + 1] << (8 - shift));
    }
  }
  for (int64_t i = n & ~(int64_t)7; i < n; i++) {
    copy_bit(in, from + i, out, to + i);
  }
}
