// Gradient boosting as a kind of model: its parameters, and the learner.
#include "base/status.h"
#include "model/binning.h"
#include "model/boosting.h"
#include <math.h>

// Appended to only: files keep values in this order.
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
  COLSAMPLE_NODE,
  MAX_LEAVES,
  ALPHA,
  MIN_ROWS,
  COLSAMPLE_LEVEL,
  OBJECTIVE,
  QUANTILE,
  SLOPE,
  PATIENCE,
  KEPT_BACK,
  CAT_SMOOTH,
  CAT_LAMBDA,
  CAT_MOST,
  CAT_GROUP,
  CAT_ONE_HOT
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
    {"min_child_weight", "1",
        "sum of the second derivatives in a leaf at least: for squared error its rows", 0,
        1000000000, "min_sum_hessian_in_leaf", NULL, 0},
    {"max_bin", "255", "bins of a feature; 256 means 255 and one for the missing", 2, 256,
        "max_bins n_bins", NULL, 1},
    {"colsample_bynode", "1", "share of the tree's features that a split looks at", 1e-9, 1,
        "feature_fraction_bynode max_features", NULL, 0},
    {"max_leaves", "none",
        "most leaves of a tree, grown best first; none: level by level, no limit", 2, 1000000,
        "num_leaves max_leaf_nodes", "none=0 unlimited=0 0=0 -1=0", 1},
    {"alpha", "0", "L1 penalty on leaves", 0, 1e300, "reg_alpha lambda_l1 l1_regularization l1",
        NULL, 0},
    {"min_data_in_leaf", "1",
        "rows of a leaf at least; with weights or uneven second derivatives about so many", 0,
        1000000000, "min_child_samples min_samples_leaf min_leaf", NULL, 0},
    {"colsample_bylevel", "1", "share of the tree's features that a level looks at", 1e-9, 1, NULL,
        NULL, 0},
    {"objective", "squared", "what is made small", 0, 5, "loss application",
        "squared=0 squared_error=0 reg:squarederror=0 regression=0 regression_l2=0 mse=0 "
        "absolute=1 absolute_error=1 reg:absoluteerror=1 regression_l1=1 mae=1 huber=2 "
        "quantile=3 reg:quantileerror=3 pinball=3 poisson=4 count:poisson=4 "
        "logistic=5 binary:logistic=5 binary=5 log_loss=5",
        1},
    {"quantile", "0.5", "which, for objective=quantile", 1e-9, 0.999999999, "quantile_alpha", NULL,
        0},
    {"huber_slope", "1", "residuals beyond this count by their sign, for objective=huber", 1e-300,
        1e300, "huber_delta", NULL, 0},
    {"early_stopping_rounds", "none",
        "rounds without a better loss on rows that are not learned from, until it ends; none: all "
        "rounds",
        1, 1000000, "n_iter_no_change early_stopping_round", "none=0 0=0", 1},
    {"validation_fraction", "0.1", "share of the rows to stop by, if none are given", 1e-9, 0.9,
        NULL, NULL, 0},
    {"cat_smooth", "5",
        "rows added to a category's, when its mean is compared; one with fewer is not told apart",
        0, 1000000000, NULL, NULL, 0},
    {"cat_l2", "10", "L2 penalty more, for splits by sets of categories", 0, 1e300, NULL, NULL, 0},
    {"max_cat_threshold", "32", "most categories of a set; none: no limit", 1, 1000000, NULL,
        "none=0 0=0", 1},
    {"min_data_per_group", "100", "rows by which sets of categories differ at least", 1, 1000000000,
        NULL, NULL, 0},
    {"max_cat_to_onehot", "4",
        "up to so many categories in a node each is tried alone, without the four above; none: "
        "never",
        1, 1000000, NULL, "none=0 0=0", 1},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, 0}};

static grove__boost_rule rule_of(const double *v)
{
  return (grove__boost_rule){.objective = {(int)v[OBJECTIVE], v[QUANTILE], v[SLOPE]},
      .trees = (size_t)v[TREES],
      .max_depth = grove__depth_of(v[MAX_DEPTH]),
      .max_leaves = (size_t)v[MAX_LEAVES],
      .max_bin = (uint32_t)v[MAX_BIN],
      .step = v[ETA],
      .lambda = v[LAMBDA],
      .alpha = v[ALPHA],
      .gamma = v[GAMMA],
      .least_weight = v[MIN_WEIGHT],
      .least_rows = v[MIN_ROWS],
      .category = {v[CAT_SMOOTH], v[CAT_LAMBDA], v[CAT_GROUP], (uint32_t)v[CAT_MOST],
          (uint32_t)v[CAT_ONE_HOT]},
      .tree_features = v[COLSAMPLE],
      .level_features = v[COLSAMPLE_LEVEL],
      .node_features = v[COLSAMPLE_NODE],
      .rows = v[SUBSAMPLE],
      .patience = (size_t)v[PATIENCE],
      .kept_back = v[KEPT_BACK]};
}

static grove_status fit_data(
    void *state, const grove_fit_data *d, const grove_work *work, grove_error *err)
{
  grove__tree_model *m = state;
  grove__boost_rule rule = rule_of(m->values);
  return grove__boost(m, &rule, d, work, err);
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
  grove__boost_rule r = rule_of(values);
  uint64_t histogram = (columns + GROVE__BLOCK - 1) / GROVE__BLOCK * GROVE__BLOCK * 256 * 8 * 2;
  uint64_t slots = r.max_leaves ? r.max_leaves / 4 + 32 : 40 * (width < 16 ? width : 16);
  uint64_t pool = slots * histogram < (uint64_t)1 << 26 || !r.max_leaves
                      ? slots * histogram
                      : ((uint64_t)1 << 26) + 14 * histogram;
  uint64_t adding = width < 8 ? 8 : width < 16 ? width : 16; // lanes that have histograms of their own to add to
  return grove__bins_bytes(rows, columns, false, width) + (uint64_t)rows * (104 + 16 * width) +
         (4 * rows < 1 << 18 ? 4 * rows : 1 << 18) * 48 + (16 + adding) * histogram + pool +
         (columns / 32 + 1) * adding * sizeof(grove__tile) + width * sizeof(grove__tile) +
         columns * 4096 * width +
         r.trees * (grove__tree_bytes(rows, r.max_depth, r.max_leaves, false) + 48);
}

static const grove_learner learner = {.struct_size = sizeof(grove_learner),
    .name = "gradient_boosting",
    .parameters = parameters,
    .create = create,
    .destroy = grove__tree_model_destroy,
    .predict = grove__tree_model_predict,
    .save = grove__tree_model_save,
    .load = grove__tree_model_load_plain,
    .aliases = "xgboost boosting gbt gbm lightgbm",
    .flags = GROVE_LEARNER_MISSING | GROVE_LEARNER_CATEGORIES | GROVE_LEARNER_MONOTONE |
             GROVE_LEARNER_FLOATS,
    .fit_data = fit_data};
const grove__builtin grove__gradient_boosting = GROVE__TREE_BUILTIN(learner, create_in, estimate);
