// How a life ends: asked, cancelled, children first, stop, destroy, and then again from the start, or gone.
//
// The order, for one cell:
//   1. grove__cell_end sets the phase to ENDING: waits and yields give GROVE_ECANCELED, children are asked to end.
//   2. When no activation is left and no child, a turn of the cell goes on: `stop` (an orderly end only, phase
//      STOPPING), then the rest of what it holds, then `destroy`.
//   3. A failed one may be started again (phase RESTARTING); else it leaves the world: mailbox closed, calls and
//      monitors ended, name free, parent told.
// A life that is not through in time is given up (phase STUCK): step 3 without steps 1 and 2, which follow when its
// method returns, if ever. Nobody waits for that.
#include "actor/future.h"
#include "actor/leave.h"
#include "actor/run.h"
#include "base/random.h"
#include <stdio.h>

enum { MARGIN_MS = 200 }; // between the force at a deadline and giving up

static void end_is_due(void *user, uint64_t life, uint64_t serial);

static void set_end_timer_locked(grove__cell *c, int64_t when)
{
  c->end_when = when;
  grove__timer_set(
      &c->system->sched.timers, &c->end_timer, when, end_is_due, c, c->own_life, ++c->end_serial);
}

static void cancel_waits_locked(grove__cell *c)
{
  for (grove__activation *a = c->activations; a; a = a->next) {
    grove__activation_cancel_locked(a);
  }
}

static void raise_locked(grove__cell *c, uint32_t to)
{
  // Relaxed: read as a request; what waits is told under this lock.
  if (atomic_load_explicit(&c->ending, memory_order_relaxed) < to) {
    atomic_store_explicit(&c->ending, to, memory_order_relaxed);
    cancel_waits_locked(c);
  }
}

// Children are told one by one, with no lock held across: the parent's lock is for its list alone. Who has been told
// goes to the end of the list and bears the number of the wave; a stronger wish begins a new wave, which whoever is at
// it already carries out.
enum {
  SPREAD_DEPTH = 16
}; // generations at once; below, each is told in a turn of its parent, on a fresh stack

static void end_cell(grove__cell *c, uint64_t life, uint32_t end, const grove_error *words,
    int64_t deadline, int depth);

static void begin_wave_locked(grove__cell *c, uint32_t end, int64_t deadline)
{
  c->spread_end = end > c->spread_end ? end : c->spread_end;
  c->spread_deadline = deadline;
  c->spread_wave++;
}

// The next child that this wave has not reached, or NULL.
static grove__cell *next_untold_locked(grove__cell *c)
{
  grove__cell *child = c->children;
  if (!child || child->told_wave == c->spread_wave) {
    return NULL;
  }
  child->told_wave = c->spread_wave;
  if (child->sibling_next) {
    grove__cell_unlink_locked(c, child);
    child->sibling_prev = c->children_last;
    child->sibling_next = NULL;
    c->children_last->sibling_next = child;
    c->children_last = child;
  }
  return child;
}

static void spread(grove__cell *c, uint64_t life, int depth)
{
  grove__mutex_lock(&c->lock);
  if (!grove__cell_is_locked(c, life) || c->spreading) {
    grove__mutex_unlock(&c->lock);
    return;
  }
  if (depth >= SPREAD_DEPTH && c->children) {
    c->spread_due = true;
    grove__sched_notify(&c->system->sched, &c->task);
    grove__mutex_unlock(&c->lock);
    return;
  }
  c->spreading = true; // and while a child is linked, its parent's life lasts
  grove__cell *child;
  while ((child = next_untold_locked(c))) {
    uint64_t its_life = child->own_life;
    uint32_t end = c->spread_end;
    int64_t deadline = c->spread_deadline;
    grove__mutex_unlock(&c->lock);
    end_cell(child, its_life, end, NULL, deadline, depth + 1);
    grove__mutex_lock(&c->lock);
  }
  c->spreading = false;
  grove__sched_notify(&c->system->sched, &c->task); // it waits for this, too
  grove__mutex_unlock(&c->lock);
}

void grove__cell_spread(grove__cell *c)
{
  spread(c, c->own_life, 0);
}

void grove__cell_end(
    grove__cell *c, uint64_t life, uint32_t end, const grove_error *words, int64_t deadline)
{
  end_cell(c, life, end, words, deadline, 0);
}

