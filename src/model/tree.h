// Trees as they are kept, walked and saved.
#ifndef GROVE_MODEL_TREE_H
#define GROVE_MODEL_TREE_H
#include "base/alloc.h"
#include <grove/model.h>

/// One node, 16 bytes. A row goes left if x <= value; a missing x (NaN) where the top bit of `feature` says.
/// With GROVE__NODE_CATEGORY a row goes left if x is a whole number whose bit is set in the tree's words: `value`
/// holds, as bits, the first word and from bit 32 on their number. What is in no set goes right.
/// Thresholds are doubles that lie in [a, b) between neighbouring values a < b (grove__between), so that a row
/// goes in predict where it went in fit. The right child follows the left one, and children follow their
/// parent, so no walk can go round. left 0 is a leaf: `value` is what it adds.
typedef struct grove__node {
  double value;
  uint32_t feature;
  uint32_t left;
} grove__node;
#define GROVE__NODE_MISSING_LEFT 0x80000000u
#define GROVE__NODE_CATEGORY 0x40000000u
#define GROVE__NODE_FEATURE 0x3fffffffu

/// Rows and so nodes are numbered with 32 bits: a tree of n rows has less than 2n nodes.
#define GROVE__TREE_ROWS_MAX 0x7fff0000u

/// What fit knew of a node, for importances and SHAP values.
typedef struct grove__node_fact {
  float
      gain; // of the split, in squared units of what the tree was grown on: 2 * the decrease of the loss
  float cover; // weight of the rows that came here: for squared error their number, repeats counted
} grove__node_fact;

typedef struct grove__tree {
  grove__node *nodes;
  size_t count;
  grove__node_fact *facts; // as many as nodes; NULL: not known (from a file of version 1)
  uint32_t *words;         // sets of categories; NULL: no node has one
  size_t word_count;
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
/// A zeroed one is fine.
void grove__tree_free(const grove_allocator *a, grove__tree *t);
/// A copy of a finished tree, its nodes renumbered level by level; `nodes` and `facts` (NULL: none) may have gaps,
/// the root is 0 and `count` nodes can be reached. Words are left out.
grove_status grove__tree_copy(const grove_allocator *a, const grove__node *nodes,
    const grove__node_fact *facts, size_t count, grove__tree *out);
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
/// How much a split gains over no split, in squared units of the target. `gain` is the sum over both sides, in
/// units of `unit`, as are the sums.
static inline double grove__more_gain(double gain, double sum, double weight, double unit2)
{
  double more = gain - sum * sum / weight;
  return more > 0 ? more * unit2 : 0;
}
#endif
