// The network of small_sort_body.h for keys of a byte: with the row's number behind it a key is 16 bits, and a register holds 32 of
// them. With AVX-512; part of small_sort_body.h.

enum { WORD_LANES = 32, WORD_VECTORS = GROVE__SMALL / WORD_LANES };

static inline __m512i exchange_words(__m512i x, __m512i other, __mmask32 high)
{
  return _mm512_mask_max_epu16(_mm512_min_epu16(x, other), high, x, other);
}

static inline __m512i reverse_words(__m512i x)
{
  const __m512i back = _mm512_set_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
      18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
  return _mm512_permutexvar_epi16(back, x);
}

// The words of each 128 bits the other way round.
static inline __m512i reverse_eight(__m512i x)
{
  const __m512i back = _mm512_broadcast_i32x4(
      _mm_setr_epi8(14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1));
  return _mm512_shuffle_epi8(x, back);
}

// Neighbours; then from four words' distance on, and from eight.
static inline __m512i merge_pairs(__m512i x)
{
  return exchange_words(x, _mm512_rol_epi32(x, 16), 0xaaaaaaaa);
}

static inline __m512i merge_eight(__m512i x)
{
  x = exchange_words(x, _mm512_shuffle_epi32(x, 0x4e), 0xf0f0f0f0);
  return merge_pairs(exchange_words(x, _mm512_shuffle_epi32(x, 0xb1), 0xcccccccc));
}

static inline __m512i merge_sixteen(__m512i x)
{
  return merge_eight(exchange_words(x, _mm512_shuffle_i64x2(x, x, 0xb1), 0xff00ff00));
}

static inline __m512i merge_words(__m512i x)
{
  return merge_sixteen(exchange_words(x, _mm512_shuffle_i64x2(x, x, 0x4e), 0xffff0000));
}

static inline __m512i sort_words(__m512i x)
{
  const __m512i four = _mm512_broadcast_i32x4(
      _mm_setr_epi8(6, 7, 4, 5, 2, 3, 0, 1, 14, 15, 12, 13, 10, 11, 8, 9));
  x = merge_pairs(x);
  x = merge_pairs(exchange_words(x, _mm512_shuffle_epi8(x, four), 0xcccccccc));
  x = exchange_words(x, reverse_eight(x), 0xf0f0f0f0);
  x = merge_pairs(exchange_words(x, _mm512_shuffle_epi32(x, 0xb1), 0xcccccccc));
  __m512i mirror = reverse_eight(_mm512_shuffle_i64x2(x, x, 0xb1));
  x = merge_eight(exchange_words(x, mirror, 0xff00ff00));
  return merge_sixteen(exchange_words(x, reverse_words(x), 0xffff0000));
}

// 32 keys, as many as there are, each before its row's number.
static inline __m512i load_words(const uint32_t *key, size_t left, size_t number)
{
  const __m512i numbers = _mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
      16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  __mmask32 in = left < WORD_LANES ? ((__mmask32)1 << left) - 1 : (__mmask32)-1;
  __m256i low = _mm512_cvtepi32_epi16(_mm512_maskz_loadu_epi32((__mmask16)in, key));
  __m256i high = _mm512_cvtepi32_epi16(_mm512_maskz_loadu_epi32((__mmask16)(in >> 16), key + 16));
  __m512i x = _mm512_slli_epi16(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), 8);
  x = _mm512_or_si512(x, _mm512_add_epi16(numbers, _mm512_set1_epi16((short)number)));
  return _mm512_mask_mov_epi16(_mm512_set1_epi16(-1), in, x);
}
