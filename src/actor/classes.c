// What is counted by class and by worker, for people.
#include "actor/activation.h"
#include "base/options.h"

static uint64_t seen(const _Atomic uint64_t *n)
{
  return atomic_load_explicit(n, memory_order_relaxed); // relaxed: a statistic
}

static void fill_class(const grove__kind *k, grove_class_stats *o)
{
  memset(o, 0, sizeof *o);
  memcpy(o->class_name, k->name, sizeof o->class_name);
  o->of_class = k->manner.class;
  // What comes of a message is read before what was sent, and so is never more.
  o->handled = grove__tally_sum(k->line, k->lines, GROVE__TALLY_HANDLED);
  o->failed = grove__tally_sum(k->line, k->lines, GROVE__TALLY_FAILED);
  o->ticks = grove__tally_sum(k->line, k->lines, GROVE__TALLY_TICKS);
  o->ticks_missed = seen(&k->missed);
  o->crashed = seen(&k->crashed);
  o->dropped_dead = seen(&k->lost[GROVE__LOST_DEAD]);
  o->dropped_full = seen(&k->lost[GROVE__LOST_FULL]);
  o->dropped_expired = seen(&k->lost[GROVE__LOST_EXPIRED]);
  o->dropped_canceled = seen(&k->lost[GROVE__LOST_CANCELED]);
  o->calls = grove__tally_sum(k->line, k->lines, GROVE__TALLY_CALLS);
  o->sent = o->calls + grove__tally_sum(k->line, k->lines, GROVE__TALLY_SENDS);
  o->refused = seen(&k->refused);
  o->dead_letters = seen(&k->dead);
  o->ended = grove__tally_sum(k->line, k->lines, GROVE__TALLY_ENDED);
  o->spawned = grove__tally_sum(k->line, k->lines, GROVE__TALLY_SPAWNED);
  o->alive = (uint32_t)(o->spawned - o->ended);
  o->restarts = seen(&k->restarts);
  o->busy_ns = grove__tally_sum(k->line, k->lines, GROVE__TALLY_BUSY_NS);
  o->turns = grove__tally_sum(k->line, k->lines, GROVE__TALLY_TURNS);
  o->timed = seen(&k->ran.total);
  o->wait_p50_ns = grove__durations_at(&k->waited, 0.5);
  o->wait_p99_ns = grove__durations_at(&k->waited, 0.99);
  o->wait_max_ns = seen(&k->waited.most);
  o->run_p50_ns = grove__durations_at(&k->ran, 0.5);
  o->run_p99_ns = grove__durations_at(&k->ran, 0.99);
  o->run_max_ns = seen(&k->ran.most);
}

grove_status grove_class_stats_get(grove *g, const grove_class *of, grove_class_stats *out)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!of || !out) {
    return GROVE_EINVAL;
  }
  grove__kind *k = grove__kind_find(y, of);
  if (!k) {
    return GROVE_ENOENT;
  }
  grove_class_stats full;
  fill_class(k, &full);
  return grove__stats_write(out, sizeof full, &full);
}

grove_status grove_classes(
    grove *g, grove_class_stats *out, size_t each, size_t room, size_t *total)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!total || !grove__stats_rows_fit(out, each, room)) {
    return GROVE_EINVAL;
  }
  size_t n = 0;
  for (int i = 0; i < GROVE__KINDS; i++) {
    // ORDER acquire, PAIRS grove__kind_of.
    const grove__kind *k = atomic_load_explicit(&y->kinds[i], memory_order_acquire);
    for (; k; k = k->next) {
      if (n < room) {
        grove_class_stats full;
        fill_class(k, &full);
        grove__stats_write_row(out, each, n, sizeof full, &full);
      }
      n++;
    }
  }
  *total = n;
  return GROVE_OK;
}

grove_status grove_workers(
    grove *g, grove_worker_stats *out, size_t each, size_t room, size_t *total)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!total || !grove__stats_rows_fit(out, each, room)) {
    return GROVE_EINVAL;
  }
  // ORDER acquire, PAIRS start_worker_locked: the pointers below the count are there.
  uint32_t n = atomic_load_explicit(&y->sched.worker_count, memory_order_acquire);
  for (uint32_t i = 0; i < n && i < room; i++) {
    const grove__worker *w = y->sched.worker[i];
    grove_worker_stats full = {.index = i,
        .busy = atomic_load_explicit(&w->busy, memory_order_relaxed), // relaxed, all: statistics
        .queued = grove__run_queue_length(&w->queue),
        .busy_ns = seen(&w->busy_ns),
        .turns = seen(&w->turns),
        .steals = seen(&w->steals),
        .parks = seen(&w->parks)};
    grove__stats_write_row(out, each, i, sizeof full, &full);
  }
  *total = n;
  return GROVE_OK;
}
