#include "queue/inbox.h"
#include <string.h>

grove_status grove__inbox_init(grove__inbox *b)
{
  memset(b, 0, sizeof *b);
  return grove__mutex_init(&b->lock);
}

void grove__inbox_deinit(grove__inbox *b)
{
  grove__mutex_deinit(&b->lock);
}

// Relaxed: one writer at a time; others want a hint.
static void count_listed(grove__inbox *b, uint32_t more)
{
  atomic_store_explicit(&b->listed, atomic_load_explicit(&b->listed, memory_order_relaxed) + more, memory_order_relaxed);
}

#if defined(GROVE_LOCKED_QUEUES)
void grove__inbox_push(grove__inbox *b, grove__run_node *n)
{
  grove__mutex_lock(&b->lock);
  grove__run_list_push(&b->list, n);
  count_listed(b, 1);
  grove__mutex_unlock(&b->lock);
}
#else
void grove__inbox_push(grove__inbox *b, grove__run_node *n)
{
  // Empty, most of the time: a look would fetch the line once more than the exchange does.
  grove__run_node *top = NULL;
  do {
    n->next = top;
    // ORDER release: publishes the task. PAIRS receive_locked. Seq_cst: it comes before the pusher's look at who sleeps; PAIRS
    // grove__inbox_waits. What was below it is not touched: that it may be taken and pushed again meanwhile does no harm.
  } while (!atomic_compare_exchange_weak_explicit(&b->pushed, &top, n, memory_order_seq_cst, memory_order_relaxed));
}
#endif

// All that was pushed: its oldest is given, the others are listed. Nothing is in the list.
static grove__run_node *receive_locked(grove__inbox *b)
{
  // ORDER acquire, PAIRS grove__inbox_push.
  grove__run_node *n = atomic_exchange_explicit(&b->pushed, NULL, memory_order_acquire);
  grove__run_list all = {NULL, n}; // which is the last
  uint32_t listed = 0;
  for (grove__run_node *below; n && n->next; n = below, listed++) {
    below = n->next;
    n->next = all.first;
    all.first = n;
  }
  if (listed) {
    b->list = all;
    count_listed(b, listed);
  }
  return n;
}

grove__run_node *grove__inbox_take(grove__inbox *b)
{
  if (!grove__inbox_looks_full(b)) {
    return NULL; // who pushes after this look wakes who is to see it
  }
  grove__mutex_lock(&b->lock);
  grove__run_node *n = grove__run_list_pop(&b->list);
  if (n) {
    count_listed(b, UINT32_MAX); // one less
  } else {
    n = receive_locked(b);
  }
  grove__mutex_unlock(&b->lock);
  return n;
}

bool grove__inbox_waits(grove__inbox *b)
{
  grove__mutex_lock(&b->lock); // what was pushed is moved to the list under it
  // ORDER seq_cst, PAIRS grove__inbox_push.
  bool waits = b->list.first || atomic_load_explicit(&b->pushed, memory_order_seq_cst);
  grove__mutex_unlock(&b->lock);
  return waits;
}
