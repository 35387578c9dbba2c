// Growing nodes of at most 256 rows: a split keeps all orders sorted, so there is no more sorting below.
#include "model/small_rows.h"
#include <math.h>

enum { N = GROVE__SMALL, TINY = 16, NONE = GROVE__SMALL_NONE };

// A part of the rows: positions [from, from + count) of every order.
struct part {
  size_t from;
  size_t count;
  uint32_t depth;
  uint32_t node;
  int64_t packed; // sum of its rows
  uint32_t *live;
  size_t live_count;
  int half; // which of the two orders has its rows
};

static inline const uint8_t *order_of(
    const struct grove__small *s, const struct part *p, uint32_t f)
{
  return s->order[p->half] + (size_t)f * N + p->from;
}

struct choice {
  float gain;
  uint32_t feature;
  size_t last; // position of the last one on the left, within the part
  bool missing_left;
};

// ---- choosing a split -------------------------------------------------------------------------------
struct terms {
  float sum;
  float weight;
  float lambda;
  float least;
};

static inline int32_t high_word(int64_t packed)
{
  return (int32_t)(uint32_t)((uint64_t)packed >> 32);
}

static inline float gain_of(const struct terms *t, float s, float w)
{
  float a = w + t->lambda, rest = t->weight - w, c = rest + t->lambda, r = t->sum - s;
  float gain = (s * s * c + r * r * a) / (a * c);
  gain = w >= t->least ? gain : -1;
  return rest >= t->least ? gain : -1;
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
    s->weight[i] = (int32_t)(uint32_t)sum & differs;
  }
}

static void gains_along(struct grove__small *s, const struct terms *t, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    float gain = gain_of(t, (float)s->sum[i], (float)s->weight[i]);
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
  *best = (struct choice){gain, feature, i, missing_left};
}

// How many of the part's rows have NaN in a feature: they are the last ones.
static size_t count_missing(const struct grove__small *s, uint32_t f, const struct part *p)
{
  const uint8_t *order = order_of(s, p, f), *rank = s->rank + (size_t)f * N;
  size_t n = 0;
  if (s->missing[f] != NONE) {
    while (n < p->count && rank[order[p->count - 1 - n]] == s->missing[f]) {
      n++;
    }
  }
  return n;
}

// Sums, gains and the best of them in one go: for few rows, where three short loops cost more.
static void scan_tiny(const struct grove__small *s, const struct part *p, const struct terms *t,
    uint32_t f, struct choice *best)
{
  const uint8_t *order = order_of(s, p, f), *rank = s->rank + (size_t)f * N;
  int64_t sum = 0;
  for (size_t i = 0; i + 1 < p->count; i++) {
    sum += s->packed[order[i]];
    if (rank[order[i]] != rank[order[i + 1]]) {
      float gain = gain_of(t, (float)high_word(sum), (float)(uint32_t)sum);
      if (gain > best->gain) {
        *best = (struct choice){gain, f, i, false};
      }
    }
  }
}

static void try_feature(struct grove__small *s, const struct part *p, const struct terms *t,
    uint32_t f, struct choice *best)
{
  const uint8_t *order = order_of(s, p, f), *rank = s->rank + (size_t)f * N;
  if (p->count <= TINY && s->missing[f] == NONE) {
    scan_tiny(s, p, t, f, best);
    return;
  }
  size_t missing = count_missing(s, f, p), present = p->count - missing;
  // All but the last: with NaN in the node the last number may still be parted from them.
  size_t n = missing ? present : present - 1;
  sum_along(s, order, rank, n, 0);
  gains_along(s, t, n);
  take_best(s, n, f, false, best);
  if (missing && present > 1) {
    int64_t from = 0;
    for (size_t i = present; i < p->count; i++) {
      from += s->packed[order[i]];
    }
    sum_along(s, order, rank, present - 1, from);
    gains_along(s, t, present - 1);
    take_best(s, present - 1, f, true, best);
  }
}

// Two rows: any feature in which they differ splits them equally well.
static bool part_two(const struct grove__small *s, const struct part *p, const uint8_t *use,
    size_t start, struct choice *best)
{
  for (size_t i = 0; i < p->live_count; i++) {
    uint32_t f = p->live[(start + i) % p->live_count];
    const uint8_t *order = order_of(s, p, f), *rank = s->rank + (size_t)f * N;
    if (rank[order[0]] != rank[order[1]] && (!use || use[f])) {
      *best = (struct choice){.gain = 0, .feature = f};
      return true;
    }
  }
  return false;
}

static bool is_pure(const struct grove__small *s, const struct part *p)
{
  const uint8_t *order = order_of(s, p, p->live[0]);
  double first = s->target[order[0]];
  for (size_t i = 1; i < p->count; i++) {
    if (s->target[order[i]] != first) {
      return false;
    }
  }
  return true;
}

