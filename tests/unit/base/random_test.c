// The small generators: the published sequence, no bias, every seed good.
#include "check.h"
#include "base/random.h"

// The first outputs of SplitMix64 for seed 1234567, as its authors' reference gives them.
static void sequence_is_the_published_one(void **state)
{
  (void)state;
  uint64_t s = 1234567;
  assert_true(grove__random_next(&s) == 6457827717110365317u);
  assert_true(grove__random_next(&s) == 3203168211198807973u);
  assert_true(grove__random_next(&s) == 9817491932198370423u);
}

static void below_stays_below(void **state)
{
  (void)state;
  static const uint64_t limits[] = {1, 2, 3, 10, 1000003, (uint64_t)1 << 63, UINT64_MAX};
  uint64_t s = 1;
  for (size_t k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
    for (int i = 0; i < 1000; i++) {
      assert_true(grove__random_below(&s, limits[k]) < limits[k]);
    }
  }
}

// Five standard deviations: one seed in a million would fail, and the seed is fixed.
static void below_has_no_bias(void **state)
{
  (void)state;
  enum { SIDES = 6, THROWS = 60000 };
  unsigned seen[SIDES] = {0};
  uint64_t s = 2;
  for (int i = 0; i < THROWS; i++) {
    seen[grove__random_below(&s, SIDES)]++;
  }
  for (int i = 0; i < SIDES; i++) {
    assert_in_range(seen[i], THROWS / SIDES - 457, THROWS / SIDES + 457);
  }
  // Two thirds of the range of 64 bits: a plain remainder would give the lower half twice as often.
  uint64_t limit = (UINT64_MAX / 3) * 2;
  unsigned low = 0;
  for (int i = 0; i < THROWS; i++) {
    low += grove__random_below(&s, limit) < limit / 2;
  }
  assert_in_range(low, THROWS / 2 - 613, THROWS / 2 + 613);
}

static void unit_is_in_its_interval(void **state)
{
  (void)state;
  double sum = 0;
  uint64_t s = 3;
  for (int i = 0; i < 10000; i++) {
    double x = grove__random_unit(&s);
    assert_true(x >= 0 && x < 1);
    sum += x;
  }
  assert_true(sum > 4855 && sum < 5145);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sequence_is_the_published_one),
      cmocka_unit_test(below_stays_below),
      cmocka_unit_test(below_has_no_bias),
      cmocka_unit_test(unit_is_in_its_interval),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
