// A barrier in all threads: where it works, of two that come at once one at least sees the other, though one of them makes none.
#include "check.h"
#include "plat/barrier.h"
#include "plat/thread.h"
#include <stdatomic.h>
#include <uv.h>

enum { ROUNDS = 20000 };
static _Atomic int go, mine, its, done;
static int neither;

static void wait_for(const _Atomic int *n, int i)
{
  for (uint32_t looks = 0; atomic_load_explicit(n, memory_order_acquire) < i; looks++) {
    grove__thread_look_again(looks);
  }
}

static void look_lightly(void *user)
{
  int *seen = user;
  for (int i = 1; i <= ROUNDS; i++) {
    wait_for(&go, i);
    atomic_store_explicit(&its, i, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    seen[i] = atomic_load_explicit(&mine, memory_order_relaxed);
    atomic_store_explicit(&done, i, memory_order_release);
  }
}

static void test_one_sees_the_other(void **state)
{
  (void)state;
  static int seen[ROUNDS + 1];
  if (!grove__barrier_ready()) {
    print_message("no barrier of all threads here\n");
    skip();
  }
  uv_thread_t t;
  assert_true(grove__barrier_ready()); // from now on
  assert_int_equal(uv_thread_create(&t, look_lightly, seen), 0);
  assert_true(grove__barrier_ready()); // also beside others
  for (int i = 1; i <= ROUNDS; i++) {
    atomic_store_explicit(&go, i, memory_order_release);
    for (volatile int k = 0; k < i % 128; k++) {} // so that they meet
    atomic_store_explicit(&mine, i, memory_order_relaxed);
    assert_true(grove__barrier_all());
    int it = atomic_load_explicit(&its, memory_order_relaxed);
    wait_for(&done, i);
    neither += it < i && seen[i] < i;
  }
  assert_int_equal(uv_thread_join(&t), 0);
  assert_int_equal(neither, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_sees_the_other)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
