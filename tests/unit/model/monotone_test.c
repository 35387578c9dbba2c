// Features with which predictions must rise or fall do so, whatever else is asked.
#include "model_fixture.h"

enum { ROWS = 3000, STEPS = 60, FEATURES = 4 };
static const char *const up[] = {"a", NULL}, *const down[] = {"b", NULL};

// Noise, and waves that go against what is asked.
static grove_table *make_waves(double missing, uint64_t seed)
{
  double *v = malloc((FEATURES + 1) * ROWS * sizeof *v), *y = v + FEATURES * ROWS;
  for (size_t i = 0; i < ROWS; i++) {
    for (size_t c = 0; c < FEATURES; c++) {
      double x = floor(grove__random_unit(&seed) * 200) / 10;
      v[c * ROWS + i] = c == 3 ? floor(x) : x;
    }
    y[i] = v[i] / 4 + 3 * sin(v[i]) - v[ROWS + i] / 5 + 2 * cos(v[ROWS + i]) +
           sin(v[2 * ROWS + i]) * v[i] / 5 + fmod(v[3 * ROWS + i] * 7, 5) +
           grove__random_unit(&seed);
    for (size_t c = 0; c < FEATURES; c++) {
      v[c * ROWS + i] = grove__random_unit(&seed) < missing ? NAN : v[c * ROWS + i];
    }
  }
  grove_table *t = make_table(FEATURES + 1, ROWS, v);
  free(v);
  return t;
}

// Walks feature `c` up from everywhere: each step must not go against `direction`.
static size_t count_steps(const grove_model *m, size_t c, double direction)
{
  uint64_t seed = 11;
  size_t moves = 0;
  for (int walk = 0; walk < 200; walk++) {
    double at[FEATURES], before = 0;
    for (size_t k = 0; k < FEATURES; k++) {
      double x = grove__random_unit(&seed) * 20;
      at[k] = grove__random_unit(&seed) < 0.1 ? NAN : k == 3 ? floor(x) : x;
    }
    for (int step = 0; step <= STEPS; step++) {
      at[c] = -1 + 22.0 * step / STEPS;
      double now = predict_row(m, FEATURES, at);
      if (step && direction * now < direction * before) {
        char words[600];
        (void)grove_model_parameters(m, words, sizeof words);
        print_error("%s %s: %.17g, then %.17g\n", grove_model_name(m), words, before, now);
      }
      if (step) {
        assert_true(direction * now >= direction * before);
        moves += now != before;
      }
      before = now;
    }
  }
  return moves;
}

static void check_model(const char *kind, const grove_parameter *p, const grove_table *t,
    const char *const *categorical)
{
  grove_model *m = fit_model(
      kind, p, t, FIT(.seed = 2, .increasing = up, .decreasing = down, .categorical = categorical));
  assert_true(count_steps(m, 0, 1) > 100);
  assert_true(count_steps(m, 1, -1) > 100);
  grove_model_destroy(m);
}

static void predictions_rise_and_fall(void **state)
{
  (void)state;
  static const char *const fourth[] = {"d", NULL};
  for (int missing = 0; missing < 2; missing++) {
    grove_table *t = make_waves(missing ? 0.15 : 0, 3);
    for (int sets = 0; sets < 2; sets++) {
      const char *const *c = sets ? fourth : NULL;
      check_model("decision_tree", NULL, t, c);
      check_model("random_forest", PARAMETERS({"n_estimators", "10"}), t, c);
      check_model("random_forest",
          PARAMETERS({"n_estimators", "10"}, {"splits", "random"}, {"max_features", "0.5"}), t, c);
      check_model("gradient_boosting", PARAMETERS({"n_estimators", "20"}), t, c);
      check_model(
          "gradient_boosting", PARAMETERS({"n_estimators", "20"}, {"max_leaves", "31"}), t, c);
      check_model("gradient_boosting",
          PARAMETERS({"n_estimators", "20"}, {"lambda", "0"}, {"alpha", "3"}, {"subsample", "0.7"}),
          t, c);
      check_model("gradient_boosting",
          PARAMETERS({"n_estimators", "20"}, {"objective", "huber"}, {"max_depth", "5"}), t, c);
    }
    grove_table_release(t);
  }
}

// A line with a little noise: to be told to rise costs next to nothing.
static void a_true_direction_costs_little(void **state)
{
  (void)state;
  double v[2 * ROWS];
  uint64_t seed = 5;
  for (size_t i = 0; i < ROWS; i++) {
    v[i] = grove__random_unit(&seed) * 10;
    v[ROWS + i] = v[i] + grove__random_unit(&seed);
  }
  grove_table *t = make_table(2, ROWS, v);
  static const char *const kinds[] = {"decision_tree", "random_forest", "gradient_boosting"};
  for (size_t k = 0; k < 3; k++) {
    const grove_parameter *p = PARAMETERS({"max_depth", "5"});
    grove_model *m = fit_model(kinds[k], p, t, FIT(.increasing = up));
    assert_true(score(m, t) < 0.12); // the noise's variance is 1/12
    grove_model_destroy(m);
    // Where it falls nothing can be learned: a constant is the best.
    m = fit_model(kinds[k], p, t, FIT(.decreasing = up));
    assert_true(score(m, t) > 8);
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

static void the_width_does_not_matter(void **state)
{
  (void)state;
  grove_table *t = make_problem(6, 12000, 0.1, 2);
  static const char *const kinds[] = {"decision_tree", "random_forest", "gradient_boosting"};
  for (size_t k = 0; k < 3; k++) {
    const grove_parameter *few = PARAMETERS({"n_estimators", "4"});
    uint64_t hash = 0;
    for (uint32_t width = 1; width <= 8; width *= 2) {
      struct odd_work odd;
      init_work(&odd, width, width == 1 ? NULL : run_threads);
      grove_model *m = fit_model(kinds[k], k ? few : NULL, t,
          FIT(.seed = 9, .work = &odd.work, .increasing = up, .decreasing = down));
      hash = hash ? hash : grove_model_hash(m);
      assert_true(grove_model_hash(m) == hash);
      grove_model_destroy(m);
    }
  }
  grove_table_release(t);
}

static void what_is_wrong_is_said(void **state)
{
  (void)state;
  grove_table *t = make_waves(0, 1);
  grove_error err;
  grove_model *m = make_model("linear", NULL);
  assert_int_equal(grove_model_fit(m, t, FIT(.increasing = up), &err), GROVE_ENOTSUP);
  assert_non_null(strstr(err.text, "linear"));
  grove_model_destroy(m);
  m = make_model("gradient_boosting", PARAMETERS({"objective", "quantile"}));
  assert_int_equal(grove_model_fit(m, t, FIT(.increasing = up), &err), GROVE_ENOTSUP);
  assert_non_null(strstr(err.text, "quantiles"));
  grove_model_destroy(m);
  m = make_model("decision_tree", NULL);
  assert_int_equal(
      grove_model_fit(m, t, FIT(.increasing = up, .decreasing = up), &err), GROVE_EINVAL);
  assert_non_null(strstr(err.text, "a can be one of"));
  grove_model_destroy(m);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(predictions_rise_and_fall),
      cmocka_unit_test(a_true_direction_costs_little), cmocka_unit_test(the_width_does_not_matter),
      cmocka_unit_test(what_is_wrong_is_said)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
