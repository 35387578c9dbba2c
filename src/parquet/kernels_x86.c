// Bodies with AVX2 and with AVX-512 (VBMI). Each function says what it needs, so the file is built for any x86-64.
#include "parquet/kernels.h"

#ifdef GROVE__KERNELS_X86
#include "parquet/bits.h"
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt")))

// A number of up to 25 bits lies in the four bytes from its first one on, wherever in it its first bit is. So a
// vector unpacks by moving four bytes to each lane, shifting each lane by its own distance, and masking.
enum { WIDEST = 25 };

// ---- AVX2 -----------------------------------------------------------------------------------------

// What brings 8 numbers of `width` bits to lanes of 32. Numbers 0 to 3 come from the 16 bytes at `in`, 4 to 7 from those at
// `in` + half: a shuffle stays in its half.
typedef struct eight {
  __m256i bytes, shift, mask;
  size_t half;
} eight;

AVX2 static eight eight_of(unsigned width)
{
  eight c = {.half = (4 * width) >> 3};
  int second = (int)c.half * 8;
  __m256i bit = _mm256_mullo_epi32(
      _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((int)width));
  bit = _mm256_sub_epi32(bit, _mm256_setr_epi32(0, 0, 0, 0, second, second, second, second));
  c.bytes =
      _mm256_add_epi32(_mm256_mullo_epi32(_mm256_srli_epi32(bit, 3), _mm256_set1_epi32(0x01010101)),
          _mm256_set1_epi32(0x03020100));
  c.shift = _mm256_and_si256(bit, _mm256_set1_epi32(7));
  c.mask = _mm256_set1_epi32((1 << width) - 1);
  return c;
}

AVX2 static inline __m256i take_eight(const eight *c, const uint8_t *in)
{
  __m128i low = _mm_loadu_si128((const __m128i *)(const void *)in);
  __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + c->half));
  __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
  return _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(v, c->bytes), c->shift), c->mask);
}

AVX2 static uint32_t unpack_avx2(const uint8_t *in, uint32_t *out, size_t groups, unsigned width)
{
  if (width > WIDEST || width == 0) {
    return grove__kernels_portable.unpack(in, out, groups, width);
  }
  eight c = eight_of(width);
  __m256i most = _mm256_setzero_si256();
  for (; groups; groups--, in += width, out += 8) {
    __m256i v = take_eight(&c, in);
    most = _mm256_max_epu32(most, v);
    _mm256_storeu_si256((__m256i *)(void *)out, v);
  }
  uint32_t lanes[8];
  _mm256_storeu_si256((__m256i *)(void *)lanes, most);
  return grove__kernels_portable.largest(lanes, 8);
}

AVX2 static uint32_t largest_avx2(const uint32_t *codes, size_t n)
{
  __m256i a = _mm256_setzero_si256(), b = a;
  uint32_t lanes[8], most = 0;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    a = _mm256_max_epu32(a, _mm256_loadu_si256((const __m256i *)(const void *)(codes + i)));
    b = _mm256_max_epu32(b, _mm256_loadu_si256((const __m256i *)(const void *)(codes + i + 8)));
  }
  _mm256_storeu_si256((__m256i *)(void *)lanes, _mm256_max_epu32(a, b));
  for (size_t k = 0; k < 8; k++) {
    most = lanes[k] > most ? lanes[k] : most;
  }
  for (; i < n; i++) {
    most = codes[i] > most ? codes[i] : most;
  }
  return most;
}

// Of at most 16 values of a byte: one shuffle for 8 codes.
AVX2 static void gather8_avx2(
    uint8_t *out, const uint8_t *values, size_t count, const uint32_t *codes, size_t n)
{
  size_t i = 0;
  if (count <= 16) {
    uint8_t padded[16] = {0};
    memcpy(padded, values, count);
    __m128i table = _mm_loadu_si128((const __m128i *)(const void *)padded);
    for (; i + 8 <= n; i += 8) {
      __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(codes + i));
      __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(codes + i + 4));
      __m128i index = _mm_packus_epi16(_mm_packus_epi32(a, b), _mm_setzero_si128());
      _mm_storel_epi64((__m128i *)(void *)(out + i), _mm_shuffle_epi8(table, index));
    }
  }
  for (; i < n; i++) {
    out[i] = values[codes[i]];
  }
}