static void end_cell(grove__cell *c, uint64_t life, uint32_t end, const grove_error *words,
    int64_t deadline, int depth)
{
  grove__system *y = c->system;
  grove__mutex_lock(&c->lock);
  if (!grove__cell_is_locked(c, life) || c->phase == GROVE__CELL_FREE || c->given_up) {
    grove__mutex_unlock(&c->lock);
    return;
  }
  c->asked =
      c->asked || end != GROVE__END_FAIL; // also while it fails: then it is not started again
  if (end <= c->end) {
    grove__mutex_unlock(&c->lock);
    return;
  }
  c->end = end;
  if (words && !c->words) {
    c->words = grove__alloc(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), sizeof *c->words);
    if (c->words) {
      *c->words = *words;
    }
    c->why = words->status;
  }
  if (c->phase == GROVE__CELL_RESTARTING) {
    grove__timer_cancel(&y->sched.timers, &c->restart_timer);
  }
  if (c->phase != GROVE__CELL_STOPPING) {
    c->phase = GROVE__CELL_ENDING;
  }
  atomic_store_explicit(&c->shown_phase, GROVE_PHASE_ENDING, memory_order_relaxed); // for people
  raise_locked(c, end == GROVE__END_KILL ? GROVE__FORCED : GROVE__CANCELED);
  int64_t own = grove__deadline(grove__now(y), c->spec.stop_ms);
  deadline = own < deadline ? own : deadline;
  if (end != GROVE__END_KILL && c->end_when < deadline) { // the grace of grove_exit goes on
    deadline = c->end_when;
  }
  set_end_timer_locked(c, deadline);
  bool parent = c->children != NULL;
  if (parent) {
    begin_wave_locked(c, end == GROVE__END_KILL ? GROVE__END_KILL : GROVE__END_ORDERLY, deadline);
  }
  grove__sched_notify(&y->sched, &c->task);
  grove__mutex_unlock(&c->lock);
  if (parent) {
    spread(c, life, depth);
  }
}

void grove__cell_grace(grove__cell *c, uint64_t life, int64_t deadline)
{
  grove__mutex_lock(&c->lock);
  if (grove__cell_is_locked(c, life)) {
    c->asked = true;
    // The earliest of all that were asked for counts: who asks again and again does not put it off. By force it ends
    // already; then the timer is the one that gives it up. Relaxed: raised under this lock.
    if (deadline < c->end_when &&
        atomic_load_explicit(&c->ending, memory_order_relaxed) != GROVE__FORCED) {
      set_end_timer_locked(c, deadline);
    }
  }
  grove__mutex_unlock(&c->lock);
}

// A deadline of an end has passed: first by force, then given up; but who waits only for its children waits on.
static void end_is_due(void *user, uint64_t life, uint64_t serial)
{
  grove__cell *c = user;
  bool give_up = false, wave = false;
  grove__mutex_lock(&c->lock);
  if (grove__cell_is_locked(c, life) && c->end_serial == serial) {
    bool forced =
        atomic_load_explicit(&c->ending, memory_order_relaxed) == GROVE__FORCED; // under the lock
    if (c->phase == GROVE__CELL_ALIVE || c->phase == GROVE__CELL_STARTING ||
        c->phase == GROVE__CELL_RESTARTING) {
      grove__mutex_unlock(&c->lock); // the grace of grove_exit is over before its mark was reached
      grove__cell_end(c, life, GROVE__END_KILL, NULL, INT64_MAX);
      return;
    }
    give_up = forced && (c->activations || c->child_count == 0);
    if (!give_up) {
      raise_locked(c, GROVE__FORCED);
      begin_wave_locked(c, GROVE__END_KILL, INT64_MAX);
      wave = true;
      set_end_timer_locked(c, grove__deadline(grove__now(c->system), MARGIN_MS));
      grove__sched_notify(&c->system->sched, &c->task);
    }
  }
  grove__mutex_unlock(&c->lock);
  if (wave) {
    spread(c, life, 0);
  } else if (give_up) {
    grove__cell_give_up(c, life);
  }
}

// ---- the end, in the cell's own turn -----------------------------------------------------------------

