// Bit-packed numbers, least bit first.
#ifndef GROVE_PARQUET_BITS_H
#define GROVE_PARQUET_BITS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Parquet's numbers are little-endian, and so far this reader takes them as they lie"
#endif

static inline uint32_t grove__load32(const uint8_t *p)
{
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline uint64_t grove__load64(const uint8_t *p)
{
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}
/// Unpacks groups of 8 numbers of `width` (0..32) bits. Reads up to 8 bytes more than it needs.
void grove__unpack32(const uint8_t *in, uint32_t *out, size_t groups, unsigned width);
/// The same for widths 0..64. Reads up to 9 bytes more than it needs.
void grove__unpack64(const uint8_t *in, uint64_t *out, size_t groups, unsigned width);
/// How many bits a number takes, 0 for 0.
static inline unsigned grove__bits_of(uint64_t v)
{
  return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}
#endif
