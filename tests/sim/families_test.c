// Supervision on seeds: trees of supervisors with all strategies, whose actors fail, end, sleep and call in start, in
// methods and in stop, and are killed from outside and by faults at any turn. What must hold:
//   - each life is start, then methods, then stop or none, then destroy; a destroy for each start
//   - in a group, who starts again finds all older siblings up or gone and all younger ones down; who stops for its
//     group finds the younger ones down
//   - every monitor fires once; at rest, spawned = ended, no future is open, every message was begun or dropped
//   - a seed replays: the same trace
// A failing seed is named, and runs again alone as `families_test 1 SEED`. Arguments: how many seeds (500), the first.
#include "base/random.h"
#include "check.h"
#include <grove.h>
#include <grove/sim.h>
#include <signal.h>
#include <unistd.h>

enum { NODES = 4000, STALL_S = 60, REPLAYED = 25 };
enum { NEVER, STARTING, UP, STOPPED, DOWN }; // what a node is, by its own calls

typedef struct node {
  grove_ref ref;
  int parent; // -1: the root
  uint32_t strategy, life, starts;
} node;
typedef struct job {
  uint64_t seed;
} job;
typedef struct birth {
  int node, depth;
  uint64_t seed;
} birth;
GROVE_TYPE(job)
GROVE_TYPE(birth)

static struct {
  grove *g;
  node node[NODES];
  int nodes;
  int64_t budget;
  uint64_t trace, begun, starts, destroys, seed;
  long long bytes;
  bool bad;
} w;
static uint64_t seeds = 500, first_seed = 1, group_starts, group_stops;
static volatile uint64_t current;

static uint64_t pick(uint64_t *random, uint64_t below)
{
  return grove__random_below(random, below);
}
static void note(uint64_t what, uint64_t who)
{
  w.trace = grove__mix64(w.trace ^ (what << 32 | who)) + (uint64_t)grove_now_ns(w.g);
}
static void complain(const char *what, int i, int other)
{
  fprintf(stderr, "seed %llu: node %d (under %d, strategy %u): %s %d\n", (unsigned long long)w.seed,
      i, w.node[i].parent, w.node[i].parent < 0 ? 0 : w.node[w.node[i].parent].strategy, what,
      other);
  w.bad = true;
}

// ---- what must hold in a group -------------------------------------------------------------------------
static uint32_t phase_of(grove *g, int i)
{
  grove_info info = {.struct_size = sizeof info};
  return grove_inspect(g, w.node[i].ref, &info) ? (uint32_t)GROVE_PHASE_ENDED : info.phase;
}
static bool is_up(grove *g, int i)
{
  uint32_t p = phase_of(g, i);
  return w.node[i].life == UP && p >= GROVE_PHASE_IDLE && p <= GROVE_PHASE_WAITING;
}
static bool same_parent(int i, int k)
{
  const node *a = &w.node[i], *b = &w.node[k];
  return a->parent >= 0 && a->parent == b->parent;
}
static void check_start(grove *g, int i)
{
  grove_info info = {.struct_size = sizeof info};
  int parent = w.node[i].parent;
  if (parent < 0 || w.node[parent].strategy == GROVE_ONE_FOR_ONE ||
      grove_inspect(g, w.node[i].ref, &info) || !info.restarts ||
      phase_of(g, parent) >= GROVE_PHASE_ENDING) { // which ends them in its own order
    return;
  }
  group_starts++;
  for (int k = 0; k < w.nodes; k++) {
    if (k < i && same_parent(i, k) && phase_of(g, k) == GROVE_PHASE_RESTARTING) {
      complain("starts before", i, k);
    }
    if (k > i && same_parent(i, k) && is_up(g, k)) {
      complain("starts while younger is up:", i, k);
    }
  }
}
static void check_stop(grove *g, int i, grove_status why)
{
  if (why != GROVE_EDEAD) {
    return;
  }
  group_stops++;
  for (int k = i + 1; k < w.nodes; k++) {
    if (same_parent(i, k) && is_up(g, k)) {
      complain("stops before", i, k);
    }
  }
}

// ---- actors --------------------------------------------------------------------------------------------
struct being {
  int node;
};
static grove_status being_start(grove *self, void *state, const void *arg, void *reply);
static void being_stop(grove *self, void *state, grove_status why);
static void being_destroy(void *state);
static grove_status being_work(grove *self, void *state, const void *arg, void *reply);

