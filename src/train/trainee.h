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

// train_and_evaluate: the argument is a shared grove__split. Fails with the model's own words.
#define GROVE__TRAINEE(START, METHOD)                                                              \
  START(grove__trainee, grove__trainee_order)                                                      \
  METHOD(grove__trainee, train_and_evaluate, grove_shared, grove__trainee_result)
GROVE_INTERFACE(GROVE__TRAINEE, grove__trainee)
#endif
