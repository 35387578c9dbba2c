#include "parquet/spare.h"
#include "base/alloc.h"
#include <stdatomic.h>

// SMALL: below it malloc is as good, and no page is handed back. SLOTS: two buffers of a hundred columns.
enum { SLOTS = 256, SMALL_BYTES = 4096, HEAD_BYTES = 64 };

// In front of each block, a cache line so that blocks keep malloc's alignment and more.
typedef struct head {
  size_t bytes; // of the whole, this head included
} head;

// A block that waits. `bytes` is a hint, which lets a search pass by without taking anything out; the truth is in
// the block, read once the slot's exchange has made it ours.
typedef struct slot {
  _Atomic(head *) block;
  _Atomic(size_t) bytes;
} slot;

struct grove__spare {
  grove_allocator from;
  uint64_t most;          // 0: no limit
  _Atomic(uint64_t) held; // bytes from `from`, out or waiting: a count that orders nothing
  _Atomic(size_t) count;  // blocks that are out, and one for whoever opened it
  _Atomic(bool) closed;
  slot slots[SLOTS];
};

// How much larger than what is wanted a block may be. Under a limit what is asked for is what counts, so hardly at all.
static size_t fits_up_to(const grove__spare *s, size_t bytes)
{
  return bytes > SIZE_MAX / 4 ? bytes : s->most ? bytes + bytes / 64 : 4 * bytes;
}

static void free_head(grove__spare *s, head *h)
{
  atomic_fetch_sub_explicit(&s->held, h->bytes, memory_order_relaxed);
  grove__free(&s->from, h, h->bytes);
}

static void drain(grove__spare *s)
{
  for (size_t i = 0; i < SLOTS; i++) {
    // Acquire: what the thread that put it here wrote into it (its size) is seen. Pairs with put_back.
    head *h = atomic_exchange_explicit(&s->slots[i].block, NULL, memory_order_acquire);
    if (h) {
      free_head(s, h);
    }
  }
}

// Acquire and release: whoever takes the last count away sees what all others did before they took theirs.
static void drop_count(grove__spare *s)
{
  if (atomic_fetch_sub_explicit(&s->count, 1, memory_order_acq_rel) == 1) {
    drain(s);
    grove_allocator from = s->from;
    grove__free(&from, s, sizeof *s);
  }
}

// A block of at least `bytes` and not much more; NULL: none.
static head *take(grove__spare *s, size_t bytes)
{
  for (size_t i = 0; i < SLOTS; i++) {
    slot *at = &s->slots[i];
    size_t hint = atomic_load_explicit(&at->bytes, memory_order_relaxed); // checked below
    if (hint < bytes || hint > fits_up_to(s, bytes)) {
      continue;
    }
    head *h =
        atomic_exchange_explicit(&at->block, NULL, memory_order_acquire); // pairs with put_back
    if (h && h->bytes >= bytes) {
      atomic_store_explicit(&at->bytes, 0, memory_order_relaxed);
      return h;
    }
    if (h) {
      free_head(s,
          h); // another thread changed the slot between the two looks: rare, and not worth a second search
    }
  }
  return NULL;
}

static bool put_back(grove__spare *s, head *h)
{
  if (atomic_load_explicit(
          &s->closed, memory_order_relaxed)) { // else drop_count drains it: late is no loss
    return false;
  }
  for (size_t i = 0; i < SLOTS; i++) {
    slot *at = &s->slots[i];
    head *none = NULL;
    size_t bytes = h->bytes; // not to be read once another may have taken it
    if (!atomic_load_explicit(&at->block, memory_order_relaxed) &&
        atomic_compare_exchange_strong_explicit(
            &at->block, &none, h, memory_order_release, memory_order_relaxed)) {
      atomic_store_explicit(&at->bytes, bytes, memory_order_relaxed);
      return true;
    }
  }
  return false;
}

static void *give(head *h)
{
  return (char *)h + HEAD_BYTES;
}

static head *head_of(void *p)
{
  return (head *)(void *)((char *)p - HEAD_BYTES);
}

static void *allocate(grove__spare *s, size_t bytes)
{
  size_t whole;
  if (!grove__add(bytes, HEAD_BYTES, &whole)) {
    return NULL;
  }
  head *h = whole >= SMALL_BYTES ? take(s, whole) : NULL;
  if (!h) {
    uint64_t held = atomic_fetch_add_explicit(&s->held, whole, memory_order_relaxed);
    if (s->most && held + whole > s->most) {
      drain(s); // what waits may not be in the way of what is wanted
    }
    h = grove__alloc(&s->from, whole);
    if (!h) {
      atomic_fetch_sub_explicit(&s->held, whole, memory_order_relaxed);
      return NULL;
    }
    h->bytes = whole;
  }
  atomic_fetch_add_explicit(
      &s->count, 1, memory_order_relaxed); // we hold a count: it can't be the last
  return give(h);
}

static void release(grove__spare *s, void *p)
{
  head *h = head_of(p);
  if (h->bytes < SMALL_BYTES || !put_back(s, h)) {
    free_head(s, h);
  }
  drop_count(s);
}

// To a new block, so that the large one waits for who wants it.
static void *move(grove__spare *s, void *p, size_t bytes)
{
  void *q = allocate(s, bytes);
  if (q) {
    memcpy(q, p, bytes);
    release(s, p);
  }
  return q;
}

// Into a block that waits; else where it lies, or the old and the new one would be there at once, beyond any limit.
static void *resize(grove__spare *s, void *p, size_t old_bytes, size_t bytes)
{
  head *h = head_of(p), *better;
  size_t whole, before = h->bytes;
  if (!grove__add(bytes, HEAD_BYTES, &whole)) {
    return NULL;
  }
  better = whole > before && whole >= SMALL_BYTES ? take(s, whole) : NULL;
  if (better) {
    memcpy(give(better), p, old_bytes);
    if (before < SMALL_BYTES || !put_back(s, h)) {
      free_head(s, h);
    }
    return give(better); // the count goes on
  }
  uint64_t held = atomic_fetch_add_explicit(&s->held, whole - before, memory_order_relaxed); // shrinks by wrapping
  if (s->most && whole > before && held + (whole - before) > s->most) {
    drain(s);
  }
  head *grown = grove__realloc(&s->from, h, before, whole);
  if (!grown) {
    atomic_fetch_sub_explicit(&s->held, whole - before, memory_order_relaxed);
    return NULL;
  }
  grown->bytes = whole;
  return give(grown);
}

static void *spare_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  grove__spare *s = user;
  if (!new_bytes) {
    release(s, p);
    return NULL;
  }
  if (!p) {
    return allocate(s, new_bytes);
  }
  size_t have = head_of(p)->bytes - HEAD_BYTES;
  if (new_bytes <= have && have <= fits_up_to(s, new_bytes)) {
    return p; // also when it shrinks: the rest would be asked for again
  }
  return s->most || new_bytes > have ? resize(s, p, old_bytes, new_bytes) : move(s, p, new_bytes);
}

grove__spare *grove__spare_open(const grove_allocator *from, uint64_t most)
{
  grove__spare *s = grove__alloc_zero(from, sizeof *s);
  if (s) {
    s->from = *from;
    s->most = most;
    atomic_init(&s->count, 1);
  }
  return s;
}

void grove__spare_close(grove__spare *s)
{
  if (s) {
    atomic_store_explicit(&s->closed, true, memory_order_relaxed);
    drain(s);
    drop_count(s);
  }
}

grove_allocator grove__spare_allocator(grove__spare *s)
{
  grove_allocator a = {spare_realloc, s};
  return a;
}