#define KIND(NAME, ...)                                                                            \
  static const grove_class NAME;                                                                   \
  static const grove_method NAME##_work = {sizeof(grove_method), 0, "work", &NAME, being_work,     \
      &grove_type_of_job, &grove_type_of_grove_none};                                              \
  static const grove_method *const NAME##_methods[] = {&NAME##_work, NULL};                        \
  static const grove_class NAME = {.struct_size = sizeof(grove_class),                             \
      .state_bytes = sizeof(struct being),                                                         \
      .name = #NAME,                                                                               \
      .start_arg = &grove_type_of_birth,                                                           \
      .methods = NAME##_methods,                                                                   \
      .start = being_start,                                                                        \
      .stop = being_stop,                                                                          \
      .destroy = being_destroy,                                                                    \
      __VA_ARGS__};
KIND(alone, .strategy = GROVE_ONE_FOR_ONE)
KIND(all, .strategy = GROVE_ONE_FOR_ALL, .concurrency = 2)
KIND(rest, .strategy = GROVE_REST_FOR_ONE)
static const grove_class *const classes[] = {&alone, &all, &rest};
static const grove_method *const methods[] = {&alone_work, &all_work, &rest_work};

static void give_birth(grove *g, int parent, int depth, uint64_t *random)
{
  static const char *const names[] = {"ada", "bob"};
  if (w.nodes == NODES) {
    return;
  }
  int i = w.nodes;
  uint32_t strategy = (uint32_t)pick(random, 3);
  bool named = pick(random, 12) == 0, created = true;
  birth b = {i, depth, grove__random_next(random)};
  grove_spawn_options o = {GROVE_SPAWN,
      .restart = (uint32_t)(pick(random, 5) ? 1 + pick(random, 2) : 0),
      .flags = (uint32_t)pick(random, 4), .max_restarts = 1 + (uint32_t)pick(random, 5),
      .window_ms = 20 + (uint32_t)pick(random, 200), .backoff_min_ms = 1,
      .backoff_max_ms = 1 + (uint32_t)pick(random, 8), .stop_ms = 5 + (uint32_t)pick(random, 50),
      .queue_ms = (uint32_t)pick(random, 2) * 10};
  if (named) {
    uint64_t n = pick(random, 2);
    o.name = names[n];
    strategy = (uint32_t)n; // a name has one class
  }
  if (g == w.g && parent >= 0) { // given to it from outside
    o.parent = w.node[parent].ref;
  }
  w.node[i] = (node){.parent = parent, .strategy = strategy};
  grove_ref r = named ? grove_spawn_or_find(g, classes[strategy], &b, &o, &created)
                      : grove_spawn(g, classes[strategy], &b, &o);
  if (!grove_ref_status(r) && created) {
    w.node[i].ref = r;
    w.nodes++;
  }
}

static int pick_node(uint64_t *random)
{
  return w.nodes ? (int)pick(random, (uint64_t)w.nodes) : -1;
}
static grove_future call_one(grove *g, uint64_t *random)
{
  int i = pick_node(random);
  job j = {grove__random_next(random)};
  return grove_call_within(g, 1 + (int64_t)pick(random, 20), i < 0 ? GROVE_NOBODY : w.node[i].ref,
      methods[i < 0 ? 0 : w.node[i].strategy], &j);
}
static void end_one(grove *g, uint64_t *random)
{
  static const int64_t graces[] = {0, 0, 2, 1000};
  int i = pick_node(random);
  grove_future f = grove_exit(g, i < 0 ? GROVE_NOBODY : w.node[i].ref, graces[pick(random, 4)]);
  grove_drop(g, f);
}

// Something that may happen anywhere inside. Gives what start or a method is to return.
static grove_status act(grove *self, int me, int depth, uint64_t *random)
{
  if (w.budget-- <= 0) {
    return GROVE_OK;
  }
  switch (pick(random, 12)) {
  case 0: return grove_crash(self, GROVE_EUSER, "node %d falls", me);
  case 1: return grove_fail(self, GROVE_EUSER, "node %d does not want to", me);
  case 2:
  case 3: return grove_sleep(self, (int64_t)pick(random, 8));
  case 4: return grove_get(self, call_one(self, random), (int64_t)pick(random, 30), NULL, 0, NULL);
  case 5: grove_drop(self, call_one(self, random)); return GROVE_OK;
  case 6: {
    int i = pick_node(random);
    (void)!grove_link(self, i < 0 ? GROVE_NOBODY : w.node[i].ref);
    return GROVE_OK;
  }
  case 7: end_one(self, random); return GROVE_OK;
  case 8: grove_drop(self, grove_exit(self, grove_self(self), 50)); return GROVE_OK;
  case 9:
    if (depth > 0) {
      give_birth(self, me, depth - 1, random);
    }
    return grove_yield(self);
  default: return GROVE_OK;
  }
}

