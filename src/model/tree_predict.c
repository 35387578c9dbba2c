#include "model/tree.h"

enum {
  LANES = 8,   // rows that walk a tree side by side: their cache misses overlap
  BLOCK = 4096 // rows that all trees see before the next rows
};

static inline uint32_t step(
    const grove__node *n, uint32_t at, const double *const *column, size_t row)
{
  const grove__node *node = n + at;
  double x = column[node->feature & GROVE__NODE_FEATURE][row];
  uint32_t missing_right = x != x && !(node->feature & GROVE__NODE_MISSING_LEFT);
  uint32_t right = (x > node->value) | missing_right;
  return node->left ? node->left + right : at;
}

double grove__tree_walk(const grove__node *nodes, const double *const *column, size_t row)
{
  uint32_t at = 0;
  while (nodes[at].left) {
    at = step(nodes, at, column, row);
  }
  return nodes[at].value;
}

static void add_lanes(const grove__node *n, const double *const *column, size_t row, double *out)
{
  uint32_t at[LANES] = {0};
  uint32_t moving = n[0].left;
  while (moving) {
    moving = 0;
    for (size_t k = 0; k < LANES; k++) {
      at[k] = step(n, at[k], column, row + k);
      moving |= n[at[k]].left;
    }
  }
  for (size_t k = 0; k < LANES; k++) {
    out[row + k] += n[at[k]].value;
  }
}

void grove__ensemble_predict(const grove__ensemble *e, const grove_matrix *x, double *out)
{
  for (size_t from = 0; from < x->rows; from += BLOCK) {
    size_t end = x->rows - from < BLOCK ? x->rows : from + BLOCK;
    for (size_t i = from; i < end; i++) {
      out[i] = e->base;
    }
    for (size_t t = 0; t < e->count; t++) {
      const grove__node *n = e->trees[t].nodes;
      size_t i = from;
      for (; i + LANES <= end; i += LANES) {
        add_lanes(n, x->column, i, out);
      }
      for (; i < end; i++) {
        out[i] += grove__tree_walk(n, x->column, i);
      }
    }
    for (size_t i = from; i < end; i++) {
      out[i] /= e->divide;
    }
  }
}
