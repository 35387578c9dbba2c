// A deque of what was woken last: its owner pushes and takes at one end, where caches are warm and what was begun is
// finished first; thieves, and now and then the owner, take the oldest at the other end.
//
// The body is that of Chase and Lev ("Dynamic Circular Work-Stealing Deque", 2005) in a ring that does not grow, with the
// orders of Lê, Pop, Cohen and Zappa Nardelli (2013), but for their fences: ThreadSanitizer knows operations better. With
// GROVE_LOCKED_QUEUES it is one with a lock, the reference that passes the same tests.
//
// head and tail only count; item i lies in slot i % ROOM; [head, tail) are in it. Facts that it rests on:
//   1. head only grows, and only by an exchange from h to h + 1: whoever makes it has taken item h, alone.
//   2. tail is the owner's. Taking the newest, it first lowers tail, then looks at head; a thief looks at head, then at
//      tail: with one order of all four, of two that reach for the last item one at least sees the other. If head and the
//      lowered tail are equal, it is the last, and the exchange of head decides.
//   3. The owner fills a slot only while tail - head < ROOM, by a head that is not newer than the true one: so a slot is
//      never filled again before its item has been taken; who read it too late fails the exchange.
// (Both count up for 2^64 items: they don't wrap.)
#ifndef GROVE_QUEUE_DEQUE_H
#define GROVE_QUEUE_DEQUE_H
#include "base/status.h"
#include "plat/thread.h"
#include <stdatomic.h>

enum { GROVE__DEQUE_ROOM = 256 };
typedef struct grove__run_node {
  union {
    struct grove__run_node *next; // in a list; not the deque's
    struct grove__worker *home;   // in none: on whose thread alone it runs; NULL: on any. Written in a turn, read by who queues it
  };
  bool unborn; // a life that has not begun: it may wait for what is newer (run_queue.h). Written by whose it is, in no queue
  uint8_t begun; // the room above's: its turn has begun already, by who put it in a queue, and how; 0: it has not
  _Atomic uint8_t own_bytes[2]; // riders, as the next: of whose it is, and nothing to queues
  _Atomic uint32_t own;
} grove__run_node;

typedef struct grove__deque {
  _Atomic uint64_t head; // written by whoever takes the oldest
  unsigned char apart[56];
  _Atomic uint64_t tail; // written by the owner, read by anyone
  _Atomic(grove__run_node *) item[GROVE__DEQUE_ROOM]; // written by the owner
#if defined(GROVE_LOCKED_QUEUES)
  grove__mutex lock; // guards all of the above
#endif
} grove__deque;

/// Zero is empty, but for the reference's lock.
grove_status grove__deque_init(grove__deque *d);
void grove__deque_deinit(grove__deque *d);
/// The owner's. False: it is full. Whoever looks after this, in one order with it, sees it (seq_cst).
bool grove__deque_push(grove__deque *d, grove__run_node *n);
/// The owner's: the newest, or NULL.
grove__run_node *grove__deque_pop(grove__deque *d);
/// Anyone's: the oldest. NULL: there is none, or somebody else was faster.
grove__run_node *grove__deque_steal(grove__deque *d);
/// How many are in it: a hint, but in one order with pushes (seq_cst).
static inline uint32_t grove__deque_length(const grove__deque *d)
{
  uint64_t tail = atomic_load_explicit(&d->tail, memory_order_seq_cst); // PAIRS grove__deque_push
  uint64_t head = atomic_load_explicit(&d->head, memory_order_seq_cst);
  return (int64_t)(tail - head) > 0 ? (uint32_t)(tail - head) : 0;
}
#endif
