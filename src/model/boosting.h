// The rounds of gradient boosting.
#ifndef GROVE_MODEL_BOOSTING_H
#define GROVE_MODEL_BOOSTING_H
#include "model/histogram.h"
#include "model/objective.h"
#include "model/tree_learner.h"

/// What can be said of boosting, as the parameters have it.
typedef struct grove__boost_rule {
  grove__objective objective;
  size_t trees;
  uint32_t max_depth;
  size_t max_leaves; // 0: level by level
  uint32_t max_bin;
  double step;
  double lambda;
  double alpha;
  double gamma;
  double least_weight;
  double least_rows;
  grove__category_rule category; // smooth and lambda as weights, group as rows
  double tree_features;          // share
  double level_features;         // share
  double node_features;          // share
  double rows;                   // share
  size_t patience;  // rounds without a better loss on rows that were kept back; 0: all rounds
  double kept_back; // share of the rows, if there are none to validate on
} grove__boost_rule;

/// Fits the model's ensemble.
grove_status grove__boost(grove__tree_model *m, const grove__boost_rule *rule,
    const grove_fit_data *d, const grove_work *work, grove_error *err);
#endif
