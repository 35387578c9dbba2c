// What the tests of the actors' semantics share: a runtime on each executor (rig), and actors whose methods each test
// writes itself (hand).
//
// A rig counts what the runtime allocates, how often it said freed and whose threads began and ended; rig_teardown
// stops it and checks the balance, so that every test is a test of leaks and of stop, too.
#ifndef GROVE_TESTS_ACTORS_H
#define GROVE_TESTS_ACTORS_H
#include "check.h"
#include <grove.h>
#include <grove/sim.h>
#include <stdatomic.h>
#include <unistd.h>
#include <uv.h>

// ---- runtimes ---------------------------------------------------------------------------------------
enum { ON_WORKERS, ON_LOOP, ON_SIMULATION, ON_HOW_MANY };
static const char *const rig_names[] = {"workers", "loop", "simulation"};

typedef struct rig {
  int kind;
  grove *g;
  uv_loop_t loop;
  grove_allocator allocator;
  grove_options used;
  atomic_llong bytes, blocks;
  atomic_int freed, threads_begun, threads_ended, lines;
  atomic_int stand_ins_begun, stand_ins_ended; // of those threads
  char log[16384];                             // what was logged, line by line
  size_t log_bytes;                            // under grove's own lock of the log
} rig;

static uint64_t rig_seed = 1;  ///< of the simulation at hand
static uint64_t rig_seeds = 1; ///< how many of them each test is run with
static rig *rig_now;           ///< while a test runs, or has failed

static void *rig_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  rig *r = user;
  if (!new_bytes) {
    if (p) {
      atomic_fetch_sub(&r->bytes, (long long)old_bytes);
      atomic_fetch_sub(&r->blocks, 1);
    }
    free(p);
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  if (q) {
    atomic_fetch_add(&r->bytes, (long long)new_bytes - (long long)old_bytes);
    atomic_fetch_add(&r->blocks, p == NULL);
  }
  return q;
}

static void rig_log(void *user, int level, const char *component, const char *text)
{
  rig *r = user;
  int n = snprintf(
      r->log + r->log_bytes, sizeof r->log - r->log_bytes, "%d %s: %s\n", level, component, text);
  if (n > 0 && r->log_bytes + (size_t)n < sizeof r->log) {
    r->log_bytes += (size_t)n;
  }
  atomic_fetch_add(&r->lines, 1);
}

static void rig_freed(void *user)
{
  atomic_fetch_add(&((rig *)user)->freed, 1);
}

static bool rig_is_stand_in(const char *name)
{
  return strncmp(name, "grove-stand-", 12) == 0;
}

static void rig_thread_start(void *user, const char *name)
{
  atomic_fetch_add(&((rig *)user)->threads_begun, 1);
  atomic_fetch_add(&((rig *)user)->stand_ins_begun, rig_is_stand_in(name));
}

static void rig_thread_stop(void *user, const char *name)
{
  atomic_fetch_add(&((rig *)user)->threads_ended, 1);
  atomic_fetch_add(&((rig *)user)->stand_ins_ended, rig_is_stand_in(name));
}

/// Starts the rig's runtime with `o` (NULL: 2 workers), on its executor, with everything counted.
static void rig_start(rig *r, const grove_options *o)
{
  r->allocator = (grove_allocator){rig_realloc, r};
  r->used = o ? *o : (grove_options){GROVE_OPTIONS, .workers = 2, .turn_warn_ms = 100000};
  r->used.struct_size = sizeof r->used;
  r->used.allocator = &r->allocator;
  r->used.log = rig_log;
  r->used.freed = rig_freed;
  r->used.thread_start = rig_thread_start;
  r->used.thread_stop = rig_thread_stop;
  r->used.user = r;
  r->used.simulate = r->kind == ON_SIMULATION;
  r->used.seed = r->used.seed || r->kind != ON_SIMULATION ? r->used.seed : rig_seed;
  if (r->kind == ON_LOOP) {
    assert_int_equal(uv_loop_init(&r->loop), 0);
    r->used.work_loop = &r->loop;
  }
  check_ok(grove_start(&r->used, &r->g));
}

