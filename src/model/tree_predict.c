// Predicting straight from the trees: for models that were not prepared, and what the prepared form can't hold.
#include "model/scorer.h"
#include "model/tree_step.h"

enum {
  LANES = 8, // rows that walk a tree side by side: their cache misses overlap
  WIDE = 16, // the same where a step is short; measured: 8 to 24
  CACHE_LINE = 64,
  MANY = 8,         // trees, beside whose walks a look at all values is nothing
  BLOCK = 4096,     // rows that all trees see before the next rows
  STACK = 32 * 1024 // for scratch that the caller does not give
};

static double link_float(const grove__ensemble *e, float x)
{
  switch (e->link) {
  case GROVE__LINK_EXP: return (double)expf(x);
  case GROVE__LINK_LOGISTIC:
    // The limit and the small addend are XGBoost's: without them the last bits differ.
    return (double)(1.0f / (expf(-x < 88.7f ? -x : 88.7f) + 1.0f + 1e-16f));
  default: return (double)x;
  }
}

static double link_double(const grove__ensemble *e, double x)
{
  switch (e->link) {
  case GROVE__LINK_EXP: return exp(x);
  case GROVE__LINK_LOGISTIC: return 1.0 / (1.0 + exp(-e->scale * x));
  case GROVE__LINK_SIGNED_SQUARE: return x < 0 ? -(x * x) : x * x;
  case GROVE__LINK_LOG1P_EXP: return log1p(exp(x));
  default: return x;
  }
}

double grove__ensemble_finish(const grove__ensemble *e, double sum)
{
  return e->arithmetic == GROVE__ARITHMETIC_XGBOOST ? link_float(e, (float)sum / (float)e->divide)
                                                    : link_double(e, sum / e->divide);
}

double grove__tree_walk(
    const grove__ensemble *e, const grove__tree *t, grove__features column, size_t row)
{
  const grove__node *n = t->nodes;
  while (n->left) {
    double x = grove__value(grove__feature(column, n->feature & GROVE__NODE_FEATURE), row);
    n = t->nodes + n->left + grove__goes_right(e->arithmetic, n, t->words, x);
  }
  return n->value;
}

static inline uint32_t step(
    uint32_t arithmetic, const grove__tree *t, uint32_t at, const grove__view *x, size_t row)
{
  const grove__node *n = t->nodes + at;
  if (!n->left) {
    return at;
  }
  double v = grove__view_at(x, n->feature & GROVE__NODE_FEATURE, row);
  return n->left + grove__goes_right(arithmetic, n, t->words, v);
}

static inline void add_lanes(
    uint32_t arithmetic, const grove__tree *t, const grove__view *x, size_t row, double *out)
{
  const grove__node *n = t->nodes;
  uint32_t at[LANES] = {0};
  uint32_t moving = n[0].left;
  while (moving) {
    moving = 0;
    for (size_t k = 0; k < LANES; k++) {
      at[k] = step(arithmetic, t, at[k], x, row + k);
      moving |= n[at[k]].left;
    }
  }
  for (size_t k = 0; k < LANES; k++) {
    out[row + k] = grove__add_leaf(arithmetic, out[row + k], n[at[k]].value);
  }
}

// Where a row of our own trees without sets goes. `missing`: a value may be NaN.
static inline const grove__node *step_plainly(bool missing, const grove__node *nodes,
    const grove__node *here, const double *const *column, size_t row)
{
  double x = column[here->feature & GROVE__NODE_FEATURE][row];
  size_t right = x > here->value;
  if (missing) {
    right |= (size_t)((x != x) & !(here->feature & GROVE__NODE_MISSING_LEFT));
  }
  return nodes + here->left + right;
}

// The nodes of the tree that comes next, asked of memory bit by bit, a part with each row that has come to its leaf.
struct ahead {
  const char *at;
  size_t lines; // left
  size_t step;  // with a row
};

static struct ahead begin_ahead(const grove__tree *t, size_t rows)
{
  size_t lines = t ? t->count * sizeof *t->nodes / CACHE_LINE : 0;
  return (struct ahead){t ? (const char *)t->nodes : NULL, lines, lines / rows + 1};
}

static inline void ask_ahead(struct ahead *a)
{
#if defined(__GNUC__)
  for (size_t i = 0; i < a->step && a->lines; i++, a->lines--) {
    __builtin_prefetch(a->at, 0, 2);
    a->at += CACHE_LINE;
  }
#else
  (void)a;
#endif
}

// The same for our own trees without sets, on columns of doubles. A lane whose row has come to its leaf takes the next
// row, so that none waits for the one with the longest way. At least WIDE rows.
static inline void add_wide_of(bool missing, const grove__tree *t, const double *const *column,
    size_t from, size_t end, const grove__tree *after, double *out)
{
  struct ahead ahead = begin_ahead(after, end - from);
  const grove__node *n = t->nodes, *at[WIDE];
  size_t row[WIDE], lanes = WIDE, next = from + WIDE;
  for (size_t k = 0; k < WIDE; k++) {
    row[k] = from + k;
    at[k] = n;
  }
  while (lanes) {
    for (size_t k = 0; k < lanes; k++) {
      const grove__node *here = at[k];
      if (here->left) {
        at[k] = step_plainly(missing, n, here, column, row[k]);
        continue;
      }
      out[row[k]] += here->value;
      ask_ahead(&ahead);
      if (next < end) {
        row[k] = next++;
        at[k] = n;
      } else { // the last lane comes here
        lanes--;
        row[k] = row[lanes];
        at[k] = at[lanes];
      }
    }
  }
}

