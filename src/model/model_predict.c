#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/model_object.h"
#include <math.h>
#include <stdatomic.h>

enum {
  BLOCK = 4096, // rows converted at a time: large trees are fetched into the cache once a block
  PARTS = 8,    // that a block is predicted in side by side, at most
  PART = 256    // rows that are worth to be a part
};

static grove_status check_fitted(const grove_model *m, grove_error *err)
{
  if (!m) {
    return grove__error(err, GROVE_EINVAL, -1, "the model is NULL");
  }
  if (m->stage != GROVE__MODEL_FITTED) {
    return grove__error(err, GROVE_EINVAL, -1, "this %s is not fitted", m->learner.name);
  }
  return GROVE_OK;
}

static grove_status predict_checked(
    const grove_model *m, const grove_matrix *x, size_t first, double *out, grove_error *err)
{
  grove_error own = {.at = -1};
  GROVE__TRY(grove__model_check_features(m, x, NULL, first, false, err));
  grove_status s = m->learner.predict(m->state, x, out, &own);
  return s ? grove__error(err, s, own.at, "%s: %s", m->learner.name,
                 own.text[0] ? own.text : grove_status_text(s))
           : GROVE_OK;
}

grove_status grove_model_predict_matrix(const grove_model *m, const grove_matrix *x, double *out)
{
  GROVE__TRY(check_fitted(m, NULL));
  if (!x || x->columns != m->feature_count || (x->rows && !out)) {
    return GROVE_EINVAL;
  }
  return x->rows ? predict_checked(m, x, 0, out, NULL) : GROVE_OK;
}

// Where the model's features are in a table, and a block of them as doubles.
struct reading {
  const grove_table *t;
  size_t *where;
  const double **column; // PARTS times as many as there are features
  double *scratch;       // BLOCK rows of each feature, then of two columns more
};

static void end_reading(const grove_model *m, struct reading *r)
{
  size_t n = m->feature_count;
  grove__free(&m->allocator, r->where, n * sizeof *r->where);
  grove__free(&m->allocator, r->column, n * PARTS * sizeof *r->column);
  grove__free(&m->allocator, r->scratch, (n + 2) * BLOCK * sizeof *r->scratch);
}

static grove_status begin_reading(
    const grove_model *m, const grove_table *t, struct reading *r, grove_error *err)
{
  size_t n = m->feature_count;
  *r = (struct reading){.t = t};
  r->where = grove__alloc_array(&m->allocator, n, sizeof *r->where);
  r->column = grove__alloc_array(&m->allocator, n, PARTS * sizeof *r->column);
  r->scratch = grove__alloc_array(&m->allocator, n + 2, BLOCK * sizeof *r->scratch);
  if (!r->where || !r->column || !r->scratch) {
    return grove__error_memory(err, "a block of rows", n * BLOCK * sizeof *r->scratch);
  }
  for (size_t i = 0; i < n; i++) {
    grove_status s = grove_table_find(t, m->features[i], &r->where[i], err);
    if (s) {
      return grove__error_prefix(err, s, "a feature of this %s", m->learner.name);
    }
    r->column[i] = r->scratch + i * BLOCK;
  }
  return GROVE_OK;
}

static grove_status predict_block(const grove_model *m, const struct reading *r, size_t from,
    size_t rows, double *out, grove_error *err)
{
  for (size_t i = 0; i < m->feature_count; i++) {
    GROVE__TRY(grove_table_doubles(r->t, r->where[i], from, rows, r->scratch + i * BLOCK, err));
  }
  grove_matrix x = {r->column, m->feature_count, rows};
  GROVE__TRY(grove__model_check_categories(m, &x, NULL, from, err));
  return predict_checked(m, &x, from, out, err);
}

// A block in parts of rows. What fails is done once more, in one piece, to be told by its row.
struct parting {
  const grove_model *m;
  const struct reading *r;
  size_t rows;
  size_t parts;
  double *out;
  atomic_int status; // read when all have ended
};

static void predict_part(void *user, size_t i)
{
  struct parting *d = user;
  const grove_model *m = d->m;
  size_t n = m->feature_count, from = d->rows * i / d->parts, end = d->rows * (i + 1) / d->parts;
  const double **column = d->r->column + i * n;
  for (size_t f = 0; f < n; f++) { // the first part's are what they were before
    column[f] = d->r->scratch + f * BLOCK + from;
  }
  grove_matrix x = {column, n, end - from};
  grove_status s = grove__model_check_categories(m, &x, NULL, from, NULL);
  s = s ? s : predict_checked(m, &x, from, d->out + from, NULL);
  if (s) {
    atomic_store_explicit(&d->status, s, memory_order_relaxed); // parallel_for's end orders it
  }
}

