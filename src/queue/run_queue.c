#include "queue/run_queue.h"
#include <string.h>

grove_status grove__run_queue_init(grove__run_queue *q)
{
  memset(q, 0, sizeof *q);
  return grove__mutex_init(&q->lock);
}

void grove__run_queue_deinit(grove__run_queue *q)
{
  grove__mutex_deinit(&q->lock);
}

// Relaxed: the lock orders it; readers without it want a hint only.
static uint32_t change_length_locked(grove__run_queue *q, int32_t by)
{
  uint32_t before = grove__run_queue_length(q);
  atomic_store_explicit(&q->length, before + (uint32_t)by, memory_order_relaxed);
  return before;
}

uint32_t grove__run_queue_push(grove__run_queue *q, grove__run_node *n)
{
  grove__mutex_lock(&q->lock);
  grove__run_list_push(&q->open, n);
  uint32_t before = change_length_locked(q, 1);
  grove__mutex_unlock(&q->lock);
  return before;
}

void grove__run_queue_push_pinned(grove__run_queue *q, grove__run_node *n)
{
  grove__mutex_lock(&q->lock);
  grove__run_list_push(&q->pinned, n);
  change_length_locked(q, 1);
  grove__mutex_unlock(&q->lock);
}

bool grove__run_queue_push_slot(grove__run_queue *q, grove__run_node *n)
{
  grove__mutex_lock(&q->lock);
  if (q->slot) {
    grove__run_list_push(&q->open, q->slot);
  }
  q->slot = n;
  change_length_locked(q, 1);
  bool more = q->open.first != NULL;
  grove__mutex_unlock(&q->lock);
  return more;
}

grove__run_node *grove__run_queue_pop(grove__run_queue *q)
{
  if (grove__run_queue_length(q) == 0) {
    return NULL; // only others can have pushed meanwhile, and they wake this worker
  }
  grove__run_node *n = NULL;
  grove__mutex_lock(&q->lock);
  bool listed = q->open.first || q->pinned.first;
  if (q->slot && (!listed || q->streak < GROVE__SLOT_STREAK)) {
    n = q->slot;
    q->slot = NULL;
    q->streak++;
  } else if (listed) {
    q->streak = 0;
    bool pinned = q->pinned.first && (!q->open.first || (q->turn++ & 1) == 0);
    n = grove__run_list_pop(pinned ? &q->pinned : &q->open);
  }
  if (n) {
    change_length_locked(q, -1);
  }
  grove__mutex_unlock(&q->lock);
  return n;
}

grove__run_node *grove__run_queue_steal(grove__run_queue *q, bool slot_too)
{
  if (grove__run_queue_length(q) == 0) {
    return NULL; // a hint; a thief that parks looks again under the lock order of its parking
  }
  grove__mutex_lock(&q->lock);
  grove__run_node *n = grove__run_list_pop(&q->open);
  if (!n && slot_too) {
    n = q->slot;
    q->slot = NULL;
  }
  if (n) {
    change_length_locked(q, -1);
  }
  grove__mutex_unlock(&q->lock);
  return n;
}
