// Scoring some thousand rows at a time, so that their columns and predictions stay in the cache: what a member of a
// pool of predictors, or of a job, has for itself and uses for every shard.
#ifndef GROVE_PREDICT_STRIP_H
#define GROVE_PREDICT_STRIP_H
#include "predict/plan.h"
#include "predict/shard.h"

typedef struct grove__strip {
  const grove__predict_plan *plan;
  double *values;         // plan->count columns of a strip's rows
  const double **columns; // where each begins
  const double **chosen;  // the same of the filter's
  const size_t *places;   // where each is in the batches at hand
  double *out;            // predictions
  double *holds;          // the filter's answers
  unsigned char *scratch; // three bytes a row
} grove__strip;

/// Returns: GROVE_ENOMEM; what is there then is freed by grove__strip_free
grove_status grove__strip_init(grove__strip *s, const grove__predict_plan *plan);
void grove__strip_free(grove__strip *s);

/// What came of some rows. The sum is taken row by row, in the order of the file: the same for any number of members.
typedef struct grove__tally {
  bool keeps;          ///< the predictions are wanted
  bool picks;          ///< and so are the rows that the filter holds for
  uint64_t read, rows; ///< rows that were looked at, and that were scored
  double sum;
  double *kept;        ///< rows of them
  uint64_t *picked;    ///< of the batch at hand, n_picked rows, counted from its first
  size_t n_picked;
  uint64_t before;     ///< `read`, when that batch began
  size_t kept_room, picked_room; ///< bytes
} grove__tally;
void grove__tally_free(grove__tally *t);

/// Who gets each batch of a group once it is scored: with t->picks the rows t->picked of it are meant, else all.
typedef grove_status grove__batch_fn(void *user, const grove_table *batch, const grove__tally *t, grove_error *err);

/// Scores one group of a shard, whose first columns are the plan's. `pause` is asked now and then and ends it with what it
/// gives, if that is not GROVE_OK; `take` may be NULL. Both get `user`.
grove_status grove__strip_score(grove__strip *s, const grove__shard *shard, size_t group,
    grove_status (*pause)(void *user, uint64_t read), grove__batch_fn *take, void *user, grove__tally *t,
    grove_error *err);
#endif
