#include "model/grow_exact.h"
#include "base/status.h"
#include "model/exact_node.h"
#include "model/fit_work.h"
#include "model/presort.h"
#include "model/tree_learner.h"
#include <math.h>
#include <stdlib.h>

enum {
  BUDGET = 200000, // row-features that take about a millisecond
  STEP = 20000,    // the same, between two looks at what is left
  LANES = 16,
  FRONTIER = 16,            // nodes that wait at once, while the top is grown
  TOP_NODES = 4 * FRONTIER, // node numbers of the top
  WORTH = 1 << 15,          // row-features of a tree that is worth sharing
  NODE_WORTH =
      1024, // rows of a node that all lanes split together while they have none of their own
  YIELDING = 1 << 15, // rows of a node that takes a part of a millisecond
  STACK = 64,         // nodes
  SLACK = 3           // bytes behind the sides that may be read
};

// ---- sorting ------------------------------------------------------------------------------------------
// Lanes take features in turn, and sort each in room of their own.
struct sorting {
  struct grove__exact *e;
  char *room;
  size_t each; // bytes of a lane
  size_t end;  // of the features of this round
  atomic_size_t next;
  atomic_bool missing; // any number
};

static void sort_feature(struct sorting *s, size_t f, char *room)
{
  struct grove__exact *e = s->e;
  grove__values v = grove__exact_feature(e, f);
  size_t rows = e->x->rows, pairs = rows + rows % 2;
  grove__entry *out = e->half[0] + f * rows;
  uint32_t *order = (uint32_t *)(void *)room, *rank = order + pairs;
  size_t present = grove__presort_in(v, rows, order, rank + pairs);
  if (present < rows) {
    atomic_store_explicit(&s->missing, true, memory_order_relaxed); // parallel_for's end orders it
  }
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
    atomic_store_explicit(e->status, GROVE_ENOMEM, memory_order_relaxed); // see the field
  }
}

static void sort_some(void *user, size_t lane)
{
  struct sorting *s = user;
  size_t f;
  while ((f = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed)) < s->end) {
    sort_feature(s, f, s->room + lane * s->each);
  }
}

static grove_status sort_all(struct grove__exact *e)
{
  size_t rows = e->x->rows, all = e->x->columns, width = grove__work_width(e->work);
  size_t lanes = width < all ? width : all, batch = lanes * (1 + BUDGET / (8 * rows + 1));
  struct sorting s = {.e = e};
  s.each = 2 * (rows + rows % 2) * sizeof(uint32_t) + grove__presort_scratch(rows);
  s.each = (s.each + 63) / 64 * 64;
  s.room = grove__alloc_array(e->a, lanes, s.each);
  grove_status status = s.room ? GROVE_OK : GROVE_ENOMEM;
  for (size_t from = 0; status == GROVE_OK && from < all; from = s.end) {
    s.end = all - from < batch ? all : from + batch;
    atomic_store_explicit(&s.next, from, memory_order_relaxed); // parallel_for begins after this
    status = grove__work_run(e->work, lanes, 1, sort_some, &s);
    status = status ? status : (grove_status)atomic_load_explicit(e->status, memory_order_relaxed);
  }
  bool missing = atomic_load_explicit(&s.missing, memory_order_relaxed);
  e->plain = !missing && !e->units && !e->rule->monotone && !e->rule->category;
  grove__free(e->a, s.room, lanes * s.each);
  return status;
}

// ---- growing ------------------------------------------------------------------------------------------
// Splits nodes of the first lane's stack, the last one first, for about `budget` row-features.
static grove_status grow_some(struct grove__exact *e, size_t budget)
{
  grove_status s = GROVE_OK;
  for (size_t done = 0; s == GROVE_OK && e->depth && done < budget;) {
    e->at = e->stack[--e->depth];
    s = grove__exact_node(e);
    done += (e->at.count + 8) * e->x->columns;
  }
  return s;
}

static grove_status grow_alone(struct grove__exact *e)
{
  while (e->depth) {
    GROVE__TRY(grow_some(e, BUDGET));
    GROVE__TRY(grove__work_yield(e->work));
    e->expired = grove__work_expired(e->work);
  }
  return GROVE_OK;
}

