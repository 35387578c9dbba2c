#include "runtime/slab.h"
#include "base/alloc.h"

// A free slot's first word is the index + 1 of the next free one. The word is written under the lock only, and a
// stale reader never looks at it: objects keep their generation elsewhere.
grove_status grove__slab_init(grove__slab *s, const grove_allocator *a, size_t each, uint32_t most)
{
  memset(s, 0, sizeof *s);
  s->allocator = a;
  s->each = (each + 63) & ~(size_t)63;
  s->most = most;
  s->chunk_count = ((size_t)most + GROVE__SLAB_CHUNK - 1) >> GROVE__SLAB_CHUNK_BITS;
  s->chunks = grove__alloc_zero(a, s->chunk_count * sizeof *s->chunks);
  if (!s->chunks) {
    return GROVE_ENOMEM;
  }
  grove_status status = grove__mutex_init(&s->lock);
  if (status) {
    grove__free(a, s->chunks, s->chunk_count * sizeof *s->chunks);
  }
  return status;
}

void grove__slab_deinit(grove__slab *s)
{
  for (size_t c = 0; c < s->chunk_count; c++) {
    char *base = atomic_load_explicit(&s->chunks[c], memory_order_relaxed); // nobody else is left
    if (!base) {
      continue;
    }
    for (size_t i = 0; s->deinit && i < GROVE__SLAB_CHUNK; i++) {
      s->deinit(base + i * s->each);
    }
    grove__free(s->allocator, base, s->each * GROVE__SLAB_CHUNK);
  }
  grove__free(s->allocator, s->chunks, s->chunk_count * sizeof *s->chunks);
  grove__mutex_deinit(&s->lock);
}

void grove__slab_forget(grove__slab *s)
{
  for (size_t c = 0; c < s->chunk_count; c++) {
    // Relaxed: one thread.
    grove__free(s->allocator, atomic_load_explicit(&s->chunks[c], memory_order_relaxed),
        s->each * GROVE__SLAB_CHUNK);
  }
  grove__free(s->allocator, s->chunks, s->chunk_count * sizeof *s->chunks);
}

static bool add_chunk_locked(grove__slab *s)
{
  uint32_t chunk = s->made >> GROVE__SLAB_CHUNK_BITS;
  char *base = grove__alloc_zero(s->allocator, s->each * GROVE__SLAB_CHUNK);
  if (!base) {
    return false;
  }
  for (uint32_t i = 0; i < GROVE__SLAB_CHUNK; i++) {
    if (s->init && s->init(base + i * s->each, s->made + i, s->user)) {
      while (i-- > 0) {
        s->deinit(base + i * s->each);
      }
      grove__free(s->allocator, base, s->each * GROVE__SLAB_CHUNK);
      return false;
    }
  }
  // ORDER release: publishes the objects of the chunk. PAIRS with grove__slab_at.
  atomic_store_explicit(&s->chunks[chunk], base, memory_order_release);
  return true;
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
  } else if ((s->made & (GROVE__SLAB_CHUNK - 1)) != 0 || add_chunk_locked(s)) {
    *index = s->made++;
    object = grove__slab_at(s, *index);
  }
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