/// After grove_stop: lets a loop give back what it has, and checks that nothing is left.
static void rig_check_gone(rig *r)
{
  if (r->kind == ON_LOOP) {
    uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
  }
  assert_int_equal(atomic_load(&r->freed), 1);
  assert_int_equal(atomic_load(&r->blocks), 0);
  assert_int_equal(atomic_load(&r->bytes), 0);
  assert_int_equal(atomic_load(&r->threads_begun), atomic_load(&r->threads_ended));
  r->g = NULL;
}

/// Stops it within 20 s, which no test should need, and checks that nothing is left.
static void rig_stop(rig *r)
{
  grove_stop_report report = {.struct_size = sizeof report};
  grove *g = r->g;
  r->g = NULL;
  grove_status s = grove_stop(g, 20000, &report);
  if (s) {
    print_error("stop: %s; busy: %u, first: %s in %s (%s)\n", grove_status_text(s), report.busy,
        report.first[0].name, report.first[0].method, report.first[0].state);
  }
  rig_check_gone(r);
  check_ok(s);
}

/// After a stop that timed out: until its last thread has returned, and has freed what was left.
GROVE_MAYBE_UNUSED static void rig_until_freed(rig *r)
{
  if (r->kind == ON_LOOP) {
    uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
  }
  for (int i = 0; i < 20000 && !atomic_load(&r->freed); i++) {
    check_pause();
  }
  assert_int_equal(atomic_load(&r->freed), 1);
  assert_int_equal(atomic_load(&r->blocks), 0);
  assert_int_equal(atomic_load(&r->bytes), 0);
  assert_int_equal(atomic_load(&r->threads_begun), atomic_load(&r->threads_ended));
  r->g = NULL;
}

/// grove_stop, after which the rig has no runtime: a check that fails must not stop it again.
GROVE_MAYBE_UNUSED static grove_status rig_end(rig *r, int64_t ms, grove_stop_report *report)
{
  grove *g = r->g;
  r->g = NULL;
  return grove_stop(g, ms, report);
}

/// Another runtime in the same rig, for tests that want options.
GROVE_MAYBE_UNUSED static void rig_restart(rig *r, const grove_options *o)
{
  rig_stop(r);
  atomic_store(&r->freed, 0);
  rig_start(r, o);
}

// One scenario, on some of the executors.
typedef struct rig_test {
  const char *name;
  void (*run)(void **state);
  unsigned kinds;
} rig_test;
enum {
  WORKERS = 1 << ON_WORKERS,
  LOOP = 1 << ON_LOOP,
  SIM = 1 << ON_SIMULATION,
  ONE_SEED = 1 << ON_HOW_MANY ///< what it does many times by itself, more seeds don't do better
};
#define ON(KINDS, TEST)                                                                            \
  {                                                                                                \
#TEST, TEST, KINDS                                                                             \
  }
#define EVERYWHERE(TEST) ON(WORKERS | LOOP | SIM, TEST)
#define THREADED(TEST) ON(WORKERS | LOOP, TEST)

typedef struct rig_case {
  const rig_test *test;
  int kind;
  uint64_t first_seed;
} rig_case;

// In simulation once for each seed; the name of one that fails is said by rig_after.
static void rig_run_case(void **state)
{
  const rig_case *c = *state;
  uint64_t n = c->kind == ON_SIMULATION && !(c->test->kinds & ONE_SEED) ? rig_seeds : 1;
  for (rig_seed = c->first_seed; n; rig_seed++, n--) {
    rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->kind = c->kind;
    rig_now = r;
    rig_start(r, NULL);
    void *it = r;
    c->test->run(&it);
    if (r->g) {
      rig_stop(r);
    }
    rig_now = NULL;
    free(r);
  }
}

static int rig_after(void **state)
{
  const rig_case *c = *state;
  rig *r = rig_now;
  if (!r) {
    return 0;
  }
  rig_now = NULL;
  if (c->kind == ON_SIMULATION) {
    print_error("failed with seed %llu; again: simulation %s --seed %llu\n",
        (unsigned long long)rig_seed, c->test->name, (unsigned long long)rig_seed);
  }
  if (r->g) {
    rig_stop(r);
  }
  free(r);
  return 0;
}

