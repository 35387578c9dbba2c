// The state of exact growing, and the growing of one node.
#ifndef GROVE_MODEL_EXACT_NODE_H
#define GROVE_MODEL_EXACT_NODE_H
#include "model/category_split.h"
#include "model/grow_exact.h"
#include <stdatomic.h>

struct grove__exact_split {
  double gain;
  size_t last; // position of the last one on the left
  bool missing_left;
  bool by_set; // of categories: which is found again
};

/// A node that waits, and where its rows lie in every order.
struct grove__exact_pending {
  grove__sum all; // of its q, and its weight
  size_t from;
  size_t count;
  uint32_t node;
  uint32_t depth;
  uint32_t half; // which half of the entries has its rows
  grove__bounds bounds;
};

/// A lane's: a copy of the first one's, but for what is said to be its own.
struct grove__exact {
  const grove_allocator *a;
  const grove_matrix *x;
  const grove__exact_rule *rule;
  const grove_work *work; // own: NULL where lanes have a node each
  grove__entry *half[2];  // [feature][row]; a split copies its rows from one half to the other
  uint32_t *missing;      // [feature]: the rank of NaN
  struct grove__exact_split *split; // own: [feature], of the node at hand
  uint8_t *use;                     // own: [feature], of the node at hand
  uint32_t *draw;                   // own
  int64_t *q;                       // by row, times its weight
  int64_t *units;                   // by row, the weight in whole numbers; NULL: all 1
  size_t alive;                     // rows that weigh something
  double per_row;                   // units of a row of average weight
  grove__category **category;       // [feature], with a place for each: of those with categories
  uint32_t *words;                  // sets of categories
  size_t word_count;
  size_t word_room;
  uint8_t *side; // own: by row: 1 goes left
  uint8_t *in;   // by rank, of the categories at hand: 1 goes left
  grove__node *nodes;
  grove__node_fact *facts;
  uint32_t used;                      // own
  struct grove__exact_pending *stack; // own
  size_t depth;                       // own: of the stack
  size_t room;                        // own
  double center;
  double unit; // of q: that of the target, and of the weight
  double weight_unit;
  bool expired; // own: no more splits
  bool plain; // all rows count once, no number is missing, and splits are by values without bounds
  const double *y;
  struct grove__exact_pending at; // own: the node at hand
  uint32_t chosen;                // own: its feature
  size_t left;                    // own: rows on its left
  atomic_int *status;             // of lanes; read when all chunks have ended
};

static inline grove__values grove__exact_feature(const struct grove__exact *e, size_t f)
{
  return grove__feature((grove__features){e->x->column, e->rule->floats}, f);
}
static inline void grove__exact_add(const struct grove__exact *e, uint32_t row, grove__sum *sum)
{
  sum->q += e->q[row];
  sum->weight += e->units ? e->units[row] : 1;
}

/// Puts a node on the stack. Returns: GROVE_ENOMEM
grove_status grove__exact_push(struct grove__exact *e, const struct grove__exact_pending *p);
/// Makes a leaf of e->at, or splits it and puts its children on the stack.
/// Returns: GROVE_ENOMEM, GROVE_ECANCELED
grove_status grove__exact_node(struct grove__exact *e);
#endif
