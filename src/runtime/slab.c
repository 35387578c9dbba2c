#include "runtime/slab.h"
#include "base/alloc.h"

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
  for (uint32_t i = 0; s->deinit && i < s->made; i++) {
    s->deinit(grove__slab_at(s, i));
  }
  grove__slab_forget(s);
  grove__mutex_deinit(&s->lock);
}

// The next slot that was never used, ready to be. NULL: no memory.
static void *make_locked(grove__slab *s)
{
  uint64_t offset;
  uint32_t index = s->made;
  unsigned k = grove__slab_chunk(index, &offset);
  if (offset == 0 &&
      !atomic_load_explicit(&s->chunk[k], memory_order_relaxed)) { // relaxed: the lock is held
    char *base = grove__alloc_zero(s->allocator, chunk_bytes(s, k));
    if (!base) {
      return NULL;
    }
    s->block[k] = base;
    base += (LINE - (uintptr_t)base % LINE) % LINE;
    // ORDER release: publishes the zeroes. PAIRS with grove__slab_at.
    atomic_store_explicit(&s->chunk[k], base, memory_order_release);
  }
  void *object = grove__slab_at(s, index);
  if (s->init && s->init(object, index, s->user)) {
    return NULL;
  }
  s->made++;
  return object;
}

void *grove__slab_take(grove__slab *s, uint32_t *index, bool *limit)
{
  void *object = NULL;
  *limit = false;
  grove__mutex_lock(&s->lock);
  if (s->free_first) {
    *index = s->free_first - 1;
    object = grove__slab_at(s, *index);
    memcpy(&s->free_first, object, sizeof s->free_first);
    memset(object, 0, sizeof s->free_first);
    s->free_count--;
  } else if (s->made >= s->most) {
    *limit = true;
  } else {
    *index = s->made;
    object = make_locked(s);
  }
  s->taken += object != NULL;
  grove__mutex_unlock(&s->lock);
  return object;
}

void grove__slab_give(grove__slab *s, uint32_t index)
{
  void *object = grove__slab_at(s, index);
  grove__mutex_lock(&s->lock);
  memcpy(object, &s->free_first, sizeof s->free_first);
  s->free_first = index + 1;
  s->free_count++;
  grove__mutex_unlock(&s->lock);
}

uint32_t grove__slab_made(grove__slab *s)
{
  grove__mutex_lock(&s->lock);
  uint32_t n = s->made;
  grove__mutex_unlock(&s->lock);
  return n;
}

uint32_t grove__slab_in_use(grove__slab *s)
{
  grove__mutex_lock(&s->lock);
  uint32_t n = s->made - s->free_count;
  grove__mutex_unlock(&s->lock);
  return n;
}

uint64_t grove__slab_taken(grove__slab *s)
{
  grove__mutex_lock(&s->lock);
  uint64_t n = s->taken;
  grove__mutex_unlock(&s->lock);
  return n;
}
