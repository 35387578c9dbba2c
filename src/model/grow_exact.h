// One tree with every possible split looked at (CART, Breiman and others 1984): all features sorted once, and
// kept sorted in every node.
#ifndef GROVE_MODEL_GROW_EXACT_H
#define GROVE_MODEL_GROW_EXACT_H
#include "model/tree.h"

typedef struct grove__exact_rule {
  uint32_t max_depth;
  size_t least_split;    // rows
  size_t least_leaf;     // rows
  double least_decrease; // of the sum of squares; <= 0: any split
  size_t node_features;  // how many a node looks at
  uint64_t seed;
} grove__exact_rule;

/// Returns: GROVE_ENOMEM, GROVE_ECANCELED
grove_status grove__exact_grow(const grove_allocator *a, const grove_matrix *x, const double *y,
    const grove__exact_rule *rule, const grove_work *work, grove__tree *out);
#endif
