#include "base/prefetch.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"
#include "model/objective.h"
#include <math.h>

enum {
  REFINED = 512, // rows of a node whose bins have more than a few
  AHEAD = 256    // rows asked of memory before they are needed
};

static size_t stack_room(size_t rows)
{
  // The smaller child is grown first and takes the next place; it has at most half of the rows.
  size_t n = 4;
  while (rows) {
    n++;
    rows /= 2;
  }
  return n;
}

grove_status grove__grower_make(
    const grove_allocator *a, const grove__bins *bins, bool wide, size_t rows, grove__grower *out)
{
  *out = (grove__grower){.allocator = *a, .features = bins->features};
  out->pending_room = rows ? stack_room(rows / GROVE__SMALL) : 0;
  out->words = grove__histogram_words(bins, wide);
  if (rows) { // best first there is no stack, and no small node
    out->pending = grove__alloc_array(a, out->pending_room, sizeof *out->pending);
    out->slots = grove__alloc_lines(a, out->pending_room * out->words, sizeof *out->slots);
  }
  out->use = grove__alloc(a, bins->features);
  out->draw = grove__alloc_array(a, bins->features, sizeof *out->draw);
  bool tiles = grove__tile_is_needed(bins, wide);
  out->tile = tiles ? grove__alloc_lines(a, 1, sizeof *out->tile) : NULL;
  grove_status s = rows ? grove__small_make(a, bins->features, &out->small) : GROVE_OK;
  if (s || (tiles && !out->tile) || (rows && (!out->pending || !out->slots)) || !out->use ||
      !out->draw) {
    grove__grower_free(out);
    return GROVE_ENOMEM;
  }
  return GROVE_OK;
}

void grove__grower_free(grove__grower *g)
{
  const grove_allocator *a = &g->allocator;
  grove__free(a, g->pending, g->pending_room * sizeof *g->pending);
  grove__free_lines(a, g->slots, g->pending_room * g->words * sizeof *g->slots);
  grove__free_lines(a, g->tile, sizeof *g->tile);
  grove__free(a, g->use, g->features);
  grove__free(a, g->draw, g->features * sizeof *g->draw);
  grove__small_free(a, g->features, g->small);
  g->pending = NULL;
  g->slots = NULL;
  g->tile = NULL;
  g->use = NULL;
  g->draw = NULL;
  g->small = NULL;
}

grove__sum grove__grow_sum(const grove__job *job, const uint32_t *rows, size_t n)
{
  int64_t value = 0, weight = 0;
  for (size_t i = 0; i < n; i++) {
    value += job->value[rows[i]];
    weight += job->weight ? job->weight[rows[i]] : 0;
  }
  return job->weight ? (grove__sum){value, weight} : grove__unpack(&job->pack, value);
}

grove__pending grove__grow_root(const grove__job *job, const uint32_t *rows, size_t n)
{
  grove__sum all = job->all ? grove__unpack(&job->pack, *job->all) : grove__grow_sum(job, rows, n);
  return (grove__pending){.count = (uint32_t)n, .all = all, .bounds = {-HUGE_VAL, HUGE_VAL}};
}

grove__gain_rule grove__grow_rule(const grove__job *job, const grove__bounds *bounds)
{
  return (grove__gain_rule){.lambda = job->lambda,
      .least_weight = job->least_leaf,
      .alpha = job->alpha,
      .scan = job->kernels->scan_packed,
      .category = job->category,
      .monotone = job->monotone,
      .low = bounds->low,
      .high = bounds->high};
}

static double mean_of(const grove__job *job, const uint32_t *rows, size_t n, int64_t weight)
{
  double sum = 0, first = job->target[rows[0]];
  if (n == 1) {
    return first;
  }
  // Around the first row's target: equal targets give just that, without a rounding.
  for (size_t i = 1; i < n; i++) {
    sum += (double)grove__row_sum(job, rows[i]).weight * (job->target[rows[i]] - first);
  }
  return first + sum / (double)weight;
}

// A quantile of what is left over in these rows.
static double quantile_of(const grove__grower *g, const uint32_t *rows, size_t n)
{
  const grove__job *job = g->job;
  double *value = g->renew_spare, *weight = job->renew_weight ? value + n : NULL;
  for (size_t i = 0; i < n; i++) {
    value[i] = job->renew[rows[i]];
    if (weight) {
      weight[i] = job->renew_weight[rows[i]];
    }
  }
  return grove__weighted_quantile(value, weight, n, job->renew_quantile);
}

