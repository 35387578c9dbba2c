#include "model/grow_exact.h"
#include "base/random.h"
#include "base/status.h"
#include "model/category_split.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"
#include "model/presort.h"
#include "model/tree_learner.h"
#include <math.h>
#include <stdatomic.h>

enum {
  SHARED = 1 << 14, // row-features of a node that is worth sharing by feature
  BUDGET = 200000   // row-features between two yields
};

struct split {
  double gain;
  size_t last; // position of the last one on the left
  bool missing_left;
  bool by_set; // of categories: which is found again
};

// A node that waits, and where its rows lie in every order.
struct pending {
  grove__sum all; // of its q, and its weight
  size_t from;
  size_t count;
  uint32_t node;
  uint32_t depth;
  uint32_t half; // which half of the entries has its rows
  grove__bounds bounds;
};

struct exact {
  const grove_allocator *a;
  const grove_matrix *x;
  const grove__exact_rule *rule;
  const grove_work *work;
  grove__entry *half[2]; // [feature][row]; a split copies its rows from one half to the other
  uint32_t *missing;     // [feature]: the rank of NaN
  struct split *split;   // [feature], of the node at hand
  uint8_t *use;          // [feature], of the node at hand
  uint32_t *draw;
  int64_t *q;                 // by row, times its weight
  int64_t *units;             // by row, the weight in whole numbers; NULL: all 1
  size_t alive;               // rows that weigh something
  double per_row;             // units of a row of average weight
  grove__category **category; // [feature], with a place for each: of those with categories
  uint32_t *words;            // sets of categories
  size_t word_count;
  size_t word_room;
  uint8_t *side; // by row: 1 goes left
  uint8_t *in;   // by rank, of the categories at hand: 1 goes left
  grove__node *nodes;
  grove__node_fact *facts;
  uint32_t used;
  struct pending *stack;
  size_t depth; // of the stack
  size_t room;
  double center;
  double unit; // of q: that of the target, and of the weight
  double weight_unit;
  bool expired; // no more splits
  const double *y;
  struct pending at; // the node at hand
  uint32_t chosen;   // its feature
  size_t left;       // rows on its left
  atomic_int status; // of sorting; read when all chunks have ended
};

static grove__entry *entries(const struct exact *e, const struct pending *p, size_t feature)
{
  return e->half[p->half] + feature * e->x->rows + p->from;
}

static grove__values feature_of(const struct exact *e, size_t f)
{
  return grove__feature((grove__features){e->x->column, e->rule->floats}, f);
}

static void sort_feature(void *user, size_t f)
{
  struct exact *e = user;
  grove__values v = feature_of(e, f);
  size_t rows = e->x->rows, present = 0;
  grove__entry *out = e->half[0] + f * rows;
  uint32_t *order = grove__alloc_array(e->a, rows, 2 * sizeof *order);
  if (!order || grove__presort(e->a, v, rows, order, &present)) {
    atomic_store_explicit(&e->status, GROVE_ENOMEM, memory_order_relaxed); // see the field
  } else {
    uint32_t *rank = order + rows;
    e->missing[f] = (uint32_t)grove__presort_ranks(v, order, rows, present, rank);
    const double *w = e->rule->weight; // what weighs nothing is not looked at
    for (size_t i = 0, k = 0; i < rows; i++) {
      if (!w || w[order[i]] > 0) {
        out[k++] = (grove__entry){order[i], rank[order[i]]};
      }
    }
    if (e->rule->category && e->rule->category[f] &&
        !(e->category[f] =
                grove__alloc_array(e->a, e->missing[f] + (size_t)1, sizeof **e->category))) {
      atomic_store_explicit(&e->status, GROVE_ENOMEM, memory_order_relaxed); // see the field
    }
  }
  grove__free(e->a, order, rows * 2 * sizeof *order);
}

// Looks at the places between `present` rows that differ, the left side beginning with `from` of `base` rows.
static void scan(const struct exact *e, const grove__entry *o, size_t present, int64_t from,
    size_t base, struct split *best)
{
  grove__exact_terms t = {(double)e->at.all.q, (double)e->at.count, (double)e->rule->least_leaf};
  double before = best->gain;
  if (present > 1) {
    e->rule->kernels->exact_scan(o, present - 1, e->q, &t, from, base, &best->gain, &best->last);
    best->missing_left = best->gain > before ? base > 0 : best->missing_left;
  }
}

// ---- one split at a time: sets of categories, bounds, and rows with weights ---------------------------
static grove__gain_rule rule_of(const struct exact *e)
{
  return (grove__gain_rule){
      .least_weight = e->rule->least_leaf > 1 ? (double)e->rule->least_leaf * e->per_row : 1,
      .monotone = e->rule->monotone,
      .low = e->at.bounds.low,
      .high = e->at.bounds.high};
}