// Bytes of a table of up to 64, in sixteens: a shuffle gives zero for an index with the highest bit set, which one that is
// below its sixteen or above it has.
AVX2 static inline __m256i look_up(const __m256i table[4], size_t sixteens, __m256i code)
{
  __m256i v = _mm256_shuffle_epi8(table[0], _mm256_adds_epu8(code, _mm256_set1_epi8(0x70)));
  for (size_t k = 1; k < sixteens; k++) {
    __m256i index = _mm256_sub_epi8(code, _mm256_set1_epi8((char)(16 * k)));
    index = _mm256_adds_epu8(index, _mm256_set1_epi8(0x70));
    v = _mm256_or_si256(v, _mm256_shuffle_epi8(table[k], index));
  }
  return v;
}

// Codes of up to 8 bits for at most 64 values of a byte: 32 at once.
AVX2 static bool decode8_avx2(const uint8_t *in, uint8_t *out, size_t groups, unsigned width,
    const uint8_t *values, size_t count)
{
  eight c = eight_of(width);
  size_t sixteens = (count + 15) / 16;
  __m256i table[4], most = _mm256_setzero_si256();
  __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); // packing goes by halves
  for (size_t k = 0; k < sixteens; k++) { // the runs are short: what is done once a call counts
    table[k] = _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)(values + 16 * k)));
  }
  for (; groups >= 4; groups -= 4, in += (size_t)4 * width, out += 32) {
    __m256i low = _mm256_packus_epi32(take_eight(&c, in), take_eight(&c, in + width));
    __m256i high = _mm256_packus_epi32(
        take_eight(&c, in + (size_t)2 * width), take_eight(&c, in + (size_t)3 * width));
    __m256i code = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
    most = _mm256_max_epu8(most, code);
    _mm256_storeu_si256((__m256i *)(void *)out, look_up(table, sixteens, code));
  }
  for (; groups; groups--, in += width, out += 8) {
    __m256i zero = _mm256_setzero_si256();
    __m256i code = _mm256_packus_epi16(_mm256_packus_epi32(take_eight(&c, in), zero), zero);
    code = _mm256_permutevar8x32_epi32(code, order);
    most = _mm256_max_epu8(most, code);
    _mm_storel_epi64((__m128i *)(void *)out, _mm256_castsi256_si128(look_up(table, sixteens, code)));
  }
  // None is `count` or more: subtracting what is allowed, and no further than to zero, leaves nothing.
  __m256i past = _mm256_subs_epu8(most, _mm256_set1_epi8((char)(count - 1)));
  return _mm256_testz_si256(past, past);
}

// Of at most 8 values of four bytes: one permute for 8 codes. Else by loads: the gather instruction is not faster on
// the processors we measured, and far slower where its microcode was mended.
AVX2 static void gather32_avx2(
    uint32_t *out, const uint32_t *values, size_t count, const uint32_t *codes, size_t n)
{
  size_t i = 0;
  if (count <= 8) {
    uint32_t padded[8] = {0};
    memcpy(padded, values, count * sizeof *values);
    __m256i table = _mm256_loadu_si256((const __m256i *)(const void *)padded);
    for (; i + 8 <= n; i += 8) {
      __m256i index = _mm256_loadu_si256((const __m256i *)(const void *)(codes + i));
      _mm256_storeu_si256((__m256i *)(void *)(out + i), _mm256_permutevar8x32_epi32(table, index));
    }
  }
  grove__kernels_portable.gather32(out + i, values, count, codes + i, n - i);
}

static void gather16_plain(
    uint16_t *out, const uint16_t *values, size_t count, const uint32_t *codes, size_t n)
{
  grove__kernels_portable.gather16(out, values, count, codes, n);
}

static void gather64_plain(
    uint64_t *out, const uint64_t *values, size_t count, const uint32_t *codes, size_t n)
{
  grove__kernels_portable.gather64(out, values, count, codes, n);
}

#define GROVE__PLAIN(name, type)                                                                   \
  static void name##_plain(                                                                        \
      type *values, const uint8_t *bits, uint64_t from, size_t n, size_t valid)                    \
  {                                                                                                \
    grove__kernels_portable.name(values, bits, from, n, valid);                                    \
  }
GROVE__PLAIN(spread8, uint8_t)
GROVE__PLAIN(spread16, uint16_t)
GROVE__PLAIN(spread32, uint32_t)
GROVE__PLAIN(spread64, uint64_t)

const grove__kernels grove__kernels_avx2 = {"avx2", unpack_avx2, largest_avx2, gather8_avx2, gather16_plain,
    gather32_avx2, gather64_plain, decode8_avx2, spread8_plain, spread16_plain, spread32_plain, spread64_plain};

