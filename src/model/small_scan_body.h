// The two loops in which small nodes spend their time: gains along an order, and parting the orders. With AVX-512
// a byte for each of 64 rows is looked up at once. Part of small_body.h.

#if defined(GROVE__AVX512)
// Bytes at `index` of a table of 256.
struct byte_table {
  __m512i quarter[4];
};

static inline struct byte_table load_table(const uint8_t *bytes)
{
  struct byte_table t;
  for (int k = 0; k < 4; k++) {
    t.quarter[k] = _mm512_loadu_si512(bytes + 64 * k);
  }
  return t;
}

static inline __m512i look_up(const struct byte_table *t, __m512i index)
{
  __m512i low = _mm512_permutex2var_epi8(t->quarter[0], index, t->quarter[1]);
  __m512i high = _mm512_permutex2var_epi8(t->quarter[2], index, t->quarter[3]);
  return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index), high);
}

// What a gain takes into account, known when loops are compiled: sums alone; a lambda or more than one row a side
// as well; an alpha as well. Left out is only what would change nothing.
enum { BARE, PLAIN, SOFT };

static inline int kind_of(const struct terms *t)
{
  return t->alpha > 0 ? SOFT : t->lambda > 0 || t->least > 1 ? PLAIN : BARE;
}

#define ALWAYS_INLINE static inline __attribute__((always_inline))

// gain_of for 16 splits at once; lanes outside of `valid` are not looked at. Of a side without rows BARE makes NaN.
struct gain_terms {
  __m512i sum;
  __m512i weight;
  __m512 lambda;
  __m512 least;
  __m512 alpha;
  int64_t packed; // both sums
};

static inline struct gain_terms spread_terms(const struct terms *t)
{
  return (struct gain_terms){_mm512_set1_epi32(t->sum), _mm512_set1_epi32(t->weight),
      _mm512_set1_ps(t->lambda), _mm512_set1_ps(t->least), _mm512_set1_ps(t->alpha),
      (int64_t)((uint64_t)(uint32_t)t->sum << 32) + t->weight};
}

ALWAYS_INLINE __m512 gains_of(
    const struct gain_terms *t, int kind, __m512i sum, __m512i weight, __mmask16 *valid)
{
  __m512 s = _mm512_cvtepi32_ps(sum), r = _mm512_cvtepi32_ps(_mm512_sub_epi32(t->sum, sum));
  const __m512 zero = _mm512_setzero_ps();
  if (kind == SOFT) {
    s = _mm512_max_ps(_mm512_sub_ps(_mm512_abs_ps(s), t->alpha), zero);
    r = _mm512_max_ps(_mm512_sub_ps(_mm512_abs_ps(r), t->alpha), zero);
  }
  __m512 w = _mm512_cvtepi32_ps(weight);
  __m512 rest = _mm512_cvtepi32_ps(_mm512_sub_epi32(t->weight, weight));
  __m512 a = w, c = rest;
  if (kind != BARE) {
    *valid = _mm512_mask_cmp_ps_mask(*valid, w, t->least, _CMP_GE_OQ);
    *valid = _mm512_mask_cmp_ps_mask(*valid, rest, t->least, _CMP_GE_OQ);
    a = _mm512_add_ps(w, t->lambda);
    c = _mm512_add_ps(rest, t->lambda);
  }
  __m512 left = _mm512_mul_ps(_mm512_mul_ps(s, s), c);
  __m512 right = _mm512_mul_ps(_mm512_mul_ps(r, r), a);
  return _mm512_div_ps(_mm512_add_ps(left, right), _mm512_mul_ps(a, c));
}

// The best of all that was looked at so far, lane by lane, so that a node asks only once which lane has it. What is
// looked at is numbered in its turn: `at` is N * number + place, without the lane.
struct search {
  struct gain_terms terms;
  int kind;
  __m512 most;
  __m512i at;
};

static inline void begin_search(
    struct search *e, const struct terms *terms, const struct choice *best)
{
  e->terms = spread_terms(terms);
  e->kind = kind_of(terms);
  e->most = _mm512_set1_ps(best->gain);
  e->at = _mm512_setzero_si512();
}

static void end_search(
    const struct search *e, const struct part *p, size_t start, struct choice *best)
{
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  float most = _mm512_reduce_max_ps(e->most);
  if (most > best->gain) {
    __mmask16 equal = _mm512_cmp_ps_mask(e->most, _mm512_set1_ps(most), _CMP_EQ_OQ);
    uint32_t first = _mm512_mask_reduce_min_epu32(equal, _mm512_add_epi32(e->at, lanes));
    *best = (struct choice){.gain = most,
        .feature = live_at(p, start, first / N / 2),
        .last = first % N,
        .missing_left = first / N % 2 != 0};
  }
}

