// A pairing heap of deadlines (Fredman, Sedgewick, Sleator and Tarjan 1986): intrusive, so that setting a timer
// needs no memory; set and remove in amortised O(log n). Not locked: the owner does.
#ifndef GROVE_QUEUE_TIMER_HEAP_H
#define GROVE_QUEUE_TIMER_HEAP_H
#include "base/status.h"

typedef struct grove__heap_node {
  struct grove__heap_node *child, *next,
      *prev; ///< prev: the left sibling, or the parent of a first child
  int64_t when;
  uint64_t order; ///< ties: first set, first out
  bool in;
} grove__heap_node;
typedef struct grove__timer_heap {
  grove__heap_node *root;
  uint64_t orders;
  size_t count;
} grove__timer_heap;

void grove__timer_heap_add(grove__timer_heap *h, grove__heap_node *n, int64_t when);
/// One that is not in: nothing.
void grove__timer_heap_remove(grove__timer_heap *h, grove__heap_node *n);
/// The earliest, or NULL.
static inline grove__heap_node *grove__timer_heap_first(const grove__timer_heap *h)
{
  return h->root;
}
#endif
