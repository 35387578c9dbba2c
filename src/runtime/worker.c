// Workers: threads, strands, the loop, finding work, parking.
//
// Parking and waking: a worker that finds nothing puts itself on the idle list, under the scheduler's lock, and looks
// at every queue once more before it sleeps. Who queues something looks at the count of idle workers after the
// queue's lock. Either the second look comes after the push, and sees it; or the push comes after the look, hence
// after the count, and sees the idle worker. (Both go through the same queue's lock, which orders them, or, for a deque
// and the inbox, through operations that are in one order with the count's: seq_cst.)
//
// Waking a thread costs more than anything else here, so a few workers that find nothing look around for a while first, and
// while one does, nobody is woken. A spinner that gives up says so before its second look, as above; one that takes
// something and was the last to look around wakes another, if more is queued: who queued that may have counted on it.
#include "base/alloc.h"
#include "base/random.h"
#include "plat/clock.h"
#include "runtime/sched.h"
#include <stdio.h>

enum { RETRY_NS = 10 * 1000 * 1000 };

static void run_strand(void *user);

grove_status grove__strand_create(grove__worker *w, size_t bytes, grove__strand **out)
{
  const grove_allocator *a = w->sched->o.allocator;
  grove__strand *s = grove__alloc_zero(a, sizeof *s);
  if (!s) {
    return GROVE_ENOMEM;
  }
  s->worker = w;
  s->bytes = bytes;
  grove_status status = grove__fiber_create(w->sched->stacks, bytes, run_strand, s, &s->fiber);
  if (status) {
    grove__free(a, s, sizeof *s);
    return status;
  }
  s->low = (uintptr_t)grove__fiber_low(s->fiber);
  *out = s;
  return GROVE_OK;
}

grove_status grove__worker_create(
    grove__sched *s, uint32_t place, uint32_t index, grove__worker **out)
{
  grove__worker *w = grove__alloc_zero(s->o.allocator, sizeof *w);
  if (!w) {
    return GROVE_ENOMEM;
  }
  w->sched = s;
  w->back = &w->native;
  w->low = UINTPTR_MAX;
  w->place = place;
  w->index = index;
  w->line = place == GROVE__PLACE_WORKERS && index < grove__sched_width(s) ? index + 1 : 0;
  w->plain = w->line && !s->o.simulate;
  grove_status status = grove__run_queue_init(&w->queue);
  if (!status) {
    w->queue.owner = w;
    status = grove__cond_init(&w->cond);
    if (status) {
      grove__run_queue_deinit(&w->queue);
    }
  }
  if (status) {
    grove__free(s->o.allocator, w, sizeof *w);
    return status;
  }
  w->queue.barrier = s->barrier;
  grove__stash_begin(&w->stash, s->o.slots);
  *out = w;
  return GROVE_OK;
}

void grove__worker_destroy(grove__worker *w)
{
  const grove_allocator *a = w->sched->o.allocator;
  grove__fiber_destroy(w->native.fiber);
  while (w->idle) {
    grove__strand *next = w->idle->next;
    grove__fiber_destroy(w->idle->fiber);
    grove__free(a, w->idle, sizeof *w->idle);
    w->idle = next;
  }
  grove__block_cache_empty(&w->sched->blocks, &w->stash.blocks);
  grove__stash_end(&w->stash, w->sched->o.slots);
  grove__cond_deinit(&w->cond);
  grove__run_queue_deinit(&w->queue);
  grove__free(a, w, sizeof *w);
}

static grove__task *steal(grove__worker *w, bool slot_too)
{
  grove__sched *s = w->sched;
  // ORDER acquire, PAIRS the release store in grove__worker_without_thread_locked: the pointers below the count are there.
  uint32_t n = atomic_load_explicit(&s->worker_count, memory_order_acquire);
  for (uint32_t k = 1; k < n; k++) {
    grove__worker *victim = s->worker[(w->index + k) % n];
    bool more;
    grove__task *t = grove__task_of(grove__run_queue_steal_some(&victim->queue, &w->queue, slot_too, &more));
    if (more) { // for a moment it was in no queue: who looked then may have gone to sleep
      grove__sched_wake_any(s);
    }
    if (t) {
      atomic_fetch_add_explicit(&w->steals, 1, memory_order_relaxed); // statistic
      return t;
    }
  }
  return NULL;
}

