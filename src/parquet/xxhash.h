#ifndef GROVE_PARQUET_XXHASH_H
#define GROVE_PARQUET_XXHASH_H
#include <stddef.h>
#include <stdint.h>

/// xxHash64 of n bytes, seed 0.
uint64_t grove__xxhash(const uint8_t *p, size_t n);

/// A bloom filter's block of 32 bytes: the bit of its i-th word that a hash sets or asks.
static inline uint32_t grove__bloom_bit(uint64_t hash, size_t i)
{
  static const uint32_t salt[] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du, 0x705495c7u,
      0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};
  return (uint32_t)1 << ((uint32_t)hash * salt[i] >> 27);
}
/// The block of a filter of `blocks` blocks that a hash is in.
static inline uint64_t grove__bloom_block(uint64_t hash, uint64_t blocks)
{
  return (hash >> 32) * blocks >> 32;
}
#endif
