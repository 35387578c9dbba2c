// One tree grown by several lanes: split from the root until there are enough nodes, which the lanes then share.
#ifndef GROVE_MODEL_BOOST_TREE_H
#define GROVE_MODEL_BOOST_TREE_H
#include "model/grow.h"

enum { GROVE__FRONTIER = 16 }; // nodes that are waiting at once, while the top is grown

typedef struct grove__boost_tree {
  grove_allocator allocator;
  const grove__bins *bins;
  bool wide;
  uint32_t *spare;
  grove__node *nodes;
  grove__node_fact *facts;
  grove__grower *growers; // one for each lane; the first also grows the top
  size_t lanes;
  int64_t *histograms; // of the waiting nodes
  int64_t *partial;    // of chunks of rows
  size_t words;        // of one
} grove__boost_tree;

/// Returns: GROVE_ENOMEM; grove__boost_tree_free cleans up then too. A zeroed one may be freed.
grove_status grove__boost_tree_make(const grove_allocator *a, const grove__bins *bins, bool wide,
    size_t width, grove__boost_tree *out);
void grove__boost_tree_free(grove__boost_tree *t);
/// Grows the tree of rows[0 .. n), which it rearranges; adds the leaves to the job's predictions of these rows.
/// Returns: GROVE_ECANCELED, GROVE_ENOMEM
grove_status grove__boost_tree_grow(grove__boost_tree *t, const grove__job *job, uint32_t *rows,
    size_t n, const grove_work *work, grove__tree *out);
#endif
