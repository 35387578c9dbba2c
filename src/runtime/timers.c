#include "runtime/timers.h"
#include "plat/clock.h"
#include <string.h>

grove_status grove__timers_init(grove__timers *t, bool virtual_time)
{
  memset(t, 0, sizeof *t);
  t->virtual_time = virtual_time;
  GROVE__TRY(grove__mutex_init(&t->lock));
  grove_status s = grove__cond_init(&t->cond);
  if (s) {
    grove__mutex_deinit(&t->lock);
  }
  return s;
}

void grove__timers_deinit(grove__timers *t)
{
  grove__cond_deinit(&t->cond);
  grove__mutex_deinit(&t->lock);
}

int64_t grove__timers_now(grove__timers *t)
{
  // Relaxed: one thread moves the virtual clock, and who is told of a move is told by other means.
  return t->virtual_time ? atomic_load_explicit(&t->virtual_now, memory_order_relaxed)
                         : grove__clock_ns();
}

// Takes one due timer out and runs it without the lock. False: none is due.
static bool run_due_locked(grove__timers *t, int64_t now)
{
  grove__heap_node *n = grove__timer_heap_first(&t->heap);
  if (!n || n->when > now) {
    return false;
  }
  grove__timer_heap_remove(&t->heap, n);
  grove__timer copy = *GROVE__CONTAINER(n, grove__timer, node);
  grove__mutex_unlock(&t->lock);
  copy.fire(copy.user, copy.a, copy.b);
  grove__mutex_lock(&t->lock);
  return true;
}

static void run_thread(void *user)
{
  grove__timers *t = user;
  if (t->thread_hook) {
    t->thread_hook(t->user, "grove-clock", true);
  }
  grove__mutex_lock(&t->lock);
  while (!t->stopping) {
    if (run_due_locked(t, grove__clock_ns())) {
      continue;
    }
    grove__heap_node *first = grove__timer_heap_first(&t->heap);
    t->sleeps_until = first ? first->when : INT64_MAX;
    if (grove__cond_wait_until(&t->cond, &t->lock, t->sleeps_until)) {
      continue;
    }
  }
  grove__mutex_unlock(&t->lock);
  if (t->thread_hook) {
    t->thread_hook(t->user, "grove-clock", false);
  }
  t->thread_gone(t->user);
}

grove_status grove__timers_ensure(grove__timers *t)
{
  // ORDER acquire, PAIRS with the release store below: the thread that is running is seen whole.
  if (t->virtual_time || atomic_load_explicit(&t->started, memory_order_acquire)) {
    return GROVE_OK;
  }
  grove_status s = GROVE_OK;
  grove__mutex_lock(&t->lock);
  if (!atomic_load_explicit(
          &t->started, memory_order_relaxed)) { // relaxed: written under this lock
    t->thread_comes(t->user);
    s = grove__thread_create(&t->thread, 0, "grove-clock", run_thread, t);
    if (s) {
      t->thread_gone(t->user);
    } else {
      atomic_store_explicit(&t->started, true, memory_order_release);
    }
  }
  grove__mutex_unlock(&t->lock);
  return s;
}

void grove__timers_stop(grove__timers *t)
{
  grove__mutex_lock(&t->lock);
  t->stopping = true;
  bool started = atomic_load_explicit(&t->started, memory_order_relaxed); // written under this lock
  grove__cond_signal(&t->cond);
  grove__mutex_unlock(&t->lock);
  if (started) {
    grove__thread_join(&t->thread);
  }
}

void grove__timer_set(grove__timers *t, grove__timer *timer, int64_t when, grove__timer_fn *fire,
    void *user, uint64_t a, uint64_t b)
{
  grove__mutex_lock(&t->lock);
  grove__timer_heap_remove(&t->heap, &timer->node);
  timer->fire = fire;
  timer->user = user;
  timer->a = a;
  timer->b = b;
  if (when != INT64_MAX) {
    grove__timer_heap_add(&t->heap, &timer->node, when);
    if (when < t->sleeps_until) {
      t->sleeps_until = when;
      grove__cond_signal(&t->cond);
    }
  }
  grove__mutex_unlock(&t->lock);
}

void grove__timer_cancel(grove__timers *t, grove__timer *timer)
{
  grove__mutex_lock(&t->lock);
  grove__timer_heap_remove(&t->heap, &timer->node);
  grove__mutex_unlock(&t->lock);
}

int64_t grove__timers_next(grove__timers *t)
{
  grove__mutex_lock(&t->lock);
  grove__heap_node *first = grove__timer_heap_first(&t->heap);
  int64_t when = first ? first->when : INT64_MAX;
  grove__mutex_unlock(&t->lock);
  return when;
}

bool grove__timers_run_one(grove__timers *t, int64_t now)
{
  grove__mutex_lock(&t->lock);
  bool ran = run_due_locked(t, now);
  grove__mutex_unlock(&t->lock);
  return ran;
}