static grove__task *look(grove__worker *w, bool slot_too)
{
  grove__sched *s = w->sched;
  grove__task *t = NULL;
  w->queue.now = grove__worker_recent(w);
  if (grove__worker_stands_back(w)) {
    return grove__task_of(
        grove__run_queue_pop(&w->queue)); // what is pinned here; it has nothing else
  }
  if ((++w->tick & 63) ==
      0) { // now and then the outside comes first, so that a busy worker does not starve it
    t = grove__task_of(grove__inbox_take(&s->global));
  }
  if (!t) {
    t = grove__task_of(grove__run_queue_pop(&w->queue));
  }
  if (!t) {
    t = grove__task_of(grove__inbox_take(&s->global));
  }
  return t ? t : steal(w, slot_too);
}

// The second look, under the scheduler's lock: see the opening comment.
static bool anything_locked(grove__worker *w)
{
  grove__sched *s = w->sched;
  bool back = grove__worker_stands_back(w);
  bool any = grove__run_queue_waits_for_owner(&w->queue) ||
             (!back && grove__inbox_waits(&s->global));
  // Relaxed: the lock is held.
  uint32_t n = back ? 0 : atomic_load_explicit(&s->worker_count, memory_order_relaxed);
  for (uint32_t i = 0; i < n && !any; i++) {
    any = grove__run_queue_waits(&s->worker[i]->queue, false);
  }
  return any;
}

static void leave_idle_locked(grove__worker *w)
{
  grove__sched *s = w->sched;
  for (grove__worker **at = &s->idle_first; *at; at = &(*at)->next_idle) {
    if (*at == w) {
      *at = w->next_idle;
      atomic_fetch_sub_explicit(&s->idle_workers, 1, memory_order_seq_cst);
      return;
    }
  }
}

static bool may_end_locked(grove__sched *s)
{
  // Relaxed: who lets the count fall to zero while we stop takes the lock and stirs.
  return s->stopping && atomic_load_explicit(&s->suspended, memory_order_relaxed) == 0;
}

// Whether its thread goes as soon as nothing stands suspended that only it may resume: one that is only lent, and a
// stand-in that has retired.
static bool is_on_leave(const grove__worker *w)
{
  return w->stands_in ? grove__worker_stands_back(w) : w->sched->work_loop != NULL;
}

// True: look again. False: this worker's thread is to end.
static bool park(grove__worker *w)
{
  grove__sched *s = w->sched;
  bool go_on = true;
  atomic_store_explicit(&w->busy, false, memory_order_relaxed);  // a hint for the watch
  atomic_fetch_add_explicit(&w->parks, 1, memory_order_relaxed); // statistic
  grove__mutex_lock(&s->lock);
  w->signaled = false;
  if (!grove__worker_stands_back(w)) { // which is woken for what is pinned to it alone
    w->next_idle = s->idle_first;
    s->idle_first = w;
    // ORDER seq_cst, PAIRS grove__sched_wake_any: see the opening comment.
    atomic_fetch_add_explicit(&s->idle_workers, 1, memory_order_seq_cst);
  }
  if (!anything_locked(w)) {
    go_on = !(is_on_leave(w) && w->suspended_here == 0) && !may_end_locked(s);
    while (go_on && !w->signaled && !may_end_locked(s) && !grove__stand_in_is_surplus_locked(w)) {
      grove__cond_wait(&w->cond, &s->lock);
    }
  }
  w->leave = !go_on;
  leave_idle_locked(w);
  grove__mutex_unlock(&s->lock);
  // ORDER seq_cst, PAIRS watch: said before grove__watch_start looks.
  atomic_store_explicit(&w->busy, true, memory_order_seq_cst);
  return go_on;
}

// Whether it may be one of those that look around before they park: few, so that they leave the processors to whoever
// has work. Who stands back would look for what is pinned to it alone.
static bool may_spin(const grove__worker *w)
{
  const grove__sched *s = w->sched;
  // Relaxed: a guess.
  return s->o.spin_us && !grove__worker_stands_back(w) &&
         atomic_load_explicit(&s->spinning, memory_order_relaxed) < 1 + s->o.workers / 16;
}

