// Where one stands, the log, and the runtime's memory.
#include "actor/future.h"
#include "actor/recent.h"
#include "actor/runs.h"
#include <stdarg.h>
#include <stdio.h>

grove__system *grove__system_of(grove *g)
{
  return g && (g->kind == GROVE__HERE_RUNTIME || g->kind == GROVE__HERE_ACTIVATION) ? g->system
                                                                                    : NULL;
}

grove_status grove__enter_slowly(grove *g, grove__system **system, grove__activation **here)
{
  grove__system *y = grove__system_of(g);
  *system = y;
  *here = NULL;
  if (!y) {
    return GROVE_EINVAL;
  }
  if (grove__fork_mark_is_child(&y->fork)) {
    return GROVE_EFORKED;
  }
  grove__worker *w = grove__sched_here(&y->sched);
  *here = w ? w->context : NULL;
  if (g->kind == GROVE__HERE_ACTIVATION && (!*here || &(*here)->here != g)) {
    *here = NULL;
    return GROVE_EINVAL; // the view of a method that does not run here
  }
  return GROVE_OK;
}

static void write_line(grove__system *y, int level, const char *component, const char *text)
{
  grove__mutex_lock(&y->log_lock);
  y->options.log(y->options.user, level, component, text);
  grove__mutex_unlock(&y->log_lock);
}

void grove__log(grove__system *y, int level, const char *component, const char *format, ...)
{
  char line[512];
  if (!y->options.log || level < y->options.log_level) {
    return;
  }
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  write_line(y, level, component, line);
}

void grove_log(grove *g, int level, const char *format, ...)
{
  grove__system *y;
  grove__activation *here;
  char line[512];
  if (grove__enter(g, &y, &here) || level < y->options.log_level ||
      (!y->options.log && !grove__wants(y, GROVE__WANTED_EVENT(GROVE_EVENT_LOG)))) {
    return;
  }
  size_t used = 0;
  if (here && here->cell) {
    char title[112];
    grove__cell_title(here->cell, title, sizeof title);
    used = (size_t)snprintf(line, sizeof line, "%s: ", title);
  }
  va_list args;
  va_start(args, format);
  vsnprintf(line + used, sizeof line - used, format, args);
  va_end(args);
  GROVE__EVENT(y, GROVE_EVENT_LOG, here ? here->cell : NULL, GROVE_OK, level, NULL, line + used);
  if (y->options.log) {
    write_line(y, level, here ? "actor" : "host", line);
  }
}

// ---- the last one frees ------------------------------------------------------------------------------

static void free_tables(grove__system *y)
{
  grove__free(grove__memory_of(y->memory, GROVE__MEMORY_RUNTIME), y->names,
      y->name_buckets * sizeof *y->names);
  grove__deaths_free(grove__memory_of(y->memory, GROVE__MEMORY_WATCH), y->deaths);
  grove__runs_free(grove__memory_of(y->memory, GROVE__MEMORY_WATCH), y->runs);
  grove__recent_free(grove__memory_of(y->memory, GROVE__MEMORY_WATCH), y->recent);
}

// What was allocated has been given back, but for shared data, which may outlive the runtime: a leak of ours, or of
// an application that used the runtime's allocator, gets a line in the log. `watched` stays with feeds.
static void check_balance(grove__system *y, uint64_t watched)
{
  static const char *const part[GROVE__MEMORY_PARTS] = {"the runtime", "actors", "messages",
      "futures", "shared data", "observation", "the application"};
  grove__memory_note(y->memory, GROVE__MEMORY_RUNTIME, -(int64_t)GROVE__SYSTEM_BYTES);
  for (uint32_t i = 0; i < GROVE__MEMORY_PARTS; i++) {
    uint64_t left = grove__memory_bytes(y->memory, i);
    left -= i == GROVE__MEMORY_WATCH ? watched : 0;
    if (left && i != GROVE__MEMORY_SHARED && y->options.log &&
        y->options.log_level <= GROVE_LOG_WARN) {
      char line[120];
      snprintf(line, sizeof line, "%llu bytes of %s were not given back", (unsigned long long)left,
          part[i]);
      y->options.log(y->options.user, GROVE_LOG_WARN, "memory", line); // no other thread is left
    }
  }
}

