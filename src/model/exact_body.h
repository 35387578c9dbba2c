// The two loops of exact growing. Compiled once for each instruction set, see grow_kernels.h.

static inline double exact_gain(double left, double all, double n, double count)
{
  double right = all - left, m = count - n;
  return (left * left * m + right * right * n) / (n * m);
}

#if defined(GROVE__AVX512)
// The best so far, lane by lane, and where: a number that the caller gives, and the place.
struct exact_search {
  __m512d most;
  __m512i at;
};

// Eight entries at once. Sums run through the lanes by three shifts; of equal gains the first place is kept.
static inline void search_entries(struct exact_search *e, const grove__entry *o, size_t n,
    const int64_t *q, const grove__exact_terms *t, int64_t sum, size_t base, int64_t number)
{
  const __m512i lane = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), zero = _mm512_setzero_si512();
  const __m512i end = _mm512_set1_epi64(7);
  const __m512d all = _mm512_set1_pd(t->sum), count = _mm512_set1_pd(t->count);
  const __m512d least = _mm512_set1_pd(t->least);
  __m512i carry = _mm512_set1_epi64(sum);
  for (size_t i = 0; i < n; i += 8) {
    __mmask8 in = n - i < 8 ? (__mmask8)((1u << (n - i)) - 1) : 0xff;
    __m512i here = _mm512_maskz_loadu_epi64(in, o + i);
    __m512i next = _mm512_maskz_loadu_epi64(in, o + i + 1);
    __m512i s = _mm512_mask_i32gather_epi64(zero, in, _mm512_cvtepi64_epi32(here), q, 8);
    s = _mm512_add_epi64(s, _mm512_alignr_epi64(s, zero, 7));
    s = _mm512_add_epi64(s, _mm512_alignr_epi64(s, zero, 6));
    s = _mm512_add_epi64(s, _mm512_alignr_epi64(s, zero, 4));
    s = _mm512_add_epi64(s, carry);
    carry = _mm512_permutexvar_epi64(end, s);
    __mmask8 valid =
        _mm512_mask_cmpneq_epi64_mask(in, _mm512_srli_epi64(here, 32), _mm512_srli_epi64(next, 32));
    if (valid) {
      __m512i place = _mm512_add_epi64(lane, _mm512_set1_epi64((int64_t)i));
      __m512d left = _mm512_cvtepi64_pd(s), right = _mm512_sub_pd(all, left);
      __m512d k = _mm512_cvtepi64_pd(_mm512_add_epi64(place, _mm512_set1_epi64((int64_t)base + 1)));
      __m512d m = _mm512_sub_pd(count, k);
      __m512d sum2 = _mm512_add_pd(_mm512_mul_pd(_mm512_mul_pd(left, left), m),
          _mm512_mul_pd(_mm512_mul_pd(right, right), k));
      __m512d gain = _mm512_div_pd(sum2, _mm512_mul_pd(k, m));
      valid = _mm512_mask_cmp_pd_mask(valid, k, least, _CMP_GE_OQ);
      valid = _mm512_mask_cmp_pd_mask(valid, m, least, _CMP_GE_OQ);
      valid = _mm512_mask_cmp_pd_mask(valid, gain, e->most, _CMP_GT_OQ);
      e->most = _mm512_mask_mov_pd(e->most, valid, gain);
      e->at =
          _mm512_mask_mov_epi64(e->at, valid, _mm512_add_epi64(place, _mm512_set1_epi64(number)));
    }
  }
}

// The lowest number and place of those that gain most; false: none gains more than *best.
static inline bool end_entries(const struct exact_search *e, double *best, uint64_t *at)
{
  double most = _mm512_reduce_max_pd(e->most);
  if (!(most > *best)) {
    return false;
  }
  __mmask8 equal = _mm512_cmp_pd_mask(e->most, _mm512_set1_pd(most), _CMP_EQ_OQ);
  *best = most;
  *at = _mm512_mask_reduce_min_epu64(equal, e->at);
  return true;
}

