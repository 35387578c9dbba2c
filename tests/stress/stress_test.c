// Generative stress with conservation laws. A seed draws a world (world.h); threads outside act on it; then either
// all is let come to rest and the books are checked before the stop, or it is stopped in the middle of the load.
// Each fourth world runs its workers on libuv's thread pool, through a loop of this thread.
// Arguments: seconds (6), the first seed (the clock's), workers (0: 1, 2, 3, 4, 8 and 16 in turn).
#include "check.h"
#include "world.h"
#include <grove/host.h>
#include <time.h>
#include <uv.h>

enum { THREADS = 3, STALL_S = 60 };

typedef struct outside {
  world *w;
  _Atomic bool *enough;
  _Atomic bool done;
  uint64_t random;
} outside;

static double now_s(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void sleep_ms(int ms)
{
  struct timespec t = {0, ms * 1000000L};
  nanosleep(&t, NULL);
}

static void *act(void *user)
{
  outside *o = user;
  while (!atomic_load(o->enough) && atomic_fetch_sub(&o->w->budget, 1) > 0) {
    world_act_outside(o->w, &o->random);
    atomic_fetch_add(&o->w->progress, 1);
  }
  atomic_store(&o->done, true);
  return NULL;
}

// The main thread's pause: a loop whose pool the workers run on must go on meanwhile.
static void pause_ms(uv_loop_t *loop, int ms)
{
  for (int i = 0; i < ms; i++) {
    if (loop) {
      (void)uv_run(loop, UV_RUN_NOWAIT);
    }
    sleep_ms(1);
  }
}

// ---- the watchdog: says what everybody does when nothing moves any more ------------------------------------

typedef struct watchdog {
  world *w;
  pthread_t thread;
  _Atomic bool over;
  _Atomic bool stopping; // grove_stop has begun: nothing may be asked of the runtime
} watchdog;

static void *watch(void *user)
{
  watchdog *d = user;
  uint64_t seen = UINT64_MAX;
  double since = now_s();
  while (!atomic_load(&d->over)) {
    sleep_ms(5);
    uint64_t progress = atomic_load(&d->w->progress);
    if (progress != seen) {
      seen = progress;
      since = now_s();
    } else if (now_s() - since > STALL_S) {
      fprintf(stderr, "nothing has moved for %d s, seed %llu%s\n", STALL_S,
          (unsigned long long)d->w->seed, atomic_load(&d->stopping) ? ", in grove_stop" : "");
      if (!atomic_load(&d->stopping)) {
        world_dump(d->w);
      }
      abort();
    }
  }
  return NULL;
}

static void let_rest(world *w, uv_loop_t *loop, uint64_t *random)
{
  atomic_store(&w->budget, 0);
  grove_stats s = {.struct_size = sizeof s};
  for (int i = 0;; i++) {
    check_ok(grove_stats_get(w->g, &s));
    if (s.actors == 0) {
      break;
    }
    world_answer_some(w, random, 100);
    (void)grove_dispatch(w->g, 0);
    if (i % 50 == 0) {
      world_exit_all(w);
    }
    pause_ms(loop, 1);
  }
  world_answer_some(w, random, 100);
  while (grove_dispatch(w->g, 0) > 0) {}
  // Functions that were offloaded and dropped still run to their end, and hold their arguments; and who ended last
  // is still at giving back what it had.
  for (int i = 0; i < 2000; i++) {
    check_ok(grove_stats_get(w->g, &s));
    if (!s.futures && !s.shared_bytes && s.messages == w->n.begun + s.dropped) {
      return;
    }
    pause_ms(loop, 1);
  }
}

static void do_own_work(uv_timer_t *own)
{
  assert_ptr_equal(own->data, own);
}

static void act_from_outside(world *w, uv_loop_t *loop, bool rests)
{
  _Atomic bool enough = false;
  outside of[THREADS];
  pthread_t thread[THREADS];
  uint64_t random = w->seed;
  for (int i = 0; i < THREADS; i++) {
    of[i] = (outside){w, &enough, false, w->seed * 31 + (uint64_t)i};
    pthread_create(&thread[i], NULL, act, &of[i]);
  }
  if (!rests) {
    pause_ms(loop, (int)(w->seed % 40));
    atomic_store(&enough, true);
  }
  for (int i = 0; i < THREADS; i++) {
    for (int k = 1; !atomic_load(&of[i].done); k++) {
      pause_ms(loop, 1);
      if (k % 200 ==
          0) { // a thread waits for room with an actor that waits for ever: that ends with the actor
        atomic_store(&enough, true);
        world_answer_some(w, &random, 100);
        world_exit_all(w);
      }
    }
    pthread_join(thread[i], NULL);
  }
}

static bool stop(world *w, uv_loop_t *loop, bool rests)
{
  grove_stop_report report = {.struct_size = sizeof report};
  double from = now_s();
  grove_status s = grove_stop(w->g, 20000, &report);
  if (loop) {
    (void)uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
  }
  if (now_s() - from > 15) {
    print_error("stop took %.1f s\n", now_s() - from);
    return false;
  }
  return world_check_after_stop(w, &report, s, rests);
}

static bool run_world(uint64_t seed, uint32_t workers, bool rests, bool on_pool)
{
  world w;
  uv_loop_t a_loop, *loop = on_pool ? &a_loop : NULL;
  uv_timer_t own;
  world_init(&w, seed, 1500 + (int64_t)(seed % 1500));
  grove_options o = world_options(&w);
  o.workers = workers;
  world_tighten(&w, &o);
  o.turn_warn_ms = seed % 2 ? 1 : o.turn_warn_ms; // half of the worlds see stand-ins come and go
  if (loop) {
    // A host has something of its own to do; without that, uv_run would return and the pool not be asked any more.
    assert_int_equal(uv_loop_init(loop), 0);
    uv_timer_init(loop, &own);
    uv_timer_start(&own, do_own_work, 1, 1);
    own.data = &own;
    o.work_loop = loop;
    o.workers = workers < 3 ? workers : 3; // of a pool of four
  }
  check_ok(grove_start(&o, &w.g));
  watchdog d = {.w = &w};
  pthread_create(&d.thread, NULL, watch, &d);
  world_populate(&w, 14);
  act_from_outside(&w, loop, rests);
  bool good = true;
  if (rests) {
    uint64_t random = seed;
    let_rest(&w, loop, &random);
    good = world_check_quiet(&w);
    if (!good) {
      world_dump(&w);
    }
  }
  atomic_store(&d.stopping, true);
  if (loop) {
    uv_close((uv_handle_t *)&own, NULL);
  }
  good = stop(&w, loop, rests) && good;
  atomic_store(&d.over, true);
  pthread_join(d.thread, NULL);
  world_deinit(&w);
  return good;
}

static double seconds = 6;
static uint64_t first_seed;
static uint32_t fixed_workers;

static void test_conservation(void **state)
{
  static const uint32_t turns[] = {1, 2, 3, 8, 4, 16};
  double until = now_s() + seconds;
  uint64_t n = 0;
  (void)state;
  for (; now_s() < until; n++) {
    uint64_t seed = first_seed + n;
    uint32_t workers = fixed_workers ? fixed_workers : turns[n % 6];
    bool rests = n % 3 != 2, on_pool = n % 16 >= 12;
    if (!run_world(seed, workers, rests, on_pool)) {
      fail_msg("seed %llu with %u workers%s, %s", (unsigned long long)seed, (unsigned)workers,
          on_pool ? " on a pool" : "", rests ? "at rest" : "stopped under load");
    }
  }
  print_message(
      "%llu worlds from seed %llu\n", (unsigned long long)n, (unsigned long long)first_seed);
}

int main(int argc, char **argv)
{
  seconds = argc > 1 ? atof(argv[1]) : seconds;
  first_seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL) * 1000;
  fixed_workers = argc > 3 ? (uint32_t)atoi(argv[3]) : 0;
  print_message("first seed %llu\n", (unsigned long long)first_seed);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_conservation)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
