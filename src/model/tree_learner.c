#include "model/tree_learner.h"
#include "base/error.h"
#include "base/status.h"
#include "model/binning.h"
#include <math.h>

grove_status grove__tree_model_create(
    const grove_allocator *a, const double *values, size_t count, void **state, grove_error *err)
{
  grove__tree_model *m = grove__alloc_zero(a, sizeof *m);
  if (!m) {
    return grove__error_memory(err, "a model", sizeof *m);
  }
  m->allocator = *a;
  if (count) {
    memcpy(m->values, values, count * sizeof *values);
  }
  *state = m;
  return GROVE_OK;
}

void grove__tree_model_destroy(void *state)
{
  grove__tree_model *m = state;
  grove_allocator a = m->allocator;
  grove__ensemble_deinit(&m->ensemble);
  grove__free(&a, m->losses, m->loss_room * sizeof *m->losses);
  grove__free(&a, m, sizeof *m);
}

grove_status grove__tree_model_predict(
    const void *state, const grove_matrix *x, double *out, grove_error *err)
{
  const grove__tree_model *m = state;
  (void)err;
  grove__ensemble_predict(&m->ensemble, x, out);
  return GROVE_OK;
}

grove_status grove__tree_model_save(const void *state, void *sink,
    grove_status (*put)(void *sink, const void *, size_t), grove_error *err)
{
  const grove__tree_model *m = state;
  (void)err;
  return grove__ensemble_save(&m->ensemble, sink, put);
}

static grove_status load(const grove_allocator *a, const void *bytes, size_t n, bool borrow,
    void **state, grove_error *err)
{
  void *made = NULL;
  GROVE__TRY(grove__tree_model_create(a, NULL, 0, &made, err));
  grove__tree_model *m = made;
  grove_status s = grove__ensemble_load(a, bytes, n, borrow, &m->ensemble, err);
  if (s) {
    grove__tree_model_destroy(m);
    return s;
  }
  *state = m;
  return GROVE_OK;
}

grove_status grove__tree_model_load(
    const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err)
{
  return load(a, bytes, n, false, state, err);
}

grove_status grove__tree_model_load_in_place(
    const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err)
{
  return load(a, bytes, n, true, state, err);
}

grove_status grove__tree_model_load_plain(
    const void *bytes, size_t n, void **state, grove_error *err)
{
  return grove__tree_model_load(&grove__allocator_malloc, bytes, n, state, err);
}

grove_status grove__tree_model_keep_loss(grove__tree_model *m, double loss)
{
  if (m->loss_count == m->loss_room) {
    size_t room = m->loss_room ? 2 * m->loss_room : 64;
    double *more =
        grove__realloc(&m->allocator, m->losses, m->loss_room * sizeof *more, room * sizeof *more);
    if (!more) {
      return GROVE_ENOMEM;
    }
    m->losses = more;
    m->loss_room = room;
  }
  m->losses[m->loss_count++] = loss;
  return GROVE_OK;
}

const double *grove__tree_model_losses(const void *state, size_t *n)
{
  const grove__tree_model *m = state;
  *n = m->loss_count;
  return m->losses;
}

size_t grove__tree_model_features(const void *state)
{
  return ((const grove__tree_model *)state)->ensemble.features;
}

grove__ensemble *grove__tree_model_ensemble(void *state)
{
  return &((grove__tree_model *)state)->ensemble;
}

uint64_t grove__tree_bytes(size_t rows, uint32_t depth, size_t leaves, bool placed)
{
  uint64_t most = rows;
  most = depth < 40 && (uint64_t)1 << depth < most ? (uint64_t)1 << depth : most;
  most = leaves && leaves < most ? leaves : most;
  return 2 * most * sizeof(grove__node) +
         (placed ? most * sizeof(float) : 2 * most * sizeof(grove__node_fact));
}

