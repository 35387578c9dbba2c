// Whose a future is: lists and counts of owners. Each is written in its owner's turns alone; outside threads share a count.
#ifndef GROVE_ACTOR_FUTURE_OWN_H
#define GROVE_ACTOR_FUTURE_OWN_H
#include "actor/future.h"

static inline void grove__future_list(grove__future **list, grove__future *f)
{
  f->owner_list = list;
  f->own_prev = NULL;
  f->own_next = *list;
  if (*list) {
    (*list)->own_prev = f;
  }
  *list = f;
}

static inline void grove__future_unlist(grove__future *f)
{
  if (f->own_prev) {
    f->own_prev->own_next = f->own_next;
  } else {
    *f->owner_list = f->own_next;
  }
  if (f->own_next) {
    f->own_next->own_prev = f->own_prev;
  }
  f->owner_list = NULL;
}

// The same of those that are the actor's (GROVE__OWNER_CELL), which knows the first by its index.
static inline grove__future *grove__future_first_kept(const grove__cell *c)
{
  return c->kept ? grove__slab_at(&grove__cell_system(c)->futures, c->kept - 1) : NULL;
}
static inline void grove__future_list_kept(grove__cell *c, grove__future *f)
{
  grove__future *first = grove__future_first_kept(c);
  grove__future_list(&first, f);
  f->owner_list = NULL;
  c->kept = f->index + 1;
}
static inline void grove__future_unlist_kept(grove__future *f)
{
  grove__cell *c = grove__future_owner_cell(f);
  grove__future *first = grove__future_first_kept(c);
  f->owner_list = &first;
  grove__future_unlist(f);
  c->kept = first ? first->index + 1 : 0;
}

// In a turn of the owner: nobody else writes.
static inline void grove__count_owned(grove__cell *c, uint32_t by)
{
  if (c) {
    uint32_t n = atomic_load_explicit(&c->futures, memory_order_relaxed); // relaxed: shown only
    atomic_store_explicit(&c->futures, n + by, memory_order_relaxed);
  }
}

static inline void grove__future_set_owner(grove__future *f, grove__cell *c, uint64_t life)
{
  // Relaxed, both: see the fields.
  atomic_store_explicit(&f->owner_cell, c, memory_order_relaxed);
  atomic_store_explicit(&f->owner_life, life, memory_order_relaxed);
}

static inline void grove__future_own(grove__future *f, grove__activation *here)
{
  if (here) {
    f->owner = GROVE__OWNER_ACTIVATION;
    grove__future_set_owner(f, here->cell, here->cell ? grove__cell_life(here->cell) : UINT64_MAX);
    grove__count_owned(here->cell, 1);
    grove__future_list(&here->owned, f);
    return;
  }
  f->owner = GROVE__OWNER_OUTSIDE;
  f->owner_list = NULL;
  grove__future_set_owner(f, NULL, 0);
  atomic_fetch_add_explicit(&f->system->outside_count, 1, memory_order_relaxed); // a limit, see below
}

static inline void grove__future_disown(grove__future *f, uint32_t owner)
{
  if (owner == GROVE__OWNER_OUTSIDE) {
    atomic_fetch_sub_explicit(&f->system->outside_count, 1, memory_order_relaxed); // likewise
  } else {
    if (GROVE__LIKELY(f->owner_list != NULL)) {
      grove__future_unlist(f);
    } else { // GROVE__OWNER_CELL, though the caller may not know that
      grove__future_unlist_kept(f);
    }
    grove__count_owned(grove__future_owner_cell(f), UINT32_MAX); // one less
  }
}

/// What a slot that was taken says of its new use, before it is opened; the rest is as a plain one is left (future_word.h, fact 3).
static inline void grove__future_use(
    grove__future *f, grove__activation *here, const grove_type *reply, grove_ref to, const grove_method *m)
{
  f->to = to;
  f->method = m;
  atomic_store_explicit(&f->type, reply, memory_order_relaxed); // relaxed: see the field
  grove__future_set_running(f, NULL);
  grove__future_own(f, here);
}
#endif