static int rig_usage(const char *program)
{
  fprintf(stderr,
      "usage: %s [workers | loop | simulation [PART OF A NAME]] [--seed FIRST] [--seeds COUNT]\n",
      program);
  return 2;
}

/// Runs each test on each of its executors. Arguments: [executor [part of a test's name]] [--seed FIRST]
/// [--seeds COUNT]: in simulation, each test runs once for each of so many seeds.
GROVE_MAYBE_UNUSED static int rig_run(int argc, char **argv, const rig_test *tests, size_t n)
{
  static const int kinds[] = {ON_WORKERS, ON_LOOP, ON_SIMULATION};
  static char names[3 * 64][96];
  static rig_case cases[3 * 64];
  struct CMUnitTest all[3 * 64];
  const char *only[2] = {NULL, NULL};
  uint64_t first = 1;
  size_t count = 0, given = 0;
  for (int i = 1; i < argc; i++) {
    bool seed = strcmp(argv[i], "--seed") == 0, seeds = strcmp(argv[i], "--seeds") == 0;
    if ((seed || seeds) && i + 1 < argc) {
      *(seed ? &first : &rig_seeds) = strtoull(argv[++i], NULL, 0);
    } else if (!seed && !seeds && given < 2) {
      only[given++] = argv[i];
    } else {
      return rig_usage(argv[0]);
    }
  }
  if (!first || !rig_seeds) {
    return rig_usage(argv[0]);
  }
  for (int k = 0; k < ON_HOW_MANY; k++) {
    for (size_t i = 0; i < n && count < 3 * 64; i++) {
      bool wanted = tests[i].kinds & (1u << k);
      wanted = wanted && (!only[0] || strcmp(only[0], rig_names[k]) == 0);
      if (wanted && (!only[1] || strstr(tests[i].name, only[1]))) {
        snprintf(names[count], sizeof names[count], "%s on %s", tests[i].name, rig_names[k]);
        cases[count] = (rig_case){&tests[i], kinds[k], first};
        all[count] =
            (struct CMUnitTest){names[count], rig_run_case, NULL, rig_after, &cases[count]};
        count++;
      }
    }
  }
  return count ? _cmocka_run_group_tests("actors", all, count, NULL, NULL) : rig_usage(argv[0]);
}

/// Lets the runtime work until `counter` is at least `want`: a loop is run, a simulation is stepped. No test should
/// need the 20 s after which it fails.
GROVE_MAYBE_UNUSED static void rig_until(rig *r, atomic_int *counter, int want)
{
  for (int tries = 0; atomic_load(counter) < want; tries++) {
    if (tries == 20000) {
      print_error("waited for %d, is %d\n", want, atomic_load(counter));
      fail();
    }
    if (r->kind == ON_LOOP) {
      uv_run(&r->loop, UV_RUN_NOWAIT);
    }
    if (grove_sleep(r->g, 1)) { // in simulation, this is what runs it
      fail();
    }
  }
}

/// Joins threads that call grove while a loop, if there is one, is run.
typedef struct rig_threads {
  uv_thread_t id[16];
  atomic_int ended;
  int n;
} rig_threads;
GROVE_MAYBE_UNUSED static void rig_join(rig *r, rig_threads *t)
{
  rig_until(r, &t->ended, t->n);
  for (int i = 0; i < t->n; i++) {
    uv_thread_join(&t->id[i]);
  }
}

// ---- hands: actors whose methods the test writes -----------------------------------------------------
typedef struct hand_state hand_state;
/// What a hand does when it is told to: run(self, state, user, reply).
typedef grove_status hand_fn(grove *self, hand_state *state, void *user, long *reply);
typedef struct hand_job {
  hand_fn *run;
  void *user;
} hand_job;
/// What a hand is: all of it may be NULL.
typedef struct hand_plan {
  hand_fn *start;
  void (*stop)(grove *self, hand_state *state, grove_status why);
  void (*destroy)(hand_state *state);
  void *user;
} hand_plan;
struct hand_state {
  hand_plan plan;
  long number; // the test's own, as the rest
  void *memory;
  grove_future future;
  grove_promise promise;
};
GROVE_TYPE(hand_job)
GROVE_TYPE(hand_plan)