static bool anything_queued(grove__sched *s)
{
  // ORDER acquire, PAIRS the release store in grove__worker_without_thread_locked, as in steal.
  uint32_t n = atomic_load_explicit(&s->worker_count, memory_order_acquire);
  bool any = grove__inbox_looks_full(&s->global);
  for (uint32_t i = 0; i < n && !any; i++) {
    any = grove__run_queue_length(&s->worker[i]->queue) > 0;
  }
  return any;
}

// Looks around for a while. While somebody does, nobody is woken for what is queued: see the opening comment.
static grove__task *spin(grove__worker *w)
{
  grove__sched *s = w->sched;
  grove__task *t = NULL;
  if (!may_spin(w)) {
    return NULL;
  }
  atomic_fetch_add_explicit(&s->spinning, 1, memory_order_seq_cst); // PAIRS grove__sched_wake_any
  int64_t until = grove__clock_ns() + (int64_t)s->o.spin_us * 1000;
  for (uint32_t looks = 0;
       !t && !atomic_load_explicit(&s->stopping_hint, memory_order_relaxed); // relaxed: parking looks
       looks++) {
    t = look(w, false);
    if (!t) {
      if (looks % 16 == 15 && grove__clock_ns() >= until) {
        break;
      }
      grove__thread_look_again(looks);
    }
  }
  // ORDER seq_cst, PAIRS grove__sched_wake_any: the last look, when parking, comes after it.
  bool last = atomic_fetch_sub_explicit(&s->spinning, 1, memory_order_seq_cst) == 1;
  if (t) {
    if (last && anything_queued(s)) { // who queued that counted on this one, which has its hands full now
      grove__sched_wake_any(s);
    }
    grove__worker_skip(w);
  }
  return t;
}

// What is in its slot, most of the time. NULL: find.
static inline grove__task *next_of_slot(grove__worker *w)
{
  if (!w->plain || (w->tick & 63) == 63) { // it is the outside's turn to come first
    return NULL;
  }
  grove__task *t = grove__task_of(grove__run_queue_pop_slot(&w->queue));
  w->tick += t != NULL;
  return t;
}

static grove__task *find(grove__worker *w)
{
  grove__sched *s = w->sched;
  for (;;) {
    if (w->stands_in) {
      grove__stand_in_look(w);
    }
    grove__task *t = look(w, false);
    if (t) {
      return t;
    }
    t = spin(w);
    if (t) {
      return t;
    }
    if (!park(w)) {
      return NULL;
    }
    grove__watch_start(s);
    grove__worker_skip(w);
    t = look(w, true);
    if (t) {
      return t;
    }
  }
}

static grove__task *take_first(grove__worker *w)
{
  grove__task *t = w->first;
  w->first = NULL;
  return t;
}

// How many tasks whole() may take from the slot, one after the other: until the outside's turn to come first, or the others'.
static inline void allow_quick(grove__worker *w)
{
  uint32_t until = 63 - (w->tick & 63), claims = grove__run_queue_claims(&w->queue);
  w->quick = w->quick_lot = until < claims ? until : claims;
}
// And so many it has.
static inline void count_quick(grove__worker *w)
{
  uint32_t n = w->quick_lot - w->quick;
  w->tick += n;
  grove__run_queue_claimed(&w->queue, n);
  w->quick = w->quick_lot = 0;
}

static void run_strand(void *user)
{
  grove__strand *self = user;
  grove__task *given = NULL; // by whole()
  grove__strand_finish(self->worker);
  for (;;) {
    grove__worker *w = self->worker;
    count_quick(w);
    grove__task *t = given;
    given = NULL;
    if (!t) {
      t = GROVE__UNLIKELY(w->first) ? take_first(w) : next_of_slot(w);
    }
    if (!t && !w->sched->o.simulate) {
      t = find(w);
    }
    if (!t) {
      w->after_strand = self;
      grove__strand_go(w, w->back);
      continue; // the thread came back, or another came: a worker on a host's pool
    }
    // Relaxed: written by this thread alone, read by the watch as a sign of life.
    atomic_store_explicit(&w->turns, atomic_load_explicit(&w->turns, memory_order_relaxed) + 1,
        memory_order_relaxed);
    const grove__task_kind *kind = grove__task_kind_of(t);
    if (w->plain && kind->whole) {
      allow_quick(w);
      given = kind->whole(t, w);
    } else {
      grove__task_turn(w, t);
    }
  }
}

