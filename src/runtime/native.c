// Threads of their own for single tasks, and the offload threads for what may block.
#include "base/alloc.h"
#include "plat/clock.h"
#include "runtime/sched.h"

static const char own_name[] = "grove-own", offload_name[] = "grove-offload";

void grove__native_wait(grove__worker *w, bool *woken)
{
  grove__sched *s = w->sched;
  bool lends = w->place == GROVE__PLACE_OFFLOAD;
  grove__worker_account(w, w->task, false);
  grove__mutex_lock(&s->lock);
  if (lends && !*woken) {
    s->offload_lent++;
    grove__offload_more_locked(s);
  }
  bool lent = lends && !*woken;
  while (!*woken) {
    grove__cond_wait(&w->cond, &s->lock);
  }
  if (lent) {
    s->offload_lent--;
  }
  grove__mutex_unlock(&s->lock);
  grove__worker_skip(w);
}

void grove__native_lend(grove__worker *w, bool lends)
{
  grove__sched *s = w->sched;
  grove__mutex_lock(&s->lock);
  s->offload_lent += lends ? 1 : -1u;
  if (lends) {
    grove__offload_more_locked(s);
  }
  grove__mutex_unlock(&s->lock);
}

void grove__native_wake(grove__worker *w, bool *woken)
{
  grove__mutex_lock(&w->sched->lock);
  *woken = true;
  grove__cond_signal(&w->cond);
  grove__mutex_unlock(&w->sched->lock);
}

// Joins and frees the threads that have ended by themselves. Under the lock: they have nothing left to do but return.
static void reap_locked(grove__sched *s)
{
  for (grove__worker **at = &s->native; *at;) {
    grove__worker *w = *at;
    if (w->started) {
      at = &w->next;
      continue;
    }
    *at = w->next;
    if (w->joinable) {
      grove__thread_join(&w->thread);
    }
    grove__worker_destroy(w);
  }
}

void grove__native_end_locked(grove__worker *w)
{
  w->started = false;
  if (w->place == GROVE__PLACE_OFFLOAD) {
    w->sched->offload_running--;
  }
}

static grove_status start_native_locked(
    grove__sched *s, uint32_t place, const char *name, void (*run)(void *user), grove__worker **out)
{
  grove__worker *w;
  reap_locked(s);
  GROVE__TRY(grove__worker_create(s, place, 0, &w));
  s->o.thread_comes(s->o.user);
  w->started = true;
  grove_status status = grove__thread_create(&w->thread, 0, name, run, w);
  if (status) {
    s->o.thread_gone(s->o.user);
    grove__worker_destroy(w);
    return status;
  }
  w->joinable = !s->parted;
  if (s->parted) { // nobody joins any more
    grove__thread_detach(&w->thread);
  }
  w->next = s->native;
  s->native = w;
  *out = w;
  return GROVE_OK;
}

// ---- a thread of its own ---------------------------------------------------------------------------

static void run_own_loop(grove__worker *w)
{
  grove__sched *s = w->sched;
  for (;;) {
    grove__mutex_lock(&s->lock);
    // Also while all stops: it is its task alone that has its turns here, and may have been given up and wait for children of
    // its own that are late. When the last of them has ended, so has it, and leaves.
    while (!w->first && !w->leave) {
      grove__cond_wait(&w->cond, &s->lock);
    }
    grove__task *t = w->first;
    w->first = NULL;
    grove__mutex_unlock(&s->lock);
    if (!t) {
      return;
    }
    // Relaxed: read by the watch as a sign of life.
    atomic_fetch_add_explicit(&w->turns, 1, memory_order_relaxed);
    grove__worker_skip(w);
    grove__task_turn(w, t);
  }
}

static void run_own(void *user)
{
  grove__worker_thread(user, own_name, run_own_loop);
}

grove_status grove__own_thread_create(grove__sched *s, grove__task *t)
{
  if (s->o.simulate) {
    return GROVE_OK;
  }
  grove__mutex_lock(&s->lock);
  grove_status status = start_native_locked(s, GROVE__PLACE_OWN, own_name, run_own, &t->node.home);
  grove__mutex_unlock(&s->lock);
  return status;
}

