// The run queue: order, the slot and its streak, pinned ones, thieves; nothing lost between threads.
#include "check.h"
#include "queue/run_queue.h"
#include <uv.h>

typedef struct item {
  grove__run_node node;
  int n;
  atomic_int taken;
} item;
static int number(grove__run_node *n)
{
  return n ? ((item *)(void *)n)->n : -1;
}

static void test_order(void **state)
{
  (void)state;
  grove__run_queue q;
  item x[6];
  check_ok(grove__run_queue_init(&q));
  for (int i = 0; i < 6; i++) {
    x[i] = (item){.n = i};
  }
  assert_int_equal(grove__run_queue_push(&q, &x[0].node), 0);
  assert_int_equal(grove__run_queue_push(&q, &x[1].node), 1);
  assert_true(grove__run_queue_push_slot(&q, &x[2].node)); // others are there to be stolen
  assert_true(grove__run_queue_push_slot(&q, &x[3].node)); // 2 goes to the end of the list
  assert_int_equal(grove__run_queue_length(&q), 4);
  assert_int_equal(number(grove__run_queue_pop(&q)), 3);
  assert_int_equal(number(grove__run_queue_pop(&q)), 0);
  assert_int_equal(number(grove__run_queue_pop(&q)), 1);
  assert_int_equal(number(grove__run_queue_pop(&q)), 2);
  assert_null(grove__run_queue_pop(&q));
  assert_false(grove__run_queue_push_slot(&q, &x[4].node)); // alone in the slot
  assert_null(grove__run_queue_steal(&q, false));
  assert_int_equal(number(grove__run_queue_steal(&q, true)), 4);
  grove__run_queue_push_pinned(&q, &x[5].node);
  assert_null(grove__run_queue_steal(&q, true)); // nobody else may have it
  assert_int_equal(number(grove__run_queue_pop(&q)), 5);
  assert_int_equal(grove__run_queue_length(&q), 0);
  grove__run_queue_deinit(&q);
}

// A pair that talks to each other through the slot starves neither the list nor the pinned.
static void test_the_slot_starves_nobody(void **state)
{
  (void)state;
  grove__run_queue q;
  item slot = {.n = 0}, list = {.n = 1}, pinned = {.n = 2};
  int seen[3] = {0};
  check_ok(grove__run_queue_init(&q));
  grove__run_queue_push(&q, &list.node);
  grove__run_queue_push_pinned(&q, &pinned.node);
  (void)grove__run_queue_push_slot(&q, &slot.node);
  for (int i = 0; i < 20 * GROVE__SLOT_STREAK; i++) {
    grove__run_node *n = grove__run_queue_pop(&q);
    assert_non_null(n);
    seen[n == &list.node ? 1 : n == &pinned.node ? 2 : 0]++;
    if (n == &slot.node) {
      (void)grove__run_queue_push_slot(&q, n);
    } else if (n == &list.node) {
      (void)grove__run_queue_push(&q, n);
    } else {
      grove__run_queue_push_pinned(&q, n);
    }
  }
  assert_in_range(seen[1], 5, 20);
  assert_in_range(seen[2], 5, 20);
  while (grove__run_queue_pop(&q)) {}
  grove__run_queue_deinit(&q);
}

enum { ITEMS = 50000 };
static grove__run_queue shared;
static item *items;
static atomic_int taken;
static void take(grove__run_node *n)
{
  if (n) {
    atomic_fetch_add(&((item *)(void *)n)->taken, 1);
    atomic_fetch_add(&taken, 1);
  }
}
static void steal_all(void *user)
{
  while (atomic_load(&taken) < ITEMS) {
    take(grove__run_queue_steal(&shared, user != NULL));
  }
}
static void test_each_is_taken_once(void **state)
{
  (void)state;
  uv_thread_t t[2];
  items = calloc(ITEMS, sizeof *items);
  assert_non_null(items);
  check_ok(grove__run_queue_init(&shared));
  for (int i = 0; i < 2; i++) {
    assert_int_equal(uv_thread_create(&t[i], steal_all, i ? &taken : NULL), 0);
  }
  for (int i = 0; i < ITEMS; i++) {
    if (i % 3 == 0) {
      (void)grove__run_queue_push_slot(&shared, &items[i].node);
    } else {
      (void)grove__run_queue_push(&shared, &items[i].node);
    }
    if (i % 2) {
      take(grove__run_queue_pop(&shared));
    }
  }
  while (atomic_load(&taken) < ITEMS) {
    take(grove__run_queue_pop(&shared));
  }
  for (int i = 0; i < 2; i++) {
    uv_thread_join(&t[i]);
  }
  for (int i = 0; i < ITEMS; i++) {
    assert_int_equal(items[i].taken, 1);
  }
  grove__run_queue_deinit(&shared);
  free(items);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_the_slot_starves_nobody),
      cmocka_unit_test(test_each_is_taken_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
