// When an end is due. Its timer is of the annex; an end can't fail for want of memory for one, so then it is looked for among all
// actors, as seldom as can be.
#include "actor/cell.h"

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
    bool waits = life && c->swept, due = waits && c->end_when <= now;
    uint32_t serial = life ? c->end_serial : 0;
    if (waits && !due) {
      sweep_by(y, c->end_when);
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

void grove__cell_end_by_locked(grove__cell *c, int64_t when)
{
  grove__annex *x = when == INT64_MAX ? grove__annex_of(c) : grove__annex_make_locked(c);
  c->end_when = when;
  c->end_serial++;
  c->swept = !x && when != INT64_MAX;
  if (x) {
    grove__timer_set(&c->system->sched.timers, &x->end_timer, when, grove__cell_end_is_due, c,
        c->own_life, c->end_serial);
  } else if (c->swept) { // an end can't fail for want of memory
    sweep_by(c->system, when);
  }
}