static inline void add_row(const struct exact *e, uint32_t row, grove__sum *sum)
{
  sum->q += e->q[row];
  sum->weight += e->units ? e->units[row] : 1;
}

static grove__sum sum_of(const struct exact *e, const grove__entry *o, size_t n)
{
  grove__sum sum = {0, 0};
  for (size_t i = 0; i < n; i++) {
    add_row(e, o[i].row, &sum);
  }
  return sum;
}

static void scan_alone(const struct exact *e, const grove__entry *o, size_t present, uint32_t f,
    grove__sum left, struct split *best)
{
  grove__gain_rule rule = rule_of(e);
  bool missing_left = left.weight > 0;
  size_t end = missing_left || present == e->at.count ? present : present + 1;
  for (size_t i = 0; i + 1 < end; i++) {
    add_row(e, o[i].row, &left);
    if (o[i].rank != o[i + 1].rank) {
      double gain = grove__split_gain(e->at.all, left, &rule, grove__direction(&rule, f));
      if (gain > best->gain) {
        *best = (struct split){gain, i, missing_left, false};
      }
    }
  }
}

// Leaves the order of the categories in e->category[f], with ranks for ids.
static grove__category_cut split_categories(
    const struct exact *e, const grove__entry *o, size_t present, uint32_t f)
{
  grove__gain_rule rule = rule_of(e);
  grove__category *c = e->category[f];
  size_t n = 0;
  for (size_t i = 0; i < present; i++) {
    if (i == 0 || o[i].rank != o[i - 1].rank) {
      c[n++] = (grove__category){.id = o[i].rank};
    }
    add_row(e, o[i].row, &c[n - 1].sum);
  }
  grove__sum missing = sum_of(e, o + present, e->at.count - present);
  return grove__category_split(c, n, e->at.all, missing, false, &rule, -1);
}

static size_t count_present(const struct exact *e, const grove__entry *o, size_t f)
{
  size_t n = e->at.count;
  while (n && o[n - 1].rank == e->missing[f]) {
    n--;
  }
  return n;
}

static void scan_feature(void *user, size_t f)
{
  struct exact *e = user;
  const struct pending *p = &e->at;
  const grove__entry *o = entries(e, p, f);
  struct split *best = &e->split[f];
  *best = (struct split){.gain = -1};
  if (!e->use[f] || o[0].rank == o[p->count - 1].rank) {
    return;
  }
  size_t present = count_present(e, o, f), missing = p->count - present;
  if (e->category && e->category[f]) {
    *best =
        (struct split){.gain = split_categories(e, o, present, (uint32_t)f).gain, .by_set = true};
    return;
  }
  grove__sum nan = sum_of(e, o + present, missing);
  if (e->units || e->rule->monotone) {
    scan_alone(e, o, present, (uint32_t)f, (grove__sum){0, 0}, best);
    if (missing) {
      scan_alone(e, o, present, (uint32_t)f, nan, best);
    }
    return;
  }
  // One more place when NaN is there: behind the last number.
  scan(e, o, missing ? present + 1 : present, 0, 0, best);
  if (missing) {
    scan(e, o, present, nan.q, missing, best);
  }
}

static void part_feature(void *user, size_t f)
{
  struct exact *e = user;
  const struct pending *p = &e->at;
  grove__entry *to = e->half[1 - p->half] + f * e->x->rows + p->from;
  e->rule->kernels->exact_part(entries(e, p, f), p->count, e->side, to, to + e->left);
}

static grove_status each_feature(struct exact *e, void (*fn)(void *user, size_t f))
{
  size_t features = e->x->columns;
  if (e->at.count * features >= SHARED) {
    return grove__work_run(e->work, features, 1 + BUDGET / e->at.count, fn, e);
  }
  for (size_t f = 0; f < features; f++) {
    fn(e, f);
  }
  return GROVE_OK;
}

static void draw_features(struct exact *e)
{
  size_t all = e->x->columns, n = e->rule->node_features;
  if (n >= all) {
    return;
  }
  uint64_t place = ((uint64_t)e->at.from << 32) | e->at.count;
  uint64_t state = grove__mix64(e->rule->seed ^ grove__mix64(place)) + e->at.depth;
  for (size_t f = 0; f < all; f++) {
    e->draw[f] = (uint32_t)f;
  }
  memset(e->use, 0, all);
  for (size_t i = 0; i < n; i++) {
    size_t k = i + (size_t)grove__random_below(&state, all - i);
    uint32_t f = e->draw[k];
    e->draw[k] = e->draw[i];
    e->use[f] = 1;
  }
}

