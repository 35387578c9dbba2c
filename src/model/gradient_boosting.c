// Gradient boosting of regression trees on squared error (Friedman 2001), with the second-order leaves and the
// regularised gain of Chen and Guestrin (2016): every tree is grown on what the ones before it left over.
#include "base/error.h"
#include "base/random.h"
#include "base/status.h"
#include "model/boost_tree.h"
#include "model/fit_work.h"
#include "model/kernels.h"
#include "model/tree_learner.h"
#include <math.h>

enum {
  TREES,
  MAX_DEPTH,
  ETA,
  COLSAMPLE,
  SUBSAMPLE,
  LAMBDA,
  GAMMA,
  MIN_WEIGHT,
  MAX_BIN,
  COLSAMPLE_NODE
};

static const grove_parameter_info parameters[] = {
    {"n_estimators", "150", "how many trees, one after the other", 1, 1000000,
        "n_trees num_trees num_boost_round num_round num_rounds num_iterations iterations max_iter",
        NULL, 1},
    {"max_depth", "10", "most levels of splits; none: no limit", 1, 1000000, "depth",
        "none=0 unlimited=0 0=0 -1=0", 1},
    {"eta", "0.3", "how much of each tree's correction is taken", 1e-9, 1,
        "learning_rate lr shrinkage_rate", NULL, 0},
    {"colsample_bytree", "1", "share of the features that a tree sees", 1e-9, 1,
        "feature_fraction sub_feature", NULL, 0},
    {"subsample", "1", "share of the rows that a tree sees, without repeats", 1e-9, 1,
        "bagging_fraction sub_row", NULL, 0},
    {"lambda", "1", "L2 penalty on leaves", 0, 1e300, "reg_lambda lambda_l2 l2_regularization l2",
        NULL, 0},
    {"gamma", "0", "least gain of a split", 0, 1e300,
        "min_split_loss min_gain_to_split min_split_gain", NULL, 0},
    {"min_child_weight", "1", "rows of a leaf at least", 0, 1000000000,
        "min_sum_hessian_in_leaf min_data_in_leaf min_child_samples min_samples_leaf", NULL, 0},
    {"max_bin", "255", "bins of a feature; 256 means 255 and one for the missing", 2, 256,
        "max_bins n_bins", NULL, 1},
    {"colsample_bynode", "1", "share of the tree's features that a split looks at", 1e-9, 1,
        "feature_fraction_bynode max_features", NULL, 0},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, 0}};

struct boosting {
  grove__tree_model *model;
  const grove_work *work;
  const double *y;
  size_t rows;
  uint64_t seed;
  grove__bins bins;
  grove__job job;
  double *prediction;
  int64_t *value;
  int64_t *weight;  // when wide: all ones
  uint8_t *use;     // features of the tree at hand
  uint32_t *draw;   // for drawing
  uint32_t *sample; // rows of the tree at hand, then the others
  grove__boost_tree tree;
};

static double largest_residual(const struct boosting *b)
{
  double most = 0;
  for (size_t i = 0; i < b->rows; i++) {
    double r = fabs(b->y[i] - b->prediction[i]);
    most = r > most ? r : most;
  }
  return most;
}

// To whole numbers by adding 1.5 * 2^52: what is left in the low bits is the rounded number. Exact below 2^50,
// and loops of it become vectors, which llrint's do not.
static void quantise(struct boosting *b)
{
  const double magic = 0x1.8p52, scale = b->job.pack.scale;
  int64_t zero;
  memcpy(&zero, &magic, sizeof zero);
  unsigned shift = b->job.pack.shift;
  int64_t one = b->job.pack.wide ? 0 : 1;
  for (size_t i = 0; i < b->rows; i++) {
    double r = (b->y[i] - b->prediction[i]) * scale + magic;
    uint64_t bits;
    memcpy(&bits, &r, sizeof bits);
    b->value[i] = (int64_t)((bits - (uint64_t)zero) << shift) + one;
  }
}

