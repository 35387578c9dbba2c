// The scan of a histogram, see histogram.h. Compiled once for each instruction set, see grow_kernels.h: whole numbers
// become doubles by placing their bits behind an exponent.
#include "model/scan_judge.h"

#if defined(GROVE__AVX512)
// The best so far of eight features, in the lanes of a register each.
struct scan_best {
  __m512d top;
  __m512d under;
  __m512i bin;
};

// The bins [b, end), the left side beginning with `sum`; the same operations as judge has. Without an alpha nothing is taken off.
static inline __attribute__((always_inline)) void scan_bins(bool soft, const int64_t *h,
    unsigned shift, __m512i sum, size_t b, size_t end, const grove__scan_terms *t,
    struct scan_best *best)
{
  const __m512i mask = _mm512_set1_epi64(((int64_t)1 << shift) - 1);
  const __m512d all = _mm512_set1_pd(t->sum), all_weight = _mm512_set1_pd(t->weight);
  const __m512d lambda = _mm512_set1_pd(t->lambda), least = _mm512_set1_pd(t->least);
  const __m512d alpha = _mm512_set1_pd(t->alpha), zero = _mm512_setzero_pd();
  __m512d best_top = best->top, best_under = best->under;
  __m512i at = best->bin;
  for (; b < end; b++) {
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
        more, _mm512_mul_pd(top, best_under), _mm512_mul_pd(best_top, under), _CMP_GT_OQ);
    best_top = _mm512_mask_mov_pd(best_top, more, top);
    best_under = _mm512_mask_mov_pd(best_under, more, under);
    at = _mm512_mask_mov_epi64(at, more, _mm512_set1_epi64((int64_t)b));
  }
  *best = (struct scan_best){best_top, best_under, at};
}

// ---- where the best can be --------------------------------------------------------------------------
// Floats tell, sixteen splits at once, in which runs of bins the best of all can be; doubles look at these alone. With
// a = w + lambda, c = rest + lambda and K = a + c the gain is
//   s*s/a + r*r/c = ((s + r)^2 + d*d/(a*c)) / K,   d = s*K - (s + r)*a,
// so that the largest h = d*d/(a*c) is looked for. s is taken from the upper halves of words, in units of 2^(32 - shift). d is
// wrong by no more than e below and a small part of itself; with h' = (d'*d' + ROOM*e*e)/(a*c)
//   h <= h' * (1 + 1/ROOM + 2^-10)  and  h >= (h' - 2*ROOM*e*e/(a*c)) * (1 - 1/ROOM - 2^-10),
// whatever the rounding of c and of the reciprocal do, which is less. Doubles compare gains wrongly by 2^-49 of them at most, and of
// 255 bins each may be wrong by as much as the one before: 2^-38 of the gain is left for that. Then nothing that is left out could have
// been the best, nor kept another one from it.
enum { RUN = 8, RUNS = GROVE__BIN_COUNT / RUN, ROOM = 512, WORTH_RUNS = 64 };

struct scan_runs {
  __m512 most[RUNS];  // of h' in a run; below 0: no split
  __m512i from[RUNS]; // what its left side begins with
};

struct scan_floats {
  float sum;
  float lambda;
  float both; // K
  float room; // ROOM*e*e
  int32_t least;
  int32_t range; // of weights, from the least on
  double slack;  // what h' of the best may be below the largest h', but for a hundredth of it
};

// False: floats don't say enough.
static bool floats_of(const grove__scan_terms *t, unsigned shift, struct scan_floats *f)
{
  double all = t->sum * (double)((uint64_t)1 << shift) * 0x1p-32, both = t->weight + 2 * t->lambda;
  double least = ceil(t->least), range = t->weight - 2 * least;
  double side = least + t->lambda, e = both * (1.01 + fabs(all) * 0x1p-20);
  double room = ROOM * e * e;
  bool exact = t->lambda == floor(t->lambda); // then c is, else it is wrong by 2^-23 of K
  if (t->alpha > 0 || both > 0x1p24 || range < 0 || !(exact || both <= 0x1p12 * side)) {
    return false;
  }
  *f = (struct scan_floats){(float)all, (float)t->lambda, (float)both, (float)room, (int32_t)least,
      (int32_t)range, 2.1 * room / (side * (both - side)) + 0x1p-37 * all * all};
  return true;
}

