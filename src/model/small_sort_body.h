// Sorting the rows of a small node by a feature. Part of grow_kernels_body.h, and compiled once for each instruction set.
#include "model/small_rows.h"

enum { SORT_FEW = 24 };

static void insert_sort(const uint32_t *key, uint8_t *order, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    size_t k = i;
    for (; k > 0 && key[order[k - 1]] > key[i]; k--) {
      order[k] = order[k - 1];
    }
    order[k] = (uint8_t)i;
  }
}

// Stable radix sort by as many low bytes as `most` has.
static void radix_sort(const uint32_t *key, uint8_t *order, size_t n, uint32_t most)
{
  uint8_t spare[GROVE__SMALL];
  for (size_t i = 0; i < n; i++) {
    order[i] = (uint8_t)i;
  }
  for (int d = 0; d < 4 && (d == 0 || most >> (8 * d)); d++) {
    uint16_t count[GROVE__SMALL] = {0};
    uint16_t sum = 0;
    for (size_t i = 0; i < n; i++) {
      count[(uint8_t)(key[i] >> (8 * d))]++;
    }
    for (size_t v = 0; v < GROVE__SMALL; v++) {
      uint16_t here = count[v];
      count[v] = sum;
      sum = (uint16_t)(sum + here);
    }
    for (size_t i = 0; i < n; i++) {
      spare[count[(uint8_t)(key[order[i]] >> (8 * d))]++] = order[i];
    }
    memcpy(order, spare, n);
  }
}

#if defined(GROVE__AVX512)
enum { SORT_LANES = 16, SORT_VECTORS = GROVE__SMALL / SORT_LANES };

// Batcher's sorting network in the form in which the larger of two always goes to the higher place, so that what fills up
// the last vector stays behind. Each lane and the one that `other` brings to it, the larger to the lanes of `high`.
static inline __m512i exchange(__m512i x, __m512i other, __mmask16 high)
{
  return _mm512_mask_max_epu32(_mm512_min_epu32(x, other), high, x, other);
}

static inline __m512i reverse(__m512i x)
{
  return _mm512_permutexvar_epi32(
      _mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), x);
}

// The last two steps of every merge.
static inline __m512i merge_four(__m512i x)
{
  x = exchange(x, _mm512_shuffle_epi32(x, 0x4e), 0xcccc);
  return exchange(x, _mm512_shuffle_epi32(x, 0xb1), 0xaaaa);
}

static inline __m512i merge_vector(__m512i x)
{
  x = exchange(x, _mm512_shuffle_i64x2(x, x, 0x4e), 0xff00);
  x = exchange(x, _mm512_shuffle_i64x2(x, x, 0xb1), 0xf0f0);
  return merge_four(x);
}

static inline __m512i sort_vector(__m512i x)
{
  const __m512i mirror = _mm512_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  x = exchange(x, _mm512_shuffle_epi32(x, 0xb1), 0xaaaa);
  x = exchange(x, _mm512_shuffle_epi32(x, 0x1b), 0xcccc);
  x = exchange(x, _mm512_shuffle_epi32(x, 0xb1), 0xaaaa);
  x = merge_four(exchange(x, _mm512_permutexvar_epi32(mirror, x), 0xf0f0));
  x = exchange(x, reverse(x), 0xff00);
  x = exchange(x, _mm512_shuffle_i64x2(x, x, 0xb1), 0xf0f0);
  return merge_four(x);
}

#include "model/small_sort_words.h"

static inline __m512i lower(bool words, __m512i x, __m512i y)
{
  return words ? _mm512_min_epu16(x, y) : _mm512_min_epu32(x, y);
}

static inline __m512i higher(bool words, __m512i x, __m512i y)
{
  return words ? _mm512_max_epu16(x, y) : _mm512_max_epu32(x, y);
}

// Runs of width / 2 sorted vectors, of `words` or of numbers of 32 bits, to runs of `width`. Vectors from `count` on would hold nothing
// but filling.
static inline __attribute__((always_inline)) void merge_runs(
    bool words, __m512i *v, size_t count, size_t width)
{
  for (size_t from = 0; from < count; from += width) {
    for (size_t i = 0; i < width / 2; i++) {
      size_t a = from + i, b = from + width - 1 - i;
      if (b < count) {
        __m512i x = v[a], y = words ? reverse_words(v[b]) : reverse(v[b]);
        v[a] = lower(words, x, y);
        v[b] = words ? reverse_words(higher(words, x, y)) : reverse(higher(words, x, y));
      }
    }
  }
  for (size_t d = width / 4; d > 0; d /= 2) {
    for (size_t from = 0; from + d < count; from += 2 * d) {
      for (size_t a = from; a < from + d && a + d < count; a++) {
        __m512i x = v[a], y = v[a + d];
        v[a] = lower(words, x, y);
        v[a + d] = higher(words, x, y);
      }
    }
  }
  for (size_t i = 0; i < count; i++) {
    v[i] = words ? merge_words(v[i]) : merge_vector(v[i]);
  }
}

