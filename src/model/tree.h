// Trees as they are kept, walked and saved.
#ifndef GROVE_MODEL_TREE_H
#define GROVE_MODEL_TREE_H
#include "base/alloc.h"
#include <grove/model.h>

/// One node, 16 bytes. A row goes left if x <= value; a missing x (NaN) where the top bit of `feature` says.
/// Thresholds are doubles that lie in [a, b) between neighbouring values a < b (grove__between), so that a row
/// goes in predict where it went in fit. The right child follows the left one, and children follow their
/// parent, so no walk can go round. left 0 is a leaf: `value` is what it adds.
typedef struct grove__node {
  double value;
  uint32_t feature;
  uint32_t left;
} grove__node;
#define GROVE__NODE_MISSING_LEFT 0x80000000u
#define GROVE__NODE_FEATURE 0x7fffffffu

/// Rows and so nodes are numbered with 32 bits: a tree of n rows has less than 2n nodes.
#define GROVE__TREE_ROWS_MAX 0x7fff0000u

typedef struct grove__tree {
  grove__node *nodes;
  size_t count;
} grove__tree;

/// Trees whose leaves are summed in order: (base + t0 + t1 ...) / divide.
typedef struct grove__ensemble {
  grove_allocator allocator;
  grove__tree *trees;
  size_t count;
  size_t room;
  uint32_t features; // how many a row has
  double base;
  double divide;
} grove__ensemble;

/// An ensemble with places for `room` trees.
/// Returns: GROVE_ENOMEM; nothing to free then
grove_status grove__ensemble_init(grove__ensemble *e, const grove_allocator *a, size_t room);
/// A zeroed one is fine.
void grove__ensemble_deinit(grove__ensemble *e);
/// A copy of a finished tree, its nodes renumbered level by level; `nodes` may have gaps, the root is 0 and
/// `count` nodes can be reached.
grove_status grove__tree_copy(
    const grove_allocator *a, const grove__node *nodes, size_t count, grove__tree *out);
void grove__ensemble_predict(const grove__ensemble *e, const grove_matrix *x, double *out);
/// What one tree says for one row.
double grove__tree_walk(const grove__node *nodes, const double *const *column, size_t row);
grove_status grove__ensemble_save(
    const grove__ensemble *e, void *sink, grove_status (*put)(void *sink, const void *, size_t));
/// Every index is checked. On failure there is nothing to free.
/// Returns: GROVE_ECORRUPT
grove_status grove__ensemble_load(
    const grove_allocator *a, const void *bytes, size_t n, grove__ensemble *out, grove_error *err);

/// A threshold for a < b: the middle, or `a` where the middle is not in [a, b).
static inline double grove__between(double a, double b)
{
  double middle = a * 0.5 + b * 0.5;
  return middle >= a && middle < b ? middle : a;
}
#endif
