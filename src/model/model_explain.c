// Why a model says what it says: SHAP values of rows, and importances of features.
#include "base/alloc.h"
#include "base/error.h"
#include "base/random.h"
#include "base/status.h"
#include "model/learners.h"
#include "model/model_object.h"
#include "model/tree_explain.h"
#include <math.h>

enum { BLOCK = 1024 }; // rows that are read at a time

static grove_status find_trees(const grove_model *m, const grove__ensemble **out, grove_error *err)
{
  if (!m || m->stage != GROVE__MODEL_FITTED) {
    return grove__error(err, GROVE_EINVAL, -1, "a fitted model is wanted");
  }
  if (!m->inside || !m->inside->ensemble) {
    return grove__error(
        err, GROVE_ENOTSUP, -1, "%s has no trees: try permutation", m->learner.name);
  }
  *out = m->inside->ensemble(m->state);
  return GROVE_OK;
}

/// The model's features of a table, some rows of them as doubles.
struct block {
  const grove_model *m;
  const grove_table *t;
  size_t *where;
  const double **column;
  double *values;
  size_t rows; // room
};

static void free_block(struct block *b)
{
  const grove_allocator *a = &b->m->allocator;
  size_t n = b->m->feature_count;
  grove__free(a, b->where, n * sizeof *b->where);
  grove__free(a, b->column, n * sizeof *b->column);
  grove__free(a, b->values, (n + 1) * b->rows * sizeof *b->values);
}

static grove_status make_block(
    const grove_model *m, const grove_table *t, size_t rows, struct block *b, grove_error *err)
{
  const grove_allocator *a = &m->allocator;
  size_t n = m->feature_count, bytes;
  *b = (struct block){.m = m, .t = t, .rows = rows};
  b->where = grove__alloc_array(a, n, sizeof *b->where);
  b->column = grove__alloc_array(a, n, sizeof *b->column);
  b->values =
      grove__multiply(n + 1, rows, &bytes) ? grove__alloc_array(a, bytes, sizeof *b->values) : NULL;
  if (!b->where || !b->column || !b->values) {
    return grove__error_memory(err, "rows", (uint64_t)n * rows * sizeof *b->values);
  }
  for (size_t i = 0; i < n; i++) {
    GROVE__TRY(grove_table_find(t, m->features[i], &b->where[i], err));
    b->column[i] = b->values + i * rows;
  }
  return GROVE_OK;
}

static grove_status fill_block(struct block *b, size_t from, size_t rows, grove_error *err)
{
  for (size_t i = 0; i < b->m->feature_count; i++) {
    GROVE__TRY(grove_table_doubles(b->t, b->where[i], from, rows, b->values + i * b->rows, err));
  }
  return GROVE_OK;
}

// ---- SHAP ---------------------------------------------------------------------------------------------
static grove_status explain(
    struct block *b, grove__explainer *x, double *out, size_t rows, grove_error *err)
{
  size_t each = b->m->feature_count + 1;
  for (size_t from = 0; from < rows; from += BLOCK) {
    size_t n = rows - from < BLOCK ? rows - from : BLOCK;
    GROVE__TRY(fill_block(b, from, n, err));
    for (size_t i = 0; i < n; i++) {
      grove__explainer_row(x, b->column, i, out + (from + i) * each);
    }
  }
  return GROVE_OK;
}

grove_status grove_model_explain(
    const grove_model *m, const grove_table *t, double *out, size_t rows, grove_error *err)
{
  const grove__ensemble *e = NULL;
  grove__explainer x;
  struct block b;
  GROVE__TRY(find_trees(m, &e, err));
  if (!t || rows != grove_table_rows(t) || (rows && !out)) {
    return grove__error(err, GROVE_EINVAL, -1, "the buffer has %zu rows, the table %zu", rows,
        t ? grove_table_rows(t) : 0);
  }
  GROVE__TRY(grove__explainer_make(&m->allocator, e, &x, err));
  grove_status s = make_block(m, t, BLOCK, &b, err);
  s = s ? s : explain(&b, &x, out, rows, err);
  free_block(&b);
  grove__explainer_free(&x);
  return s;
}

// ---- importances --------------------------------------------------------------------------------------
static void count_splits(const grove__ensemble *e, double *out)
{
  for (uint32_t f = 0; f < e->features; f++) {
    out[f] = 0;
  }
  for (size_t t = 0; t < e->count; t++) {
    for (size_t i = 0; i < e->trees[t].count; i++) {
      const grove__node *n = &e->trees[t].nodes[i];
      if (n->left) {
        out[n->feature & GROVE__NODE_FEATURE]++;
      }
    }
  }
}

