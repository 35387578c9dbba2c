// Least squares on columns that are centered and scaled: by QR, or where one block has all rows and its columns are not
// too near to each other, by the normal equations. Rows are taken in blocks whose triangles are put together in order, so
// the result does not depend on who worked on which block. With an L1 penalty coordinate descent on the triangle
// follows, which holds all that the rows had to say.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/lasso.h"
#include "model/learners.h"
#include "model/linear_kernels.h"
#include "model/model_bytes.h"
#include "model/normal_equations.h"
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
  const grove__linear_kernels *kernels;
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
  double *only;     // the rows, if one block has all of them
  double *room;     // then: what the normal equations work in, and the ridge of each column
  bool solved;      // by them
  size_t *order;
  atomic_int status; // read when all chunks have ended
};

static const double *column_of(const struct fitting *f, size_t c)
{
  return c < f->x->columns ? f->x->column[c] : f->y;
}

// The mean of what the rows weigh, as the first value plus the mean distance from it: exact for a constant column.
static double weighted_mean(const struct fitting *f, const double *v)
{
  double first = v[f->counts], sum = 0;
  for (size_t i = f->counts; i < f->x->rows; i++) {
    sum += (v[i] - first) * (f->weight[i] / f->all);
  }
  return first + sum;
}

// Of the rows that weigh something.
static grove__measure weighted_measure(const struct fitting *f, const double *v)
{
  grove__measure m = {weighted_mean(f, v), v[f->counts], v[f->counts]};
  for (size_t i = f->counts; i < f->x->rows; i++) {
    bool counts = f->weight[i] > 0;
    m.low = counts && v[i] < m.low ? v[i] : m.low;
    m.high = counts && v[i] > m.high ? v[i] : m.high;
  }
  return m;
}

static void measure_column(void *user, size_t c)
{
  struct fitting *f = user;
  const double *v = column_of(f, c);
  grove__measure m = f->weight ? weighted_measure(f, v) : f->kernels->measure(v, f->x->rows);
  double center = f->m->values[INTERCEPT] != 0 ? m.mean : 0;
  double size = fmax(fabs(m.low), fabs(m.high));
  double reach = fmax(fabs(m.low - center), fabs(m.high - center));
  f->center[c] = center;
  // What is not larger than rounding is not a slope.
  f->scale[c] = reach > size * 1e-15 ? 1 / fmax(reach, 1e-300) : 0;
}

