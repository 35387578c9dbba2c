#include "base/random.h"
#include "fiber_task.h"
#include "plat/thread.h"
#include <sys/mman.h>
#include <unistd.h>

static uint64_t seed;

// ---- switching ------------------------------------------------------------------------------------

static void count_steps(void *user)
{
  task *t = user;
  for (;;) {
    t->steps++;
    go_home(t);
  }
}

static void two_take_turns(void **state)
{
  (void)state;
  grove__stacks *s = make_stacks(0, 4, GROVE__GUARD_BEST);
  task t = {0};
  check_ok(grove__fiber_of_thread(s, &t.home));
  start_task(s, 0, count_steps, &t);
  for (uint64_t i = 1; i <= 1000; i++) {
    grove__fiber_switch(t.home, t.self);
    assert_int_equal(t.steps, i);
  }
  grove__fiber_destroy(t.self);
  grove__fiber_destroy(t.home);
  grove__stacks_destroy(s);
}

// Goes to a random depth with a frame that is checked on the way back, and suspends on the way.
static uint64_t wander(task *t, int depth)
{
  volatile uint64_t frame[24];
  uint64_t mark = grove__random_next(&t->random);
  for (size_t i = 0; i < 24; i++) {
    frame[i] = mark + i;
  }
  t->steps++;
  if (grove__random_below(&t->random, 3) == 0) {
    go_home(t);
  }
  uint64_t sum = depth > 0 ? wander(t, depth - 1) : 0;
  if (grove__random_below(&t->random, 3) == 0) {
    go_home(t);
  }
  for (size_t i = 0; i < 24; i++) {
    t->wrong += frame[i] != mark + i;
  }
  return sum + mark;
}

static void wander_forever(void *user)
{
  task *t = user;
  for (;;) {
    (void)wander(t, (int)grove__random_below(&t->random, 40));
    go_home(t);
  }
}

// Fibers that suspend at random depths, are killed there and made anew, and never see each other's frames.
static void many_wander(void **state)
{
  enum { FIBERS = 100, TURNS = 20000 };
  grove__stacks *s = make_stacks(64 << 10, FIBERS, *(int *)*state);
  task tasks[FIBERS] = {{0}};
  uint64_t random = seed;
  grove__fiber *home;
  check_ok(grove__fiber_of_thread(s, &home));
  for (size_t i = 0; i < FIBERS; i++) {
    tasks[i] = (task){.home = home, .random = seed + i};
    start_task(s, i % 7 == 0 ? 200 << 10 : 0, wander_forever, &tasks[i]);
  }
  for (int turn = 0; turn < TURNS; turn++) {
    task *t = &tasks[grove__random_below(&random, FIBERS)];
    grove__fiber_switch(home, t->self);
    if (grove__random_below(&random, 50) == 0) {
      grove__fiber_destroy(t->self);
      start_task(s, grove__random_below(&random, 7) == 0 ? 300 << 10 : 0, wander_forever, t);
    }
  }
  uint64_t wrong = 0;
  for (size_t i = 0; i < FIBERS; i++) {
    wrong += tasks[i].wrong;
    grove__fiber_destroy(tasks[i].self);
  }
  assert_int_equal(wrong, 0);
  grove__fiber_destroy(home);
  grove__stacks_destroy(s);
}

// A fiber that is resumed by several threads in turn.
typedef struct relay {
  grove__stacks *stacks;
  grove__mutex lock;
  task task;
  int rounds;
  grove_status status;
} relay;

static void run_relay(void *user)
{
  relay *r = user;
  grove__fiber *home;
  grove_status status = grove__fiber_of_thread(r->stacks, &home);
  for (int i = 0; !status && i < r->rounds; i++) {
    grove__mutex_lock(&r->lock);
    r->task.home = home;
    grove__fiber_switch(home, r->task.self);
    grove__mutex_unlock(&r->lock);
    grove__thread_relax();
  }
  grove__mutex_lock(&r->lock);
  r->status = status ? status : r->status;
  grove__mutex_unlock(&r->lock);
  grove__fiber_destroy(home);
}

static void fiber_moves_between_threads(void **state)
{
  (void)state;
  relay r = {.stacks = make_stacks(64 << 10, 1, GROVE__GUARD_BEST), .rounds = 2000};
  grove__thread threads[3];
  check_ok(grove__mutex_init(&r.lock));
  r.task.random = seed;
  start_task(r.stacks, 0, wander_forever, &r.task);
  for (size_t i = 0; i < 3; i++) {
    check_ok(grove__thread_create(&threads[i], 0, "relay", run_relay, &r));
  }
  for (size_t i = 0; i < 3; i++) {
    grove__thread_join(&threads[i]);
  }
  check_ok(r.status);
  assert_int_equal(r.task.wrong, 0);
  assert_true(r.task.steps > 100);
  grove__fiber_destroy(r.task.self);
  grove__stacks_destroy(r.stacks);
  grove__mutex_deinit(&r.lock);
}

