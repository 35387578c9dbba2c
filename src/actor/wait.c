// Waiting: an activation is suspended, a thread is blocked, a simulation is driven.
//
// Exactly one of three tells a waiter: the future that counts `left` down to zero, the timer, or a cancel. Who wins
// the exchange of `reason` wakes it; so an activation is put among its cell's ready ones exactly once for each wait,
// and its strand is resumed exactly once.
#include "actor/activation.h"

bool grove__activation_is_canceled(const grove__activation *a)
{
  // Relaxed: requests. Who waits is told under the cell's lock, and who asks again will see them soon.
  return (!grove__activation_finishes(a) && atomic_load_explicit(&a->over, memory_order_relaxed)) ||
         grove__activation_is_to_end(a);
}

bool grove__activation_is_to_end(const grove__activation *a)
{
  uint32_t ending =
      a->cell ? atomic_load_explicit(&a->cell->ending, memory_order_relaxed) : GROVE__GO_ON; // a request, likewise
  return ending == GROVE__FORCED || (ending == GROVE__CANCELED && !a->in_stop);
}

grove_status grove__waiter_init(grove__waiter *w, grove__activation *here, uint32_t left)
{
  w->activation = here && here->cell ? here : NULL;
  atomic_init(&w->left, left);
  atomic_init(&w->reason, GROVE__WAITING);
  w->shown = NULL;
  w->shown_count = 0;
  w->wanted = left;
  w->room = GROVE_NOBODY;
  w->until = INT64_MAX;
  w->looked = false;
  if (w->activation) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__mutex_init(&w->lock));
  grove_status s = grove__cond_init(&w->cond);
  if (s) {
    grove__mutex_deinit(&w->lock);
  }
  return s;
}

void grove__waiter_deinit(grove__waiter *w)
{
  if (!w->activation) {
    grove__cond_deinit(&w->cond);
    grove__mutex_deinit(&w->lock);
  }
}

// True: this caller decides why the waiter wakes.
static bool decide(grove__waiter *w, uint32_t reason)
{
  uint32_t waiting = GROVE__WAITING;
  // ORDER acq_rel: what led to the wake is seen by the waiter. PAIRS the acquire load at the end of grove__wait.
  return atomic_compare_exchange_strong_explicit(
      &w->reason, &waiting, reason, memory_order_acq_rel, memory_order_relaxed);
}

static void make_ready_locked(grove__activation *a)
{
  grove__cell *c = a->cell;
  a->waiter = NULL; // it is told: nobody else is to look for it
  if (grove__worker_is_native(a->worker)) {
    grove__native_wake(a->worker, &a->woken);
    return;
  }
  grove__activation_ready_locked(a);
  grove__cell_look_locked(c);
  grove__sched_notify(&grove__cell_system(c)->sched, &c->task);
}

bool grove__waiter_fire(grove__waiter *w, uint32_t reason)
{
  grove__activation *a = w->activation;
  if (a) {
    grove__cell *c = a->cell; // the activation may be gone as soon as it has been made ready
    grove__mutex_lock(&c->lock);
    bool first = decide(w, reason);
    if (first && a->waiter == w) { // else it has not left its stack yet, and sees the reason itself
      make_ready_locked(a);
    }
    grove__mutex_unlock(&c->lock);
    return first;
  }
  grove__mutex_lock(&w->lock);
  bool first = decide(w, reason);
  if (first) {
    grove__cond_signal(&w->cond);
  }
  grove__mutex_unlock(&w->lock);
  return first;
}

void grove__activation_cancel_locked(grove__activation *a)
{
  if (a->waiter && grove__activation_is_canceled(a) && decide(a->waiter, GROVE__WOKEN_CANCEL)) {
    make_ready_locked(a);
  }
}

// A wait's time is up: the cell's memory stays, the activation is looked up by the number of its wait.
static void time_is_up(void *user, uint64_t life, uint64_t serial)
{
  grove__cell *c = user;
  (void)life;
  grove__mutex_lock(&c->lock);
  for (grove__activation *a = grove__cell_activations(c); a; a = a->next) {
    if (a->wait_serial == serial && a->waiter && decide(a->waiter, GROVE__WOKEN_TIME)) {
      make_ready_locked(a);
    }
  }
  grove__mutex_unlock(&c->lock);
}

// Leaves the stack with the activation on it, until a turn of its cell comes back to it.
static void leave_stack(grove__activation *a, grove__turn turn)
{
  grove__cell *c = a->cell;
  a->worker->context = NULL;
  atomic_store_explicit(&a->worker->shown, NULL, memory_order_relaxed); // a hint for the watch
  if (!grove__cell_pins(c)) {
    grove__sched_suspend(a->worker, turn);
    return;
  }
  c->task.node.home = a->worker;
  grove__cell_activations(c)->crowd.pinned++; // it is listed itself
  grove__sched_suspend(a->worker, turn);
  if (--grove__cell_activations(c)->crowd.pinned == 0) {
    c->task.node.home = NULL;
  }
}

