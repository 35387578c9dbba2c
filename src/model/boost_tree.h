// One tree grown by several lanes: split from the root until there are enough nodes, which the lanes then share.
#ifndef GROVE_MODEL_BOOST_TREE_H
#define GROVE_MODEL_BOOST_TREE_H
#include "model/grow.h"

enum { GROVE__FRONTIER = 16 }; // nodes that are waiting at once, while the top is grown

enum { GROVE__LEAF_LANES = 8 }; // leaves that are split at once, best first

/// Leaves that wait, for growing best first.
typedef struct grove__leaf_heap {
  void *at; // one more than there are leaves
  size_t count;
  size_t room;
  size_t splits;
  void *parted;   // room for leaves that are parted ahead of their turn
  uint32_t ahead; // which places of it are taken, a bit each
  size_t ahead_count;
  int64_t *pool; // histograms
  uint32_t *free;
  size_t free_count;
  size_t slots;
} grove__leaf_heap;

typedef struct grove__boost_tree {
  grove_allocator allocator;
  const grove__bins *bins;
  bool wide;
  uint32_t *spare;
  size_t node_room;
  grove__node *nodes;
  grove__node_fact *facts;
  uint32_t *sets;         // of splits by categories; NULL: no feature has any
  grove__grower *growers; // one for each lane; the first also grows the top
  size_t lanes;
  int64_t *histograms; // of the waiting nodes
  size_t adding;       // lanes that add to a large histogram
  int64_t *partial;    // theirs, but for the first one's
  grove__tile *tiles;  // one for each of them; NULL: nothing is so large as to be shared
  size_t words; // of one
  int64_t *helped; // of each lane, of a node that another one splits; NULL: none
  double *renew_spare; // of each lane, if leaves are renewed
  grove__leaf_heap heap;
} grove__boost_tree;

/// `leaves`: most of a tree that is grown best first; 0: level by level.
/// Returns: GROVE_ENOMEM; grove__boost_tree_free cleans up then too. A zeroed one may be freed.
grove_status grove__boost_tree_make(const grove_allocator *a, const grove__bins *bins, bool wide,
    size_t leaves, bool renews, size_t width, grove__boost_tree *out);
void grove__boost_tree_free(grove__boost_tree *t);
/// Grows the tree of rows[0 .. n), which it rearranges; adds the leaves to the job's predictions of these rows.
/// Returns: GROVE_ECANCELED, GROVE_ENOMEM
grove_status grove__boost_tree_grow(grove__boost_tree *t, const grove__job *job, uint32_t *rows,
    size_t n, const grove_work *work, grove__tree *out);

/// The histogram of a node's rows, shared by lanes where it is large.
grove_status grove__boost_tree_histogram(const grove__boost_tree *t, const grove__job *job,
    const uint32_t *rows, size_t n, const grove_work *work, int64_t *h);
/// Grows from the root on, best leaf first, to job->max_leaves. The first grower has rows, nodes and facts.
grove_status grove__leaf_tree_grow(
    grove__boost_tree *t, const grove__job *job, grove__pending *root, const grove_work *work);
grove_status grove__leaf_heap_make(
    const grove_allocator *a, size_t leaves, size_t words, grove__leaf_heap *out);
void grove__leaf_heap_free(const grove_allocator *a, size_t words, grove__leaf_heap *h);
#endif