uint64_t grove__bins_bytes(size_t rows, size_t columns, bool ranks, size_t width)
{
  uint64_t blocks = (columns + GROVE__BLOCK - 1) / GROVE__BLOCK, cells = (uint64_t)rows * columns;
  uint64_t kept = blocks * rows * 8 + columns * GROVE__BIN_VALUES * 8;
  kept += ranks ? cells * 4 + columns * GROVE__BIN_VALUES * 4 : 0;
  uint64_t lanes = width < columns ? width : columns;
  uint64_t made = (uint64_t)rows * GROVE__BLOCK * ((width + GROVE__BLOCK - 1) / GROVE__BLOCK);
  made = made > (uint64_t)rows * GROVE__BLOCK + (1 << 20) ? made : (uint64_t)rows * GROVE__BLOCK + (1 << 20);
  return kept + (made < cells ? made : cells) + 3 + lanes * ((uint64_t)rows * 24 + (1 << 16)); // bytes and sorting go again
}

size_t grove__share_of(double parameter, size_t all)
{
  double n = parameter <= 1 ? floor(parameter * (double)all) : parameter;
  return n < 1 ? 1 : n >= (double)all ? all : (size_t)n;
}

size_t grove__features_at_node(double parameter, size_t all)
{
  if (parameter < 0) {
    double n = parameter < -1.5 ? log2((double)all) : sqrt((double)all);
    return n < 1 ? 1 : (size_t)n;
  }
  return grove__share_of(parameter, all);
}

uint32_t grove__depth_of(double parameter)
{
  return parameter <= 0 || parameter >= (double)UINT32_MAX ? UINT32_MAX : (uint32_t)parameter;
}

grove_status grove__tree_check_size(const grove_matrix *x, grove_error *err)
{
  if (x->rows > GROVE__TREE_ROWS_MAX || x->columns > GROVE__NODE_FEATURE) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "%zu rows and %zu features: a tree numbers at most %u rows and %u features", x->rows,
        x->columns, GROVE__TREE_ROWS_MAX, GROVE__NODE_FEATURE);
  }
  return GROVE_OK;
}

double grove__center_of(const double *y, size_t rows, double *most)
{
  double low = y[0], high = y[0], mean = 0;
  for (size_t i = 0; i < rows; i++) {
    low = y[i] < low ? y[i] : low;
    high = y[i] > high ? y[i] : high;
    mean += y[i] / (double)rows;
  }
  // Rounded, so that targets of few digits keep them when the center is subtracted.
  int exponent;
  frexp(high - low, &exponent);
  double grain = high > low ? ldexp(1, exponent - 12) : 0;
  double center = grain > 0 && isfinite(grain) ? rint(mean / grain) * grain : low;
  center = center < low || center > high || !isfinite(center) ? low : center;
  *most = fmax(high - center, center - low);
  return center;
}

grove__row_units grove__units_of(const double *weight, size_t rows, int64_t *units)
{
  grove__row_units out = {.unit = 1, .per_row = 1, .alive = rows};
  double sum = 0, scale = 1, all = 0;
  bool whole = true;
  if (!weight) {
    frexp((double)rows, &out.bits);
    return out;
  }
  for (size_t i = 0; i < rows; i++) {
    sum += weight[i];
    whole = whole && weight[i] == rint(weight[i]);
  }
  frexp(sum, &out.bits);
  if (!whole || out.bits > 24) {
    scale = ldexp(1, 24 - out.bits);
    out.bits = 24;
  }
  out.alive = 0;
  for (size_t i = 0; i < rows; i++) {
    units[i] = llrint(weight[i] * scale);
    units[i] = weight[i] > 0 && units[i] == 0 ? 1 : units[i];
    all += (double)units[i];
    out.alive += weight[i] > 0;
  }
  out.bits += out.bits < 32; // rounding may add a bit
  out.per_row = all / (double)out.alive;
  out.unit = 1 / scale;
  return out;
}
