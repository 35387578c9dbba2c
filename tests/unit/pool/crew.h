// What the pool's tests share: a class of members that can be held, made to die and counted, and a way to run one
// scenario on real workers and under many seeds.
#ifndef GROVE_TESTS_UNIT_POOL_CREW_H
#define GROVE_TESTS_UNIT_POOL_CREW_H
#include "check.h"
#include <grove.h>
#include <grove/sim.h>
#include <stdatomic.h>

// ---- a gate: `pass` ends once it is open ----------------------------------------------------------
struct gate {
  grove_promise waiting[1024];
  size_t n;
  bool is_open;
};
#define GATE(START, METHOD)                                                                        \
  START(gate, grove_none)                                                                          \
  METHOD(gate, pass, grove_none, grove_none)                                                       \
  METHOD(gate, unlock, grove_none, grove_none)
GROVE_ACTOR(GATE, gate)

static grove_status gate_start(grove *self, struct gate *g, const grove_none *none)
{
  (void)self;
  (void)none;
  g->n = 0;
  return GROVE_OK;
}

static grove_status gate_pass(grove *self, struct gate *g, const grove_none *none, grove_none *out)
{
  (void)none;
  (void)out;
  if (g->is_open || g->n == 1024) {
    return GROVE_OK;
  }
  return grove_promise_take(self, &g->waiting[g->n++]);
}

static grove_status gate_unlock(
    grove *self, struct gate *g, const grove_none *none, grove_none *out)
{
  (void)none;
  (void)out;
  g->is_open = true;
  for (size_t i = 0; i < g->n; i++) {
    gate_pass_answer(self, g->waiting[i], GROVE_OK, &GROVE_NONE);
  }
  g->n = 0;
  return GROVE_OK;
}

// ---- the members ----------------------------------------------------------------------------------
typedef struct crew_log {
  atomic_int starts, destroys, done, deaths;
} crew_log;
GROVE_MAYBE_UNUSED static crew_log
    crew_counts; ///< outlives the members, which count in it to their last; zero at each run
typedef struct crew_plan {
  gate_ref gate;
  crew_log *log;
  int bad_starts;
} crew_plan;
typedef struct crew_job {
  long n;
  int deaths;
} crew_job; ///< dies as long as the log counts fewer
GROVE_TYPE(crew_plan)
GROVE_TYPE(crew_job)

struct crew {
  crew_plan plan;
};
#define CREW(START, METHOD)                                                                        \
  START(crew, crew_plan)                                                                           \
  METHOD(crew, square, long, long)                                                                 \
  METHOD(crew, held, long, long)                                                                   \
  METHOD(crew, die, crew_job, long)                                                                \
  METHOD(crew, refuse, long, long)                                                                 \
  METHOD(crew, relay, grove_ref, long)                                                             \
  METHOD(crew, echo, grove_string, grove_string)                                                   \
  METHOD(crew, urgent, long, long, GROVE_METHOD_HIGH)
static void leave_crew(void *state);
GROVE_ACTOR_WITH(CREW, crew, .destroy = leave_crew)

static grove_status crew_start(grove *self, struct crew *c, const crew_plan *plan)
{
  c->plan = *plan;
  if (plan->log && atomic_fetch_add(&plan->log->starts, 1) < plan->bad_starts) {
    return grove_fail(self, GROVE_EUSER, "no oars in the boat");
  }
  return GROVE_OK;
}

static void leave_crew(void *state)
{
  struct crew *c = state;
  if (c->plan.log) {
    atomic_fetch_add(&c->plan.log->destroys, 1);
  }
}

static void count_done(struct crew *c)
{
  if (c->plan.log) {
    atomic_fetch_add(&c->plan.log->done, 1);
  }
}

static grove_status crew_square(grove *self, struct crew *c, const long *n, long *out)
{
  (void)self;
  count_done(c);
  *out = *n * *n;
  return GROVE_OK;
}

static grove_status crew_held(grove *self, struct crew *c, const long *n, long *out)
{
  grove_none none;
  grove_status s = gate_pass_get(
      self, gate_pass_call(self, c->plan.gate, GROVE_NONE), GROVE_FOREVER, &none, NULL);
  *out = *n;
  count_done(c);
  return s;
}

static grove_status crew_die(grove *self, struct crew *c, const crew_job *job, long *out)
{
  if (c->plan.log && atomic_load(&c->plan.log->deaths) < job->deaths) {
    atomic_fetch_add(&c->plan.log->deaths, 1);
    return grove_crash(self, GROVE_EUSER, "fell overboard with item %ld", job->n);
  }
  count_done(c);
  *out = job->n;
  return GROVE_OK;
}

