#include "runtime/slab.h"
#include "base/alloc.h"
#include "base/pages.h"

enum { LINE = 64 }; // what objects are aligned to; an allocator gives less

// A free slot's first word is the index + 1 of the next free one. The word is written under the lock only, and a
// stale reader never looks at it: objects keep their generation elsewhere.
grove_status grove__slab_init(grove__slab *s, const grove_allocator *a, size_t each, uint32_t most)
{
  memset(s, 0, sizeof *s);
  s->allocator = a;
  s->each = (each + LINE - 1) & ~(size_t)(LINE - 1);
  s->most = most;
  return grove__mutex_init(&s->lock);
}

static size_t chunk_bytes(const grove__slab *s, unsigned k)
{
  return (s->each << (k + GROVE__SLAB_FIRST_BITS)) + LINE;
}

void grove__slab_forget(grove__slab *s)
{
  for (unsigned k = 0; k < GROVE__SLAB_CHUNKS; k++) {
    grove__free(s->allocator, s->block[k], chunk_bytes(s, k)); // one thread is left
  }
}

void grove__slab_deinit(grove__slab *s)
{
  for (uint32_t i = 0; s->deinit && i < grove__slab_made(s); i++) {
    s->deinit(grove__slab_at(s, i));
  }
  grove__slab_forget(s);
  grove__mutex_deinit(&s->lock);
}

// Fresh pages cost by the fault as much as by the byte; in a large chunk they come by the lot.
static void ask_for_pages(grove__slab *s, unsigned k, uint32_t index)
{
  enum { LOT = 1 << 18, LOTS = 16 }; // in bytes; fewer of them in a chunk would be too much in advance
  size_t chunk = s->each << (k + GROVE__SLAB_FIRST_BITS);
  if (index < s->soon || chunk < (size_t)LOT * LOTS || s->direct) {
    return;
  }
  uint64_t left = ((uint64_t)GROVE__SLAB_FIRST << (k + 1)) - GROVE__SLAB_FIRST - index, n = LOT / s->each;
  n = n < left ? n : left;
  grove__pages_soon(grove__slab_at(s, index), (size_t)n * s->each);
  s->soon = index + (uint32_t)n;
}

// The next slot that was never used, ready to be. NULL: no memory.
static void *make_locked(grove__slab *s)
{
  uint32_t index = grove__slab_made(s);
  unsigned k = grove__slab_chunk(index);
  if (!atomic_load_explicit(&s->chunk[k], memory_order_relaxed)) { // relaxed: the lock is held
    char *block = grove__alloc_zero(s->allocator, chunk_bytes(s, k));
    if (!block) {
      return NULL;
    }
    uintptr_t base = ((uintptr_t)block + LINE - 1) & ~(uintptr_t)(LINE - 1);
    uintptr_t before = ((uintptr_t)GROVE__SLAB_FIRST << k) * s->each;
    if (base == before) { // it would look as if there were none; an address that is as large as the chunk
      grove__free(s->allocator, block, chunk_bytes(s, k));
      return NULL;
    }
    s->block[k] = block;
    // ORDER release: publishes the zeroes. PAIRS with grove__slab_at.
    atomic_store_explicit(&s->chunk[k], base - before, memory_order_release);
  }
  void *object = grove__slab_at(s, index);
  ask_for_pages(s, k, index);
  if (s->init && s->init(object, index, s->user)) {
    return NULL;
  }
  // ORDER release: the object is ready. PAIRS grove__slab_made.
  atomic_store_explicit(&s->made, index + 1, memory_order_release);
  return object;
}

static void push_locked(grove__slab *s, uint32_t index)
{
  memcpy(grove__slab_at(s, index), &s->free_first, sizeof s->free_first);
  s->free_first = index + 1;
  s->free_count++;
}

static void *take_locked(grove__slab *s, uint32_t *index, bool *limit)
{
  void *object = NULL;
  *limit = false;
  if (s->free_first) {
    *index = s->free_first - 1;
    object = grove__slab_at(s, *index);
    memcpy(&s->free_first, object, sizeof s->free_first);
    memset(object, 0, sizeof s->free_first);
    s->free_count--;
  } else if (grove__slab_made(s) >= s->most) {
    *limit = true;
  } else {
    *index = grove__slab_made(s);
    object = make_locked(s);
  }
  return object;
}