static bool is_pure(const struct exact *e)
{
  const grove__entry *o = entries(e, &e->at, 0);
  uint32_t first = o[0].row;
  for (size_t i = 1; i < e->at.count; i++) {
    uint32_t row = o[i].row;
    bool equal = e->units ? e->y[row] == e->y[first] : e->q[row] == e->q[first];
    if (!equal) {
      return false;
    }
  }
  return true;
}

// The best split of all features, of equals the first; gain < 0: none.
static grove_status choose(struct exact *e, struct split *best)
{
  *best = (struct split){.gain = -1};
  draw_features(e);
  for (int round = 0; round < 2 && best->gain < 0; round++) {
    GROVE__TRY(each_feature(e, scan_feature));
    for (size_t f = 0; f < e->x->columns; f++) {
      if (e->split[f].gain > best->gain) {
        *best = e->split[f];
        e->chosen = (uint32_t)f;
      }
    }
    if (e->rule->node_features >= e->x->columns) {
      break;
    }
    memset(e->use, 1, e->x->columns); // the drawn ones can't split: look at all
  }
  grove__gain_rule rule = rule_of(e);
  double before = grove__side_gain((double)e->at.all.q, (double)e->at.all.weight, &rule);
  double more = (best->gain - before) * e->unit * e->unit * e->weight_unit;
  double least = e->rule->least_decrease * e->per_row * e->weight_unit;
  if (best->gain >= 0 && least > 0 && more < least) {
    best->gain = -1;
  }
  return GROVE_OK;
}

static void mark_sides(struct exact *e, const struct split *s, grove__sum *sum)
{
  const grove__entry *o = entries(e, &e->at, e->chosen);
  *sum = (grove__sum){0, 0};
  e->left = 0;
  for (size_t i = 0; i < e->at.count; i++) {
    bool missing = o[i].rank == e->missing[e->chosen];
    bool l = missing ? s->missing_left : i <= s->last;
    e->side[o[i].row] = l;
    e->left += l;
    if (l) {
      add_row(e, o[i].row, sum);
    }
  }
}

static void write_split(struct exact *e, const struct split *s)
{
  const grove__entry *o = entries(e, &e->at, e->chosen);
  grove__values v = feature_of(e, e->chosen);
  bool none_missing = o[e->at.count - 1].rank != e->missing[e->chosen];
  bool missing_left = none_missing ? 2 * e->left >= e->at.count : s->missing_left;
  double next = grove__value(v, o[s->last + 1].row);
  grove__node *n = &e->nodes[e->at.node];
  n->value = isnan(next) ? HUGE_VAL : grove__between(grove__value(v, o[s->last].row), next);
  n->feature = e->chosen | (missing_left ? GROVE__NODE_MISSING_LEFT : 0);
  n->left = e->used;
}

// Room for a set of categories up to `most`; its words are zero. NULL: no memory.
static uint32_t *add_set(struct exact *e, uint32_t most, grove__set *set)
{
  size_t count = most / 32 + 1;
  if (count > e->word_room - e->word_count) {
    size_t room = 2 * e->word_room + count;
    uint32_t *more =
        grove__realloc(e->a, e->words, e->word_room * sizeof *more, room * sizeof *more);
    if (!more || room > UINT32_MAX) {
      return NULL;
    }
    e->words = more;
    e->word_room = room;
  }
  *set = (grove__set){(uint32_t)e->word_count, (uint32_t)count};
  e->word_count += count;
  return memset(e->words + set->first, 0, count * sizeof *e->words);
}

// Both at once: the set is found again, and its rows are marked.
static grove_status apply_set(struct exact *e, grove__sum *sum)
{
  const grove__entry *o = entries(e, &e->at, e->chosen);
  grove__values v = feature_of(e, e->chosen);
  size_t present = count_present(e, o, e->chosen);
  grove__category_cut cut = split_categories(e, o, present, e->chosen);
  const grove__category *c = e->category[e->chosen];
  memset(e->in, 0, e->missing[e->chosen] + (size_t)1);
  for (size_t i = cut.from; i < cut.end; i++) {
    e->in[c[i].id] = 1;
  }
  e->in[e->missing[e->chosen]] = cut.missing_left;
  uint32_t most = 0;
  e->left = 0;
  for (size_t i = 0; i < e->at.count; i++) {
    bool l = e->in[o[i].rank];
    e->side[o[i].row] = l;
    e->left += l;
    most = l && i < present ? (uint32_t)grove__value(v, o[i].row) : most; // they rise
  }
  *sum = cut.left;
  grove__set set = {0, 0};
  uint32_t *words = add_set(e, most, &set);
  for (size_t i = 0; words && i < present; i++) {
    uint32_t category = (uint32_t)grove__value(v, o[i].row);
    if (e->in[o[i].rank]) {
      words[category / 32] |= (uint32_t)1 << category % 32;
    }
  }
  grove__node *n = &e->nodes[e->at.node];
  n->feature = e->chosen | GROVE__NODE_CATEGORY | (cut.missing_left ? GROVE__NODE_MISSING_LEFT : 0);
  n->left = e->used;
  grove__node_set_put(n, set);
  return words ? GROVE_OK : GROVE_ENOMEM;
}

