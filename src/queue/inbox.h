// The inbox: tasks that come from threads that are no workers, oldest first. Many push, many take.
//
// Who pushes makes one exchange on one word, and touches no other line; who takes has a lock among takers, who are workers that
// look for something to do: it turns all that was pushed round into a list, and gives the first of it. So one that is pushed and
// taken crosses from cache to cache with the word alone, and what its neighbours in the word's line have to say to who pushes
// (runtime/sched.h) comes with it.
//
// With GROVE_LOCKED_QUEUES who pushes takes the lock, too: the reference, which passes the same tests.
#ifndef GROVE_QUEUE_INBOX_H
#define GROVE_QUEUE_INBOX_H
#include "queue/run_queue.h"

typedef struct grove__inbox {
  grove__mutex lock;
  _Atomic uint32_t listed; // written under lock, read by anyone as a hint
  grove__run_list list;    // guarded by lock: older than all that is pushed
  char apart[64];
  _Atomic(grove__run_node *) pushed; // a stack, linked by `next`; the last member: see above
} grove__inbox;

/// Zero is empty, but for the lock.
grove_status grove__inbox_init(grove__inbox *b);
void grove__inbox_deinit(grove__inbox *b);
/// From any thread. Whoever looks after this, in one order with it, sees it (seq_cst).
void grove__inbox_push(grove__inbox *b, grove__run_node *n);
/// The oldest, or NULL.
grove__run_node *grove__inbox_take(grove__inbox *b);
/// Whether there is any: a hint, but of what is pushed in one order with pushes (seq_cst). And exact, in one order with what the caller did before
/// (seq_cst, or under locks).
static inline bool grove__inbox_looks_full(const grove__inbox *b)
{
  return atomic_load_explicit(&b->pushed, memory_order_seq_cst) || // PAIRS grove__inbox_push: worker.c, spin
         atomic_load_explicit(&b->listed, memory_order_relaxed);   // relaxed: a hint
}
bool grove__inbox_waits(grove__inbox *b);
#endif
