// Nodes of up to four rows, which are half of those that have something to choose: all splits at once, without a loop. A split is told by
// a row and a feature: what does not lie above the row goes left. Lane 8 * i + k of two registers is row i's by feature k of a block.
// Part of tiny_avx512.h.

enum { FEW = 4 };

// The rows of a set of two or more. In place of those that there are not stands the first one again, which adds nothing there.
struct few {
  size_t row[FEW];
  uint32_t is[FEW]; // all bits set: there is such a row
};

static inline struct few few_of(uint32_t set)
{
  struct few f;
  f.row[0] = (size_t)__builtin_ctz(set);
  f.is[0] = UINT32_MAX;
  for (size_t i = 1; i < FEW; i++) {
    set &= set - 1;
    f.is[i] = set ? UINT32_MAX : 0;
    f.row[i] = set ? (size_t)__builtin_ctz(set) : f.row[0];
  }
  return f;
}

// Of the lanes of a feature that gain most the one of the lowest place.
static inline size_t lowest_of(
    const struct tiny_block *b, const struct few *few, uint32_t lanes, uint32_t f)
{
  size_t least = (size_t)__builtin_ctz(lanes) / GROVE__BLOCK;
  for (lanes &= lanes - 1; lanes; lanes &= lanes - 1) {
    size_t i = (size_t)__builtin_ctz(lanes) / GROVE__BLOCK;
    least = b->rank[f][few->row[i]] < b->rank[f][few->row[least]] ? i : least;
  }
  return least;
}

ALWAYS_INLINE void scan_few_of(const struct tiny *t, int kind, size_t block,
    const struct gain_terms *terms, const struct few *few, uint32_t lanes, size_t start,
    struct tiny_choice *best)
{
  const struct tiny_block *b = &t->block[block];
  const int32_t *row_sum = (const int32_t *)(const void *)t->sum;
  const int32_t *row_weight = (const int32_t *)(const void *)t->weight;
  __m256i ranks =
      _mm256_set_epi64x((long long)b->turned[few->row[3]], (long long)b->turned[few->row[2]],
          (long long)b->turned[few->row[1]], (long long)b->turned[few->row[0]]);
  __m512i sum[2], weight[2], gain[2];
  uint32_t left[FEW]; // of a row: the lanes on whose left side it is
  uint32_t all = UINT32_MAX; // lanes that leave nothing on the right
  sum[0] = sum[1] = weight[0] = weight[1] = _mm512_setzero_si512();
  for (size_t i = 0; i < FEW; i++) {
    left[i] = _mm256_cmple_epu8_mask(_mm256_set1_epi64x((long long)b->turned[few->row[i]]), ranks);
    all &= left[i];
    left[i] &= few->is[i];
    __m512i one = _mm512_set1_epi32(row_sum[few->row[i]]);
    __m512i its = _mm512_set1_epi32(row_weight[few->row[i]]);
    for (size_t k = 0; k < 2; k++) {
      __mmask16 in = (__mmask16)(left[i] >> (16 * k));
      sum[k] = _mm512_mask_add_epi32(sum[k], in, sum[k], one);
      weight[k] = _mm512_mask_add_epi32(weight[k], in, weight[k], its);
    }
  }
  for (size_t k = 0; k < 2; k++) {
    __mmask16 valid = (__mmask16)(~all >> (16 * k) & lanes);
    __m512i one = _mm512_castps_si512(gains_of(terms, kind, sum[k], weight[k], &valid));
    gain[k] = _mm512_mask_mov_epi32(_mm512_set1_epi32(-1), valid, one);
  }
  int32_t bits = _mm512_reduce_max_epi32(_mm512_max_epi32(gain[0], gain[1]));
  float most;
  memcpy(&most, &bits, sizeof most);
  if (bits < 0 || most < best->gain) {
    return;
  }
  __m512i top = _mm512_set1_epi32(bits);
  uint32_t equal =
      _mm512_cmpeq_epi32_mask(gain[0], top) | (uint32_t)_mm512_cmpeq_epi32_mask(gain[1], top) << 16;
  uint32_t features = equal | equal >> 16;
  uint32_t feature = first_of((features | features >> 8) & 0xff, block, start);
  if (!comes_first(t, feature, most, start, best)) {
    return;
  }
  uint32_t f = feature % GROVE__BLOCK;
  size_t lane = lowest_of(b, few, equal & 0x01010101u << f, f) * GROVE__BLOCK + f;
  uint32_t its_left = 0;
  int64_t packed = 0;
  for (size_t i = 0; i < FEW; i++) {
    uint32_t in = left[i] >> lane & 1;
    its_left |= in << few->row[i];
    packed +=
        ((int64_t)((uint64_t)row_sum[few->row[i]] << 32) + row_weight[few->row[i]]) & -(int64_t)in;
  }
  *best = (struct tiny_choice){most, feature, its_left, packed};
}

static struct tiny_choice scan_few(
    const struct tiny *t, const struct terms *terms, uint32_t set, const uint8_t *use, size_t start)
{
  struct tiny_choice best = {.gain = -1, .feature = (uint32_t)start};
  struct gain_terms g = spread_terms(terms);
  struct few few = few_of(set);
  int kind = kind_of(terms);
  for (size_t block = 0; block < t->blocks; block++) {
    uint32_t lanes = lanes_of(use, block, t->g->features);
    if (kind == BARE) {
      scan_few_of(t, BARE, block, &g, &few, lanes, start, &best);
    } else if (kind == PLAIN) {
      scan_few_of(t, PLAIN, block, &g, &few, lanes, start, &best);
    } else {
      scan_few_of(t, SOFT, block, &g, &few, lanes, start, &best);
    }
  }
  return best;
}
