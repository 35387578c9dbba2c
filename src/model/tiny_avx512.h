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
  uint64_t turned[MOST];            // the same by row, a byte for each feature
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
  uint32_t left;  // the rows that go left
  int64_t packed; // their sum
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

// Of the features of a block that gain as much: the first from `start` on, without a branch on which they are.
static inline uint32_t first_of(uint32_t features, size_t block, size_t start)
{
  size_t first = block * GROVE__BLOCK, from = start > first ? start - first : 0;
  uint32_t rest = from < GROVE__BLOCK ? features >> from << from : 0;
  return (uint32_t)(first + (size_t)__builtin_ctz(rest ? rest : features));
}

// Whether it comes before the best so far.
static inline bool comes_first(const struct tiny *t, uint32_t feature, float gain, size_t start,
    const struct tiny_choice *best)
{
  size_t features = t->g->features;
  size_t here = feature >= start ? feature - start : feature + features - start;
  size_t there = best->feature >= start ? best->feature - start : best->feature + features - start;
  return gain > best->gain || here < there;
}

// What rows of a set have, for up to 16 of them or all 32.
struct tiny_sums {
  __m512i sum[2];
  __m512i weight[2];
};

// What the lanes of a block have found.
struct tiny_found {
  __m512i step;
  __m512i sum; // of the rows that a lane had added up by then
  __m512i weight;
};

// Of the lanes that gain most the one whose feature comes first, from the lower end if both ends are among them.
static inline void take_tiny(const struct tiny *t, const struct tiny_found *found, uint32_t equal,
    float gain, uint32_t set, const struct gain_terms *terms, size_t block, size_t start,
    struct tiny_choice *best)
{
  uint32_t step[16], sum[16], weight[16],
      feature = first_of((equal | equal >> 8) & 0xff, block, start);
  if (!comes_first(t, feature, gain, start, best)) {
    return;
  }
  _mm512_storeu_si512(step, found->step);
  _mm512_storeu_si512(sum, found->sum);
  _mm512_storeu_si512(weight, found->weight);
  const struct tiny_block *b = &t->block[block];
  uint32_t f = feature % GROVE__BLOCK;
  bool upper = !(equal >> f & 1);
  size_t lane = upper ? f + GROVE__BLOCK : f, at = upper ? t->rows - 2 - step[lane] : step[lane];
  int64_t packed = (int64_t)((uint64_t)sum[lane] << 32) + (int32_t)weight[lane];
  // Ranks up to that of the row at this place, which need not be one of the set.
  __m256i most = _mm256_set1_epi8((char)b->rank[f][b->order[f][at]]);
  best->gain = gain;
  best->feature = feature;
  best->left = set & _mm256_cmple_epu8_mask(bytes_at(b->rank[f]), most);
  best->packed = upper ? terms->packed - packed : packed;
}

ALWAYS_INLINE void scan_block_of(const struct tiny *t, bool wide, int kind, size_t block,
    const struct gain_terms *terms, const struct tiny_sums *of, uint32_t set, uint32_t lanes,
    size_t start, struct tiny_choice *best)
{
  const __m512i sums = of->sum[0], more_sums = of->sum[1];
  const __m512i weights = of->weight[0], more_weights = of->weight[1];
  const struct tiny_block *b = &t->block[block];
  // Gains are compared by their bits, which order as they do; NaN's are below all. What has to be exceeded is one less for lanes from
  // the upper end, of whose equals the last is the lowest place.
  const __m512i upper = _mm512_maskz_set1_epi32(0xff00, 1), one = _mm512_set1_epi32(1);
  __m512i sum = _mm512_setzero_si512(), weight = sum, step = sum;
  __m512i limit = _mm512_sub_epi32(_mm512_set1_epi32(-1), upper);
  struct tiny_found found = {sum, sum, sum};
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
    found.step = _mm512_mask_mov_epi32(found.step, more, step);
    found.sum = _mm512_mask_mov_epi32(found.sum, more, sum);
    found.weight = _mm512_mask_mov_epi32(found.weight, more, weight);
    step = _mm512_add_epi32(step, one);
  }
  __m512i most = _mm512_add_epi32(limit, upper);
  int32_t bits = _mm512_reduce_max_epi32(most);
  float gain;
  memcpy(&gain, &bits, sizeof gain);
  if (bits >= 0 && gain >= best->gain) {
    uint32_t equal = _mm512_cmpeq_epi32_mask(most, _mm512_set1_epi32(bits));
    take_tiny(t, &found, equal, gain, set, terms, block, start, best);
  }
}

