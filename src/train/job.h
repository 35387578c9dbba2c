// What a trainer was asked for, checked and copied: the start argument of the trainer and of its model actors.
#ifndef GROVE_TRAIN_JOB_H
#define GROVE_TRAIN_JOB_H
#include <grove/train.h>
#include <stdatomic.h>

/// One model to train. `parameters` ends with {NULL, NULL}.
typedef struct grove__plan {
  char *name;
  grove_parameter *parameters;
  size_t count;
} grove__plan;

/// Immutable once made, but for `finish`; shared by the trainer and its children.
typedef struct grove__job {
  grove_error broken; ///< status not GROVE_OK: the request was wrong, and these words say how
  grove_table *table; ///< one count
  const grove_registry *registry;
  uint64_t seed;
  uint32_t time_limit_ms;
  double test_part;
  char *target; ///< the column's name
  char *save_folder;
  char **categorical; ///< NULL-ended copies of the options' lists; NULL: none
  char **increasing;
  char **decreasing;
  uint64_t memory_bytes;
  uint32_t parallelism; ///< 0: no limit
  uint32_t folds;       ///< 0: one test part
  bool curves;          ///< errors on the test part are told as models grow
  grove__plan *plans;
  size_t models;
  atomic_bool *finish; ///< [model]: it is to end its training early. Set by the trainer; a hint, ordered by nothing
} grove__job;

/// Copies and checks. What is wrong with the request stands in job->broken; only lack of memory gives NULL.
grove__job *grove__job_create(grove_table *table, const grove_trainer_options *o);
/// Ends a job: also the destroy function of its shared form.
void grove__job_destroy(void *job, void *user);

/// Train part and test part of the job's table: made once, shared by all models.
typedef struct grove__split {
  grove_table *train, *test;
} grove__split;
/// Checks the data (rows, target) and splits it. `yield` is called now and then and may stop it.
grove_status grove__job_split(
    const grove__job *job, const grove_work *work, grove__split *out, grove_error *err);
#endif
