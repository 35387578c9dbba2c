// The scheduler in simulation: one thread, the caller's, and a seed that chooses what runs next.
#include "base/alloc.h"
#include "base/random.h"
#include "runtime/sched.h"

grove_status grove__sim_init(grove__sched *s)
{
  s->sim_random = s->o.seed ^ 0x51a7e5eedu;
  GROVE__TRY(grove__worker_create(s, GROVE__PLACE_WORKERS, 0, &s->worker[0]));
  grove__worker *w = s->worker[0];
  w->native.worker = w;
  grove_status status = grove__sim_reserve(s, 1);
  if (!status) {
    status = grove__fiber_of_thread(s->stacks, &w->native.fiber);
  }
  if (!status) {
    status = grove__sched_reserve(w);
  }
  if (status) {
    return status; // the caller's grove__sim_deinit undoes what was done
  }
  atomic_store_explicit(&s->worker_count, 1, memory_order_relaxed); // one thread
  return GROVE_OK;
}

void grove__sim_deinit(grove__sched *s)
{
  grove__worker *w = s->worker[0];
  if (w) {
    grove__worker_destroy(w);
  }
  grove__free(s->o.allocator, s->sim_ready, s->sim_room * sizeof *s->sim_ready);
}

grove_status grove__sim_reserve(grove__sched *s, size_t tasks)
{
  size_t room = s->sim_room ? s->sim_room : 64;
  while (room < tasks) {
    room *= 2;
  }
  if (room > s->sim_room) {
    grove__task **more = grove__realloc(
        s->o.allocator, s->sim_ready, s->sim_room * sizeof *more, room * sizeof *more);
    if (!more) {
      return GROVE_ENOMEM;
    }
    s->sim_ready = more;
    s->sim_room = room;
  }
  return GROVE_OK;
}

// Can't fail: room was made when the task was.
void grove__sim_put(grove__sched *s, grove__task *t)
{
  s->sim_ready[s->sim_count++] = t;
}

size_t grove__sim_runnable(const grove__sched *s)
{
  return s->sim_count;
}

// Runs one in another strand than this, which comes back to this.
static bool run_one(grove__sched *s, grove__worker *w)
{
  if (s->sim_count == 0 || grove__sched_reserve(w)) {
    return false;
  }
  size_t i = (size_t)grove__random_below(&s->sim_random, s->sim_count);
  grove__task *t = s->sim_ready[i];
  // Order of the others stays, so that a schedule depends on the seed alone.
  memmove(s->sim_ready + i, s->sim_ready + i + 1, (--s->sim_count - i) * sizeof *s->sim_ready);
  grove__strand *strand = w->idle;
  w->idle = strand->next;
  w->idle_count--;
  w->first = t;
  grove__worker_skip(w); // time that was moved between two turns is nobody's
  grove__strand_go(w, strand);
  return true;
}

bool grove__sim_turn(grove__sched *s)
{
  grove__worker *w = s->worker[0];
  if (grove__sched_here(s) || grove__key_set(&s->key, w)) {
    return false;
  }
  grove__worker_stand(w, &w->native);
  bool ran = run_one(s, w);
  grove__key_set(&s->key, NULL);
  grove__worker_stand(w, NULL);
  return ran;
}

bool grove__sim_turn_within(grove__worker *w)
{
  grove__strand *back = w->back;
  grove__task *task = w->task;
  void *context = w->context;
  w->back = w->self;
  w->context = NULL;
  bool ran = run_one(w->sched, w);
  w->back = back;
  w->task = task;
  w->context = context;
  return ran;
}
