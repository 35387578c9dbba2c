#include "base/memory.h"
#include <stdlib.h>

static bool take(grove__memory *m, uint64_t bytes)
{
  if (!m->most) {
    return true;
  }
  // Relaxed: a sum; whoever adds and finds the limit passed takes it back.
  uint64_t before = atomic_fetch_add_explicit(&m->total, bytes, memory_order_relaxed);
  if (bytes <= m->most && before <= m->most - bytes) {
    return true;
  }
  atomic_fetch_sub_explicit(&m->total, bytes, memory_order_relaxed);
  atomic_fetch_add_explicit(&m->refused, 1, memory_order_relaxed);
  return false;
}

static void give(grove__memory *m, uint64_t bytes)
{
  if (m->most) {
    atomic_fetch_sub_explicit(&m->total, bytes, memory_order_relaxed); // as in take
  }
}

// Two bodies, chosen when the memory is made: this one stands in the way of each allocation.
static void *face_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  grove__memory_face *f = user;
  grove__memory *m = f->memory;
  grove__memory_note(m, f->part, (int64_t)new_bytes - (int64_t)old_bytes);
  if (!new_bytes) {
    return m->host.realloc_fn(m->host.user, p, old_bytes, 0);
  }
  void *q = m->host.realloc_fn(m->host.user, p, old_bytes, new_bytes);
  if (!q) {
    grove__memory_note(m, f->part, (int64_t)old_bytes - (int64_t)new_bytes);
  }
  return q;
}

static void *limited_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  grove__memory *m = ((grove__memory_face *)user)->memory;
  bool grows = new_bytes > old_bytes;
  if (grows && !take(m, new_bytes - old_bytes)) {
    return NULL;
  }
  void *q = face_realloc(user, p, old_bytes, new_bytes);
  if (!grows) {
    give(m, old_bytes - new_bytes);
  } else if (!q) {
    give(m, new_bytes - old_bytes);
  }
  return q;
}

bool grove__memory_is_face(const grove_allocator *a)
{
  return a->realloc_fn == face_realloc || a->realloc_fn == limited_realloc;
}

void *grove__memory_zero(const grove_allocator *face, size_t bytes)
{
  grove__memory_face *f = face->user;
  grove__memory *m = f->memory;
  if (!take(m, bytes)) {
    return NULL;
  }
  void *p = grove__alloc_zero(&m->host, bytes);
  if (p) {
    grove__memory_note(m, f->part, (int64_t)bytes);
  } else {
    give(m, bytes);
  }
  return p;
}

grove__memory *grove__memory_create(const grove_allocator *host, uint64_t most)
{
  grove__memory *m = grove__alloc_zero(host, sizeof *m);
  if (!m) {
    return NULL;
  }
  m->host = *host;
  m->most = most;
  for (uint32_t i = 0; i < GROVE__MEMORY_PARTS; i++) {
    m->face[i] = (grove__memory_face){{most ? limited_realloc : face_realloc, &m->face[i]}, m, i};
  }
  return m;
}

void grove__memory_destroy(grove__memory *m)
{
  if (m) {
    grove_allocator host = m->host;
    grove__free(&host, m, sizeof *m);
  }
}

uint64_t grove__memory_bytes(const grove__memory *m, uint32_t part)
{
  int64_t sum = 0;
  for (int i = 0; i < GROVE__MEMORY_STRIPES; i++) {
    sum += atomic_load_explicit(&m->stripe[i].bytes[part], memory_order_relaxed); // relaxed: a sum
  }
  return sum > 0 ? (uint64_t)sum
                 : 0; // read while others add: one's giving may be seen before another's taking
}

uint64_t grove__memory_total(const grove__memory *m)
{
  uint64_t sum = 0;
  for (uint32_t i = 0; i < GROVE__MEMORY_PARTS; i++) {
    sum += grove__memory_bytes(m, i);
  }
  return sum;
}