// Splits the largest node, all lanes sharing its features, until none is much of the whole.
static grove_status grow_top(struct grove__exact *e)
{
  size_t limit = e->alive / 8 > NODE_WORTH ? e->alive / 8 : NODE_WORTH;
  while (e->depth && e->depth < FRONTIER) {
    size_t at = 0;
    for (size_t i = 1; i < e->depth; i++) {
      at = e->stack[i].count > e->stack[at].count ? i : at;
    }
    if (e->stack[at].count <= limit) {
      break;
    }
    e->at = e->stack[at];
    e->stack[at] = e->stack[--e->depth];
    GROVE__TRY(grove__exact_node(e));
    GROVE__TRY(e->at.count >= YIELDING ? grove__work_yield(e->work) : GROVE_OK);
    e->expired = grove__work_expired(e->work);
  }
  return GROVE_OK;
}

struct sharing {
  struct grove__exact *first;
  struct grove__exact *lane;
  struct grove__exact_pending *node; // those that wait, the largest first
  size_t count;
  uint32_t begun[LANES]; // by lane: where its node numbers began
  atomic_size_t next;    // node to take; who takes which does not matter
  atomic_size_t used;    // nodes, in all
  atomic_size_t left;    // nodes that are not grown to their end
};

static void go_on(void *user, size_t i)
{
  struct sharing *s = user;
  struct grove__exact *e = &s->lane[i];
  e->expired = s->first->expired;
  for (size_t spent = 0; spent < BUDGET; spent += STEP) {
    if (!e->depth) {
      size_t at = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed); // only a ticket
      if (at >= s->count) {
        return;
      }
      // Node numbers from the place of the rows: a node of n rows needs less than 2n below it.
      e->used = s->begun[i] = (uint32_t)(TOP_NODES + 2 * s->node[at].from);
      e->stack[e->depth++] = s->node[at];
    }
    grove_status status = grow_some(e, STEP);
    if (status) {
      atomic_store_explicit(
          e->status, status, memory_order_relaxed); // parallel_for's end orders it
      return;
    }
    if (!e->depth) { // sums that are read when parallel_for has ended
      atomic_fetch_add_explicit(&s->used, e->used - s->begun[i], memory_order_relaxed);
      atomic_fetch_sub_explicit(&s->left, 1, memory_order_relaxed);
    }
  }
}

static int by_size(const void *a, const void *b)
{
  const struct grove__exact_pending *x = a, *y = b;
  return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                              : (x->from > y->from) - (x->from < y->from);
}

static void free_lane(struct grove__exact *e)
{
  grove__free(e->a, e->split, e->x->columns * sizeof *e->split);
  grove__free(e->a, e->use, e->x->columns);
  grove__free(e->a, e->draw, e->x->columns * sizeof *e->draw);
  grove__free(e->a, e->side, e->x->rows + SLACK);
  grove__free(e->a, e->stack, e->room * sizeof *e->stack);
}

static grove_status make_lane(struct grove__exact *e)
{
  size_t all = e->x->columns;
  e->split = grove__alloc_array(e->a, all, sizeof *e->split);
  e->use = grove__alloc_array(e->a, all, 1);
  e->draw = grove__alloc_array(e->a, all, sizeof *e->draw);
  e->side = grove__alloc_zero(e->a, e->x->rows + SLACK); // see grow_kernels.h
  e->room = STACK;
  e->stack = grove__alloc_array(e->a, e->room, sizeof *e->stack);
  if (!e->split || !e->use || !e->draw || !e->side || !e->stack) {
    return GROVE_ENOMEM;
  }
  memset(e->use, 1, all);
  return GROVE_OK;
}

static grove_status run_lanes(struct sharing *s, size_t lanes)
{
  struct grove__exact *e = s->first;
  while (atomic_load_explicit(&s->left, memory_order_relaxed)) {
    GROVE__TRY(grove__work_run(e->work, lanes, 1, go_on, s));
    GROVE__TRY((grove_status)atomic_load_explicit(e->status, memory_order_relaxed));
    e->expired = grove__work_expired(e->work);
  }
  e->used = (uint32_t)atomic_load_explicit(&s->used, memory_order_relaxed);
  return GROVE_OK;
}

// The nodes that wait, each grown to its end by one lane.
static grove_status grow_rest(struct grove__exact *e, size_t lanes)
{
  struct grove__exact lane[LANES];
  struct sharing s = {.first = e, .lane = lane, .node = e->stack, .count = e->depth};
  grove_status status = GROVE_OK;
  qsort(s.node, s.count, sizeof *s.node, by_size);
  atomic_init(&s.used, e->used);
  atomic_init(&s.left, s.count);
  for (size_t i = 0; i < lanes; i++) {
    lane[i] = *e;
    lane[i].work = NULL;
    lane[i].depth = 0;
    grove_status made = make_lane(&lane[i]);
    status = status ? status : made;
  }
  status = status ? status : run_lanes(&s, lanes);
  for (size_t i = 0; i < lanes; i++) {
    free_lane(&lane[i]);
  }
  e->depth = 0;
  return status;
}

