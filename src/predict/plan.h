// What predictors were asked for, checked and copied: shared by the members of a pool, or of a job.
#ifndef GROVE_PREDICT_PLAN_H
#define GROVE_PREDICT_PLAN_H
#include <grove/job.h>
#include <grove/predict.h>
#include "columnar/rule.h"

/// What predicts, which rows, and where from. Texts are borrowed until the plan is made.
typedef struct grove__predict_wish {
  const char *rule, *filter;
  grove_score_fn *score;
  void *score_user;
  const char *const *score_columns;
  const char *score_name;
  const char *out_folder;
  grove_store *store;
  const grove_parquet_options *read;
} grove__predict_wish;

/// Immutable once made. One of `rule`, `model` and `score` is there, unless it is broken.
typedef struct grove__predict_plan {
  grove_error broken; ///< status not GROVE_OK: the request was wrong, and these words say how
  grove__rule *rule, *filter;
  const grove_model *model; ///< borrowed: members hold the count
  grove_score_fn *score;
  void *score_user;
  char **columns;         ///< features or the rule's columns, then those that the filter wants beside; NULL-ended
  size_t count, features; ///< of columns; how many of them predict
  bool *numbers;          ///< by column: wanted as numbers, not just whether they are null
  size_t *filter_place;   ///< by column of the filter: which of `columns`
  char *identity;         ///< of what predicts: "model HASH", "rule TEXT" or "function NAME"
  char *filter_text;      ///< NULL: none
  char *out_folder;
  grove_store *store; ///< counted
  grove_parquet_options read; ///< without its columns and rule
} grove__predict_plan;

/// Only lack of memory gives NULL.
grove__predict_plan *grove__predict_plan_create(grove_shared model, const grove__predict_wish *w);
/// Also the destroy function of the shared form.
void grove__predict_plan_destroy(void *plan, void *user);
#endif
