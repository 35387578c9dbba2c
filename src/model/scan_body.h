// The scan of a histogram, see histogram.h. Compiled once for each instruction set, see grow_kernels.h: whole numbers
// become doubles by placing their bits behind an exponent.
#include "model/scan_judge.h"

#if defined(GROVE__AVX512)
// Eight features in the lanes of one register; the same operations as judge has. Without an alpha nothing is taken off.
static inline __attribute__((always_inline)) void scan_lanes(bool soft, const int64_t *h,
    unsigned shift, const int64_t *from, size_t bins, const grove__scan_terms *t,
    grove__scan_lanes *l)
{
  const __m512i mask = _mm512_set1_epi64(((int64_t)1 << shift) - 1);
  const __m512d all = _mm512_set1_pd(t->sum), all_weight = _mm512_set1_pd(t->weight);
  const __m512d lambda = _mm512_set1_pd(t->lambda), least = _mm512_set1_pd(t->least);
  const __m512d alpha = _mm512_set1_pd(t->alpha), zero = _mm512_setzero_pd();
  __m512d best = _mm512_loadu_pd(l->top), best_under = _mm512_loadu_pd(l->under);
  __m512i at = _mm512_loadu_si512(l->bin), sum = _mm512_loadu_si512(from);
  for (size_t b = 0; b < bins; b++) {
    sum = _mm512_add_epi64(sum, _mm512_loadu_si512(h + b * GROVE__BLOCK));
    __m512d w = _mm512_cvtepi64_pd(_mm512_and_si512(sum, mask));
    __m512d s = _mm512_cvtepi64_pd(_mm512_sra_epi64(sum, _mm_cvtsi32_si128((int)shift)));
    __m512d rest = _mm512_sub_pd(all_weight, w), r = _mm512_sub_pd(all, s);
    if (soft) {
      s = _mm512_max_pd(_mm512_sub_pd(_mm512_abs_pd(s), alpha), zero);
      r = _mm512_max_pd(_mm512_sub_pd(_mm512_abs_pd(r), alpha), zero);
    }
    __m512d a = _mm512_add_pd(w, lambda), c = _mm512_add_pd(rest, lambda);
    __m512d left = _mm512_mul_pd(_mm512_mul_pd(s, s), c);
    __m512d right = _mm512_mul_pd(_mm512_mul_pd(r, r), a);
    __m512d top = _mm512_add_pd(left, right), under = _mm512_mul_pd(a, c);
    __mmask8 more = _mm512_cmp_pd_mask(w, least, _CMP_GE_OQ);
    more = _mm512_mask_cmp_pd_mask(more, rest, least, _CMP_GE_OQ);
    more = _mm512_mask_cmp_pd_mask(
        more, _mm512_mul_pd(top, best_under), _mm512_mul_pd(best, under), _CMP_GT_OQ);
    best = _mm512_mask_mov_pd(best, more, top);
    best_under = _mm512_mask_mov_pd(best_under, more, under);
    at = _mm512_mask_mov_epi64(at, more, _mm512_set1_epi64((int64_t)b));
  }
  _mm512_storeu_pd(l->top, best);
  _mm512_storeu_pd(l->under, best_under);
  _mm512_storeu_si512(l->bin, at);
}

static void scan_packed(const int64_t *h, unsigned shift, const int64_t *from, size_t bins,
    const grove__scan_terms *t, grove__scan_lanes *l)
{
  if (t->alpha > 0) {
    scan_lanes(true, h, shift, from, bins, t, l);
  } else {
    scan_lanes(false, h, shift, from, bins, t, l);
  }
}

#else
// A number of [0, 2^52), placed behind the exponent of 2^52.
static inline double place_bits(uint64_t x)
{
  double d;
  x |= 0x4330000000000000u;
  memcpy(&d, &x, sizeof d);
  return d;
}

// `from` is what the left side begins with: zeros, or the bins of the missing.
static void scan_packed(const int64_t *h, unsigned shift, const int64_t *from, size_t bins,
    const grove__scan_terms *t, grove__scan_lanes *l)
{
  const uint64_t bias = (uint64_t)1 << 62, mask = ((uint64_t)1 << shift) - 1;
  const double low = 0x1p52, high = 0x1p52 + (double)(bias >> shift);
  uint64_t sum[GROVE__BLOCK];
  double s[GROVE__BLOCK], w[GROVE__BLOCK];
  for (int k = 0; k < GROVE__BLOCK; k++) {
    sum[k] = (uint64_t)from[k] + bias;
  }
  for (size_t b = 0; b < bins; b++) {
    for (int k = 0; k < GROVE__BLOCK; k++) {
      sum[k] += (uint64_t)h[b * GROVE__BLOCK + k];
      w[k] = place_bits(sum[k] & mask) - low;
      s[k] = place_bits(sum[k] >> shift) - high;
    }
    judge(t, s, w, (int64_t)b, l);
  }
}
#endif
