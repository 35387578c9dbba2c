// Nodes of at most 32 rows: a set of rows is a mask of 32 bits, and all below the node stands on one sorted order,
// so that nothing is parted any more. Eight features stand side by side in 16 lanes, each from both ends: lane k adds
// up feature k of a block from its lowest row on, lane k + 8 from its highest, n/2 steps each. A node of at most 16 rows below one
// of more takes its part of the orders first: its steps are fewer then, and its sums fit into one register. Part of small_body.h.

enum { MOST = 32, STEPS = MOST / 2 };

// Of eight features.
struct tiny_block {
  uint8_t row[STEPS][2 * GROVE__BLOCK]; // which row a lane adds at a step
  uint8_t order[GROVE__BLOCK][MOST];
  uint8_t rank[GROVE__BLOCK][MOST]; // by row; of a feature that is not live all the same
  uint16_t valid[STEPS];            // lanes whose next row differs in its value
};
_Static_assert(sizeof(struct tiny_block) <= GROVE__TINY_BYTES, "small_rows.c makes room");

struct tiny {
  grove__grower *g;
  struct grove__small *s;
  __m512i sum[2];
  __m512i weight[2];
  size_t rows;
  size_t blocks;
  struct tiny_block *block;
  double target[MOST + 8];
  uint8_t id[MOST + 32]; // row numbers of the small node
};

struct tiny_choice {
  float gain;
  uint32_t feature;
  uint32_t step;
  uint32_t lane;
};

// The low n bits.
static inline uint32_t low_bits(size_t n)
{
  return (uint32_t)(((uint64_t)1 << n) - 1);
}

static inline __m256i bytes_at(const uint8_t *p)
{
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

#include "model/tiny_fill_avx512.h"

// ---- scanning ---------------------------------------------------------------------------------------
// Lanes whose features may be used.
static uint32_t lanes_of(const uint8_t *use, size_t block, size_t features)
{
  uint32_t lanes = 0;
  for (size_t k = 0; use && k < GROVE__BLOCK && block * GROVE__BLOCK + k < features; k++) {
    lanes |= (uint32_t)(use[block * GROVE__BLOCK + k] != 0) << k;
  }
  return use ? lanes | lanes << GROVE__BLOCK : 0xffff;
}

// Of lanes that gain as much: the first feature from `start` on, from the lower end if both ends are among them.
static void take_tiny(const struct tiny *t, size_t block, uint32_t lanes, const uint32_t *step,
    float gain, size_t start, struct tiny_choice *best)
{
  size_t features = t->g->features;
  while (lanes) {
    uint32_t lane = (uint32_t)__builtin_ctz(lanes), f = lane % GROVE__BLOCK;
    lanes &= ~(0x101u << f);
    uint32_t feature = (uint32_t)(block * GROVE__BLOCK) + f;
    size_t here = feature >= start ? feature - start : feature + features - start;
    size_t there =
        best->feature >= start ? best->feature - start : best->feature + features - start;
    if (gain > best->gain || here < there) {
      *best = (struct tiny_choice){gain, feature, step[lane], lane};
    }
  }
}

// What rows of a set have, for up to 16 of them or all 32.
struct tiny_sums {
  __m512i sum[2];
  __m512i weight[2];
};

ALWAYS_INLINE void scan_block_of(const struct tiny *t, bool wide, int kind, size_t block,
    const struct gain_terms *terms, const struct tiny_sums *of, uint32_t lanes, size_t start,
    struct tiny_choice *best)
{
  const __m512i sums = of->sum[0], more_sums = of->sum[1];
  const __m512i weights = of->weight[0], more_weights = of->weight[1];
  const struct tiny_block *b = &t->block[block];
  // Gains are compared by their bits, which order as they do; NaN's are below all. What has to be exceeded is one less for lanes from
  // the upper end, of whose equals the last is the lowest place.
  const __m512i upper = _mm512_maskz_set1_epi32(0xff00, 1), one = _mm512_set1_epi32(1);
  __m512i sum = _mm512_setzero_si512(), weight = sum, at = sum, step = sum;
  __m512i limit = _mm512_sub_epi32(_mm512_set1_epi32(-1), upper);
  for (size_t i = 0; i < t->rows / 2; i++) {
    __m512i row = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)b->row[i]));
    sum = _mm512_add_epi32(sum, wide ? _mm512_permutex2var_epi32(sums, row, more_sums)
                                     : _mm512_permutexvar_epi32(row, sums));
    weight = _mm512_add_epi32(weight, wide ? _mm512_permutex2var_epi32(weights, row, more_weights)
                                           : _mm512_permutexvar_epi32(row, weights));
    __mmask16 valid = (__mmask16)(b->valid[i] & lanes);
    __m512i gain = _mm512_castps_si512(gains_of(terms, kind, sum, weight, &valid));
    __mmask16 more = _mm512_mask_cmpgt_epi32_mask(valid, gain, limit);
    limit = _mm512_mask_sub_epi32(limit, more, gain, upper);
    at = _mm512_mask_mov_epi32(at, more, step);
    step = _mm512_add_epi32(step, one);
  }
  __m512i most = _mm512_add_epi32(limit, upper);
  int32_t bits = _mm512_reduce_max_epi32(most);
  float gain;
  memcpy(&gain, &bits, sizeof gain);
  if (bits >= 0 && gain >= best->gain) {
    uint32_t steps[2 * GROVE__BLOCK];
    _mm512_storeu_si512(steps, at);
    uint32_t equal = _mm512_cmpeq_epi32_mask(most, _mm512_set1_epi32(bits));
    take_tiny(t, block, equal, steps, gain, start, best);
  }
}

