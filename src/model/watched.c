#include "model/watched.h"
#include "model/tree_step.h"
#include <math.h>

grove_status grove__watched_init(grove__watched *w, const grove_allocator *a, const grove_fit_data *d, size_t trees)
{
  *w = (grove__watched){.memory = a};
  if (!d->watch_x || !d->watch_x->rows) {
    return GROVE_OK;
  }
  w->x = d->watch_x;
  w->y = d->watch_y;
  w->trees = trees;
  w->sum = grove__alloc_array(a, w->x->rows, sizeof *w->sum);
  w->seen = grove__alloc_zero(a, trees);
  if (!w->sum || !w->seen) {
    return GROVE_ENOMEM;
  }
  memset(w->sum, 0, w->x->rows * sizeof *w->sum);
  return GROVE_OK;
}

void grove__watched_deinit(grove__watched *w)
{
  if (w->x) {
    grove__free(w->memory, w->sum, w->x->rows * sizeof *w->sum);
    grove__free(w->memory, w->seen, w->trees);
    w->x = NULL;
  }
}

double grove__watched_error(grove__watched *w, const grove__ensemble *e, bool mean)
{
  double squares = 0;
  if (!w->x) {
    return (double)NAN;
  }
  for (size_t t = 0; t < w->trees; t++) {
    if (w->seen[t] || !e->trees[t].nodes) {
      continue;
    }
    w->seen[t] = 1;
    w->count++;
    for (size_t i = 0; i < w->x->rows; i++) {
      w->sum[i] += grove__tree_walk(e, &e->trees[t], (grove__features){w->x->column, NULL}, i);
    }
  }
  if (!w->count) {
    return (double)NAN;
  }
  for (size_t i = 0; i < w->x->rows; i++) {
    double p = mean ? w->sum[i] / (double)w->count : grove__ensemble_finish(e, e->base + w->sum[i]);
    squares += (w->y[i] - p) * (w->y[i] - p);
  }
  return squares / (double)w->x->rows;
}