void *grove__slab_take(grove__slab *s, uint32_t *index, bool *limit)
{
  grove__mutex_lock(&s->lock);
  void *object = take_locked(s, index, limit);
  s->taken += object != NULL;
  grove__mutex_unlock(&s->lock);
  return object;
}

void grove__slab_give(grove__slab *s, uint32_t index)
{
  grove__mutex_lock(&s->lock);
  push_locked(s, index);
  grove__mutex_unlock(&s->lock);
}

// ---- caches ---------------------------------------------------------------------------------------------

// Relaxed: as grove__slab_cached.
static void set_count(grove__slab_cache *c, uint32_t n)
{
  atomic_store_explicit(&c->count, n, memory_order_relaxed);
}

void grove__slab_open_cache(grove__slab *s, grove__slab_cache *c)
{
  grove__mutex_lock(&s->lock);
  c->prev = NULL;
  c->next = s->caches;
  if (c->next) {
    c->next->prev = c;
  }
  s->caches = c;
  grove__mutex_unlock(&s->lock);
}

static void give_back_locked(grove__slab *s, grove__slab_cache *c, uint32_t n)
{
  uint32_t count = grove__slab_cached(c);
  for (uint32_t i = 0; i < n; i++) {
    push_locked(s, c->slot[--count]);
  }
  set_count(c, count);
}

void grove__slab_close_cache(grove__slab *s, grove__slab_cache *c)
{
  grove__mutex_lock(&s->lock);
  give_back_locked(s, c, grove__slab_cached(c));
  s->taken += atomic_load_explicit(&c->taken, memory_order_relaxed);
  *(c->prev ? &c->prev->next : &s->caches) = c->next;
  if (c->next) {
    c->next->prev = c->prev;
  }
  grove__mutex_unlock(&s->lock);
}

// One for the caller, and as many more for his cache as are to be had.
static __attribute__((noinline)) void *refill(
    grove__slab *s, grove__slab_cache *c, uint32_t *index, bool *limit)
{
  uint32_t n = 0;
  bool none;
  grove__mutex_lock(&s->lock);
  void *object = take_locked(s, index, limit);
  while (object && n < GROVE__SLAB_BATCH - 1 && (s->free_first || grove__slab_made(s) < s->most)) {
    if (!take_locked(s, &c->slot[n], &none)) {
      break; // no memory: for the next who asks
    }
    n++;
  }
  set_count(c, n);
  grove__mutex_unlock(&s->lock);
  return object;
}

void *grove__slab_take_by(grove__slab *s, grove__slab_cache *c, uint32_t *index, bool *limit)
{
  if (!c || s->direct) {
    return grove__slab_take(s, index, limit);
  }
  *limit = false;
  void *object = grove__slab_take_quickly(s, c, index);
  if (object) {
    return object;
  }
  object = refill(s, c, index, limit);
  if (object) {
    atomic_store_explicit(
        &c->taken, atomic_load_explicit(&c->taken, memory_order_relaxed) + 1, memory_order_relaxed);
  }
  return object;
}

void grove__slab_give_by(grove__slab *s, grove__slab_cache *c, uint32_t index)
{
  if (!c || s->direct) {
    grove__slab_give(s, index);
  } else if (!grove__slab_give_quickly(c, index)) {
    grove__mutex_lock(&s->lock);
    push_locked(s, index);
    give_back_locked(s, c, GROVE__SLAB_BATCH);
    grove__mutex_unlock(&s->lock);
  }
}

uint32_t grove__slab_in_use(grove__slab *s)
{
  grove__mutex_lock(&s->lock);
  uint32_t n = grove__slab_made(s) - s->free_count;
  uint32_t cached = 0;
  for (const grove__slab_cache *c = s->caches; c; c = c->next) {
    cached += grove__slab_cached(c);
  }
  grove__mutex_unlock(&s->lock);
  return cached < n ? n - cached : 0; // one that went from cache to cache meanwhile may have been counted in both
}

uint64_t grove__slab_taken(grove__slab *s)
{
  grove__mutex_lock(&s->lock);
  uint64_t n = s->taken;
  for (const grove__slab_cache *c = s->caches; c; c = c->next) {
    n += atomic_load_explicit(&c->taken, memory_order_relaxed);
  }
  grove__mutex_unlock(&s->lock);
  return n;
}