ALWAYS_INLINE void scan_block_tiny(const struct tiny *t, bool wide, int kind, size_t block,
    const struct gain_terms *terms, const struct tiny_sums *of, uint32_t lanes, size_t start,
    struct tiny_choice *best)
{
  if (kind == BARE) {
    scan_block_of(t, wide, BARE, block, terms, of, lanes, start, best);
  } else if (kind == PLAIN) {
    scan_block_of(t, wide, PLAIN, block, terms, of, lanes, start, best);
  } else {
    scan_block_of(t, wide, SOFT, block, terms, of, lanes, start, best);
  }
}

static struct tiny_choice scan_tiny(const struct tiny *t, const struct terms *terms, uint32_t set,
    const uint8_t *use, size_t start)
{
  struct tiny_choice best = {.gain = -1, .feature = (uint32_t)start};
  struct gain_terms g = spread_terms(terms);
  struct tiny_sums of;
  for (int k = 0; k < 2; k++) {
    of.sum[k] = _mm512_maskz_mov_epi32((__mmask16)(set >> (16 * k)), t->sum[k]);
    of.weight[k] = _mm512_maskz_mov_epi32((__mmask16)(set >> (16 * k)), t->weight[k]);
  }
  for (size_t block = 0; block < t->blocks; block++) {
    uint32_t lanes = lanes_of(use, block, t->g->features);
    if (lanes && t->rows > TINY) {
      scan_block_tiny(t, true, kind_of(terms), block, &g, &of, lanes, start, &best);
    } else if (lanes) {
      scan_block_tiny(t, false, kind_of(terms), block, &g, &of, lanes, start, &best);
    }
  }
  return best;
}

// ---- choosing and splitting ---------------------------------------------------------------------------
static bool is_pure_tiny(const struct tiny *t, uint32_t set)
{
  __m512d all = _mm512_set1_pd(t->target[__builtin_ctz(set)]);
  bool pure = true;
  for (size_t k = 0; pure && set >> (8 * k); k++) {
    __mmask8 some = (__mmask8)(set >> (8 * k));
    pure = !_mm512_mask_cmp_pd_mask(some, _mm512_loadu_pd(t->target + 8 * k), all, _CMP_NEQ_UQ);
    if (k == 3) {
      break;
    }
  }
  return pure;
}

