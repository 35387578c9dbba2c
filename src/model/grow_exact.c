#include "model/grow_exact.h"
#include "base/random.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"
#include "model/presort.h"
#include "model/tree_learner.h"
#include <math.h>
#include <stdatomic.h>

enum {
  SHARED = 1 << 17, // row-features of a node that is worth sharing by feature
  BUDGET = 200000   // row-features between two yields
};

struct split {
  double gain;
  size_t last; // position of the last one on the left
  bool missing_left;
};

// A node that waits, and where its rows lie in every order.
struct pending {
  int64_t sum; // of its q
  size_t from;
  size_t count;
  uint32_t node;
  uint32_t depth;
  uint32_t half; // which half of the entries has its rows
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
  int64_t *q;    // by row
  uint8_t *side; // by row: 1 goes left
  grove__node *nodes;
  grove__node_fact *facts;
  uint32_t used;
  struct pending *stack;
  size_t depth; // of the stack
  size_t room;
  double center;
  double scale;
  double unit;
  struct pending at; // the node at hand
  uint32_t chosen;   // its feature
  size_t left;       // rows on its left
  atomic_int status; // of sorting; read when all chunks have ended
};

static grove__entry *entries(const struct exact *e, const struct pending *p, size_t feature)
{
  return e->half[p->half] + feature * e->x->rows + p->from;
}

static void sort_feature(void *user, size_t f)
{
  struct exact *e = user;
  const double *v = e->x->column[f];
  size_t rows = e->x->rows, present = 0;
  grove__entry *out = e->half[0] + f * rows;
  uint32_t *order = grove__alloc_array(e->a, rows, 2 * sizeof *order);
  if (!order || grove__presort(e->a, v, rows, order, &present)) {
    atomic_store_explicit(&e->status, GROVE_ENOMEM, memory_order_relaxed); // see the field
  } else {
    uint32_t *rank = order + rows;
    e->missing[f] = (uint32_t)grove__presort_ranks(v, order, rows, present, rank);
    for (size_t i = 0; i < rows; i++) {
      out[i] = (grove__entry){order[i], rank[order[i]]};
    }
  }
  grove__free(e->a, order, rows * 2 * sizeof *order);
}

// Looks at the places between `present` rows that differ, the left side beginning with `from` of `base` rows.
static void scan(const struct exact *e, const grove__entry *o, size_t present, int64_t from,
    size_t base, struct split *best)
{
  grove__exact_terms t = {(double)e->at.sum, (double)e->at.count, (double)e->rule->least_leaf};
  double before = best->gain;
  if (present > 1) {
    e->rule->kernels->exact_scan(o, present - 1, e->q, &t, from, base, &best->gain, &best->last);
    best->missing_left = best->gain > before ? base > 0 : best->missing_left;
  }
}

