// Fault sweeps over the scenes (scenes.h): the n-th allocation fails, or the n-th thread is refused, once or from then
// on, n = 1, 2, 3 … until a scene is through without. Each time: statuses, no hang, a stop in time, nothing left.
// Linked with -Wl,--wrap=uv_thread_create_ex: the one place through which all of grove's threads are made.
// Arguments: [seeds (1) [scene]].
#include "sweep.h"

static uint64_t seeds = 1;
static const char *only_scene;

// ---- threads that are refused -------------------------------------------------------------------------------------
static atomic_int made, refused_at;
static atomic_bool refuses_on;

int __real_uv_thread_create_ex(
    uv_thread_t *tid, const uv_thread_options_t *params, uv_thread_cb entry, void *arg);
int __wrap_uv_thread_create_ex(
    uv_thread_t *tid, const uv_thread_options_t *params, uv_thread_cb entry, void *arg);
int __wrap_uv_thread_create_ex(
    uv_thread_t *tid, const uv_thread_options_t *params, uv_thread_cb entry, void *arg)
{
  int n = atomic_fetch_add(&made, 1) + 1, at = atomic_load(&refused_at);
  if (at && (atomic_load(&refuses_on) ? n >= at : n == at)) {
    return UV_EAGAIN;
  }
  return __real_uv_thread_create_ex(tid, params, entry, arg);
}

// ---- one ----------------------------------------------------------------------------------------------------------
static uint64_t runs;

static void play(sweep_run *r, const char *what, uint64_t at, bool on)
{
  snprintf(sweep_words, sizeof sweep_words, "%s%s, seed %llu: %s %llu%s", r->kind->name,
      r->on_loop   ? " on a loop"
      : r->workers ? " with threads"
                   : "",
      (unsigned long long)r->seed, what, (unsigned long long)at, on ? " and all after it" : "");
  sweep_watch(60);
  runs++;
  r->stop_ms = GROVE_FOREVER;
  const char *wrong = sweep_play(r);
  alarm(0);
  if (wrong) {
    fail_msg("%s: %s", sweep_words, wrong);
  }
}

static void each_scene(unsigned kinds, void (*sweep)(const scene_kind *k, uint64_t seed))
{
  const scene_kind *k;
  for (size_t i = 0; (k = sweep_scene_at(i)); i++) {
    if (sweep_wants(k, only_scene, kinds | (seeds > 1 ? SCENE_LONG : 0))) {
      runs = 0;
      for (uint64_t seed = 1; seed <= seeds; seed++) {
        sweep(k, seed);
      }
      print_message("%s: %llu runs\n", k->name, (unsigned long long)runs);
    }
  }
}

// ---- memory ---------------------------------------------------------------------------------------------------------
static void sweep_memory(const scene_kind *k, uint64_t seed)
{
  for (int on = 0; on < 2; on++) {
    sweep_run r = {.kind = k, .seed = seed, .fails_on = on};
    do {
      r.fail_at++;
      play(&r, "without allocation", r.fail_at, on);
    } while (r.allocations >= r.fail_at);
  }
}

static void test_memory(void **state)
{
  (void)state;
  each_scene(SCENE_SIM, sweep_memory);
}

// With threads the order differs from run to run, so a sample does.
static void sweep_memory_with_threads(const scene_kind *k, uint64_t seed)
{
  for (int i = 0; i < 3;
       i++) { // on a loop's pool each start of a worker wants memory: with none left none would end
    int on = i == 1, loop = i == 2;
    sweep_run r = {.kind = k,
        .seed = seed,
        .fails_on = on,
        .workers = 1 + (uint32_t)(seed % 3),
        .on_loop = loop};
    do {
      r.fail_at += 1 + (seeds == 1 ? r.fail_at / 4 : r.fail_at / 32);
      play(&r, "without allocation", r.fail_at, on);
    } while (r.allocations >= r.fail_at);
  }
}

static void test_memory_with_threads(void **state)
{
  (void)state;
  each_scene(SCENE_THREADS, sweep_memory_with_threads);
}

// ---- threads --------------------------------------------------------------------------------------------------------
static void sweep_threads(const scene_kind *k, uint64_t seed)
{
  for (int on = 0; on < 2; on++) {
    sweep_run r = {.kind = k, .seed = seed, .workers = 1 + (uint32_t)(seed % 3)};
    int at = 0;
    do {
      at++;
      atomic_store(&made, 0);
      atomic_store(&refused_at, at);
      atomic_store(&refuses_on, on);
      play(&r, "without thread", (uint64_t)at, on);
    } while (atomic_load(&made) >= at);
  }
  atomic_store(&refused_at, 0);
}

static void test_threads(void **state)
{
  (void)state;
  each_scene(SCENE_THREADS, sweep_threads);
}

int main(int argc, char **argv)
{
  seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : seeds;
  only_scene = argc > 2 ? argv[2] : NULL;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory),
      cmocka_unit_test(test_memory_with_threads), cmocka_unit_test(test_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
