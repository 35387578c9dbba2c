#include "columnar/mersenne.h"

enum { SHIFT = 397 };

void grove__mersenne_init(grove__mersenne *m, uint32_t seed)
{
  m->words[0] = seed;
  for (uint32_t i = 1; i < GROVE__MERSENNE_WORDS; i++) {
    uint32_t before = m->words[i - 1];
    m->words[i] = 1812433253u * (before ^ before >> 30) + i;
  }
  m->next = GROVE__MERSENNE_WORDS;
}

static uint32_t twist(uint32_t high, uint32_t low, uint32_t far)
{
  uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
  return far ^ mixed >> 1 ^ (low & 1 ? 0x9908b0dfu : 0);
}

static void refill(grove__mersenne *m)
{
  uint32_t *w = m->words;
  for (uint32_t i = 0; i < GROVE__MERSENNE_WORDS; i++) {
    w[i] = twist(w[i], w[(i + 1) % GROVE__MERSENNE_WORDS], w[(i + SHIFT) % GROVE__MERSENNE_WORDS]);
  }
  m->next = 0;
}

uint32_t grove__mersenne_next(grove__mersenne *m)
{
  if (m->next == GROVE__MERSENNE_WORDS) {
    refill(m);
  }
  uint32_t y = m->words[m->next++];
  y ^= y >> 11;
  y ^= y << 7 & 0x9d2c5680u;
  y ^= y << 15 & 0xefc60000u;
  return y ^ y >> 18;
}

uint64_t grove__mersenne_upto(grove__mersenne *m, uint64_t most)
{
  uint64_t mask = most;
  for (int shift = 1; shift < 64; shift *= 2) {
    mask |= mask >> shift;
  }
  if (!most) {
    return 0; // and nothing is drawn
  }
  for (;;) {
    uint64_t value = grove__mersenne_next(m);
    if (most > UINT32_MAX) {
      value = value << 32 | grove__mersenne_next(m);
    }
    value &= mask;
    if (value <= most) {
      return value;
    }
  }
}

double grove__mersenne_unit(grove__mersenne *m)
{
  uint32_t high = grove__mersenne_next(m) >> 5;
  uint32_t low = grove__mersenne_next(m) >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

void grove__mersenne_shuffle(grove__mersenne *m, uint64_t *values, uint64_t n)
{
  for (uint64_t i = n; i-- > 1;) {
    uint64_t j = grove__mersenne_upto(m, i);
    uint64_t value = values[j];
    values[j] = values[i];
    values[i] = value;
  }
}