static void fill_block(const struct fitting *f, size_t from, size_t n, double *a)
{
  for (size_t c = 0; c < f->side; c++) {
    const double *v = column_of(f, c) + from, *w = f->weight ? f->weight + from : NULL;
    f->kernels->center(v, n, f->center[c], f->scale[c], a + c * n);
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
  f->kernels->qr(a, n, f->side, n);
  copy_triangle(a, n, n, f->side, f->triangle + i * f->side * f->side, f->side);
  grove__free(&f->m->allocator, a, n * f->side * sizeof *a);
}

// Puts one more triangle under what there is.
static void join(struct fitting *f, const double *triangle)
{
  copy_triangle(triangle, f->side, f->side, f->side, f->all_rows + f->side, 2 * f->side);
  f->kernels->qr(f->all_rows, 2 * f->side, f->side, 2 * f->side);
}

static bool solve_by_products(struct fitting *f)
{
  size_t n = f->x->columns;
  double *ridge = f->room;
  for (size_t c = 0; c < n; c++) {
    ridge[c] = f->m->values[L2] * f->scale[c] * f->scale[c];
  }
  return grove__normal_solve(
      f->kernels, f->only, f->x->rows, n, ridge, ridge + n, f->m->coefficient, &f->m->rank);
}

// One block needs no room but its own, and no other lane.
static grove_status reduce_one(struct fitting *f)
{
  size_t n = f->x->rows;
  fill_block(f, 0, n, f->only);
  f->solved = f->m->values[L1] == 0 && solve_by_products(f);
  if (f->solved) {
    return grove__work_yield(f->work);
  }
  f->kernels->qr(f->only, n, f->side, n);
  copy_triangle(f->only, n, n, f->side, f->all_rows, 2 * f->side);
  return grove__work_yield(f->work);
}

static grove_status reduce(struct fitting *f)
{
  size_t blocks = (f->x->rows + f->block - 1) / f->block;
  if (blocks == 1) {
    return reduce_one(f);
  }
  for (f->first = 0; f->first < blocks; f->first += f->window) {
    size_t n = blocks - f->first < f->window ? blocks - f->first : f->window;
    GROVE__TRY(grove__work_run(f->work, n, 2, work_block, f));
    GROVE__TRY((grove_status)atomic_load_explicit(&f->status, memory_order_relaxed));
    for (size_t i = 0; i < n; i++) {
      const double *triangle = f->triangle + i * f->side * f->side;
      if (f->first + i == 0) { // nothing to join it with
        copy_triangle(triangle, f->side, f->side, f->side, f->all_rows, 2 * f->side);
      } else {
        join(f, triangle);
      }
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

static grove_status solve_triangle(struct fitting *f)
{
  struct linear *m = f->m;
  if (m->values[L2] > 0) {
    add_ridge(f);
  }
  if (m->values[L1] > 0) {
    return solve_lasso(f);
  }
  double tolerance = 1e-12 * sqrt((double)f->x->rows);
  m->rank = f->kernels->qr_solve(f->all_rows, f->x->columns, 2 * f->side,
      tolerance < 1e-9 ? tolerance : 1e-9, f->order, m->coefficient);
  return GROVE_OK;
}

static grove_status solve(struct fitting *f)
{
  struct linear *m = f->m;
  size_t n = f->x->columns;
  if (!f->solved) {
    GROVE__TRY(solve_triangle(f));
  }
  double unit = f->scale[n] > 0 ? 1 / f->scale[n] : 0; // a constant target: nothing but the center
  m->intercept = f->center[n];
  for (size_t c = 0; c < n; c++) {
    m->coefficient[c] *= f->scale[c] * unit;
    m->intercept -= m->coefficient[c] * f->center[c];
  }
  return GROVE_OK;
}

// No more than a square of the columns and some: what multiplies without overflow before it does.
static size_t room_bytes(const struct fitting *f)
{
  size_t n = f->x->columns;
  return f->window > 1 ? 0 : (n + grove__normal_room(f->x->rows, n)) * sizeof(double);
}

// One block for all: small models are fitted by the hundred thousand.
static size_t block_bytes(const struct fitting *f)
{
  size_t side = f->side, square, bytes, only = 0, all;
  bool fits = grove__multiply(side, side * sizeof(double), &square) &&
              grove__multiply(square, f->window + 2, &bytes) &&
              (f->window > 1 || grove__multiply(f->x->rows, side * sizeof(double), &only)) &&
              grove__add(bytes, only, &all) && grove__add(all, room_bytes(f), &all);
  return fits ? all + side * (2 * sizeof(double) + sizeof *f->order) : SIZE_MAX;
}

static bool reserve(struct fitting *f)
{
  const grove_allocator *a = &f->m->allocator;
  size_t side = f->side, bytes = block_bytes(f);
  f->m->coefficient = grove__alloc_array(a, f->x->columns, sizeof(double));
  f->m->features = f->x->columns;
  f->center = bytes < SIZE_MAX ? grove__alloc(a, bytes) : NULL;
  if (!f->center || !f->m->coefficient) {
    return false;
  }
  f->scale = f->center + side;
  f->triangle = f->scale + side;
  f->all_rows = f->triangle + f->window * side * side;
  f->only = f->all_rows + 2 * side * side;
  f->room = f->only + (f->window > 1 ? 0 : f->x->rows * side);
  f->order = (size_t *)(void *)(f->room + room_bytes(f) / sizeof(double));
  memset(f->all_rows, 0, 2 * side * side * sizeof(double));
  return true;
}

static void release(struct fitting *f)
{
  if (f->center) {
    grove__free(&f->m->allocator, f->center, block_bytes(f));
  }
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
  struct fitting f = {.m = state,
      .kernels = grove__linear_kernels_best(),
      .x = x,
      .y = d->y,
      .weight = d->weight,
      .work = work,
      .side = x->columns + 1};
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
  return side * side * 8 * (window + 4) + width * block * (side + 1) * 8 + side * 96;
}

static const grove_learner learner = {.struct_size = sizeof(grove_learner),
    .name = "linear",
    .parameters = parameters,
    .create = create,
    .destroy = destroy,
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