// ---- AVX-512 --------------------------------------------------------------------------------------

// Two groups at once: 16 numbers are 2 * width bytes, and a byte permute reaches all of them.
AVX512 static uint32_t unpack_avx512(
    const uint8_t *in, uint32_t *out, size_t groups, unsigned width)
{
  if (width > WIDEST || width == 0) {
    return grove__kernels_portable.unpack(in, out, groups, width);
  }
  __m512i number = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512i bit = _mm512_mullo_epi32(number, _mm512_set1_epi32((int)width));
  __m512i bytes =
      _mm512_add_epi32(_mm512_mullo_epi32(_mm512_srli_epi32(bit, 3), _mm512_set1_epi32(0x01010101)),
          _mm512_set1_epi32(0x03020100));
  __m512i shift = _mm512_and_epi32(bit, _mm512_set1_epi32(7));
  __m512i mask = _mm512_set1_epi32((1 << width) - 1), most = _mm512_setzero_si512();
  __mmask64 have = ((__mmask64)1 << (2 * width)) - 1; // not a byte too many
  for (; groups >= 2; groups -= 2, in += 2 * width, out += 16) {
    __m512i v = _mm512_permutexvar_epi8(bytes, _mm512_maskz_loadu_epi8(have, in));
    v = _mm512_and_epi32(_mm512_srlv_epi32(v, shift), mask);
    most = _mm512_max_epu32(most, v);
    _mm512_storeu_si512(out, v);
  }
  if (groups) {
    grove__unpack32(in, out, groups, width);
    __m256i last = _mm256_loadu_si256((const __m256i *)(const void *)out);
    most = _mm512_max_epu32(most, _mm512_zextsi256_si512(last));
  }
  return _mm512_reduce_max_epu32(most);
}

// Codes of up to 8 bits for at most 64 values of a byte, which is what small integers have: 64 at once. Eight of them
// are `width` bytes, which a permute brings to a lane of their own; there a multishift takes them apart.
AVX512 static bool decode8_avx512(const uint8_t *in, uint8_t *out, size_t groups, unsigned width,
    const uint8_t *values, size_t count)
{
  __m512i lane = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  __m512i bytes =
      _mm512_add_epi32(_mm512_mullo_epi32(lane, _mm512_set1_epi32((int)(width * 0x01010101u))),
          _mm512_set1_epi64(0x0706050403020100));
  __m512i bits = _mm512_set1_epi64((int64_t)width * 0x0706050403020100);
  __m512i mask = _mm512_set1_epi8((char)((1u << width) - 1)), past = _mm512_set1_epi8((char)count);
  __m512i table = _mm512_maskz_loadu_epi8(~(__mmask64)0 >> (64 - count), values);
  __mmask64 wrong = 0;
  while (groups) {
    size_t n = groups < 8 ? groups : 8;
    __mmask64 have = ~(__mmask64)0 >> (64 - n * width), wanted = ~(__mmask64)0 >> (64 - n * 8);
    __m512i v = _mm512_permutexvar_epi8(bytes, _mm512_maskz_loadu_epi8(have, in));
    v = _mm512_and_si512(_mm512_maskz_multishift_epi64_epi8(wanted, bits, v), mask);
    wrong |= _mm512_cmpge_epu8_mask(v, past);
    _mm512_mask_storeu_epi8(out, wanted, _mm512_permutexvar_epi8(v, table));
    groups -= n;
    in += n * width;
    out += n * 8;
  }
  return !wrong;
}

AVX512 static uint32_t largest_avx512(const uint32_t *codes, size_t n)
{
  __m512i a = _mm512_setzero_si512(), b = a;
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    a = _mm512_max_epu32(a, _mm512_loadu_si512(codes + i));
    b = _mm512_max_epu32(b, _mm512_loadu_si512(codes + i + 16));
  }
  for (; i < n; i += 16) {
    __mmask16 some = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : (__mmask16)0xffff;
    a = _mm512_max_epu32(a, _mm512_maskz_loadu_epi32(some, codes + i));
  }
  return _mm512_reduce_max_epu32(_mm512_max_epu32(a, b));
}

