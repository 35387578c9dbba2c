// One node of an exact tree: the best split of all features, and its rows parted in each one's order.
#include "base/random.h"
#include "base/status.h"
#include "model/exact_node.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"
#include "model/tree_learner.h"
#include <math.h>

enum {
  SHARED = 1 << 16, // row-features of a node that is worth sharing by feature
  BUDGET = 200000   // row-features between two yields
};

static grove__entry *entries(
    const struct grove__exact *e, const struct grove__exact_pending *p, size_t feature)
{
  return e->half[p->half] + feature * e->x->rows + p->from;
}

// Looks at the places between `present` rows that differ, the left side beginning with `from` of `base` rows.
static void scan(const struct grove__exact *e, const grove__entry *o, size_t present, int64_t from,
    size_t base, struct grove__exact_split *best)
{
  grove__exact_terms t = {(double)e->at.all.q, (double)e->at.count, (double)e->rule->least_leaf};
  double before = best->gain;
  if (present > 1) {
    e->rule->kernels->exact_scan(o, present - 1, e->q, &t, from, base, &best->gain, &best->last);
    best->missing_left = best->gain > before ? base > 0 : best->missing_left;
  }
}

// ---- one split at a time: sets of categories, bounds, and rows with weights ---------------------------
static grove__gain_rule rule_of(const struct grove__exact *e)
{
  return (grove__gain_rule){
      .least_weight = e->rule->least_leaf > 1 ? (double)e->rule->least_leaf * e->per_row : 1,
      .monotone = e->rule->monotone,
      .low = e->at.bounds.low,
      .high = e->at.bounds.high};
}

static grove__sum sum_of(const struct grove__exact *e, const grove__entry *o, size_t n)
{
  grove__sum sum = {0, 0};
  for (size_t i = 0; i < n; i++) {
    grove__exact_add(e, o[i].row, &sum);
  }
  return sum;
}

static void scan_alone(const struct grove__exact *e, const grove__entry *o, size_t present,
    uint32_t f, grove__sum left, struct grove__exact_split *best)
{
  grove__gain_rule rule = rule_of(e);
  bool missing_left = left.weight > 0;
  size_t end = missing_left || present == e->at.count ? present : present + 1;
  for (size_t i = 0; i + 1 < end; i++) {
    grove__exact_add(e, o[i].row, &left);
    if (o[i].rank != o[i + 1].rank) {
      double gain = grove__split_gain(e->at.all, left, &rule, grove__direction(&rule, f));
      if (gain > best->gain) {
        *best = (struct grove__exact_split){gain, i, missing_left, false};
      }
    }
  }
}

// Leaves the order of the categories in e->category[f], with ranks for ids.
static grove__category_cut split_categories(
    const struct grove__exact *e, const grove__entry *o, size_t present, uint32_t f)
{
  grove__gain_rule rule = rule_of(e);
  grove__category *c = e->category[f];
  size_t n = 0;
  for (size_t i = 0; i < present; i++) {
    if (i == 0 || o[i].rank != o[i - 1].rank) {
      c[n++] = (grove__category){.id = o[i].rank};
    }
    grove__exact_add(e, o[i].row, &c[n - 1].sum);
  }
  grove__sum missing = sum_of(e, o + present, e->at.count - present);
  return grove__category_split(c, n, e->at.all, missing, false, &rule, -1);
}

static size_t count_present(const struct grove__exact *e, const grove__entry *o, size_t f)
{
  size_t n = e->at.count;
  while (n && o[n - 1].rank == e->missing[f]) {
    n--;
  }
  return n;
}

