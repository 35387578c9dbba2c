// xxHash64 (Collet), of any number of bytes and seed 0: the hash of bloom filters.
#include "parquet/xxhash.h"
#include "parquet/bits.h"

static const uint64_t P1 = 0x9E3779B185EBCA87u, P2 = 0xC2B2AE3D27D4EB4Fu, P3 = 0x165667B19E3779F9u,
                      P4 = 0x85EBCA77C2B2AE63u, P5 = 0x27D4EB2F165667C5u;

static uint64_t rotate(uint64_t x, unsigned by)
{
  return x << by | x >> (64 - by);
}

static uint64_t round_of(uint64_t lane, uint64_t word)
{
  return rotate(lane + word * P2, 31) * P1;
}

// Stripes of 32 bytes through four lanes.
static uint64_t hash_stripes(const uint8_t **p, size_t *n)
{
  uint64_t lane[4] = {P1 + P2, P2, 0, 0 - P1};
  for (; *n >= 32; *n -= 32, *p += 32) {
    for (size_t i = 0; i < 4; i++) {
      lane[i] = round_of(lane[i], grove__load64(*p + 8 * i));
    }
  }
  uint64_t h = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
  for (size_t i = 0; i < 4; i++) {
    h = (h ^ round_of(0, lane[i])) * P1 + P4;
  }
  return h;
}

uint64_t grove__xxhash(const uint8_t *p, size_t n)
{
  size_t all = n;
  uint64_t h = n >= 32 ? hash_stripes(&p, &n) : P5;
  h += all;
  for (; n >= 8; n -= 8, p += 8) {
    h = rotate(h ^ round_of(0, grove__load64(p)), 27) * P1 + P4;
  }
  if (n >= 4) {
    h = rotate(h ^ grove__load32(p) * P1, 23) * P2 + P3;
    n -= 4;
    p += 4;
  }
  for (; n; n--, p++) {
    h = rotate(h ^ *p * P5, 11) * P1;
  }
  h = (h ^ h >> 33) * P2;
  h = (h ^ h >> 29) * P3;
  return h ^ h >> 32;
}