#define HAND_METHODS(START, METHOD, C)                                                             \
  START(C, hand_plan)                                                                              \
  METHOD(C, run, hand_job, long)                                                                   \
  METHOD(C, high, hand_job, long, GROVE_METHOD_HIGH)                                               \
  METHOD(C, leaf, hand_job, long, GROVE_METHOD_LEAF)                                               \
  METHOD(C, finish, hand_job, long, GROVE_METHOD_FINISH)

GROVE_MAYBE_UNUSED static grove_status hand_do_start(grove *self, hand_state *s, const hand_plan *plan)
{
  long unused;
  s->plan = *plan;
  return plan->start ? plan->start(self, s, plan->user, &unused) : GROVE_OK;
}
GROVE_MAYBE_UNUSED static grove_status hand_do(grove *self, hand_state *s, const hand_job *job, long *reply)
{
  return job->run(self, s, job->user, reply);
}
GROVE_MAYBE_UNUSED static void hand_do_stop(grove *self, void *state, grove_status why)
{
  hand_state *s = state;
  if (s->plan.stop) {
    s->plan.stop(self, s, why);
  }
}
GROVE_MAYBE_UNUSED static void hand_do_destroy(void *state)
{
  hand_state *s = state;
  if (s->plan.destroy) {
    s->plan.destroy(s);
  }
}