static double leaf_value(const grove__grower *g, const grove__pending *p, const uint32_t *rows)
{
  const grove__job *job = g->job;
  if (job->target) {
    double mean = mean_of(job, rows, p->count, p->all.weight);
    return job->monotone ? grove__clip(mean, job->center + p->bounds.low * job->leaf_unit,
                               job->center + p->bounds.high * job->leaf_unit)
                         : mean;
  }
  if (job->renew) {
    return job->renew_step * quantile_of(g, rows, p->count);
  }
  if (job->monotone) {
    grove__gain_rule rule = grove__grow_rule(job, &p->bounds);
    return job->leaf_unit * grove__side_value((double)p->all.q, (double)p->all.weight, &rule);
  }
  double sum = grove__soften((double)p->all.q, job->alpha);
  return job->leaf_unit * sum / ((double)p->all.weight + job->lambda);
}

void grove__grow_leaf(grove__grower *g, const grove__pending *p, const uint32_t *rows)
{
  const grove__job *job = g->job;
  double value = leaf_value(g, p, rows), cover = (double)p->all.weight * job->weight_unit;
  g->nodes[p->node] = grove__node_leaf(value, cover);
  g->facts[p->node] = (grove__node_fact){.cover = (float)cover};
  if (job->prediction) {
    for (size_t i = 0; i < p->count; i++) {
      job->prediction[rows[i]] += value;
    }
  }
}

// Draws n of the first `all` of g->draw to its front, in an order of no meaning.
static void draw_some(grove__grower *g, size_t all, size_t n, uint64_t *state)
{
  for (size_t i = 0; i < n && i < all; i++) {
    size_t k = i + (size_t)grove__random_below(state, all - i);
    uint32_t f = g->draw[k];
    g->draw[k] = g->draw[i];
    g->draw[i] = f;
  }
}

const uint8_t *grove__grow_draw_features(grove__grower *g, uint64_t state, uint32_t depth)
{
  const grove__job *job = g->job;
  size_t n = 0;
  for (uint32_t f = 0; f < g->features; f++) {
    if (!job->use || job->use[f]) {
      g->draw[n++] = f;
    }
  }
  if (job->level_features < n) { // the same for all nodes of a level
    uint64_t level = grove__mix64(job->seed + 1) + depth;
    draw_some(g, n, job->level_features, &level);
    n = job->level_features;
  }
  if (job->node_features < n) {
    draw_some(g, n, job->node_features, &state);
    n = job->node_features;
  }
  memset(g->use, 0, g->features);
  for (size_t i = 0; i < n; i++) {
    g->use[g->draw[i]] = 1;
  }
  return g->use;
}

double grove__grow_cut(const grove__job *job, const grove__pending *p, uint32_t feature)
{
  uint64_t place = ((uint64_t)p->from << 32) | p->count;
  uint64_t state = grove__mix64(job->seed ^ grove__mix64(place)) + p->depth;
  state ^= grove__mix64(~(uint64_t)feature);
  return grove__random_unit(&state);
}

// Whether all targets of a node are equal. Asked only when a split gains next to nothing.
static bool is_pure(const grove__job *job, const uint32_t *rows, size_t n)
{
  for (size_t i = 1; i < n; i++) {
    if (job->target[rows[i]] != job->target[rows[0]]) {
      return false;
    }
  }
  return true;
}

// Sets what the split gains; false: not enough.
static bool is_worth(const grove__grower *g, const grove__pending *p, grove__split *s)
{
  const grove__job *job = g->job;
  double q = grove__soften((double)p->all.q, job->alpha);
  double all = (double)p->all.weight + job->lambda, more = s->gain - q * q / all;
  s->more = grove__more_gain(s->gain, q, all, job->gain_unit);
  if (job->monotone) { // no more than its bounds let the node have
    grove__gain_rule rule = grove__grow_rule(job, &p->bounds);
    more = s->gain - grove__side_gain((double)p->all.q, (double)p->all.weight, &rule);
    s->more = more > 0 ? more * job->gain_unit : 0;
  }
  if (job->least_gain < 0) {
    return more > 1e-9 * s->gain || !is_pure(job, g->rows + p->from, p->count);
  }
  return more > 1e-9 * s->gain && s->more > job->least_gain;
}

static grove__split look(
    const grove__grower *g, const grove__pending *p, const uint8_t *use, size_t start)
{
  const grove__job *job = g->job;
  grove__gain_rule rule = grove__grow_rule(job, &p->bounds);
  if (!job->random_cuts) {
    return grove__histogram_scan(job->bins, &job->pack, p->histogram, p->all, &rule, use, start);
  }
  grove__split best = {.gain = -1};
  for (uint32_t f = 0; f < g->features; f++) {
    if (!use || use[f]) {
      grove__histogram_cut(
          job->bins, &job->pack, p->histogram, p->all, &rule, f, grove__grow_cut(job, p, f), &best);
    }
  }
  return best;
}