ALWAYS_INLINE void scan_block_tiny(const struct tiny *t, bool wide, int kind, size_t block,
    const struct gain_terms *terms, const struct tiny_sums *of, uint32_t set, uint32_t lanes,
    size_t start, struct tiny_choice *best)
{
  if (kind == BARE) {
    scan_block_of(t, wide, BARE, block, terms, of, set, lanes, start, best);
  } else if (kind == PLAIN) {
    scan_block_of(t, wide, PLAIN, block, terms, of, set, lanes, start, best);
  } else {
    scan_block_of(t, wide, SOFT, block, terms, of, set, lanes, start, best);
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
      scan_block_tiny(t, true, kind_of(terms), block, &g, &of, set, lanes, start, &best);
    } else if (lanes) {
      scan_block_tiny(t, false, kind_of(terms), block, &g, &of, set, lanes, start, &best);
    }
  }
  return best;
}

#include "model/tiny_few_avx512.h"

// ---- choosing and splitting ---------------------------------------------------------------------------
// Targets of eight rows from place `from` on that are not `all`, among those in the set.
static inline uint32_t others_tiny(const struct tiny *t, uint32_t set, size_t from, __m512d all)
{
  __m512d some = _mm512_loadu_pd(t->target + from);
  return _mm512_mask_cmp_pd_mask((__mmask8)(set >> from), some, all, _CMP_NEQ_UQ);
}

// No loop: its end could not be foretold.
static bool is_pure_tiny(const struct tiny *t, uint32_t set)
{
  __m512d all = _mm512_set1_pd(t->target[__builtin_ctz(set)]);
  uint32_t others = others_tiny(t, set, 0, all) | others_tiny(t, set, 8, all);
  if (t->rows > TINY) {
    others |= others_tiny(t, set, 16, all) | others_tiny(t, set, 24, all);
  }
  return others == 0;
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

// Two rows of which any feature that differs is as good: the first from `start` on.
static bool pair_tiny(
    const struct tiny *t, uint32_t set, const uint8_t *use, size_t start, struct tiny_choice *best)
{
  size_t a = (size_t)__builtin_ctz(set), b = 31 - (size_t)__builtin_clz(set);
  size_t features = t->g->features;
  for (size_t i = 0; i < features; i++) {
    size_t f = start + i < features ? start + i : start + i - features;
    const uint8_t *rank = t->block[f / GROVE__BLOCK].rank[f % GROVE__BLOCK];
    if (rank[a] != rank[b] && (!use || use[f])) {
      size_t left = rank[a] < rank[b] ? a : b;
      *best = (struct tiny_choice){.gain = 0,
          .feature = (uint32_t)f,
          .left = (uint32_t)1 << left,
          .packed = t->s->packed[t->id[left]]};
      return true;
    }
  }
  return false;
}

// The two rows around a split: the last one of an order on the left, and the first one on the right.
static inline void around_tiny(
    const struct tiny *t, uint32_t set, const struct tiny_choice *c, uint8_t *last, uint8_t *next)
{
  const uint8_t *order = t->block[c->feature / GROVE__BLOCK].order[c->feature % GROVE__BLOCK];
  __m256i along = bytes_at(order);
  // The places of the order whose rows are on a side.
  uint32_t low =
      (uint32_t)_mm256_movepi8_mask(_mm256_permutexvar_epi8(along, _mm256_movm_epi8(c->left)));
  uint32_t high = (uint32_t)_mm256_movepi8_mask(
      _mm256_permutexvar_epi8(along, _mm256_movm_epi8(set & ~c->left)));
  *last = t->id[order[31 - __builtin_clz(low & low_bits(t->rows))]];
  *next = t->id[order[__builtin_ctz(high)]];
}

// A node: its number, and the place of its rows.
struct tiny_node {
  uint32_t node;
  uint32_t from;
  uint32_t count;
  uint32_t depth;
};

static bool choose_tiny(const struct tiny *t, uint32_t set, const struct tiny_node *p,
    const struct terms *terms, struct tiny_choice *c)
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
    return pair_tiny(t, set, use, start, c) || pair_tiny(t, set, job->use, start, c);
  }
  *c = p->count <= FEW ? scan_few(t, terms, set, use, start) : scan_tiny(t, terms, set, use, start);
  if (c->gain < 0 && use != job->use) {
    *c = scan_tiny(t, terms, set, job->use, start);
  }
  return is_enough(t->s, job, terms, c->gain);
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
  uint8_t last, next;
  if (!choose_tiny(t, set, p, &terms, &c)) {
    leaf_tiny(t, set, p->node, packed);
    return;
  }
  uint32_t n = (uint32_t)__builtin_popcount(c.left), node = t->g->used;
  t->g->used += 2;
  note_split(t->g, t->s, p->node, &terms, c.packed);
  if (p->count == 2) {
    last = t->id[__builtin_ctz(c.left)];
    next = t->id[__builtin_ctz(set & ~c.left)];
  } else {
    around_tiny(t, set, &c, &last, &next);
  }
  struct tiny_node low = {node, p->from, n, p->depth + 1};
  struct tiny_node high = {node + 1, p->from + n, p->count - n, p->depth + 1};
  grow_child(t, c.left, &low, c.packed);
  grow_child(t, set & ~c.left, &high, packed - c.packed);
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