static grove_status predict_side_by_side(const grove_model *m, const struct reading *r, size_t from,
    size_t rows, const grove_work *work, double *out, grove_error *err)
{
  size_t width = grove__work_width(work), parts = rows / PART < PARTS ? rows / PART : PARTS;
  if (width == 1 || parts < 2) {
    return predict_block(m, r, from, rows, out, err);
  }
  for (size_t f = 0; f < m->feature_count; f++) {
    GROVE__TRY(grove_table_doubles(r->t, r->where[f], from, rows, r->scratch + f * BLOCK, err));
  }
  struct parting d = {.m = m, .r = r, .rows = rows, .out = out};
  d.parts = width < parts ? width : parts;
  work->parallel_for(work->user, d.parts, predict_part, &d);
  return atomic_load_explicit(&d.status, memory_order_relaxed)
             ? predict_block(m, r, from, rows, out, err)
             : GROVE_OK;
}

grove_status grove_model_predict(
    const grove_model *m, const grove_table *t, double *out, size_t rows, grove_error *err)
{
  struct reading r;
  GROVE__TRY(check_fitted(m, err));
  if (!t || rows != grove_table_rows(t) || (rows && !out)) {
    return grove__error(err, GROVE_EINVAL, -1, "the buffer has %zu rows, the table %zu", rows,
        t ? grove_table_rows(t) : 0);
  }
  grove_status s = begin_reading(m, t, &r, err);
  for (size_t from = 0; s == GROVE_OK && from < rows; from += BLOCK) {
    s = predict_block(m, &r, from, rows - from < BLOCK ? rows - from : BLOCK, out + from, err);
  }
  end_reading(m, &r);
  return s;
}

// What is summed up, row after row.
struct sums {
  double squares;
  double sizes;
  double mean;   // of the target
  double spread; // its squares around the mean
  uint64_t rows;
};

static void add_error(struct sums *s, double y, double p)
{
  double d = p - y, before = y - s->mean;
  s->rows++;
  s->squares += d * d;
  s->sizes += fabs(d);
  s->mean += before / (double)s->rows;
  s->spread += before * (y - s->mean);
}

static grove_status sum_errors(const grove_model *m, const struct reading *r, size_t target,
    const grove_work *work, struct sums *sums, grove_error *err)
{
  double *y = r->scratch + m->feature_count * BLOCK, *p = y + BLOCK;
  size_t rows = grove_table_rows(r->t);
  for (size_t from = 0; from < rows; from += BLOCK) {
    size_t n = rows - from < BLOCK ? rows - from : BLOCK;
    GROVE__TRY(grove_table_doubles(r->t, target, from, n, y, err));
    GROVE__TRY(predict_side_by_side(m, r, from, n, work, p, err));
    for (size_t i = 0; i < n; i++) {
      if (!isfinite(y[i])) {
        return grove__error(err, GROVE_EINVAL, (int64_t)(from + i),
            "target %s is %s in row %zu (rows from 0)", grove_table_name(r->t, target),
            isnan(y[i]) ? "missing" : "infinite", from + i);
      }
      add_error(sums, y[i], p[i]);
    }
  }
  return GROVE_OK;
}

grove_status grove_model_evaluate(const grove_model *m, const grove_table *t, const char *target,
    grove_evaluation *out, grove_error *err)
{
  return grove__model_evaluate_by(m, t, target, NULL, out, err);
}

grove_status grove__model_evaluate_by(const grove_model *m, const grove_table *t,
    const char *target, const grove_work *work, grove_evaluation *out, grove_error *err)
{
  struct reading r;
  size_t column;
  struct sums sums = {0};
  GROVE__TRY(check_fitted(m, err));
  if (!t || !out || grove_table_rows(t) == 0) {
    return grove__error(err, GROVE_EINVAL, -1, "no rows to score %s on", m->learner.name);
  }
  GROVE__TRY(grove_table_find(t, target ? target : m->target, &column, err));
  grove_status s = begin_reading(m, t, &r, err);
  if (s == GROVE_OK) {
    s = sum_errors(m, &r, column, work, &sums, err);
  }
  end_reading(m, &r);
  if (s) {
    return s;
  }
  double n = (double)sums.rows, mse = sums.squares / n;
  grove_evaluation e = {.rows = sums.rows,
      .mse = mse,
      .rmse = sqrt(mse),
      .mae = sums.sizes / n,
      .r2 = sums.spread > 0 ? 1 - sums.squares / sums.spread : NAN};
  if (grove__stats_write(out, sizeof e, &e)) {
    return grove__error(err, GROVE_EINVAL, -1, "struct_size of the evaluation is not known");
  }
  return GROVE_OK;
}

grove_status grove_model_score(
    const grove_model *m, const grove_table *t, const char *target, double *mse, grove_error *err)
{
  grove_evaluation e = {GROVE_EVALUATION};
  if (m && !mse) {
    return grove__error(err, GROVE_EINVAL, -1, "no place for the error of %s", m->learner.name);
  }
  GROVE__TRY(grove_model_evaluate(m, t, target, &e, err));
  *mse = e.mse;
  return GROVE_OK;
}
