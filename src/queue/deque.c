#include "queue/deque.h"
#include <string.h>

static _Atomic(grove__run_node *) *slot_of(grove__deque *d, uint64_t at)
{
  return &d->item[at % GROVE__DEQUE_ROOM];
}

#if !defined(GROVE_LOCKED_QUEUES)
grove_status grove__deque_init(grove__deque *d)
{
  memset(d, 0, sizeof *d);
  return GROVE_OK;
}

void grove__deque_deinit(grove__deque *d)
{
  (void)d;
}

bool grove__deque_push(grove__deque *d, grove__run_node *n)
{
  uint64_t tail = atomic_load_explicit(&d->tail, memory_order_relaxed); // relaxed: the owner's own
  // ORDER acquire: who took the item that was in the slot has read it. PAIRS the exchange in grove__deque_steal.
  uint64_t head = atomic_load_explicit(&d->head, memory_order_acquire);
  if (tail - head >= GROVE__DEQUE_ROOM) {
    return false;
  }
  atomic_store_explicit(slot_of(d, tail), n, memory_order_relaxed); // published by tail
  // ORDER release: publishes the item and what it leads to. PAIRS grove__deque_steal.
  // WHY seq_cst: who pushes looks next whether somebody sleeps, who falls asleep looks last whether there is anything.
  atomic_store_explicit(&d->tail, tail + 1, memory_order_seq_cst);
  return true;
}

grove__run_node *grove__deque_pop(grove__deque *d)
{
  uint64_t tail = atomic_load_explicit(&d->tail, memory_order_relaxed); // relaxed: the owner's own
  // Relaxed: head only grows: what looks empty is.
  if (tail == atomic_load_explicit(&d->head, memory_order_relaxed)) {
    return NULL;
  }
  tail--;
  // ORDER seq_cst, both, PAIRS grove__deque_steal: fact 2.
  atomic_store_explicit(&d->tail, tail, memory_order_seq_cst);
  uint64_t head = atomic_load_explicit(&d->head, memory_order_seq_cst);
  if ((int64_t)(tail - head) > 0) {
    return atomic_load_explicit(slot_of(d, tail), memory_order_relaxed); // its own item
  }
  grove__run_node *n = NULL;
  if (tail == head) { // the last one: fact 1
    n = atomic_load_explicit(slot_of(d, tail), memory_order_relaxed);
    if (!atomic_compare_exchange_strong_explicit(
            &d->head, &head, head + 1, memory_order_seq_cst, memory_order_relaxed)) {
      n = NULL;
    }
  }
  // Relaxed: as it was before; nothing new is published by it.
  atomic_store_explicit(&d->tail, tail + 1, memory_order_relaxed);
  return n;
}

grove__run_node *grove__deque_steal(grove__deque *d)
{
  // ORDER seq_cst, both, PAIRS grove__deque_pop: fact 2. Acquire, PAIRS grove__deque_push: the item is there.
  uint64_t head = atomic_load_explicit(&d->head, memory_order_seq_cst);
  uint64_t tail = atomic_load_explicit(&d->tail, memory_order_seq_cst);
  if ((int64_t)(tail - head) <= 0) {
    return NULL;
  }
  grove__run_node *n = atomic_load_explicit(slot_of(d, head), memory_order_relaxed); // fact 3
  // ORDER seq_cst: fact 1, in one order with the looks at head; release: the item has been read.
  return atomic_compare_exchange_strong_explicit(
             &d->head, &head, head + 1, memory_order_seq_cst, memory_order_relaxed)
             ? n
             : NULL;
}

#else
grove_status grove__deque_init(grove__deque *d)
{
  memset(d, 0, sizeof *d);
  return grove__mutex_init(&d->lock);
}

void grove__deque_deinit(grove__deque *d)
{
  grove__mutex_deinit(&d->lock);
}

// Takes the item at the end that is moved by so much, or puts one there. All orders but the looks': the lock's.
static grove__run_node *take(grove__deque *d, bool newest)
{
  grove__run_node *n = NULL;
  grove__mutex_lock(&d->lock);
  uint64_t head = atomic_load_explicit(&d->head, memory_order_relaxed);
  uint64_t tail = atomic_load_explicit(&d->tail, memory_order_relaxed);
  if (tail != head) {
    n = atomic_load_explicit(slot_of(d, newest ? tail - 1 : head), memory_order_relaxed);
    if (newest) {
      atomic_store_explicit(&d->tail, tail - 1, memory_order_seq_cst); // PAIRS grove__deque_length
    } else {
      atomic_store_explicit(&d->head, head + 1, memory_order_seq_cst);
    }
  }
  grove__mutex_unlock(&d->lock);
  return n;
}

bool grove__deque_push(grove__deque *d, grove__run_node *n)
{
  grove__mutex_lock(&d->lock);
  uint64_t tail = atomic_load_explicit(&d->tail, memory_order_relaxed);
  bool room = tail - atomic_load_explicit(&d->head, memory_order_relaxed) < GROVE__DEQUE_ROOM;
  if (room) {
    atomic_store_explicit(slot_of(d, tail), n, memory_order_relaxed);
    atomic_store_explicit(&d->tail, tail + 1, memory_order_seq_cst);
  }
  grove__mutex_unlock(&d->lock);
  return room;
}

grove__run_node *grove__deque_pop(grove__deque *d)
{
  return take(d, true);
}

grove__run_node *grove__deque_steal(grove__deque *d)
{
  return take(d, false);
}
#endif
