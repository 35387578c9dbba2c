// A fifth kind of model: the mean target of the k rows that lie nearest, each feature in units of its own spread. At
// most `sample` rows are remembered, so that predicting stays quick. One file, one grove_registry_add.
#include "k_nearest.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_K = 64 };
struct k_nearest {
  size_t k, sample, rows, columns;
  double *scale; // 1 / standard deviation, by column
  double *x, *y; // rows side by side, scaled
};

static grove_status create(const double *values, void **state, grove_error *err)
{
  struct k_nearest *m = calloc(1, sizeof *m);
  if (!m) {
    return err->status = GROVE_ENOMEM;
  }
  m->k = (size_t)values[0]; // in the order of `parameters` below
  m->sample = (size_t)values[1];
  *state = m;
  return GROVE_OK;
}

static void destroy(void *state)
{
  struct k_nearest *m = state;
  free(m->scale);
  free(m->x);
  free(m->y);
  free(m);
}

static double scale_of(const double *v, size_t n)
{
  double sum = 0, squares = 0, seen = 0;
  for (size_t i = 0; i < n; i++) {
    if (!isnan(v[i])) {
      sum += v[i];
      squares += v[i] * v[i];
      seen++;
    }
  }
  double variance = seen > 0 ? squares / seen - sum / seen * (sum / seen) : 0;
  return variance > 0 ? 1 / sqrt(variance) : 0; // a constant feature says nothing
}

static double scaled(double v, double scale)
{
  return isnan(v) ? 0 : v * scale; // a missing value lies at zero
}

static grove_status allocate(struct k_nearest *m, const grove_matrix *x)
{
  m->columns = x->columns;
  m->rows = x->rows < m->sample ? x->rows : m->sample;
  m->scale = calloc(m->columns + 1, sizeof *m->scale);
  m->x = calloc(m->rows * m->columns + 1, sizeof *m->x);
  m->y = calloc(m->rows + 1, sizeof *m->y);
  return m->scale && m->x && m->y ? GROVE_OK : GROVE_ENOMEM;
}

static grove_status fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  struct k_nearest *m = state;
  (void)seed; // the rows are shuffled already: the first ones are as good as any
  if (allocate(m, x)) {
    return err->status = GROVE_ENOMEM;
  }
  for (size_t c = 0; c < m->columns; c++) {
    m->scale[c] = scale_of(x->column[c], x->rows);
    for (size_t i = 0; i < m->rows; i++) {
      m->x[i * m->columns + c] = scaled(x->column[c][i], m->scale[c]);
    }
    if (work && work->yield && work->yield(work->user)) {
      return GROVE_ECANCELED;
    }
  }
  memcpy(m->y, y, m->rows * sizeof *y);
  return GROVE_OK;
}

static double distance(const double *a, const double *b, size_t n)
{
  double sum = 0;
  for (size_t c = 0; c < n; c++) {
    sum += (a[c] - b[c]) * (a[c] - b[c]);
  }
  return sum;
}

// The mean target of the k nearest: a short sorted list of the best so far.
static double predict_row(const struct k_nearest *m, const double *row)
{
  double best[MOST_K], target[MOST_K], sum = 0;
  size_t n = 0;
  for (size_t i = 0; i < m->rows; i++) {
    double d = distance(row, m->x + i * m->columns, m->columns);
    if (n == m->k && d >= best[n - 1]) {
      continue;
    }
    size_t at = n < m->k ? n++ : n - 1;
    for (; at > 0 && best[at - 1] > d; at--) {
      best[at] = best[at - 1];
      target[at] = target[at - 1];
    }
    best[at] = d;
    target[at] = m->y[i];
  }
  for (size_t i = 0; i < n; i++) {
    sum += target[i];
  }
  return n ? sum / (double)n : 0;
}

static grove_status predict(const void *state, const grove_matrix *x, double *out, grove_error *err)
{
  const struct k_nearest *m = state;
  double row[256];
  if (m->columns > sizeof row / sizeof *row) {
    strcpy(err->text, "k_nearest knows at most 256 features");
    return err->status = GROVE_ELIMIT;
  }
  for (size_t i = 0; i < x->rows; i++) {
    for (size_t c = 0; c < m->columns; c++) {
      row[c] = scaled(x->column[c][i], m->scale[c]);
    }
    out[i] = predict_row(m, row);
  }
  return GROVE_OK;
}

static const grove_parameter_info parameters[] = {{"k", "5", "how many neighbours", 1, MOST_K},
    {"sample", "4096", "rows that are remembered", 1, 1e7}, {NULL, NULL, NULL, 0, 0}};
const grove_learner k_nearest_learner = {.struct_size = sizeof(grove_learner),
    .name = "k_nearest",
    .parameters = parameters,
    .create = create,
    .destroy = destroy,
    .fit = fit,
    .predict = predict};
