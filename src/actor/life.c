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
#include "actor/ties.h"
#include "actor/future_own.h"
#include "actor/group.h"
#include "actor/leave.h"
#include "actor/run.h"
#include "base/random.h"
#include <stdio.h>

enum { MARGIN_MS = 200 }; // between the force at a deadline and giving up

static void cancel_waits_locked(grove__cell *c)
{
  for (grove__activation *a = grove__cell_activations(c); a; a = a->next) {
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
// it already carries out. Those of a group, unless they are killed, end one after the other, the newest first: the
// next is told when that one is gone.
enum { SPREAD_DEPTH = 16 }; // generations at once; below, each is told in a turn of its parent, on a fresh stack

static void end_cell(grove__cell *c, uint64_t life, uint32_t end, const grove_error *words,
    int64_t deadline, int depth);

static void begin_wave_locked(grove__cell *c, uint32_t end, int64_t deadline)
{
  grove__annex *x = grove__annex_of(c);
  if (x) { // else it has no children, and none comes any more
    x->spread_end = end > x->spread_end ? (uint8_t)end : x->spread_end;
    x->spread_deadline = deadline;
    x->spread_wave += x->spread_wave == UINT16_MAX ? 2 : 1; // goes round; 0 is that of a new child
  }
}

// The next child that this wave has not reached, or NULL.
static grove__cell *next_untold_locked(grove__annex *x)
{
  grove__cell *child = x->children;
  if (!child || child->told_wave == x->spread_wave) {
    return NULL;
  }
  child->told_wave = x->spread_wave;
  if (child->sibling_next && (!x->group || x->spread_end == GROVE__END_KILL)) {
    grove__cell_unlink_locked(x, child);
    grove__cell_link_last_locked(x, child);
  }
  return child;
}

static void spread(grove__cell *c, uint64_t life, int depth)
{
  grove__mutex_lock(&c->lock);
  grove__annex *x = grove__cell_is_locked(c, life) ? grove__annex_of(c) : NULL;
  if (!x || x->spreading) {
    if (!x && grove__cell_is_locked(c, life)) {
      grove__sched_notify(&grove__cell_system(c)->sched, &c->task);
    }
    grove__mutex_unlock(&c->lock);
    return;
  }
  if (depth >= SPREAD_DEPTH && x->children) {
    x->spread_due = true;
    grove__sched_notify(&grove__cell_system(c)->sched, &c->task);
    grove__mutex_unlock(&c->lock);
    return;
  }
  x->spreading = true; // so it keeps its annex; and while a child is linked, its parent's life lasts
  grove__cell *child;
  while ((child = next_untold_locked(x))) {
    uint64_t its_life = grove__cell_life(child);
    uint32_t end = x->spread_end;
    int64_t deadline = x->spread_deadline;
    grove__mutex_unlock(&c->lock);
    end_cell(child, its_life, end, NULL, deadline, depth + 1);
    grove__mutex_lock(&c->lock);
  }
  x->spreading = false;
  grove__sched_notify(&grove__cell_system(c)->sched, &c->task); // it waits for this, too
  grove__mutex_unlock(&c->lock);
}

void grove__cell_spread(grove__cell *c, uint64_t life)
{
  spread(c, life, 0);
}

void grove__cell_end(
    grove__cell *c, uint64_t life, uint32_t end, const grove_error *words, int64_t deadline)
{
  end_cell(c, life, end, words, deadline, 0);
}

// What it was at when it was told to end, and why.
static void remember_words_locked(grove__cell *c, const grove_error *words)
{
  const grove_method *at = c->end == GROVE__END_NONE // relaxed: as it is shown
                               ? grove__cell_method(c)
                               : NULL;
  grove__annex *x = at || words ? grove__annex_make_locked(c) : NULL; // else nobody is told
  if (x && at) {
    x->ended_in = at;
  }
  if (!words || grove__cell_annex(c)->words) {
    return;
  }
  if (x) {
    x->words = grove__alloc(
        grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_FUTURES), sizeof *x->words);
  }
  if (x && x->words) {
    *x->words = *words;
  }
  c->why = words->status;
}

// Whether nothing of the application's is at work or will be, if no turn of it runs: then it needs no deadline.
static bool rests_locked(const grove__cell *c)
{
  const grove_class *k = grove__cell_class(c);
  return c->phase == GROVE__CELL_ALIVE && !grove__cell_activations(c) && !grove__cell_end_by(c) &&
         !grove__annex_of(c) && !GROVE__CLASS(k, stop) && !GROVE__CLASS(k, destroy) &&
         !k->start_arg->holds;
}

// By when it is to be through: the earliest of what was asked for.
static int64_t set_deadline_locked(grove__cell *c, uint32_t end, int64_t deadline)
{
  int64_t own = grove__deadline_in(grove__cell_system(c), grove__cell_annex(c)->spec.stop_ms);
  deadline = own < deadline ? own : deadline;
  int64_t before = grove__cell_end_when(c);
  c->by_grace = end != GROVE__END_KILL && before < deadline;
  if (c->by_grace) { // the grace of grove_exit goes on
    deadline = before;
  }
  grove__cell_end_by_locked(c, deadline);
  return deadline;
}

static void end_cell(grove__cell *c, uint64_t life, uint32_t end, const grove_error *words,
    int64_t deadline, int depth)
{
  grove__system *y = grove__cell_system(c);
  grove__mutex_lock(&c->lock);
  if (!grove__cell_is_locked(c, life) || c->phase == GROVE__CELL_FREE || c->given_up) {
    grove__mutex_unlock(&c->lock);
    return;
  }
  // Also while it fails: then it is not started again.
  c->asked = c->asked || end == GROVE__END_ORDERLY || end == GROVE__END_KILL;
  // What its group wants of one between two lives is so already.
  if (end <= c->end || (end == GROVE__END_GROUP && c->phase == GROVE__CELL_RESTARTING)) {
    grove__mutex_unlock(&c->lock);
    return;
  }
  remember_words_locked(c, words);
  bool rests = rests_locked(c); // before it is told
  c->end = (uint8_t)end;
  c->grouped = c->grouped || end == GROVE__END_GROUP;
  if (c->phase == GROVE__CELL_RESTARTING && grove__annex_of(c)) {
    grove__timer_cancel(&y->sched.timers, &grove__annex_of(c)->restart_timer);
  }
  if (c->phase != GROVE__CELL_STOPPING) {
    c->phase = GROVE__CELL_ENDING;
  }
  grove__cell_look_locked(c);
  grove__cell_show_phase(c, GROVE_PHASE_ENDING); // for people
  raise_locked(c, end == GROVE__END_KILL ? GROVE__FORCED : GROVE__CANCELED);
  uint64_t state = grove__word_notify(&c->task.state);
  // If it was idle its last turn's writes are seen, and no turn of it runs before it is put in a queue below.
  if (!rests || state != GROVE__WORD_IDLE || c->kept) {
    deadline = set_deadline_locked(c, end, deadline);
  }
  bool parent = grove__cell_annex(c)->children != NULL;
  if (parent) {
    begin_wave_locked(c, end == GROVE__END_KILL ? GROVE__END_KILL : GROVE__END_ORDERLY, deadline);
  }
  if (state == GROVE__WORD_IDLE) {
    grove__sched_put(&y->sched, &c->task);
  }
  grove__mutex_unlock(&c->lock);
  if (parent) {
    spread(c, life, depth);
  }
}

// Whether nobody is to be told of its end but its parent.
static bool ends_alone_locked(const grove__cell *c)
{
  return !grove__annex_of(c) && !c->tied && !c->kept && !grove__cell_serves(c);
}

void grove__cell_end_task(grove__cell *c, const grove__worker *w)
{
  grove__mutex_lock(&c->lock);
  bool at_once = c->phase == GROVE__CELL_ALIVE && c->end == GROVE__END_NONE && !grove__cell_annex(c)->children &&
                 !grove__cell_activations(c) && grove__cell_end_when(c) == INT64_MAX;
  // In simulation in a turn of its own, before which there is a chance for others.
  if (at_once && w->plain && ends_alone_locked(c) && !grove__wants(grove__cell_system(c), GROVE__WANTED_EVENT(GROVE_EVENT_ENDED))) {
    grove__leave_alone(c, w);
    return;
  }
  if (at_once) {
    c->asked = true;
    c->end = GROVE__END_ORDERLY;
    c->phase = GROVE__CELL_ENDING;
    grove__cell_look_locked(c);
    // Relaxed, both: for people, and a request.
    grove__cell_show_phase(c, GROVE_PHASE_ENDING);
    atomic_store_explicit(&c->ending, GROVE__CANCELED, memory_order_relaxed);
  }
  grove__mutex_unlock(&c->lock);
  if (!at_once) {
    grove__cell_end(c, grove__cell_life(c), GROVE__END_ORDERLY, NULL, INT64_MAX);
  }
}

void grove__cell_end_at_mark(grove__cell *c)
{
  grove__mutex_lock(&c->lock);
  uint32_t end = c->asked ? GROVE__END_ORDERLY : GROVE__END_OWN;
  grove__mutex_unlock(&c->lock);
  grove__cell_end(c, grove__cell_life(c), end, NULL, INT64_MAX);
}

// A deadline of an end has passed: first by force, then given up; but who waits only for its children waits on.
void grove__cell_end_is_due(void *user, uint64_t life, uint64_t serial)
{
  grove__cell *c = user;
  bool give_up = false, wave = false;
  grove__mutex_lock(&c->lock);
  if (grove__cell_is_locked(c, life) && grove__cell_end_serial(c) == serial) {
    bool forced =
        atomic_load_explicit(&c->ending, memory_order_relaxed) == GROVE__FORCED; // under the lock
    if (c->phase == GROVE__CELL_ALIVE || c->phase == GROVE__CELL_STARTING ||
        c->phase == GROVE__CELL_RESTARTING) {
      grove__mutex_unlock(&c->lock); // the grace of grove_exit is over before its mark was reached
      grove__cell_end(c, life, GROVE__END_KILL, NULL, INT64_MAX);
      return;
    }
    give_up = forced && (grove__cell_is_at_work(c) || grove__cell_annex(c)->child_count == 0);
    if (!give_up) {
      raise_locked(c, GROVE__FORCED);
      begin_wave_locked(c, GROVE__END_KILL, INT64_MAX);
      wave = true;
      grove__cell_end_by_locked(
          c, grove__deadline_in(grove__cell_system(c), c->by_grace ? grove__cell_annex(c)->spec.stop_ms : MARGIN_MS));
      grove__sched_notify(&grove__cell_system(c)->sched, &c->task);
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
  for (grove__future *f = grove__future_first_kept(c); f; f = f->own_next) {
    grove__future_lock(f);
    f->then = NULL; // from here on it can't be queued any more, by whoever ends it
    grove__future_leave(f);
  }
  grove__mutex_lock(&c->lock);
  grove__tie(c, GROVE__TIED_THENS, NULL);
  grove__mutex_unlock(&c->lock);
  for (grove__future *f; (f = grove__future_first_kept(c));) {
    grove__future_drop(f, grove__future_handle(f).generation);
  }
  grove__cell_timers_clear(c);
  grove__leave_promises(c, why);
}

void grove__cell_begin(grove__cell *c, uint64_t life, uint32_t restarts)
{
  grove__mutex_lock(&c->lock);
  // Relaxed, both: written under this lock; the second is for people.
  if (grove__cell_is_locked(c, life) && c->phase == GROVE__CELL_RESTARTING &&
      grove__cell_restarts(c) == restarts) {
    c->phase = GROVE__CELL_STARTING;
    grove__cell_show_phase(c, GROVE_PHASE_STARTING);
    grove__sched_notify(&grove__cell_system(c)->sched, &c->task);
  }
  grove__mutex_unlock(&c->lock);
}

static void restart_is_due(void *user, uint64_t life, uint64_t restarts)
{
  grove__cell_begin(user, life, (uint32_t)restarts);
}

static uint64_t fresh_random(grove__system *y)
{
  grove__mutex_lock(&y->random_lock);
  uint64_t x = grove__random_next(&y->random);
  grove__mutex_unlock(&y->random_lock);
  return x;
}

enum { LEAVES, RESTARTS, GIVEN_UP };
typedef struct decision {
  int what;
  bool escalates;
  int64_t delay_ms; // before the restart; < 0: with its group, which knows
} decision;

// Whether it may start again at all, and whether it is to be asked how often it has done so.
static bool may_restart_locked(const grove__cell *c)
{
  bool fails = c->end == GROVE__END_FAIL || c->end == GROVE__END_GROUP ||
               (c->end == GROVE__END_OWN && grove__cell_annex(c)->spec.restart == GROVE_PERMANENT);
  return fails && !c->asked && grove__cell_annex(c)->spec.restart != GROVE_TEMPORARY && !grove__cell_is_task(c) &&
         !grove__stopping(grove__cell_system(c));
}

// Everything is as before its first start, but for what is counted and what is in its mailbox.
static void go_between_locked(grove__cell *c, grove__annex *x, const grove_error *words)
{
  grove__system *y = grove__cell_system(c);
  c->end = x->spread_end = GROVE__END_NONE;
  c->phase = GROVE__CELL_RESTARTING;
  c->started = c->stop_done = c->grouped = c->marked = false;
  grove__annex_between(x, words);
  grove__timer_cancel(&y->sched.timers, &x->end_timer);
  c->why = GROVE_OK;
  c->mailbox.own = 0; // grove__cell_end_by
  x->end_when = INT64_MAX;
  x->end_serial++;
  grove__group_reset_locked(c);
  // Relaxed, all of them: shown to people; the phase is under the lock.
  atomic_store_explicit(&c->ending, GROVE__GO_ON, memory_order_relaxed);
  grove__cell_show_phase(c, GROVE_PHASE_RESTARTING);
  atomic_fetch_add_explicit(&x->restarts, 1, memory_order_relaxed);
  memset(grove__cell_state(c), 0, grove__cell_class(c)->state_bytes);
}

// Whether it starts again, or leaves the world, or has left it already because somebody gave it up.
static decision decide_locked(grove__cell *c, grove_error *words)
{
  grove__system *y = grove__cell_system(c);
  grove__annex *x = grove__annex_of(c); // one that may start again was spawned with one: its options are not the usual ones
  decision d = {LEAVES, false, -1};
  if (c->given_up) {
    d.what = GIVEN_UP;
    return d;
  }
  if (may_restart_locked(c)) {
    grove__verdict v = {.restart = true, .delay_ms = -1};
    if (!c->grouped) {
      grove__annex_remember_more(x);
      v = y->policy->failed(&x->spec, &x->history, grove__now(y), fresh_random(y));
    }
    bool alone = x->spec.flags & GROVE_SPAWN_EXPENDABLE;
    d = (decision){v.restart ? RESTARTS : LEAVES, v.escalate && !alone, v.delay_ms};
  }
  c->leaves = d.what == LEAVES; // from here on nobody else takes it out of the world
  if (d.what == RESTARTS) {
    grove__leave_end_words(c, words);
    go_between_locked(c, x, words);
    if (!grove__cell_is_in_a_group(c)) {
      // Relaxed: written under this lock.
      x->restart_at = grove__deadline_in(y, d.delay_ms);
      grove__timer_set(&y->sched.timers, &x->restart_timer, x->restart_at, restart_is_due, c,
          grove__cell_life(c), grove__cell_restarts(c));
    }
  }
  return d;
}

static void log_restart(grove__cell *c, int64_t delay_ms, const grove_error *words)
{
  char when[40] = "with its group";
  if (delay_ms >= 0) {
    snprintf(when, sizeof when, "in %lld ms", (long long)delay_ms);
  }
  grove__count(&grove__cell_system(c)->counters.restarts, 1);
  grove__count(&grove__cell_kind(c)->restarts, 1);
  GROVE__EVENT(
      grove__cell_system(c), GROVE_EVENT_RESTARTED, c, words->status, delay_ms, words->method, words->text);
  grove__log(grove__cell_system(c), GROVE_LOG_WARN, "supervise", "restart %u %s: %s",
      (unsigned)words->restarts + 1, when, words->text);
}

// What is in its mailbox waits for the next life, or is dropped.
static void settle_mailbox(grove__cell *c, const grove_error *refused)
{
  if (!(grove__cell_annex(c)->spec.flags & GROVE_SPAWN_DROP_MAILBOX)) {
    grove__mailbox_unkeep(&c->mailbox);
    return;
  }
  grove__leave_refuse_all(c, refused);
  grove__mutex_lock(&c->lock);
  bool asked = c->asked;
  grove__mutex_unlock(&c->lock);
  if (asked) { // grove_exit's mark may have been among them
    grove__cell_end(c, grove__cell_life(c), GROVE__END_ORDERLY, NULL, INT64_MAX);
  }
}

// Who was asked to end is gone for that, not for the sake of a group that goes on without it.
static void settle_end_locked(grove__cell *c)
{
  if (c->end == GROVE__END_GROUP && c->asked) {
    c->end = GROVE__END_ORDERLY;
  }
  grove__annex *x = grove__annex_of(c);
  if (c->grouped && x && x->words && (c->end == GROVE__END_ORDERLY || c->end == GROVE__END_KILL)) {
    grove__free(
        grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_FUTURES), x->words, sizeof *x->words);
    x->words = NULL; // the group's: nobody else's words come after those
  }
}

// What others are told of how it ended.
static grove_status status_locked(const grove__cell *c)
{
  switch (c->end) {
  case GROVE__END_OWN:
  case GROVE__END_ORDERLY: return GROVE_OK;
  case GROVE__END_KILL: return GROVE_ECANCELED;
  default: return c->why ? c->why : GROVE_EDEAD;
  }
}

typedef void destroy_fn(void *state);

static destroy_fn *destroy_of(const grove__cell *c)
{
  const grove_class *k = grove__cell_class(c);
  return GROVE__CLASS(k, destroy);
}

// With the lock, which is released.
static grove__turn finish_life(grove__cell *c, grove__worker *w)
{
  grove_error words, refused;
  settle_end_locked(c);
  grove__leave_begin_words(c, status_locked(c), &words);
  if (words.status || grove__cell_annex(c)->ended_in) { // else they are the usual ones, and there may be nobody who reads them
    grove__leave_end_words(c, &words);
  }
  destroy_fn *destroy = c->lives_state && !c->newborn ? destroy_of(c) : NULL;
  c->lives_state = false;
  bool ties = grove__tied(c, GROVE__TIED_PROMISES) || grove__tied(c, GROVE__TIED_THENS);
  bool holds = ties || c->kept || grove__cell_annex(c)->timers || grove__cell_serves(c);
  if (holds || destroy) {
    grove__mutex_unlock(&c->lock);
    if (holds) { // no activation is left that could add to it
      grove__leave_end_words(c, &words);
      grove__leave_refusal(c, &words, &refused);
      drop_holdings(c, &refused);
    }
    if (destroy) {
      destroy(grove__cell_state(c));
    }
    grove__mutex_lock(&c->lock);
  }
  decision d = decide_locked(c, &words);
  grove__mutex_unlock(&c->lock);
  if (d.what == GIVEN_UP) {
    return GROVE__TURN_DONE; // who gave it up notifies when all others have forgotten it
  }
  if (d.what == RESTARTS) {
    grove__leave_refusal(c, &words, &refused);
    log_restart(c, d.delay_ms, &words);
    if (d.delay_ms >= 0) { // with its group: no death of its own
      grove__leave_record(c, w, &words, true);
    }
    settle_mailbox(c, &refused);
    if (grove__cell_is_in_a_group(c)) {
      grove__group_held(c, d.delay_ms, &words);
    }
    return GROVE__TURN_DONE;
  }
  grove__leave_state(c); // before anybody is told: the code of its class may go with it
  grove__leave_world(c, w, &words, d.escalates);
  grove__leave_free(c);
  if (w->place == GROVE__PLACE_OWN) {
    grove__own_thread_leave(w);
  }
  return GROVE__TURN_FREE;
}

grove__turn grove__cell_end_turn(grove__cell *c, grove__worker **w)
{
  const grove_class *k = grove__cell_class(c);
  bool waits = grove__cell_annex(c)->child_count || grove__cell_annex(c)->spreading || grove__group_is_busy(c);
  if (c->phase == GROVE__CELL_STUCK) { // its method has returned after all, if it was in one
    bool had_state = c->lives_state && !c->newborn;
    grove__mutex_unlock(&c->lock);
    grove_error late = {.status = GROVE_ESTUCK, .at = -1, .who = grove__cell_ref(c)};
    grove__leave_refuse_all(c, &late); // what it was about to look at when it was given up
    if (waits) {
      return GROVE__TURN_DONE;
    }
    drop_holdings(c, &late);
    if (had_state && destroy_of(c)) {
      destroy_of(c)(grove__cell_state(c));
    }
    grove__leave_free(c);
    if ((*w)->place == GROVE__PLACE_OWN) {
      grove__own_thread_leave(*w);
    }
    return GROVE__TURN_FREE;
  }
  if (waits || c->given_up) {
    grove__mutex_unlock(&c->lock);
    return GROVE__TURN_DONE;
  }
  // Relaxed: raised under this lock.
  bool forced = atomic_load_explicit(&c->ending, memory_order_relaxed) == GROVE__FORCED;
  if (c->end <= GROVE__END_ORDERLY && c->started && !c->stop_done && !forced &&
      GROVE__CLASS(k, stop)) {
    grove_status why = c->end == GROVE__END_GROUP ? GROVE_EDEAD : GROVE_OK;
    c->phase = GROVE__CELL_STOPPING;
    c->stop_done = true;
    grove__mutex_unlock(&c->lock);
    grove__stop_run(c, w, grove__stopping(grove__cell_system(c)) ? GROVE_ECLOSED : why);
    return GROVE__TURN_RESUME;
  }
  return finish_life(c, *w);
}

bool grove__cell_give_up(grove__cell *c, uint64_t life)
{
  enum { CALLS = 64 };
  grove_future call[CALLS];
  size_t calls = 0;
  grove_error words;
  grove__mutex_lock(&c->lock);
  if (!grove__cell_is_locked(c, life) || c->phase == GROVE__CELL_FREE || c->given_up || c->leaves) {
    grove__mutex_unlock(&c->lock);
    return false;
  }
  c->given_up = true;
  c->phase = GROVE__CELL_ENDING;
  grove__cell_look_locked(c);
  raise_locked(c, GROVE__FORCED);
  begin_wave_locked(c, GROVE__END_KILL, INT64_MAX);
  uint32_t running = atomic_load_explicit(&c->running, memory_order_relaxed); // if it has ended, that is found out
  for (grove__activation *a = grove__cell_activations(c); a && calls < CALLS; a = a->next) {
    if (a->call) {
      call[calls++] = grove__future_handle(a->call);
    }
  }
  grove__leave_describe(c, GROVE_ESTUCK, &words);
  grove__mutex_unlock(&c->lock);
  if (running) {
    grove__leave_end_call(life, grove__slab_at(&grove__cell_system(c)->futures, running - 1), 0, &words);
  }
  for (size_t i = 0; i < calls; i++) {
    grove__leave_end_call(life, grove__future_slot(grove__cell_system(c), call[i]), call[i].generation, &words);
  }
  // Deep trees are told in turns, and it may not have had its own. Relaxed: when all are given up it only saves work.
  if (!atomic_load_explicit(&grove__cell_system(c)->barren, memory_order_relaxed)) {
    spread(c, life, 0);
  }
  grove__leave_world(c, grove__sched_here(&grove__cell_system(c)->sched), &words, false);
  // From here on its own turn may free it, as soon as nothing of it runs any more.
  grove__mutex_lock(&c->lock);
  c->phase = GROVE__CELL_STUCK;
  grove__cell_show_phase(c, GROVE_PHASE_STUCK); // with the lock
  grove__sched_notify(&grove__cell_system(c)->sched, &c->task);
  grove__mutex_unlock(&c->lock);
  return true;
}
