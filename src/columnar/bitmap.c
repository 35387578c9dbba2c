#include "columnar/bitmap.h"
#include <string.h>

int64_t grove__bitmap_count(const uint8_t *bits, int64_t from, int64_t n)
{
  int64_t end = from + n;
  int64_t count = 0;
  while (from < end && (from & 7)) {
    count += grove__bit_get(bits, from++);
  }
  for (; end - from >= 64; from += 64) {
    uint64_t word;
    memcpy(&word, bits + (from >> 3), sizeof word);
    count += __builtin_popcountll(word);
  }
  while (from < end) {
    count += grove__bit_get(bits, from++);
  }
  return count;
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