// Sets of categories are found in room that lanes don't have of their own.
static size_t lanes_of(const struct grove__exact *e)
{
  size_t width = grove__work_width(e->work);
  bool worth = e->alive * e->x->columns >= WORTH && !e->rule->category;
  return !worth ? 1 : width < LANES ? width : LANES;
}

static grove_status grow_all(struct grove__exact *e)
{
  size_t lanes = lanes_of(e);
  struct grove__exact_pending root = {.count = e->alive, .bounds = {-HUGE_VAL, HUGE_VAL}};
  for (size_t i = 0; i < e->x->rows; i++) {
    grove__exact_add(e, (uint32_t)i, &root.all);
  }
  e->used = 1;
  GROVE__TRY(grove__exact_push(e, &root));
  if (lanes > 1) {
    GROVE__TRY(grow_top(e));
  }
  return lanes > 1 && e->depth > 1 ? grow_rest(e, lanes) : grow_alone(e);
}

static size_t node_room(const struct grove__exact *e)
{
  return 2 * e->x->rows + TOP_NODES;
}

static grove_status reserve(struct grove__exact *e)
{
  size_t rows = e->x->rows, all = e->x->columns, cells;
  if (!grove__multiply(rows, all, &cells)) {
    return GROVE_ENOMEM;
  }
  e->half[0] = grove__alloc_array(e->a, cells, sizeof(grove__entry));
  e->half[1] = grove__alloc_array(e->a, cells, sizeof(grove__entry));
  e->missing = grove__alloc_array(e->a, all, sizeof *e->missing);
  e->q = grove__alloc_array(e->a, rows, sizeof *e->q);
  e->in = e->rule->category ? grove__alloc(e->a, rows + 1) : NULL;
  e->category = e->rule->category ? grove__alloc_zero(e->a, all * sizeof *e->category) : NULL;
  e->units = e->rule->weight ? grove__alloc_array(e->a, rows, sizeof *e->units) : NULL;
  if ((e->rule->category && (!e->in || !e->category)) || (e->rule->weight && !e->units)) {
    return GROVE_ENOMEM;
  }
  e->nodes = grove__alloc_array(e->a, node_room(e), sizeof *e->nodes);
  e->facts = grove__alloc_array(e->a, node_room(e), sizeof *e->facts);
  bool good = e->half[0] && e->half[1] && e->missing && e->q && e->nodes && e->facts;
  return good ? make_lane(e) : GROVE_ENOMEM;
}

static void release(struct grove__exact *e)
{
  size_t rows = e->x->rows, all = e->x->columns;
  grove__free(e->a, e->half[0], rows * all * sizeof(grove__entry));
  grove__free(e->a, e->half[1], rows * all * sizeof(grove__entry));
  grove__free(e->a, e->q, rows * sizeof *e->q);
  for (size_t f = 0; e->category && f < all; f++) {
    grove__free(e->a, e->category[f], (e->missing[f] + (size_t)1) * sizeof **e->category);
  }
  grove__free(e->a, e->category, all * sizeof *e->category);
  grove__free(e->a, e->missing, all * sizeof *e->missing);
  grove__free(e->a, e->in, rows + 1);
  grove__free(e->a, e->units, rows * sizeof *e->units);
  grove__free(e->a, e->words, e->word_room * sizeof *e->words);
  grove__free(e->a, e->nodes, node_room(e) * sizeof *e->nodes);
  grove__free(e->a, e->facts, node_room(e) * sizeof *e->facts);
  free_lane(e);
}

// Whole numbers of at most 51 bits, with room for the sum of all rows.
static void quantise(struct grove__exact *e)
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
  atomic_int status; // of lanes
  struct grove__exact e = {.a = a, .x = x, .y = y, .rule = rule, .work = work, .status = &status};
  atomic_init(&status, GROVE_OK);
  grove_status s = reserve(&e);
  if (s == GROVE_OK) {
    quantise(&e);
    s = sort_all(&e);
  }
  if (s == GROVE_OK) {
    s = grow_all(&e);
  }
  if (s == GROVE_OK) {
    s = grove__tree_copy(a, NULL, e.nodes, e.facts, e.used, e.words, NULL, 0, out);
  }
  release(&e);
  return s;
}
