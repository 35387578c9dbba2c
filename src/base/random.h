// Small seeded generators. Not for secrets.
#ifndef GROVE_BASE_RANDOM_H
#define GROVE_BASE_RANDOM_H
#include <grove/base.h>

/// SplitMix64 (Steele, Lea and Flood 2014): one word of state, every seed is good. Also a mixing function.
static inline uint64_t grove__mix64(uint64_t x)
{
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
static inline uint64_t grove__random_next(uint64_t *state)
{
  uint64_t x = *state;
  *state = x + 0x9e3779b97f4a7c15u;
  return grove__mix64(x);
}
/// The high word of a 64 x 64 product; *low gets the low word.
static inline uint64_t grove__multiply_high(uint64_t a, uint64_t b, uint64_t *low)
{
#if defined(__SIZEOF_INT128__)
  __extension__ typedef unsigned __int128 wide;
  wide product = (wide)a * b;
  *low = (uint64_t)product;
  return (uint64_t)(product >> 64);
#else
  uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
  uint64_t ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
  uint64_t middle = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;
  *low = (middle << 32) | (uint32_t)ll;
  return hh + (lh >> 32) + (hl >> 32) + (middle >> 32);
#endif
}
/// A number in [0, n), without the bias of a remainder (Lemire 2019); n > 0.
static inline uint64_t grove__random_below(uint64_t *state, uint64_t n)
{
  uint64_t low, high = grove__multiply_high(grove__random_next(state), n, &low);
  if (low < n) {
    uint64_t least = (0 - n) % n;
    while (low < least) {
      high = grove__multiply_high(grove__random_next(state), n, &low);
    }
  }
  return high;
}
/// In [0, 1), 53 bits.
static inline double grove__random_unit(uint64_t *state)
{
  return (double)(grove__random_next(state) >> 11) * 0x1p-53;
}
#endif
