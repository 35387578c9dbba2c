// Tasks and their states; waking, starting and stopping workers.
//
// A task's state, in its word (queue/word.h; the rest of which is its mailbox's, and stays as it is):
// notify:  IDLE -> QUEUED (and puts it in a queue), RUNNING -> AGAIN, else nothing. A push does the former, too, or makes it
//          RUNNING at once (node.begun) before it puts it in a queue.
// a turn:  QUEUED -> RUNNING by the worker that took it out of the queue; at its end RUNNING -> IDLE, or -> QUEUED (and
//          puts it in a queue) if it is AGAIN, or the turn said MORE, or it said EMPTY and there is a letter now.
#include "runtime/sched.h"
#include "base/alloc.h"
#include "plat/clock.h"

void grove__task_init(grove__task *t, const grove__task_kind *kind)
{
  memset(t, 0, sizeof *t);
  atomic_store_explicit(&t->kind, kind, memory_order_relaxed); // nobody else is there yet
}

void grove__sched_put_here(grove__worker *w, grove__task *t)
{
  // What is alone in the slot waits for this worker, which will most likely wait for it; the watch sees to it if not.
  if (grove__run_queue_push_slot(&w->queue, &t->node)) {
    grove__sched_wake_any(w->sched);
  }
}

void grove__sched_put_slowly(grove__worker *w, grove__task *t)
{
  if (t->node.home) {
    grove__sched_put(w->sched, t);
  } else {
    grove__sched_put_here(w, t);
  }
}

static void put(grove__sched *s, grove__task *t, bool last)
{
  if (s->o.simulate) {
    grove__sim_put(s, t);
    return;
  }
  uint32_t place = grove__task_kind_of(t)->place;
  if (place == GROVE__PLACE_OFFLOAD) {
    grove__offload_put(s, t);
    return;
  }
  if (place == GROVE__PLACE_OWN) {
    grove__own_put(s, t);
    return;
  }
  grove__worker *here = grove__sched_here(s);
  if (here && (grove__worker_is_native(here) || grove__worker_stands_back(here))) {
    here = NULL;
  }
  grove__worker *home = t->node.home; // once it is queued, its turn may change that at once
  if (home && home != here) {
    grove__run_queue_push_pinned(&home->queue, &t->node);
    grove__mutex_lock(&s->lock);
    home->signaled = true;
    grove__cond_signal(&home->cond);
    grove__mutex_unlock(&s->lock);
  } else if (home) {
    grove__run_queue_push_mine(&here->queue, &t->node, last);
  } else if (!here) {
    grove__inbox_push(&s->global, &t->node);
    grove__sched_wake_any(s);
  } else if (last) {
    if (grove__run_queue_push(&here->queue, &t->node) > 0) {
      grove__sched_wake_any(s);
    }
  } else {
    grove__sched_put_here(here, t);
  }
}

void grove__sched_notify(grove__sched *s, grove__task *t)
{
  if (grove__word_notify(&t->state) == GROVE__WORD_IDLE) {
    put(s, t, false);
  }
}

// Not to the slot, where it would wait for this worker.
void grove__sched_offer(grove__sched *s, grove__task *t)
{
  if (grove__word_notify(&t->state) != GROVE__WORD_IDLE) {
    return;
  }
  grove__worker *here = s->o.simulate ? NULL : grove__sched_here(s);
  if (!here || grove__worker_is_native(here) || grove__worker_stands_back(here)) {
    put(s, t, false);
    return;
  }
  (void)grove__run_queue_push(&here->queue, &t->node);
  grove__sched_wake_any(s);
}

void grove__sched_put(grove__sched *s, grove__task *t)
{
  put(s, t, false);
}

// Relaxed, all of it: statistics with one writer, the thread that has the turn.
static void add_alone(_Atomic uint64_t *n, uint64_t by)
{
  atomic_store_explicit(
      n, atomic_load_explicit(n, memory_order_relaxed) + by, memory_order_relaxed);
}

static inline grove__tally *tally_of(const grove__task *t)
{
  return grove__task_kind_of(t)->lines;
}

void grove__worker_account(grove__worker *w, grove__task *t, bool turn_ends)
{
  int64_t before = w->since;
  w->since = grove__worker_now(w);
  uint64_t ns = (uint64_t)(w->since - before);
  add_alone(&w->busy_ns, ns);
  if (!t) {
    return;
  }
  add_alone(&t->busy_ns, ns);
  if (tally_of(t)) {
    grove__tally_turn(tally_of(t), w->line, turn_ends, ns);
  }
}

void grove__task_again(grove__sched *s, grove__task *t)
{
  put(s, t, true);
}

static void account_end(grove__worker *w, grove__task *t)
{
  // One that is not plain may block for long, or its time is simulated.
  if (!w->plain || grove__task_reads_clock(w, grove__worker_has_more(w))) {
    grove__worker_account(w, t, true);
  } else if (t && tally_of(t)) {
    grove__tally_turn(tally_of(t), w->line, 1, 0);
  }
}