static grove_status wait_in_actor(
    grove__system *y, grove__activation *a, grove__waiter *w, int64_t deadline)
{
  grove__cell *c = a->cell;
  grove__timer timer = {.node = {.in = false}};
  if (grove__activation_is_leaf(a)) {
    return GROVE_EINVAL;
  }
  bool native = grove__worker_is_native(a->worker);
  if (!native) {
    // Relaxed: a limit, kept as closely as workers at the same moment allow.
    if (atomic_load_explicit(&y->sched.suspended, memory_order_relaxed) >=
        y->options.max_suspended) {
      return GROVE_ELIMIT;
    }
    GROVE__TRY(grove__sched_reserve(a->worker));
  }
  if (deadline != INT64_MAX) {
    GROVE__TRY(grove__timers_ensure(&y->sched.timers));
  }
  grove__mutex_lock(&c->lock);
  bool canceled = grove__activation_is_canceled(a) && decide(w, GROVE__WOKEN_CANCEL);
  // Relaxed: an exchange under this lock decides; if it was decided already, nobody makes this one ready.
  if (canceled || atomic_load_explicit(&w->reason, memory_order_relaxed) != GROVE__WAITING) {
    grove__mutex_unlock(&c->lock);
    return GROVE_OK;
  }
  grove__activation_list_locked(a);
  a->waiter = w;
  a->woken = false;
  a->waited = true;
  // Relaxed: a serial number.
  a->wait_serial = deadline == INT64_MAX ? 0 : atomic_fetch_add_explicit(&y->timed_waits, 1, memory_order_relaxed) + 1;
  a->strand = a->worker->self;
  a->waits_at = __builtin_frame_address(0);
  // With an activation free it goes on at once: what is in the mailbox already is not told again. Nor is that others of its
  // own became ready before this one's turn began.
  bool more = c->active < grove__cell_most_active(c) || grove__activation_any_ready_locked(c) || grove__cell_annex(c)->spread_due;
  grove__mutex_unlock(&c->lock);
  grove__cell_settle(c);
  grove__cell_show(c, GROVE_PHASE_WAITING);
  bool spans = grove__wants(y, GROVE__WANTED_SPAN(GROVE_SPAN_WAIT));
  int64_t begun = spans ? grove__worker_now(a->worker) : 0;
  if (deadline != INT64_MAX) {
    grove__timer_set(&y->sched.timers, &timer, deadline, time_is_up, c, 0, a->wait_serial);
  }
  if (native) {
    grove__native_wait(a->worker, &a->woken);
  } else {
    leave_stack(a, more ? GROVE__TURN_MORE : GROVE__TURN_DONE);
  }
  if (deadline != INT64_MAX) {
    grove__timer_cancel(&y->sched.timers, &timer);
  }
  grove__cell_show(c, c->started ? GROVE_PHASE_IDLE : GROVE_PHASE_STARTING); // IDLE with a method: it runs
  if (c->active > 1) {
    grove__activation_show(a);
  }
  if (spans) {
    grove__span_put(y, a->worker, GROVE_SPAN_WAIT, c, GROVE_NOBODY, 0, begun,
        grove__worker_now(a->worker), a->method->name);
  }
  return GROVE_OK;
}

grove_status grove__yield_turn(grove__activation *a)
{
  grove__cell *c = a->cell;
  if (grove__sched_reserve(a->worker)) {
    return GROVE_OK; // no stack to go on with: it keeps this turn
  }
  grove__cell_settle(c);
  grove__mutex_lock(&c->lock);
  grove__activation_list_locked(a);
  grove__cell_look_locked(c);
  a->strand = a->worker->self;
  grove__activation_ready_locked(a);
  grove__mutex_unlock(&c->lock);
  bool spans = grove__wants(grove__cell_system(c), GROVE__WANTED_SPAN(GROVE_SPAN_YIELD));
  int64_t begun = spans ? grove__worker_now(a->worker) : 0;
  leave_stack(a, GROVE__TURN_MORE);
  if (spans) {
    grove__span_put(grove__cell_system(c), a->worker, GROVE_SPAN_YIELD, c, GROVE_NOBODY, 0, begun,
        grove__worker_now(a->worker), a->method->name);
  }
  if (c->active > 1) {
    grove__cell_show(c, GROVE_PHASE_IDLE);
    grove__activation_show(a);
  }
  return grove__activation_is_canceled(a) ? GROVE_ECANCELED : GROVE_OK;
}

