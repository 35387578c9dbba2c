// Least squares by QR, on columns that are centered and scaled. Rows are taken in blocks whose triangles are put
// together in order, so the result does not depend on who worked on which block. With an L1 penalty coordinate descent
// on the triangle follows, which holds all that the rows had to say.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/lasso.h"
#include "model/learners.h"
#include "model/model_bytes.h"
#include "model/qr.h"
#include <math.h>
#include <stdatomic.h>

enum { L2, INTERCEPT, L1, PARAMETERS, BLOCK = 2048, WINDOW = 64 };

static const grove_parameter_info parameters[] = {
    {"l2", "0", "ridge penalty: added to the sum of squared errors, times the squared coefficients",
        0, 1e300,
        "alpha ridge lambda "
        "reg_lambda",
        NULL, 0},
    {"fit_intercept", "true", "whether the line may miss the origin", 0, 1, "intercept",
        "true=1 false=0", 1},
    {"l1", "0",
        "lasso penalty: added to half the sum of squared errors, times the coefficients' sizes; "
        "scikit-learn's alpha times the rows",
        0, 1e300, "lasso reg_alpha", NULL, 0},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, 0}};

struct linear {
  grove_allocator allocator;
  double values[PARAMETERS];
  size_t features;
  size_t rank;
  double intercept;
  double *coefficient;
};

static grove_status create_in(
    const grove_allocator *a, const double *values, void **state, grove_error *err)
{
  struct linear *m = grove__alloc_zero(a, sizeof *m);
  if (!m) {
    return grove__error_memory(err, "a model", sizeof *m);
  }
  m->allocator = *a;
  if (values) {
    memcpy(m->values, values, sizeof m->values);
  }
  *state = m;
  return GROVE_OK;
}

static grove_status create(const double *values, void **state, grove_error *err)
{
  return create_in(&grove__allocator_malloc, values, state, err);
}

static void destroy(void *state)
{
  struct linear *m = state;
  grove_allocator a = m->allocator;
  grove__free(&a, m->coefficient, m->features * sizeof *m->coefficient);
  grove__free(&a, m, sizeof *m);
}

// ---- fit --------------------------------------------------------------------------------------------
struct fitting {
  struct linear *m;
  const grove_matrix *x;
  const double *y;
  const double *weight; // NULL: all 1
  double all;           // the sum of the weights
  size_t counts;        // the first row with a weight
  const grove_work *work;
  double *center;   // [feature], then the target's
  double *scale;    // 1 / largest distance from the center; 0: constant
  size_t side;      // features and the target
  size_t block;     // rows of a block
  size_t window;    // blocks that are worked on at once: no more than there are
  size_t first;     // block of the window
  double *triangle; // [block of the window] side x side
  double *all_rows; // 2 * side rows: what is put together so far, and the next triangle
  size_t *order;
  atomic_int status; // read when all chunks have ended
};

static const double *column_of(const struct fitting *f, size_t c)
{
  return c < f->x->columns ? f->x->column[c] : f->y;
}

// The mean, as the first value plus the mean distance from it: exact for a constant column. Rows without weight are
// not looked at.
static void measure_column(void *user, size_t c)
{
  struct fitting *f = user;
  const double *v = column_of(f, c), *w = f->weight;
  double n = f->all, sum = 0, most = 0, size = 0, first = v[f->counts];
  for (size_t i = f->counts; i < f->x->rows; i++) {
    double share = w ? w[i] / n : 1 / n;
    sum += w ? (v[i] - first) * share : (v[i] - first) / n;
    size = share > 0 && fabs(v[i]) > size ? fabs(v[i]) : size;
  }
  double center = f->m->values[INTERCEPT] != 0 ? first + sum : 0;
  for (size_t i = f->counts; i < f->x->rows; i++) {
    double d = w && w[i] == 0 ? 0 : fabs(v[i] - center);
    most = d > most ? d : most;
  }
  f->center[c] = center;
  // What is not larger than rounding is not a slope.
  f->scale[c] = most > size * 1e-15 ? 1 / fmax(most, 1e-300) : 0;
}

static void fill_block(const struct fitting *f, size_t from, size_t n, double *a)
{
  for (size_t c = 0; c < f->side; c++) {
    const double *v = column_of(f, c) + from, *w = f->weight ? f->weight + from : NULL;
    double center = f->center[c], scale = f->scale[c];
    for (size_t i = 0; i < n; i++) {
      a[c * n + i] = (v[i] - center) * scale;
    }
    for (size_t i = 0; w && i < n; i++) {
      a[c * n + i] = w[i] > 0 ? a[c * n + i] * sqrt(w[i]) : 0;
    }
  }
}

static void copy_triangle(
    const double *a, size_t rows, size_t stride, size_t side, double *to, size_t to_stride)
{
  for (size_t c = 0; c < side; c++) {
    for (size_t r = 0; r < side; r++) {
      to[c * to_stride + r] = r <= c && r < rows ? a[c * stride + r] : 0;
    }
  }
}

