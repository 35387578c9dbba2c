// grove_work: what code without threads is handed by an actor.
#include "actor/activation.h"

static void run_parallel(void *work_user, size_t n, void (*fn)(void *user, size_t i), void *user)
{
  grove__system *y = grove__system_of(work_user);
  grove__parallel_for(&y->sched, n, fn, user);
}

static grove_status run_yield(void *user)
{
  return grove_yield(user);
}

static void run_progress(void *user, double done, const char *text)
{
  grove__system *y;
  grove__activation *here;
  if (grove__enter(user, &y, &here) || !here || !here->cell) {
    return;
  }
  uint64_t bits;
  memcpy(&bits, &done, sizeof bits);
  grove__annex *x = grove__annex_make(here->cell);
  if (x) { // else nobody is shown it
    atomic_store_explicit(&x->progress, bits, memory_order_relaxed); // for people
  }
  if (text) {
    grove__note_set(here->cell, text);
  }
}

// Also from chunks, which run on other threads: so it looks at the activation without asking where it is.
static bool run_cancelled(void *user)
{
  grove *g = user;
  return g->kind == GROVE__HERE_ACTIVATION &&
         grove__activation_is_canceled(GROVE__CONTAINER(g, grove__activation, here));
}

void grove_work_init(grove *g, grove_work *out)
{
  grove__system *y = grove__system_of(g);
  memset(out, 0, sizeof *out);
  out->struct_size = (uint32_t)sizeof *out;
  if (!y) {
    return;
  }
  out->width = grove__sched_width(&y->sched);
  out->user = g;
  out->parallel_for = run_parallel;
  out->yield = run_yield;
  out->progress = run_progress;
  out->cancelled = run_cancelled;
}
