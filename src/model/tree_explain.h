// SHAP values of tree models, by the weights of their leaves.
#ifndef GROVE_MODEL_TREE_EXPLAIN_H
#define GROVE_MODEL_TREE_EXPLAIN_H
#include "model/tree.h"

typedef struct grove__explainer {
  grove_allocator allocator;
  const grove__ensemble *ensemble;
  double **weight; // by tree and node
  struct grove__path_step *path;
  size_t path_room;
  double expected; // what the trees say without knowing any feature
} grove__explainer;

/// Returns: GROVE_ENOTSUP: the leaves' weights are not known; GROVE_ELIMIT: trees too deep; GROVE_ENOMEM. Nothing is to
/// be freed then
grove_status grove__explainer_make(
    const grove_allocator *a, const grove__ensemble *e, grove__explainer *out, grove_error *err);
void grove__explainer_free(grove__explainer *x);
/// Of one row: a value for each feature, and last the expected one. Their sum is the prediction before its link.
void grove__explainer_row(
    grove__explainer *x, const double *const *column, size_t row, double *out);
#endif
