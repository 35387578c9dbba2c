// Percentiles of one actor, while somebody asks for them.
#include "actor/times.h"
#include "base/options.h"

enum { ASKED_FOR_NS = 1000000000 };
static const int64_t stay_ns = 10 * (int64_t)ASKED_FOR_NS; // without being asked

// All of it is guarded by the cell's lock, but for whether there is any: so anybody may give it back.
void grove__times_free_locked(grove__cell *c)
{
  grove__annex *x = grove__annex_of(c);
  if (!x) {
    return;
  }
  grove__times *t = atomic_load_explicit(&x->times, memory_order_relaxed);
  atomic_store_explicit(&x->times, NULL, memory_order_relaxed); // senders see it a little later
  grove__free(grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_WATCH), t, sizeof *t);
}

// NULL: nobody wants it any more, and it is gone.
static grove__times *wanted_locked(grove__cell *c, int64_t now)
{
  grove__times *t = atomic_load_explicit(&grove__cell_annex(c)->times, memory_order_relaxed);
  if (t && now - t->asked > stay_ns) {
    grove__times_free_locked(c);
    t = NULL;
  }
  return t;
}

void grove__times_look(grove__cell *c, int64_t now)
{
  if (atomic_load_explicit(&grove__cell_annex(c)->times, memory_order_relaxed)) { // relaxed: what it points to is looked at under the lock
    grove__mutex_lock(&c->lock);
    (void)wanted_locked(c, now);
    grove__mutex_unlock(&c->lock);
  }
}

void grove__times_add(grove__cell *c, int64_t waited, int64_t ran, int64_t now)
{
  if (!atomic_load_explicit(&grove__cell_annex(c)->times, memory_order_relaxed)) { // relaxed: as above
    return;
  }
  grove__mutex_lock(&c->lock);
  grove__times *t = wanted_locked(c, now);
  if (t && waited >= 0) {
    grove__durations_add(&t->waited, waited);
  }
  if (t && ran >= 0) {
    grove__durations_add(&t->ran, ran);
  }
  grove__mutex_unlock(&c->lock);
}

static grove__times *begin_locked(grove__cell *c, int64_t now)
{
  grove__annex *x = grove__annex_make_locked(c);
  grove__times *t = x ? atomic_load_explicit(&x->times, memory_order_relaxed) : NULL; // written under the lock
  if (!x) {
    return NULL;
  }
  if (!t) {
    t = grove__alloc_zero(grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_WATCH), sizeof *t);
    if (!t) {
      return NULL;
    }
    t->begun = now;
  }
  t->asked = now;
  atomic_store_explicit(&x->times, t, memory_order_relaxed); // senders see it a little later
  return t;
}

static void fill(const grove__times *t, int64_t now, grove_times *o)
{
  o->timed = atomic_load_explicit(&t->ran.total, memory_order_relaxed);
  o->for_ns = now > t->begun ? now - t->begun : 1;
  o->wait_p50_ns = grove__durations_at(&t->waited, 0.5);
  o->wait_p99_ns = grove__durations_at(&t->waited, 0.99);
  o->wait_max_ns = atomic_load_explicit(&t->waited.most, memory_order_relaxed);
  o->run_p50_ns = grove__durations_at(&t->ran, 0.5);
  o->run_p99_ns = grove__durations_at(&t->ran, 0.99);
  o->run_max_ns = atomic_load_explicit(&t->ran.most, memory_order_relaxed);
}

grove_status grove_actor_times(grove *g, grove_ref who, grove_times *out)
{
  grove__system *y;
  grove__activation *here;
  grove__cell *c;
  grove_times full = {.timed = 0};
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!out) {
    return GROVE_EINVAL;
  }
  if (grove__cell_find(y, who, &c) || grove_ref_equal(who, grove__cell_ref(y->root))) {
    return GROVE_ENOACTOR;
  }
  int64_t now = grove__now(y);
  grove__mutex_lock(&c->lock);
  bool there = grove__cell_is_locked(c, who.which) && c->phase != GROVE__CELL_STUCK && !c->given_up;
  grove__times *t = there ? begin_locked(c, now) : NULL;
  if (t) {
    fill(t, now, &full);
  }
  grove__mutex_unlock(&c->lock);
  return !there ? GROVE_ENOACTOR : !t ? GROVE_ENOMEM : grove__stats_write(out, sizeof full, &full);
}