// Features that became constant are dropped from the part's list, for all that is below it.
static void drop_constant(const struct grove__small *s, struct part *p)
{
  size_t n = 0;
  for (size_t i = 0; i < p->live_count; i++) {
    uint32_t f = p->live[i];
    const uint8_t *order = order_of(s, p, f), *rank = s->rank + (size_t)f * N;
    p->live[n] = f;
    n += rank[order[0]] != rank[order[p->count - 1]];
  }
  p->live_count = n;
}

static void try_features(struct grove__small *s, const struct part *p, const struct terms *t,
    const uint8_t *use, size_t start, struct choice *best)
{
  for (size_t i = 0; i < p->live_count; i++) {
    uint32_t f = p->live[start + i < p->live_count ? start + i : start + i - p->live_count];
    if (!use || use[f]) {
      try_feature(s, p, t, f, best);
    }
  }
}

static bool choose(grove__grower *g, struct grove__small *s, struct part *p, struct choice *best)
{
  const grove__job *job = g->job;
  struct terms t = {(float)high_word(p->packed), (float)(uint32_t)p->packed, (float)job->lambda,
      job->least_leaf > 1 ? (float)job->least_leaf : 1};
  *best = (struct choice){.gain = -1};
  if (p->count < 2 || p->depth >= job->max_depth || (double)t.weight < job->least_split) {
    return false;
  }
  drop_constant(s, p);
  if (p->live_count == 0 || (job->target && is_pure(s, p))) {
    return false;
  }
  grove__pending place = {
      .from = s->first + (uint32_t)p->from, .count = (uint32_t)p->count, .depth = p->depth};
  size_t start = 0;
  const uint8_t *use = job->use;
  if (job->random_ties || job->node_features < g->features) {
    use = grove__grow_draw(g, &place, &start);
    start %= p->live_count;
  }
  if (p->count == 2 && job->random_ties && job->least_gain < 0 && t.least <= 1) {
    return part_two(s, p, use, start, best) || part_two(s, p, job->use, start, best);
  }
  try_features(s, p, &t, use, start, best);
  if (best->gain < 0 && use != job->use) {
    try_features(s, p, &t, job->use, start, best);
  }
  if (best->gain < 0 || job->least_gain < 0) {
    return best->gain >= 0;
  }
  float more = best->gain - t.sum * t.sum / (t.weight + t.lambda);
  return more > 1e-6f * best->gain && (double)more * s->unit2 > job->least_gain;
}

// ---- splitting --------------------------------------------------------------------------------------
// Marks the rows that go left; gives their number and sum.
static size_t mark_sides(
    struct grove__small *s, const struct part *p, const struct choice *c, int64_t *left)
{
  const uint8_t *order = order_of(s, p, c->feature);
  size_t missing = count_missing(s, c->feature, p), n = c->last + 1;
  *left = 0;
  for (size_t i = 0; i < p->count; i++) {
    bool is_missing = i >= p->count - missing;
    uint8_t l = is_missing ? c->missing_left : i < n;
    s->side[order[i]] = l;
    *left += l ? s->packed[order[i]] : 0;
  }
  return c->missing_left ? n + missing : n;
}

static void part_orders(struct grove__small *s, const struct part *p, size_t left_rows)
{
  for (size_t i = 0; i < p->live_count; i++) {
    const uint8_t *order = order_of(s, p, p->live[i]);
    uint8_t *to = s->order[1 - p->half] + (size_t)p->live[i] * N + p->from;
    size_t left = 0, right = left_rows;
    for (size_t k = 0; k < p->count; k++) {
      uint8_t row = order[k];
      size_t l = s->side[row];
      to[right ^ ((left ^ right) & (0 - l))] = row; // no branch: it could not be foretold
      left += l;
      right += 1 - l;
    }
  }
}

// The two values around a split lie anywhere in their column: they are asked for early, and read when the rest
// of the split is done.
static void prefetch_values(const struct grove__small *s, const grove__job *job,
    const struct part *p, const struct choice *c)
{
#if defined(__GNUC__)
  const uint8_t *order = order_of(s, p, c->feature) + c->last;
  if (job->bins->rank) {
    __builtin_prefetch(&job->column[c->feature][s->row[order[0]]]);
    __builtin_prefetch(&job->column[c->feature][s->row[order[1]]]);
  }
#else
  (void)s, (void)job, (void)p, (void)c;
#endif
}

static double threshold_of(const struct grove__small *s, const grove__job *job,
    const struct part *p, const struct choice *c, bool next_is_missing)
{
  const uint8_t *order = order_of(s, p, c->feature);
  uint32_t row = s->row[order[c->last]];
  if (!job->bins->rank) {
    uint32_t bin = grove__bin_of(job->bins, c->feature, row);
    return job->bins->edge[(size_t)c->feature * GROVE__BIN_VALUES + bin];
  }
  const double *x = job->column[c->feature];
  return next_is_missing ? HUGE_VAL : grove__between(x[row], x[s->row[order[c->last + 1]]]);
}