// Keys below 2^24, with the rows' numbers behind them, so that all differ. Places whose key is not that of the one before them get a
// bit in `differs`, a number for each 16.
static void sort_by_network(const uint32_t *key, uint8_t *order, size_t n, uint32_t *differs)
{
  __m512i v[SORT_VECTORS];
  __m512i number = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i step = _mm512_set1_epi32(SORT_LANES), filling = _mm512_set1_epi32(-1);
  size_t count = (n + SORT_LANES - 1) / SORT_LANES;
  for (size_t i = 0; i < count; i++) {
    size_t left = n - i * SORT_LANES;
    __mmask16 in = (__mmask16)(left < SORT_LANES ? (1u << left) - 1 : 0xffff);
    __m512i x = _mm512_slli_epi32(_mm512_maskz_loadu_epi32(in, key + i * SORT_LANES), 8);
    v[i] = sort_vector(_mm512_mask_or_epi32(filling, in, x, number));
    number = _mm512_add_epi32(number, step);
  }
  for (size_t width = 2; width / 2 < count; width *= 2) {
    merge_runs(false, v, count, width);
  }
  __m512i before = _mm512_broadcastd_epi32(_mm512_castsi512_si128(v[0])); // the first one differs from none
  for (size_t i = 0; i < count; i++) {
    size_t left = n - i * SORT_LANES;
    __mmask16 in = (__mmask16)(left < SORT_LANES ? (1u << left) - 1 : 0xffff);
    __m512i change = _mm512_xor_si512(v[i], _mm512_alignr_epi32(v[i], before, SORT_LANES - 1));
    differs[i] = _mm512_mask_cmpgt_epu32_mask(in, change, _mm512_set1_epi32(0xff));
    _mm_mask_storeu_epi8(order + i * SORT_LANES, in, _mm512_cvtepi32_epi8(v[i]));
    before = v[i];
  }
}

// As sort_by_network, of keys below 256.
static void sort_bytes(const uint32_t *key, uint8_t *order, size_t n, uint32_t *differs)
{
  const __m512i behind = _mm512_set_epi16(30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16,
      15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 63);
  __m512i v[WORD_VECTORS];
  size_t count = (n + WORD_LANES - 1) / WORD_LANES;
  for (size_t i = 0; i < count; i++) {
    v[i] = sort_words(load_words(key + i * WORD_LANES, n - i * WORD_LANES, i * WORD_LANES));
  }
  for (size_t width = 2; width / 2 < count; width *= 2) {
    merge_runs(true, v, count, width);
  }
  __m512i before = _mm512_broadcastw_epi16(_mm512_castsi512_si128(v[0])); // the first one differs from none
  for (size_t i = 0; i < count; i++) {
    size_t left = n - i * WORD_LANES;
    __mmask32 in = left < WORD_LANES ? ((__mmask32)1 << left) - 1 : (__mmask32)-1;
    __m512i change = _mm512_xor_si512(v[i], _mm512_permutex2var_epi16(v[i], behind, before));
    uint32_t bits = _mm512_mask_cmpgt_epu16_mask(in, change, _mm512_set1_epi16(0xff));
    differs[2 * i] = bits & 0xffff;
    differs[2 * i + 1] = bits >> 16;
    _mm256_mask_storeu_epi8(order + i * WORD_LANES, in, _mm512_cvtepi16_epi8(v[i]));
    before = v[i];
  }
}

// Of n keys up to `most`; false: they are too large.
static bool sort_in_registers(
    const uint32_t *key, uint8_t *order, size_t n, uint32_t most, uint32_t *differs)
{
  if (most <= 0xff) {
    sort_bytes(key, order, n, differs);
  } else if (most < 1u << 24) {
    sort_by_network(key, order, n, differs);
  }
  return most < 1u << 24;
}

static uint8_t rank_by_bits(const uint8_t *order, uint8_t *rank, size_t n, const uint32_t *differs)
{
  uint32_t r = 0;
  size_t i = 0;
  for (; i + SORT_LANES <= n; i += SORT_LANES) {
    uint32_t bits = differs[i / SORT_LANES];
    for (size_t k = 0; k < SORT_LANES; k++) {
      r += bits >> k & 1;
      rank[order[i + k]] = (uint8_t)r;
    }
  }
  for (uint32_t bits = i < n ? differs[i / SORT_LANES] : 0; i < n; i++, bits >>= 1) {
    r += bits & 1;
    rank[order[i]] = (uint8_t)r;
  }
  return (uint8_t)r;
}
#endif

static uint8_t rank_by_keys(const uint32_t *key, const uint8_t *order, uint8_t *rank, size_t n)
{
  uint8_t r = 0;
  rank[order[0]] = 0;
  for (size_t i = 1; i < n; i++) {
    r = (uint8_t)(r + (key[order[i]] != key[order[i - 1]]));
    rank[order[i]] = r;
  }
  return r;
}

static void sort_small(const uint32_t *key, uint8_t *order, size_t n, uint32_t most)
{
#if defined(GROVE__AVX512)
  uint32_t differs[SORT_VECTORS];
  if (sort_in_registers(key, order, n, most, differs)) {
    return;
  }
#endif
  if (n <= SORT_FEW) {
    insert_sort(key, order, n);
  } else {
    radix_sort(key, order, n, most);
  }
}

// Sorts, and gives each row a rank, equal ones to those of equal keys; gives the highest.
static uint8_t sort_and_rank(
    const uint32_t *key, uint8_t *order, uint8_t *rank, size_t n, uint32_t most)
{
#if defined(GROVE__AVX512)
  uint32_t differs[SORT_VECTORS];
  if (sort_in_registers(key, order, n, most, differs)) {
    return rank_by_bits(order, rank, n, differs);
  }
#endif
  sort_small(key, order, n, most);
  return rank_by_keys(key, order, rank, n);
}
