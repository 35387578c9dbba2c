#include "check.h"
#include "plat/loop.h"
#include "plat/notify.h"
#include "plat/thread.h"
#include <unistd.h>
#include <uv.h>

// One loop with a work loop on it, and counters that items and threads share.
typedef struct scene {
  uv_loop_t loop;
  grove__work_loop *work;
  grove__mutex lock;
  grove__cond changed;
  int ran, requested;  // guarded by lock
  int ran_here;        // guarded by lock: items that ran on the loop's thread
  bool gate_shut;      // guarded by lock
  grove_status status; // of the other thread's calls
  int count;           // how many it makes
  int freed;           // loop's thread
  uint64_t freed_on;   // loop's thread
  uv_async_t keeper;   // keeps the loop running while others work
} scene;

static void note_freed(void *user)
{
  scene *s = user;
  s->freed++;
  s->freed_on = grove__thread_self();
}

static void run_item(void *user)
{
  scene *s = user;
  grove__mutex_lock(&s->lock);
  while (s->gate_shut) {
    grove__cond_wait(&s->changed, &s->lock);
  }
  s->ran++;
  s->ran_here += grove__work_loop_is_here(s->work);
  grove__cond_broadcast(&s->changed);
  grove__mutex_unlock(&s->lock);
}

static void note_request(void *user)
{
  scene *s = user;
  grove__mutex_lock(&s->lock);
  s->requested++;
  grove__cond_broadcast(&s->changed);
  grove__mutex_unlock(&s->lock);
}

static int set_scene(void **state)
{
  static scene s;
  memset(&s, 0, sizeof(s));
  check_ok(grove__mutex_init(&s.lock));
  check_ok(grove__cond_init(&s.changed));
  assert_int_equal(uv_loop_init(&s.loop), 0);
  check_ok(grove__work_loop_create(NULL, &s.loop, note_freed, &s, &s.work));
  *state = &s;
  return 0;
}

// Every test ends with the same conservation law.
static int clear_scene(void **state)
{
  scene *s = *state;
  assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(s->freed, 1);
  assert_int_equal(s->freed_on, grove__thread_self());
  assert_int_equal(uv_loop_close(&s->loop), 0);
  assert_int_equal(s->ran_here, 0);
  grove__cond_deinit(&s->changed);
  grove__mutex_deinit(&s->lock);
  return 0;
}

static void wait_until_ran(scene *s, int count)
{
  grove__mutex_lock(&s->lock);
  while (s->ran < count) {
    grove__cond_wait(&s->changed, &s->lock);
  }
  grove__mutex_unlock(&s->lock);
}

static void ask_many(void *user)
{
  scene *s = user;
  for (int i = 0; i < s->count && !s->status; i++) {
    s->status = grove__work_loop_run(s->work, run_item, s);
  }
}

static void runs_from_the_loop_thread(void **state)
{
  scene *s = *state;
  assert_true(grove__work_loop_is_here(s->work));
  for (int i = 0; i < 50; i++) {
    check_ok(grove__work_loop_run(s->work, run_item, s));
  }
  wait_until_ran(s, 50); // without the loop: they were submitted at once
  grove__work_loop_close(s->work);
  assert_int_equal(s->freed, 0);
}

static void close_keeper(uv_async_t *keeper)
{
  uv_close((uv_handle_t *)keeper, NULL);
}

static void ask_and_let_go(void *user)
{
  scene *s = user;
  ask_many(s);
  wait_until_ran(s, s->count);
  (void)uv_async_send(&s->keeper);
}

static void runs_from_another_thread_while_the_loop_runs(void **state)
{
  scene *s = *state;
  assert_int_equal(uv_async_init(&s->loop, &s->keeper, close_keeper), 0);
  s->count = 500;
  grove__thread t;
  check_ok(grove__thread_create(&t, 0, NULL, ask_and_let_go, s));
  assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0); // ends: the async handle does not keep it
  grove__thread_join(&t);
  check_ok(s->status);
  assert_int_equal(s->ran, 500);
  assert_int_equal(s->freed, 0);
  grove__work_loop_close(s->work);
}

static void blocked_loop_thread_pumps(void **state)
{
  scene *s = *state;
  grove__work_loop_on_request(s->work, note_request, s);
  s->count = 100;
  grove__thread t;
  check_ok(grove__thread_create(&t, 0, NULL, ask_many, s));
  grove__mutex_lock(&s->lock);
  for (int pumped = 0; s->ran < 100;) { // the loop does not turn here
    if (pumped < s->requested) {
      pumped = s->requested;
      grove__work_loop_pump(s->work); // under a lock that the hook takes: must not deadlock
    } else {
      grove__cond_wait(&s->changed, &s->lock);
    }
  }
  grove__mutex_unlock(&s->lock);
  grove__thread_join(&t);
  // Not before: the pump for one request submits the items of all, the last of which may run before its hook.
  assert_int_equal(s->requested, 100);
  check_ok(s->status);
  grove__work_loop_on_request(s->work, NULL, NULL);
  grove__work_loop_close(s->work);
}

