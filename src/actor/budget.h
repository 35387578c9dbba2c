// What an actor holds, its limits, and who holds what when one is reached.
#ifndef GROVE_ACTOR_BUDGET_H
#define GROVE_ACTOR_BUDGET_H
#include "actor/system.h"

typedef struct grove__annex grove__annex;

/// An actor's own allocator: once for each slot of annexes.
void grove__own_face(grove__annex *x);
/// A life begins: nothing is held but what it has from its first moment. With a limit (0: none), for which it has an annex, opens the mailbox's budget, too.
/// After grove__mailbox_open.
void grove__own_begin(grove__cell *c, uint64_t limit);
/// What its limit is, by the spawn options or the class.
uint64_t grove__own_limit(const grove_class *k, const grove_spawn_options *spec);
/// A life is over: what its allocator gave and did not get back is logged.
void grove__own_end(grove__cell *c);
/// What its limit of memory is, and who holds how much of it.
void grove__own_describe(const grove__cell *c, char *out, size_t room);

bool grove__ledger_take_limited(grove__ledger *l, uint64_t bytes);
/// Takes so much of memory_bytes of the options; false: it is used up. Without that limit: true, and nothing is counted.
static inline bool grove__ledger_take(grove__ledger *l, uint64_t bytes)
{
  return !l->most || grove__ledger_take_limited(l, bytes);
}
static inline void grove__ledger_give(grove__ledger *l, uint64_t bytes)
{
  if (l->most) {
    atomic_fetch_sub_explicit(&l->used, bytes, memory_order_relaxed); // relaxed: a sum
  }
}
/// Which limit of memory was reached (GROVE_ELIMIT: memory_bytes, GROVE_ENOMEM: heap_bytes, if there is one), which
/// part of the runtime holds how much, and the actors that hold most, as of the last second. NULL-ended, never empty.
void grove__memory_words(grove__system *y, grove_status s, char *out, size_t room);
/// Keeps those words, and what they are about, for the failure that a method may return. Gives `s` back. Other statuses
/// than the two: nothing but that.
grove_status grove__memory_fail(grove *g, grove__system *y, grove_status s, const char *what);
#endif