static void work_block(void *user, size_t i)
{
  struct fitting *f = user;
  size_t from = (f->first + i) * f->block;
  size_t n = f->x->rows - from < f->block ? f->x->rows - from : f->block;
  double *a = grove__alloc_array(&f->m->allocator, n * f->side, sizeof *a);
  if (!a) {
    atomic_store_explicit(&f->status, GROVE_ENOMEM, memory_order_relaxed); // see the field
    return;
  }
  fill_block(f, from, n, a);
  grove__qr(a, n, f->side, n);
  copy_triangle(a, n, n, f->side, f->triangle + i * f->side * f->side, f->side);
  grove__free(&f->m->allocator, a, n * f->side * sizeof *a);
}

// Puts one more triangle under what there is.
static void join(struct fitting *f, const double *triangle)
{
  copy_triangle(triangle, f->side, f->side, f->side, f->all_rows + f->side, 2 * f->side);
  grove__qr(f->all_rows, 2 * f->side, f->side, 2 * f->side);
}

static grove_status reduce(struct fitting *f)
{
  size_t blocks = (f->x->rows + f->block - 1) / f->block;
  for (f->first = 0; f->first < blocks; f->first += f->window) {
    size_t n = blocks - f->first < f->window ? blocks - f->first : f->window;
    GROVE__TRY(grove__work_run(f->work, n, 2, work_block, f));
    GROVE__TRY((grove_status)atomic_load_explicit(&f->status, memory_order_relaxed));
    for (size_t i = 0; i < n; i++) {
      join(f, f->triangle + i * f->side * f->side);
    }
    GROVE__TRY(grove__work_yield(f->work));
  }
  return GROVE_OK;
}

static void add_ridge(struct fitting *f)
{
  double *d = f->triangle; // free again
  size_t n = f->side;
  memset(d, 0, n * n * sizeof *d);
  for (size_t c = 0; c + 1 < n; c++) {
    d[c * n + c] = sqrt(f->m->values[L2]) * f->scale[c];
  }
  join(f, d);
}

static grove_status solve_lasso(struct fitting *f)
{
  size_t n = f->x->columns;
  double *penalty = f->triangle; // free again
  for (size_t c = 0; c < n; c++) {
    penalty[c] = f->m->values[L1] * f->scale[c] * f->scale[n];
  }
  return grove__lasso_solve(&f->m->allocator, f->all_rows, n, 2 * f->side, penalty, f->work,
      f->m->coefficient, &f->m->rank);
}

static grove_status solve(struct fitting *f)
{
  struct linear *m = f->m;
  size_t n = f->x->columns;
  if (m->values[L2] > 0) {
    add_ridge(f);
  }
  if (m->values[L1] > 0) {
    GROVE__TRY(solve_lasso(f));
  } else {
    double tolerance = 1e-12 * sqrt((double)f->x->rows);
    m->rank = grove__qr_solve(
        f->all_rows, n, 2 * f->side, tolerance < 1e-9 ? tolerance : 1e-9, f->order, m->coefficient);
  }
  double unit = f->scale[n] > 0 ? 1 / f->scale[n] : 0; // a constant target: nothing but the center
  m->intercept = f->center[n];
  for (size_t c = 0; c < n; c++) {
    m->coefficient[c] *= f->scale[c] * unit;
    m->intercept -= m->coefficient[c] * f->center[c];
  }
  return GROVE_OK;
}

static bool reserve(struct fitting *f)
{
  const grove_allocator *a = &f->m->allocator;
  size_t side = f->side, square;
  if (!grove__multiply(side, side * sizeof(double), &square)) {
    return false;
  }
  f->center = grove__alloc_array(a, side, sizeof(double));
  f->scale = grove__alloc_array(a, side, sizeof(double));
  f->order = grove__alloc_array(a, side, sizeof *f->order);
  f->triangle = grove__alloc_array(a, f->window, square);
  f->all_rows = grove__alloc_zero(a, 2 * square);
  f->m->coefficient = grove__alloc_array(a, f->x->columns, sizeof(double));
  f->m->features = f->x->columns;
  return f->center && f->scale && f->order && f->triangle && f->all_rows && f->m->coefficient;
}

static void release(struct fitting *f)
{
  const grove_allocator *a = &f->m->allocator;
  size_t side = f->side;
  grove__free(a, f->center, side * sizeof(double));
  grove__free(a, f->scale, side * sizeof(double));
  grove__free(a, f->order, side * sizeof *f->order);
  grove__free(a, f->triangle, f->window * side * side * sizeof(double));
  grove__free(a, f->all_rows, 2 * side * side * sizeof(double));
}

static void weigh(struct fitting *f)
{
  f->all = f->weight ? 0 : (double)f->x->rows;
  for (size_t i = 0; f->weight && i < f->x->rows; i++) {
    f->counts += f->all == 0 && f->weight[i] == 0;
    f->all += f->weight[i];
  }
}

static grove_status check_finite(const struct linear *m, grove_error *err)
{
  bool finite = isfinite(m->intercept);
  for (size_t c = 0; c < m->features; c++) {
    finite = finite && isfinite(m->coefficient[c]);
  }
  return finite ? GROVE_OK
                : grove__error(err, GROVE_EINVAL, -1,
                      "coefficients overflow: the columns' ranges are too wide");
}