static void scan_feature(void *user, size_t f)
{
  struct exact *e = user;
  const struct pending *p = &e->at;
  const grove__entry *o = entries(e, p, f);
  size_t missing = 0;
  int64_t sum = 0;
  e->split[f] = (struct split){.gain = -1};
  if (!e->use[f] || o[0].rank == o[p->count - 1].rank) {
    return;
  }
  while (o[p->count - 1 - missing].rank == e->missing[f]) {
    missing++;
    sum += e->q[o[p->count - missing].row];
  }
  size_t present = p->count - missing;
  // One more place when NaN is there: behind the last number.
  scan(e, o, missing ? present + 1 : present, 0, 0, &e->split[f]);
  if (missing) {
    scan(e, o, present, sum, missing, &e->split[f]);
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
  for (size_t i = 1; i < e->at.count; i++) {
    if (e->q[o[i].row] != e->q[o[0].row]) {
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
  double sum = (double)e->at.sum;
  double more = (best->gain - sum * sum / (double)e->at.count) * e->unit * e->unit;
  if (best->gain >= 0 && e->rule->least_decrease > 0 && more < e->rule->least_decrease) {
    best->gain = -1;
  }
  return GROVE_OK;
}

static void mark_sides(struct exact *e, const struct split *s, int64_t *sum)
{
  const grove__entry *o = entries(e, &e->at, e->chosen);
  *sum = 0;
  e->left = 0;
  for (size_t i = 0; i < e->at.count; i++) {
    bool missing = o[i].rank == e->missing[e->chosen];
    bool l = missing ? s->missing_left : i <= s->last;
    e->side[o[i].row] = l;
    e->left += l;
    *sum += l ? e->q[o[i].row] : 0;
  }
}

static void write_split(struct exact *e, const struct split *s)
{
  const grove__entry *o = entries(e, &e->at, e->chosen);
  const double *v = e->x->column[e->chosen];
  bool none_missing = o[e->at.count - 1].rank != e->missing[e->chosen];
  bool missing_left = none_missing ? 2 * e->left >= e->at.count : s->missing_left;
  double next = v[o[s->last + 1].row];
  grove__node *n = &e->nodes[e->at.node];
  n->value = isnan(next) ? HUGE_VAL : grove__between(v[o[s->last].row], next);
  n->feature = e->chosen | (missing_left ? GROVE__NODE_MISSING_LEFT : 0);
  n->left = e->used;
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

static grove_status grow_node(struct exact *e)
{
  const struct pending *p = &e->at;
  const grove__exact_rule *r = e->rule;
  struct split s = {.gain = -1};
  int64_t sum;
  if (p->depth < r->max_depth && p->count >= r->least_split && p->count >= 2 && !is_pure(e)) {
    GROVE__TRY(choose(e, &s));
  }
  if (s.gain < 0) {
    double mean = (double)p->sum / (double)p->count * e->unit;
    e->nodes[p->node] = (grove__node){.value = e->center + mean};
    e->facts[p->node] = (grove__node_fact){.cover = (float)p->count};
    return GROVE_OK;
  }
  e->facts[p->node] = (grove__node_fact){
      (float)grove__more_gain(s.gain, (double)p->sum, (double)p->count, e->unit * e->unit),
      (float)p->count};
  mark_sides(e, &s, &sum);
  write_split(e, &s);
  GROVE__TRY(each_feature(e, part_feature));
  struct pending l = {sum, p->from, e->left, e->used, p->depth + 1, 1 - p->half};
  struct pending right = {
      p->sum - sum, p->from + e->left, p->count - e->left, e->used + 1, p->depth + 1, 1 - p->half};
  e->used += 2;
  GROVE__TRY(push(e, &right));
  return push(e, &l);
}

static grove_status grow_all(struct exact *e)
{
  size_t done = 0;
  struct pending root = {.count = e->x->rows};
  for (size_t i = 0; i < e->x->rows; i++) {
    root.sum += e->q[i];
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
  grove__free(e->a, e->missing, all * sizeof *e->missing);
  grove__free(e->a, e->split, all * sizeof *e->split);
  grove__free(e->a, e->use, all);
  grove__free(e->a, e->draw, all * sizeof *e->draw);
  grove__free(e->a, e->q, rows * sizeof *e->q);
  grove__free(e->a, e->side, rows + 3);
  grove__free(e->a, e->nodes, 2 * rows * sizeof *e->nodes);
  grove__free(e->a, e->facts, 2 * rows * sizeof *e->facts);
  grove__free(e->a, e->stack, e->room * sizeof *e->stack);
}

// Whole numbers of at most 51 bits, with room for the sum of all rows.
static void quantise(struct exact *e, const double *y)
{
  double most;
  int exponent = 0, rows = 0;
  e->center = grove__center_of(y, e->x->rows, &most);
  frexp(most, &exponent);
  frexp((double)e->x->rows, &rows);
  int bits = 62 - rows < 50 ? 62 - rows : 50;
  exponent = most > 0 ? bits - exponent : 0;
  exponent = exponent > 1000 ? 1000 : exponent < -1000 ? -1000 : exponent;
  e->scale = ldexp(1, exponent);
  e->unit = ldexp(1, -exponent);
  for (size_t i = 0; i < e->x->rows; i++) {
    e->q[i] = llrint((y[i] - e->center) * e->scale);
  }
}

grove_status grove__exact_grow(const grove_allocator *a, const grove_matrix *x, const double *y,
    const grove__exact_rule *rule, const grove_work *work, grove__tree *out)
{
  struct exact e = {.a = a, .x = x, .rule = rule, .work = work};
  grove_status s = reserve(&e);
  if (s == GROVE_OK) {
    quantise(&e, y);
    s = grove__work_run(work, x->columns, 1 + BUDGET / (8 * x->rows + 1), sort_feature, &e);
  }
  if (s == GROVE_OK) {
    s = (grove_status)atomic_load_explicit(&e.status, memory_order_relaxed);
  }
  if (s == GROVE_OK) {
    s = grow_all(&e);
  }
  if (s == GROVE_OK) {
    s = grove__tree_copy(a, e.nodes, e.facts, e.used, out);
  }
  release(&e);
  return s;
}