static void exact_scan(const grove__entry *o, size_t n, const int64_t *q,
    const grove__exact_terms *t, int64_t sum, size_t base, double *best, size_t *last)
{
  struct exact_search e = {_mm512_set1_pd(*best), _mm512_setzero_si512()};
  uint64_t at;
  search_entries(&e, o, n, q, t, sum, base, 0);
  if (end_entries(&e, best, &at)) {
    *last = (size_t)at;
  }
}

static void exact_scan_all(const grove__entry *o, size_t stride, size_t features, size_t n,
    const int64_t *q, const grove__exact_terms *t, grove__exact_best *best)
{
  struct exact_search e = {_mm512_set1_pd(best->gain), _mm512_setzero_si512()};
  uint64_t at;
  for (size_t f = 0; f < features; f++) {
    const grove__entry *own = o + f * stride;
    if (own[0].rank != own[n - 1].rank) {
      search_entries(&e, own, n - 1, q, t, 0, 0, (int64_t)f * ((int64_t)1 << 32));
    }
  }
  if (end_entries(&e, &best->gain, &at)) {
    best->feature = (uint32_t)(at >> 32);
    best->last = (uint32_t)at;
  }
}

static void exact_part(
    const grove__entry *o, size_t n, const uint8_t *side, grove__entry *left, grove__entry *right)
{
  const __m256i bit = _mm256_set1_epi32(1);
  for (size_t i = 0; i < n; i += 8) {
    uint32_t in = n - i < 8 ? (1u << (n - i)) - 1 : 0xff;
    __m512i here = _mm512_maskz_loadu_epi64((__mmask8)in, o + i);
    __m256i rows = _mm512_cvtepi64_epi32(here);
    __m256i sides = _mm256_mmask_i32gather_epi32(bit, (__mmask8)in, rows, (const void *)side, 1);
    uint32_t l = _mm256_test_epi32_mask(sides, bit) & in, r = in & ~l;
    uint32_t some = (uint32_t)__builtin_popcount(l), others = (uint32_t)__builtin_popcount(r);
    _mm512_mask_storeu_epi64(
        left, (__mmask8)((1u << some) - 1), _mm512_maskz_compress_epi64((__mmask8)l, here));
    _mm512_mask_storeu_epi64(
        right, (__mmask8)((1u << others) - 1), _mm512_maskz_compress_epi64((__mmask8)r, here));
    left += some;
    right += others;
  }
}

#else
static inline void exact_scan(const grove__entry *o, size_t n, const int64_t *q,
    const grove__exact_terms *t, int64_t sum, size_t base, double *best, size_t *last)
{
  for (size_t i = 0; i < n; i++) {
    sum += q[o[i].row];
    if (o[i].rank != o[i + 1].rank) {
      double k = (double)(base + i + 1), gain = exact_gain((double)sum, t->sum, k, t->count);
      if (gain > *best && k >= t->least && t->count - k >= t->least) {
        *best = gain;
        *last = i;
      }
    }
  }
}

static void exact_scan_all(const grove__entry *o, size_t stride, size_t features, size_t n,
    const int64_t *q, const grove__exact_terms *t, grove__exact_best *best)
{
  for (size_t f = 0; f < features; f++) {
    double before = best->gain;
    size_t last = 0;
    exact_scan(o + f * stride, n - 1, q, t, 0, 0, &best->gain, &last);
    if (best->gain > before) {
      best->feature = (uint32_t)f;
      best->last = (uint32_t)last;
    }
  }
}

static void exact_part(
    const grove__entry *o, size_t n, const uint8_t *side, grove__entry *left, grove__entry *right)
{
  grove__entry *to[2] = {right, left};
  for (size_t i = 0; i < n; i++) {
    *to[side[o[i].row]]++ = o[i];
  }
}
#endif

static void exact_part_all(const grove__entry *o, size_t stride, size_t features, size_t n,
    const uint8_t *side, grove__entry *to, size_t left)
{
  for (size_t f = 0; f < features; f++) {
    exact_part(o + f * stride, n, side, to + f * stride, to + f * stride + left);
  }
}