static void make_leaf(grove__grower *g, const struct grove__small *s, const struct part *p)
{
  // The first feature that was live above is still sorted here, even if it is constant by now.
  const uint8_t *order = order_of(s, p, p->live[0]);
  uint32_t rows[N];
  for (size_t i = 0; i < p->count; i++) {
    rows[i] = s->row[order[i]];
  }
  grove__pending leaf = {.node = p->node, .count = (uint32_t)p->count};
  if (g->job->target) {
    leaf.all.weight = (uint32_t)p->packed;
  } else {
    leaf.all = grove__grow_sum(g->job, rows, p->count);
  }
  grove__grow_leaf(g, &leaf, rows);
}

static void note_split(const grove__grower *g, const struct part *p, int64_t left, double unit2)
{
  double lambda = g->job->lambda, sum = (double)high_word(p->packed), q = (double)high_word(left);
  double all = (double)(uint32_t)p->packed, w = (double)(uint32_t)left, r = sum - q;
  double gain = q * q / (w + lambda) + r * r / (all - w + lambda);
  g->facts[p->node] =
      (grove__node_fact){(float)grove__more_gain(gain, sum, all + lambda, unit2), (float)all};
}

// Two rows in two leaves, where leaves are means: nothing to sort any more.
static void split_pair(
    grove__grower *g, const struct grove__small *s, const struct part *p, const struct choice *c)
{
  const grove__job *job = g->job;
  prefetch_values(s, job, p, c);
  const uint8_t *order = order_of(s, p, c->feature);
  const uint8_t *rank = s->rank + (size_t)c->feature * N;
  bool missing = rank[order[1]] == s->missing[c->feature];
  uint32_t left = g->used;
  g->used += 2;
  note_split(g, p, s->packed[order[0]], s->unit2);
  for (uint32_t k = 0; k < 2; k++) {
    grove__pending leaf = {.node = left + k, .count = 1};
    leaf.all.weight = (uint32_t)s->packed[order[k]];
    grove__grow_leaf(g, &leaf, &s->row[order[k]]);
  }
  grove__node_split(
      &g->nodes[p->node], c->feature, threshold_of(s, job, p, c, missing), !missing, left);
}

// Splits a part: `p` becomes the larger child, `less` the smaller one, with a list of its own.
static void apply(grove__grower *g, struct grove__small *s, struct part *p, const struct choice *c,
    struct part *less)
{
  int64_t left_sum;
  prefetch_values(s, g->job, p, c);
  size_t n = mark_sides(s, p, c, &left_sum), missing = count_missing(s, c->feature, p);
  bool at_end = c->last + 1 == p->count - missing;
  bool missing_left = missing ? c->missing_left : 2 * n >= p->count;
  uint32_t left = g->used;
  g->used += 2;
  part_orders(s, p, n);
  note_split(g, p, left_sum, s->unit2);
  double threshold = threshold_of(s, g->job, p, c, at_end);
  grove__node_split(&g->nodes[p->node], c->feature, threshold, missing_left, left);
  struct part child[2] = {*p, *p};
  child[0].count = n;
  child[0].node = left;
  child[0].packed = left_sum;
  child[1].from += n;
  child[1].count -= n;
  child[1].node = left + 1;
  child[1].packed -= left_sum;
  child[0].depth = child[1].depth = p->depth + 1;
  child[0].half = child[1].half = 1 - p->half;
  int small = child[1].count < child[0].count;
  *less = child[small];
  *p = child[1 - small];
  less->live = p->live + g->features;
  memcpy(less->live, p->live, p->live_count * sizeof *p->live);
}

// Recursion into the smaller part only, so at most eight deep.
static void grow(grove__grower *g, struct grove__small *s, struct part p)
{
  struct choice c;
  struct part less;
  while (choose(g, s, &p, &c)) {
    if (p.count == 2 && g->job->target) {
      split_pair(g, s, &p, &c);
      return;
    }
    apply(g, s, &p, &c, &less);
    grow(g, s, less);
  }
  make_leaf(g, s, &p);
}

void grove__grow_small(grove__grower *g, const grove__pending *p)
{
  struct grove__small *s = g->small;
  const grove__job *job = g->job;
  if (p->count < 2 || p->depth >= job->max_depth || (double)p->all.weight < job->least_split) {
    grove__grow_leaf(g, p, g->rows + p->from);
    return;
  }
  struct part whole = {.count = p->count, .depth = p->depth, .node = p->node, .live = s->live};
  s->first = p->from;
  whole.packed = grove__small_pack(s, job, p, g->rows + p->from);
  whole.live_count = grove__small_sort(s, job, p->count);
  if (whole.live_count == 0) {
    grove__grow_leaf(g, p, g->rows + p->from);
    return;
  }
  grow(g, s, whole);
}
