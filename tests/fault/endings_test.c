// Endings at every point: each scene (scenes.h) is played again and again, and somebody in it is killed, asked to go, or
// fails, or all is stopped, at the first turn, the second, the third … until the scene is over before; and the same at
// each wait, with threads. Whoever waits must be told in time, and nothing may be left.
//
// In simulation a turn is a step of the schedule, so that all lie between two of them: in start, in stop, between two
// starts, while the runtime stops. With threads the n-th wait is looked for, wherever it is: who waits there is ended
// just before, or from another thread meanwhile; or its parent is.
// Arguments: [seeds (1), 0: a sample] [scene [what at victim seed]]: the last five play one, as a failure names them.
#include "actor/activation.h"
#include "actor/cell.h"
#include "base/random.h"
#include "sweep.h"
#include <grove/sim.h>
#include <pthread.h>

enum { GRACE_MS = 3, AT_ONCE_MS = 2 };
enum { KILL, LEAVE, FAIL, STOP_NOW, STOP_SOON, STOP, WHATS };
static const char *const names[] = {"kill", "leave", "fail", "stop_now", "stop_soon", "stop"};
static const int64_t stop_times[] = {20000, 20000, 20000, 0, 5, GROVE_FOREVER};

static uint64_t seeds = 1, stride = 1;
static const char *only_scene;
static uint64_t pair, first_pair = 1; // of two endings that are drawn

// What is to be done, and when.
static struct {
  int what;
  uint64_t at; // 0: nothing
  size_t victim;
  atomic_ullong count; // turns, or waits, so far
  size_t victims;      // there were, at that moment
  bool watched; // in simulation: whether the victim's end is still to come, and from when on it was
  grove_future down;
  int64_t since, patience_ms;
  bool in_threads;
  struct {
    int what;
    uint64_t at; // 0: nothing
    size_t victim;
  } then; // after that, in simulation
} plan;

// ---- who waits outside: a stop must get him out of there --------------------------------------------------------------
static pthread_mutex_t outside_lock = PTHREAD_MUTEX_INITIALIZER;
static grove__waiter *outside_waiter;

static void end_scene(void)
{
  pthread_mutex_lock(&outside_lock);
  atomic_store(&sweep_scene.over, true);
  if (outside_waiter) {
    grove__waiter_fire(outside_waiter, GROVE__WOKEN_CANCEL);
  }
  pthread_mutex_unlock(&outside_lock);
}

static void fail_cell(grove__cell *c, uint64_t life)
{
  grove_error err = {.status = GROVE_EUSER, .at = -1, .text = "it was made to fail"};
  grove__cell_end(c, life, GROVE__END_FAIL, &err, INT64_MAX);
}

static void end_one(grove *g, grove_ref who, int what)
{
  grove__cell *c;
  if (what != FAIL && !plan.in_threads) {
    if (plan.watched) { // the one before has not gone yet
      grove_drop(g, plan.down);
    }
    plan.down = grove_exit(g, who, what == KILL ? 0 : GRACE_MS);
    plan.since = grove_now_ns(g);
    plan.patience_ms = AT_ONCE_MS + (what == KILL ? 0 : GRACE_MS);
    plan.watched = true;
  } else if (what != FAIL) {
    grove_drop(g, grove_exit(g, who, what == KILL ? 0 : GRACE_MS));
  } else if (!grove__cell_find(grove__system_of(g), who, &c)) {
    fail_cell(c, who.which);
  }
}

// ---- in simulation: before each turn ---------------------------------------------------------------------------------
bool __real_grove__sim_turn(grove__sched *s);
bool __wrap_grove__sim_turn(grove__sched *s);

static void interfere(void)
{
  enum { MOST = 64 };
  grove_info all[MOST];
  grove *g = sweep_scene.g;
  if (plan.what >= STOP_NOW) {
    end_scene();
    return;
  }
  if (grove_snapshot(g, NULL, all, sizeof *all, MOST, &plan.victims) == GROVE_OK &&
      plan.victim < plan.victims && plan.victim < MOST) {
    end_one(g, all[plan.victim].ref, plan.what);
  }
}

// Nothing in a scene keeps one that is killed: its waits and its children's end now, not when they would by themselves.
static void watch_victim(void)
{
  grove *g = sweep_scene.g;
  int64_t ms = (grove_now_ns(g) - plan.since) / 1000000;
  if (grove_ended(g, plan.down)) {
    plan.watched = false;
    grove_drop(g, plan.down);
  } else if (ms > plan.patience_ms) {
    plan.watched = false;
    scene_expect(&sweep_scene, false, "who was told to end is still there");
  }
}

bool __wrap_grove__sim_turn(grove__sched *s)
{
  if (plan.watched) {
    watch_victim();
  }
  if (!plan.in_threads && atomic_fetch_add(&plan.count, 1) + 1 == plan.at) {
    interfere();
    plan.what = plan.then.what;
    plan.at = plan.then.at;
    plan.victim = plan.then.victim;
  }
  return __real_grove__sim_turn(s);
}