static void free_system(grove__system *y)
{
  grove_allocator a = y->host_allocator;
  void (*freed)(void *user) = y->options.freed;
  void *user = y->options.user;
  // An outside thread gives its part back under this lock, and is out of it soon: see grove__outside_leave.
  grove__mutex_lock(&y->end_lock);
  grove__mutex_unlock(&y->end_lock);
  grove__sched_deinit(&y->sched);
  grove__slab_deinit(&y->futures);
  grove__slab_deinit(&y->cells);
  grove__annexes_deinit(y);
  if (y->has_notify) {
    grove__notify_deinit(&y->notify);
  }
  grove__cond_deinit(&y->end_cond);
  grove__future_lots_deinit(y);
  grove__mutex *locks[] = {&y->names_lock, &y->outside_lock, &y->graph_lock, &y->deaths_lock,
      &y->runs_lock, &y->recent_lock, &y->holders_lock, &y->sweep_lock, &y->log_lock, &y->random_lock, &y->end_lock};
  for (size_t i = 0; i < GROVE__COUNT(locks); i++) {
    grove__mutex_deinit(locks[i]);
  }
  free_tables(y);
  grove__kinds_free(y);
  grove__fork_mark_deinit(&y->fork);
  check_balance(y, grove__hub_leave(y));
  y->memory->host =
      a; // of what outlives the runtime; in simulation it had one that knows the runtime
  grove__ledger_let_go(y->ledger);
  grove__free_lines(&a, y, sizeof *y);
  if (freed) {
    freed(user);
  }
}

void grove__system_part(grove__system *y)
{
  // ORDER acq_rel: all others are done with the runtime before the last one frees it. PAIRS itself.
  if (atomic_fetch_sub_explicit(&y->parts, 1, memory_order_acq_rel) == 1) {
    free_system(y);
  }
}

void grove__outside_leave(grove__system *y)
{
  bool tells = grove__stopping(y), last; // one that did not see it yet is seen to be out by a look now and then
  if (tells) {
    grove__mutex_lock(&y->end_lock);
  }
  // ORDER acq_rel: as grove__system_part. Nothing of the runtime is looked at after it, or, with the lock, once that is let go:
  // free_system takes it before it frees.
  last = atomic_fetch_sub_explicit(&y->parts, GROVE__PART_OUTSIDE, memory_order_acq_rel) == GROVE__PART_OUTSIDE;
  if (tells) {
    grove__cond_broadcast(&y->end_cond);
    grove__mutex_unlock(&y->end_lock);
  }
  if (last) {
    free_system(y);
  }
}

// Whatever the parent's threads held when it forked is held for ever here; so no lock is taken, nothing is waited
// for, and what only the parent's threads could give back (stacks, actors' states) goes with the process.
void grove__system_forget(grove__system *y)
{
  grove_allocator a = y->host_allocator;
  grove__blocks_deinit(&y->sched.blocks);
  grove__slab_forget(&y->futures);
  grove__slab_forget(&y->cells);
  grove__slab_forget(&y->annexes);
  free_tables(y);
  grove__kinds_free(y);
  grove__fork_mark_deinit(&y->fork);
  y->memory->host = a; // simulation's stands in what is freed here, and feeds have theirs for longer
  grove__hub_forget(y);
  grove__ledger_let_go(y->ledger);
  grove__free_lines(&a, y, sizeof *y);
}

const grove_allocator *grove_runtime_allocator(grove *g)
{
  grove__system *y = grove__system_of(g);
  return y ? grove__memory_of(y->memory, GROVE__MEMORY_USER) : NULL;
}
