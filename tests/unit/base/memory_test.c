// Counted memory: parts, sums, limits; what is taken and given back by several threads.
#include "base/memory.h"
#include "check.h"
#include <uv.h>

static void test_parts_and_sums(void **state)
{
  check_memory host = {0};
  grove_allocator a = check_allocator(&host);
  grove__memory *m = grove__memory_create(&a, 0);
  (void)state;
  assert_non_null(m);
  const grove_allocator *actors = grove__memory_of(m, GROVE__MEMORY_ACTORS);
  const grove_allocator *user = grove__memory_of(m, GROVE__MEMORY_USER);
  char *p = grove__alloc(actors, 100), *q = grove__alloc_zero(user, 50);
  assert_non_null(p);
  for (int i = 0; i < 50; i++) {
    assert_int_equal(q[i], 0);
  }
  assert_int_equal(grove__memory_bytes(m, GROVE__MEMORY_ACTORS), 100);
  assert_int_equal(grove__memory_bytes(m, GROVE__MEMORY_USER), 50);
  assert_int_equal(grove__memory_total(m), 150);
  assert_int_equal(host.live_bytes, 150 + sizeof *m);
  p = grove__realloc(actors, p, 100, 300);
  assert_int_equal(grove__memory_bytes(m, GROVE__MEMORY_ACTORS), 300);
  p = grove__realloc(actors, p, 300, 10);
  assert_int_equal(grove__memory_bytes(m, GROVE__MEMORY_ACTORS), 10);
  host.fail_at = 1; // what the host refuses is not counted
  assert_null(grove__alloc(user, 7));
  assert_null(grove__alloc_zero(user, 7));
  assert_null(grove__realloc(user, q, 50, 51));
  host.fail_at = 0;
  assert_int_equal(grove__memory_total(m), 60);
  grove__memory_note(m, GROVE__MEMORY_RUNTIME, 5);
  grove__memory_note(m, GROVE__MEMORY_RUNTIME, -5);
  grove__free(actors, p, 10);
  grove__free(user, q, 50);
  assert_int_equal(grove__memory_total(m), 0);
  grove__memory_destroy(m);
  grove__memory_destroy(NULL);
  assert_int_equal(host.live_bytes, 0);
  host.allocations = 0;
  host.fail_at = 1;
  assert_null(grove__memory_create(&a, 0));
}

static void test_a_limit(void **state)
{
  check_memory host = {0};
  grove_allocator a = check_allocator(&host);
  grove__memory *m = grove__memory_create(&a, 1000);
  (void)state;
  const grove_allocator *x = grove__memory_of(m, GROVE__MEMORY_MESSAGES);
  void *p = grove__alloc(x, 600), *q = grove__alloc_zero(x, 400);
  assert_non_null(q);
  assert_null(grove__alloc(x, 1));
  assert_null(grove__alloc_zero(grove__memory_of(m, GROVE__MEMORY_USER), 1));
  assert_null(grove__realloc(x, p, 600, 601));
  assert_null(grove__alloc(x, SIZE_MAX));
  assert_int_equal(atomic_load(&m->refused), 4);
  p = grove__realloc(x, p, 600, 500); // which makes room
  void *r = grove__alloc(x, 100);
  assert_non_null(r);
  grove__free(x, r, 100);
  host.fail_at = 1; // what the host refuses does not count against the limit
  assert_null(grove__alloc(x, 100));
  assert_null(grove__alloc_zero(x, 100));
  host.fail_at = 0;
  r = grove__alloc(x, 100);
  assert_non_null(r);
  grove__free(x, p, 500);
  grove__free(x, q, 400);
  grove__free(x, r, 100);
  assert_int_equal(grove__memory_total(m), 0);
  assert_int_equal(atomic_load(&m->total), 0);
  grove__memory_destroy(m);
}

// Blocks go round from thread to thread; whoever has one gives it back or passes it on.
enum { THREADS = 4, ROUNDS = 20000, SLOTS = 64 };
static grove__memory *shared;
static _Atomic(char *) slot[SLOTS];
static void go_round(void *user)
{
  uint64_t random = (uint64_t)(uintptr_t)user;
  for (int i = 0; i < ROUNDS; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint32_t part = (uint32_t)(random >> 60) % GROVE__MEMORY_PARTS;
    const grove_allocator *a = grove__memory_of(shared, part);
    char *p = grove__alloc(a, 16 + part);
    if (p) {
      *p = (char)part;
    }
    p = atomic_exchange(&slot[(random >> 40) % SLOTS], p);
    if (p) {
      grove__free(grove__memory_of(shared, (uint32_t)*p), p, 16u + (uint32_t)*p);
    }
  }
}
static void test_many_threads(void **state)
{
  (void)state;
  for (int limited = 0; limited < 2; limited++) {
    uv_thread_t t[THREADS];
    shared = grove__memory_create(&grove__allocator_malloc, limited ? 900 : 0);
    for (int i = 0; i < THREADS; i++) {
      assert_int_equal(uv_thread_create(&t[i], go_round, (void *)(uintptr_t)(i + 1)), 0);
    }
    for (int i = 0; i < THREADS; i++) {
      uv_thread_join(&t[i]);
    }
    uint64_t left = 0;
    for (int i = 0; i < SLOTS; i++) {
      char *p = atomic_exchange(&slot[i], NULL);
      left += p ? 16u + (uint32_t)*p : 0;
      atomic_store(&slot[i], p);
    }
    assert_int_equal(grove__memory_total(shared), left);
    assert_true(!limited || left <= 900);
    for (int i = 0; i < SLOTS; i++) {
      char *p = atomic_exchange(&slot[i], NULL);
      if (p) {
        grove__free(grove__memory_of(shared, (uint32_t)*p), p, 16u + (uint32_t)*p);
      }
    }
    assert_int_equal(grove__memory_total(shared), 0);
    assert_int_equal(atomic_load(&shared->total), 0);
    grove__memory_destroy(shared);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parts_and_sums),
      cmocka_unit_test(test_a_limit),
      cmocka_unit_test(test_many_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
