// The run queue of a worker: what is runnable, in order, with a slot for what was woken last.
//
// Reference body, with a mutex; a lock-free one goes behind the same face.
// The slot keeps a pair that talks to each other on one worker and in one cache. After GROVE__SLOT_STREAK tasks from
// the slot in a row the list has its turn, so that a chatty pair starves nobody. Pinned nodes may only be run by the
// queue's own worker; the others may be stolen, the slot last.
#ifndef GROVE_QUEUE_RUN_QUEUE_H
#define GROVE_QUEUE_RUN_QUEUE_H
#include "base/status.h"
#include "plat/thread.h"
#include <stdatomic.h>

enum { GROVE__SLOT_STREAK = 64 };
typedef struct grove__run_node {
  struct grove__run_node *next;
} grove__run_node;
typedef struct grove__run_list {
  grove__run_node *first, *last;
} grove__run_list;

typedef struct grove__run_queue {
  grove__mutex lock;
  grove__run_list open, pinned; // guarded by lock
  grove__run_node *slot;        // guarded by lock
  uint32_t streak, turn;        // guarded by lock
  _Atomic uint32_t length;      // of all three; written under lock, read by anyone as a hint
} grove__run_queue;

grove_status grove__run_queue_init(grove__run_queue *q);
void grove__run_queue_deinit(grove__run_queue *q);
/// Appends. Gives the length before.
uint32_t grove__run_queue_push(grove__run_queue *q, grove__run_node *n);
void grove__run_queue_push_pinned(grove__run_queue *q, grove__run_node *n);
/// Puts `n` in the slot; what was there goes to the end of the list. True: something is there to be stolen now.
bool grove__run_queue_push_slot(grove__run_queue *q, grove__run_node *n);
/// The next for the queue's own worker, or NULL. List and pinned take turns.
grove__run_node *grove__run_queue_pop(grove__run_queue *q);
/// One for another worker: the oldest of the list; the slot only if `slot_too`.
grove__run_node *grove__run_queue_steal(grove__run_queue *q, bool slot_too);
static inline uint32_t grove__run_queue_length(const grove__run_queue *q)
{
  // Relaxed: a hint; who decides takes the lock.
  return atomic_load_explicit(&q->length, memory_order_relaxed);
}

/// A plain list, for those who keep one under a lock of their own.
static inline void grove__run_list_push(grove__run_list *l, grove__run_node *n)
{
  n->next = NULL;
  if (l->first) {
    l->last->next = n;
  } else {
    l->first = n;
  }
  l->last = n;
}
static inline grove__run_node *grove__run_list_pop(grove__run_list *l)
{
  grove__run_node *n = l->first;
  if (n) {
    l->first = n->next;
  }
  return n;
}
#endif
