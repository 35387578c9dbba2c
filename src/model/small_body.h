// Growing nodes of at most 256 rows: a split keeps all orders sorted, so there is no more sorting below.
// Compiled once for each instruction set, see grow_kernels.h.
#include "model/small_rows.h"
#include <math.h>
#include <string.h>

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
  int half;             // which of the two orders has its rows
  grove__bounds bounds; // if the job is monotone, in the node's units
};

struct choice {
  float gain;
  uint32_t feature;
  size_t last; // position of the last one on the left, within the part
  bool missing_left;
  double cut;  // the threshold, or for a set the place, if it was drawn
  bool by_set; // of categories: which is found again
};

// What is the same for all splits of a part. Sums are whole numbers: of the left side and of the right one, so that
// a gain does not depend on which of them was added up.
struct terms {
  int32_t sum;
  int32_t weight;
  float lambda;
  float least;
  float alpha;
};

static inline const uint8_t *order_of(
    const struct grove__small *s, const struct part *p, uint32_t f)
{
  return s->order[p->half] + (size_t)f * N + p->from;
}

// Live features in turn from place `start` on.
static inline uint32_t live_at(const struct part *p, size_t start, size_t i)
{
  return p->live[start + i < p->live_count ? start + i : start + i - p->live_count];
}

static inline int32_t high_word(int64_t packed)
{
  return (int32_t)(uint32_t)((uint64_t)packed >> 32);
}

static inline int32_t low_word(int64_t packed)
{
  return (int32_t)(uint32_t)packed;
}

static inline float gain_of(const struct terms *t, int32_t sum, int32_t weight)
{
  float s = fabsf((float)sum) - t->alpha, r = fabsf((float)(t->sum - sum)) - t->alpha;
  float w = (float)weight, rest = (float)(t->weight - weight);
  float a = w + t->lambda, c = rest + t->lambda;
  s = s > 0 ? s : 0;
  r = r > 0 ? r : 0;
  float gain = (s * s * c + r * r * a) / (a * c);
  gain = w >= t->least ? gain : -1;
  return rest >= t->least ? gain : -1;
}

// The best gain of a part over what it is without a split, where that is asked for.
static inline bool is_enough(
    const struct grove__small *s, const grove__job *job, const struct terms *t, float gain)
{
  if (gain < 0 || job->least_gain < 0) {
    return gain >= 0;
  }
  float all = fabsf((float)t->sum) - t->alpha;
  all = all > 0 ? all : 0;
  float more = gain - all * all / ((float)t->weight + t->lambda);
  return more > 1e-6f * gain && (double)more * s->unit2 > job->least_gain;
}

