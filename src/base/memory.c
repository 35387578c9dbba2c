#include "base/memory.h"
#include <stdlib.h>

// The stack tells threads (and strands) apart well enough, and costs nothing to ask for.
static grove__memory_stripe *stripe_here(grove__memory *m)
{
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  return &m->stripe[(here >> 16 ^ here >> 20) % GROVE__MEMORY_STRIPES];
}

void grove__memory_note(grove__memory *m, uint32_t part, int64_t bytes)
{
  atomic_fetch_add_explicit(
      &stripe_here(m)->bytes[part], bytes, memory_order_relaxed); // relaxed: a sum
}

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

static void *realloc_within(grove__memory *m, void *p, size_t old_bytes, size_t new_bytes)
{
  bool grows = new_bytes > old_bytes;
  if (grows && !take(m, new_bytes - old_bytes)) {
    return NULL;
  }
  void *q = m->host.realloc_fn(m->host.user, p, old_bytes, new_bytes);
  if (!grows) {
    give(m, old_bytes - new_bytes);
  } else if (!q) {
    give(m, new_bytes - old_bytes);
  }
  return q;
}

static void *face_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  grove__memory_face *f = user;
  grove__memory *m = f->memory;
  if (!new_bytes && !m->most) { // freeing, the simplest case
    grove__memory_note(m, f->part, -(int64_t)old_bytes);
    return m->host.realloc_fn(m->host.user, p, old_bytes, 0);
  }
  void *q = m->most ? realloc_within(m, p, old_bytes, new_bytes)
                    : m->host.realloc_fn(m->host.user, p, old_bytes, new_bytes);
  if (q || !new_bytes) {
    grove__memory_note(m, f->part, (int64_t)new_bytes - (int64_t)old_bytes);
  }
  return q;
}

bool grove__memory_is_face(const grove_allocator *a)
{
  return a->realloc_fn == face_realloc;
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
    m->face[i] = (grove__memory_face){{face_realloc, &m->face[i]}, m, i};
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
