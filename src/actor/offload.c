// Tasks and offloaded functions: code without an actor of its own.
#include "actor/birth.h"
#include "actor/future.h"
#include "actor/run.h"
#include <stdio.h>

// ---- tasks: an actor of one message --------------------------------------------------------------------

struct nothing {
  char none;
};
static const grove_type none_type = {
    sizeof(grove_type), sizeof(grove_none), "grove_none", GROVE_TYPE_PLAIN, 0, NULL, NULL, NULL};
static const grove_method *const no_methods[] = {NULL};
const grove_class grove__task_class = {.struct_size = sizeof(grove_class),
    .state_bytes = sizeof(struct nothing),
    .name = "task",
    .start_arg = &none_type,
    .methods = no_methods};

static grove_future fail_with(grove__system *y, grove__activation *here, grove_status s,
    const grove_method *m, const char *why)
{
  grove_error err;
  grove__error(&err, s, -1, "%.60s: %s", m && m->name ? m->name : "a function", why);
  return grove__future_of_failure(y, here, &err);
}

static grove_future fail(
    grove__system *y, grove__activation *here, grove_status s, const grove_method *m)
{
  char why[400];
  if (s == GROVE_EINVAL) {
    snprintf(why, sizeof why,
        "a method with `run`, `arg`, `reply` and no owner, and an argument are wanted");
  } else if (s == GROVE_ENOMEM || s == GROVE_ELIMIT) {
    grove__memory_words(y, s, why, sizeof why);
  } else {
    snprintf(why, sizeof why, "%s",
        s == GROVE_ECANCELED ? "the caller is to end" : grove_status_text(s));
  }
  return fail_with(y, here, s, m, why);
}

// No future to be had: of memory, or of those that outside threads may have.
static grove_future fail_without(
    grove__system *y, grove__activation *here, grove_status s, const grove_method *m)
{
  char why[160];
  if (s != GROVE_ELIMIT) {
    return fail(y, here, s, m);
  }
  grove__future_limit_words(y, why, sizeof why);
  return fail_with(y, here, s, m, why);
}

static bool is_function(const grove_method *m, const void *arg)
{
  return m && m->run && m->arg && m->reply && !m->owner && arg;
}

grove_future grove_task(grove *g, const grove_method *m, const void *arg)
{
  grove__system *y;
  grove__activation *here;
  grove__cell *c;
  grove_ref me;
  grove__message *x;
  grove__future *f;
  grove__refusal no;
  grove_status s = grove__enter(g, &y, &here);
  if (s) {
    return grove__future_failed(s, GROVE__WHY_UNKNOWN);
  }
  grove_future made;
  if (grove__task_quickly(here, m, arg, &made)) {
    return made;
  }
  s = is_function(m, arg) ? grove__spawn_allowed(y, here) : GROVE_EINVAL;
  if (s) {
    return fail(y, here, s, m);
  }
  s = grove__message_create(y, grove__stash_of(here), m, arg, grove__wants(y, GROVE__FOLLOWED), &x);
  if (s) {
    return fail(y, here, s, m);
  }
  s = grove__future_create(y, here, grove__stash_of(here), m->reply, true, &f);
  if (s) {
    grove__message_destroy(y, x);
    return fail_without(y, here, s, m);
  }
  grove_future h = grove__future_handle(f);
  s = grove__spawn(
      y, here && here->cell ? here->cell : y->root, &grove__task_class, &GROVE_NONE, NULL, m, &me, &no);
  if (s) {
    grove_error err;
    char why[400];
    grove__refusal_words(y, s, &no, why, sizeof why);
    grove__error(&err, s, -1, "%.60s as a task: %s", m->name, why);
    grove__message_destroy(y, x);
    grove__future_open(f);
    grove__future_end(f, s, NULL, &err);
    grove__future_let_go(f);
    return h;
  }
  f->to = me;
  f->method = m;
  grove__future_open_call(f, here ? here->deadline : INT64_MAX, INT64_MAX);
  x->future = f;
  bool there = !grove__cell_find(y, me, &c);
  grove__kind *kind = there ? grove__cell_kind(c) : NULL;
  if (kind && !atomic_load_explicit(&y->task_kind, memory_order_relaxed)) { // relaxed: it is made once
    atomic_store_explicit(&y->task_kind, grove__kind_of(y, &grove__task_class), memory_order_release); // ORDER release, PAIRS grove__task_quickly
  }
  const grove__worker *w = here ? here->worker : NULL;
  uint8_t timed = kind ? grove__kind_timing(grove__kind_count(kind, w, GROVE__TALLY_CALLS, 1), c) : 0;
  x->letter.watched |= timed;
  x->letter.at = w && !timed && !y->options.simulate ? grove__worker_recent(w) : grove__now(y);
  if (there && grove__wants(y, GROVE__FOLLOWED)) {
    grove__message_follow(y, here, me, x);
  }
  if (!there ||
      grove__cell_push(c, me.which, &x->letter, true)) { // ended by its parent already
    grove_error err;
    if (kind) {
      grove__kind_count(kind, w, GROVE__TALLY_CALLS, UINT64_MAX); // one less
    }
    grove__error(&err, GROVE_EDEAD, -1, "%.60s: its parent ended", m->name);
    grove__message_destroy(y, x);
    grove__future_end(f, GROVE_EDEAD, NULL, &err);
    grove__future_let_go(f);
  }
  return h;
}

