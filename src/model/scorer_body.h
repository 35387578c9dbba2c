// The bodies' text: included once for each set of instructions, which the compiler then makes use of. Coding is loops
// over a group of rows that become vectors where there are any; walking is loops over eight rows side by side.
#ifndef GROVE_MODEL_SCORER_BODY_H
#define GROVE_MODEL_SCORER_BODY_H
#include "model/scorer_lanes.h"
#include "model/tree_step.h"

enum {
  WALK = 8,    // rows that walk a tree side by side: their cache misses overlap
  ROUND = 4,   // steps between two looks at whether all have arrived
  SHALLOW = 12 // levels that are walked without
};

// ---- values -------------------------------------------------------------------------------------------
static inline void fetch(
    const grove__view *x, uint32_t feature, size_t from, size_t rows, double *v)
{
  ptrdiff_t step = x->column ? 1 : x->row_step;
  ptrdiff_t at =
      x->column ? (ptrdiff_t)from : (ptrdiff_t)from * step + (ptrdiff_t)feature * x->column_step;
  const void *data = x->column ? x->column[feature] : x->data;
  if (x->floats) {
    const float *p = (const float *)data + at;
    for (size_t i = 0; i < rows; i++) {
      v[i] = (double)p[(ptrdiff_t)i * step];
    }
  } else {
    const double *p = (const double *)data + at;
    for (size_t i = 0; i < rows; i++) {
      v[i] = p[(ptrdiff_t)i * step];
    }
  }
  for (size_t i = rows; i < GROVE__GROUP; i++) {
    v[i] = 0;
  }
}

// How many thresholds a value is beyond, by halves. Behind the last one there is NaN, which nothing is beyond.
static inline void rank_floats(const float *t, size_t count, const float *v, uint32_t *rank)
{
  uint32_t step = 1;
  while (2 * (size_t)step <= count) {
    step *= 2;
  }
  for (size_t i = 0; i < GROVE__GROUP; i++) {
    rank[i] = 0;
  }
  for (; step; step /= 2) {
    for (size_t i = 0; i < GROVE__GROUP; i++) {
      rank[i] += v[i] >= t[rank[i] + step - 1] ? step : 0;
    }
  }
}

static inline void rank_doubles(const double *t, size_t count, const double *v, uint32_t *rank)
{
  uint32_t step = 1;
  while (2 * (size_t)step <= count) {
    step *= 2;
  }
  for (size_t i = 0; i < GROVE__GROUP; i++) {
    rank[i] = 0;
  }
  for (; step; step /= 2) {
    for (size_t i = 0; i < GROVE__GROUP; i++) {
      rank[i] += v[i] > t[rank[i] + step - 1] ? step : 0;
    }
  }
}

// ---- coding -------------------------------------------------------------------------------------------
static inline void put_column(
    const uint32_t *rank, const uint32_t *missing, uint32_t first, int32_t code, int8_t *out)
{
  for (size_t i = 0; i < GROVE__GROUP; i++) {
    int32_t r = (int32_t)rank[i] - (int32_t)first;
    r = r < 0 ? 0 : r > GROVE__COLUMN_THRESHOLDS ? GROVE__COLUMN_THRESHOLDS : r;
    out[i] = (int8_t)(missing[i] ? code : r + GROVE__CODE_LOWEST);
  }
}

static inline void put_columns(
    const grove__coder *c, const uint32_t *rank, const uint32_t *missing, int8_t *codes)
{
  for (uint32_t k = 0; k < c->columns; k++) {
    uint32_t first = k * GROVE__COLUMN_THRESHOLDS;
    int8_t *out = codes + (size_t)(c->column + k) * GROVE__GROUP;
    put_column(rank, missing, first, GROVE__CODE_MISSING, out);
    if (c->flags & GROVE__NODE_MISSING_LEFT) {
      put_column(rank, missing, first, GROVE__CODE_LOWEST, out + (size_t)c->columns * GROVE__GROUP);
    }
  }
}

static inline int8_t class_of(
    const grove__scorer *s, uint32_t arithmetic, const grove__coder *c, double x)
{
  bool good;
  if (x != x) {
    return (int8_t)c->missing;
  }
  switch (arithmetic) {
  case GROVE__ARITHMETIC_XGBOOST:
    x = (double)(float)x;
    good = x >= 0 && x < 0x1p24;
    break;
  case GROVE__ARITHMETIC_LIGHTGBM: good = x > -1 && x < 0x1p31; break;
  default: good = x >= 0 && x < 0x1p31 && x == floor(x); break;
  }
  uint32_t category = good ? (uint32_t)(int32_t)x : UINT32_MAX;
  return (int8_t)(category < c->count ? s->classes[c->first + category] : 0);
}