static grove_status being_start(grove *self, void *state, const void *arg, void *reply)
{
  const birth *b = arg;
  uint64_t random = b->seed ^ w.node[b->node].starts * 77;
  (void)reply;
  node *me = &w.node[b->node];
  ((struct being *)state)->node = b->node + 1;
  if (me->life != NEVER && me->life != DOWN) {
    complain("starts while it is", b->node, (int)me->life);
  }
  me->life = STARTING;
  me->starts++;
  w.starts++;
  note(1, (uint64_t)b->node);
  check_start(self, b->node);
  for (uint64_t n = b->depth > 0 ? pick(&random, 6) : 0; n > 0; n--) {
    give_birth(self, b->node, b->depth - 1, &random);
  }
  grove_status s = pick(&random, 3) ? GROVE_OK : act(self, b->node, b->depth, &random);
  if (!s) {
    me->life = UP;
  }
  return s;
}
static void being_stop(grove *self, void *state, grove_status why)
{
  int i = ((struct being *)state)->node - 1;
  uint64_t random = w.seed ^ (uint64_t)i;
  if (w.node[i].life != UP) {
    complain("stops while it is", i, (int)w.node[i].life);
  }
  check_stop(self, i, why);
  w.node[i].life = STOPPED;
  note(2, (uint64_t)i);
  (void)!act(self, i, 0, &random);
}
static void being_destroy(void *state)
{
  int i = ((struct being *)state)->node - 1;
  if (i < 0 || w.node[i].life == DOWN || w.node[i].life == NEVER) {
    complain("is destroyed twice", i < 0 ? 0 : i, 0);
    return;
  }
  w.node[i].life = DOWN;
  w.destroys++;
  note(3, (uint64_t)i);
}
static grove_status being_work(grove *self, void *state, const void *arg, void *reply)
{
  int i = ((struct being *)state)->node - 1;
  uint64_t random = ((const job *)arg)->seed;
  (void)reply;
  w.begun++;
  note(4, (uint64_t)i);
  if (i < 0 || w.node[i].life != UP) {
    complain("works while it is", i < 0 ? 0 : i, i < 0 ? -1 : (int)w.node[i].life);
    return GROVE_OK;
  }
  return act(self, i, 2, &random);
}

// ---- outside -------------------------------------------------------------------------------------------
static void *count_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  (void)user;
  w.bytes += (long long)new_bytes - (long long)old_bytes;
  if (!new_bytes) {
    free(p);
    return NULL;
  }
  return realloc(p, new_bytes);
}

static void watch_one(uint64_t *random)
{
  int i = pick_node(random);
  grove_error down;
  grove_future f = grove_monitor(w.g, i < 0 ? GROVE_NOBODY : w.node[i].ref);
  if (pick(random, 2) == 0) {
    grove_drop(w.g, grove_exit(w.g, i < 0 ? GROVE_NOBODY : w.node[i].ref, 2));
  }
  if (!grove_get(w.g, f, (int64_t)pick(random, 10), &down, sizeof down, NULL)) {
    if (i >= 0 && w.node[i].ref.where && !down.text[0]) {
      complain("is gone without a word", i, 0);
    }
    check_status(grove_get(w.g, f, 0, &down, sizeof down, NULL), GROVE_ESPENT);
  }
  grove_drop(w.g, f);
}

static void act_outside(uint64_t *random)
{
  switch (pick(random, 8)) {
  case 0: give_birth(w.g, pick(random, 2) ? -1 : pick_node(random), 2, random); break;
  case 1: watch_one(random); break;
  case 2: end_one(w.g, random); break;
  default: {
    grove_future f = call_one(w.g, random);
    if (pick(random, 2)) {
      (void)!grove_get(w.g, f, (int64_t)pick(random, 10), NULL, 0, NULL);
    }
    grove_drop(w.g, f);
  }
  }
}

static void draw_faults(uint64_t *random)
{
  static const uint32_t kinds[] = {
      GROVE_FAULT_KILL, GROVE_FAULT_KILL, GROVE_FAULT_DROP, GROVE_FAULT_DELAY, GROVE_FAULT_NOMEM};
  for (int i = 0; i < 5 && w.seed % 3; i++) {
    grove_fault f = {GROVE_FAULT, .kind = kinds[i], .after = (uint32_t)pick(random, 60),
        .times = 1 + (uint32_t)pick(random, 4), .delay_ms = 1 + (int64_t)pick(random, 5)};
    check_ok(grove_sim_fault(w.g, &f));
  }
}