// ---- with threads: at each wait ---------------------------------------------------------------------------------------
grove_status __real_grove__wait(grove__system *y, grove__activation *here, grove__waiter *w,
    int64_t deadline, uint32_t *reason);
grove_status __wrap_grove__wait(grove__system *y, grove__activation *here, grove__waiter *w,
    int64_t deadline, uint32_t *reason);

enum { ITSELF, ITS_PARENT, FROM_OUTSIDE, PLACES };
static struct {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  pthread_t thread;
  bool wanted, over; // guarded by lock
  grove__cell *cell; // guarded by lock, as life
  uint64_t life;
} killer = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

// A thread that ends who waits, while he waits. It is gone before the runtime is.
static void *run_killer(void *user)
{
  (void)user;
  pthread_mutex_lock(&killer.lock);
  while (!killer.wanted && !killer.over) {
    pthread_cond_wait(&killer.cond, &killer.lock);
  }
  if (killer.wanted) {
    if (plan.what == FAIL) {
      fail_cell(killer.cell, killer.life);
    } else {
      grove__cell_end(killer.cell, killer.life,
          plan.what == KILL ? GROVE__END_KILL : GROVE__END_ORDERLY, NULL, INT64_MAX);
    }
  }
  pthread_mutex_unlock(&killer.lock);
  return NULL;
}

static void dismiss_killer(void)
{
  if (plan.in_threads) {
    pthread_mutex_lock(&killer.lock);
    killer.over = true;
    pthread_cond_signal(&killer.cond);
    pthread_mutex_unlock(&killer.lock);
    pthread_join(killer.thread, NULL);
  }
}

static void call_killer(grove__cell *c)
{
  pthread_mutex_lock(&killer.lock);
  killer.wanted = !killer.over;
  killer.cell = c;
  killer.life = grove__cell_life(c);
  pthread_cond_signal(&killer.cond);
  pthread_mutex_unlock(&killer.lock);
}

static void interfere_at_wait(grove__activation *here)
{
  grove__cell *c = here ? here->cell : NULL;
  if (plan.what >= STOP_NOW) {
    end_scene();
  } else if (!c) {
    end_one(sweep_scene.g, sweep_scene.who[0], plan.what);
  } else if (plan.victim == FROM_OUTSIDE) {
    call_killer(c);
  } else {
    grove__cell *parent = grove__cell_above(c);
    grove__cell *victim = plan.victim == ITS_PARENT && parent && parent->parent ? parent : c;
    end_one(&here->here, grove__cell_ref(victim), plan.what);
  }
}

grove_status __wrap_grove__wait(
    grove__system *y, grove__activation *here, grove__waiter *w, int64_t deadline, uint32_t *reason)
{
  if (plan.in_threads && atomic_fetch_add(&plan.count, 1) + 1 == plan.at) {
    interfere_at_wait(here);
  }
  if (here) {
    return __real_grove__wait(y, here, w, deadline, reason);
  }
  pthread_mutex_lock(&outside_lock);
  outside_waiter = w;
  if (atomic_load(&sweep_scene.over)) {
    grove__waiter_fire(w, GROVE__WOKEN_CANCEL);
  }
  pthread_mutex_unlock(&outside_lock);
  grove_status status = __real_grove__wait(y, here, w, deadline, reason);
  pthread_mutex_lock(&outside_lock);
  outside_waiter = NULL;
  pthread_mutex_unlock(&outside_lock);
  return status;
}

// ---- the sweeps --------------------------------------------------------------------------------------------------------
static uint64_t runs;

static void play(sweep_run *r, int what, uint64_t at, size_t victim)
{
  plan.what = what;
  plan.at = at;
  plan.victim = victim;
  plan.victims = 0;
  plan.watched = false;
  plan.in_threads = r->workers > 0;
  atomic_store(&plan.count, 0);
  r->stop_ms = at ? stop_times[what] : GROVE_FOREVER;
  r->careful = at == 0;
  snprintf(sweep_words, sizeof sweep_words, "%s%s %s %llu %zu %llu", r->kind->name,
      r->on_loop   ? " on a loop,"
      : r->workers ? " with threads,"
                   : "",
      names[what], (unsigned long long)at, victim, (unsigned long long)r->seed);
  sweep_watch(60);
  runs++;
  if (r->workers) {
    killer.wanted = killer.over = false;
    assert_int_equal(pthread_create(&killer.thread, NULL, run_killer, NULL), 0);
  }
  const char *wrong = sweep_play(r);
  alarm(0);
  if (wrong) {
    fail_msg("%s: %s", sweep_words, wrong);
  }
}

static void sweep_turns(sweep_run *r, int what)
{
  for (uint64_t at = 1;; at += stride) {
    size_t victim = 0, there = 1;
    for (; victim < there; victim++) {
      play(r, what, at, victim);
      if (atomic_load(&plan.count) < at) {
        return;
      }
      there = what < STOP_NOW ? plan.victims : 1;
    }
  }
}