static void list_thread(grove__system *y, grove__waiter *w)
{
  grove__mutex_lock(&y->outside_lock);
  w->prev = NULL;
  w->next = y->thread_waits;
  if (w->next) {
    w->next->prev = w;
  }
  y->thread_waits = w;
  bool over = y->waits_over;
  grove__mutex_unlock(&y->outside_lock);
  if (over) {
    grove__waiter_fire(w, GROVE__WOKEN_CANCEL);
  }
}

static void unlist_thread(grove__system *y, grove__waiter *w)
{
  grove__mutex_lock(&y->outside_lock);
  if (w->prev) {
    w->prev->next = w->next;
  } else {
    y->thread_waits = w->next;
  }
  if (w->next) {
    w->next->prev = w->prev;
  }
  grove__mutex_unlock(&y->outside_lock);
}

void grove__waits_end(grove__system *y)
{
  grove__mutex_lock(&y->outside_lock);
  y->waits_over = true;
  for (grove__waiter *w = y->thread_waits; w; w = w->next) {
    grove__waiter_fire(w, GROVE__WOKEN_CANCEL);
  }
  grove__mutex_unlock(&y->outside_lock);
}

bool grove__spin_again(grove__system *y, grove__spin *l)
{
  if (l->looks % 16 == 15) {
    int64_t now = grove__now(y);
    l->until = l->until ? l->until : now + (int64_t)y->options.spin_us * 1000;
    if (now >= l->until) {
      return false;
    }
  }
  grove__thread_look_again(l->looks++);
  return true;
}

// An answer that comes at once is cheaper to look for than to be woken for.
static void look_for_it(grove__system *y, grove__waiter *w)
{
  grove__spin l = {0};
  // Relaxed: a look; who goes on takes the lock. A worker that parks gives up as late.
  while (atomic_load_explicit(&w->reason, memory_order_relaxed) == GROVE__WAITING && grove__spin_again(y, &l)) {}
}

static grove_status wait_in_thread(grove__system *y, grove__waiter *w, int64_t deadline)
{
  list_thread(y, w);
  grove__work_loop *loop = y->sched.work_loop;
  bool pumps = loop && grove__work_loop_is_here(loop);
  if (!pumps && !w->looked) {
    look_for_it(y, w);
  }
  grove__mutex_lock(&w->lock);
  // Relaxed: changed under this lock.
  while (atomic_load_explicit(&w->reason, memory_order_relaxed) == GROVE__WAITING) {
    int64_t until = deadline;
    if (pumps) { // the loop stands still under this wait: what others ask of it is done here
      grove__mutex_unlock(&w->lock);
      grove__work_loop_pump(loop);
      grove__mutex_lock(&w->lock);
      int64_t soon = grove__now(y) + 1000000;
      until = soon < deadline ? soon : deadline;
    }
    if (!grove__cond_wait_until(&w->cond, &w->lock, until) && until == deadline) {
      decide(w, GROVE__WOKEN_TIME);
    }
  }
  grove__mutex_unlock(&w->lock);
  unlist_thread(y, w);
  return GROVE_OK;
}

static grove_status wait_in_simulation(grove__system *y, grove__waiter *w, int64_t deadline)
{
  grove__worker *within = grove__sched_here(&y->sched); // an offloaded function waits
  if (within) {
    GROVE__TRY(grove__sched_reserve(within)); // else nobody could run, and only time would pass
  }
  // Relaxed: one thread.
  while (atomic_load_explicit(&w->reason, memory_order_relaxed) == GROVE__WAITING) {
    if (within ? grove__sim_turn_within(within) : grove__sim_turn(&y->sched)) {
      continue;
    }
    int64_t next = grove__timers_next(&y->sched.timers);
    if (next == INT64_MAX && deadline == INT64_MAX) {
      return GROVE_EDEADLK; // nothing can end this wait
    }
    int64_t to = next < deadline ? next : deadline;
    if (to > grove__now(y)) {
      atomic_store_explicit(&y->sched.timers.virtual_now, to, memory_order_relaxed); // one thread
    }
    if (!grove__timers_run_one(&y->sched.timers, to)) {
      decide(w, GROVE__WOKEN_TIME);
    }
  }
  return GROVE_OK;
}

grove_status grove__wait(
    grove__system *y, grove__activation *here, grove__waiter *w, int64_t deadline, uint32_t *reason)
{
  grove_status s;
  w->until = deadline;
  if (w->activation) {
    s = wait_in_actor(y, here, w, deadline);
  } else if (y->options.simulate) {
    s = wait_in_simulation(y, w, deadline);
  } else if (here) { // an offloaded function
    grove__native_lend(here->worker, true);
    s = wait_in_thread(y, w, deadline);
    grove__native_lend(here->worker, false);
  } else {
    s = wait_in_thread(y, w, deadline);
  }
  // ORDER acquire, PAIRS decide.
  *reason = atomic_load_explicit(&w->reason, memory_order_acquire);
  return s;
}
