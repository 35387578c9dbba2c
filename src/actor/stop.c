// Stopping a runtime: ask, wait up to the deadline, report, give up, give back. Always returns.
#include "actor/activation.h"
#include "actor/fault.h"
#include "actor/future.h"
#include "actor/sim_drive.h"
#include "base/options.h"
#include "plat/clock.h"
#include <stdio.h>

enum {
  LEAST_MS =
      20, // what even a stop that does not wait leaves to actors that have nothing to do but end
  ROOT_MS = 1000, // for the root to end when all others have: a matter of microseconds
  MARGIN_MS = 200 // at most, between force and the report
};

// When actors are ended by force, so that those whom that ends are no part of the report: a tenth of the time before its end.
static int64_t force_before(int64_t now, int64_t deadline)
{
  int64_t margin = (deadline - now) / 10, most = MARGIN_MS * INT64_C(1000000);
  return deadline == INT64_MAX ? deadline : deadline - (margin < most ? margin : most);
}

static bool root_has_ended(grove__system *y)
{
  grove__mutex_lock(&y->end_lock);
  bool ended = y->root_ended;
  grove__mutex_unlock(&y->end_lock);
  return ended;
}

static void wait_for_root(grove__system *y, int64_t deadline)
{
  grove__work_loop *loop = y->sched.work_loop;
  bool pumps = loop && grove__work_loop_is_here(loop);
  while (!root_has_ended(y) && grove__clock_ns() < deadline) {
    int64_t until = deadline;
    if (pumps) { // the loop stands still: what others ask of it is done here
      grove__work_loop_pump(loop);
      int64_t soon = grove__clock_ns() + 1000000;
      until = soon < deadline ? soon : deadline;
    }
    grove__mutex_lock(&y->end_lock);
    if (!y->root_ended) {
      grove__cond_wait_until(&y->end_cond, &y->end_lock, until);
    }
    grove__mutex_unlock(&y->end_lock);
  }
}

static void simulate_end(grove__system *y, int64_t deadline)
{
  size_t turns = 0;
  while (!root_has_ended(y) && grove__sim_next(y, deadline, &turns)) {}
}

// What is still queued when all has ended: functions that were offloaded and not begun, which now only give back what
// they hold, and whoever was given up and can return after all. Where there are threads, those do it.
static void drain_simulation(grove__system *y)
{
  while (y->options.simulate && grove__sim_turn(&y->sched)) {}
}

// No method, and no state to be destroyed any more.
static bool is_in_destroy_locked(const grove__cell *c)
{
  return c->started && !c->lives_state;
}

static void report_one_locked(grove__cell *c, grove_busy *out)
{
  const grove_method *m = grove__cell_method(c); // for people
  int64_t since = grove__cell_method_since(c);
  out->who = grove__cell_ref(c);
  out->busy_ms = m ? (grove__now(grove__cell_system(c)) - since) / 1000000 : 0;
  grove__cell_title(c, out->name, sizeof out->name);
  snprintf(out->method, sizeof out->method, "%s", m ? m->name : is_in_destroy_locked(c) ? "destroy" : "");
  memcpy(out->state, grove__cell_annex(c)->note, sizeof out->state);
}

// Whether its turn runs, on a thread that it holds, and has not only been begun by who sent to it.
static bool is_running_locked(const grove__cell *c)
{
  // Relaxed, both: for people.
  uint64_t state = grove__word_state(atomic_load_explicit(&c->task.state, memory_order_relaxed));
  return (state == GROVE__WORD_RUNNING || state == GROVE__WORD_AGAIN) &&
         (grove__cell_method(c) || is_in_destroy_locked(c));
}

// What has not ended by itself comes into the report: methods that do not return, and who did not get its turn to
// end. Parents of those are not to blame.
static void report_some(grove__system *y, bool running, grove_stop_report *report)
{
  uint32_t made = grove__slab_made(&y->cells);
  for (uint32_t i = 0; i < made; i++) {
    grove__cell *c = grove__slab_at(&y->cells, i);
    grove__mutex_lock(&c->lock);
    uint64_t life = grove__cell_life_locked(c);
    // Relaxed: written under the lock. Given up before.
    bool stuck = !life && grove__cell_shown_phase(c) == GROVE_PHASE_STUCK;
    bool left = stuck || (life && c != y->root && (grove__cell_is_at_work(c) || grove__cell_annex(c)->child_count == 0));
    if (left && is_running_locked(c) == running) {
      if (report->busy < GROVE__COUNT(report->first)) {
        report_one_locked(c, &report->first[report->busy]);
      }
      report->busy++;
    }
    grove__mutex_unlock(&c->lock);
  }
}

// Those first that hold a thread: others may only wait for it.
static void report_rest(grove__system *y, grove_stop_report *report)
{
  report_some(y, true, report);
  report_some(y, false, report);
}

// One that was told late, or not yet (deep trees are told in turns), may have had a child in the last moment, in a slot
// that the walk has passed: nobody else would end it, and its parent would wait for it. So it walks until all are given up.
static void give_up_rest(grove__system *y)
{
  // ORDER release, PAIRS may_enter_locked.
  atomic_store_explicit(&y->barren, true, memory_order_release);
  for (bool any = true; any;) {
    uint32_t made = grove__slab_made(&y->cells);
    any = false;
    for (uint32_t i = 0; i < made; i++) {
      grove__cell *c = grove__slab_at(&y->cells, i);
      // The lock decides; and who is not seen in this walk is seen in the next, after its parent's lock was taken.
      uint64_t life = grove__cell_life_now(c);
      any = (life && grove__cell_give_up(c, life)) || any;
    }
  }
}

