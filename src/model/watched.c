#include "model/watched.h"
#include "model/fit_work.h"
#include "model/tree_step.h"
#include <math.h>
#include <stdio.h>

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

// ---- one tree, by depth -------------------------------------------------------------------------------------------

typedef struct cut_tree {
  const grove__ensemble *e;
  const grove__tree *t;
  double *mean;    // of each node's rows: what a leaf in its place would say
  uint32_t *depth; // of each node
  double *squares; // of each depth
  uint32_t deepest;
} cut_tree;

// Children follow their parents, and know their weight.
static void find_means(cut_tree *c)
{
  for (size_t i = 0; i < c->t->count; i++) {
    const grove__node *n = &c->t->nodes[i];
    if (n->left) {
      c->depth[n->left] = c->depth[n->left + 1] = c->depth[i] + 1;
      c->deepest = c->depth[i] + 1 > c->deepest ? c->depth[i] + 1 : c->deepest;
    }
  }
  for (size_t i = c->t->count; i-- > 0;) {
    const grove__node *n = &c->t->nodes[i];
    double left = n->left ? (double)c->t->facts[n->left].cover : 0, right = n->left ? (double)c->t->facts[n->left + 1].cover : 0;
    c->mean[i] = !n->left               ? n->value
                 : left + right > 0 ? (left * c->mean[n->left] + right * c->mean[n->left + 1]) / (left + right)
                                    : (double)NAN;
  }
}

// A row's error at each depth; below its leaf it stays as it is there.
static void add_row(cut_tree *c, const grove_fit_data *d, size_t row)
{
  size_t at = 0;
  for (uint32_t depth = 0; depth <= c->deepest; depth++) {
    const grove__node *n = &c->t->nodes[at];
    double off = d->watch_y[row] - c->mean[at];
    c->squares[depth] += off * off;
    if (n->left) {
      double x = d->watch_x->column[n->feature & GROVE__NODE_FEATURE][row];
      at = n->left + grove__goes_right(c->e->arithmetic, n, c->t->words, x);
    }
  }
}

// The tree is there already: that does not begin again.
static void tell_depth(const grove_work *work, uint32_t depth, uint32_t of, double error)
{
  char text[64];
  if (work && work->progress) {
    snprintf(text, sizeof text, "%u/%u depth mse %.6g", (unsigned)depth, (unsigned)of, error);
    work->progress(work->user, 1, text);
  }
}

grove_status grove__watched_depths(const grove_allocator *a, const grove_fit_data *d, const grove__ensemble *e, const grove_work *work)
{
  cut_tree c = {.e = e, .t = &e->trees[0]};
  size_t n = c.t->count;
  if (!d->watch_x || !d->watch_x->rows || !c.t->facts) {
    return GROVE_OK;
  }
  c.mean = grove__alloc_array(a, n, sizeof *c.mean);
  c.depth = grove__alloc_zero(a, n * sizeof *c.depth);
  c.squares = grove__alloc_zero(a, (n + 1) * sizeof *c.squares);
  grove_status s = c.mean && c.depth && c.squares ? GROVE_OK : GROVE_ENOMEM;
  if (!s) {
    find_means(&c);
    for (size_t row = 0; row < d->watch_x->rows; row++) {
      add_row(&c, d, row);
    }
    for (uint32_t depth = 0; depth <= c.deepest; depth++) {
      tell_depth(work, depth, c.deepest, c.squares[depth] / (double)d->watch_x->rows);
    }
  }
  grove__free(a, c.mean, n * sizeof *c.mean);
  grove__free(a, c.depth, n * sizeof *c.depth);
  grove__free(a, c.squares, (n + 1) * sizeof *c.squares);
  return s;
}