// Rows of a tree in rising order, then the rows that it does not see. Gives how many it sees.
static size_t draw_rows(struct boosting *b, uint64_t *seed)
{
  size_t n = grove__share_of(b->model->values[SUBSAMPLE], b->rows), in = 0, out = n;
  for (size_t i = 0; i < b->rows; i++) {
    // Keeps each row with the chance that it takes to get n in all.
    bool keep = n == b->rows || grove__random_below(seed, b->rows - i) < n - in;
    b->sample[keep ? in++ : out++] = (uint32_t)i;
  }
  return n;
}

static void draw_features(struct boosting *b, uint64_t *seed)
{
  size_t all = b->bins.features, n = grove__share_of(b->model->values[COLSAMPLE], all);
  b->job.use = n < all ? b->use : NULL;
  for (size_t f = 0; f < all; f++) {
    b->draw[f] = (uint32_t)f;
    b->use[f] = 0;
  }
  for (size_t i = 0; i < n; i++) {
    size_t k = i + (size_t)grove__random_below(seed, all - i);
    uint32_t f = b->draw[k];
    b->draw[k] = b->draw[i];
    b->use[f] = 1;
  }
}

static grove_status add_tree(struct boosting *b, double most, grove_error *err)
{
  grove__ensemble *e = &b->model->ensemble;
  uint64_t seed = grove__mix64(grove__mix64(b->seed) + e->count);
  b->job.seed = grove__mix64(seed);
  if (grove__pack_choose(most, b->rows, b->job.pack.wide, &b->job.pack)) {
    return grove__error(err, GROVE_ELIMIT, -1, "%zu rows are too many for boosting", b->rows);
  }
  quantise(b);
  size_t n = draw_rows(b, &seed);
  draw_features(b, &seed);
  grove__tree *tree = &e->trees[e->count];
  grove_status s = grove__boost_tree_grow(&b->tree, &b->job, b->sample, n, b->work, tree);
  if (s == GROVE_ENOMEM) {
    return grove__error_memory(err, "a tree", 0);
  }
  if (s) {
    return grove__error(err, s, -1, "cancelled after %zu of %zu trees", e->count, e->room);
  }
  for (size_t i = n; i < b->rows; i++) {
    uint32_t row = b->sample[i];
    b->prediction[row] += grove__tree_walk(e, tree, b->job.column, row);
  }
  e->count++;
  return GROVE_OK;
}

static grove_status add_all(struct boosting *b, grove_error *err)
{
  grove__ensemble *e = &b->model->ensemble;
  while (e->count < e->room) {
    double most = largest_residual(b);
    if (!isfinite(most)) {
      return grove__error(err, GROVE_EINVAL, -1,
          "the target's range is too wide: residuals are not finite after %zu trees", e->count);
    }
    if (most == 0 && e->count) {
      break; // nothing is left over: more trees would add nothing
    }
    GROVE__TRY(add_tree(b, most, err));
    grove__work_progress(b->work, e->count, e->room);
    if (grove__work_yield(b->work)) {
      return grove__error(
          err, GROVE_ECANCELED, -1, "cancelled after %zu of %zu trees", e->count, e->room);
    }
    if (grove__work_expired(b->work)) {
      break;
    }
  }
  return GROVE_OK;
}

static bool reserve(struct boosting *b)
{
  const grove_allocator *a = &b->model->allocator;
  b->prediction = grove__alloc_array(a, b->rows, sizeof *b->prediction);
  b->value = grove__alloc_array(a, b->rows, sizeof *b->value);
  b->sample = grove__alloc_array(a, b->rows, sizeof *b->sample);
  b->use = grove__alloc(a, b->bins.features);
  b->draw = grove__alloc_array(a, b->bins.features, sizeof *b->draw);
  b->weight = b->job.pack.wide ? grove__alloc_array(a, b->rows, sizeof *b->weight) : NULL;
  return b->prediction && b->value && b->sample && b->use && b->draw &&
         (b->weight || !b->job.pack.wide);
}