grove__split grove__grow_choose(grove__grower *g, const grove__pending *p)
{
  const grove__job *job = g->job;
  size_t start;
  const uint8_t *use = grove__grow_draw(g, p->from, p->count, p->depth, &start);
  grove__split s = look(g, p, use, start);
  if (s.gain < 0 && use != job->use) { // none of the drawn features can split: look at the others
    s = look(g, p, job->use, start);
  }
  if (s.gain >= 0 && !is_worth(g, p, &s)) {
    s.gain = -1;
  }
  return s;
}

void grove__grow_apply(
    grove__grower *g, const grove__pending *p, const grove__split *s, grove__pending child[2])
{
  const grove__job *job = g->job;
  uint32_t n = grove__grow_part(g, p, s), left = g->used;
  g->used += 2;
  g->facts[p->node] =
      (grove__node_fact){(float)s->more, (float)((double)p->all.weight * job->weight_unit)};
  if (s->by_set) {
    memcpy(grove__node_split_set(
               g, &g->nodes[p->node], s->feature, s->missing_left, left, p->from + n),
        s->set, sizeof s->set);
  } else {
    double edge = job->bins->edge[s->feature * GROVE__BIN_VALUES + s->bin];
    grove__node_split(
        &g->nodes[p->node], s->feature, s->by_rank ? s->threshold : edge, s->missing_left, left);
  }
  child[0] = (grove__pending){
      .node = left, .from = p->from, .count = n, .depth = p->depth + 1, .all = s->left};
  child[1] = (grove__pending){.node = left + 1,
      .from = p->from + n,
      .count = p->count - n,
      .depth = p->depth + 1,
      .all = {p->all.q - s->left.q, p->all.weight - s->left.weight}};
  if (job->monotone) {
    grove__gain_rule rule = grove__grow_rule(job, &p->bounds);
    grove__bounds side[2];
    grove__bounds_part(p->all, s->left, &rule, grove__direction(&rule, s->feature), side);
    child[0].bounds = side[0];
    child[1].bounds = side[1];
  }
}

// ---- between the bins ---------------------------------------------------------------------------------
// Rows of the bin before a split and of the next one that has any, or else the missing, to the front of g->spare; gives how
// many. Bins of a large table are told by ranks, which the partition reads next.
static size_t collect_near(grove__grower *g, const grove__pending *p, const grove__split *s)
{
  const grove__job *job = g->job;
  const grove__bins *b = job->bins;
  const uint32_t *rows = g->rows + p->from, *rank = grove__bins_ranks(b, s->feature);
  const uint32_t *last = b->last_rank + (size_t)s->feature * GROVE__BIN_VALUES;
  uint32_t *to = g->spare + p->from, next = s->bin + 1, bins = b->bin_count[s->feature];
  size_t width = grove__bins_width(b, s->feature / GROVE__BLOCK), n = 0;
  while (next < bins && !grove__histogram_has(b, &job->pack, p->histogram, s->feature, next)) {
    next++;
  }
  const uint8_t *column = b->column ? b->column + s->feature * b->rows : NULL;
  uint32_t other = next < bins ? next : GROVE__BIN_MISSING;
  if (column) {
    return job->kernels->collect_bins(rows, p->count, column, s->bin, other, to);
  }
  uint32_t low = s->bin ? last[s->bin - 1] + 1 : 0, high = last[s->bin];
  uint32_t low2 = last[next - 1] + 1, high2 = next < bins ? last[next] : UINT32_MAX;
  for (size_t i = 0; i < p->count; i++) {
    grove__prefetch_far(&rank[rows[i + AHEAD < p->count ? i + AHEAD : i] * width]);
    uint32_t one = rank[rows[i] * width];
    to[n] = rows[i];
    n += one - low <= high - low || one - low2 <= high2 - low2;
  }
  return n;
}

static void sift_rank(uint32_t *row, size_t i, size_t n, const uint32_t *rank, size_t width)
{
  uint32_t one = row[i];
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    child += child + 1 < n && rank[row[child] * width] < rank[row[child + 1] * width];
    if (rank[one * width] >= rank[row[child] * width]) {
      break;
    }
    row[i] = row[child];
  }
  row[i] = one;
}

// Rows of equal ranks stay together in a split, so their order among themselves does not matter.
static void sort_by_rank(uint32_t *row, size_t n, const uint32_t *rank, size_t width)
{
  for (size_t i = n / 2; i-- > 0;) {
    sift_rank(row, i, n, rank, width);
  }
  for (size_t end = n; end-- > 1;) {
    uint32_t last = row[end];
    row[end] = row[0];
    row[0] = last;
    sift_rank(row, 0, end, rank, width);
  }
}

