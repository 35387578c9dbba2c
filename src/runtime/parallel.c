// Loops in parallel: chunks are taken one by one from a counter, by the caller and by helper tasks on the workers.
//
// The job's memory is counted: a helper that only gets its turn when all is done finds nothing to take and lets go.
// The caller waits only for chunks that run at this moment on other threads, never for one that is queued; so loops
// may nest, and be started from any number of actors, without a deadlock.
#include "base/alloc.h"
#include "runtime/sched.h"

typedef struct job {
  grove__sched *sched;
  size_t n; // constant, as fn and user
  void (*fn)(void *user, size_t i);
  void *user;
  _Atomic size_t next;    // the next chunk to be taken
  _Atomic size_t done;    // chunks that have returned
  _Atomic uint32_t count; // the caller and the helpers
} job;
typedef struct helper {
  grove__task task;
  job *job;
} helper;

static void let_go(job *j)
{
  // ORDER acq_rel: the last one sees all others done with the job before it frees. PAIRS itself.
  if (atomic_fetch_sub_explicit(&j->count, 1, memory_order_acq_rel) == 1) {
    grove__free(j->sched->o.allocator, j, sizeof *j);
  }
}

static bool take_one(job *j)
{
  // Relaxed: the job was published by the notify of its helper; chunks are told apart by the counter alone.
  size_t i = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
  if (i >= j->n) {
    return false;
  }
  j->fn(j->user, i);
  // ORDER release: the chunk's writes. PAIRS the acquire load in grove__parallel_for.
  atomic_fetch_add_explicit(&j->done, 1, memory_order_release);
  return true;
}

static grove__turn run_helper(grove__task *t, grove__worker *w)
{
  helper *h = GROVE__CONTAINER(t, helper, task);
  job *j = h->job;
  while (take_one(j)) {
    if (grove__worker_is_wanted(w)) {
      return GROVE__TURN_MORE;
    }
  }
  grove__free(j->sched->o.allocator, h, sizeof *h);
  let_go(j);
  return GROVE__TURN_GONE;
}

static const grove__task_kind helper_kind = {.run = run_helper};

static void add_helper(job *j)
{
  helper *h = grove__alloc(j->sched->o.allocator, sizeof *h);
  if (!h) {
    return; // the caller does that much more itself
  }
  grove__task_init(&h->task, &helper_kind);
  h->job = j;
  atomic_fetch_add_explicit(&j->count, 1, memory_order_relaxed); // the caller's count keeps the job
  grove__sched_offer(j->sched, &h->task);
}

void grove__parallel_for(grove__sched *s, size_t n, void (*fn)(void *user, size_t i), void *user)
{
  uint32_t width = grove__sched_width(s);
  job *j = n > 1 && width > 1 ? grove__alloc(s->o.allocator, sizeof *j) : NULL;
  if (!j) {
    for (size_t i = 0; i < n; i++) {
      fn(user, i);
    }
    return;
  }
  *j = (job){.sched = s, .n = n, .fn = fn, .user = user, .count = 1};
  for (size_t i = 1; i < width && i < n; i++) {
    add_helper(j);
  }
  while (take_one(j)) {}
  // ORDER acquire: the chunks' writes. PAIRS take_one.
  for (uint32_t spins = 0; atomic_load_explicit(&j->done, memory_order_acquire) < n; spins++) {
    if (spins > 100) {
      grove__thread_relax();
    }
  }
  let_go(j);
}
