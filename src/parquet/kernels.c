#include "parquet/kernels.h"
#include "parquet/bits.h"

static uint32_t largest(const uint32_t *codes, size_t n)
{
  uint32_t most = 0;
  for (size_t i = 0; i < n; i++) {
    most = codes[i] > most ? codes[i] : most;
  }
  return most;
}

static uint32_t unpack(const uint8_t *in, uint32_t *out, size_t groups, unsigned width)
{
  grove__unpack32(in, out, groups, width);
  return largest(out, groups * 8);
}

#define GROVE__GATHER(name, type)                                                                  \
  static void name(type *out, const type *values, size_t count, const uint32_t *codes, size_t n)   \
  {                                                                                                \
    (void)count;                                                                                   \
    for (size_t i = 0; i < n; i++) {                                                               \
      out[i] = values[codes[i]];                                                                   \
    }                                                                                              \
  }
GROVE__GATHER(gather8, uint8_t)
GROVE__GATHER(gather16, uint16_t)
GROVE__GATHER(gather64, uint64_t)

static inline void put_pair(uint32_t *out, const uint32_t *values, const uint32_t *codes)
{
  uint64_t c;
  memcpy(&c, codes, sizeof c);
  c = values[(uint32_t)c] | (uint64_t)values[c >> 32] << 32;
  memcpy(out, &c, sizeof c);
}

// Two at a time: a load less for the codes and a store less for the values, which is what bounds the loop.
static void gather32(
    uint32_t *out, const uint32_t *values, size_t count, const uint32_t *codes, size_t n)
{
  size_t i = 0;
  (void)count;
  for (; i + 8 <= n; i += 8) {
    put_pair(out + i, values, codes + i);
    put_pair(out + i + 2, values, codes + i + 2);
    put_pair(out + i + 4, values, codes + i + 4);
    put_pair(out + i + 6, values, codes + i + 6);
  }
  for (; i < n; i++) {
    out[i] = values[codes[i]];
  }
}

#define GROVE__SPREAD(name, type)                                                                  \
  static void name(type *values, const uint8_t *bits, uint64_t from, size_t n, size_t valid)       \
  {                                                                                                \
    size_t i = n;                                                                                  \
    while (i > valid && (from + i) % 8) {                                                          \
      i--;                                                                                         \
      GROVE__SPREAD_ROW(type, i);                                                                  \
    }                                                                                              \
    while (i > valid && i >= 8) {                                                                  \
      unsigned byte = bits[(from + i) / 8 - 1];                                                    \
      i -= 8;                                                                                      \
      for (unsigned k = 8; k-- > 0;) {                                                             \
        size_t there = byte >> k & 1;                                                              \
        valid -= there;                                                                            \
        values[i + k] = (type)(values[valid] & (type)(0 - there));                                 \
      }                                                                                            \
    }                                                                                              \
    while (i > valid) {                                                                            \
      i--;                                                                                         \
      GROVE__SPREAD_ROW(type, i);                                                                  \
    }                                                                                              \
  }
GROVE__SPREAD(spread8, uint8_t)
GROVE__SPREAD(spread16, uint16_t)
GROVE__SPREAD(spread32, uint32_t)
GROVE__SPREAD(spread64, uint64_t)

const grove__kernels grove__kernels_portable = {"portable", unpack, largest, gather8, gather16, gather32,
    gather64, NULL, spread8, spread16, spread32, spread64};

// __builtin_cpu_supports looks at what the compiler's start-up code has asked of the processor.
static const grove__kernels *body_at(size_t i)
{
#ifdef GROVE__KERNELS_X86
  if (i == 1 && __builtin_cpu_supports("avx2")) {
    return &grove__kernels_avx2;
  }
  if (i == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
      __builtin_cpu_supports("avx512vbmi2")) {
    return &grove__kernels_avx512;
  }
#endif
  return i == 0 ? &grove__kernels_portable : NULL;
}

const grove__kernels *grove__kernels_at(size_t i)
{
  return body_at(i);
}

const grove__kernels *grove__kernels_best(void)
{
  const grove__kernels *k = body_at(2);
  k = k ? k : body_at(1);
  return k ? k : body_at(0);
}
