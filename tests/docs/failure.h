// What the tests of the table in docs/guide/failure.md need: an actor that does what it is told, and leaves marks.
#ifndef GROVE_TESTS_FAILURE_H
#define GROVE_TESTS_FAILURE_H
#include "check.h"
#include <grove/test.h>

enum { SEEDS = 20 };

// An actor that does what the test says, and leaves marks of what happened to it.
struct worker {
  long lives;
  grove_promise promise;
};
typedef grove_status act_fn(grove *self, struct worker *w, void *user, long *reply);
typedef struct act {
  act_fn *run;
  void *user;
} act;
GROVE_TYPE(act)
#define WORKER(START, METHOD, C)                                                                   \
  START(C, grove_none)                                                                             \
  METHOD(C, run, act, long) METHOD(C, finish, act, long, GROVE_METHOD_FINISH)
#define WORKER_LIST(START, METHOD) WORKER(START, METHOD, worker)
static grove_status count(grove *self, struct worker *w, void *user, long *reply);
static void worker_stop(grove *self, void *state, grove_status why);
static void worker_destroy(void *state);
GROVE_ACTOR_WITH(WORKER_LIST, worker, .stop = worker_stop, .destroy = worker_destroy)

static struct {
  int starts, stops, destroys, ran, canceled;
  int starts_that_fail; // that many, before one goes well
  grove_status why;
} seen;
static int64_t slow_start;      // how long a start sleeps, or fails with that
static worker_ref call_in_stop; // whom a stop asks

static grove_status worker_start(grove *self, struct worker *w, const grove_none *none)
{
  (void)none;
  w->lives = ++seen.starts;
  if (seen.starts_that_fail > 0) {
    seen.starts_that_fail--;
    return grove_fail(self, GROVE_ENOENT, "no database");
  }
  return slow_start ? grove_sleep(self, slow_start) : GROVE_OK;
}
static void worker_stop(grove *self, void *state, grove_status why)
{
  (void)state;
  seen.stops++;
  seen.why = why;
  if (call_in_stop.ref.which) {
    long reply;
    seen.why = worker_run_ask(self, call_in_stop, (act){count, NULL}, 1000, &reply, NULL);
  }
}
static void worker_destroy(void *state)
{
  (void)state;
  seen.destroys++;
}
static grove_status worker_run(grove *self, struct worker *w, const act *a, long *reply)
{
  return a->run(self, w, a->user, reply);
}
static grove_status worker_finish(grove *self, struct worker *w, const act *a, long *reply)
{
  return a->run(self, w, a->user, reply);
}

// ---- what it can be told to do ------------------------------------------------------------------------
static grove_status count(grove *self, struct worker *w, void *user, long *reply)
{
  (void)self, (void)user;
  *reply = w->lives;
  seen.ran++;
  return GROVE_OK;
}
GROVE_MAYBE_UNUSED static grove_status give_an_error(
    grove *self, struct worker *w, void *user, long *reply)
{
  (void)w, (void)user, (void)reply;
  return grove_fail(self, GROVE_EUSER, "no such account");
}
GROVE_MAYBE_UNUSED static grove_status crash(grove *self, struct worker *w, void *user, long *reply)
{
  (void)w, (void)user, (void)reply;
  return grove_crash(self, GROVE_EUSER, "the heap is wrong");
}
// Sleeps *user milliseconds, and passes on what that gave.
GROVE_MAYBE_UNUSED static grove_status nap(grove *self, struct worker *w, void *user, long *reply)
{
  grove_status s = grove_sleep(self, *(int64_t *)user);
  seen.canceled += s == GROVE_ECANCELED;
  *reply = w->lives;
  return s;
}
// The same, but does not give up: it has a value all the same.
GROVE_MAYBE_UNUSED static grove_status nap_and_answer(
    grove *self, struct worker *w, void *user, long *reply)
{
  (void)!nap(self, w, user, reply);
  return GROVE_OK;
}
// The same, but it has an error of its own to tell.
GROVE_MAYBE_UNUSED static grove_status nap_and_complain(
    grove *self, struct worker *w, void *user, long *reply)
{
  (void)!nap(self, w, user, reply);
  return grove_fail(self, GROVE_EUSER, "half of it is written");
}
GROVE_MAYBE_UNUSED static grove_status answer_later(
    grove *self, struct worker *w, void *user, long *reply)
{
  (void)user, (void)reply;
  return grove_promise_take(self, &w->promise);
}
GROVE_MAYBE_UNUSED static grove_status spawn_child(
    grove *self, struct worker *w, void *user, long *reply)
{
  (void)w, (void)reply;
  worker_ref *out = user;
  *out = worker_spawn(self, GROVE_NONE,
      &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_TRANSIENT, .max_restarts = 1,
          .backoff_min_ms = 1, .queue_ms = 1000});
  return GROVE_OK;
}
GROVE_MAYBE_UNUSED static grove_status link_with(
    grove *self, struct worker *w, void *user, long *reply)
{
  (void)w, (void)reply;
  return grove_link(self, *(grove_ref *)user);
}

GROVE_MAYBE_UNUSED static int64_t ms_1000 = 1000, ms_long = 100000;

// ---- what all rows need -------------------------------------------------------------------------------
typedef struct row {
  grove *g;
  worker_ref w;
  grove_future down;
  grove_error err;
  long reply;
} row;

GROVE_MAYBE_UNUSED static row begin(const grove_spawn_options *o, int starts_that_fail)
{
  memset(&seen, 0, sizeof seen);
  seen.starts_that_fail = starts_that_fail;
  row r = {.g = grove_test_start(NULL)};
  r.w = worker_spawn(r.g, GROVE_NONE, o);
  r.down = grove_monitor(r.g, r.w.ref);
  return r;
}
GROVE_MAYBE_UNUSED static worker_run_future ask(row *r, act_fn *run, void *user)
{
  return worker_run_call(r->g, r->w, (act){run, user});
}
GROVE_MAYBE_UNUSED static grove_status get(row *r, worker_run_future f)
{
  return worker_run_get(r->g, f, GROVE_FOREVER, &r->reply, &r->err);
}
// The monitor fires, with that status and after so many restarts.
GROVE_MAYBE_UNUSED static void ends(row *r, grove_status why, uint32_t restarts)
{
  grove_error down;
  assert_grove_ok(grove_get(r->g, r->down, GROVE_FOREVER, &down, sizeof down, &r->err), &r->err);
  assert_grove_status(down.status, why, &down);
  assert_int_equal(down.restarts, restarts);
  assert_true(grove_ref_equal(down.who, r->w.ref));
  assert_grove_status(get(r, ask(r, count, NULL)), GROVE_ENOACTOR, &r->err);
}
GROVE_MAYBE_UNUSED static void lives(row *r)
{
  assert_false(grove_ended(r->g, r->down));
  assert_grove_ok(get(r, ask(r, count, NULL)), &r->err);
  grove_drop(r->g, r->down);
}

GROVE_MAYBE_UNUSED static const grove_spawn_options
    transient = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 100},
    queueing = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 100, .queue_ms = 5000},
    impatient = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 4000,
        .backoff_max_ms = 4000, .queue_ms = 10},
    forgetful = {GROVE_SPAWN, .restart = GROVE_TRANSIENT, .flags = GROVE_SPAWN_DROP_MAILBOX};

#endif
