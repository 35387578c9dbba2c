// The inner loops of decoding, in bodies for what the processor can do. All bodies do the same; the tests hold each
// against the portable one.
#ifndef GROVE_PARQUET_KERNELS_H
#define GROVE_PARQUET_KERNELS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct grove__kernels {
  const char *name;
  /// Unpacks groups of 8 numbers of `width` (0 to 32) bits, and gives the largest of them. May read GROVE__SLACK
  /// bytes behind the last.
  uint32_t (*unpack)(const uint8_t *in, uint32_t *out, size_t groups, unsigned width);
  /// The largest of n codes; 0 of none.
  uint32_t (*largest)(const uint32_t *codes, size_t n);
  /// out[i] = values[codes[i]], of `count` values of 1, 2, 4 or 8 bytes; all codes are below count.
  void (*gather8)(
      uint8_t *out, const uint8_t *values, size_t count, const uint32_t *codes, size_t n);
  void (*gather16)(
      uint16_t *out, const uint16_t *values, size_t count, const uint32_t *codes, size_t n);
  void (*gather32)(
      uint32_t *out, const uint32_t *values, size_t count, const uint32_t *codes, size_t n);
  void (*gather64)(
      uint64_t *out, const uint64_t *values, size_t count, const uint32_t *codes, size_t n);
  /// unpack and gather8 at once, of codes of 1 to 8 bits and 1 to 64 values; reads as far, of the
  /// values, too. NULL: no better than the two.
  /// Returns: false: a code is not below count, and in its place is any byte
  bool (*decode8)(const uint8_t *in, uint8_t *out, size_t groups, unsigned width,
      const uint8_t *values, size_t count);
  /// `valid` values lie side by side at `values`: puts each where its bit is among the n from bit `from` on, zeros between.
  void (*spread8)(uint8_t *values, const uint8_t *bits, uint64_t from, size_t n, size_t valid);
  void (*spread16)(uint16_t *values, const uint8_t *bits, uint64_t from, size_t n, size_t valid);
  void (*spread32)(uint32_t *values, const uint8_t *bits, uint64_t from, size_t n, size_t valid);
  void (*spread64)(uint64_t *values, const uint8_t *bits, uint64_t from, size_t n, size_t valid);
} grove__kernels;

/// One row of a spread, for the bodies. They go from the end on, so that nothing is overwritten before it has moved. No
/// branch asks for the bit: which rows are null can't be foretold. Where one is, what is loaded for nothing lies below it.
#define GROVE__SPREAD_ROW(type, row)                                                               \
  do {                                                                                             \
    size_t there = bits[(from + (row)) >> 3] >> ((from + (row)) & 7) & 1;                          \
    valid -= there;                                                                                \
    values[row] = (type)(values[valid] & (type)(0 - there));                                       \
  } while (0)

/// The best body of this processor. Asks it each time (a few loads): nothing is kept.
const grove__kernels *grove__kernels_best(void);
/// All that this processor can run, the portable one first; NULL past the end. For tests.
const grove__kernels *grove__kernels_at(size_t i);
extern const grove__kernels grove__kernels_portable;

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define GROVE__KERNELS_X86 1
extern const grove__kernels grove__kernels_avx2, grove__kernels_avx512;
#endif
#endif