// A bin of a large node has many rows. The best place of all around the bins' border is looked for, where ranks are
// known: forests are grown on them.
static void refine(grove__grower *g, const grove__pending *p, grove__split *s)
{
  const grove__job *job = g->job;
  const grove__bins *b = job->bins;
  const uint32_t *rank = grove__bins_ranks(b, s->feature);
  size_t width = grove__bins_width(b, s->feature / GROVE__BLOCK);
  grove__values x = grove__feature(job->column, s->feature);
  size_t n = collect_near(g, p, s);
  uint32_t *row = g->spare + p->from;
  grove__gain_rule rule = grove__grow_rule(job, &p->bounds);
  grove__sum left = s->left;
  sort_by_rank(row, n, rank, width);
  uint32_t last = b->last_rank[(size_t)s->feature * GROVE__BIN_VALUES + s->bin];
  for (size_t i = 0; i < n && rank[row[i] * width] <= last; i++) {
    grove__sum one = grove__row_sum(job, row[i]);
    left.q -= one.q;
    left.weight -= one.weight;
  }
  grove__split best = {.gain = -1};
  for (size_t i = 0; i + 1 < n; i++) {
    grove__sum one = grove__row_sum(job, row[i]);
    left.q += one.q;
    left.weight += one.weight;
    uint32_t here = rank[row[i] * width], next = rank[row[i + 1] * width];
    double gain = here < next ? grove__split_gain(p->all, left, &rule, 0) : -1;
    if (gain > best.gain) {
      best = *s;
      best.gain = gain;
      best.left = left;
      best.by_rank = true;
      best.rank = here;
      best.bin = grove__bin_of(b, s->feature, row[i]);
      best.threshold = grove__between(grove__value(x, row[i]), grove__value(x, row[i + 1]));
    }
  }
  if (best.gain >= 0) {
    *s = best;
    double q = grove__soften((double)p->all.q, job->alpha);
    s->more = grove__more_gain(s->gain, q, (double)p->all.weight + job->lambda, job->gain_unit);
  }
}

bool grove__grow_split(grove__grower *g, const grove__pending *p, grove__pending child[2])
{
  const grove__job *job = g->job;
  bool leaf = p->depth >= job->max_depth || (double)p->all.weight < job->least_split;
  grove__split s = {.gain = -1};
  if (!leaf) {
    s = grove__grow_choose(g, p);
  }
  if (s.gain >= 0 && job->bins->rank && !s.by_set && !job->random_cuts && !job->monotone &&
      p->count > REFINED) {
    refine(g, p, &s);
  }
  if (s.gain < 0) {
    grove__grow_leaf(g, p, g->rows + p->from);
    return false;
  }
  grove__grow_apply(g, p, &s, child);
  return true;
}

bool grove__grow_wants_histogram(const grove__job *job, const grove__pending *p)
{
  return p->count > GROVE__SMALL && p->depth < job->max_depth;
}

static void build(grove__grower *g, const uint32_t *rows, size_t n, int64_t *to)
{
  if (g->build) {
    g->build(g->build_user, g, rows, n, to);
  } else {
    grove__histogram_build(g->job, rows, n, g->tile, to);
  }
}

// The two children of a split: the larger takes over the parent's place and histogram, less the smaller's.
static void push_children(grove__grower *g, int64_t *histogram, grove__pending child[2])
{
  const grove__job *job = g->job;
  int small = child[1].count < child[0].count;
  grove__pending *less = &child[small], *more = &child[1 - small];
  if (grove__grow_wants_histogram(job, more)) {
    int64_t *next = g->slots + (g->pending_count + 1) * g->words;
    build(g, g->rows + less->from, less->count, next);
    job->kernels->histogram_subtract(histogram, next, g->words);
    more->histogram = histogram;
    less->histogram = next;
  }
  g->pending[g->pending_count++] = *more;
  g->pending[g->pending_count++] = *less;
}

void grove__grow_begin(grove__grower *g, const grove__job *job, const grove__pending *root)
{
  g->job = job;
  g->pending_count = 0;
  g->pending[g->pending_count++] = *root;
}

bool grove__grow_some(grove__grower *g, size_t budget)
{
  size_t done = 0;
  while (g->pending_count && done < budget) {
    grove__pending p = g->pending[--g->pending_count], child[2];
    done += (size_t)p.count * g->features;
    if (p.count == 0) { // another lane has it
      continue;
    }
    if (p.count <= GROVE__SMALL) {
      g->job->kernels->grow_small(g, &p);
      done += (size_t)p.count * g->features * 4;
      continue;
    }
    if (!p.histogram && grove__grow_wants_histogram(g->job, &p)) {
      p.histogram = g->slots + g->pending_count * g->words;
      build(g, g->rows + p.from, p.count, p.histogram);
    }
    if (grove__grow_split(g, &p, child)) {
      push_children(g, p.histogram, child);
    }
  }
  return g->pending_count == 0;
}
