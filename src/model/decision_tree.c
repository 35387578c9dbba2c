// One regression tree, exact splits.
#include "base/error.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"
#include "model/tree_learner.h"
#include "model/watched.h"
#include <math.h>

enum { MAX_DEPTH, MIN_SPLIT, MIN_LEAF, MAX_FEATURES, MIN_DECREASE };

static const grove_parameter_info parameters[] = {
    {"max_depth", "15", "most levels of splits; none: no limit", 1, 1000000, "depth",
        "none=0 unlimited=0 0=0 -1=0", 1},
    {"min_samples_split", "2", "rows a node needs to be split; below 1 a share", 1e-9, 1000000000,
        "min_split", NULL, 0},
    {"min_samples_leaf", "1", "rows of a leaf at least; below 1 a share", 1e-9, 1000000000,
        "min_data_in_leaf min_child_samples min_leaf", NULL, 0},
    {"max_features", "1", "features a split looks at: up to 1 a share, above a number", 1e-9,
        1000000000, "colsample_bynode feature_fraction_bynode mtry", "all=1 none=1 sqrt=-1 log2=-2",
        0},
    {"min_impurity_decrease", "0",
        "least gain of a split: share of rows times decrease of variance", 0, 1e300, NULL, NULL, 0},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, 0}};

static size_t rows_of(double parameter, size_t all)
{
  return (size_t)(parameter < 1 ? ceil(parameter * (double)all) : ceil(parameter));
}

static grove_status fit_data(
    void *state, const grove_fit_data *d, const grove_work *work, grove_error *err)
{
  grove__tree_model *m = state;
  const grove_matrix *x = d->x;
  const double *v = m->values;
  if (d->validation_x) {
    return grove__error(
        err, GROVE_ENOTSUP, -1, "a tree has no rows to validate on: it is grown in one go");
  }
  GROVE__TRY(grove__tree_check_size(x, err));
  if (grove__ensemble_init(&m->ensemble, &m->allocator, 1)) {
    return grove__error_memory(err, "a tree", sizeof(grove__tree));
  }
  m->ensemble.features = (uint32_t)x->columns;
  grove__exact_rule rule = {.kernels = grove__grow_kernels_best(),
      .max_depth = grove__depth_of(v[MAX_DEPTH]),
      .least_split = rows_of(v[MIN_SPLIT], x->rows),
      .least_leaf = rows_of(v[MIN_LEAF], x->rows),
      .least_decrease = v[MIN_DECREASE] * (double)x->rows,
      .node_features = grove__features_at_node(v[MAX_FEATURES], x->columns),
      .floats = d->floats,
      .category = d->categorical,
      .monotone = d->monotone,
      .weight = d->weight,
      .seed = d->seed};
  grove_status s = grove__exact_grow(&m->allocator, x, d->y, &rule, work, &m->ensemble.trees[0]);
  if (s == GROVE_ENOMEM) {
    return grove__error_memory(err, "sorted features", (uint64_t)x->rows * x->columns * 16);
  }
  if (s) {
    return grove__error(err, s, -1, "cancelled while the tree was grown");
  }
  m->ensemble.count = 1;
  if (grove__watched_depths(&m->allocator, d, &m->ensemble, work)) {
    return grove__error_memory(err, "errors by depth", m->ensemble.trees[0].count * 20);
  }
  grove__work_progress(work, 1, 1);
  return GROVE_OK;
}

static grove_status create_in(
    const grove_allocator *a, const double *values, void **state, grove_error *err)
{
  return grove__tree_model_create(a, values, GROVE__COUNT(parameters) - 1, state, err);
}

static grove_status create(const double *values, void **state, grove_error *err)
{
  return create_in(&grove__allocator_malloc, values, state, err);
}

static uint64_t estimate(const double *values, size_t rows, size_t columns, size_t width)
{
  uint64_t cells = (uint64_t)rows * columns, lanes = width < columns ? width : columns;
  return cells * 16 + (uint64_t)rows * 64 + lanes * ((uint64_t)rows * 32 + (1 << 16)) +
         columns * 64 + 8192 +
         grove__tree_bytes(rows, grove__depth_of(values[MAX_DEPTH]), 0, false);
}

static const grove_learner learner = {.struct_size = sizeof(grove_learner),
    .name = "decision_tree",
    .parameters = parameters,
    .create = create,
    .destroy = grove__tree_model_destroy,
    .predict = grove__tree_model_predict,
    .save = grove__tree_model_save,
    .load = grove__tree_model_load_plain,
    .aliases = "tree cart",
    .flags = GROVE_LEARNER_MISSING | GROVE_LEARNER_CATEGORIES | GROVE_LEARNER_MONOTONE |
             GROVE_LEARNER_FLOATS,
    .fit_data = fit_data};
const grove__builtin grove__decision_tree = GROVE__TREE_BUILTIN(learner, create_in, estimate);