static inline void code_feature(const grove__scorer *s, const grove__ensemble *e,
    const grove__view *x, const grove__coder *c, size_t from, size_t rows, int8_t *codes)
{
  double v[GROVE__GROUP];
  float f[GROVE__GROUP];
  uint32_t rank[GROVE__GROUP], missing[GROVE__GROUP];
  fetch(x, c->feature, from, rows, v);
  if (c->flags & GROVE__NODE_CATEGORY) {
    for (size_t i = 0; i < GROVE__GROUP; i++) {
      codes[(size_t)c->column * GROVE__GROUP + i] = class_of(s, e->arithmetic, c, v[i]);
    }
    return;
  }
  if (e->arithmetic == GROVE__ARITHMETIC_LIGHTGBM) {
    for (size_t i = 0; i < GROVE__GROUP; i++) {
      v[i] = grove__value_lightgbm(c->flags, v[i]);
    }
  }
  for (size_t i = 0; i < GROVE__GROUP; i++) {
    missing[i] = v[i] != v[i];
  }
  if (s->floats) {
    for (size_t i = 0; i < GROVE__GROUP; i++) {
      f[i] = (float)v[i];
    }
    rank_floats(s->floats + c->first, c->count, f, rank);
  } else {
    rank_doubles(s->doubles + c->first, c->count, v, rank);
  }
  put_columns(c, rank, missing, codes);
}

static void code_rows(const grove__scorer *s, const grove__ensemble *e, const grove__view *x,
    size_t from, size_t rows, int8_t *codes)
{
  for (size_t k = 0; k < s->coder_count; k++) {
    code_feature(s, e, x, &s->coders[k], from, rows, codes);
  }
}

// ---- walking ------------------------------------------------------------------------------------------
static inline uint32_t step_narrow(
    const grove__narrow_node *n, uint32_t at, const int8_t *row, size_t stride)
{
  uint32_t node = n[at];
  int8_t x = row[(size_t)(node >> 8 & 255) * stride];
  return (node >> 16) + (x > (int8_t)(uint8_t)node);
}

static inline uint32_t step_wide(
    const grove__scorer *s, size_t first, uint32_t at, const int8_t *row, size_t stride)
{
  const grove__wide_node *node = s->wide + first + at;
  int8_t x = row[(size_t)node->column * stride];
  uint8_t class = (uint8_t)x;
  uint32_t in =
      s->sets[((size_t)node->set << s->set_shift) + (class >> 3 & s->set_mask)] >> class % 8 & 1;
  return node->child + ((x > node->threshold) | in);
}

GROVE__INLINE void take_steps(bool wide, const grove__scorer *s, const grove__score_tree *t,
    const int8_t *row, uint32_t *at, uint32_t steps)
{
  for (uint32_t k = 0; k < steps; k++) {
    for (int i = 0; i < WALK; i++) {
      at[i] = wide ? step_wide(s, t->first, at[i], row + i, GROVE__GROUP)
                   : step_narrow(s->narrow + t->first, at[i], row + i, GROVE__GROUP);
    }
  }
}

// Eight rows from where they stand to their leaves. A leaf is its own child, so a step too many does no harm, and
// looking whether all have arrived costs more than some of them.
GROVE__INLINE void walk_on(bool wide, const grove__scorer *s, const grove__score_tree *t,
    const int8_t *row, uint32_t *at, uint32_t depth)
{
  uint32_t before[WALK];
  if (depth <= SHALLOW) {
    take_steps(wide, s, t, row, at, depth);
    return;
  }
  do {
    take_steps(wide, s, t, row, at, ROUND - 1);
    memcpy(before, at, sizeof before);
    take_steps(wide, s, t, row, at, 1);
  } while (memcmp(before, at, sizeof before) != 0);
}

GROVE__INLINE void add_leaves(const grove__scorer *s, const grove__score_tree *t,
    const uint32_t *at, void *sums, size_t first)
{
  for (size_t i = 0; i < WALK; i++) {
    if (s->leaf_floats) {
      ((float *)sums)[grove__lane_place(s, first + i)] += s->leaf_floats[t->first + at[i]];
    } else {
      ((double *)sums)[first + i] += s->leaf_doubles[t->first + at[i]];
    }
  }
}

GROVE__INLINE void walk_group(bool wide, const grove__scorer *s, const grove__score_tree *t,
    const int8_t *group, void *sums, size_t first)
{
  for (size_t i = 0; i < GROVE__GROUP; i += WALK) {
    uint32_t at[WALK] = {0};
    walk_on(wide, s, t, group + i, at, t->depth);
    add_leaves(s, t, at, sums, first + i);
  }
}

