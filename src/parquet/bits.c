#include "parquet/bits.h"

// One loop a width: with the width a constant, every place and shift is one too. Number i of a group begins at
// bit i * width; 8 bytes from its first byte hold it whole, since 32 + 7 bits fit.
#define GROVE__ONE(i, w)                                                                           \
  out[i] = (uint32_t)(grove__load64(in + (((i) * (w)) >> 3)) >> (((i) * (w)) & 7)) &               \
           (uint32_t)(((uint64_t)1 << (w)) - 1)
#define GROVE__UNPACK(w)                                                                           \
  static void unpack_##w(const uint8_t *in, uint32_t *out, size_t groups)                          \
  {                                                                                                \
    for (; groups; groups--, in += (w), out += 8) {                                                \
      GROVE__ONE(0, w);                                                                            \
      GROVE__ONE(1, w);                                                                            \
      GROVE__ONE(2, w);                                                                            \
      GROVE__ONE(3, w);                                                                            \
      GROVE__ONE(4, w);                                                                            \
      GROVE__ONE(5, w);                                                                            \
      GROVE__ONE(6, w);                                                                            \
      GROVE__ONE(7, w);                                                                            \
    }                                                                                              \
  }
// clang-format off
#define GROVE__WIDTHS(X)                                                                           \
  X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)      \
  X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)
// clang-format on
GROVE__WIDTHS(GROVE__UNPACK)

typedef void unpack_fn(const uint8_t *in, uint32_t *out, size_t groups);
#define GROVE__ENTRY(w) unpack_##w,
static unpack_fn *const unpackers[] = {GROVE__WIDTHS(GROVE__ENTRY)};

void grove__unpack32(const uint8_t *in, uint32_t *out, size_t groups, unsigned width)
{
  unpackers[width](in, out, groups);
}

void grove__unpack64(const uint8_t *in, uint64_t *out, size_t groups, unsigned width)
{
  uint64_t mask = width >= 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
  for (size_t i = 0; i < groups * 8; i++) {
    size_t bit = i * width;
    const uint8_t *p = in + (bit >> 3);
    unsigned shift = bit & 7;
    uint64_t v = grove__load64(p) >> shift;
    if (shift + width > 64) { // the number lies in nine bytes
      v |= (uint64_t)p[8] << (64 - shift);
    }
    out[i] = v & mask;
  }
}