void grove__own_thread_leave(grove__worker *w)
{
  grove__mutex_lock(&w->sched->lock);
  w->leave = true;
  grove__cond_signal(&w->cond);
  grove__mutex_unlock(&w->sched->lock);
}

void grove__own_put(grove__sched *s, grove__task *t)
{
  grove__mutex_lock(&s->lock);
  t->node.home->first = t;
  grove__cond_signal(&t->node.home->cond);
  grove__mutex_unlock(&s->lock);
}

// ---- offload threads -------------------------------------------------------------------------------

static grove__task *wait_offload(grove__worker *w)
{
  grove__sched *s = w->sched;
  grove__mutex_lock(&s->lock);
  grove__task *t = grove__task_of(grove__run_list_pop(&s->offload_queue));
  while (!t && !s->stopping) {
    w->signaled = false;
    w->next_idle = s->offload_idle;
    s->offload_idle = w;
    while (!w->signaled && !s->stopping) {
      grove__cond_wait(&w->cond, &s->lock);
    }
    for (grove__worker **at = &s->offload_idle; *at; at = &(*at)->next_idle) {
      if (*at == w) {
        *at = w->next_idle;
        break;
      }
    }
    t = grove__task_of(grove__run_list_pop(&s->offload_queue));
  }
  grove__mutex_unlock(&s->lock);
  return t;
}

static void run_offload_loop(grove__worker *w)
{
  grove__task *t;
  while ((t = wait_offload(w))) {
    // Relaxed: read by the watch as a sign of life.
    atomic_fetch_add_explicit(&w->turns, 1, memory_order_relaxed);
    grove__worker_skip(w);
    grove__task_turn(w, t);
  }
}

static void run_offload(void *user)
{
  grove__worker_thread(user, offload_name, run_offload_loop);
}

void grove__offload_more_locked(grove__sched *s)
{
  if (!s->offload_queue.first) {
    return;
  }
  grove__worker *idle = s->offload_idle;
  while (idle && idle->signaled) {
    idle = idle->next_idle;
  }
  if (idle) {
    idle->signaled = true;
    grove__cond_signal(&idle->cond);
  } else if (s->offload_running < s->o.offload_threads + s->offload_lent) {
    grove__worker *w;
    if (!start_native_locked(s, GROVE__PLACE_OFFLOAD, offload_name, run_offload, &w)) {
      s->offload_running++;
    } // else those that run will get to it; see grove__offload_ensure for the first
  }
}

grove_status grove__offload_ensure(grove__sched *s)
{
  if (s->o.simulate) {
    return GROVE_OK;
  }
  grove_status status = GROVE_OK;
  grove__mutex_lock(&s->lock);
  if (s->offload_running == 0) {
    grove__worker *w;
    status = start_native_locked(s, GROVE__PLACE_OFFLOAD, offload_name, run_offload, &w);
    s->offload_running += status == GROVE_OK;
  }
  grove__mutex_unlock(&s->lock);
  return status;
}

void grove__offload_put(grove__sched *s, grove__task *t)
{
  grove__mutex_lock(&s->lock);
  grove__run_list_push(&s->offload_queue, &t->node);
  grove__offload_more_locked(s);
  grove__mutex_unlock(&s->lock);
}

grove__run_list grove__offload_take_all(grove__sched *s)
{
  grove__mutex_lock(&s->lock);
  grove__run_list all = s->offload_queue;
  s->offload_queue = (grove__run_list){NULL, NULL};
  grove__mutex_unlock(&s->lock);
  return all;
}

void grove__offload_put_back(grove__sched *s, grove__run_list list)
{
  if (!list.first) {
    return;
  }
  grove__mutex_lock(&s->lock);
  list.last->next = s->offload_queue.first;
  if (s->offload_queue.first) {
    list.last = s->offload_queue.last;
  }
  s->offload_queue = list;
  for (uint32_t i = 0; i < s->o.offload_threads; i++) { // those that found nothing meanwhile
    grove__offload_more_locked(s);
  }
  grove__mutex_unlock(&s->lock);
}