static void walk_groups(const grove__scorer *s, const grove__score_tree *t, const int8_t *codes,
    size_t groups, void *sums)
{
  for (size_t g = 0; g < groups; g++) {
    const int8_t *group = codes + g * s->columns * GROVE__GROUP;
    if (s->wide) {
      walk_group(true, s, t, group, sums, g * GROVE__GROUP);
    } else {
      walk_group(false, s, t, group, sums, g * GROVE__GROUP);
    }
  }
}

/// From where byte lanes have left rows to their leaves.
GROVE_MAYBE_UNUSED static void walk_from(const grove__scorer *s, const grove__score_tree *t,
    const grove__lane_tree *h, const uint16_t *path, const int8_t *rows, void *sums, size_t first)
{
  const uint32_t *exit = (const uint32_t *)(const void *)((const unsigned char *)h + h->exit);
  for (size_t i = 0; i < GROVE__GROUP; i += WALK) {
    uint32_t at[WALK];
    for (size_t k = 0; k < WALK; k++) {
      at[k] = exit[path[i + k]];
    }
    if (s->wide) {
      walk_on(true, s, t, rows + i, at, t->depth - h->depth);
    } else {
      walk_on(false, s, t, rows + i, at, t->depth - h->depth);
    }
    add_leaves(s, t, at, sums, first + i);
  }
}

// ---- one row ------------------------------------------------------------------------------------------
static inline uint32_t rank_one(const grove__scorer *s, const grove__coder *c, double v)
{
  uint32_t rank = 0, step = 1;
  float f = (float)v;
  while (2 * (size_t)step <= c->count) {
    step *= 2;
  }
  for (; step; step /= 2) {
    size_t at = c->first + rank + step - 1;
    rank += (s->floats ? f >= s->floats[at] : v > s->doubles[at]) ? step : 0;
  }
  return rank;
}

static inline void code_one(const grove__scorer *s, const grove__ensemble *e, const grove__coder *c,
    double v, int8_t *codes)
{
  int8_t *out = codes + c->column;
  if (c->flags & GROVE__NODE_CATEGORY) {
    *out = class_of(s, e->arithmetic, c, v);
    return;
  }
  v = e->arithmetic == GROVE__ARITHMETIC_LIGHTGBM ? grove__value_lightgbm(c->flags, v) : v;
  uint32_t rank = rank_one(s, c, v), missing = v != v;
  bool twins = c->flags & GROVE__NODE_MISSING_LEFT;
  for (uint32_t k = 0; k < c->columns; k++) {
    int32_t r = (int32_t)rank - (int32_t)(k * GROVE__COLUMN_THRESHOLDS);
    r = r < 0 ? 0 : r > GROVE__COLUMN_THRESHOLDS ? GROVE__COLUMN_THRESHOLDS : r;
    out[k] = (int8_t)(missing ? GROVE__CODE_MISSING : r + GROVE__CODE_LOWEST);
    if (twins) {
      out[c->columns + k] = (int8_t)(missing ? GROVE__CODE_LOWEST : r + GROVE__CODE_LOWEST);
    }
  }
}

// Up to eight trees side by side; their leaves are added in order.
GROVE__INLINE double add_trees_one(bool wide, const grove__scorer *s, const int8_t *row,
    const grove__score_tree *t, size_t trees, double sum)
{
  uint32_t at[WALK] = {0}, depth = 0;
  size_t first[WALK] = {0};
  for (size_t i = 0; i < trees; i++) {
    first[i] = t[i].first;
    depth = t[i].depth > depth ? t[i].depth : depth;
  }
  for (uint32_t k = 0; k < depth; k++) {
    for (size_t i = 0; i < trees; i++) {
      at[i] = wide ? step_wide(s, first[i], at[i], row, 1)
                   : step_narrow(s->narrow + first[i], at[i], row, 1);
    }
  }
  for (size_t i = 0; i < trees; i++) {
    sum = s->leaf_floats ? (double)((float)sum + s->leaf_floats[first[i] + at[i]])
                         : sum + s->leaf_doubles[first[i] + at[i]];
  }
  return sum;
}

static inline void code_all(const grove__scorer *s, const grove__ensemble *e, const grove__view *x,
    size_t row, int8_t *codes)
{
  for (size_t k = 0; k < s->coder_count; k++) {
    code_one(s, e, &s->coders[k], grove__view_at(x, s->coders[k].feature, row), codes);
  }
}

static double predict_one(const grove__scorer *s, const grove__ensemble *e, const grove__view *x,
    size_t row, int8_t *codes)
{
  double sum = e->base;
  code_all(s, e, x, row, codes);
  size_t t = 0;
  for (; t + WALK <= s->tree_count; t += WALK) {
    sum = s->wide ? add_trees_one(true, s, codes, s->trees + t, WALK, sum)
                  : add_trees_one(false, s, codes, s->trees + t, WALK, sum);
  }
  return add_trees_one(s->wide != NULL, s, codes, s->trees + t, s->tree_count - t, sum);
}
#endif
