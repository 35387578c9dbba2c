// Shared data, and values of messages: copying, counting, releasing.
#include "actor/budget.h"
#include <stdio.h>

/// Counts one shared datum. Outlives the runtime: it frees by the ledger.
struct grove__owner {
  _Atomic uint64_t count;
  grove__ledger *ledger;
  uint64_t bytes; // what it is counted as
  size_t block;   // of this struct, and of the bytes behind it in a copy
  const void *ptr;
  void (*destroy)(void *ptr, void *user);
  void *user;
};

grove__ledger *grove__ledger_create(const grove_allocator *a, uint64_t most, uint64_t heap)
{
  grove__ledger *l = grove__alloc_zero(a, sizeof *l);
  if (!l) {
    return NULL;
  }
  l->memory = grove__memory_create(a, heap);
  if (!l->memory) {
    grove__free(a, l, sizeof *l);
    return NULL;
  }
  l->allocator = *a;
  l->most = most;
  atomic_init(&l->count, 1);
  return l;
}

void grove__ledger_let_go(grove__ledger *l)
{
  // ORDER acq_rel: all others are done with it before the last frees. PAIRS itself.
  if (atomic_fetch_sub_explicit(&l->count, 1, memory_order_acq_rel) == 1) {
    grove_allocator a = l->allocator;
    grove__memory_destroy(l->memory);
    grove__free(&a, l, sizeof *l);
  }
}

static grove_status create_owner(
    grove__system *y, size_t extra, uint64_t bytes, struct grove__owner **out)
{
  grove__ledger *l = y->ledger;
  size_t block;
  if (!grove__add(sizeof(struct grove__owner), extra, &block)) {
    return GROVE_ENOMEM;
  }
  struct grove__owner *o = NULL;
  bool over = !grove__ledger_take(l, bytes);
  if (!over) {
    o = grove__alloc(grove__memory_of(y->memory, GROVE__MEMORY_SHARED), block);
  }
  if (!o) {
    if (!over) {
      grove__ledger_give(l, bytes);
    }
    return over ? GROVE_ELIMIT : GROVE_ENOMEM;
  }
  atomic_fetch_add_explicit(&l->shared_bytes, bytes, memory_order_relaxed); // a sum
  *o = (struct grove__owner){.count = 1, .ledger = l, .bytes = bytes, .block = block};
  atomic_fetch_add_explicit(&l->count, 1, memory_order_relaxed); // the runtime's count keeps it
  *out = o;
  return GROVE_OK;
}

static grove_status share(grove__system *y, const void *ptr, size_t bytes,
    void (*destroy)(void *, void *), void *user, grove_shared *out)
{
  struct grove__owner *o;
  GROVE__TRY(create_owner(y, 0, bytes, &o));
  o->ptr = ptr;
  o->destroy = destroy;
  o->user = user;
  *out = (grove_shared){ptr, bytes, o};
  return GROVE_OK;
}

static grove_status share_copy(grove__system *y, const void *bytes, size_t n, grove_shared *out)
{
  struct grove__owner *o;
  size_t with_zero;
  if (!grove__add(n, 1, &with_zero)) {
    return GROVE_ENOMEM;
  }
  GROVE__TRY(create_owner(y, with_zero, n, &o));
  char *copy = (char *)(o + 1);
  if (n) {
    memcpy(copy, bytes, n);
  }
  copy[n] = '\0';
  o->ptr = copy;
  *out = (grove_shared){copy, n, o};
  return GROVE_OK;
}

static grove_status say_bytes(grove *g, grove__system *y, grove_status s, size_t bytes)
{
  char what[64];
  if (s) {
    snprintf(what, sizeof what, "no room for %zu bytes of shared data", bytes);
  }
  return s ? grove__memory_fail(g, y, s, what) : GROVE_OK;
}

grove_status grove_share(grove *g, const void *ptr, size_t bytes,
    void (*destroy)(void *ptr, void *user), void *user, grove_shared *out)
{
  grove__system *y;
  grove__activation *here;
  if (!out) {
    return GROVE_EINVAL;
  }
  *out = (grove_shared){NULL, 0, NULL};
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!ptr && bytes) {
    return GROVE_EINVAL;
  }
  return say_bytes(g, y, share(y, ptr, bytes, destroy, user, out), bytes);
}

grove_status grove_share_copy(grove *g, const void *bytes, size_t n, grove_shared *out)
{
  grove__system *y;
  grove__activation *here;
  if (!out) {
    return GROVE_EINVAL;
  }
  *out = (grove_shared){NULL, 0, NULL};
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!bytes && n) {
    return GROVE_EINVAL;
  }
  return say_bytes(g, y, share_copy(y, bytes, n, out), n);
}

grove_shared grove_retain(grove_shared s)
{
  if (s.owner) {
    atomic_fetch_add_explicit(
        &s.owner->count, 1, memory_order_relaxed); // the caller's count keeps it
  }
  return s;
}

void grove_release(grove_shared s)
{
  struct grove__owner *o = s.owner;
  // ORDER acq_rel: all readers are done before the last one destroys. PAIRS itself.
  if (!o || atomic_fetch_sub_explicit(&o->count, 1, memory_order_acq_rel) != 1) {
    return;
  }
  if (o->destroy) {
    o->destroy((void *)(uintptr_t)o->ptr, o->user);
  }
  grove__ledger *l = o->ledger;
  atomic_fetch_sub_explicit(&l->shared_bytes, o->bytes, memory_order_relaxed); // a sum
  grove__ledger_give(l, o->bytes);
  grove__free(grove__memory_of(l->memory, GROVE__MEMORY_SHARED), o, o->block);
  grove__ledger_let_go(l);
}

// ---- values of messages ----------------------------------------------------------------------------------

static grove_shared *held(const grove_type *t, void *value, uint32_t i)
{
  return (grove_shared *)(void *)((char *)value + t->hold_offset[i]);
}

grove_status grove__value_hold(grove__system *y, const grove_type *t, void *to)
{
  for (uint32_t i = 0; i < t->holds; i++) {
    grove_shared *s = held(t, to, i);
    grove_status status = GROVE_OK;
    if (s->owner) {
      grove_retain(*s);
    } else if (s->ptr) {
      status = share_copy(y, s->ptr, s->bytes, s);
    }
    if (status) {
      while (i-- > 0) {
        grove_release(*held(t, to, i));
      }
      return status;
    }
  }
  return GROVE_OK;
}

void grove__value_let_go(const grove_type *t, void *value)
{
  for (uint32_t i = 0; i < t->holds; i++) {
    grove_release(*held(t, value, i));
  }
}

bool grove__value_borrows(const grove_type *t, const void *value)
{
  for (uint32_t i = 0; i < t->holds; i++) {
    const grove_shared *s = held(t, (void *)(uintptr_t)value, i);
    if (!s->owner && s->ptr) {
      return true;
    }
  }
  return false;
}

bool grove__type_same(const grove_type *a, const grove_type *b)
{
  return a == b || (a && b && a->bytes == b->bytes && strcmp(a->name, b->name) == 0);
}
