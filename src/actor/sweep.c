// When an end is due. Its timer is of the annex; an end can't fail for want of memory for one, so then it is looked for among all
// actors, as seldom as can be.
#include "actor/cell.h"

enum { UNIT_BITS = 26 }; // of grove__cell_end_by: 67 ms, and nine years
static void sweep_by(grove__system *y, int64_t when);

static void look(void *user, uint64_t a, uint64_t b)
{
  grove__system *y = user;
  (void)a, (void)b;
  int64_t now = grove__now(y);
  grove__mutex_lock(&y->sweep_lock);
  y->sweep_at = INT64_MAX;
  grove__mutex_unlock(&y->sweep_lock);
  uint32_t made = grove__slab_made(&y->cells);
  for (uint32_t i = 0; i < made; i++) {
    grove__cell *c = grove__slab_at(&y->cells, i);
    grove__mutex_lock(&c->lock);
    uint64_t life = grove__cell_life_locked(c);
    bool waits = life && grove__cell_end_by(c), due = waits && grove__cell_end_when(c) <= now;
    uint64_t serial = due ? grove__cell_end_serial(c) : 0;
    if (waits && !due) {
      sweep_by(y, grove__cell_end_when(c));
    }
    grove__mutex_unlock(&c->lock);
    if (due) { // it looks whether that is still so
      grove__cell_end_is_due(c, life, serial);
    }
  }
}

static void sweep_by(grove__system *y, int64_t when)
{
  grove__mutex_lock(&y->sweep_lock);
  if (when < y->sweep_at) {
    y->sweep_at = when;
    grove__timer_set(&y->sched.timers, &y->sweep, when, look, y, 0, 0);
  }
  grove__mutex_unlock(&y->sweep_lock);
}

int64_t grove__cell_end_when(const grove__cell *c)
{
  return grove__cell_end_by(c) ? grove__cell_system(c)->begun_ns + ((int64_t)grove__cell_end_by(c) << UNIT_BITS) : grove__cell_annex(c)->end_when;
}

uint64_t grove__cell_end_serial(const grove__cell *c)
{
  return grove__cell_end_by(c) ? (uint64_t)grove__cell_end_by(c) << 32 : grove__cell_annex(c)->end_serial;
}

void grove__cell_end_by_locked(grove__cell *c, int64_t when)
{
  grove__annex *x = when == INT64_MAX ? grove__annex_of(c) : grove__annex_make_locked(c);
  c->mailbox.own = 0;
  if (x) {
    x->end_when = when;
    grove__timer_set(&grove__cell_system(c)->sched.timers, &x->end_timer, when, grove__cell_end_is_due, c,
        grove__cell_life(c), ++x->end_serial);
  } else if (when != INT64_MAX) { // an end can't fail for want of memory
    int64_t units = (when - grove__cell_system(c)->begun_ns) >> UNIT_BITS;
    c->mailbox.own = units < 0 ? 1 : units < UINT32_MAX ? (uint32_t)units + 1 : UINT32_MAX;
    sweep_by(grove__cell_system(c), grove__cell_end_when(c));
  }
}

void grove__cell_grace(grove__cell *c, uint64_t life, int64_t deadline, bool own)
{
  grove__mutex_lock(&c->lock);
  if (grove__cell_is_locked(c, life)) {
    c->asked = c->asked || !own || grove__cell_annex(c)->spec.restart != GROVE_PERMANENT;
    // The earliest of all that were asked for counts: who asks again and again does not put it off. By force it ends
    // already; then the timer is the one that gives it up. Relaxed: raised under this lock.
    if (deadline < grove__cell_end_when(c) &&
        atomic_load_explicit(&c->ending, memory_order_relaxed) != GROVE__FORCED) {
      c->by_grace = true;
      grove__cell_end_by_locked(c, deadline);
    }
  }
  grove__mutex_unlock(&c->lock);
}