static void add_wide(const grove__tree *t, const double *const *column, bool missing, size_t from,
    size_t end, const grove__tree *after, double *out)
{
  if (missing) {
    add_wide_of(true, t, column, from, end, after, out);
  } else {
    add_wide_of(false, t, column, from, end, after, out);
  }
}

// Whether rows may have NaN: looked for where there are enough trees to be worth it.
static bool may_miss(const grove__ensemble *e, const grove__view *x, size_t from, size_t end)
{
  bool missing = e->count < MANY || !x->column || x->floats;
  for (uint32_t f = 0; !missing && f < e->features; f++) {
    const double *column = x->column[f];
    size_t any = 0;
    for (size_t i = from; i < end; i++) {
      any |= column[i] != column[i];
    }
    missing = any != 0;
  }
  return missing;
}

static inline void add_tree(uint32_t arithmetic, const grove__tree *t, const grove__view *x,
    bool missing, size_t from, size_t end, const grove__tree *after, double *out)
{
  size_t i = from;
  bool short_steps = arithmetic == GROVE__ARITHMETIC_OWN && x->column && !x->floats && !t->words;
  if (short_steps && i + WIDE <= end) {
    add_wide(t, (const double *const *)x->column, missing, i, end, after, out);
    return;
  }
  for (; i + LANES <= end; i += LANES) {
    add_lanes(arithmetic, t, x, i, out);
  }
  for (; i < end; i++) {
    uint32_t at = 0;
    while (t->nodes[at].left) {
      at = step(arithmetic, t, at, x, i);
    }
    out[i] = grove__add_leaf(arithmetic, out[i], t->nodes[at].value);
  }
}

// A copy of the loop for each arithmetic: the choice stands outside.
static void add_trees(
    const grove__ensemble *e, const grove__view *x, size_t from, size_t end, double *out)
{
  bool missing = may_miss(e, x, from, end);
  for (size_t i = 0; i < e->count; i++) {
    const grove__tree *t = &e->trees[i], *after = i + 1 < e->count ? t + 1 : NULL;
    switch (e->arithmetic) {
    case GROVE__ARITHMETIC_XGBOOST:
      add_tree(GROVE__ARITHMETIC_XGBOOST, t, x, missing, from, end, after, out);
      break;
    case GROVE__ARITHMETIC_LIGHTGBM:
      add_tree(GROVE__ARITHMETIC_LIGHTGBM, t, x, missing, from, end, after, out);
      break;
    default: add_tree(GROVE__ARITHMETIC_OWN, t, x, missing, from, end, after, out); break;
    }
  }
}

static void predict_plainly(const grove__ensemble *e, const grove__view *x, double *out)
{
  for (size_t from = 0; from < x->rows; from += BLOCK) {
    size_t end = x->rows - from < BLOCK ? x->rows : from + BLOCK;
    for (size_t i = from; i < end; i++) {
      out[i] = e->base;
    }
    add_trees(e, x, from, end, out);
    for (size_t i = from; i < end; i++) {
      out[i] = grove__ensemble_finish(e, out[i]);
    }
  }
}

// A function of its own: only what needs the stack takes it.
static void predict_on_stack(const grove__ensemble *e, const grove__view *x, double *out)
{
  union {
    unsigned char bytes[STACK + 64];
    double align;
  } room;
  size_t skip = (64 - (uintptr_t)room.bytes % 64) % 64;
  grove__scorer_predict(e->scorer, e, x, room.bytes + skip, STACK, out);
}

void grove__ensemble_predict_view(const grove__ensemble *e, const grove__view *x, void *scratch,
    size_t scratch_bytes, double *out)
{
  size_t skip = (64 - (uintptr_t)scratch % 64) % 64;
  if (!e->scorer) {
    predict_plainly(e, x, out);
  } else if (scratch && scratch_bytes >= skip + grove__scorer_scratch(e->scorer, x->rows)) {
    grove__scorer_predict(
        e->scorer, e, x, (unsigned char *)scratch + skip, scratch_bytes - skip, out);
  } else if (grove__scorer_scratch_least(e->scorer) <= STACK) {
    predict_on_stack(e, x, out);
  } else {
    predict_plainly(e, x, out);
  }
}

void grove__ensemble_predict(const grove__ensemble *e, const grove_matrix *x, double *out)
{
  const grove__view view = {
      .column = (const void *const *)x->column, .row_step = 1, .rows = x->rows};
  grove__ensemble_predict_view(e, &view, NULL, 0, out);
}
