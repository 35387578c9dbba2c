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
/// A number in [0, n), without the bias of a remainder (Lemire 2019); n > 0.
uint64_t grove__random_below(uint64_t *state, uint64_t n);
/// In [0, 1), 53 bits.
static inline double grove__random_unit(uint64_t *state)
{
  return (double)(grove__random_next(state) >> 11) * 0x1p-53;
}
#endif