static grove_status fit_data(
    void *state, const grove_fit_data *d, const grove_work *work, grove_error *err)
{
  const grove_matrix *x = d->x;
  struct fitting f = {
      .m = state, .x = x, .y = d->y, .weight = d->weight, .work = work, .side = x->columns + 1};
  if (d->validation_x) {
    return grove__error(
        err, GROVE_ENOTSUP, -1, "a linear model has no rounds: no rows to validate on");
  }
  f.block = 4 * f.side > BLOCK ? 4 * f.side : BLOCK;
  size_t blocks = (x->rows + f.block - 1) / f.block;
  f.window = blocks < WINDOW ? blocks : WINDOW;
  weigh(&f);
  grove_status s = GROVE_ENOMEM;
  if (reserve(&f)) {
    s = grove__work_run(work, f.side, 1 + (1 << 17) / (x->rows + 1), measure_column, &f);
    s = s ? s : reduce(&f);
    s = s ? s : solve(&f);
  }
  if (s == GROVE_OK) {
    grove__work_progress(work, 1, 1);
  }
  release(&f);
  if (s == GROVE_ENOMEM) {
    return grove__error_memory(
        err, "least squares", (uint64_t)f.side * f.side * (f.window + 2) * 8);
  }
  return s ? grove__error(err, s, -1, "cancelled") : check_finite(f.m, err);
}

static grove_status fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  grove_fit_data d = {.struct_size = sizeof d, .seed = seed, .x = x, .y = y};
  return fit_data(state, &d, work, err);
}

static grove_status predict(const void *state, const grove_matrix *x, double *out, grove_error *err)
{
  const struct linear *m = state;
  (void)err;
  for (size_t i = 0; i < x->rows; i++) {
    out[i] = m->intercept;
  }
  for (size_t c = 0; c < m->features; c++) {
    const double *v = x->column[c];
    double w = m->coefficient[c];
    for (size_t i = 0; i < x->rows; i++) {
      out[i] += w * v[i];
    }
  }
  return GROVE_OK;
}

// ---- file -------------------------------------------------------------------------------------------
static grove_status save(const void *state, void *sink,
    grove_status (*put)(void *sink, const void *, size_t), grove_error *err)
{
  const struct linear *m = state;
  (void)err;
  grove__writer w = {.sink = sink, .put = put};
  grove__write_u64(&w, m->features);
  grove__write_u64(&w, m->rank);
  grove__write_double(&w, m->intercept);
  for (size_t c = 0; c < m->features; c++) {
    grove__write_double(&w, m->coefficient[c]);
  }
  return grove__write_end(&w);
}

static grove_status read_all(struct linear *m, grove__reader *r)
{
  uint64_t n = grove__read_u64(r);
  m->rank = (size_t)grove__read_u64(r);
  m->intercept = grove__read_double(r);
  if (r->failed || n != r->left / sizeof(double) || r->left % sizeof(double)) {
    return GROVE_ECORRUPT;
  }
  m->coefficient = grove__alloc_array(&m->allocator, (size_t)n, sizeof(double));
  if (!m->coefficient) {
    return GROVE_ENOMEM;
  }
  m->features = (size_t)n;
  for (size_t c = 0; c < m->features; c++) {
    m->coefficient[c] = grove__read_double(r);
  }
  return GROVE_OK;
}

static grove_status load_in(
    const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err)
{
  void *made = NULL;
  GROVE__TRY(create_in(a, NULL, &made, err));
  grove__reader r = {.at = bytes, .left = n};
  grove_status s = read_all(made, &r);
  if (s) {
    destroy(made);
    return grove__error(err, s, -1, "coefficients: the count does not fit the bytes");
  }
  *state = made;
  return GROVE_OK;
}

static grove_status load(const void *bytes, size_t n, void **state, grove_error *err)
{
  return load_in(&grove__allocator_malloc, bytes, n, state, err);
}

static size_t features_of(const void *state)
{
  return ((const struct linear *)state)->features;
}

static uint64_t estimate(const double *values, size_t rows, size_t columns, size_t width)
{
  uint64_t side = (uint64_t)columns + 1, block = 4 * side > BLOCK ? 4 * side : BLOCK;
  uint64_t blocks = rows / block + 1, window = blocks < WINDOW ? blocks : WINDOW;
  (void)values;
  return side * side * 8 * (window + 3) + width * block * side * 8 + side * 64;
}

static const grove_learner learner = {.struct_size = sizeof(grove_learner),
    .name = "linear",
    .parameters = parameters,
    .create = create,
    .destroy = destroy,
    .fit = fit,
    .predict = predict,
    .save = save,
    .load = load,
    .aliases = "linear_regression least_squares ols ridge lasso elastic_net",
    .fit_data = fit_data};
const grove__builtin grove__linear = {.learner = &learner,
    .create = create_in,
    .load = load_in,
    .features = features_of,
    .estimate = estimate};