static void leaf_tiny(const struct tiny *t, uint32_t set, uint32_t node, int64_t packed)
{
  uint8_t list[MOST];
  size_t n = 0;
  if (!(set & (set - 1)) && singles_are_plain(t->g->job)) {
    make_single(t->g, t->s, node, t->id[__builtin_ctz(set)]);
    return;
  }
  bool rising = order_matters(t->g->job);
  for (; set; set &= set - 1, n++) {
    uint8_t id = t->id[__builtin_ctz(set)];
    size_t at = n;
    for (; rising && at > 0 && list[at - 1] > id; at--) {
      list[at] = list[at - 1];
    }
    list[at] = id;
  }
  make_leaf_of(t->g, t->s, node, packed, (grove__bounds){0, 0}, list, n); // none, see grow_tiny
}

static inline int64_t packed_of(const struct tiny *t, uint32_t set)
{
  __mmask16 low = (__mmask16)set, high = (__mmask16)(set >> 16);
  __m512i sums = _mm512_maskz_mov_epi32(low, t->sum[0]);
  __m512i weights = _mm512_maskz_mov_epi32(low, t->weight[0]);
  sums = _mm512_mask_add_epi32(sums, high, sums, t->sum[1]);
  weights = _mm512_mask_add_epi32(weights, high, weights, t->weight[1]);
  int64_t sum = _mm512_reduce_add_epi32(sums);
  return sum * ((int64_t)1 << 32) + _mm512_reduce_add_epi32(weights);
}

// Two rows of which any feature that differs is as good: the first from `start` on.
static bool pair_tiny(const struct tiny *t, uint32_t set, const uint8_t *use, size_t start,
    struct tiny_choice *best, bool *first_left)
{
  size_t a = (size_t)__builtin_ctz(set), b = 31 - (size_t)__builtin_clz(set);
  size_t features = t->g->features;
  for (size_t i = 0; i < features; i++) {
    size_t f = start + i < features ? start + i : start + i - features;
    const uint8_t *rank = t->block[f / GROVE__BLOCK].rank[f % GROVE__BLOCK];
    if (rank[a] != rank[b] && (!use || use[f])) {
      *best = (struct tiny_choice){.gain = 0, .feature = (uint32_t)f};
      *first_left = rank[a] < rank[b];
      return true;
    }
  }
  return false;
}

// The rows on the left of a split, and the two around it.
static uint32_t left_tiny(
    const struct tiny *t, uint32_t set, const struct tiny_choice *c, uint8_t *last, uint8_t *next)
{
  const struct tiny_block *b = &t->block[c->feature / GROVE__BLOCK];
  const uint8_t *order = b->order[c->feature % GROVE__BLOCK];
  const uint8_t *rank = b->rank[c->feature % GROVE__BLOCK];
  size_t at = c->lane >= GROVE__BLOCK ? t->rows - 2 - c->step : c->step;
  // The places of the order whose rows are in the set.
  __m256i in = _mm256_permutexvar_epi8(bytes_at(order), _mm256_movm_epi8(set));
  uint32_t places = (uint32_t)_mm256_movepi8_mask(in) & low_bits(t->rows);
  uint32_t low = places & low_bits(at + 1), high = places & ~low;
  uint8_t below = order[31 - __builtin_clz(low)];
  *last = t->id[below];
  *next = t->id[order[__builtin_ctz(high)]];
  __m256i most = _mm256_set1_epi8((char)rank[below]);
  return set & _mm256_cmple_epu8_mask(bytes_at(rank), most);
}

// A node: its number, and the place of its rows.
struct tiny_node {
  uint32_t node;
  uint32_t from;
  uint32_t count;
  uint32_t depth;
};