// The end of a turn whose stack is left or whose run() has returned.
static inline __attribute__((always_inline)) void end_turn(grove__worker *w, grove__task *t, grove__turn turn)
{
  account_end(w, turn == GROVE__TURN_GONE ? NULL : t);
  if (turn == GROVE__TURN_GONE) {
    return;
  }
  if (turn == GROVE__TURN_FREE) {
    // Relaxed, both: nobody else writes it any more; the next life is published by other means.
    uint64_t word = atomic_load_explicit(&t->state, memory_order_relaxed);
    atomic_store_explicit(&t->state, grove__word_with(word, GROVE__WORD_IDLE), memory_order_relaxed); // and closed
    grove__task_kind_of(t)->release(t, w);
    return;
  }
  int rest = turn == GROVE__TURN_DONE    ? GROVE__REST_UNTOLD
             : turn == GROVE__TURN_EMPTY ? GROVE__REST_EMPTY
                                         : GROVE__REST_NEVER;
  if (grove__word_leave(&t->state, rest) == GROVE__WORD_QUEUED) {
    put(w->sched, t, true);
  }
}

// What must not be done before the old stack has been left.
void grove__strand_finish(grove__worker *w)
{
  grove__task *t = w->after_task;
  grove__strand *s = w->after_strand;
  w->after_task = NULL;
  w->after_strand = NULL;
  if (s && s != &w->native) {
    if (s->bytes == 0 && w->idle_count < 64) {
      s->next = w->idle;
      w->idle = s;
      w->idle_count++;
    } else {
      grove__fiber_destroy(s->fiber);
      grove__free(w->sched->o.allocator, s, sizeof *s);
    }
  }
  if (t) {
    end_turn(w, t, w->after_turn);
  }
}

void grove__strand_go(grove__worker *w, grove__strand *to)
{
  grove__strand *from = w->self;
  grove__worker_stand(w, to);
  to->worker = w;
  grove__fiber_switch(from->fiber, to->fiber);
  grove__strand_finish(from->worker);
}

static grove__strand *take_idle(grove__worker *w)
{
  grove__strand *s = w->idle;
  if (s) {
    w->idle = s->next;
    w->idle_count--;
  }
  return s;
}

void grove__task_turn(grove__worker *w, grove__task *t)
{
  grove__strand *self = w->self;
  const grove__task_kind *kind = grove__task_kind_of(t);
  if (GROVE__UNLIKELY(kind->stack_bytes) && self && // most ask for none
      kind->stack_bytes > (self->bytes ? self->bytes : w->sched->o.stack_bytes) && !w->sched->o.simulate) {
    grove__strand *large;
    if (!grove__strand_create(w, kind->stack_bytes, &large)) {
      w->first = t;
      w->after_strand = self;
      grove__strand_go(w, large);
      return;
    } // no memory for a large one: the usual one must do
  }
  w->word = grove__task_begin(w, t, kind->has_mailbox);
  grove__task_run(w, t);
}

void grove__task_run(grove__worker *w, grove__task *t)
{
  grove__strand *self = w->self;
  grove__turn turn = grove__task_kind_of(t)->run(t, w);
  grove__task_end(self ? self->worker : w, t, turn);
}

void grove__task_end(grove__worker *w, grove__task *t, grove__turn turn)
{
  if (turn == GROVE__TURN_RESUME) {
    w->after_strand = w->self;
    grove__strand_go(w, w->resume);
    return;
  }
  end_turn(w, t, turn);
}

grove_status grove__sched_reserve(grove__worker *w)
{
  if (w->idle) {
    return GROVE_OK;
  }
  grove__strand *s;
  GROVE__TRY(grove__strand_create(w, 0, &s));
  s->next = w->idle;
  w->idle = s;
  w->idle_count++;
  return GROVE_OK;
}

grove__worker *grove__sched_suspend(grove__worker *w, grove__turn turn)
{
  grove__sched *s = w->sched;
  grove__strand *self = w->self;
  w->after_task = w->task;
  w->after_turn = turn;
  // Relaxed: a count; stop reads it under the lock that parking takes.
  atomic_fetch_add_explicit(&s->suspended, 1, memory_order_relaxed);
  bool here = w->task->node.home == w;
  w->suspended_here += here;
  grove__strand_go(w, s->o.simulate ? w->back : take_idle(w));
  w = self->worker;
  w->suspended_here -= here;
  if (atomic_fetch_sub_explicit(&s->suspended, 1, memory_order_relaxed) == 1 &&
      atomic_load_explicit(&s->stopping_hint, memory_order_relaxed)) {
    grove__mutex_lock(&s->lock); // parked workers wait for this before they end
    grove__sched_stir_locked(s);
    grove__mutex_unlock(&s->lock);
  }
  return w;
}

bool grove__worker_is_wanted(grove__worker *w)
{
  // Relaxed: written by this thread, read by the watch as a sign of life.
  add_alone(&w->turns, 1);
  if (w->sched->o.simulate) {
    return true; // by who drives it: one that only yields must not keep him for ever
  }
  return grove__run_queue_length(&w->queue) > 0 || grove__inbox_looks_full(&w->sched->global);
}

uint32_t grove__sched_width(const grove__sched *s)
{
  return s->o.simulate ? 1 : s->o.workers;
}