// The largest h' of each run; gives that of all. What is behind the end of a last run that is not full is as the split before it, for
// nothing is added there; but the very last bin is that of the missing.
static inline float look_at_runs(const int64_t *h, unsigned shift, const int64_t *from, size_t bins,
    const struct scan_floats *f, uint32_t lanes, struct scan_runs *r)
{
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  const __m512i mask = _mm512_set1_epi32((int32_t)(((uint32_t)1 << shift) - 1));
  const __m512i least = _mm512_set1_epi32(f->least), range = _mm512_set1_epi32(f->range);
  const __m512 all = _mm512_set1_ps(f->sum), both = _mm512_set1_ps(f->both);
  const __m512 lambda = _mm512_set1_ps(f->lambda), room = _mm512_set1_ps(f->room);
  __m512i sum = _mm512_loadu_si512(from);
  __m512 top = _mm512_set1_ps(-1);
  for (size_t run = 0, b = 0; b < bins; run++) {
    __m512 most = _mm512_set1_ps(-1);
    r->from[run] = sum;
    for (size_t end = b + RUN; b < end; b += 2) {
      __m512i next = _mm512_add_epi64(sum, _mm512_loadu_si512(h + b * GROVE__BLOCK));
      sum = _mm512_add_epi64(next, _mm512_loadu_si512(h + (b + 1) * GROVE__BLOCK));
      __m512i w = _mm512_and_si512(_mm512_permutex2var_epi32(next, even, sum), mask);
      __m512 s = _mm512_cvtepi32_ps(_mm512_permutex2var_epi32(next, odd, sum));
      __m512 a = _mm512_add_ps(_mm512_cvtepi32_ps(w), lambda), c = _mm512_sub_ps(both, a);
      __m512 d = _mm512_fmsub_ps(s, both, _mm512_mul_ps(all, a));
      __m512 one = _mm512_rcp14_ps(_mm512_mul_ps(a, c));
      one = _mm512_mul_ps(_mm512_fmadd_ps(d, d, room), one);
      __mmask16 in = b + 1 < GROVE__BIN_MISSING ? 0xffff : 0xff;
      in = _mm512_mask_cmple_epu32_mask(in, _mm512_sub_epi32(w, least), range);
      most = _mm512_mask_max_ps(most, in, most, one);
    }
    most = _mm512_mask_mov_ps(_mm512_set1_ps(-1), (__mmask16)lanes, most);
    r->most[run] = most;
    top = _mm512_max_ps(top, most);
  }
  return _mm512_reduce_max_ps(top);
}

static void scan_some(const int64_t *h, unsigned shift, const int64_t *from, size_t bins,
    const grove__scan_terms *t, const struct scan_floats *f, uint32_t lanes, struct scan_best *best)
{
  struct scan_runs r;
  float top = look_at_runs(h, shift, from, bins, f, lanes | lanes << GROVE__BLOCK, &r);
  double least = 0.99 * (double)top - f->slack;
  __m512 limit = _mm512_set1_ps(least > 0 ? (float)least * 0.999999f : 0);
  for (size_t run = 0; run * RUN < bins; run++) {
    if (_mm512_cmp_ps_mask(r.most[run], limit, _CMP_GE_OQ)) {
      size_t b = run * RUN, end = b + RUN < bins ? b + RUN : bins;
      scan_bins(false, h, shift, r.from[run], b, end, t, best);
    }
  }
}

static void scan_packed(const int64_t *h, unsigned shift, const int64_t *from, size_t bins,
    const grove__scan_terms *t, unsigned lanes, grove__scan_lanes *l)
{
  struct scan_best best = {
      _mm512_loadu_pd(l->top), _mm512_loadu_pd(l->under), _mm512_loadu_si512(l->bin)};
  struct scan_floats f;
  if (bins >= WORTH_RUNS && floats_of(t, shift, &f)) {
    scan_some(h, shift, from, bins, t, &f, lanes, &best);
  } else if (t->alpha > 0) {
    scan_bins(true, h, shift, _mm512_loadu_si512(from), 0, bins, t, &best);
  } else {
    scan_bins(false, h, shift, _mm512_loadu_si512(from), 0, bins, t, &best);
  }
  _mm512_storeu_pd(l->top, best.top);
  _mm512_storeu_pd(l->under, best.under);
  _mm512_storeu_si512(l->bin, best.bin);
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
    const grove__scan_terms *t, unsigned lanes, grove__scan_lanes *l)
{
  (void)lanes;
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