static inline struct terms terms_of(
    const struct grove__small *s, const grove__job *job, int64_t packed)
{
  return (struct terms){high_word(packed), low_word(packed), (float)job->lambda,
      job->least_leaf > 1 ? (float)job->least_leaf : 1, (float)s->alpha};
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

static grove__small_order order_by(const struct grove__small *s, const struct part *p, uint32_t f)
{
  return (grove__small_order){f, order_of(s, p, f), s->rank + (size_t)f * N, p->count,
      count_missing(s, f, p), p->packed, p->bounds};
}

#include "model/small_fill_body.h"
#include "model/small_leaf_body.h"
#include "model/small_scan_body.h"

// ---- choosing a split -------------------------------------------------------------------------------
// Two rows: any feature in which they differ splits them equally well.
static bool part_two(const struct grove__small *s, const struct part *p, const uint8_t *use,
    size_t start, struct choice *best)
{
  for (size_t i = 0; i < p->live_count; i++) {
    uint32_t f = live_at(p, start, i);
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

// One place of a feature, drawn between its lowest and its highest value; bins stand for values if there are no others.
static double value_at(const struct grove__small *s, const grove__job *job, uint32_t f, uint8_t row)
{
  return job->bins->rank ? grove__value(grove__feature(job->column, f), s->row[row])
                         : (double)grove__bin_of(job->bins, f, s->row[row]);
}

static void try_cut(struct grove__small *s, const grove__job *job, const struct part *p,
    const struct terms *t, uint32_t f, double cut, struct choice *best)
{
  const uint8_t *order = order_of(s, p, f);
  size_t missing = count_missing(s, f, p), present = p->count - missing, n = 0;
  double low = present ? value_at(s, job, f, order[0]) : 0;
  double high = present ? value_at(s, job, f, order[present - 1]) : 0;
  double at = low + cut * (high - low);
  bool parts = low < high && at < high; // if not, only the missing can be parted from the rest
  int64_t sum = 0, nan = 0;
  while (n < present && (!parts || value_at(s, job, f, order[n]) <= at)) {
    sum += s->packed[order[n++]];
  }
  for (size_t i = present; i < p->count; i++) {
    nan += s->packed[order[i]];
  }
  for (int side = 0; side < (missing && parts ? 2 : 1) && n > 0 && n < p->count; side++) {
    int64_t left = side ? sum + nan : sum;
    float gain = gain_of(t, high_word(left), low_word(left));
    if (job->monotone) {
      grove__small_order o = order_by(s, p, f);
      gain = (float)grove__small_gain(s, job, &o, left);
    }
    if (gain > best->gain) {
      *best = (struct choice){gain, f, n - 1, side != 0, at, false};
    }
  }
}

// One split at a time: not what the kernels are for.
static void try_alone(struct grove__small *s, const grove__job *job, const struct part *p,
    uint32_t f, double cut, struct choice *best)
{
  grove__small_order o = order_by(s, p, f);
  if (grove__bins_are_categories(job->bins, f)) {
    float gain = (float)grove__small_by_set(s, job, &o, cut).gain;
    if (gain > best->gain) {
      *best = (struct choice){.gain = gain, .feature = f, .cut = cut, .by_set = true};
    }
    return;
  }
  grove__small_place place = grove__small_under_bounds(s, job, &o);
  if ((float)place.gain > best->gain) {
    *best = (struct choice){(float)place.gain, f, place.last, place.missing_left, 0, false};
  }
}

static void try_features(struct grove__small *s, const grove__job *job, const struct part *p,
    const struct terms *t, const uint8_t *use, size_t start, struct choice *best)
{
  grove__pending place = {
      .from = s->first + (uint32_t)p->from, .count = (uint32_t)p->count, .depth = p->depth};
  struct search search;
  begin_search(&search, t, best);
  for (size_t i = 0; i < p->live_count; i++) {
    uint32_t f = live_at(p, start, i);
    if (use && !use[f]) {
      continue;
    }
    double cut = job->random_cuts ? grove__grow_cut(job, &place, f) : -1;
    bool alone = grove__bins_are_categories(job->bins, f) || (job->monotone && cut < 0);
    if (!alone && !job->random_cuts) {
      try_feature(s, p, &search, f, i);
      continue;
    }
    end_search(&search, p, start, best);
    if (alone) {
      try_alone(s, job, p, f, cut, best);
    } else {
      try_cut(s, job, p, t, f, cut, best);
    }
    begin_search(&search, t, best);
  }
  end_search(&search, p, start, best);
}

// Whether nodes draw anything: then what they draw is a function of their place.
static inline bool draws(const grove__grower *g)
{
  return g->job->random_ties || grove__grow_draws(g->job);
}

// As is_enough, against what the bounds let the part have.
static bool is_enough_bounded(
    const struct grove__small *s, const grove__job *job, const struct part *p, float gain)
{
  grove__gain_rule rule = grove__small_rule(s, job, &p->bounds);
  grove__sum all = grove__small_sum(p->packed);
  double more = (double)gain - grove__side_gain((double)all.q, (double)all.weight, &rule);
  return gain >= 0 &&
         (job->least_gain < 0 || (more > 1e-6 * (double)gain && more * s->unit2 > job->least_gain));
}

static bool choose(grove__grower *g, struct grove__small *s, struct part *p, struct choice *best)
{
  const grove__job *job = g->job;
  struct terms t = terms_of(s, job, p->packed);
  *best = (struct choice){.gain = -1};
  if (p->count < 2 || p->depth >= job->max_depth || (double)t.weight < job->least_split) {
    return false;
  }
  drop_constant(s, p);
  if (p->live_count == 0 || (job->target && is_pure(s, p))) {
    return false;
  }
  size_t start = 0;
  const uint8_t *use = job->use;
  if (draws(g)) {
    size_t feature;
    use = grove__grow_draw(g, s->first + (uint32_t)p->from, (uint32_t)p->count, p->depth, &feature);
    while (start < p->live_count && p->live[start] < feature) { // the list rises
      start++;
    }
    start = start < p->live_count ? start : 0;
  }
  if (p->count == 2 && job->random_ties && !job->random_cuts && job->least_gain < 0 &&
      t.least <= 1 && !s->any_category && !job->monotone) {
    return part_two(s, p, use, start, best) || part_two(s, p, job->use, start, best);
  }
  try_features(s, job, p, &t, use, start, best);
  if (best->gain < 0 && use != job->use) {
    try_features(s, job, p, &t, job->use, start, best);
  }
  return job->monotone ? is_enough_bounded(s, job, p, best->gain)
                       : is_enough(s, job, &t, best->gain);
}

// ---- splitting --------------------------------------------------------------------------------------
static int64_t sum_of(const struct grove__small *s, const uint8_t *order, size_t from, size_t end)
{
  int64_t sum = 0;
  for (size_t i = from; i < end; i++) {
    sum += s->packed[order[i]];
  }
  return sum;
}

// Marks the rows that go left; gives their number and sum.
static size_t mark_sides(struct grove__small *s, const struct part *p, const struct choice *c,
    size_t missing, int64_t *left)
{
  const uint8_t *order = order_of(s, p, c->feature);
  size_t n = c->last + 1, end = p->count - missing;
  mark_rows(s, p, c, n, end);
  // Of the shorter part, and the rest.
  int64_t none = missing ? sum_of(s, order, end, p->count) : 0;
  int64_t sum = 2 * n <= end ? sum_of(s, order, 0, n) : p->packed - none - sum_of(s, order, n, end);
  *left = c->missing_left ? sum + none : sum;
  return c->missing_left ? n + missing : n;
}

// Two rows in two leaves, where leaves are means: nothing to sort any more.
static void split_pair(
    grove__grower *g, struct grove__small *s, const struct part *p, const struct choice *c)
{
  const grove__job *job = g->job;
  const uint8_t *order = order_of(s, p, c->feature);
  const uint8_t *rank = s->rank + (size_t)c->feature * N;
  struct terms t = terms_of(s, job, p->packed);
  bool missing = rank[order[1]] == s->missing[c->feature];
  uint32_t left = g->used;
  g->used += 2;
  note_split(g, s, p->node, &t, s->packed[order[0]]);
  for (uint32_t k = 0; k < 2; k++) {
    if (singles_are_plain(job)) {
      make_single(g, s, left + k, order[k]);
    } else {
      make_leaf_of(g, s, left + k, s->packed[order[k]], (grove__bounds){0, 0}, &order[k], 1);
    }
  }
  put_split(g, s, p->node, c->feature, order[0], order[1], missing, c->cut, !missing, left);
}

// The split of a node by a value: marks the rows, and writes it. Gives how many rows go left.
static size_t split_by_value(grove__grower *g, struct grove__small *s, const struct part *p,
    const struct choice *c, uint32_t left, int64_t *left_sum)
{
  const uint8_t *order = order_of(s, p, c->feature);
  uint8_t last = order[c->last], next = order[c->last + 1];
  size_t missing = count_missing(s, c->feature, p), n = mark_sides(s, p, c, missing, left_sum);
  bool at_end = c->last + 1 == p->count - missing;
  bool missing_left = missing ? c->missing_left : 2 * n >= p->count;
  part_orders(s, p, n);
  put_split(g, s, p->node, c->feature, last, next, at_end, c->cut, missing_left, left);
  return n;
}

static size_t split_by_set(grove__grower *g, struct grove__small *s, const struct part *p,
    const struct choice *c, uint32_t left, int64_t *left_sum)
{
  grove__small_order o = order_by(s, p, c->feature);
  grove__category_cut cut = grove__small_by_set(s, g->job, &o, c->cut);
  size_t n = grove__small_mark_set(s, &o, &cut, left_sum);
  uint32_t *words = grove__node_split_set(
      g, &g->nodes[p->node], c->feature, cut.missing_left, left, (size_t)s->first + p->from + n);
  grove__small_put_set(s, g->job, &o, &cut, words);
  part_orders(s, p, n);
  return n;
}

static void part_bounds(const grove__grower *g, const struct grove__small *s, const struct part *p,
    const struct choice *c, struct part child[2])
{
  grove__gain_rule rule = grove__small_rule(s, g->job, &p->bounds);
  grove__bounds side[2];
  grove__bounds_part(grove__small_sum(p->packed), grove__small_sum(child[0].packed), &rule,
      grove__direction(&rule, c->feature), side);
  child[0].bounds = side[0];
  child[1].bounds = side[1];
}

// Splits a part: `p` becomes the larger child, `less` the smaller one, with a list of its own.
static void apply(grove__grower *g, struct grove__small *s, struct part *p, const struct choice *c,
    struct part *less)
{
  int64_t left_sum;
  struct terms t = terms_of(s, g->job, p->packed);
  uint32_t left = g->used;
  g->used += 2;
  size_t n = c->by_set ? split_by_set(g, s, p, c, left, &left_sum)
                       : split_by_value(g, s, p, c, left, &left_sum);
  note_split(g, s, p->node, &t, left_sum);
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
  if (g->job->monotone) {
    part_bounds(g, s, p, c, child);
  }
  int small = child[1].count < child[0].count;
  *less = child[small];
  *p = child[1 - small];
  less->live = p->live + g->features;
  memcpy(less->live, p->live, p->live_count * sizeof *p->live);
}

#if defined(GROVE__AVX512)
#include "model/tiny_avx512.h"
#else
static bool grow_tiny(grove__grower *g, struct grove__small *s, const struct part *p)
{
  (void)g, (void)s, (void)p;
  return false;
}
#endif

// Recursion into the smaller part only, so at most eight deep.
static void grow(grove__grower *g, struct grove__small *s, struct part p)
{
  struct choice c;
  struct part less;
  while (!grow_tiny(g, s, &p)) {
    if (!choose(g, s, &p, &c)) {
      make_leaf(g, s, &p);
      return;
    }
    if (p.count == 2 && g->job->target && !c.by_set && !g->job->monotone) {
      split_pair(g, s, &p, &c);
      return;
    }
    apply(g, s, &p, &c, &less);
    grow(g, s, less);
  }
}

static void grow_small(grove__grower *g, const grove__pending *p)
{
  struct grove__small *s = g->small;
  const grove__job *job = g->job;
  if (p->count < 2 || p->depth >= job->max_depth || (double)p->all.weight < job->least_split) {
    grove__grow_leaf(g, p, g->rows + p->from);
    return;
  }
  struct part whole = {.count = p->count, .depth = p->depth, .node = p->node, .live = s->live};
  s->first = p->from;
  whole.packed = pack_rows(s, job, p, g->rows + p->from);
  whole.bounds = (grove__bounds){
      (p->bounds.low - s->center) / s->unit, (p->bounds.high - s->center) / s->unit};
  whole.live_count = sort_rows(s, job, p->count);
  if (whole.live_count == 0) {
    grove__grow_leaf(g, p, g->rows + p->from);
    return;
  }
  grow(g, s, whole);
  read_thresholds(g, s);
  tell_gains(g, s);
}