static void expect(const char *law, uint64_t a, uint64_t b)
{
  if (a != b) {
    fprintf(stderr, "seed %llu: %s: %llu is not %llu\n", (unsigned long long)w.seed, law,
        (unsigned long long)a, (unsigned long long)b);
    w.bad = true;
  }
}

static void exit_tops(void)
{
  for (int i = 0; i < w.nodes; i++) {
    if (w.node[i].parent < 0) {
      grove_drop(w.g, grove_exit(w.g, w.node[i].ref, 1000));
    }
  }
}

static void let_rest(void)
{
  grove_stats s = {.struct_size = sizeof s};
  w.budget = 0;
  for (int i = 0; i < 5000; i++) {
    if (i % 100 == 0) {
      exit_tops();
    }
    (void)grove_sim_advance(w.g, 1);
    check_ok(grove_stats_get(w.g, &s));
    if (!s.actors) {
      break;
    }
  }
  (void)grove_sim_advance(w.g, 50); // what a fault has delayed comes back to nobody
  check_ok(grove_stats_get(w.g, &s));
  expect("nobody is left", s.actors, 0);
  expect("spawned = ended", s.spawned, s.ended);
  expect("no future is open", s.futures, 0);
  expect("messages = begun + dropped", s.messages, w.begun + s.dropped);
  expect("starts = destroys", w.starts, w.destroys);
}

static bool run_seed(uint64_t seed, uint64_t *trace)
{
  static const int64_t deadlines[] = {0, 1, 5000, GROVE_FOREVER};
  memset(&w, 0, sizeof w);
  w.seed = seed;
  w.budget = 50 + (int64_t)(seed % 400);
  uint64_t random = seed * 131 + 7;
  grove_allocator a = {count_realloc, NULL};
  grove_stop_report report = {.struct_size = sizeof report};
  check_ok(grove_start(
      &(grove_options){GROVE_OPTIONS, .simulate = 1, .seed = seed, .allocator = &a}, &w.g));
  for (int i = 0; i < 3; i++) {
    give_birth(w.g, -1, 3, &random);
  }
  draw_faults(&random);
  while (w.budget-- > 0) {
    act_outside(&random);
    (void)grove_sim_run(w.g, 1 + (size_t)pick(&random, 20));
    if (pick(&random, 2) == 0) {
      (void)grove_sim_advance(w.g, (int64_t)pick(&random, 6));
    }
  }
  if (seed % 3 != 2) {
    let_rest();
  }
  int64_t deadline = deadlines[seed % 4];
  grove_status s = grove_stop(w.g, deadline, &report);
  expect("stop is in time", (uint64_t)-s, 0);
  expect("nobody is busy after the stop", report.busy, 0);
  expect("starts = destroys", w.starts, w.destroys);
  expect("all memory came back", (uint64_t)w.bytes, 0);
  *trace = w.trace;
  return !w.bad;
}

// Nothing but the alarm or a crash gets in here; what is to be known is the seed.
static void on_alarm(int signal_number)
{
  char text[] = "a seed that does not end, or crashes: 00000000000000000000\n";
  char *digit = text + sizeof text - 3;
  (void)signal_number;
  for (uint64_t x = current; x; x /= 10) {
    *digit-- = (char)('0' + x % 10);
  }
  (void)!write(2, text, sizeof text - 1);
  abort();
}

static void test_seeds(void **state)
{
  (void)state;
  signal(SIGALRM, on_alarm);
  signal(SIGSEGV, on_alarm);
  for (uint64_t i = 0; i < seeds; i++) {
    uint64_t seed = first_seed + i, trace, again;
    current = seed;
    alarm(STALL_S);
    if (!run_seed(seed, &trace)) {
      fail_msg("seed %llu", (unsigned long long)seed);
    }
    if (i % REPLAYED == 0 || seeds == 1) {
      assert_true(run_seed(seed, &again));
      if (trace != again) {
        fail_msg("seed %llu does not replay: its traces differ", (unsigned long long)seed);
      }
    }
  }
  alarm(0);
  print_message("%llu restarts and %llu stops in groups\n", (unsigned long long)group_starts,
      (unsigned long long)group_stops);
  assert_true(group_starts > seeds && group_stops > seeds); // else it is no test of groups
}

int main(int argc, char **argv)
{
  seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : seeds;
  first_seed = argc > 2 ? strtoull(argv[2], NULL, 0) : first_seed;
  print_message(
      "%llu seeds from %llu\n", (unsigned long long)seeds, (unsigned long long)first_seed);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