// A thread's whole life as a worker.
static void work(grove__worker *w)
{
  grove__strand *strand = w->idle; // grove__worker_without_thread_locked has seen to it
  grove__fiber_arrive(w->native.fiber);
  w->native.worker = w;
  grove__worker_stand(w, &w->native);
  w->idle = strand->next;
  w->idle_count--;
  grove__watch_start(w->sched);
  grove__strand_go(w, strand);
  grove__worker_stand(w, NULL);
}

static void run_worker(void *user);

static void name_thread(const grove__worker *w, char name[24])
{
  unsigned most = (unsigned)w->sched->o.workers;
  snprintf(name, 24, w->stands_in ? "grove-stand-%u" : "grove-work-%u",
      w->stands_in ? (unsigned)w->index - most : (unsigned)w->index);
}

grove_status grove__worker_start_thread(grove__worker *w)
{
  grove__sched *s = w->sched;
  s->o.thread_comes(s->o.user);
  grove_status status;
  if (s->work_loop && !w->stands_in) {
    status = grove__work_loop_run(s->work_loop, run_worker, w);
  } else {
    char name[24];
    name_thread(w, name);
    if (w->joinable) { // the thread before this one has given its last word under the lock, and only returns
      grove__thread_join(&w->thread);
    }
    status = grove__thread_create(&w->thread, s->o.thread_stack, name, run_worker, w);
    w->joinable = status == GROVE_OK;
  }
  if (status) {
    s->o.thread_gone(s->o.user);
  }
  return status;
}

// What a worker's thread can't begin without. With that much it runs turn after turn whatever the memory is: who finds
// none then is told so by what he calls.
static grove_status equip_worker(grove__worker *w)
{
  if (!w->native.fiber) {
    GROVE__TRY(grove__fiber_for_thread(w->sched->stacks, &w->native.fiber));
  }
  return grove__sched_reserve(w);
}

grove_status grove__worker_without_thread_locked(
    grove__sched *s, uint32_t from, uint32_t to, grove__worker **out)
{
  uint32_t n =
      atomic_load_explicit(&s->worker_count, memory_order_relaxed); // relaxed: the lock is held
  *out = NULL;
  for (uint32_t i = from; i < n && i < to; i++) {
    if (!s->worker[i]->started) {
      GROVE__TRY(equip_worker(s->worker[i]));
      *out = s->worker[i];
      return GROVE_OK;
    }
  }
  if (n >= to) {
    return GROVE_OK;
  }
  grove__worker *w;
  GROVE__TRY(grove__worker_create(s, GROVE__PLACE_WORKERS, n, &w));
  grove_status equipped = equip_worker(w);
  if (equipped) {
    grove__worker_destroy(w);
    return equipped;
  }
  w->stands_in = n >= s->o.workers;
  s->worker[n] = *out = w;
  // ORDER release: publishes the pointer. PAIRS steal.
  atomic_store_explicit(&s->worker_count, n + 1, memory_order_release);
  return GROVE_OK;
}

// Starts one more worker, if there may be one. A thread that can't be made is no failure while another runs:
// what is queued is run by that one.
static grove_status start_worker_locked(grove__sched *s)
{
  grove__worker *w;
  GROVE__TRY(grove__worker_without_thread_locked(s, 0, s->o.workers, &w));
  if (!w) {
    return GROVE_OK;
  }
  w->started = true;
  s->workers_running++;
  grove_status status = grove__worker_start_thread(w);
  if (status) {
    w->started = false;
    s->workers_running--;
  } else {
    atomic_store_explicit(&s->any_running, true, memory_order_release); // PAIRS grove__sched_ensure
  }
  // ORDER seq_cst, PAIRS grove__sched_wake_any.
  atomic_store_explicit(&s->all_running, s->workers_running >= s->o.workers, memory_order_seq_cst);
  return status;
}