// ---- offload: a function on a thread that may block ---------------------------------------------------

typedef struct job {
  grove__task task;
  grove__system *system;
  grove__message *message; // with the future
} job;

static grove__turn run_job(grove__task *t, grove__worker *w)
{
  job *j = GROVE__CONTAINER(t, job, task);
  grove__system *y = j->system;
  grove__message *m = j->message;
  grove__future *f = m->future;
  grove__activation a;
  memset(&a, 0, sizeof a);
  a.here.kind = GROVE__HERE_ACTIVATION;
  a.stand.low = UINTPTR_MAX;
  a.here.system = y;
  a.worker = w;
  a.method = m->method;
  grove__future_lock(f);
  a.deadline = f->call_deadline;
  bool wanted = !f->ended && f->call_deadline > grove__now(y);
  f->begun = true;
  grove__future_set_running(f, wanted ? &a : NULL);
  grove__future_leave(f);
  atomic_fetch_sub_explicit(
      &y->offloaded, 1, memory_order_relaxed); // a bound, counted approximately
  uint32_t bytes = m->method->reply->bytes;
  void *reply =
      wanted ? grove__alloc_zero(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), bytes) : NULL;
  if (wanted) {
    w->context = &a;
    grove_status s = reply ? m->method->run(&a.here, NULL, m->argument, reply) : GROVE_ENOMEM;
    grove_error err;
    grove__futures_drop_all(&a.owned);
    if (s == GROVE_OK && grove__value_borrows(m->method->reply, reply)) {
      s = GROVE_EINVAL;
    }
    if (s && reply) { // what it put there before it failed is dropped
      grove__value_release(m->method->reply, reply);
    }
    if (s == GROVE_OK) {
      if (!grove__future_end(f, GROVE_OK, reply, NULL)) {
        grove__value_release(m->method->reply, reply);
      }
    } else {
      grove__activation_failure(&a, s, &err);
      grove__future_end(f, err.status, NULL, &err);
    }
    w->context = NULL;
    grove__free(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), a.words, sizeof *a.words);
  }
  grove__free(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), reply, bytes);
  if (!wanted) { // cancelled, or its time was up before it began
    grove_error late;
    grove__error(&late, GROVE_EEXPIRED, -1, "the call's deadline passed: %.60s waited for a thread",
        m->method->name);
    grove__future_end(f, GROVE_EEXPIRED, NULL, &late);
  }
  grove__future_let_go(f);
  grove__message_destroy(y, m);
  grove__free(grove__memory_of(y->memory, GROVE__MEMORY_RUNTIME), j, sizeof *j);
  return GROVE__TURN_GONE;
}

