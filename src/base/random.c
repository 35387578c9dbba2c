#include "base/random.h"

// The high word of a 64 x 64 product, in portable arithmetic; *low gets the low word.
static uint64_t multiply_high(uint64_t a, uint64_t b, uint64_t *low)
{
  uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
  uint64_t ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
  uint64_t middle = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;
  *low = (middle << 32) | (uint32_t)ll;
  return hh + (lh >> 32) + (hl >> 32) + (middle >> 32);
}

uint64_t grove__random_below(uint64_t *state, uint64_t n)
{
  uint64_t low;
  uint64_t high = multiply_high(grove__random_next(state), n, &low);
  if (low < n) {
    uint64_t least = (0 - n) % n;
    while (low < least) {
      high = multiply_high(grove__random_next(state), n, &low);
    }
  }
  return high;
}