static void release(struct boosting *b)
{
  const grove_allocator *a = &b->model->allocator;
  grove__free(a, b->prediction, b->rows * sizeof *b->prediction);
  grove__free(a, b->value, b->rows * sizeof *b->value);
  grove__free(a, b->sample, b->rows * sizeof *b->sample);
  grove__free(a, b->use, b->bins.features);
  grove__free(a, b->draw, b->bins.features * sizeof *b->draw);
  grove__free(a, b->weight, b->rows * sizeof *b->weight);
  grove__boost_tree_free(&b->tree);
}

static grove_status prepare(struct boosting *b, const grove_matrix *x, grove_error *err)
{
  const double *v = b->model->values;
  size_t all = grove__share_of(v[COLSAMPLE], x->columns);
  double mean = 0;
  for (size_t i = 0; i < b->rows; i++) {
    mean += b->y[i] / (double)b->rows;
  }
  b->job = (grove__job){.kernels = grove__kernels_best(),
      .bins = &b->bins,
      .column = x->column,
      .step = v[ETA],
      .lambda = v[LAMBDA],
      .least_gain = v[GAMMA],
      .least_leaf = v[MIN_WEIGHT],
      .least_split = 2,
      .max_depth = grove__depth_of(v[MAX_DEPTH]),
      .node_features =
          v[COLSAMPLE_NODE] < 1 ? grove__share_of(v[COLSAMPLE_NODE], all) : x->columns};
  b->job.pack.wide = b->rows >= GROVE__PACK_WEIGHT_MAX;
  if (!reserve(b) || grove__boost_tree_make(&b->model->allocator, &b->bins, b->job.pack.wide,
                         grove__work_width(b->work), &b->tree)) {
    return grove__error_memory(err, "boosting", (uint64_t)b->rows * 64);
  }
  for (size_t i = 0; i < b->rows; i++) {
    b->prediction[i] = mean;
    if (b->weight) {
      b->weight[i] = 1;
    }
  }
  b->job.value = b->value;
  b->job.weight = b->weight;
  b->job.prediction = b->prediction;
  b->model->ensemble.base = mean;
  return GROVE_OK;
}

static grove_status fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  grove__tree_model *m = state;
  struct boosting b = {.model = m, .work = work, .y = y, .rows = x->rows, .seed = seed};
  GROVE__TRY(grove__tree_check_size(x, err));
  grove_status s = grove__ensemble_init(&m->ensemble, &m->allocator, (size_t)m->values[TREES]);
  if (s == GROVE_OK) {
    m->ensemble.features = (uint32_t)x->columns;
    s = grove__bins_make(&m->allocator, x, (uint32_t)m->values[MAX_BIN], false, work, &b.bins);
  }
  if (s) {
    return s == GROVE_ENOMEM
               ? grove__error_memory(err, "binned features", (uint64_t)x->rows * x->columns * 2)
               : s;
  }
  s = prepare(&b, x, err);
  if (s == GROVE_OK) {
    s = add_all(&b, err);
  }
  release(&b);
  grove__bins_free(&b.bins);
  return s;
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

static const grove_learner learner = {.struct_size = sizeof(grove_learner),
    .name = "gradient_boosting",
    .parameters = parameters,
    .create = create,
    .destroy = grove__tree_model_destroy,
    .fit = fit,
    .predict = grove__tree_model_predict,
    .save = grove__tree_model_save,
    .load = grove__tree_model_load_plain,
    .aliases = "xgboost boosting gbt gbm lightgbm",
    .flags = GROVE_LEARNER_MISSING};
const grove__builtin grove__gradient_boosting = GROVE__TREE_BUILTIN(learner, create_in);