static grove_status push(struct exact *e, const struct pending *p)
{
  if (e->depth == e->room) {
    size_t room = e->room ? 2 * e->room : 64;
    struct pending *more =
        grove__realloc(e->a, e->stack, e->room * sizeof *more, room * sizeof *more);
    if (!more) {
      return GROVE_ENOMEM;
    }
    e->stack = more;
    e->room = room;
  }
  e->stack[e->depth++] = *p;
  return GROVE_OK;
}

static void make_leaf(struct exact *e)
{
  const struct pending *p = &e->at;
  grove__gain_rule rule = rule_of(e);
  double mean = grove__side_value((double)p->all.q, (double)p->all.weight, &rule) * e->unit;
  e->nodes[p->node] = (grove__node){.value = e->center + mean};
  e->facts[p->node] = (grove__node_fact){.cover = (float)((double)p->all.weight * e->weight_unit)};
}

static void note_split(struct exact *e, double gain)
{
  double q = (double)e->at.all.q, weight = (double)e->at.all.weight;
  e->facts[e->at.node] = (grove__node_fact){
      (float)grove__more_gain(gain, q, weight, e->unit * e->unit * e->weight_unit),
      (float)(weight * e->weight_unit)};
}

// One row is one, however little it weighs: only more than two are asked of the weights.
static bool is_large(const struct exact *e)
{
  size_t least = e->rule->least_split;
  return least <= 2 || (double)e->at.all.weight >= (double)least * e->per_row;
}

static grove_status grow_node(struct exact *e)
{
  const struct pending *p = &e->at;
  const grove__exact_rule *r = e->rule;
  struct split s = {.gain = -1};
  grove__sum sum;
  if (!e->expired && p->depth < r->max_depth && p->count >= 2 && is_large(e) && !is_pure(e)) {
    GROVE__TRY(choose(e, &s));
  }
  if (s.gain < 0) {
    make_leaf(e);
    return GROVE_OK;
  }
  note_split(e, s.gain);
  if (s.by_set) {
    GROVE__TRY(apply_set(e, &sum));
  } else {
    mark_sides(e, &s, &sum);
    write_split(e, &s);
  }
  GROVE__TRY(each_feature(e, part_feature));
  grove__gain_rule rule = rule_of(e);
  grove__bounds side[2];
  grove__bounds_part(p->all, sum, &rule, grove__direction(&rule, e->chosen), side);
  struct pending l = {sum, p->from, e->left, e->used, p->depth + 1, 1 - p->half, side[0]};
  struct pending right = {{p->all.q - sum.q, p->all.weight - sum.weight}, p->from + e->left,
      p->count - e->left, e->used + 1, p->depth + 1, 1 - p->half, side[1]};
  e->used += 2;
  GROVE__TRY(push(e, &right));
  return push(e, &l);
}

static grove_status grow_all(struct exact *e)
{
  size_t done = 0;
  struct pending root = {.count = e->alive, .bounds = {-HUGE_VAL, HUGE_VAL}};
  for (size_t i = 0; i < e->x->rows; i++) {
    add_row(e, (uint32_t)i, &root.all);
  }
  e->used = 1;
  GROVE__TRY(push(e, &root));
  while (e->depth) {
    e->at = e->stack[--e->depth];
    GROVE__TRY(grow_node(e));
    done += (e->at.count + 8) * e->x->columns;
    if (done >= BUDGET) {
      done = 0;
      GROVE__TRY(grove__work_yield(e->work));
      e->expired = grove__work_expired(e->work);
    }
  }
  return GROVE_OK;
}

