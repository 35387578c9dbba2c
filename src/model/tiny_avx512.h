// Nodes of at most 16 rows: a set of rows is a mask of 16 bits, and all below the node stands on one sorted order,
// so that nothing is parted any more. Eight features stand side by side in 16 lanes, each from both ends: lane k adds
// up feature k of a block from its lowest row on, lane k + 8 from its highest, n/2 steps each. Part of small_body.h.

enum { STEPS = TINY / 2 };

// Of eight features.
struct tiny_block {
  uint8_t row[STEPS][2 * GROVE__BLOCK]; // which row a lane adds at a step
  uint8_t order[GROVE__BLOCK][TINY];
  uint16_t set[STEPS][2 * GROVE__BLOCK]; // the rows that a lane has added by then
  uint16_t valid[STEPS];                 // lanes whose next row differs in its value
};

struct tiny {
  grove__grower *g;
  struct grove__small *s;
  __m512i sum;
  __m512i weight;
  __m512d target[2];
  size_t rows;
  size_t blocks;
  uint8_t id[TINY]; // row numbers of the small node
  struct tiny_block *block;
};

struct tiny_choice {
  float gain;
  uint32_t feature;
  uint32_t step;
  uint32_t lane;
};

// Where the bytes of lane k stand at step i, in eight orders of 16 bytes, one after the other: `ahead` bytes behind
// the place that the lane is at.
static inline __m512i lane_bytes(size_t half, size_t rows, size_t ahead)
{
  // 64 bytes are four steps of 16 lanes: 8 from the low end, then 8 from the high end.
  const __m512i byte = _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49,
      48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26,
      25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i seven = _mm512_set1_epi8(7), fifteen = _mm512_set1_epi8(15);
  __m512i step = _mm512_and_si512(_mm512_srli_epi16(byte, 4), fifteen);
  step = _mm512_add_epi8(step, _mm512_set1_epi8((char)(4 * half)));
  __m512i back = _mm512_sub_epi8(_mm512_set1_epi8((char)(rows - 1 - ahead)), step);
  __mmask64 high = _mm512_test_epi8_mask(byte, _mm512_set1_epi8(8));
  __m512i place = _mm512_and_si512(_mm512_mask_mov_epi8(step, high, back), fifteen);
  __m512i feature = _mm512_slli_epi16(_mm512_and_si512(byte, seven), 4);
  return _mm512_or_si512(feature, place);
}

static void fill_block(const struct tiny *t, struct tiny_block *b, const __m512i *change)
{
  __m512i order[2] = {_mm512_loadu_si512(b->order[0]), _mm512_loadu_si512(b->order[4])};
  for (size_t half = 0; half < 2; half++) {
    __m512i at = lane_bytes(half, t->rows, 0), behind = lane_bytes(half, t->rows, 1);
    __m512i rows = _mm512_permutex2var_epi8(order[0], at, order[1]);
    __m512i valid = _mm512_permutex2var_epi8(change[0], behind, change[1]);
    uint64_t lanes = _mm512_movepi8_mask(valid);
    _mm512_storeu_si512(b->row[4 * half], rows);
    memcpy(b->valid + 4 * half, &lanes, sizeof lanes);
  }
  __m256i set = _mm256_setzero_si256();
  for (size_t i = 0; i < t->rows / 2; i++) {
    __m256i row = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)b->row[i]));
    set = _mm256_or_si256(set, _mm256_sllv_epi16(_mm256_set1_epi16(1), row));
    _mm256_storeu_si256((__m256i *)(void *)b->set[i], set);
  }
}

// Rows are numbered anew, as they stand in one of the orders.
static void fill_rows(struct tiny *t, const struct part *p, uint8_t *number)
{
  const struct grove__small *s = t->s;
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  const __m512i none = _mm512_setzero_si512();
  const uint8_t *order = order_of(s, p, p->live[0]);
  __m512i packed[2];
  for (size_t i = 0; i < t->rows; i++) {
    number[order[i]] = (uint8_t)i;
  }
  memcpy(t->id, order, TINY); // there is slack behind the orders
  for (int half = 0; half < 2; half++) {
    uint64_t bytes;
    memcpy(&bytes, t->id + 8 * half, sizeof bytes);
    __m512i id = _mm512_cvtepu8_epi64(_mm_cvtsi64_si128((long long)bytes));
    __mmask8 in = (__mmask8)(((1u << t->rows) - 1) >> (8 * half));
    packed[half] = _mm512_mask_i64gather_epi64(none, in, id, s->packed, 8);
    t->target[half] = _mm512_mask_i64gather_pd(_mm512_setzero_pd(), in, id, s->target, 8);
  }
  t->sum = _mm512_permutex2var_epi32(packed[0], odd, packed[1]);
  t->weight = _mm512_permutex2var_epi32(packed[0], even, packed[1]);
}