/// HANDS(C, .mailbox = 4): a class of hands with fields of grove_class. Before it: #define C_LIST(S, M)
/// HAND_METHODS(S, M, C)
#define HANDS(C, ...)                                                                              \
  struct C {                                                                                       \
    hand_state s;                                                                                  \
  };                                                                                               \
  GROVE_ACTOR_WITH(C##_LIST, C, .stop = hand_do_stop, .destroy = hand_do_destroy, __VA_ARGS__)     \
  static grove_status C##_start(grove *self, struct C *c, const hand_plan *plan)                   \
  {                                                                                                \
    return hand_do_start(self, &c->s, plan);                                                       \
  }                                                                                                \
  HAND__METHOD(C, run)                                                                             \
  HAND__METHOD(C, high)                                                                            \
  HAND__METHOD(C, leaf)                                                                            \
  HAND__METHOD(C, finish)
#define HAND__METHOD(C, M)                                                                         \
  static grove_status C##_##M(grove *self, struct C *c, const hand_job *job, long *reply)          \
  {                                                                                                \
    return hand_do(self, &c->s, job, reply);                                                       \
  }

#define hand_LIST(S, M) HAND_METHODS(S, M, hand)
#if defined(ACTORS_OF_ANOTHER_FILE) // of a test's several files one has the class
struct hand {
  hand_state s;
};
GROVE_INTERFACE(hand_LIST, hand)
#else
HANDS(hand, .mailbox = 0)
#endif

/// A plain hand.
GROVE_MAYBE_UNUSED static grove_ref spawn_hand(grove *g)
{
  return grove_spawn(g, &hand_class, &(hand_plan){NULL, NULL, NULL, NULL}, NULL);
}
GROVE_MAYBE_UNUSED static grove_ref spawn_plan(
    grove *g, hand_plan plan, const grove_spawn_options *o)
{
  return grove_spawn(g, &hand_class, &plan, o);
}
/// Of another class of hands, with its `run`, `high` … as methods.
GROVE_MAYBE_UNUSED static grove_ref spawn_of(grove *g, const grove_class *c)
{
  return grove_spawn(g, c, &(hand_plan){NULL, NULL, NULL, NULL}, NULL);
}
enum { M_RUN, M_HIGH, M_LEAF, M_FINISH };
GROVE_MAYBE_UNUSED static grove_future ask_of(
    grove *g, grove_ref to, const grove_method *m, hand_fn *run, void *user)
{
  return grove_call(g, to, m, &(hand_job){run, user});
}
GROVE_MAYBE_UNUSED static grove_future ask(grove *g, grove_ref to, hand_fn *run, void *user)
{
  return ask_of(g, to, &hand_run_method, run, user);
}
GROVE_MAYBE_UNUSED static grove_status tell(grove *g, grove_ref to, hand_fn *run, void *user)
{
  return grove_send(g, to, &hand_run_method, &(hand_job){run, user});
}
/// Calls and waits for the reply, which must come: as long as a test may take.
GROVE_MAYBE_UNUSED static grove_status ask_and_get(
    grove *g, grove_ref to, hand_fn *run, void *user, long *reply, grove_error *err)
{
  long unused;
  return grove_get(g, ask(g, to, run, user), 20000, reply ? reply : &unused, sizeof(long), err);
}

// ---- jobs that many tests need ------------------------------------------------------------------------
/// Adds 1 to an atomic_int.
GROVE_MAYBE_UNUSED static grove_status job_count(grove *self, hand_state *s, void *user, long *r)
{
  (void)self, (void)s;
  *r = atomic_fetch_add((atomic_int *)user, 1) + 1;
  return GROVE_OK;
}
/// Gives the number that was given.
GROVE_MAYBE_UNUSED static grove_status job_echo(grove *self, hand_state *s, void *user, long *r)
{
  (void)self, (void)s;
  *r = (long)(intptr_t)user;
  return GROVE_OK;
}
GROVE_MAYBE_UNUSED static grove_status job_crash(grove *self, hand_state *s, void *user, long *r)
{
  (void)s, (void)r;
  return grove_crash(self, GROVE_EUSER, "%s", user ? (const char *)user : "it fell");
}
/// Takes the promise of the call, and never answers.
GROVE_MAYBE_UNUSED static grove_status job_take(grove *self, hand_state *s, void *user, long *r)
{
  (void)user, (void)r;
  return grove_promise_take(self, &s->promise);
}
/// A hold: a method that says that it has begun and waits until it is let go, without knowing grove. Its thread is
/// blocked, so never in simulation.
typedef struct hold {
  uv_sem_t sem;
  atomic_int begun;
} hold;
GROVE_MAYBE_UNUSED static void hold_init(hold *h)
{
  assert_int_equal(uv_sem_init(&h->sem, 0), 0);
  atomic_init(&h->begun, 0);
}
GROVE_MAYBE_UNUSED static void hold_let_go(hold *h)
{
  uv_sem_post(&h->sem);
}
GROVE_MAYBE_UNUSED static grove_status job_hold(grove *self, hand_state *s, void *user, long *r)
{
  (void)self, (void)s;
  hold *h = user;
  atomic_fetch_add(&h->begun, 1);
  uv_sem_wait(&h->sem);
  *r = 1;
  return GROVE_OK;
}
/// A pause: a method that waits in grove for a promise of the test's, so anywhere. Gives what it waits with.
typedef struct pause_point {
  grove_promise promise;
  grove_future future; // the test's own end, to be dropped
  atomic_int begun, ended;
} pause_point;
static const grove_type *const long_type = &grove_type_of_long;
GROVE_MAYBE_UNUSED static grove_status job_pause(grove *self, hand_state *s, void *user, long *r)
{
  pause_point *p = user;
  grove_future f;
  (void)s;
  grove_status status = grove_promise_create(self, long_type, &p->promise, &f);
  if (status) {
    return status;
  }
  atomic_fetch_add(&p->begun, 1);
  status = grove_get(self, f, GROVE_FOREVER, r, sizeof *r, NULL);
  atomic_fetch_add(&p->ended, 1);
  return status;
}
GROVE_MAYBE_UNUSED static void pause_end(grove *g, pause_point *p, long value)
{
  check_ok(grove_promise_answer(g, p->promise, GROVE_OK, &value, sizeof value));
}
#endif