static grove_status crew_refuse(grove *self, struct crew *c, const long *n, long *out)
{
  (void)c;
  *out = *n;
  return *n % 2 ? grove_fail(self, GROVE_EUSER - 7, "item %ld is odd", *n) : GROVE_OK;
}

// Passes on what another one answers.
static grove_status crew_relay(grove *self, struct crew *c, const grove_ref *to, long *out)
{
  count_done(c);
  return crew_square_ask(self, crew__ref(*to), 5, 10000, out, NULL);
}

static grove_status crew_echo(
    grove *self, struct crew *c, const grove_string *in, grove_string *out)
{
  (void)c;
  return grove_share_string(self, grove_text(*in), out);
}

static grove_status crew_urgent(grove *self, struct crew *c, const long *n, long *out)
{
  return crew_square(self, c, n, out);
}

GROVE_MAYBE_UNUSED static grove_pool *make_pool(
    grove *g, gate_ref gate, crew_log *log, const grove_pool_options *o)
{
  return crew_pool_spawn(g, (crew_plan){.gate = gate, .log = log}, o);
}

GROVE_MAYBE_UNUSED static void unlock(grove *g, gate_ref gate)
{
  grove_none none;
  check_ok(gate_unlock_ask(g, gate, GROVE_NONE, 10000, &none, NULL));
}

// ---- running scenarios ----------------------------------------------------------------------------
typedef void scenario_fn(grove *g, uint64_t seed);
typedef struct scenario {
  scenario_fn *run;
} scenario;

GROVE_MAYBE_UNUSED static check_memory crew_memory;
static uint64_t crew_seed; ///< of the run at hand; said when a test fails
static uint64_t crew_first = 1, crew_seeds = 500;

/// Arguments: [--seed FIRST] [--seeds COUNT]; one seed alone, if only the first is given.
GROVE_MAYBE_UNUSED static void crew_read(int argc, char **argv)
{
  for (int i = 1; i + 1 < argc; i += 2) {
    bool first = strcmp(argv[i], "--seed") == 0;
    if (!first && strcmp(argv[i], "--seeds") != 0) {
      print_error("%s is no argument of %s\n", argv[i], argv[0]);
      exit(2);
    }
    *(first ? &crew_first : &crew_seeds) = strtoull(argv[i + 1], NULL, 0);
    crew_seeds = first && argc == 3 ? 1 : crew_seeds;
  }
}

static int say_seed(void **state)
{
  (void)state;
  if (crew_seed) {
    print_error("the last seed was %llu; again: --seed %llu\n", (unsigned long long)crew_seed,
        (unsigned long long)crew_seed);
  }
  crew_seed = 0;
  return 0;
}

/// In simulation, once for each seed, with an allocator that shows leaks at the end.
GROVE_MAYBE_UNUSED static void run_on_seeds(void **state)
{
  const scenario *s = *state;
  for (uint64_t seed = crew_first; seed < crew_first + crew_seeds; seed++) {
    grove *g = NULL;
    grove_allocator a = check_allocator(&crew_memory);
    crew_memory = (check_memory){0};
    crew_seed = seed;
    memset(&crew_counts, 0, sizeof crew_counts);
    check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .simulate = 1, .seed = seed,
                             .allocator = &a, .max_actors = 4096},
        &g));
    s->run(g, seed);
    check_ok(grove_stop(g, 10000, NULL));
    if (crew_memory.live_blocks) {
      fail_msg("seed %llu: %zu blocks are left", (unsigned long long)seed, crew_memory.live_blocks);
    }
  }
  crew_seed = 0;
}

/// On one, two and four threads.
GROVE_MAYBE_UNUSED static void run_on_workers(void **state)
{
  const scenario *s = *state;
  for (uint32_t workers = 1; workers <= 4; workers *= 2) {
    grove *g = NULL;
    check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = workers}, &g));
    memset(&crew_counts, 0, sizeof crew_counts);
    s->run(g, 0);
    check_ok(grove_stop(g, 10000, NULL));
  }
}

#define BOTH(fn)                                                                                   \
  {#fn " (workers)", run_on_workers, NULL, NULL, (void *)(uintptr_t) & (const scenario){fn}},      \
  {                                                                                                \
#fn " (seeds)", run_on_seeds, NULL, say_seed, (void *)(uintptr_t) & (const scenario)           \
    {                                                                                              \
      fn                                                                                           \
    }                                                                                              \
  }
#endif