static void loop_thread_asks_without_the_hook(void **state)
{
  scene *s = *state;
  grove__work_loop_on_request(s->work, note_request, s);
  check_ok(grove__work_loop_run(s->work, run_item, s));
  wait_until_ran(s, 1);
  assert_int_equal(s->requested, 0);
  grove__work_loop_close(s->work);
}

static void open_gate(void *user)
{
  scene *s = user;
  grove__mutex_lock(&s->lock);
  s->gate_shut = false;
  grove__cond_broadcast(&s->changed);
  grove__mutex_unlock(&s->lock);
}

static void close_with_items_running_and_queued(void **state)
{
  scene *s = *state;
  s->gate_shut = true;
  for (int i = 0; i < 20; i++) { // more than the pool has threads
    check_ok(grove__work_loop_run(s->work, run_item, s));
  }
  grove__work_loop_close(s->work);
  for (int i = 0; i < 3; i++) {
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
  }
  assert_int_equal(s->freed, 0);
  grove__thread t;
  check_ok(grove__thread_create(&t, 0, NULL, open_gate, s));
  assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
  grove__thread_join(&t);
  assert_int_equal(s->ran, 20);
}

static void close_runs_what_was_only_asked_for(void **state)
{
  scene *s = *state;
  s->count = 20;
  grove__thread t;
  check_ok(grove__thread_create(&t, 0, NULL, ask_many, s));
  grove__thread_join(&t);
  check_ok(s->status);
  assert_int_equal(s->ran, 0); // the loop has not seen it
  grove__work_loop_close(s->work);
  assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(s->ran, 20);
}

// An item that asks for more items from the pool's thread, the last of them maybe after close.
static void run_and_ask(void *user)
{
  scene *s = user;
  for (int i = 0; i < 100; i++) {
    grove_status status = grove__work_loop_run(s->work, run_item, s);
    grove__mutex_lock(&s->lock);
    s->count += status == GROVE_OK;
    s->status = status == GROVE_OK || status == GROVE_ECLOSED ? s->status : status;
    grove__mutex_unlock(&s->lock);
  }
}

static void close_races_with_asking(void **state)
{
  scene *s = *state;
  for (int i = 0; i < 4; i++) {
    check_ok(grove__work_loop_run(s->work, run_and_ask, s));
  }
  (void)uv_run(&s->loop, UV_RUN_NOWAIT);
  grove__work_loop_close(s->work);
  grove__work_loop_close(s->work); // twice is once
  check_status(grove__work_loop_run(s->work, run_item, s), GROVE_ECLOSED);
  assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
  check_ok(s->status);
  assert_int_equal(s->ran, s->count);
}

static void no_memory_is_a_status(void **state)
{
  scene *s = *state;
  check_memory memory = {0};
  grove_allocator a = check_allocator(&memory);
  grove__work_loop *w = s->work;
  memory.fail_at = 1;
  check_status(grove__work_loop_create(&a, &s->loop, note_freed, s, &w), GROVE_ENOMEM);
  assert_null(w);
  grove__watcher *watcher;
  memory.fail_at = 1;
  check_status(grove__watcher_create(&a, &s->loop, 0, note_freed, NULL, s, &watcher), GROVE_ENOMEM);
  memory.fail_at = 0;
  check_ok(grove__work_loop_create(&a, &s->loop, NULL, NULL, &w));
  memory.fail_at = 1;
  check_status(grove__work_loop_run(w, run_item, s), GROVE_ENOMEM);
  grove__work_loop_close(w);
  assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(memory.live_blocks, 0);
  grove__work_loop_close(s->work);
}

// A worker that was idle begins again, whatever memory there is then.
static void runs_that_were_reserved_need_no_memory(void **state)
{
  scene *s = *state;
  check_memory memory = {0};
  grove_allocator a = check_allocator(&memory);
  grove__work_loop *w;
  check_ok(grove__work_loop_create(&a, &s->loop, NULL, NULL, &w));
  grove__work_loop_reserve(w, 2);
  for (int round = 1; round <= 3; round++) {
    memory.fail_at = 1; // none from here on
    check_ok(grove__work_loop_run(w, run_item, s));
    check_ok(grove__work_loop_run(w, run_item, s));
    check_status(grove__work_loop_run(w, run_item, s), GROVE_ENOMEM);
    wait_until_ran(s, 2 * round);
    assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0); // it takes them back
  }
  grove__work_loop_close(w);
  assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(memory.live_blocks, 0);
  grove__work_loop_close(s->work);
}

