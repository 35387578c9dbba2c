// Looking at actors without disturbing them.
#include "actor/future.h"
#include "actor/look.h"
#include "base/options.h"
#include <math.h>

_Static_assert((int)GROVE_MEMORY_USER == (int)GROVE__MEMORY_USER &&
                   (int)GROVE_MEMORY_SHARED == (int)GROVE__MEMORY_SHARED,
    "the parts of memory have the same numbers inside and outside");

void grove__look_text(char *out, size_t room, const char *text)
{
  size_t n = text ? strlen(text) : 0;
  n = n < room ? n : room - 1;
  if (n) {
    memcpy(out, text, n);
  }
  out[n] = '\0';
}

uint32_t grove__look_phase(const grove__cell *c)
{
  // Relaxed, both: for people.
  uint32_t phase = grove__cell_shown_phase(c);
  if (phase != GROVE_PHASE_IDLE) {
    return phase;
  }
  return grove__cell_method(c) ? GROVE_PHASE_RUNNING
         : grove__mailbox_ready(&c->mailbox)                    ? GROVE_PHASE_QUEUED
                                                                : GROVE_PHASE_IDLE;
}

// The cell, and what it has taken beside it.
static uint64_t cell_bytes(const grove__cell *c)
{
  return sizeof *c + (grove__annex_of(c) ? sizeof(grove__annex) : 0);
}

uint64_t grove__look_bytes(const grove__cell *c)
{
  // Relaxed, all of them: a sum for people.
  return cell_bytes(c) + grove__cell_fixed(c) +
         atomic_load_explicit(&grove__cell_annex(c)->bytes, memory_order_relaxed) +
         (uint64_t)atomic_load_explicit(&c->futures, memory_order_relaxed) *
             sizeof(grove__future) +
         grove__mailbox_bytes(&c->mailbox);
}

static void fill_bytes_locked(grove__cell *c, grove_info *o)
{
  const grove__annex *x = grove__cell_annex(c);
  // Relaxed, all of them: as in fill_locked.
  o->futures = atomic_load_explicit(&c->futures, memory_order_relaxed);
  o->children = x->child_count;
  o->state_bytes = cell_bytes(c) + grove__cell_fixed(c);
  o->future_bytes = (uint64_t)o->futures * sizeof(grove__future);
  o->own_bytes = atomic_load_explicit(&x->bytes, memory_order_relaxed);
  o->memory_limit = atomic_load_explicit(&x->limit, memory_order_relaxed);
  o->bytes = o->state_bytes + o->future_bytes + o->own_bytes + o->mailbox_bytes;
}

static void fill_supervision_locked(const grove__cell *c, int64_t now, grove_info *o)
{
  const grove_class *k = grove__cell_class(c);
  const grove__annex *x = grove__cell_annex(c);
  const grove__restarts *h = &x->history;
  int64_t window = (int64_t)x->spec.window_ms * 1000000;
  o->strategy = GROVE__CLASS(k, strategy);
  o->restart = x->spec.restart;
  o->max_restarts = x->spec.max_restarts;
  o->window_ms = x->spec.window_ms;
  for (uint32_t i = 0; i < h->n; i++) {
    o->recent_restarts += now - h->at[(h->first + i) % h->room] <= window;
  }
  o->recent_restarts += now - h->blind_from <= window ? h->blind : 0;
  o->restart_in_ns =
      c->phase == GROVE__CELL_RESTARTING && x->restart_at > now ? x->restart_at - now : 0;
  int64_t born = grove__cell_born(c);
  o->up_ns = now > born ? now - born : 1;
}

