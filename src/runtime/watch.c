// The watch over long turns, and stand-ins for the workers that such turns hold.
//
// A look every few milliseconds while any worker is busy, none while all are parked. A worker whose turn has not moved for
// long_turn_ns is *held*. The method is told once by name; and for each held worker there may be one stand-in, if work is
// queued that nobody is free to take.
//
//   - A stand-in is a worker of its own, beyond the number that was asked for: with its own queue, strands and place in
//     the tables. It takes over nobody's identity. The held worker keeps its own, with all that is suspended on it: those
//     strands may hold addresses that are the thread's, so only it may resume them, and they wait for its return.
//   - What is queued and not pinned was never that worker's own: a stand-in gets it as any worker does, by stealing (the
//     slot, too), or from the queue of the outside. So nothing is handed over, and no order is changed but by stealing.
//   - When a held worker comes back there is one too many. The watch lowers the number that is wanted; whichever stand-in
//     first is between two turns retires: it gives what it has queued to all, takes nothing new, and stays only as long
//     as something is suspended that only it may resume. Then its thread ends. Is one wanted again meanwhile, it is called
//     forward. The one that came back just goes on.
//   - A stand-in may be held in its turn; then another may come, up to the limit. Beyond it what is queued waits.
//   - The number of threads that are not held is therefore at most the number of workers, and for a tick of the watch one
//     more for each that came back.
//   - A turn that is no actor's (a chunk of a parallel loop) shows nobody, and holds in no one's way: it is no reason to
//     start a thread, which could only compete with it for the processor.
//   - Stopping: the watch goes on until all actors have ended, so those behind a held worker end in order. Then nobody is
//     started any more; stand-ins are joined, or left to themselves, as workers are.
//   - On a host's thread pool a held worker holds one of the pool's threads. The pool's others are the host's, so the
//     stand-in has a thread of its own there, too, as offload threads have.
#include "plat/clock.h"
#include "runtime/sched.h"

enum { WATCH_NS = 5 * 1000 * 1000 };

// ---- stand-ins -----------------------------------------------------------------------------------------

static uint32_t active_locked(const grove__sched *s)
{
  return atomic_load_explicit(
      &s->stand_ins_active, memory_order_relaxed); // relaxed: the lock is held
}

static void set_active_locked(grove__sched *s, uint32_t n)
{
  atomic_store_explicit(&s->stand_ins_active, n, memory_order_relaxed); // others want a hint
}

bool grove__stand_in_is_surplus_locked(const grove__worker *w)
{
  const grove__sched *s = w->sched;
  // Relaxed: the lock is held.
  return w->stands_in && !grove__worker_stands_back(w) &&
         active_locked(s) > atomic_load_explicit(&s->stand_ins_wanted, memory_order_relaxed);
}

static void retire_locked(grove__worker *w)
{
  atomic_store_explicit(&w->retired, true, memory_order_relaxed); // its own thread reads it
  set_active_locked(w->sched, active_locked(w->sched) - 1);
}

void grove__stand_in_look(grove__worker *w)
{
  grove__sched *s = w->sched;
  // Relaxed: a hint, the lock decides.
  if (atomic_load_explicit(&s->stand_ins_active, memory_order_relaxed) <=
      atomic_load_explicit(&s->stand_ins_wanted, memory_order_relaxed)) {
    return;
  }
  grove__mutex_lock(&s->lock);
  bool surplus = grove__stand_in_is_surplus_locked(w);
  if (surplus) {
    retire_locked(w);
  }
  grove__mutex_unlock(&s->lock);
  while (surplus && grove__run_queue_waits(&w->queue, true)) {
    grove__run_node *n = grove__run_queue_steal(&w->queue, true);
    if (n) { // else a thief was faster
      grove__inbox_push(&s->global, n);
      grove__sched_wake_any(s);
    }
  }
}

void grove__stand_in_end_locked(grove__worker *w)
{
  w->sched->stand_ins_running--;
  if (!grove__worker_stands_back(w)) { // no memory to begin with, or the scheduler stops
    retire_locked(w);
  }
}

// Whether something is queued that anybody may run, and nobody is free to.
static bool is_needed_locked(grove__sched *s)
{
  for (grove__worker *w = s->idle_first; w; w = w->next_idle) {
    if (w->started && !w->signaled) {
      return false;
    }
  }
  uint32_t n =
      atomic_load_explicit(&s->worker_count, memory_order_relaxed); // relaxed: the lock is held
  bool waits = grove__inbox_waits(&s->global);
  for (uint32_t i = 0; i < n && !waits; i++) {
    waits = grove__run_queue_waits(&s->worker[i]->queue, s->worker[i]->watched_held);
  }
  return waits;
}

// One more: who stands back is called forward, else a thread is made. If there is none to be had, the next look tries.
static void start_one_locked(grove__sched *s)
{
  uint32_t n =
      atomic_load_explicit(&s->worker_count, memory_order_relaxed); // relaxed: the lock is held
  grove__worker *w = NULL;
  for (uint32_t i = s->o.workers; i < n && !w; i++) {
    w = s->worker[i];
    w = w->started && !w->leave && grove__worker_stands_back(w) ? w : NULL;
  }
  if (w) {
    w->signaled = true;
    grove__cond_signal(&w->cond);
  } else {
    if (grove__worker_without_thread_locked(s, s->o.workers, s->o.workers + s->o.stand_ins, &w) ||
        !w) {
      return;
    }
    w->started = true;
    if (grove__worker_start_thread(w)) {
      w->started = false;
      return;
    }
    w->leave = false;
    s->stand_ins_running++;
  }
  atomic_store_explicit(
      &w->retired, false, memory_order_relaxed); // it reads that with or after the lock
  set_active_locked(s, active_locked(s) + 1);
}