grove_status grove_model_importance(
    const grove_model *m, int32_t kind, double *out, size_t features, grove_error *err)
{
  const grove__ensemble *e = NULL;
  GROVE__TRY(find_trees(m, &e, err));
  if (!out || features != m->feature_count) {
    return grove__error(err, GROVE_EINVAL, -1, "the buffer has %zu places, the model %zu features",
        features, m->feature_count);
  }
  if (kind == GROVE_IMPORTANCE_SPLIT) {
    count_splits(e, out);
    return GROVE_OK;
  }
  if (kind != GROVE_IMPORTANCE_GAIN) {
    return grove__error(
        err, GROVE_EINVAL, -1, "importance %d is not one of GROVE_IMPORTANCE_*", kind);
  }
  if (!grove__ensemble_knows_gains(e)) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "the gains of this model's splits are not known: its file is of version 1");
  }
  grove__ensemble_gains(e, out);
  return GROVE_OK;
}

/// What permuting works on: all rows, the target, and a column in another order.
struct permuting {
  struct block b;
  const double *y;
  double *mixed;
  double *said;
  size_t rows;
};

static grove_status error_of(const struct permuting *p, double *mse, grove_error *err)
{
  const grove_matrix x = {p->b.column, p->b.m->feature_count, p->rows};
  double sum = 0;
  grove_status s = grove_model_predict_matrix(p->b.m, &x, p->said);
  if (s) {
    return grove__error(err, s, -1, "the model can't predict these rows");
  }
  for (size_t i = 0; i < p->rows; i++) {
    sum += (p->said[i] - p->y[i]) * (p->said[i] - p->y[i]);
  }
  *mse = sum / (double)p->rows;
  return isfinite(*mse) ? GROVE_OK
                        : grove__error(err, GROVE_EINVAL, -1, "the target has missing values");
}

static void mix(struct permuting *p, size_t feature, uint64_t seed)
{
  memcpy(p->mixed, p->b.values + feature * p->rows, p->rows * sizeof *p->mixed);
  for (size_t i = p->rows; i > 1; i--) {
    size_t k = (size_t)grove__random_below(&seed, i);
    double v = p->mixed[k];
    p->mixed[k] = p->mixed[i - 1];
    p->mixed[i - 1] = v;
  }
}

static grove_status permute_all(
    struct permuting *p, uint32_t repeats, uint64_t seed, double *out, grove_error *err)
{
  double plain, mse;
  GROVE__TRY(error_of(p, &plain, err));
  for (size_t f = 0; f < p->b.m->feature_count; f++) {
    const double *own = p->b.column[f];
    out[f] = 0;
    for (uint32_t k = 0; k < repeats; k++) {
      mix(p, f, grove__mix64(seed + f * repeats + k));
      p->b.column[f] = p->mixed;
      grove_status s = error_of(p, &mse, err);
      p->b.column[f] = own;
      GROVE__TRY(s);
      out[f] += (mse - plain) / repeats;
    }
  }
  return GROVE_OK;
}

grove_status grove_model_importance_permuted(const grove_model *m, const grove_table *t,
    const char *target, uint32_t repeats, uint64_t seed, double *out, grove_error *err)
{
  struct permuting p = {.rows = t ? grove_table_rows(t) : 0};
  size_t column, n = m ? m->feature_count : 0;
  if (!m || m->stage != GROVE__MODEL_FITTED || !p.rows || !out) {
    return grove__error(err, GROVE_EINVAL, -1, "a fitted model and rows are wanted");
  }
  repeats = repeats ? repeats : 5;
  GROVE__TRY(grove_table_find(t, target ? target : m->target, &column, err));
  p.mixed = grove__alloc_array(&m->allocator, p.rows, 2 * sizeof *p.mixed);
  grove_status s = make_block(m, t, p.rows, &p.b, err);
  if (!s && !p.mixed) {
    s = grove__error_memory(err, "a column", p.rows * 2 * sizeof *p.mixed);
  }
  if (s == GROVE_OK) {
    p.said = p.mixed + p.rows;
    p.y = p.b.values + n * p.rows;
    s = fill_block(&p.b, 0, p.rows, err);
    s = s ? s : grove_table_doubles(t, column, 0, p.rows, p.b.values + n * p.rows, err);
    s = s ? s : permute_all(&p, repeats, seed, out, err);
  }
  free_block(&p.b);
  grove__free(&m->allocator, p.mixed, p.rows * 2 * sizeof *p.mixed);
  return s;
}