// With the cell's lock: names and words stay.
static void fill_locked(grove__cell *c, int64_t oldest, grove_info *o)
{
  const grove__annex *x = grove__cell_annex(c);
  // Relaxed, all of them: each is true by itself, no more is promised.
  o->phase = grove__look_phase(c);
  o->restarts = grove__cell_restarts(c);
  o->mailbox_depth = grove__mailbox_count(&c->mailbox);
  o->mailbox_bytes = grove__mailbox_bytes(&c->mailbox);
  o->ref = grove__cell_ref(c);
  o->parent = grove__cell_parent(c);
  o->handled = atomic_load_explicit(&c->handled, memory_order_relaxed);
  o->failed = atomic_load_explicit(&c->failed, memory_order_relaxed);
  o->busy_ns = atomic_load_explicit(&c->task.busy_ns, memory_order_relaxed);
  const grove_method *m = grove__cell_method(c);
  int64_t since = grove__cell_method_since(c);
  int64_t now = grove__now(grove__cell_system(c));
  o->turn_ns = !m ? 0 : now > since ? now - since : 1;
  o->oldest_ns = !oldest ? 0 : now > oldest ? now - oldest : 1;
  uint64_t bits = atomic_load_explicit(&x->progress, memory_order_relaxed);
  memcpy(&o->progress, &bits, sizeof bits);
  for (const grove__activation *a = grove__cell_activations(c); a; a = a->next) {
    if (a->waiter && grove__cell_manner(c)->task.place == GROVE__PLACE_WORKERS) {
      const grove_class *k = grove__cell_class(c);
      uint32_t own = GROVE__CLASS(k, stack_bytes);
      o->stack_bytes += own ? own : grove__cell_system(c)->options.stack_bytes;
      o->stack_used_bytes += grove__fiber_used(a->strand->fiber, a->waits_at);
    }
  }
  fill_bytes_locked(c, o);
  fill_supervision_locked(c, now, o);
  grove__look_text(o->class_name, sizeof o->class_name, grove__cell_class(c)->name);
  grove__look_text(o->name, sizeof o->name, x->name);
  grove__look_text(o->label, sizeof o->label, grove__cell_label(c));
  grove__look_text(o->method, sizeof o->method, m ? m->name : "");
  grove__look_text(o->last_error, sizeof o->last_error, x->last_words ? x->last_words->text : NULL);
  memcpy(o->state, x->note, sizeof o->state);
}

void grove__look_dead(const grove__death *d, grove_info *o)
{
  memset(o, 0, sizeof *o);
  o->phase = d->error.status == GROVE_ESTUCK ? GROVE_PHASE_STUCK : GROVE_PHASE_ENDED;
  o->restarts = d->error.restarts;
  o->ref = d->ref;
  o->handled = d->handled;
  o->failed = d->failed;
  o->progress = (double)NAN;
  grove__look_text(o->class_name, sizeof o->class_name, d->class_name);
  grove__look_text(o->name, sizeof o->name, d->name);
  grove__look_text(o->label, sizeof o->label, d->label);
  grove__look_text(o->method, sizeof o->method, d->error.method);
  grove__look_text(o->state, sizeof o->state, grove_status_text(d->error.status));
  grove__look_text(o->last_error, sizeof o->last_error, d->error.text);
}

bool grove__look(grove__system *y, grove_ref who, grove_info *o)
{
  grove__cell *c;
  grove__death d;
  memset(o, 0, sizeof *o);
  if (!grove__cell_find(y, who, &c)) {
    // Its mailbox's lock comes before its own; so these two are of two moments.
    int64_t oldest = grove__mailbox_count(&c->mailbox) ? grove__mailbox_oldest(&c->mailbox, grove__now(y)) : 0;
    grove__mutex_lock(&c->lock);
    bool there = grove__cell_is_locked(c, who.which);
    if (there) {
      fill_locked(c, oldest, o);
    }
    grove__mutex_unlock(&c->lock);
    if (there) {
      return true;
    }
  }
  if (!grove__death_find(y, who, &d)) {
    return false;
  }
  grove__look_dead(&d, o);
  return true;
}

grove_status grove_inspect(grove *g, grove_ref who, grove_info *out)
{
  grove__system *y;
  grove__activation *here;
  grove_info full;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!out) {
    return GROVE_EINVAL;
  }
  if (!grove__look(y, who, &full)) {
    return GROVE_ENOACTOR;
  }
  return grove__stats_write(out, sizeof full, &full);
}

// ---- the runtime ---------------------------------------------------------------------------------------

