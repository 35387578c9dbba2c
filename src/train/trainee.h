// The model actor: trains and scores one model of a job.
#ifndef GROVE_TRAIN_TRAINEE_H
#define GROVE_TRAIN_TRAINEE_H
#include "train/job.h"

/// Which model of which job; `job` is a shared grove__job.
typedef struct grove__trainee_order {
  grove_shared job;
  uint64_t index;
} grove__trainee_order;
GROVE_TYPE_HOLDING(grove__trainee_order, job)

/// The row for the report, and the fitted model as grove_share_model makes it.
typedef struct grove__trainee_result {
  grove_trained trained;
  grove_shared model;
} grove__trainee_result;
GROVE_TYPE_HOLDING(grove__trainee_result, model)

/// `split`: a shared grove__split; `run`: what it tells of itself is told as this one's (grove/runs.h).
typedef struct grove__trainee_task {
  grove_shared split;
  uint64_t run;
} grove__trainee_task;
GROVE_TYPE_HOLDING(grove__trainee_task, split)

// train_and_evaluate: fails with the model's own words.
#define GROVE__TRAINEE(START, METHOD)                                                              \
  START(grove__trainee, grove__trainee_order)                                                      \
  METHOD(grove__trainee, train_and_evaluate, grove__trainee_task, grove__trainee_result)
GROVE_INTERFACE(GROVE__TRAINEE, grove__trainee)
#endif
