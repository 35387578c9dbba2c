// The learner "imported": tree models of other libraries, which predict as those do. It can't be fitted, is
// not among the kinds that grove_registry_at lists, and comes from the room exchange by way of its saved form
// (tree_form.h).
#ifndef GROVE_MODEL_IMPORTED_H
#define GROVE_MODEL_IMPORTED_H
#include "model/tree.h"

/// A node of tree.h by its bits: of a double (a threshold or a leaf), or of a set's place.
typedef struct grove__foreign_node {
  uint64_t bits;
  uint32_t feature;
  uint32_t left;
} grove__foreign_node;
#endif