// Of at most 64 values of a byte, which is what small integers have: one permute for 16 codes.
AVX512 static void gather8_avx512(
    uint8_t *out, const uint8_t *values, size_t count, const uint32_t *codes, size_t n)
{
  size_t i = 0;
  if (count <= 64) {
    __mmask64 have = count == 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1;
    __m512i table = _mm512_maskz_loadu_epi8(have, values);
    for (; i + 16 <= n; i += 16) {
      __m128i index = _mm512_cvtepi32_epi8(_mm512_loadu_si512(codes + i));
      __m512i v = _mm512_permutexvar_epi8(_mm512_castsi128_si512(index), table);
      _mm_storeu_si128((__m128i *)(void *)(out + i), _mm512_castsi512_si128(v));
    }
  }
  for (; i < n; i++) {
    out[i] = values[codes[i]];
  }
}

// Of at most 32 values of four bytes, from two registers.
AVX512 static void gather32_avx512(
    uint32_t *out, const uint32_t *values, size_t count, const uint32_t *codes, size_t n)
{
  size_t i = 0;
  if (count <= 32) {
    uint32_t padded[32] = {0};
    memcpy(padded, values, count * sizeof *values);
    __m512i low = _mm512_loadu_si512(padded), high = _mm512_loadu_si512(padded + 16);
    for (; i + 16 <= n; i += 16) {
      __m512i index = _mm512_loadu_si512(codes + i);
      _mm512_storeu_si512(out + i, _mm512_permutex2var_epi32(low, index, high));
    }
  }
  grove__kernels_portable.gather32(out + i, values, count, codes + i, n - i);
}

AVX512 static void gather64_avx512(
    uint64_t *out, const uint64_t *values, size_t count, const uint32_t *codes, size_t n)
{
  size_t i = 0;
  if (count <= 16) {
    uint64_t padded[16] = {0};
    memcpy(padded, values, count * sizeof *values);
    __m512i low = _mm512_loadu_si512(padded), high = _mm512_loadu_si512(padded + 8);
    for (; i + 8 <= n; i += 8) {
      __m512i index =
          _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(const void *)(codes + i)));
      _mm512_storeu_si512(out + i, _mm512_permutex2var_epi64(low, index, high));
    }
  }
  for (; i < n; i++) {
    out[i] = values[codes[i]];
  }
}

// As many rows as a register has lanes: their values are loaded side by side, no more of them, and expanded to where
// their bits are. They are stored at or behind where they came from, so what is not moved yet stays.
#define GROVE__EXPAND(name, type, lanes, bits_type, one, popcount, load, expand)                   \
  AVX512 static void name##_avx512(                                                                \
      type *values, const uint8_t *bits, uint64_t from, size_t n, size_t valid)                    \
  {                                                                                                \
    size_t i = n;                                                                                  \
    while (i > valid && (from + i) % 8) {                                                          \
      i--;                                                                                         \
      GROVE__SPREAD_ROW(type, i);                                                                  \
    }                                                                                              \
    while (i > valid && i >= (lanes)) {                                                            \
      bits_type there;                                                                             \
      memcpy(&there, bits + (from + i) / 8 - (lanes) / 8, sizeof there);                           \
      unsigned count = (unsigned)popcount(there);                                                  \
      bits_type some = count == (lanes) ? (bits_type)-1 : (bits_type)(((one) << count) - 1);       \
      i -= (lanes);                                                                                \
      valid -= count;                                                                              \
      _mm512_storeu_si512(values + i, expand(there, load(some, values + valid)));                  \
    }                                                                                              \
    grove__kernels_portable.name(values, bits, from, i, valid);                                    \
  }
GROVE__EXPAND(spread8, uint8_t, 64, uint64_t, (uint64_t)1, __builtin_popcountll,
    _mm512_maskz_loadu_epi8, _mm512_maskz_expand_epi8)
GROVE__EXPAND(spread16, uint16_t, 32, uint32_t, 1u, __builtin_popcount, _mm512_maskz_loadu_epi16,
    _mm512_maskz_expand_epi16)
GROVE__EXPAND(spread32, uint32_t, 16, uint16_t, 1u, __builtin_popcount, _mm512_maskz_loadu_epi32,
    _mm512_maskz_expand_epi32)
GROVE__EXPAND(spread64, uint64_t, 8, uint8_t, 1u, __builtin_popcount, _mm512_maskz_loadu_epi64,
    _mm512_maskz_expand_epi64)

const grove__kernels grove__kernels_avx512 = {"avx512", unpack_avx512, largest_avx512, gather8_avx512,
    gather16_plain, gather32_avx512, gather64_avx512, decode8_avx512, spread8_avx512, spread16_avx512,
    spread32_avx512, spread64_avx512};
#else
typedef int grove__kernels_none; // ISO C wants something in a file
#endif
