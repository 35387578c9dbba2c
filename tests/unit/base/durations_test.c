// Histograms: percentiles against sorted values, the ends of the range, several threads.
#include "base/durations.h"
#include "check.h"
#include <math.h>
#include <uv.h>

static grove__durations h;

static int by_value(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static void test_percentiles(void **state)
{
  enum { N = 20000 };
  static uint64_t v[N];
  uint64_t random = 7;
  (void)state;
  memset(&h, 0, sizeof h);
  assert_int_equal(grove__durations_at(&h, 0.5), 0);
  for (int i = 0; i < N; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    v[i] = (uint64_t)exp2((double)(random >> 40) / (double)(1 << 24) * 35);
    grove__durations_add(&h, (int64_t)v[i]);
  }
  qsort(v, N, sizeof *v, by_value);
  const double share[] = {0.0001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
  for (size_t i = 0; i < sizeof share / sizeof *share; i++) {
    uint64_t want = v[(size_t)(ceil(share[i] * N) - 1)];
    uint64_t got = grove__durations_at(&h, share[i]);
    assert_true(fabs((double)got - (double)want) <= (double)want / 15 + 1);
  }
  assert_int_equal(atomic_load(&h.total), N);
  assert_int_equal(atomic_load(&h.most), v[N - 1]);
}

static void test_the_ends(void **state)
{
  (void)state;
  memset(&h, 0, sizeof h);
  for (int i = 0; i < 8; i++) { // exact where they are small
    grove__durations_add(&h, i);
  }
  assert_int_equal(grove__durations_at(&h, 1.0 / 8), 0);
  assert_int_equal(grove__durations_at(&h, 0.5), 3);
  assert_int_equal(grove__durations_at(&h, 1), 7);
  memset(&h, 0, sizeof h);
  grove__durations_add(&h, -5);
  assert_int_equal(grove__durations_at(&h, 1), 0);
  grove__durations_add(&h, INT64_MAX);
  assert_true(grove__durations_at(&h, 1) == INT64_MAX);
  memset(&h, 0, sizeof h);
  grove__durations_add(&h, 1000); // never more than what was there
  assert_in_range(grove__durations_at(&h, 0.5), 930, 1000);
  grove__durations twice;
  memset(&twice, 0, sizeof twice);
  grove__durations_merge(&twice, &h);
  grove__durations_merge(&twice, &h);
  assert_int_equal(atomic_load(&twice.total), 2);
  assert_int_equal(atomic_load(&twice.sum), 2000);
  assert_int_equal(atomic_load(&twice.most), 1000);
  assert_int_equal(grove__durations_at(&twice, 1), grove__durations_at(&h, 1));
}

static void add_many(void *user)
{
  for (int i = 0; i < 50000; i++) {
    grove__durations_add(&h, (intptr_t)user * 100 + i % 1000);
  }
}
static void test_many_threads(void **state)
{
  uv_thread_t t[4];
  (void)state;
  memset(&h, 0, sizeof h);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(uv_thread_create(&t[i], add_many, (void *)(intptr_t)i), 0);
  }
  for (int i = 0; i < 4; i++) {
    uv_thread_join(&t[i]);
  }
  uint64_t sum = 0;
  for (int i = 0; i < GROVE__DURATIONS_BUCKETS; i++) {
    sum += atomic_load(&h.count[i]);
  }
  assert_int_equal(sum, 200000);
  assert_int_equal(atomic_load(&h.total), 200000);
  assert_int_equal(atomic_load(&h.most), 1299);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_percentiles),
      cmocka_unit_test(test_the_ends),
      cmocka_unit_test(test_many_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
