// What a thread has at hand, so that it seldom takes a lock for what is made and freed often: blocks for messages, and slots.
//
// A worker has one of its own. Threads that are no workers share a few: who finds one that nobody has right now has it for a
// moment; who finds none goes without.
#ifndef GROVE_RUNTIME_STASH_H
#define GROVE_RUNTIME_STASH_H
#include "runtime/blocks.h"
#include "runtime/slab.h"

enum { GROVE__STASH_SLABS = 3 };
typedef struct grove__stash {
  grove__block_cache blocks;
  grove__slab_cache slots[GROVE__STASH_SLABS]; // of each of grove__sched_options.slots
} grove__stash;

/// Its slots of one of those; NULL: there is no stash.
static inline grove__slab_cache *grove__stash_slots(grove__stash *s, uint32_t which)
{
  return s ? &s->slots[which] : NULL;
}

enum { GROVE__STASHES = 4 };
typedef struct grove__shared_stash {
  _Atomic bool busy; // somebody has it
  grove__stash stash;
  char apart[64]; // no two share a line, wherever they begin: a runtime is no more aligned than its allocator aligns
} grove__shared_stash;

/// A thread begins to keep slots, and no longer does so. `slots`: of which slabs; those that are NULL: of none.
static inline void grove__stash_begin(grove__stash *s, grove__slab *const slots[GROVE__STASH_SLABS])
{
  for (int i = 0; i < GROVE__STASH_SLABS; i++) {
    if (slots[i]) {
      grove__slab_open_cache(slots[i], &s->slots[i]);
    }
  }
}
static inline void grove__stash_end(grove__stash *s, grove__slab *const slots[GROVE__STASH_SLABS])
{
  for (int i = 0; i < GROVE__STASH_SLABS; i++) {
    if (slots[i]) {
      grove__slab_close_cache(slots[i], &s->slots[i]);
    }
  }
}
/// One that nobody has, for a thread that is no worker and begins to look at `from` (any number, best one of its own);
/// leave follows at once. NULL: all are busy.
static inline grove__stash *grove__stash_enter(grove__shared_stash *of, uint32_t from)
{
  for (uint32_t i = 0; i < GROVE__STASHES; i++) {
    grove__shared_stash *s = &of[(from + i) % GROVE__STASHES];
    // ORDER acquire: as who had it before has left it. PAIRS grove__stash_leave.
    if (!atomic_load_explicit(&s->busy, memory_order_relaxed) &&
        !atomic_exchange_explicit(&s->busy, true, memory_order_acquire)) {
      return &s->stash;
    }
  }
  return NULL;
}
static inline void grove__stash_leave(grove__stash *s)
{
  if (s) {
    // ORDER release, PAIRS grove__stash_enter.
    atomic_store_explicit(&GROVE__CONTAINER(s, grove__shared_stash, stash)->busy, false, memory_order_release);
  }
}
#endif