static void scan_feature(void *user, size_t f)
{
  struct grove__exact *e = user;
  const struct grove__exact_pending *p = &e->at;
  const grove__entry *o = entries(e, p, f);
  struct grove__exact_split *best = &e->split[f];
  *best = (struct grove__exact_split){.gain = -1};
  if (!e->use[f] || o[0].rank == o[p->count - 1].rank) {
    return;
  }
  size_t present = count_present(e, o, f), missing = p->count - present;
  if (e->category && e->category[f]) {
    *best = (struct grove__exact_split){
        .gain = split_categories(e, o, present, (uint32_t)f).gain, .by_set = true};
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
  struct grove__exact *e = user;
  const struct grove__exact_pending *p = &e->at;
  grove__entry *to = e->half[1 - p->half] + f * e->x->rows + p->from;
  e->rule->kernels->exact_part(entries(e, p, f), p->count, e->side, to, to + e->left);
}

// Whether lanes share the node at hand by its features.
static bool is_shared(const struct grove__exact *e)
{
  return grove__work_width(e->work) > 1 && e->at.count * e->x->columns >= SHARED;
}

static grove_status each_feature(struct grove__exact *e, void (*fn)(void *user, size_t f))
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

static void draw_features(struct grove__exact *e)
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

static bool is_pure(const struct grove__exact *e)
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

static void scan_all(struct grove__exact *e, struct grove__exact_split *best)
{
  const struct grove__exact_pending *p = &e->at;
  grove__exact_terms t = {(double)p->all.q, (double)p->count, (double)e->rule->least_leaf};
  grove__exact_best found = {.gain = -1};
  e->rule->kernels->exact_scan_all(
      entries(e, p, 0), e->x->rows, e->x->columns, p->count, e->q, &t, &found);
  *best = (struct grove__exact_split){.gain = found.gain, .last = found.last};
  e->chosen = found.feature;
}

// Of all features in turn, of equals the first.
static grove_status scan_each(struct grove__exact *e, struct grove__exact_split *best)
{
  *best = (struct grove__exact_split){.gain = -1};
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
  return GROVE_OK;
}

// The best split; gain < 0: none.
static grove_status choose(struct grove__exact *e, struct grove__exact_split *best)
{
  if (e->plain && e->rule->node_features >= e->x->columns && !is_shared(e)) {
    scan_all(e, best);
  } else {
    GROVE__TRY(scan_each(e, best));
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

static void mark_sides(struct grove__exact *e, const struct grove__exact_split *s, grove__sum *sum)
{
  const grove__entry *o = entries(e, &e->at, e->chosen);
  *sum = (grove__sum){0, 0};
  e->left = 0;
  if (e->plain) {
    for (size_t i = 0; i < e->at.count; i++) {
      e->side[o[i].row] = i <= s->last;
    }
    for (; e->left <= s->last; e->left++) {
      sum->q += e->q[o[e->left].row];
    }
    sum->weight = (int64_t)e->left;
    return;
  }
  for (size_t i = 0; i < e->at.count; i++) {
    bool missing = o[i].rank == e->missing[e->chosen];
    bool l = missing ? s->missing_left : i <= s->last;
    e->side[o[i].row] = l;
    e->left += l;
    if (l) {
      grove__exact_add(e, o[i].row, sum);
    }
  }
}

static void write_split(struct grove__exact *e, const struct grove__exact_split *s)
{
  const grove__entry *o = entries(e, &e->at, e->chosen);
  grove__values v = grove__exact_feature(e, e->chosen);
  bool none_missing = o[e->at.count - 1].rank != e->missing[e->chosen];
  bool missing_left = none_missing ? 2 * e->left >= e->at.count : s->missing_left;
  double next = grove__value(v, o[s->last + 1].row);
  grove__node *n = &e->nodes[e->at.node];
  n->value = isnan(next) ? HUGE_VAL : grove__between(grove__value(v, o[s->last].row), next);
  n->feature = e->chosen | (missing_left ? GROVE__NODE_MISSING_LEFT : 0);
  n->left = e->used;
}

// Room for a set of categories up to `most`; its words are zero. NULL: no memory.
static uint32_t *add_set(struct grove__exact *e, uint32_t most, grove__set *set)
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
static grove_status apply_set(struct grove__exact *e, grove__sum *sum)
{
  const grove__entry *o = entries(e, &e->at, e->chosen);
  grove__values v = grove__exact_feature(e, e->chosen);
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

grove_status grove__exact_push(struct grove__exact *e, const struct grove__exact_pending *p)
{
  if (e->depth == e->room) {
    size_t room = e->room ? 2 * e->room : 64;
    struct grove__exact_pending *more =
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

static void make_leaf(struct grove__exact *e)
{
  const struct grove__exact_pending *p = &e->at;
  grove__gain_rule rule = rule_of(e);
  double mean = grove__side_value((double)p->all.q, (double)p->all.weight, &rule) * e->unit;
  double cover = (double)p->all.weight * e->weight_unit;
  e->nodes[p->node] = grove__node_leaf(e->center + mean, cover);
  e->facts[p->node] = (grove__node_fact){.cover = (float)cover};
}

static void note_split(struct grove__exact *e, double gain)
{
  double q = (double)e->at.all.q, weight = (double)e->at.all.weight;
  e->facts[e->at.node] = (grove__node_fact){
      (float)grove__more_gain(gain, q, weight, e->unit * e->unit * e->weight_unit),
      (float)(weight * e->weight_unit)};
}

// Whether a node can be nothing but a leaf. One row is one, however little it weighs: only more than two are asked of the
// weights.
static bool is_settled(const struct grove__exact *e, const struct grove__exact_pending *p)
{
  size_t least = e->rule->least_split;
  return p->depth >= e->rule->max_depth || p->count < 2 ||
         (least > 2 && (double)p->all.weight < (double)least * e->per_row);
}

static grove_status part_all(struct grove__exact *e)
{
  const struct grove__exact_pending *p = &e->at;
  size_t rows = e->x->rows;
  if (is_shared(e)) {
    return each_feature(e, part_feature);
  }
  e->rule->kernels->exact_part_all(entries(e, p, 0), rows, e->x->columns, p->count, e->side,
      e->half[1 - p->half] + p->from, e->left);
  return GROVE_OK;
}

grove_status grove__exact_node(struct grove__exact *e)
{
  const struct grove__exact_pending *p = &e->at;
  struct grove__exact_split s = {.gain = -1};
  grove__sum sum;
  if (!e->expired && !is_settled(e, p) && !is_pure(e)) {
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
  grove__gain_rule rule = rule_of(e);
  grove__bounds side[2];
  grove__bounds_part(p->all, sum, &rule, grove__direction(&rule, e->chosen), side);
  struct grove__exact_pending l = {
      sum, p->from, e->left, e->used, p->depth + 1, 1 - p->half, side[0]};
  struct grove__exact_pending right = {{p->all.q - sum.q, p->all.weight - sum.weight},
      p->from + e->left, p->count - e->left, e->used + 1, p->depth + 1, 1 - p->half, side[1]};
  if (!is_settled(e, &l) || !is_settled(e, &right)) { // a leaf's rows are not looked at
    GROVE__TRY(part_all(e));
  }
  e->used += 2;
  GROVE__TRY(grove__exact_push(e, &right));
  return grove__exact_push(e, &l);
}
