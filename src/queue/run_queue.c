#include "queue/run_queue.h"
#include <string.h>

grove_status grove__run_queue_init(grove__run_queue *q)
{
  memset(q, 0, sizeof *q);
  GROVE__TRY(grove__deque_init(&q->fresh));
  grove_status s = grove__mutex_init(&q->lock);
  if (s) {
    grove__deque_deinit(&q->fresh);
  }
  return s;
}

void grove__run_queue_deinit(grove__run_queue *q)
{
  grove__mutex_deinit(&q->lock);
  grove__deque_deinit(&q->fresh);
}

// Relaxed: one writer at a time; others want a hint.
static void add(_Atomic uint32_t *count, uint32_t by)
{
  atomic_store_explicit(
      count, atomic_load_explicit(count, memory_order_relaxed) + by, memory_order_relaxed);
}

static uint32_t hint(const _Atomic uint32_t *count)
{
  return atomic_load_explicit(count, memory_order_relaxed); // relaxed: a hint
}

uint32_t grove__run_queue_push(grove__run_queue *q, grove__run_node *n)
{
  uint32_t before = grove__deque_length(&q->fresh) +
                    (atomic_load_explicit(&q->slot, memory_order_relaxed) != NULL); // a hint
  grove__mutex_lock(&q->lock);
  before += hint(&q->open_count);
  grove__run_list_push(&q->open, n);
  add(&q->open_count, 1);
  grove__mutex_unlock(&q->lock);
  return before;
}

void grove__run_queue_push_pinned(grove__run_queue *q, grove__run_node *n)
{
  grove__mutex_lock(&q->lock);
  grove__run_list_push(&q->pinned, n);
  add(&q->pinned_count, 1);
  grove__mutex_unlock(&q->lock);
}

void grove__run_queue_push_mine(grove__run_queue *q, grove__run_node *n)
{
  grove__run_list_push(&q->mine, n);
  add(&q->mine_count, 1);
}

bool grove__run_queue_push_slot(grove__run_queue *q, grove__run_node *n)
{
  // Relaxed: the owner alone fills it: what looks empty stays so until it does. If it looks full the exchange decides.
  grove__run_node *old = atomic_load_explicit(&q->slot, memory_order_relaxed);
  if (!old) {
    // ORDER release: publishes the task to a thief. PAIRS grove__run_queue_take_slot.
    atomic_store_explicit(&q->slot, n, memory_order_release);
  } else {
    // ORDER acq_rel: the same, and receives the one that was there. PAIRS grove__run_queue_take_slot.
    old = atomic_exchange_explicit(&q->slot, n, memory_order_acq_rel);
  }
  if (old && !grove__deque_push(&q->fresh, old)) {
    (void)grove__run_queue_push(q, old);
  }
  return old || hint(&q->open_count) || grove__deque_length(&q->fresh);
}

static grove__run_node *take_listed(
    grove__run_queue *q, grove__run_list *list, _Atomic uint32_t *count)
{
  if (hint(count) == 0) {
    return NULL; // only others can have pushed meanwhile, and they wake who is to see it
  }
  grove__mutex_lock(&q->lock);
  grove__run_node *n = grove__run_list_pop(list);
  if (n) {
    add(count, UINT32_MAX); // one less
  }
  grove__mutex_unlock(&q->lock);
  return n;
}

static grove__run_node *take_open(grove__run_queue *q)
{
  return take_listed(q, &q->open, &q->open_count);
}

// Its own pinned and those of others take turns, with all that there are of one at a time: the lists are short.
static grove__run_node *take_pinned(grove__run_queue *q)
{
  grove__run_node *n = q->turn & 2 ? NULL : take_listed(q, &q->pinned, &q->pinned_count);
  if (!n && (n = grove__run_list_pop(&q->mine))) {
    add(&q->mine_count, UINT32_MAX); // one less
  }
  return n ? n : take_listed(q, &q->pinned, &q->pinned_count);
}

static grove__run_node *first_of(grove__run_node *n, grove__run_queue *q,
    grove__run_node *(*second)(grove__run_queue *), grove__run_node *(*third)(grove__run_queue *))
{
  n = n ? n : second(q);
  return n ? n : third(q);
}

static grove__run_node *take_newest(grove__run_queue *q)
{
  return grove__deque_pop(&q->fresh);
}

// What is not in the slot. Of eight turns one begins with the open list, of four one with the deque's oldest; the others
// with the pinned or the deque's newest.
static grove__run_node *take_other(grove__run_queue *q)
{
  uint32_t turn = q->turn++;
  if (turn % GROVE__OPEN_TURN == 1) {
    return first_of(take_open(q), q, take_pinned, take_newest);
  }
  if (turn % GROVE__OLDEST_TURN == 3) {
    return first_of(grove__deque_steal(&q->fresh), q, take_pinned, take_open);
  }
  return turn & 1 ? first_of(take_newest(q), q, take_open, take_pinned)
                  : first_of(take_pinned(q), q, take_newest, take_open);
}

grove__run_node *grove__run_queue_pop(grove__run_queue *q)
{
  grove__run_node *n = grove__run_queue_pop_slot(q);
  if (n) {
    return n;
  }
  bool others = grove__run_queue_others_wait(q);
  q->streak = 0;
  n = others ? take_other(q) : NULL;
  return n || !others ? n : grove__run_queue_take_slot(q); // the others were stolen meanwhile
}

grove__run_node *grove__run_queue_steal(grove__run_queue *q, bool slot_too)
{
  grove__run_node *n = grove__deque_steal(&q->fresh);
  n = n ? n : take_open(q);
  return n || !slot_too ? n : grove__run_queue_take_slot(q);
}

bool grove__run_queue_waits(grove__run_queue *q, bool slot_too)
{
  grove__mutex_lock(&q->lock);
  bool waits = q->open.first != NULL;
  grove__mutex_unlock(&q->lock);
  // Relaxed: the slot waits for its owner; who asks for it looks again.
  return waits || grove__deque_length(&q->fresh) > 0 ||
         (slot_too && atomic_load_explicit(&q->slot, memory_order_relaxed));
}

bool grove__run_queue_waits_for_owner(grove__run_queue *q)
{
  grove__mutex_lock(&q->lock);
  bool pinned = q->pinned.first != NULL;
  grove__mutex_unlock(&q->lock);
  return pinned || q->mine.first || grove__run_queue_waits(q, true);
}
