// The lossy ring: order, wrapping, losses that are counted, torn records never seen, writers and readers at once.
#include "base/alloc.h"
#include "check.h"
#include "queue/ring.h"
#include <uv.h>

enum { WORDS = 100 }; // long enough for a reader to be overtaken in the middle of one
static grove__ring ring;

static void put(uint64_t n)
{
  uint64_t w[WORDS];
  for (int i = 0; i < WORDS; i++) {
    w[i] = n * WORDS + (uint64_t)i;
  }
  grove__ring_put(&ring, w);
}
// The number of the record, or -1 if it is torn.
static int64_t number(const uint64_t *w)
{
  for (int i = 1; i < WORDS; i++) {
    if (w[i] != w[0] + (uint64_t)i) {
      return -1;
    }
  }
  return (int64_t)(w[0] / WORDS);
}

static void test_order_and_loss(void **state)
{
  uint64_t w[WORDS];
  grove__ring_cursor c, late;
  (void)state;
  check_ok(grove__ring_init(&ring, &grove__allocator_malloc, WORDS, 20)); // becomes 32
  assert_int_equal(grove__ring_bytes(&ring), 32 * (WORDS + 1) * 8);
  grove__ring_follow(&ring, &c);
  assert_false(grove__ring_next(&ring, &c, w));
  for (uint64_t i = 0; i < 5; i++) {
    put(i);
  }
  grove__ring_follow(&ring, &late);
  for (int64_t i = 0; i < 5; i++) {
    assert_true(grove__ring_next(&ring, &c, w));
    assert_int_equal(number(w), i);
  }
  assert_false(grove__ring_next(&ring, &c, w));
  assert_int_equal(c.lost, 0);
  for (uint64_t i = 5; i < 105; i++) {
    put(i);
  }
  for (int64_t i = 73; i < 105; i++) {
    assert_true(grove__ring_next(&ring, &c, w));
    assert_int_equal(number(w), i);
  }
  assert_false(grove__ring_next(&ring, &c, w));
  assert_int_equal(c.lost, 68);
  assert_true(grove__ring_next(&ring, &late, w));
  assert_int_equal(number(w), 73);
  assert_int_equal(late.lost, 68);
  grove__ring_deinit(&ring, &grove__allocator_malloc);
}

// A writer that sleeps in the middle of its record holds nobody up: its place is left out, others' go on.
static void test_a_sleeping_writer(void **state)
{
  uint64_t w[WORDS];
  grove__ring_cursor c;
  (void)state;
  check_ok(grove__ring_init(&ring, &grove__allocator_malloc, WORDS, 16));
  grove__ring_follow(&ring, &c);
  put(0);
  // as grove__ring_put does, up to its middle
  uint64_t at = atomic_fetch_add(&ring.head, 1);
  atomic_store(&ring.slot[at * (WORDS + 1)], 2 * at + 1);
  assert_true(grove__ring_next(&ring, &c, w));
  assert_false(grove__ring_next(&ring, &c, w)); // it may come yet
  assert_false(grove__ring_next(&ring, &c, w));
  put(2);
  put(3);
  assert_true(grove__ring_next(&ring, &c, w)); // it has had its time
  assert_int_equal(number(w), 2);
  assert_int_equal(c.lost, 1);
  assert_true(grove__ring_next(&ring, &c, w));
  for (uint64_t i = 4; i < 18;
       i++) { // round once: the place is still taken, its record is given up
    put(i);
  }
  assert_int_equal(atomic_load(&ring.given_up), 1);
  int got = 0;
  for (int tries = 0; tries < 40; tries++) {
    got += grove__ring_next(&ring, &c, w);
  }
  assert_int_equal(got, 13);
  assert_int_equal(c.lost, 1); // the one that was given up is the newest: it may come yet
  atomic_store(&ring.slot[at * (WORDS + 1)], 2 * at + 2);
  for (uint64_t i = 18; i < 40; i++) {
    put(i);
  }
  for (int tries = 0; tries < 40; tries++) {
    got += grove__ring_next(&ring, &c, w);
  }
  assert_int_equal(got + (int)c.lost, 37); // of 40 positions, less the three read before
  grove__ring_deinit(&ring, &grove__allocator_malloc);
}

enum { WRITERS = 3, EACH = 60000 };
static atomic_int writing;
static void write_many(void *user)
{
  for (uint64_t i = 0; i < EACH; i++) {
    put((uint64_t)(uintptr_t)user * EACH + i);
  }
  atomic_fetch_sub(&writing, 1);
}
static void test_many(void **state)
{
  uv_thread_t t[WRITERS];
  grove__ring_cursor c[2];
  int64_t last[2][WRITERS];
  uint64_t got[2] = {0, 0};
  (void)state;
  check_ok(grove__ring_init(&ring, &grove__allocator_malloc, WORDS, 16));
  memset(last, -1, sizeof last);
  for (int k = 0; k < 2; k++) {
    grove__ring_follow(&ring, &c[k]);
  }
  atomic_store(&writing, WRITERS);
  for (int i = 0; i < WRITERS; i++) {
    assert_int_equal(uv_thread_create(&t[i], write_many, (void *)(uintptr_t)i), 0);
  }
  bool over = false;
  for (int idle = 0; idle < 3;) {
    bool any = false;
    over = atomic_load(&writing) == 0;
    for (int k = 0; k < 2; k++) {
      uint64_t w[WORDS];
      while (grove__ring_next(&ring, &c[k], w)) {
        int64_t n = number(w);
        assert_true(n >= 0);
        assert_true(n % EACH > last[k][n / EACH]); // each writer's in its order
        last[k][n / EACH] = n % EACH;
        got[k]++;
        any = true;
      }
    }
    idle += over && !any;
  }
  for (int i = 0; i < WRITERS; i++) {
    uv_thread_join(&t[i]);
  }
  for (int k = 0; k < 2;
       k++) { // what was not got was counted, but for a hole that nothing came after
    uint64_t all = got[k] + c[k].lost + (atomic_load(&ring.head) - c[k].at);
    assert_int_equal(all, WRITERS * EACH);
    assert_true(got[k] > 0);
  }
  grove__ring_deinit(&ring, &grove__allocator_malloc);
}

static void test_no_memory(void **state)
{
  check_memory m = {.fail_at = 1};
  grove_allocator a = check_allocator(&m);
  (void)state;
  check_status(grove__ring_init(&ring, &a, WORDS, 64), GROVE_ENOMEM);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order_and_loss),
      cmocka_unit_test(test_a_sleeping_writer),
      cmocka_unit_test(test_many),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