// The root ends when its children have; but one of those may have been given up before, and have left behind children
// of its own, which only now begin to end.
static bool all_have_ended(grove__system *y)
{
  uint64_t gone = grove__kinds_sum(y, GROVE__TALLY_ENDED); // first: who comes meanwhile makes the other larger
  return grove__kinds_sum(y, GROVE__TALLY_SPAWNED) == gone;
}

static void end_outside_futures(grove__system *y)
{
  uint32_t made = grove__slab_made(&y->futures);
  for (uint32_t i = 0; i < made; i++) {
    grove__future *f = grove__slab_at(&y->futures, i);
    if (!grove__future_lock_used(f, 0)) {
      continue;
    }
    if (f->owner == GROVE__OWNER_OUTSIDE && !f->ended) {
      grove__future_end_locked(f, GROVE_ECLOSED, NULL, NULL);
    }
    grove__future_unlock(f);
  }
}

static void drop_outside_futures(grove__system *y)
{
  uint32_t made = grove__slab_made(&y->futures);
  for (uint32_t i = 0; i < made; i++) {
    grove__future *f = grove__slab_at(&y->futures, i);
    uint64_t w = atomic_load_explicit(&f->word, memory_order_relaxed); // relaxed: drop decides
    if (grove__future_word_owner(w) == GROVE__OWNER_OUTSIDE) {
      grove__future_drop(f, grove__future_word_generation(w));
    }
  }
}

// Outside threads that waited have been told by now, and are on their way out of the runtime's memory.
static void wait_for_outside(grove__system *y, int64_t deadline)
{
  grove__mutex_lock(&y->end_lock);
  // Relaxed: of those that are out, nothing is wanted but that.
  while (atomic_load_explicit(&y->parts, memory_order_relaxed) >= GROVE__PART_OUTSIDE && grove__clock_ns() < deadline) {
    int64_t soon = grove__clock_ns() + 1000000; // who left before he saw that it stops has not told
    grove__cond_wait_until(&y->end_cond, &y->end_lock, soon < deadline ? soon : deadline);
  }
  grove__mutex_unlock(&y->end_lock);
}

// Nothing is dispatched any more. A loop that is still attached is told to let go.
static void forget_ready(grove__system *y)
{
  grove__mutex_lock(&y->outside_lock);
  y->ready_first = y->ready_last = NULL;
  if (y->has_notify) {
    grove__notify_raise(&y->notify);
  }
  grove__mutex_unlock(&y->outside_lock);
}

grove_status grove_stop(grove *g, int64_t timeout_ms, grove_stop_report *out)
{
  grove__system *y;
  grove__activation *here;
  grove_stop_report report = {.struct_size = sizeof report};
  grove_status s = grove__enter(g, &y, &here);
  if (s == GROVE_EFORKED) {
    grove__system_forget(y);
    return s;
  }
  // Relaxed: equal only if this very thread is inside of grove_dispatch.
  if (s || here ||
      atomic_load_explicit(&y->dispatcher, memory_order_relaxed) == grove__thread_self() ||
      g->kind != GROVE__HERE_RUNTIME || grove__sched_here(&y->sched)) {
    return GROVE_EINVAL;
  }
  // Relaxed: a request (see grove__stopping); the exchange itself says who is first.
  if (atomic_exchange_explicit(&y->stopping, true, memory_order_relaxed)) {
    return GROVE_ECLOSED;
  }
  int64_t now = grove__now(y);
  int64_t least = grove__deadline(now, LEAST_MS), deadline = grove__deadline(now, timeout_ms);
  deadline = deadline > least ? deadline : least;
  // Force comes a little sooner than the report, which is of those whom force has not ended either.
  int64_t force = force_before(now, deadline);
  // With no actor and no thread there is only the root to end.
  bool alone = all_have_ended(y) && grove__sched_go_alone(&y->sched);
  grove__cell_end(y->root, grove__cell_life(y->root),
      timeout_ms == 0 ? GROVE__END_KILL : GROVE__END_ORDERLY, NULL, force);
  if (y->options.simulate) {
    simulate_end(y, deadline);
  } else if (alone) {
    grove__sched_run_alone(&y->sched);
  } else {
    wait_for_root(y, deadline);
  }
  bool ended = root_has_ended(y);
  if (!ended) {
    report_rest(y, &report);
    if (report.busy == 0) { // nobody is left but the root, whose own turn is on its way
      wait_for_root(y, grove__deadline_in(y, ROOT_MS));
      ended = root_has_ended(y);
    }
    give_up_rest(y);
  } else if (!all_have_ended(y)) { // no timer ends them any more, and threads of their own would end before them
    give_up_rest(y);
  }
  grove__faults_deinit(y);
  end_outside_futures(y);
  grove__waits_end(y);
  drain_simulation(y);
  least = grove__deadline_in(y, LEAST_MS);
  deadline = deadline > least ? deadline : least;
  wait_for_outside(y, deadline);
  drop_outside_futures(y);
  forget_ready(y);
  report.ended = grove__kinds_sum(y, GROVE__TALLY_ENDED);
  report.dropped = grove__lost_total(y);
  least = grove__deadline_in(y, LEAST_MS);
  deadline = deadline > least ? deadline : least;
  uint32_t left = grove__sched_stop(&y->sched, deadline);
  if (left && !report.busy) { // those that were given up before, by a deadline of their own
    report_rest(y, &report);
  }
  if (left && !report.busy) { // functions that were offloaded and do not return
    report.busy = left;
    snprintf(
        report.first[0].name, sizeof report.first[0].name, "%u threads of grove", (unsigned)left);
  }
  if (out) {
    (void)!grove__stats_write(out, sizeof report, &report);
  }
  grove__system_part(y);
  return ended && !left ? GROVE_OK : GROVE_ETIMEDOUT;
}