static bool choose_tiny(const struct tiny *t, uint32_t set, const struct tiny_node *p,
    const struct terms *terms, uint32_t *left, struct tiny_choice *c, uint8_t *last, uint8_t *next)
{
  const grove__job *job = t->g->job;
  size_t start = 0;
  if (p->count < 2 || p->depth >= job->max_depth || (double)terms->weight < job->least_split ||
      (job->target && is_pure_tiny(t, set))) {
    return false;
  }
  const uint8_t *use =
      draws(t->g) ? grove__grow_draw(t->g, p->from, p->count, p->depth, &start) : job->use;
  if (p->count == 2 && job->random_ties && job->least_gain < 0 && terms->least <= 1) {
    bool first_left = false;
    if (!pair_tiny(t, set, use, start, c, &first_left) &&
        !pair_tiny(t, set, job->use, start, c, &first_left)) {
      return false;
    }
    uint32_t low = set & (0 - set);
    *left = first_left ? low : set & ~low;
    *last = t->id[__builtin_ctz(*left)];
    *next = t->id[__builtin_ctz(set & ~*left)];
    return true;
  }
  *c = scan_tiny(t, terms, set, use, start);
  if (c->gain < 0 && use != job->use) {
    *c = scan_tiny(t, terms, set, job->use, start);
  }
  if (!is_enough(t->s, job, terms, c->gain)) {
    return false;
  }
  *left = left_tiny(t, set, c, last, next);
  return true;
}

static void grow_set(const struct tiny *t, uint32_t set, const struct tiny_node *p, int64_t packed);

static void grow_narrow(
    const struct tiny *t, uint32_t set, const struct tiny_node *p, int64_t packed)
{
  struct tiny narrow;
  narrow_tiny(&narrow, t, set);
  grow_set(&narrow, low_bits(p->count), p, packed);
}

// Most are leaves of one row, which are not worth a call.
static inline void grow_child(
    const struct tiny *t, uint32_t set, const struct tiny_node *p, int64_t packed)
{
  if (p->count == 1 && singles_are_plain(t->g->job)) {
    make_single(t->g, t->s, p->node, t->id[__builtin_ctz(set)]);
  } else {
    grow_set(t, set, p, packed);
  }
}

static void grow_set(const struct tiny *t, uint32_t set, const struct tiny_node *p, int64_t packed)
{
  const grove__job *job = t->g->job;
  if (t->rows > TINY && p->count <= TINY && p->count > 2) {
    grow_narrow(t, set, p, packed);
    return;
  }
  struct terms terms = terms_of(t->s, job, packed);
  struct tiny_choice c;
  uint32_t left;
  uint8_t last, next;
  if (!choose_tiny(t, set, p, &terms, &left, &c, &last, &next)) {
    leaf_tiny(t, set, p->node, packed);
    return;
  }
  uint32_t n = (uint32_t)__builtin_popcount(left), node = t->g->used;
  int64_t sum = p->count == 2 ? t->s->packed[t->id[__builtin_ctz(left)]] : packed_of(t, left);
  t->g->used += 2;
  note_split(t->g, t->s, p->node, &terms, sum);
  struct tiny_node low = {node, p->from, n, p->depth + 1};
  struct tiny_node high = {node + 1, p->from + n, p->count - n, p->depth + 1};
  grow_child(t, left, &low, sum);
  grow_child(t, set & ~left, &high, packed - sum);
  put_split(t->g, t->s, p->node, c.feature, last, next, false, 0, 2 * n >= p->count, node);
}

// False: the part is not one for this.
static bool grow_tiny(grove__grower *g, struct grove__small *s, const struct part *p)
{
  const grove__job *job = g->job;
  if (p->count > MOST || p->count < 3 || s->any_missing || s->any_category || job->random_cuts ||
      job->monotone || p->depth >= job->max_depth || low_word(p->packed) < job->least_split) {
    return false;
  }
  struct tiny t; // the rest is filled in below: to clear it would take long
  t.g = g;
  t.s = s;
  t.rows = p->count;
  t.blocks = (g->features + GROVE__BLOCK - 1) / GROVE__BLOCK;
  struct tiny_node root = {p->node, s->first + (uint32_t)p->from, (uint32_t)p->count, p->depth};
  fill_tiny(&t, p);
  grow_set(&t, low_bits(p->count), &root, p->packed);
  return true;
}