// ---- watcher --------------------------------------------------------------------------------------

typedef struct lookout {
  grove__notify notify;
  grove__watcher *watcher;
  int ready, freed, close_at;
} lookout;

static void note_ready(void *user)
{
  lookout *l = user;
  grove__notify_clear(&l->notify);
  if (++l->ready == l->close_at) {
    grove__watcher_close(l->watcher);
    grove__watcher_close(l->watcher);
  } else {
    grove__notify_raise(&l->notify);
  }
}
static void note_let_go(void *user)
{
  lookout *l = user;
  l->freed++;
}
static void raise_it(void *user)
{
  lookout *l = user;
  grove__notify_raise(&l->notify);
}

static void watcher_tells_and_lets_go(void **state)
{
  (void)state;
  uv_loop_t loop;
  lookout l = {.close_at = 5};
  assert_int_equal(uv_loop_init(&loop), 0);
  check_ok(grove__notify_init(&l.notify));
  check_ok(grove__watcher_create(
      NULL, &loop, l.notify.read_fd, note_ready, note_let_go, &l, &l.watcher));
  grove__watcher *second = l.watcher;
  check_status(
      grove__watcher_create(NULL, &loop, l.notify.read_fd, note_ready, note_let_go, &l, &second),
      GROVE_EEXIST);
  assert_null(second);
  assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0); // at once: nothing keeps the loop
  assert_int_equal(l.ready, 0);
  grove__watcher_keep(l.watcher, true);
  grove__thread t;
  check_ok(grove__thread_create(&t, 0, NULL, raise_it, &l));
  assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  grove__thread_join(&t);
  assert_int_equal(l.ready, 5);
  assert_int_equal(l.freed, 1);
  assert_int_equal(uv_loop_close(&loop), 0);
  grove__notify_deinit(&l.notify);
}

static void watcher_can_stop_keeping(void **state)
{
  (void)state;
  uv_loop_t loop;
  lookout l = {0};
  assert_int_equal(uv_loop_init(&loop), 0);
  check_ok(grove__notify_init(&l.notify));
  check_ok(grove__watcher_create(
      NULL, &loop, l.notify.read_fd, note_ready, note_let_go, &l, &l.watcher));
  grove__watcher_keep(l.watcher, true);
  assert_int_not_equal(uv_run(&loop, UV_RUN_NOWAIT), 0);
  grove__watcher_keep(l.watcher, false);
  assert_int_equal(uv_run(&loop, UV_RUN_NOWAIT), 0);
  grove__watcher_close(l.watcher);
  assert_int_equal(l.freed, 0);
  assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(l.freed, 1);
  assert_int_equal(uv_loop_close(&loop), 0);
  grove__notify_deinit(&l.notify);
}

static void watcher_refuses_what_cannot_be_polled(void **state)
{
  (void)state;
  uv_loop_t loop;
  grove__watcher *w;
  assert_int_equal(uv_loop_init(&loop), 0);
  check_status(
      grove__watcher_create(NULL, &loop, 100000, note_ready, NULL, NULL, &w), GROVE_EINVAL);
  FILE *file = tmpfile();
  assert_non_null(file);
  check_status(
      grove__watcher_create(NULL, &loop, fileno(file), note_ready, NULL, NULL, &w), GROVE_EINVAL);
  assert_null(w);
  (void)fclose(file);
  assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&loop), 0);
}

#define on_scene(test) cmocka_unit_test_setup_teardown(test, set_scene, clear_scene)

int main(void)
{
  const struct CMUnitTest tests[] = {
      on_scene(runs_from_the_loop_thread),
      on_scene(runs_from_another_thread_while_the_loop_runs),
      on_scene(blocked_loop_thread_pumps),
      on_scene(loop_thread_asks_without_the_hook),
      on_scene(close_with_items_running_and_queued),
      on_scene(close_runs_what_was_only_asked_for),
      on_scene(close_races_with_asking),
      on_scene(no_memory_is_a_status),
      on_scene(runs_that_were_reserved_need_no_memory),
      cmocka_unit_test(watcher_tells_and_lets_go),
      cmocka_unit_test(watcher_can_stop_keeping),
      cmocka_unit_test(watcher_refuses_what_cannot_be_polled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