ALWAYS_INLINE void search_run(struct search *e, int kind, const uint8_t *order, const uint8_t *rank,
    const int64_t *prefix, size_t n, uint32_t number)
{
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i even = _mm512_slli_epi32(lanes, 1);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  struct byte_table ranks = load_table(rank);
  struct gain_terms t = e->terms;
  __m512 most = e->most;
  __m512i at = e->at;
  for (size_t from64 = 0; from64 < n; from64 += 64) {
    __m512i here = look_up(&ranks, _mm512_loadu_si512(order + from64));
    __m512i next = look_up(&ranks, _mm512_loadu_si512(order + from64 + 1));
    uint64_t differs = _mm512_cmpneq_epi8_mask(here, next);
    differs &= n - from64 < 64 ? ((uint64_t)1 << (n - from64)) - 1 : UINT64_MAX;
    __m512i here_at = _mm512_set1_epi32((int)(number * N + from64));
    for (size_t i = from64; differs; i += 16, differs >>= 16) {
      __m512i low = _mm512_loadu_si512(prefix + i), high = _mm512_loadu_si512(prefix + i + 8);
      __mmask16 valid = (__mmask16)differs;
      __m512 gain = gains_of(&t, kind, _mm512_permutex2var_epi32(low, odd, high),
          _mm512_permutex2var_epi32(low, even, high), &valid);
      valid = _mm512_mask_cmp_ps_mask(valid, gain, most, _CMP_GT_OQ);
      most = _mm512_mask_mov_ps(most, valid, gain);
      at = _mm512_mask_mov_epi32(at, valid, here_at);
      here_at = _mm512_add_epi32(here_at, _mm512_set1_epi32(16));
    }
  }
  e->most = most;
  e->at = at;
}

// Looks at the first n places of an order, the left side beginning with `from`; the `turn`-th of the live features.
static void try_run(struct grove__small *s, const struct part *p, struct search *e, uint32_t f,
    size_t turn, size_t n, int64_t from, bool missing_left)
{
  const uint8_t *order = order_of(s, p, f), *rank = s->rank + (size_t)f * N;
  uint32_t number = (uint32_t)(2 * turn + missing_left);
  // Behind the end there is room; what comes there is not looked at, and may be too large.
  uint64_t sum = (uint64_t)from;
  int64_t *prefix = s->prefix;
  for (size_t i = 0; i < n; i += 4) {
    for (size_t k = i; k < i + 4; k++) {
      sum += (uint64_t)s->packed[order[k]];
      prefix[k] = (int64_t)sum;
    }
  }
  if (e->kind == BARE) {
    search_run(e, BARE, order, rank, prefix, n, number);
  } else if (e->kind == PLAIN) {
    search_run(e, PLAIN, order, rank, prefix, n, number);
  } else {
    search_run(e, SOFT, order, rank, prefix, n, number);
  }
}

// By the ranks of all rows at once; those of no row, or of another part, are not asked for.
static void mark_rows(
    struct grove__small *s, const struct part *p, const struct choice *c, size_t n, size_t end)
{
  const uint8_t *order = order_of(s, p, c->feature), *rank = s->rank + (size_t)c->feature * N;
  const __m512i most = _mm512_set1_epi8((char)rank[order[n - 1]]);
  const __m512i none = _mm512_set1_epi8((char)rank[order[p->count - 1]]);
  for (size_t i = 0; i < N; i += 64) {
    __m512i here = _mm512_loadu_si512(rank + i);
    __mmask64 left = _mm512_cmple_epu8_mask(here, most);
    left |= end < p->count && c->missing_left ? _mm512_cmpeq_epi8_mask(here, none) : 0;
    _mm512_storeu_si512(s->side + i, _mm512_movm_epi8(left));
  }
}

static void part_orders(struct grove__small *s, const struct part *p, size_t left_rows)
{
  struct byte_table sides = load_table(s->side);
  for (size_t k = 0; k < p->live_count; k++) {
    const uint8_t *order = order_of(s, p, p->live[k]);
    uint8_t *left = s->order[1 - p->half] + (size_t)p->live[k] * N + p->from;
    uint8_t *right = left + left_rows;
    for (size_t i = 0; i < p->count; i += 64) {
      uint64_t in = p->count - i < 64 ? ((uint64_t)1 << (p->count - i)) - 1 : UINT64_MAX;
      __m512i rows = _mm512_loadu_si512(order + i);
      uint64_t goes_left = _mm512_movepi8_mask(look_up(&sides, rows)) & in;
      // Pressed together in a register: a store that presses is slow on some machines.
      size_t n = (size_t)__builtin_popcountll(goes_left),
             all = p->count - i < 64 ? p->count - i : 64;
      _mm512_mask_storeu_epi8(left, n == 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1,
          _mm512_maskz_compress_epi8(goes_left, rows));
      _mm512_mask_storeu_epi8(right, all - n == 64 ? UINT64_MAX : ((uint64_t)1 << (all - n)) - 1,
          _mm512_maskz_compress_epi8(~goes_left & in, rows));
      left += n;
      right += all - n;
    }
  }
}

