// The numbers are NumPy 2.4's: RandomState(seed).randint, random_sample and permutation.
#include "check.h"
#include "columnar/mersenne.h"

static void first_words(void **state)
{
  grove__mersenne m;
  (void)state;
  grove__mersenne_init(&m, 5489);
  assert_int_equal(grove__mersenne_next(&m), 3499211612u);
  assert_int_equal(grove__mersenne_next(&m), 581869302u);
  assert_int_equal(grove__mersenne_next(&m), 3890346734u);
  for (int i = 4; i < 10000; i++) {
    grove__mersenne_next(&m);
  }
  assert_int_equal(grove__mersenne_next(&m), 4123659995u); // the 10,000th, as C++11 has it too
}

static void check_upto(uint64_t most, const uint64_t *expected, int n)
{
  grove__mersenne m;
  grove__mersenne_init(&m, 7);
  for (int i = 0; i < n; i++) {
    assert_int_equal(grove__mersenne_upto(&m, most), expected[i]);
  }
}

static void bounded_draws(void **state)
{
  static const uint64_t ten[] = {4, 9, 6, 3, 3, 7, 7, 9};
  static const uint64_t forty_bits[] = {752595690692, 108744157686, 291964244179};
  static const uint64_t more_bits[] = {
      1407639518939636932u, 8087222774582268115u, 1329108821600893482u};
  (void)state;
  check_upto(9, ten, 8);
  check_upto((uint64_t)1 << 40, forty_bits, 3);
  check_upto((uint64_t)1 << 63, more_bits, 3);
}

static void unit_draws(void **state)
{
  grove__mersenne m;
  (void)state;
  grove__mersenne_init(&m, 0);
  assert_true(grove__mersenne_unit(&m) == 0.5488135039273248);
  assert_true(grove__mersenne_unit(&m) == 0.7151893663724195);
  assert_true(grove__mersenne_unit(&m) == 0.6027633760716439);
}

static void permutations(void **state)
{
  static const struct {
    uint32_t seed;
    uint64_t order[12];
  } known[] = {
      {0, {6, 11, 4, 10, 2, 8, 1, 7, 9, 3, 0, 5}},
      {1, {2, 3, 4, 10, 1, 6, 0, 7, 11, 9, 8, 5}},
      {42, {10, 9, 0, 8, 5, 2, 1, 11, 4, 7, 3, 6}},
      {4294967295u, {11, 8, 5, 9, 1, 10, 6, 0, 4, 7, 2, 3}},
  };
  (void)state;
  for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
    uint64_t order[12];
    grove__mersenne m;
    for (uint64_t i = 0; i < 12; i++) {
      order[i] = i;
    }
    grove__mersenne_init(&m, known[k].seed);
    grove__mersenne_shuffle(&m, order, 12);
    assert_memory_equal(order, known[k].order, sizeof order);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_words),
      cmocka_unit_test(bounded_draws),
      cmocka_unit_test(unit_draws),
      cmocka_unit_test(permutations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
