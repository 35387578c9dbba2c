// Rows on which the loss is told while trees are grown: for learning curves. Nothing of the model depends on them.
#ifndef GROVE_MODEL_WATCHED_H
#define GROVE_MODEL_WATCHED_H
#include "model/tree.h"

typedef struct grove__watched {
  const grove_allocator *memory;
  const grove_matrix *x; // NULL: nothing is watched
  const double *y;
  double *sum;   // by row, of the trees that were seen
  uint8_t *seen; // by tree
  size_t trees, count;
} grove__watched;
/// Nothing, if `d` has no rows to watch. Returns: GROVE_ENOMEM; the end is due in any case
grove_status grove__watched_init(grove__watched *w, const grove_allocator *a, const grove_fit_data *d, size_t trees);
void grove__watched_deinit(grove__watched *w);
/// Takes the trees that are finished and were not seen; gives the mean squared error of what they say together: their
/// mean, or their sum behind the ensemble's base and link. NaN: nothing is watched, or there is no tree.
double grove__watched_error(grove__watched *w, const grove__ensemble *e, bool mean);
/// Of one tree, which is grown in one go: what it would say if it had been cut at each depth, told as "3/15 depth mse 0.21"
/// from the root, depth 0, on. Nothing, if `d` has no rows to watch. Returns: GROVE_ENOMEM
grove_status grove__watched_depths(const grove_allocator *a, const grove_fit_data *d, const grove__ensemble *e, const grove_work *work);
#endif