static void call_stand_ins(grove__sched *s, uint32_t held)
{
  // Relaxed: the watch alone raises it.
  if (held == 0 && atomic_load_explicit(&s->stand_ins_active, memory_order_relaxed) == 0) {
    return;
  }
  uint32_t wanted = held < s->o.stand_ins ? held : s->o.stand_ins;
  grove__mutex_lock(&s->lock);
  atomic_store_explicit(
      &s->stand_ins_wanted, wanted, memory_order_relaxed); // a hint beside the lock
  if (active_locked(s) < wanted && !s->stopping && s->workers_running >= s->o.workers &&
      is_needed_locked(s)) {
    start_one_locked(s);
  }
  uint32_t n =
      atomic_load_explicit(&s->worker_count, memory_order_relaxed); // relaxed: the lock is held
  for (uint32_t i = s->o.workers; i < n && active_locked(s) > wanted; i++) {
    grove__cond_signal(&s->worker[i]->cond); // those that are parked look, too
  }
  grove__mutex_unlock(&s->lock);
}

// ---- the watch -----------------------------------------------------------------------------------------

// It is this late, for a worker that is long in one turn.
static void tell_time(grove__worker *w, int64_t now)
{
  // Relaxed, both: a hint, and so it is none the worse for a later one of the worker's own that is overwritten.
  if (atomic_load_explicit(&w->recent, memory_order_relaxed) < now) {
    atomic_store_explicit(&w->recent, now, memory_order_relaxed);
  }
}

static void tell_native(grove__sched *s, int64_t now)
{
  grove__mutex_lock(&s->lock);
  for (grove__worker *w = s->native; w; w = w->next) {
    tell_time(w, now);
  }
  grove__mutex_unlock(&s->lock);
}

static bool watch_worker(grove__sched *s, grove__worker *w, int64_t now)
{
  tell_time(w, now);
  w->watched_held = false;
  // Relaxed, all of them: signs of life, no data is reached through them.
  if (!atomic_load_explicit(&w->busy, memory_order_relaxed)) {
    w->watched_since = now;
    return false;
  }
  uint64_t turns = atomic_load_explicit(&w->turns, memory_order_relaxed);
  if (turns != w->watched_turns) {
    w->watched_turns = turns;
    w->watched_since = now;
    w->watched_told = false;
  } else if (grove__run_queue_length(&w->queue) > 0) {
    grove__sched_wake_any(s); // what sits in the slot of a worker that does not come back to it
  }
  int64_t long_ns = now - w->watched_since;
  // ORDER acquire: what was written when the cell's memory was made (its lock) is seen.
  // PAIRS grove__cell_turn, where `shown` is stored.
  void *shown = atomic_load_explicit(&w->shown, memory_order_acquire);
  w->watched_held = shown && long_ns >= s->o.long_turn_ns;
  if (w->watched_held && !w->watched_told && s->o.long_turn) {
    w->watched_told = true;
    s->o.long_turn(s->o.user, shown, long_ns);
  }
  return true;
}

static void watch(void *user, uint64_t a, uint64_t b)
{
  grove__sched *s = user;
  (void)a;
  (void)b;
  int64_t now = grove__clock_ns();
  bool any = false;
  tell_native(s, now);
  uint32_t held = 0;
  // ORDER acquire, PAIRS grove__worker_without_thread_locked: the pointers below the count are there.
  uint32_t n = atomic_load_explicit(&s->worker_count, memory_order_acquire);
  for (uint32_t i = 0; i < n; i++) {
    grove__worker *w = s->worker[i];
    any = watch_worker(s, w, now) || any;
    held += w->watched_held && !grove__worker_stands_back(w);
  }
  call_stand_ins(s, held);
  if (!any) {
    // ORDER seq_cst, PAIRS grove__watch_start, whose worker says that it is busy before it looks whether it is
    // watched: either it sees that it is not, or it is seen here.
    atomic_store_explicit(&s->watching, false, memory_order_seq_cst);
    n = atomic_load_explicit(&s->worker_count, memory_order_acquire);
    for (uint32_t i = 0; i < n && !any; i++) {
      any = atomic_load_explicit(&s->worker[i]->busy, memory_order_seq_cst);
    }
    any = any && !atomic_exchange_explicit(&s->watching, true, memory_order_seq_cst);
  }
  if (!any) {
    return;
  }
  if (!atomic_load_explicit(&s->stopping_hint, memory_order_relaxed)) {
    grove__timer_set(&s->timers, &s->watch, now + WATCH_NS, watch, s, 0, 0);
  }
}

void grove__watch_start(grove__sched *s)
{
  // ORDER seq_cst, PAIRS watch.
  if (!atomic_load_explicit(&s->watching, memory_order_seq_cst) &&
      !atomic_exchange_explicit(&s->watching, true, memory_order_seq_cst)) {
    grove__timer_set(&s->timers, &s->watch, grove__clock_ns() + WATCH_NS, watch, s, 0, 0);
  }
}