// The order of a live feature in the new numbers, and with all bits set where the next value differs.
static inline __m128i order_tiny(const struct tiny *t, const struct part *p, uint32_t f,
    const struct byte_table *numbers, __m128i *differs)
{
  struct byte_table ranks = load_table(t->s->rank + (size_t)f * N);
  __mmask16 in = (__mmask16)((1u << t->rows) - 1);
  __m512i rows = _mm512_loadu_si512(order_of(t->s, p, f));
  __m128i rank = _mm512_castsi512_si128(look_up(&ranks, rows));
  __mmask16 change = _mm_mask_cmpneq_epi8_mask(in >> 1, rank, _mm_bsrli_si128(rank, 1));
  *differs = _mm_movm_epi8(change);
  return _mm_maskz_mov_epi8(in, _mm512_castsi512_si128(look_up(numbers, rows)));
}

// Features that are not live have no place where they differ, and so no split.
static void fill_tiny(struct tiny *t, const struct part *p)
{
  uint8_t number[N];
  fill_rows(t, p, number);
  struct byte_table numbers = load_table(number);
  t->block = t->s->tiny;
  for (size_t block = 0, i = 0; block < t->blocks; block++) {
    struct tiny_block *b = &t->block[block];
    __m512i change[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    __m512i order[2] = {change[0], change[0]};
    for (; i < p->live_count && p->live[i] / GROVE__BLOCK == block; i++) {
      size_t k = p->live[i] % GROVE__BLOCK;
      __mmask16 place = (__mmask16)(0xf << (k % 4 * 4));
      __m128i differs, rows = order_tiny(t, p, p->live[i], &numbers, &differs);
      order[k / 4] = _mm512_mask_broadcast_i32x4(order[k / 4], place, rows);
      change[k / 4] = _mm512_mask_broadcast_i32x4(change[k / 4], place, differs);
    }
    _mm512_storeu_si512(b->order[0], order[0]);
    _mm512_storeu_si512(b->order[4], order[1]);
    fill_block(t, b, change);
  }
}

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

ALWAYS_INLINE void scan_block_of(const struct tiny *t, int kind, size_t block,
    const struct gain_terms *terms, __m512i sums, __m512i weights, uint32_t lanes, size_t start,
    struct tiny_choice *best)
{
  const struct tiny_block *b = &t->block[block];
  __m512i sum = _mm512_setzero_si512(), weight = sum, at = sum;
  __m512 most = _mm512_set1_ps(-1);
  for (size_t i = 0; i < t->rows / 2; i++) {
    __m512i row = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)b->row[i]));
    sum = _mm512_add_epi32(sum, _mm512_permutexvar_epi32(row, sums));
    weight = _mm512_add_epi32(weight, _mm512_permutexvar_epi32(row, weights));
    __mmask16 valid = (__mmask16)(b->valid[i] & lanes);
    __m512 gain = gains_of(terms, kind, sum, weight, &valid);
    // From the upper end the last of equals is the lowest place.
    __mmask16 more = _mm512_mask_cmp_ps_mask(valid & 0x00ff, gain, most, _CMP_GT_OQ) |
                     _mm512_mask_cmp_ps_mask(valid & 0xff00, gain, most, _CMP_GE_OQ);
    most = _mm512_mask_mov_ps(most, more, gain);
    at = _mm512_mask_mov_epi32(at, more, _mm512_set1_epi32((int)i));
  }
  float gain = _mm512_reduce_max_ps(most);
  if (gain >= 0 && gain >= best->gain) {
    uint32_t step[2 * GROVE__BLOCK];
    _mm512_storeu_si512(step, at);
    uint32_t equal = _mm512_cmp_ps_mask(most, _mm512_set1_ps(gain), _CMP_EQ_OQ);
    take_tiny(t, block, equal, step, gain, start, best);
  }
}

static void scan_block_tiny(const struct tiny *t, int kind, size_t block,
    const struct gain_terms *terms, __m512i sums, __m512i weights, uint32_t lanes, size_t start,
    struct tiny_choice *best)
{
  if (kind == BARE) {
    scan_block_of(t, BARE, block, terms, sums, weights, lanes, start, best);
  } else if (kind == PLAIN) {
    scan_block_of(t, PLAIN, block, terms, sums, weights, lanes, start, best);
  } else {
    scan_block_of(t, SOFT, block, terms, sums, weights, lanes, start, best);
  }
}

static struct tiny_choice scan_tiny(const struct tiny *t, const struct terms *terms, __mmask16 set,
    const uint8_t *use, size_t start)
{
  struct tiny_choice best = {.gain = -1, .feature = (uint32_t)start};
  struct gain_terms g = spread_terms(terms);
  __m512i sums = _mm512_maskz_mov_epi32(set, t->sum);
  __m512i weights = _mm512_maskz_mov_epi32(set, t->weight);
  for (size_t block = 0; block < t->blocks; block++) {
    uint32_t lanes = lanes_of(use, block, t->g->features);
    if (lanes) {
      scan_block_tiny(t, kind_of(terms), block, &g, sums, weights, lanes, start, &best);
    }
  }
  return best;
}

