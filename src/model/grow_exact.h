// One tree with every possible split looked at (CART, Breiman and others 1984): all features sorted once, and
// kept sorted in every node.
#ifndef GROVE_MODEL_GROW_EXACT_H
#define GROVE_MODEL_GROW_EXACT_H
#include "model/tree.h"

typedef struct grove__exact_rule {
  const struct grove__grow_kernels *kernels; // see grow_kernels.h
  uint32_t max_depth;
  size_t least_split;    // rows
  size_t least_leaf;     // rows
  double least_decrease; // of the sum of squares; <= 0: any split
  size_t node_features;  // how many a node looks at
  uint64_t seed;
  const float *const *floats; // see grove__features
  const uint8_t *category;    // [feature]: 1: its numbers are categories; NULL: none are
  const int8_t *monotone;     // see grove__gain_rule
  const double *weight; // by row; NULL: all 1. Numbers of rows mean rows of average weight then
} grove__exact_rule;

/// A row in the order of a feature; equal values have equal ranks.
typedef struct grove__entry {
  uint32_t row;
  uint32_t rank;
} grove__entry;

/// What is the same for all splits of a node.
typedef struct grove__exact_terms {
  double sum;   // of its rows
  double count; // of its rows
  double least; // rows of a side
} grove__exact_terms;

typedef struct grove__exact_best {
  double gain;
  uint32_t feature;
  uint32_t last; // place of the last row on the left
} grove__exact_best;

/// Returns: GROVE_ENOMEM, GROVE_ECANCELED
grove_status grove__exact_grow(const grove_allocator *a, const grove_matrix *x, const double *y,
    const grove__exact_rule *rule, const grove_work *work, grove__tree *out);
#endif
