// The inbox: oldest first, whoever pushes; nothing lost between threads.
#include "check.h"
#include "queue/inbox.h"
#include <uv.h>

typedef struct item {
  grove__run_node node;
  int from, n;
} item;
static item *item_of(grove__run_node *n)
{
  return (item *)(void *)n;
}

static void test_order(void **state)
{
  (void)state;
  grove__inbox b;
  item x[6];
  check_ok(grove__inbox_init(&b));
  for (int i = 0; i < 6; i++) {
    x[i] = (item){.n = i};
  }
  assert_false(grove__inbox_looks_full(&b) || grove__inbox_waits(&b));
  assert_null(grove__inbox_take(&b));
  grove__inbox_push(&b, &x[0].node);
  assert_true(grove__inbox_looks_full(&b) && grove__inbox_waits(&b));
  assert_int_equal(item_of(grove__inbox_take(&b))->n, 0);
  for (int i = 1; i < 4; i++) {
    grove__inbox_push(&b, &x[i].node);
  }
  assert_int_equal(item_of(grove__inbox_take(&b))->n, 1);
  grove__inbox_push(&b, &x[4].node); // while some are in the list
  grove__inbox_push(&b, &x[5].node);
  for (int i = 2; i < 6; i++) {
    assert_true(grove__inbox_looks_full(&b) && grove__inbox_waits(&b));
    assert_int_equal(item_of(grove__inbox_take(&b))->n, i);
  }
  assert_null(grove__inbox_take(&b));
  assert_false(grove__inbox_looks_full(&b) || grove__inbox_waits(&b));
  grove__inbox_deinit(&b);
}

// ---- threads -------------------------------------------------------------------------------------------

enum { PUSHERS = 3, TAKERS = 2, EACH = 30000 };
static grove__inbox shared;
static item items[PUSHERS][EACH];
static atomic_int taken;

static void push_all(void *arg)
{
  item *mine = arg;
  for (int i = 0; i < EACH; i++) {
    grove__inbox_push(&shared, &mine[i].node);
  }
}

// What one has pushed is taken in its order, by all takers together, so by each of them.
static void take_all(void *arg)
{
  (void)arg;
  int last[PUSHERS] = {-1, -1, -1};
  while (atomic_load(&taken) < PUSHERS * EACH) {
    grove__run_node *n = grove__inbox_take(&shared);
    if (n) {
      item *x = item_of(n);
      assert_true(x->n > last[x->from]);
      last[x->from] = x->n;
      atomic_fetch_add(&taken, 1);
    }
  }
}

static void test_threads(void **state)
{
  (void)state;
  uv_thread_t t[PUSHERS + TAKERS];
  check_ok(grove__inbox_init(&shared));
  atomic_store(&taken, 0);
  for (int p = 0; p < PUSHERS; p++) {
    for (int i = 0; i < EACH; i++) {
      items[p][i] = (item){.from = p, .n = i};
    }
  }
  for (int i = 0; i < TAKERS; i++) {
    assert_int_equal(uv_thread_create(&t[PUSHERS + i], take_all, NULL), 0);
  }
  for (int p = 0; p < PUSHERS; p++) {
    assert_int_equal(uv_thread_create(&t[p], push_all, items[p]), 0);
  }
  for (int i = 0; i < PUSHERS + TAKERS; i++) {
    uv_thread_join(&t[i]);
  }
  assert_int_equal(atomic_load(&taken), PUSHERS * EACH);
  assert_null(grove__inbox_take(&shared));
  grove__inbox_deinit(&shared);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
