// Type-stable slots: objects of one size found by a 32-bit index, in memory that is never given back before the slab
// itself goes. So a stale index leads to an object of the same type, whose generation tells that it is another
// one: no lookup ever reads freed memory.
#ifndef GROVE_RUNTIME_SLAB_H
#define GROVE_RUNTIME_SLAB_H
#include "plat/thread.h"
#include <stdatomic.h>
#include <string.h>

// Chunk k holds 256 << k objects, so 25 pointers reach all 2^32 indices and nothing is ever moved.
enum { GROVE__SLAB_FIRST_BITS = 8, GROVE__SLAB_FIRST = 1 << GROVE__SLAB_FIRST_BITS, GROVE__SLAB_CHUNKS = 25 };
enum { GROVE__SLAB_BATCH = 32 };
/// Free slots that a thread has at hand, so that it takes the slab's lock once in a batch. Zero is none, of no slab.
typedef struct grove__slab_cache {
  uint32_t slot[2 * GROVE__SLAB_BATCH]; // their indices, the newest last; its thread's alone, as all below but the links
  _Atomic uint32_t count;  // read by who counts
  _Atomic uint64_t taken;  // the same
  struct grove__slab_cache *next, *prev; // guarded by the slab's lock
} grove__slab_cache;

typedef struct grove__slab {
  grove__mutex lock;
  const grove_allocator *allocator;
  size_t each;
  uint32_t most;
  _Atomic uint32_t made;                     // written under lock: slots that were ever handed out
  uint32_t free_first;                       // guarded by lock: index + 1 of the first free slot
  uint32_t free_count;                       // guarded by lock
  uint64_t taken;                            // guarded by lock: how often one was taken without a cache
  grove__slab_cache *caches;                 // guarded by lock
  bool direct; // constant: caches are let be; in simulation, where allocations are to fail one by one, and in one order
  // Written under lock, read by anyone: where chunk k would begin if its indices were counted from - GROVE__SLAB_FIRST, so that
  // a look-up needs no offset in it; 0: there is none. (No chunk lies so that it is 0 then: make_locked.)
  _Atomic uintptr_t chunk[GROVE__SLAB_CHUNKS];
  char *block[GROVE__SLAB_CHUNKS];           // guarded by lock: what the allocator gave for each
  uint32_t soon;                             // guarded by lock: the first index whose pages were not asked for
  grove_status (*init)(
      void *object, uint32_t index, void *user); // once for each slot, when it is first used
  void (*deinit)(void *object);
  void *user;
} grove__slab;

/// The first 4 bytes of an object that is free belong to the slab, which leaves them zero.
grove_status grove__slab_init(grove__slab *s, const grove_allocator *a, size_t each, uint32_t most);
void grove__slab_deinit(grove__slab *s);
/// Gives the memory back without a look at the objects or the lock: in a forked child.
void grove__slab_forget(grove__slab *s);
/// An object, zero but for what `init` made of it when its slot was first used. NULL: `most` are in use, or no
/// memory (*limit tells which).
void *grove__slab_take(grove__slab *s, uint32_t *index, bool *limit);
void grove__slab_give(grove__slab *s, uint32_t index);
/// A thread begins to keep slots in a cache, and no longer does so.
void grove__slab_open_cache(grove__slab *s, grove__slab_cache *c);
void grove__slab_close_cache(grove__slab *s, grove__slab_cache *c);
/// The same as take and give, by way of the calling thread's cache (NULL: it has none). For slabs whose limit need not be
/// exact: what others have at hand is not found.
void *grove__slab_take_by(grove__slab *s, grove__slab_cache *c, uint32_t *index, bool *limit);
void grove__slab_give_by(grove__slab *s, grove__slab_cache *c, uint32_t index);
/// Which chunk an index is in.
static inline unsigned grove__slab_chunk(uint32_t index)
{
  uint64_t x = (uint64_t)index + GROVE__SLAB_FIRST;
  return 63u - GROVE__SLAB_FIRST_BITS - (unsigned)__builtin_clzll(x);
}
/// The object of an index that was ever handed out; NULL, or zeroes, for others.
static inline void *grove__slab_at(const grove__slab *s, uint32_t index)
{
  // ORDER acquire, PAIRS with the release store in grove__slab_take: the chunk is seen zeroed. (What init made of an
  // object is published with whatever made its index known.)
  uintptr_t base = atomic_load_explicit(&s->chunk[grove__slab_chunk(index)], memory_order_acquire);
  return base ? (void *)(base + ((uint64_t)index + GROVE__SLAB_FIRST) * s->each) : NULL;
}
/// The two, where the cache has one, and has room: else NULL, false.
static inline void *grove__slab_take_quickly(grove__slab *s, grove__slab_cache *c, uint32_t *index);
static inline bool grove__slab_give_quickly(grove__slab_cache *c, uint32_t index);
/// How many slots were ever handed out, or lie in a cache: the bound for a walk over all.
static inline uint32_t grove__slab_made(const grove__slab *s)
{
  // ORDER acquire: what init made of those is seen. PAIRS the release store in slab.c.
  return atomic_load_explicit(&s->made, memory_order_acquire);
}
/// How many are taken: exact if nobody takes or gives meanwhile.
uint32_t grove__slab_in_use(grove__slab *s);
/// How often a slot was taken, since the beginning.
uint64_t grove__slab_taken(grove__slab *s);

// Relaxed, all of a cache's counts: written by its thread alone; who counts has the lock, so that batches are not on their way.
static inline uint32_t grove__slab_cached(const grove__slab_cache *c)
{
  return atomic_load_explicit(&c->count, memory_order_relaxed);
}
static inline void *grove__slab_take_quickly(grove__slab *s, grove__slab_cache *c, uint32_t *index)
{
  uint32_t n = grove__slab_cached(c);
  if (!n) {
    return NULL;
  }
  *index = c->slot[n - 1];
  atomic_store_explicit(&c->count, n - 1, memory_order_relaxed);
  atomic_store_explicit(
      &c->taken, atomic_load_explicit(&c->taken, memory_order_relaxed) + 1, memory_order_relaxed);
  return grove__slab_at(s, *index);
}
static inline bool grove__slab_give_quickly(grove__slab_cache *c, uint32_t index)
{
  uint32_t n = grove__slab_cached(c);
  if (n + 1 >= 2 * GROVE__SLAB_BATCH) {
    return false;
  }
  c->slot[n] = index;
  atomic_store_explicit(&c->count, n + 1, memory_order_relaxed);
  return true;
}
#endif
