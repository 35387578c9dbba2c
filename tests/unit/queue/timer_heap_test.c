// The timer heap against a plain array, by chance.
#include "base/random.h"
#include "check.h"
#include "queue/timer_heap.h"

static uint64_t seed;
enum { NODES = 300 };

// What the array says is first: the least deadline, and of equals the one that was set first.
static int expected(const grove__heap_node *n, const uint64_t *order)
{
  int best = -1;
  for (int i = 0; i < NODES; i++) {
    if (n[i].in && (best < 0 || n[i].when < n[best].when ||
                       (n[i].when == n[best].when && order[i] < order[best]))) {
      best = i;
    }
  }
  return best;
}

static void test_against_an_array(void **state)
{
  (void)state;
  static grove__heap_node n[NODES];
  static uint64_t order[NODES];
  grove__timer_heap h = {NULL, 0, 0};
  uint64_t x = seed, orders = 0;
  size_t count = 0;
  for (int step = 0; step < 100000; step++) {
    int i = (int)grove__random_below(&x, NODES);
    switch (grove__random_below(&x, 4)) {
    case 0:
    case 1:
      if (!n[i].in) {
        // few different deadlines, so that there are ties
        grove__timer_heap_add(&h, &n[i], (int64_t)grove__random_below(&x, 50) - 10);
        order[i] = orders++;
        count++;
      }
      break;
    case 2:
      count -= n[i].in;
      grove__timer_heap_remove(&h, &n[i]);
      break;
    default: {
      grove__heap_node *first = grove__timer_heap_first(&h);
      int want = expected(n, order);
      assert_ptr_equal(first, want < 0 ? NULL : &n[want]);
      if (first) {
        grove__timer_heap_remove(&h, first);
        count--;
      }
      break;
    }
    }
    assert_int_equal(h.count, count);
  }
}

static void test_many_in_a_row(void **state)
{
  (void)state;
  enum { MANY = 200000 };
  grove__heap_node *n = calloc(MANY, sizeof *n); // as one long list of siblings
  grove__timer_heap h = {NULL, 0, 0};
  assert_non_null(n);
  for (int i = 0; i < MANY; i++) {
    grove__timer_heap_add(&h, &n[i], i);
  }
  for (int i = 0; i < MANY; i++) {
    assert_ptr_equal(grove__timer_heap_first(&h), &n[i]);
    grove__timer_heap_remove(&h, &n[i]);
    grove__timer_heap_remove(&h, &n[i]); // one that is not in: nothing
  }
  assert_null(grove__timer_heap_first(&h));
  free(n);
}

int main(int argc, char **argv)
{
  seed = check_seed(argc, argv, 20240607);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_against_an_array),
      cmocka_unit_test(test_many_in_a_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