static void test_in_simulation(void **state)
{
  const scene_kind *k;
  (void)state;
  for (size_t i = 0; (k = sweep_scene_at(i)); i++) {
    if (!sweep_wants(k, only_scene, SCENE_SIM | (seeds > 1 ? SCENE_LONG : 0))) {
      continue;
    }
    runs = 0;
    for (uint64_t seed = 1; seed <= (seeds ? seeds : 1); seed++) {
      sweep_run r = {.kind = k, .seed = seed};
      play(&r, KILL, 0, 0);
      uint64_t turns = atomic_load(&plan.count);
      uint64_t most =
          seeds ? 400 : 25; // of turns that a short sweep looks at, once with each victim
      stride = seeds > 1 || turns < most ? 1 : turns / most;
      for (int what = 0; what < WHATS; what++) {
        sweep_turns(&r, what);
      }
    }
    print_message("%s: %llu runs\n", k->name, (unsigned long long)runs);
  }
}

static void sweep_waits(sweep_run *r, int what)
{
  size_t places = what < STOP_NOW ? PLACES : 1;
  for (size_t place = 0; place < places; place++) {
    for (uint64_t at = 1;; at += stride) {
      play(r, what, at, place);
      if (atomic_load(&plan.count) < at) {
        break;
      }
    }
  }
}

static void test_with_threads(void **state)
{
  static const uint32_t workers[] = {2, 1, 8, 3};
  const scene_kind *k;
  (void)state;
  for (size_t i = 0; (k = sweep_scene_at(i)); i++) {
    if (!sweep_wants(k, only_scene, SCENE_THREADS | (seeds > 1 ? SCENE_LONG : 0))) {
      continue;
    }
    runs = 0;
    for (uint64_t seed = 0; seed < (seeds ? 2 * seeds : 1); seed++) {
      sweep_run r = {
          .kind = k, .seed = seed + 1, .workers = workers[seed / 2 % 4], .on_loop = seed & 1};
      play(&r, KILL, 0, 0);
      uint64_t waits = atomic_load(&plan.count);
      stride = seeds > 1 ? 1 : 1 + waits / (seeds ? 12 : 3);
      for (int what = 0; what < WHATS; what++) {
        sweep_waits(&r, what);
      }
    }
    print_message("%s with threads: %llu runs\n", k->name, (unsigned long long)runs);
  }
}

// Two endings in one run: an end that meets another. Where, whose and how is drawn.
static void test_two_at_random(void **state)
{
  const scene_kind *k;
  (void)state;
  for (size_t i = 0; (k = sweep_scene_at(i)); i++) {
    if (!sweep_wants(k, only_scene, SCENE_SIM)) {
      continue;
    }
    sweep_run r = {.kind = k, .seed = 1};
    memset(&plan.then, 0, sizeof plan.then);
    play(&r, KILL, 0, 0);
    uint64_t turns = atomic_load(&plan.count);
    for (uint64_t n = 0; n < (seeds ? 300 * seeds : 40); n++) {
      uint64_t random = n + first_pair;
      uint64_t at = 1 + grove__random_below(&random, turns);
      int what = (int)grove__random_below(&random, STOP_NOW);
      size_t victim = (size_t)grove__random_below(&random, 6);
      r.seed = 1 + n % 7;
      plan.then.at = at + 1 + grove__random_below(&random, 12);
      plan.then.what = (int)grove__random_below(&random, WHATS);
      plan.then.victim = (size_t)grove__random_below(&random, 6);
      r.stop_ms = GROVE_FOREVER;
      pair = n + first_pair;
      play(&r, what, at, victim);
    }
    memset(&plan.then, 0, sizeof plan.then);
  }
}

static int play_one(int argc, char **argv)
{
  const scene_kind *k;
  for (size_t i = 0; (k = sweep_scene_at(i)) && strcmp(k->name, argv[2]); i++) {}
  int what = 0;
  while (what < WHATS && strcmp(names[what], argv[3])) {
    what++;
  }
  if (!k || what == WHATS) {
    fprintf(stderr, "no scene %s, or nothing like %s\n", argv[2], argv[3]);
    return 2;
  }
  sweep_run r = {.kind = k, .seed = strtoull(argv[6], NULL, 0)};
  if (argc > 7) {
    r.workers = (uint32_t)atoi(argv[7]);
  }
  play(&r, what, strtoull(argv[4], NULL, 0), (size_t)strtoull(argv[5], NULL, 0));
  return 0;
}

int main(int argc, char **argv)
{
  seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : seeds;
  only_scene = argc > 2 ? argv[2] : NULL;
  sweep_before_stop = dismiss_killer;
  if (argc > 6) {
    return play_one(argc, argv);
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_in_simulation),
      cmocka_unit_test(test_two_at_random), cmocka_unit_test(test_with_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