#else
// The best of all that was looked at so far.
struct search {
  const struct terms *terms;
  struct choice *best;
};

static inline void begin_search(struct search *e, const struct terms *terms, struct choice *best)
{
  *e = (struct search){terms, best};
}

static inline void end_search(
    const struct search *e, const struct part *p, size_t start, const struct choice *best)
{
  (void)e, (void)p, (void)start, (void)best;
}

// Sums along the order of a feature, from what the left side begins with. Where the next value is equal nothing
// can be split: that is written as a weight of zero.
static void sum_along(
    struct grove__small *s, const uint8_t *order, const uint8_t *rank, size_t n, int64_t from)
{
  int64_t sum = from;
  for (size_t i = 0; i < n; i++) {
    sum += s->packed[order[i]];
    int32_t differs = -(int32_t)(rank[order[i]] != rank[order[i + 1]]);
    s->sum[i] = high_word(sum);
    s->weight[i] = low_word(sum) & differs;
  }
}

static void gains_along(struct grove__small *s, const struct terms *t, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    float gain = gain_of(t, s->sum[i], s->weight[i]);
    memcpy(&s->gain[i], &gain, sizeof gain);
  }
}

static void take_best(const struct grove__small *s, size_t n, uint32_t feature, bool missing_left,
    struct choice *best)
{
  int32_t most = -1, limit;
  for (size_t i = 0; i < n; i++) {
    most = s->gain[i] > most ? s->gain[i] : most;
  }
  float gain;
  memcpy(&limit, &best->gain, sizeof limit);
  if (most < 0 || most <= limit) {
    return;
  }
  size_t i = 0;
  while (s->gain[i] != most) {
    i++;
  }
  memcpy(&gain, &most, sizeof gain);
  *best =
      (struct choice){.gain = gain, .feature = feature, .last = i, .missing_left = missing_left};
}

// Sums, gains and the best of them in one go: for few rows, where three short loops cost more.
static void scan_tiny(const struct grove__small *s, const struct part *p, const struct terms *t,
    uint32_t f, size_t n, int64_t from, bool missing_left, struct choice *best)
{
  const uint8_t *order = order_of(s, p, f), *rank = s->rank + (size_t)f * N;
  int64_t sum = from;
  for (size_t i = 0; i < n; i++) {
    sum += s->packed[order[i]];
    if (rank[order[i]] != rank[order[i + 1]]) {
      float gain = gain_of(t, high_word(sum), low_word(sum));
      if (gain > best->gain) {
        *best =
            (struct choice){.gain = gain, .feature = f, .last = i, .missing_left = missing_left};
      }
    }
  }
}

// Looks at the first n places of an order, the left side beginning with `from`.
static void try_run(struct grove__small *s, const struct part *p, struct search *e, uint32_t f,
    size_t turn, size_t n, int64_t from, bool missing_left)
{
  (void)turn;
  if (n <= TINY) {
    scan_tiny(s, p, e->terms, f, n, from, missing_left, e->best);
    return;
  }
  sum_along(s, order_of(s, p, f), s->rank + (size_t)f * N, n, from);
  gains_along(s, e->terms, n);
  take_best(s, n, f, missing_left, e->best);
}

static void mark_rows(
    struct grove__small *s, const struct part *p, const struct choice *c, size_t n, size_t end)
{
  const uint8_t *order = order_of(s, p, c->feature);
  for (size_t i = 0; i < n; i++) {
    s->side[order[i]] = 0xff;
  }
  for (size_t i = n; i < end; i++) {
    s->side[order[i]] = 0;
  }
  for (size_t i = end; i < p->count; i++) {
    s->side[order[i]] = c->missing_left ? 0xff : 0;
  }
}

static void part_orders(struct grove__small *s, const struct part *p, size_t left_rows)
{
  for (size_t i = 0; i < p->live_count; i++) {
    const uint8_t *order = order_of(s, p, p->live[i]);
    uint8_t *to = s->order[1 - p->half] + (size_t)p->live[i] * N + p->from;
    size_t left = 0, right = left_rows;
    for (size_t k = 0; k < p->count; k++) {
      uint8_t row = order[k];
      size_t l = s->side[row] & 1;
      to[right ^ ((left ^ right) & (0 - l))] = row; // no branch: it could not be foretold
      left += l;
      right += 1 - l;
    }
  }
}
#endif

static void try_feature(
    struct grove__small *s, const struct part *p, struct search *e, uint32_t f, size_t turn)
{
  size_t missing = count_missing(s, f, p), present = p->count - missing;
  // All but the last: with NaN in the node the last number may still be parted from them.
  try_run(s, p, e, f, turn, missing ? present : present - 1, 0, false);
  if (missing && present > 1) {
    const uint8_t *order = order_of(s, p, f);
    int64_t from = 0;
    for (size_t i = present; i < p->count; i++) {
      from += s->packed[order[i]];
    }
    try_run(s, p, e, f, turn, present - 1, from, true);
  }
}