// Several threads make, run and destroy fibers of one stacks object at once.
static void churn(void *user)
{
  relay *r = user;
  task t[4] = {{0}};
  grove__fiber *home;
  grove_status status = grove__fiber_of_thread(r->stacks, &home);
  for (int i = 0; !status && i < r->rounds; i++) {
    task *one = &t[i % 4];
    grove__fiber_destroy(one->self);
    *one = (task){.home = home, .random = (uint64_t)i};
    status = grove__fiber_create(
        r->stacks, i % 16 == 0 ? 128 << 10 : 0, wander_forever, one, &one->self);
    for (int k = 0; !status && k < 3; k++) {
      grove__fiber_switch(home, one->self);
    }
  }
  for (size_t i = 0; i < 4; i++) {
    grove__fiber_destroy(t[i].self);
  }
  grove__fiber_destroy(home);
  grove__mutex_lock(&r->lock);
  r->status = status ? status : r->status;
  grove__mutex_unlock(&r->lock);
}

static void threads_share_the_stacks(void **state)
{
  (void)state;
  relay r = {.stacks = make_stacks(0, 16, GROVE__GUARD_BEST), .rounds = 500};
  grove__thread threads[4];
  check_ok(grove__mutex_init(&r.lock));
  for (size_t i = 0; i < 4; i++) {
    check_ok(grove__thread_create(&threads[i], 0, "churn", churn, &r));
  }
  for (size_t i = 0; i < 4; i++) {
    grove__thread_join(&threads[i]);
  }
  check_ok(r.status);
  uint64_t bytes;
  uint64_t fibers;
  grove__stacks_stats(r.stacks, &bytes, &fibers);
  assert_int_equal(fibers, 0);
  grove__stacks_destroy(r.stacks);
  grove__mutex_deinit(&r.lock);
}

// ---- sizes ----------------------------------------------------------------------------------------

// The frame's address, not a local's: AddressSanitizer may keep locals elsewhere.
static void look_around(void *user)
{
  task *t = user;
  const void *frame = __builtin_frame_address(0);
  t->wrong = (uintptr_t)frame % 16;
  t->seen = (void *)(uintptr_t)frame;
  for (;;) {
    t->steps += grove__fiber_is_low(t->self, frame, t->random);
    go_home(t);
  }
}

static void sizes_and_margins_hold(void **state)
{
  (void)state;
  static const size_t sizes[] = {
      0, 1, 4096, 16384, 16385, 65536, 65537, (size_t)1 << 20, ((size_t)1 << 20) + 1};
  int guard = *(int *)*state;
  grove__stacks *s = make_stacks(64 << 10, 100, guard);
  task t = {0};
  check_ok(grove__fiber_of_thread(s, &t.home));
  for (size_t i = 0; i < 9 * 20; i++) {
    size_t want = sizes[i % 9];
    t.random = 60 << 10;
    start_task(s, want, look_around, &t);
    size_t got = grove__fiber_bytes(t.self);
    assert_in_range(got, want ? want : 64 << 10, want + (80 << 10));
    t.steps = 0;
    grove__fiber_switch(t.home, t.self);
    assert_int_equal(t.wrong, 0);
    assert_int_equal(t.steps, 0); // hardly anything is used yet
    t.random = got;
    grove__fiber_switch(t.home, t.self);
    assert_int_equal(t.steps, 1);
    assert_false(grove__fiber_is_low(t.self, &want, SIZE_MAX)); // stands elsewhere
    grove__fiber_destroy(t.self);
  }
  const void *frame = __builtin_frame_address(0);
  assert_true(grove__fiber_bytes(t.home) == 0 || !grove__fiber_is_low(t.home, frame, 4096));
  assert_true(grove__fiber_bytes(t.home) == 0 || grove__fiber_is_low(t.home, frame, SIZE_MAX));
  grove__fiber_destroy(t.home);
  grove__stacks_destroy(s);
}

// ---- limits ---------------------------------------------------------------------------------------

static void most_is_a_limit(void **state)
{
  (void)state;
  grove__stacks *s = make_stacks(0, 3, GROVE__GUARD_BEST);
  grove__fiber *f[4];
  task t = {0};
  for (size_t i = 0; i < 3; i++) {
    check_ok(grove__fiber_create(s, i == 1 ? 1 << 20 : 0, count_steps, &t, &f[i]));
  }
  f[3] = f[0];
  check_status(grove__fiber_create(s, 0, count_steps, &t, &f[3]), GROVE_ELIMIT);
  assert_null(f[3]);
  uint64_t bytes;
  uint64_t fibers;
  grove__stacks_stats(s, &bytes, &fibers);
  assert_int_equal(fibers, 3);
  assert_true(bytes > 1 << 20);
  grove__fiber_destroy(f[1]);
  uint64_t less;
  grove__stacks_stats(s, &less, &fibers);
  assert_int_equal(fibers, 2);
  assert_true(less <= bytes - (1 << 20));
  check_ok(grove__fiber_create(s, 0, count_steps, &t, &f[3]));
  grove__fiber_destroy(f[0]);
  grove__fiber_destroy(f[2]);
  grove__fiber_destroy(f[3]);
  grove__fiber_destroy(NULL);
  grove__stacks_destroy(s);
  grove__stacks_destroy(NULL);
}

