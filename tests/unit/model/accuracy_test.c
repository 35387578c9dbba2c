// California housing, the split of seeds 0, 1 and 2: the mean error that each kind must reach at its defaults.
#include "model_fixture.h"
#include <unistd.h>

#define CALIFORNIA GROVE_DATA_DIR "/california_housing.csv"

static void the_error_is_low_enough(void **state)
{
  static const struct {
    const char *kind;
    double most;
  } bar[] = {{"decision_tree", 0.50}, {"random_forest", 0.265}, {"gradient_boosting", 0.245},
      {"linear", 0.535}};
  (void)state;
  if (access(CALIFORNIA, R_OK)) {
    print_message("left out: no %s\n", CALIFORNIA);
    skip();
  }
  grove_table *all = NULL, *train, *test;
  grove_error err = {0};
  struct odd_work odd;
  init_work(&odd, 2, run_threads);
  check_ok_err(grove_csv_read(CALIFORNIA, NULL, &all, &err), &err);
  for (size_t k = 0; k < 4; k++) {
    double mean = 0;
    for (uint64_t seed = 0; seed < 3; seed++) {
      check_ok_err(grove_table_split(all, 0.2, seed, &train, &test, &err), &err);
      grove_model *m = fit_model(bar[k].kind, NULL, train, FIT(.seed = seed, .work = &odd.work));
      mean += score(m, test) / 3;
      grove_model_destroy(m);
      grove_table_release(train);
      grove_table_release(test);
    }
    print_message("%s: %.4f, at most %.4f\n", bar[k].kind, mean, bar[k].most);
    assert_true(mean <= bar[k].most);
  }
  grove_table_release(all);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_error_is_low_enough)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