static bool is_pure_tiny(const struct tiny *t, uint32_t set)
{
  double first = t->s->target[t->id[__builtin_ctz(set)]];
  __m512d all = _mm512_set1_pd(first);
  return !_mm512_mask_cmp_pd_mask((__mmask8)set, t->target[0], all, _CMP_NEQ_UQ) &&
         !_mm512_mask_cmp_pd_mask((__mmask8)(set >> 8), t->target[1], all, _CMP_NEQ_UQ);
}

static void leaf_tiny(const struct tiny *t, uint32_t set, uint32_t node, int64_t packed)
{
  uint8_t list[TINY];
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
  int64_t sum = _mm512_mask_reduce_add_epi32((__mmask16)set, t->sum);
  return sum * ((int64_t)1 << 32) + _mm512_mask_reduce_add_epi32((__mmask16)set, t->weight);
}

// Two rows of which any feature that differs is as good: the first from `start` on.
static bool pair_tiny(const struct tiny *t, uint32_t set, const uint8_t *use, size_t start,
    struct tiny_choice *best, bool *first_left)
{
  uint8_t a = t->id[__builtin_ctz(set)], b = t->id[31 - __builtin_clz(set)];
  size_t features = t->g->features;
  for (size_t i = 0; i < features; i++) {
    size_t f = start + i < features ? start + i : start + i - features;
    const uint8_t *rank = t->s->rank + f * N;
    if (t->block[f / GROVE__BLOCK].order[f % GROVE__BLOCK][0] !=
            t->block[f / GROVE__BLOCK].order[f % GROVE__BLOCK][1] && // was live
        rank[a] != rank[b] &&
        (!use || use[f])) {
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
  uint32_t side = b->set[c->step][c->lane];
  bool from_above = c->lane >= GROVE__BLOCK;
  size_t at = from_above ? t->rows - 2 - c->step : c->step;
  // The places of the order whose rows are in the set.
  __m128i rows = _mm_loadu_si128((const __m128i *)(const void *)order);
  __m128i in = _mm_shuffle_epi8(_mm_movm_epi8((__mmask16)set), rows);
  uint32_t places = (uint32_t)_mm_movemask_epi8(in) & ((1u << t->rows) - 1);
  uint32_t low = places & ((2u << at) - 1), high = places & ~low;
  *last = t->id[order[31 - __builtin_clz(low)]];
  *next = t->id[order[__builtin_ctz(high)]];
  return from_above ? set & ~side : set & side;
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
  *c = scan_tiny(t, terms, (__mmask16)set, use, start);
  if (c->gain < 0 && use != job->use) {
    *c = scan_tiny(t, terms, (__mmask16)set, job->use, start);
  }
  if (!is_enough(t->s, job, terms, c->gain)) {
    return false;
  }
  *left = left_tiny(t, set, c, last, next);
  return true;
}

static void grow_set(const struct tiny *t, uint32_t set, const struct tiny_node *p, int64_t packed)
{
  const grove__job *job = t->g->job;
  struct terms terms = terms_of(t->s, job, packed);
  struct tiny_choice c;
  uint32_t left;
  uint8_t last, next;
  if (!choose_tiny(t, set, p, &terms, &left, &c, &last, &next)) {
    leaf_tiny(t, set, p->node, packed);
    return;
  }
  uint32_t n = (uint32_t)__builtin_popcount(left), node = t->g->used;
  int64_t sum = packed_of(t, left);
  t->g->used += 2;
  note_split(t->g, t->s, p->node, &terms, sum);
  struct tiny_node low = {node, p->from, n, p->depth + 1};
  struct tiny_node high = {node + 1, p->from + n, p->count - n, p->depth + 1};
  grow_set(t, left, &low, sum);
  grow_set(t, set & ~left, &high, packed - sum);
  put_split(t->g, t->s, p->node, c.feature, last, next, false, 0, 2 * n >= p->count, node);
}

// False: the part is not one for this.
static bool grow_tiny(grove__grower *g, struct grove__small *s, const struct part *p)
{
  if (p->count > TINY || p->count < 3 || s->any_missing || s->any_category || g->job->random_cuts ||
      g->job->monotone) {
    return false;
  }
  struct tiny t; // the rest is filled in below: to clear it would take long
  t.g = g;
  t.s = s;
  t.rows = p->count;
  t.blocks = (g->features + GROVE__BLOCK - 1) / GROVE__BLOCK;
  struct tiny_node root = {p->node, s->first + (uint32_t)p->from, (uint32_t)p->count, p->depth};
  fill_tiny(&t, p);
  grow_set(&t, (1u << p->count) - 1, &root, p->packed);
  return true;
}