static void no_memory_is_a_status(void **state)
{
  (void)state;
  check_memory memory = {.fail_at = 1};
  grove_allocator a = check_allocator(&memory);
  grove__stacks *s;
  grove__fiber *f;
  task t = {0};
  check_status(grove__stacks_create(&a, 0, 10, GROVE__GUARD_BEST, &s), GROVE_ENOMEM);
  assert_null(s);
  check_status(grove__stacks_create(&a, SIZE_MAX, 10, GROVE__GUARD_BEST, &s), GROVE_ENOMEM);
  memory.fail_at = 0;
  check_ok(grove__stacks_create(&a, 0, 1, GROVE__GUARD_BEST, &s));
  memory.fail_at = 1;
  for (int i = 0; i < 3; i++) { // and a failure is not counted as one of `most`
    check_status(grove__fiber_create(s, 0, count_steps, &t, &f), GROVE_ENOMEM);
    assert_null(f);
  }
  check_status(grove__fiber_of_thread(s, &f), GROVE_ENOMEM);
  memory.fail_at = 0;
  static const size_t too_much[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 16, (size_t)1 << 47};
  for (size_t i = 0; i < 4; i++) {
    check_status(grove__fiber_create(s, too_much[i], count_steps, &t, &f), GROVE_ENOMEM);
    assert_null(f);
  }
  check_ok(grove__fiber_create(s, 0, count_steps, &t, &f));
  grove__fiber_destroy(f);
  grove__stacks_destroy(s);
  assert_int_equal(memory.live_blocks, 0);
  // A size for which not even one slot can be mapped.
  check_ok(grove__stacks_create(&a, (size_t)1 << 50, 1, GROVE__GUARD_BEST, &s));
  check_status(grove__fiber_create(s, 0, count_steps, &t, &f), GROVE_ENOMEM);
  grove__stacks_destroy(s);
  assert_int_equal(memory.live_blocks, 0);
}

static bool is_resident(const void *p)
{
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  unsigned char in = 0;
  return mincore((void *)((uintptr_t)p / page * page), page, &in) == 0 && (in & 1);
}

// Free stacks stay warm up to a number; the others give their pages back. All are used again before new ones.
static void stacks_are_reused(void **state)
{
  (void)state;
  enum { MANY = 400 };
  grove__stacks *s = make_stacks(0, MANY, GROVE__GUARD_BEST);
  static task tasks[MANY];
  grove__fiber *home;
  uint64_t bytes[2];
  uint64_t fibers;
  check_ok(grove__fiber_of_thread(s, &home));
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < MANY; i++) {
      tasks[i] = (task){.home = home};
      start_task(s, 0, look_around, &tasks[i]);
      grove__fiber_switch(home, tasks[i].self);
    }
    size_t resident = 0;
    for (size_t i = 0; i < MANY; i++) {
      assert_true(is_resident(tasks[i].seen));
      grove__fiber_destroy(tasks[i].self);
    }
    for (size_t i = 0; i < MANY; i++) {
      resident += is_resident(tasks[i].seen);
    }
    assert_int_equal(resident, 128);
    grove__stacks_stats(s, &bytes[round], &fibers);
    assert_int_equal(fibers, 0);
  }
  assert_int_equal(bytes[0], bytes[1]);
  grove__fiber_destroy(home);
  grove__stacks_destroy(s);
}

int main(int argc, char **argv)
{
  static int best = GROVE__GUARD_BEST;
  static int protect = GROVE__GUARD_MPROTECT;
  static int canary = GROVE__GUARD_CANARY;
  seed = check_seed(argc, argv, 20240607);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_take_turns),
      cmocka_unit_test_prestate(many_wander, &best),
      cmocka_unit_test_prestate(many_wander, &protect),
      cmocka_unit_test_prestate(many_wander, &canary),
      cmocka_unit_test(fiber_moves_between_threads),
      cmocka_unit_test(threads_share_the_stacks),
      cmocka_unit_test_prestate(sizes_and_margins_hold, &best),
      cmocka_unit_test_prestate(sizes_and_margins_hold, &canary),
      cmocka_unit_test(most_is_a_limit),
      cmocka_unit_test(no_memory_is_a_status),
      cmocka_unit_test(stacks_are_reused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
