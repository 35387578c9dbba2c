// Type-stable slots: objects of one size found by a 32-bit index, in memory that is never given back before the slab
// itself goes. So a stale index leads to an object of the same type, whose generation tells that it is another
// one: no lookup ever reads freed memory.
#ifndef GROVE_RUNTIME_SLAB_H
#define GROVE_RUNTIME_SLAB_H
#include "plat/thread.h"
#include <stdatomic.h>

enum { GROVE__SLAB_CHUNK_BITS = 8, GROVE__SLAB_CHUNK = 1 << GROVE__SLAB_CHUNK_BITS };
typedef struct grove__slab {
  grove__mutex lock;
  const grove_allocator *allocator;
  size_t each;
  uint32_t most;
  uint32_t made;       // guarded by lock: slots that were ever handed out
  uint32_t free_first; // guarded by lock: index + 1 of the first free slot
  uint32_t free_count; // guarded by lock
  _Atomic(char *)
      *chunks; // the table is made whole at init; entries are written under lock, read by anyone
  size_t chunk_count;
  grove_status (*init)(void *object, uint32_t index, void *user); // once for each slot
  void (*deinit)(void *object);
  void *user;
} grove__slab;

/// The first 4 bytes of an object that is free belong to the slab.
grove_status grove__slab_init(grove__slab *s, const grove_allocator *a, size_t each, uint32_t most);
void grove__slab_deinit(grove__slab *s);
/// Gives the memory back without a look at the objects or the lock: in a forked child.
void grove__slab_forget(grove__slab *s);
/// An object, zero but for what `init` made of it when its slot was first used. NULL: `most` are in use, or no
/// memory (*limit tells which).
void *grove__slab_take(grove__slab *s, uint32_t *index, bool *limit);
void grove__slab_give(grove__slab *s, uint32_t index);
/// The object of an index that was ever handed out; NULL for others.
static inline void *grove__slab_at(const grove__slab *s, uint32_t index)
{
  size_t chunk = index >> GROVE__SLAB_CHUNK_BITS;
  if (chunk >= s->chunk_count) {
    return NULL;
  }
  // ORDER acquire, PAIRS with the release store in grove__slab_take: the chunk's objects are seen initialised.
  char *base = atomic_load_explicit(&s->chunks[chunk], memory_order_acquire);
  return base ? base + (index & (GROVE__SLAB_CHUNK - 1)) * s->each : NULL;
}
/// How many slots were ever handed out: the bound for a walk over all.
uint32_t grove__slab_made(grove__slab *s);
uint32_t grove__slab_in_use(grove__slab *s);
#endif
