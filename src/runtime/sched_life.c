// The scheduler's beginning and end.
#include "base/alloc.h"
#include "plat/barrier.h"
#include "plat/clock.h"
#include "runtime/sched.h"

static grove_status init_parts(grove__sched *s)
{
  const grove__sched_options *o = &s->o;
  grove_status status = grove__inbox_init(&s->global);
  if (status) {
    return status;
  }
  status = grove__timers_init(&s->timers, o->simulate);
  if (status) {
    goto queue;
  }
  status = grove__blocks_init(
      &s->blocks, o->block_allocator ? o->block_allocator : o->allocator, o->simulate);
  if (status) {
    goto timers;
  }
  s->timers.thread_hook = o->thread_hook;
  s->timers.thread_gone = o->thread_gone;
  s->timers.thread_comes = o->thread_comes;
  s->timers.user = o->user;
  status = grove__stacks_create(o->allocator, o->stack_bytes,
      (size_t)o->max_suspended + 2 * (GROVE__WORKERS_MOST + GROVE__STAND_INS_MOST), o->guard,
      &s->stacks);
  if (status) {
    goto blocks;
  }
  status = o->simulate ? grove__sim_init(s) : GROVE_OK;
  if (!status && o->work_loop) {
    status = grove__work_loop_create(
        o->allocator, o->work_loop, o->work_loop_freed, o->user, &s->work_loop);
    if (!status) { // of a worker one run may be over, unseen by the loop, one under way, and one be asked for
      grove__work_loop_reserve(s->work_loop, 3 * (size_t)o->workers);
    }
  }
  if (!status) {
    for (size_t i = 0; i < GROVE__STASHES; i++) {
      grove__stash_begin(&s->stashes[i].stash, o->slots);
    }
    return GROVE_OK;
  }
  if (o->simulate) {
    grove__sim_deinit(s);
  }
  grove__stacks_destroy(s->stacks);
blocks:
  grove__blocks_deinit(&s->blocks);
timers:
  grove__timers_deinit(&s->timers);
queue:
  grove__inbox_deinit(&s->global);
  return status;
}

grove_status grove__sched_init(grove__sched *s, const grove__sched_options *o)
{
  memset(s, 0, sizeof *s);
  s->o = *o;
  if (s->o.workers > GROVE__WORKERS_MOST) {
    s->o.workers = GROVE__WORKERS_MOST;
  }
  if (s->o.stand_ins > GROVE__STAND_INS_MOST) {
    s->o.stand_ins = GROVE__STAND_INS_MOST;
  }
  s->barrier = !o->simulate && grove__barrier_ready();
  GROVE__TRY(grove__key_create(&s->key));
  grove_status status = grove__mutex_init(&s->lock);
  if (!status) {
    status = grove__cond_init(&s->ended);
    if (!status) {
      status = init_parts(s);
      if (status) {
        grove__cond_deinit(&s->ended);
      }
    }
    if (status) {
      grove__mutex_deinit(&s->lock);
    }
  }
  if (status) {
    grove__key_destroy(&s->key);
  }
  return status;
}

void grove__sched_stir_locked(grove__sched *s)
{
  uint32_t made =
      atomic_load_explicit(&s->worker_count, memory_order_relaxed); // relaxed: the lock is held
  for (uint32_t i = 0; i < made; i++) {
    grove__cond_signal(&s->worker[i]->cond);
  }
  for (grove__worker *w = s->native; w; w = w->next) {
    grove__cond_signal(&w->cond);
  }
  grove__cond_broadcast(&s->ended);
}

static uint32_t running_locked(grove__sched *s)
{
  uint32_t n = s->workers_running + s->stand_ins_running;
  for (grove__worker *w = s->native; w; w = w->next) {
    n += w->started;
  }
  return n;
}

// Joins what has ended, lets go of what has not.
static void part_locked(grove__worker *w)
{
  if (!w->joinable) {
    return;
  }
  w->joinable = false;
  if (w->started) {
    grove__thread_detach(&w->thread);
  } else {
    grove__thread_join(&w->thread); // it has given its last word under this lock, and only returns
  }
}

bool grove__sched_go_alone(grove__sched *s)
{
  grove__mutex_lock(&s->lock);
  // Relaxed: written under this lock.
  s->alone = !s->o.simulate && !atomic_load_explicit(&s->any_running, memory_order_relaxed);
  bool alone = s->alone;
  grove__mutex_unlock(&s->lock);
  return alone;
}

void grove__sched_run_alone(grove__sched *s)
{
  grove__worker w = {.sched = s, .place = GROVE__PLACE_WORKERS};
  grove__task *t;
  grove__stash_begin(&w.stash, s->o.slots);
  while ((t = grove__task_of(grove__inbox_take(&s->global)))) {
    grove__task_turn(&w, t);
  }
  grove__block_cache_empty(&s->blocks, &w.stash.blocks);
  grove__stash_end(&w.stash, s->o.slots);
}

uint32_t grove__sched_stop(grove__sched *s, int64_t deadline)
{
  if (s->o.simulate) {
    return 0;
  }
  bool pumps = s->work_loop && grove__work_loop_is_here(s->work_loop);
  grove__timer_cancel(&s->timers, &s->watch);
  grove__timer_cancel(&s->timers, &s->retry);
  grove__timers_stop(&s->timers);
  grove__mutex_lock(&s->lock);
  s->stopping = true;
  atomic_store_explicit(
      &s->stopping_hint, true, memory_order_relaxed); // a hint; parking looks under the lock
  grove__sched_stir_locked(s);
  while (running_locked(s) > 0 && grove__clock_ns() < deadline) {
    int64_t until = deadline;
    if (pumps) { // the loop stands still: what was asked of it is done here
      grove__mutex_unlock(&s->lock);
      grove__work_loop_pump(s->work_loop);
      grove__mutex_lock(&s->lock);
      int64_t soon = grove__clock_ns() + 1000000;
      until = soon < deadline ? soon : deadline;
    }
    if (running_locked(s) > 0) {
      grove__cond_wait_until(&s->ended, &s->lock, until);
    }
  }
  uint32_t left = running_locked(s);
  uint32_t n =
      atomic_load_explicit(&s->worker_count, memory_order_relaxed); // relaxed: the lock is held
  for (uint32_t i = 0; i < n; i++) {
    part_locked(s->worker[i]);
  }
  for (grove__worker *w = s->native; w; w = w->next) {
    part_locked(w);
  }
  s->parted = true;
  grove__mutex_unlock(&s->lock);
  if (s->work_loop) {
    grove__work_loop_close(s->work_loop);
  }
  return left;
}

void grove__sched_deinit(grove__sched *s)
{
  if (s->o.simulate) {
    grove__sim_deinit(s);
  } else {
    uint32_t n =
        atomic_load_explicit(&s->worker_count, memory_order_relaxed); // nobody else is left
    for (uint32_t i = 0; i < n; i++) {
      grove__worker_destroy(s->worker[i]);
    }
  }
  while (s->native) {
    grove__worker *next = s->native->next;
    grove__worker_destroy(s->native);
    s->native = next;
  }
  for (size_t i = 0; i < GROVE__STASHES; i++) {
    grove__stash_end(&s->stashes[i].stash, s->o.slots);
  }
  grove__blocks_deinit(&s->blocks);
  grove__stacks_destroy(s->stacks);
  grove__timers_deinit(&s->timers);
  grove__inbox_deinit(&s->global);
  grove__cond_deinit(&s->ended);
  grove__mutex_deinit(&s->lock);
  grove__key_destroy(&s->key);
}