static void forget_job(job *j)
{
  grove__system *y = j->system;
  grove__future_let_go(j->message->future);
  grove__message_destroy(y, j->message);
  grove__free(grove__memory_of(y->memory, GROVE__MEMORY_RUNTIME), j, sizeof *j);
  atomic_fetch_sub_explicit(
      &y->offloaded, 1, memory_order_relaxed); // a bound, counted approximately
}

static const grove__task_kind job_kind = {.run = run_job, .place = GROVE__PLACE_OFFLOAD};

// The queue is full: those of its functions that nobody wants any more make room.
static void sweep(grove__system *y)
{
  grove__run_list all = grove__offload_take_all(&y->sched), kept = {NULL, NULL};
  grove__run_node *n;
  while ((n = grove__run_list_pop(&all))) {
    grove__task *t = GROVE__CONTAINER(n, grove__task, node);
    job *j = grove__task_kind_of(t) == &job_kind ? GROVE__CONTAINER(t, job, task) : NULL;
    bool wanted = true;
    if (j) {
      grove__future *f = j->message->future;
      grove__future_lock(f);
      wanted = !f->ended;
      grove__future_leave(f);
    }
    if (wanted) {
      grove__run_list_push(&kept, n);
    } else {
      forget_job(j);
    }
  }
  grove__offload_put_back(&y->sched, kept);
}

// A place among those that wait for a thread, which is the caller's to give back on failure.
static bool take_place(grove__system *y)
{
  // Relaxed: a bound, counted approximately.
  if (atomic_fetch_add_explicit(&y->offloaded, 1, memory_order_relaxed) <
      y->options.offload_queue) {
    return true;
  }
  if (!y->options.simulate) {
    sweep(y);
  }
  if (atomic_load_explicit(&y->offloaded, memory_order_relaxed) <= y->options.offload_queue) {
    return true;
  }
  atomic_fetch_sub_explicit(&y->offloaded, 1, memory_order_relaxed);
  return false;
}

grove_future grove_offload(grove *g, const grove_method *m, const void *arg)
{
  grove__system *y;
  grove__activation *here;
  grove__future *f;
  grove_status s = grove__enter(g, &y, &here);
  if (s) {
    return grove__future_failed(s, GROVE__WHY_UNKNOWN);
  }
  s = !is_function(m, arg)                          ? GROVE_EINVAL
      : !here && grove__stopping(y)                 ? GROVE_ECLOSED
      : here && grove__activation_is_canceled(here) ? GROVE_ECANCELED
                                                    : GROVE_OK;
  if (!s && !take_place(y)) {
    grove_error err;
    grove__error(&err, GROVE_EAGAIN, -1,
        "%.60s: %u functions wait for an offload thread already (offload_queue): raise it, or wait "
        "for some of them",
        m->name,
        (unsigned)y->options.offload_queue);
    return grove__future_of_failure(y, here, &err);
  }
  if (s) {
    return fail(y, here, s, m);
  }
  job *j = grove__alloc(grove__memory_of(y->memory, GROVE__MEMORY_RUNTIME), sizeof *j);
  bool no_future = false;
  s = j ? grove__offload_ensure(&y->sched) : GROVE_ENOMEM;
  if (!s && y->options.simulate) {
    s = grove__sim_reserve(&y->sched, grove__system_tasks(y));
  }
  if (!s) {
    s = grove__message_create(y, grove__stash_of(here), m, arg, false, &j->message);
  }
  if (!s) {
    s = grove__future_create(y, here, grove__stash_of(here), m->reply, true, &f);
    no_future = s != GROVE_OK;
    if (s) {
      grove__message_destroy(y, j->message);
    }
  }
  if (s) {
    grove__free(grove__memory_of(y->memory, GROVE__MEMORY_RUNTIME), j, sizeof *j);
    atomic_fetch_sub_explicit(&y->offloaded, 1, memory_order_relaxed);
    return no_future ? fail_without(y, here, s, m) : fail(y, here, s, m);
  }
  grove_future h = grove__future_handle(f);
  f->method = m;
  grove__future_open_call(f, here ? here->deadline : INT64_MAX, INT64_MAX);
  j->system = y;
  j->message->future = f;
  grove__task_init(&j->task, &job_kind);
  grove__sched_notify(&y->sched, &j->task);
  return h;
}