static void drop_holdings(grove__cell *c, const grove_error *why)
{
  for (grove__future *f = c->kept; f; f = f->own_next) {
    grove__mutex_lock(grove__future_lock(f));
    f->then = NULL; // from here on it can't be queued any more, by whoever ends it
    grove__mutex_unlock(grove__future_lock(f));
  }
  grove__mutex_lock(&c->lock);
  c->then_first = c->then_last = NULL;
  grove__mutex_unlock(&c->lock);
  grove__futures_drop_all(&c->kept);
  grove__cell_timers_clear(c);
  grove__leave_promises(c, why);
}

static void restart_is_due(void *user, uint64_t life, uint64_t unused)
{
  grove__cell *c = user;
  (void)unused;
  grove__mutex_lock(&c->lock);
  if (grove__cell_is_locked(c, life) && c->phase == GROVE__CELL_RESTARTING) {
    c->phase = GROVE__CELL_STARTING;
    atomic_store_explicit(
        &c->shown_phase, GROVE_PHASE_STARTING, memory_order_relaxed); // for people
    grove__sched_notify(&c->system->sched, &c->task);
  }
  grove__mutex_unlock(&c->lock);
}

static uint64_t fresh_random(grove__system *y)
{
  grove__mutex_lock(&y->random_lock);
  uint64_t x = grove__random_next(&y->random);
  grove__mutex_unlock(&y->random_lock);
  return x;
}

enum { LEAVES, RESTARTS, GIVEN_UP };
// Whether it starts again, or leaves the world, or has left it already because somebody gave it up.
static int decide(grove__cell *c, const grove_error *words, bool *escalate)
{
  grove__system *y = c->system;
  uint64_t random = fresh_random(y);
  grove__mutex_lock(&c->lock);
  if (c->given_up) {
    grove__mutex_unlock(&c->lock);
    return GIVEN_UP;
  }
  bool may = c->end == GROVE__END_FAIL && !c->asked && c->spec.restart != GROVE_TEMPORARY &&
             !c->one_shot && !grove__stopping(y);
  grove__verdict v = {false, false, 0};
  if (may) {
    v = y->policy->failed(&c->spec, &c->history, grove__now(y), random);
  }
  *escalate = v.escalate;
  c->leaves = !v.restart; // from here on nobody else takes it out of the world
  if (v.restart) {
    c->end = c->spread_end = GROVE__END_NONE;
    c->phase = GROVE__CELL_RESTARTING;
    c->started = c->stop_done = false;
    c->last_words = *words;
    grove__free(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), c->words, sizeof *c->words);
    c->words = NULL;
    c->why = GROVE_OK;
    c->end_serial++;
    c->end_when = INT64_MAX;
    grove__timer_cancel(&y->sched.timers, &c->end_timer);
    // Relaxed, all of them: shown to people; the phase is under the lock.
    atomic_store_explicit(&c->ending, GROVE__GO_ON, memory_order_relaxed);
    atomic_store_explicit(&c->shown_phase, GROVE_PHASE_RESTARTING, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->restarts, 1, memory_order_relaxed);
    memset(c->state, 0, grove__cell_class(c)->state_bytes);
    grove__timer_set(&y->sched.timers, &c->restart_timer,
        grove__deadline(grove__now(y), v.delay_ms), restart_is_due, c, c->own_life, 0);
  }
  grove__mutex_unlock(&c->lock);
  if (v.restart) {
    grove__count(&y->counters.restarts, 1);
    grove__log(y, GROVE_LOG_WARN, "supervise", "restart %u in %lld ms: %s",
        (unsigned)atomic_load_explicit(&c->restarts, memory_order_relaxed), (long long)v.delay_ms,
        words->text);
  }
  return v.restart ? RESTARTS : LEAVES;
}