grove_status grove__sched_ensure(grove__sched *s)
{
  if (s->o.simulate) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__timers_ensure(&s->timers));
  // ORDER acquire: nothing but the fact is used. A thread that was made stays until the scheduler stops.
  if (s->work_loop || atomic_load_explicit(&s->any_running, memory_order_acquire)) {
    return GROVE_OK;
  }
  grove__mutex_lock(&s->lock);
  grove_status status = s->workers_running ? GROVE_OK : start_worker_locked(s);
  grove__mutex_unlock(&s->lock);
  return status;
}

// No memory or no thread to start one with, and none runs: there may be some soon, and nobody else need come by.
static void retry(void *user, uint64_t a, uint64_t b)
{
  (void)a;
  (void)b;
  grove__sched_wake_any(user);
}

static void retry_soon(grove__sched *s)
{
  grove__timer_set(&s->timers, &s->retry, grove__clock_ns() + RETRY_NS, retry, s, 0, 0);
}

// The thread is about to return and touches nothing of the worker any more: another may take its place. What was
// queued since the thread's last look, when it still counted as running, is not forgotten.
// True: another was to be started, and could not be.
static bool end_worker_locked(grove__worker *w)
{
  grove__sched *s = w->sched;
  w->started = false;
  if (w->stands_in) {
    grove__stand_in_end_locked(w);
    return false;
  }
  s->workers_running--;
  atomic_store_explicit(&s->all_running, false, memory_order_seq_cst); // see grove__sched_wake_any
  if (!s->stopping && anything_locked(w)) {
    return start_worker_locked(s) && s->workers_running == 0;
  }
  return false;
}

void grove__worker_thread(grove__worker *w, const char *name, void (*loop)(grove__worker *w))
{
  grove__sched *s = w->sched;
  grove__key_set(&s->key, w);
  // ORDER seq_cst, PAIRS watch: said before grove__watch_start looks.
  atomic_store_explicit(&w->busy, true, memory_order_seq_cst);
  grove__worker_skip(w);
  if (s->o.thread_hook) {
    s->o.thread_hook(s->o.user, name, true);
  }
  loop(w);
  if (s->o.thread_hook) {
    s->o.thread_hook(s->o.user, name, false);
  }
  atomic_store_explicit(&w->busy, false, memory_order_relaxed); // a hint for the watch
  grove__key_set(&s->key, NULL);
  bool nobody = false;
  grove__mutex_lock(&s->lock);
  if (w->place == GROVE__PLACE_WORKERS) {
    nobody = end_worker_locked(w);
  } else {
    grove__native_end_locked(w);
  }
  // Once no worker runs any more, who ends runs what is queued: a thread of its own may have been late to tell its parent.
  // Only a worker can go on with what stands suspended. Relaxed: as in may_end_locked.
  bool rest = s->stopping && s->workers_running == 0 &&
              atomic_load_explicit(&s->suspended, memory_order_relaxed) == 0;
  grove__cond_broadcast(&s->ended);
  grove__mutex_unlock(&s->lock);
  if (nobody) {
    retry_soon(s);
  }
  if (rest) {
    grove__sched_run_alone(s);
  }
  s->o.thread_gone(s->o.user);
}

static void run_worker(void *user)
{
  grove__worker *w = user;
  char name[24];
  name_thread(w, name);
  grove__worker_thread(w, name, work);
}

void grove__sched_wake_any(grove__sched *s)
{
  // ORDER seq_cst, PAIRS park and spin: see the opening comment. The count of running workers needs no order: it only
  // grows while work is queued, or its change happens under the lock after a look at the queues.
  if (atomic_load_explicit(&s->spinning, memory_order_seq_cst) ||
      (atomic_load_explicit(&s->idle_workers, memory_order_seq_cst) == 0 &&
          atomic_load_explicit(&s->all_running, memory_order_seq_cst))) {
    return;
  }
  bool nobody = false;
  grove__mutex_lock(&s->lock);
  grove__worker *w = s->idle_first;
  while (w && (w->signaled || !w->started)) {
    w = w->next_idle;
  }
  if (w) {
    w->signaled = true;
    grove__cond_signal(&w->cond);
  } else if (s->workers_running < s->o.workers && !s->stopping && !s->alone) {
    nobody = start_worker_locked(s) && s->workers_running == 0; // one that runs does what is queued
  }
  grove__mutex_unlock(&s->lock);
  if (nobody) {
    retry_soon(s);
  }
}
