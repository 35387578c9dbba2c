// Bitmaps as Arrow has them: least bit first, 1 means valid (or true).
#ifndef GROVE_COLUMNAR_BITMAP_H
#define GROVE_COLUMNAR_BITMAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool grove__bit_get(const uint8_t *bits, int64_t i)
{
  return bits[i >> 3] >> (i & 7) & 1;
}
static inline void grove__bit_set(uint8_t *bits, int64_t i)
{
  bits[i >> 3] |= (uint8_t)(1u << (i & 7));
}
static inline void grove__bit_clear(uint8_t *bits, int64_t i)
{
  bits[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}
static inline size_t grove__bitmap_bytes(uint64_t bits)
{
  return (size_t)(bits / 8 + (bits % 8 != 0));
}
/// How many bits are set. Without an instruction for it, which not every processor of the family has; a library's would be
/// a call.
static inline uint64_t grove__bits_set(uint64_t v)
{
  v -= v >> 1 & 0x5555555555555555u;
  v = (v & 0x3333333333333333u) + (v >> 2 & 0x3333333333333333u);
  v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return v * 0x0101010101010101u >> 56;
}
/// How many of the bits [from, from + n) are set.
int64_t grove__bitmap_count(const uint8_t *bits, int64_t from, int64_t n);
/// Copies the bits [from, from + n) of `in` to [to, to + n) of `out`.
void grove__bitmap_copy(const uint8_t *in, int64_t from, uint8_t *out, int64_t to, int64_t n);
#endif