static grove__turn finish_life(grove__cell *c, grove__worker *w)
{
  const grove_class *k = grove__cell_class(c);
  grove_error words;
  grove__mutex_lock(&c->lock);
  grove_status why = c->end == GROVE__END_ORDERLY ? GROVE_OK
                     : c->end == GROVE__END_KILL  ? GROVE_ECANCELED
                     : c->why                     ? c->why
                                                  : GROVE_EDEAD;
  grove__leave_describe(c, why, &words);
  bool had_state = c->lives_state;
  c->lives_state = false;
  grove__mutex_unlock(&c->lock);
  grove_error refused = words;
  refused.status = grove__stopping(c->system) ? GROVE_ECLOSED : GROVE_EDEAD;
  drop_holdings(c, &refused);
  if (had_state && k->destroy) {
    k->destroy(c->state);
  }
  bool escalate = false;
  int what = decide(c, &words, &escalate);
  if (what == GIVEN_UP) {
    return GROVE__TURN_DONE; // who gave it up notifies when all others have forgotten it
  }
  if (what == RESTARTS) {
    if (c->spec.flags & GROVE_SPAWN_DROP_MAILBOX) {
      grove__cell_deferred_drop(c, &refused);
      grove__leave_refuse_all(c, &refused);
      grove__mutex_lock(&c->lock);
      bool asked = c->asked;
      grove__mutex_unlock(&c->lock);
      if (asked) { // grove_exit's mark may have been among them
        grove__cell_end(c, c->own_life, GROVE__END_ORDERLY, NULL, INT64_MAX);
      }
    } else {
      grove__cell_undefer(c);
    }
    return GROVE__TURN_DONE;
  }
  grove__cell_deferred_drop(c, &refused);
  grove__leave_world(c, &words, escalate);
  grove__leave_free(c);
  if (w->place == GROVE__PLACE_OWN) {
    grove__own_thread_leave(w);
  }
  return GROVE__TURN_FREE;
}

grove__turn grove__cell_end_turn(grove__cell *c, grove__worker **w)
{
  const grove_class *k = grove__cell_class(c);
  if (c->phase == GROVE__CELL_STUCK && c->child_count == 0 &&
      !c->spreading) { // its method has returned after all
    bool had_state = c->lives_state;
    grove__mutex_unlock(&c->lock);
    grove_error late = {.status = GROVE_ESTUCK, .at = -1, .who = grove__cell_ref(c)};
    drop_holdings(c, &late);
    grove__cell_deferred_drop(c, &late);
    if (had_state && k->destroy) {
      k->destroy(c->state);
    }
    grove__leave_free(c);
    if ((*w)->place == GROVE__PLACE_OWN) {
      grove__own_thread_leave(*w);
    }
    return GROVE__TURN_FREE;
  }
  if (c->child_count || c->spreading || c->given_up) {
    grove__mutex_unlock(&c->lock);
    return GROVE__TURN_DONE;
  }
  // Relaxed: raised under this lock.
  bool forced = atomic_load_explicit(&c->ending, memory_order_relaxed) == GROVE__FORCED;
  if (c->end == GROVE__END_ORDERLY && c->started && !c->stop_done && k->stop && !forced) {
    c->phase = GROVE__CELL_STOPPING;
    c->stop_done = true;
    grove__mutex_unlock(&c->lock);
    grove__stop_run(c, w, grove__stopping(c->system) ? GROVE_ECLOSED : GROVE_OK);
    return GROVE__TURN_RESUME;
  }
  grove__mutex_unlock(&c->lock);
  return finish_life(c, *w);
}

void grove__cell_give_up(grove__cell *c, uint64_t life)
{
  enum { CALLS = 64 };
  grove__future *call[CALLS];
  grove_future handle[CALLS];
  size_t calls = 0;
  grove_error words;
  grove__mutex_lock(&c->lock);
  if (!grove__cell_is_locked(c, life) || c->phase == GROVE__CELL_FREE || c->given_up || c->leaves) {
    grove__mutex_unlock(&c->lock);
    return;
  }
  c->given_up = true;
  c->phase = GROVE__CELL_ENDING;
  raise_locked(c, GROVE__FORCED);
  for (grove__activation *a = c->activations; a && calls < CALLS; a = a->next) {
    if (a->call) {
      call[calls] = a->call;
      handle[calls++] = grove__future_handle(a->call);
    }
  }
  grove__leave_describe(c, GROVE_ESTUCK, &words);
  grove__mutex_unlock(&c->lock);
  for (size_t i = 0; i < calls; i++) {
    grove_status status;
    grove__future *f =
        grove__future_lock_handle(c->system, handle[i].slot, handle[i].generation, &status);
    if (f == call[i]) {
      grove__future_end_locked(f, GROVE_ESTUCK, NULL, &words);
    }
    if (f) {
      grove__future_unlock(f);
    }
  }
  grove__leave_world(c, &words, false);
  // From here on its own turn may free it, as soon as nothing of it runs any more.
  grove__mutex_lock(&c->lock);
  c->phase = GROVE__CELL_STUCK;
  grove__sched_notify(&c->system->sched, &c->task);
  grove__mutex_unlock(&c->lock);
}
