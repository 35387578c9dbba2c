// Eight bytes of text looked at at once, as a word whose lowest byte is the first, on any machine.
#ifndef GROVE_COLUMNAR_BYTES_H
#define GROVE_COLUMNAR_BYTES_H
#include <stdint.h>
#include <string.h>

/// A word of eight times the same byte.
#define GROVE__BYTES(byte) (0x0101010101010101u * (uint64_t)(byte))

static inline uint64_t grove__load_bytes(const void *p)
{
  uint64_t word;
  memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}
/// Marks the bytes that are zero, and maybe some behind the first that is: its lowest mark is right.
static inline uint64_t grove__mark_zeros(uint64_t word)
{
  return (word - GROVE__BYTES(0x01)) & ~word & GROVE__BYTES(0x80);
}
/// Marks the bytes that equal `byte`, and maybe some behind the first that does.
static inline uint64_t grove__mark_equal(uint64_t word, uint8_t byte)
{
  return grove__mark_zeros(word ^ GROVE__BYTES(byte));
}
/// The number of the first byte that is not zero; 8: none.
static inline unsigned grove__first_byte(uint64_t word)
{
  return word ? (unsigned)__builtin_ctzll(word) / 8 : 8;
}
#endif