static grove_status reserve(struct exact *e)
{
  size_t rows = e->x->rows, all = e->x->columns, cells;
  if (!grove__multiply(rows, all, &cells)) {
    return GROVE_ENOMEM;
  }
  e->half[0] = grove__alloc_array(e->a, cells, sizeof(grove__entry));
  e->half[1] = grove__alloc_array(e->a, cells, sizeof(grove__entry));
  e->missing = grove__alloc_array(e->a, all, sizeof *e->missing);
  e->split = grove__alloc_array(e->a, all, sizeof *e->split);
  e->use = grove__alloc_array(e->a, all, 1);
  e->draw = grove__alloc_array(e->a, all, sizeof *e->draw);
  e->q = grove__alloc_array(e->a, rows, sizeof *e->q);
  e->side = grove__alloc_zero(e->a, rows + 3); // see grow_kernels.h
  e->in = e->rule->category ? grove__alloc(e->a, rows + 1) : NULL;
  e->category = e->rule->category ? grove__alloc_zero(e->a, all * sizeof *e->category) : NULL;
  e->units = e->rule->weight ? grove__alloc_array(e->a, rows, sizeof *e->units) : NULL;
  if ((e->rule->category && (!e->in || !e->category)) || (e->rule->weight && !e->units)) {
    return GROVE_ENOMEM;
  }
  e->nodes = grove__alloc_array(e->a, 2 * rows, sizeof *e->nodes);
  e->facts = grove__alloc_array(e->a, 2 * rows, sizeof *e->facts);
  if (!e->half[0] || !e->half[1] || !e->missing || !e->split || !e->use || !e->draw || !e->q ||
      !e->side || !e->nodes || !e->facts) {
    return GROVE_ENOMEM;
  }
  memset(e->use, 1, all);
  return GROVE_OK;
}

static void release(struct exact *e)
{
  size_t rows = e->x->rows, all = e->x->columns;
  grove__free(e->a, e->half[0], rows * all * sizeof(grove__entry));
  grove__free(e->a, e->half[1], rows * all * sizeof(grove__entry));
  grove__free(e->a, e->split, all * sizeof *e->split);
  grove__free(e->a, e->use, all);
  grove__free(e->a, e->draw, all * sizeof *e->draw);
  grove__free(e->a, e->q, rows * sizeof *e->q);
  for (size_t f = 0; e->category && f < all; f++) {
    grove__free(e->a, e->category[f], (e->missing[f] + (size_t)1) * sizeof **e->category);
  }
  grove__free(e->a, e->category, all * sizeof *e->category);
  grove__free(e->a, e->missing, all * sizeof *e->missing);
  grove__free(e->a, e->in, rows + 1);
  grove__free(e->a, e->units, rows * sizeof *e->units);
  grove__free(e->a, e->words, e->word_room * sizeof *e->words);
  grove__free(e->a, e->side, rows + 3);
  grove__free(e->a, e->nodes, 2 * rows * sizeof *e->nodes);
  grove__free(e->a, e->facts, 2 * rows * sizeof *e->facts);
  grove__free(e->a, e->stack, e->room * sizeof *e->stack);
}

// Whole numbers of at most 51 bits, with room for the sum of all rows.
static void quantise(struct exact *e)
{
  double most;
  int exponent = 0;
  grove__row_units w = grove__units_of(e->rule->weight, e->x->rows, e->units);
  e->alive = w.alive;
  e->per_row = w.per_row;
  e->weight_unit = w.unit;
  e->center = grove__center_of(e->y, e->x->rows, &most);
  frexp(most, &exponent);
  int bits = 62 - w.bits < 50 ? 62 - w.bits : 50;
  exponent = most > 0 ? bits - exponent : 0;
  exponent = exponent > 1000 ? 1000 : exponent < -1000 ? -1000 : exponent;
  double scale = ldexp(1, exponent);
  e->unit = ldexp(1, -exponent);
  for (size_t i = 0; i < e->x->rows; i++) {
    e->q[i] = llrint((e->y[i] - e->center) * scale) * (e->units ? e->units[i] : 1);
  }
}

grove_status grove__exact_grow(const grove_allocator *a, const grove_matrix *x, const double *y,
    const grove__exact_rule *rule, const grove_work *work, grove__tree *out)
{
  struct exact e = {.a = a, .x = x, .y = y, .rule = rule, .work = work};
  grove_status s = reserve(&e);
  if (s == GROVE_OK) {
    quantise(&e);
    s = grove__work_run(work, x->columns, 1 + BUDGET / (8 * x->rows + 1), sort_feature, &e);
  }
  if (s == GROVE_OK) {
    s = (grove_status)atomic_load_explicit(&e.status, memory_order_relaxed);
  }
  if (s == GROVE_OK) {
    s = grow_all(&e);
  }
  if (s == GROVE_OK) {
    s = grove__tree_copy(a, e.nodes, e.facts, e.used, e.words, NULL, 0, out);
  }
  release(&e);
  return s;
}