static void fill_waits(grove__system *y, grove_stats *s)
{
  grove__durations all;
  memset(&all, 0, sizeof all);
  grove__kinds_waited(y, &all);
  s->wait_p50_ns = grove__durations_at(&all, 0.5);
  s->wait_p99_ns = grove__durations_at(&all, 0.99);
}

grove_status grove_stats_get(grove *g, grove_stats *out)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  grove_stats s = {.struct_size = sizeof s};
  grove__counters *n = &y->counters;
  uint64_t stacks = 0, fibers;
  grove__stacks_stats(y->sched.stacks, &stacks, &fibers);
  // Relaxed, all of them: statistics.
  s.workers = grove__sched_width(&y->sched);
  uint32_t made = atomic_load_explicit(&y->sched.worker_count, memory_order_acquire);
  for (uint32_t i = 0; i < made; i++) {
    const grove__worker *w = y->sched.worker[i];
    s.workers_busy += atomic_load_explicit(&w->busy, memory_order_relaxed);
    s.busy_ns += atomic_load_explicit(&w->busy_ns, memory_order_relaxed);
    s.turns += atomic_load_explicit(&w->turns, memory_order_relaxed);
    s.parks += atomic_load_explicit(&w->parks, memory_order_relaxed);
    s.steals += atomic_load_explicit(&w->steals, memory_order_relaxed);
  }
  s.suspended = atomic_load_explicit(&y->sched.suspended, memory_order_relaxed);
  s.futures = grove__slab_in_use(&y->futures);
  // What comes of a message is read before what was sent, and so is never more.
  s.handled = grove__kinds_sum(y, GROVE__TALLY_HANDLED);
  s.failed = grove__kinds_sum(y, GROVE__TALLY_FAILED);
  s.calls = grove__kinds_sum(y, GROVE__TALLY_CALLS);
  s.messages = s.calls + grove__kinds_sum(y, GROVE__TALLY_SENDS);
  s.dead_letters = atomic_load_explicit(&n->dead_letters, memory_order_relaxed);
  s.ended = grove__kinds_sum(y, GROVE__TALLY_ENDED);
  s.spawned = grove__kinds_sum(y, GROVE__TALLY_SPAWNED);
  s.actors = (uint32_t)(s.spawned - s.ended);
  s.restarts = atomic_load_explicit(&n->restarts, memory_order_relaxed);
  s.dropped = grove__lost_total(y);
  s.dropped_dead = atomic_load_explicit(&n->dropped[GROVE__LOST_DEAD], memory_order_relaxed);
  s.dropped_full = atomic_load_explicit(&n->dropped[GROVE__LOST_FULL], memory_order_relaxed);
  s.dropped_expired = atomic_load_explicit(&n->dropped[GROVE__LOST_EXPIRED], memory_order_relaxed);
  s.dropped_canceled =
      atomic_load_explicit(&n->dropped[GROVE__LOST_CANCELED], memory_order_relaxed);
  s.refused = atomic_load_explicit(&n->refused, memory_order_relaxed);
  s.stand_ins = atomic_load_explicit(&y->sched.stand_ins_active, memory_order_relaxed);
  s.late_answers = atomic_load_explicit(&n->late_answers, memory_order_relaxed);
  s.stack_bytes = stacks;
  s.shared_bytes = atomic_load_explicit(&y->ledger->shared_bytes, memory_order_relaxed);
  for (uint32_t i = 0; i < GROVE__MEMORY_PARTS; i++) {
    s.memory_of[i] = grove__memory_bytes(y->memory, i);
    s.memory_bytes += s.memory_of[i];
  }
  s.futures_ended = atomic_load_explicit(&y->ends, memory_order_relaxed);
  s.futures_made = grove__slab_taken(&y->futures);
  fill_waits(y, &s);
  s.up_ns = grove__now(y) - y->begun_ns;
  s.simulated = y->options.simulate != 0;
  s.memory_refused = atomic_load_explicit(&y->memory->refused, memory_order_relaxed);
  return grove__stats_write(out, sizeof s, &s);
}
