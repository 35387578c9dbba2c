// What a pool of predictors was asked for, checked and copied: the start argument of its members.
#ifndef GROVE_PREDICT_PLAN_H
#define GROVE_PREDICT_PLAN_H
#include <grove/predict.h>
#include "columnar/rule.h"

/// Immutable once made, shared by the members. Either `rule` or `model` is there, unless it is broken.
typedef struct grove__predict_plan {
  grove_error broken; ///< status not GROVE_OK: the request was wrong, and these words say how
  grove__rule *rule;
  const grove_model *model;   ///< borrowed: members hold the count
  const char *const *columns; ///< the features, or the rule's columns; `count` of them
  size_t count;
  char *identity; ///< of what predicts: "model HASH" or "rule TEXT"
  char *out_folder;
  grove_store *store;
  bool own_store;
  grove_parquet_options read;
} grove__predict_plan;

/// Only lack of memory gives NULL.
grove__predict_plan *grove__predict_plan_create(
    grove_shared model, const grove_predictor_options *o);
/// Also the destroy function of the shared form.
void grove__predict_plan_destroy(void *plan, void *user);
#endif
