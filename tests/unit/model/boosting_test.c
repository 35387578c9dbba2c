// Boosting: leaves best first, objectives, weights, penalties, and stopping early.
#include "model/model_object.h"
#include "model/objective.h"
#include "model/tree_learner.h"
#include "model_fixture.h"

enum { ROWS = 1200, COLUMNS = 5 };

static const grove__ensemble *trees_of(const grove_model *m)
{
  return &((const grove__tree_model *)m->state)->ensemble;
}

static size_t leaves_of(const grove__tree *t)
{
  return (t->count + 1) / 2;
}

static void check_same_predictions(
    const grove_model *a, const grove_model *b, const grove_table *t, double most)
{
  double *x = malloc(2 * grove_table_rows(t) * sizeof *x), *y = x + grove_table_rows(t);
  check_ok(grove_model_predict(a, t, x, grove_table_rows(t), NULL));
  check_ok(grove_model_predict(b, t, y, grove_table_rows(t), NULL));
  for (size_t i = 0; i < grove_table_rows(t); i++) {
    if (fabs(x[i] - y[i]) > most) {
      fail_msg("row %zu: %.17g and %.17g", i, x[i], y[i]);
    }
  }
  free(x);
}

// ---- best first -------------------------------------------------------------------------------------
static void a_tree_has_as_many_leaves_as_it_may(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0.05, 3);
  static const char *const most[] = {"2", "3", "17", "64"};
  double before = 1e300;
  for (size_t k = 0; k < 4; k++) {
    grove_model *m = fit_model("gradient_boosting",
        PARAMETERS({"num_leaves", most[k]}, {"n_estimators", "3"}, {"max_depth", "none"}), t, NULL);
    for (size_t i = 0; i < 3; i++) {
      assert_int_equal(leaves_of(&trees_of(m)->trees[i]), strtoul(most[k], NULL, 10));
    }
    double now = score(m, t);
    assert_true(now < before);
    before = now;
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

// What is split next gains most of all that waits: so its gain can't be above that of an ancestor's rival.
static void the_best_leaf_is_split(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0, 8);
  grove_model *few = fit_model("gradient_boosting",
      PARAMETERS({"num_leaves", "8"}, {"n_estimators", "1"}, {"max_depth", "none"}), t, NULL);
  grove_model *all = fit_model("gradient_boosting",
      PARAMETERS({"num_leaves", "9"}, {"n_estimators", "1"}, {"max_depth", "none"}), t, NULL);
  double least = 1e300, last = 0, sum[2] = {0, 0};
  const grove__tree *a = &trees_of(few)->trees[0], *b = &trees_of(all)->trees[0];
  for (size_t i = 0; i < a->count; i++) {
    least = a->nodes[i].left && (double)a->facts[i].gain < least ? (double)a->facts[i].gain : least;
    sum[0] += (double)a->facts[i].gain;
  }
  for (size_t i = 0; i < b->count; i++) {
    sum[1] += (double)b->facts[i].gain;
  }
  last = sum[1] - sum[0]; // of the ninth leaf
  assert_true(last > 0 && last <= least * (1 + 1e-5));
  grove_model_destroy(few);
  grove_model_destroy(all);
  grove_table_release(t);
}

static void two_leaves_are_one_level(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0.1, 5);
  grove_model *a =
      fit_model("gradient_boosting", PARAMETERS({"num_leaves", "2"}, {"alpha", "3"}), t, NULL);
  grove_model *b =
      fit_model("gradient_boosting", PARAMETERS({"max_depth", "1"}, {"alpha", "3"}), t, NULL);
  check_same_predictions(a, b, t, 0);
  grove_model_destroy(a);
  grove_model_destroy(b);
  grove_table_release(t);
}

// ---- penalties --------------------------------------------------------------------------------------
static void an_l1_penalty_is_taken_off_each_leaf(void **state)
{
  (void)state;
  double v[2][8] = {{0, 0, 0, 0, 1, 1, 1, 1}, {0, 0, 0, 0, 8, 8, 8, 8}};
  grove_table *t = make_table(2, 8, &v[0][0]);
  // Sums of -16 and 16 around the mean of 4, four rows each, lambda 1: leaves of (16 - 6) / (4 + 1).
  grove_model *m = fit_model("gradient_boosting",
      PARAMETERS({"n_estimators", "1"}, {"eta", "1"}, {"reg_alpha", "6"}), t, NULL);
  double zero = 0, one = 1;
  assert_true(fabs(predict_row(m, 1, &zero) - 2) < 1e-6);
  assert_true(fabs(predict_row(m, 1, &one) - 6) < 1e-6);
  grove_model_destroy(m);
  m = fit_model("gradient_boosting", PARAMETERS({"reg_alpha", "17"}), t, NULL);
  assert_true(predict_row(m, 1, &zero) == 4 && predict_row(m, 1, &one) == 4);
  grove_model_destroy(m);
  grove_table_release(t);
}

static void leaves_have_rows_enough(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0.1, 6);
  for (int best_first = 0; best_first < 2; best_first++) {
    grove_model *m = fit_model("gradient_boosting",
        PARAMETERS({"n_estimators", "5"}, {"min_data_in_leaf", "37"},
            {"max_leaves", best_first ? "1000" : "none"}),
        t, NULL);
    for (size_t k = 0; k < 5; k++) {
      const grove__tree *tree = &trees_of(m)->trees[k];
      assert_true(tree->count > 3);
      for (size_t i = 0; i < tree->count; i++) {
        assert_true(tree->facts[i].cover >= 37);
      }
    }
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

static void levels_share_their_features(void **state)
{
  (void)state;
  grove_table *t = make_problem(9, ROWS, 0, 6);
  grove_model *m = fit_model("gradient_boosting",
      PARAMETERS({"n_estimators", "6"}, {"max_depth", "3"}, {"colsample_bylevel", "0.125"}), t,
      NULL);
  for (size_t k = 0; k < 6; k++) {
    const grove__node *n = trees_of(m)->trees[k].nodes; // level by level
    if (n[0].left && n[1].left && n[2].left) {
      assert_int_equal(n[1].feature & GROVE__NODE_FEATURE, n[2].feature & GROVE__NODE_FEATURE);
    }
  }
  grove_model_destroy(m);
  grove_table_release(t);
}

// ---- weights ----------------------------------------------------------------------------------------
// Rows three times, twice or never, against weights of 3, 2 and 0.
static void make_weighted(grove_table **once, grove_table **repeated)
{
  enum { N = 300, F = 3 };
  static double v[(F + 2) * N], w[(F + 2) * 3 * N];
  uint64_t seed = 5;
  size_t n = 0;
  for (size_t i = 0; i < N; i++) {
    for (size_t f = 0; f < F; f++) {
      v[f * N + i] = floor(grove__random_unit(&seed) * 40);
    }
    v[F * N + i] = (double)(1 + (i % 3 == 1) - (i % 7 == 0) + (i % 3 == 1 && i % 5 == 0));
    v[(F + 1) * N + i] = floor(v[i] / 4 + v[N + i] * v[2 * N + i] / 64);
    n += (size_t)v[F * N + i];
  }
  size_t to = 0;
  for (size_t i = 0; i < N; i++) {
    for (size_t k = 0; k < (size_t)v[F * N + i]; k++, to++) {
      for (size_t f = 0; f < F + 2; f++) {
        w[f * n + to] = f == F ? 1 : v[f * N + i];
      }
    }
  }
  *once = make_table(F + 2, N, v);
  *repeated = make_table(F + 2, n, w);
}

static void a_weight_is_a_number_of_rows(void **state)
{
  static const char *const objectives[] = {"squared", "absolute", "huber", "quantile", "poisson"};
  (void)state;
  grove_table *once, *repeated;
  make_weighted(&once, &repeated);
  for (size_t k = 0; k < 5; k++) {
    for (int best_first = 0; best_first < 2; best_first++) {
      const grove_parameter *p =
          PARAMETERS({"n_estimators", "4"}, {"objective", objectives[k]}, {"min_child_weight", "3"},
              {"max_depth", "4"}, {"max_leaves", best_first ? "9" : "none"}, {"quantile", "0.3"});
      grove_model *a = fit_model("gradient_boosting", p, once, FIT(.weight = "d"));
      grove_model *b = fit_model("gradient_boosting", p, repeated, FIT(.weight = "d"));
      check_same_predictions(a, b, once, 1e-3);
      grove_model_destroy(a);
      grove_model_destroy(b);
    }
  }
  grove_table_release(once);
  grove_table_release(repeated);
}

static void check_refused(const grove_table *t, const char *kind, const grove_parameter *p,
    const grove_fit_options *o, grove_status want, const char *words)
{
  grove_error err = {0};
  grove_model *m = make_model(kind, p);
  check_status(grove_model_fit(m, t, o, &err), want);
  if (!strstr(err.text, words)) {
    fail_msg("\"%s\" has not \"%s\"", err.text, words);
  }
  grove_model_destroy(m);
}

static void bad_weights_are_refused(void **state)
{
  (void)state;
  double v[3][4] = {{1, 2, 3, 4}, {1, -1, 1, 1}, {1, 2, 3, 4}}, z[3][2] = {{1, 2}, {0, 0}, {1, 2}};
  grove_table *t = make_table(3, 4, &v[0][0]), *none = make_table(3, 2, &z[0][0]);
  check_refused(
      t, "gradient_boosting", NULL, FIT(.weight = "b"), GROVE_EINVAL, "weight b is -1 in row 1");
  check_refused(
      t, "gradient_boosting", NULL, FIT(.weight = "c"), GROVE_EINVAL, "target and weight");
  check_refused(t, "gradient_boosting", NULL, FIT(.weight = "x"), GROVE_ENOENT, "x");
  check_refused(none, "gradient_boosting", NULL, FIT(.weight = "b"), GROVE_EINVAL, "sums to 0");
  grove_table_release(t);
  grove_table_release(none);
}

// ---- objectives -------------------------------------------------------------------------------------
static void gradients_are_derivatives(void **state)
{
  (void)state;
  const double ys[] = {0, 1, 0, 1, 3, 0.5}, raws[] = {0.3, -0.7, 2, 1.5, 0.1, -3}, w = 2, d = 1e-5;
  for (int kind = 0; kind < 6; kind++) {
    grove__objective o = {kind, 0.3, 1.2};
    for (size_t i = 0; i < (kind == GROVE__OBJECTIVE_LOGISTIC ? 4 : 6); i++) {
      double g, h, up = raws[i] + d, down = raws[i] - d;
      grove__objective_gradients(&o, &ys[i], &raws[i], &w, 0, 1, &g, &h);
      double rise = (grove__objective_loss(&o, &ys[i], &up, NULL, 1) -
                        grove__objective_loss(&o, &ys[i], &down, NULL, 1)) /
                    (2 * d);
      rise = kind == GROVE__OBJECTIVE_SQUARED ? rise / 2 : rise;
      assert_true(fabs(g + w * rise) < 1e-6 * (1 + fabs(g)));
      assert_true(h > 0);
    }
  }
}

static void quantiles_are_quantiles(void **state)
{
  (void)state;
  uint64_t seed = 9;
  for (int round = 0; round < 300; round++) {
    double v[40], w[40], copy[40], all = 0, below = 0, upto = 0;
    size_t n = 1 + (size_t)grove__random_below(&seed, 40);
    double q = grove__random_unit(&seed) * 0.98 + 0.01;
    for (size_t i = 0; i < n; i++) {
      copy[i] = v[i] = floor(grove__random_unit(&seed) * 9);
      w[i] = 1 + (double)grove__random_below(&seed, round % 2 ? 4 : 1);
    }
    double x[40];
    memcpy(x, w, sizeof x);
    double got = grove__weighted_quantile(v, round % 2 ? w : NULL, n, q);
    for (size_t i = 0; i < n; i++) {
      all += x[i];
      below += copy[i] < got ? x[i] : 0;
      upto += copy[i] <= got ? x[i] : 0;
    }
    assert_true(below < q * all * (1 + 1e-12) + 1e-12 && upto >= q * all * (1 - 1e-12));
  }
}

static void quantiles_have_their_share_below(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0, 12);
  double *p = malloc(2 * ROWS * sizeof *p), *y = p + ROWS;
  check_ok(grove_table_doubles(t, COLUMNS - 1, 0, ROWS, y, NULL));
  static const char *const quantile[] = {"0.1", "0.5", "0.9"};
  for (size_t k = 0; k < 3; k++) {
    grove_model *m = fit_model("gradient_boosting",
        PARAMETERS({"objective", "quantile"}, {"quantile", quantile[k]}, {"max_depth", "3"},
            {"min_data_in_leaf", "40"}, {"n_estimators", "60"}),
        t, NULL);
    double below = 0;
    check_ok(grove_model_predict(m, t, p, ROWS, NULL));
    for (size_t i = 0; i < ROWS; i++) {
      below += (y[i] <= p[i]) / (double)ROWS;
    }
    assert_true(fabs(below - strtod(quantile[k], NULL)) < 0.06);
    grove_model_destroy(m);
  }
  free(p);
  grove_table_release(t);
}

static void classes_become_chances(void **state)
{
  (void)state;
  double v[2][400];
  uint64_t seed = 2;
  for (size_t i = 0; i < 400; i++) {
    v[0][i] = (double)(i % 4);
    v[1][i] = grove__random_unit(&seed) < 0.2 + 0.2 * v[0][i];
  }
  grove_table *t = make_table(2, 400, &v[0][0]);
  grove_model *m = fit_model(
      "gradient_boosting", PARAMETERS({"objective", "binary:logistic"}, {"lambda", "0"}), t, NULL);
  for (size_t k = 0; k < 4; k++) {
    double x = (double)k, ones = 0;
    for (size_t i = k; i < 400; i += 4) {
      ones += v[1][i] / 100;
    }
    assert_true(fabs(predict_row(m, 1, &x) - ones) < 1e-3);
  }
  grove_model_destroy(m);
  for (size_t i = 0; i < 400; i++) {
    v[1][i] = floor(exp(v[0][i]) + grove__random_unit(&seed) * 3);
  }
  grove_table *counts = make_table(2, 400, &v[0][0]);
  m = fit_model(
      "gradient_boosting", PARAMETERS({"objective", "poisson"}, {"lambda", "0"}), counts, NULL);
  for (size_t k = 0; k < 4; k++) {
    double x = (double)k, mean = 0;
    for (size_t i = k; i < 400; i += 4) {
      mean += v[1][i] / 100;
    }
    assert_true(fabs(predict_row(m, 1, &x) - mean) < 0.02 * mean);
  }
  grove_model_destroy(m);
  grove_table_release(t);
  grove_table_release(counts);
}

static void bad_targets_are_refused(void **state)
{
  (void)state;
  double v[2][3] = {{1, 2, 3}, {0, 1, 2}}, one[2][3] = {{1, 2, 3}, {1, 1, 1}};
  double less[2][3] = {{1, 2, 3}, {0, -1, 2}}, zero[2][3] = {{1, 2, 3}, {0, 0, 0}};
  grove_table *t[] = {make_table(2, 3, &v[0][0]), make_table(2, 3, &one[0][0]),
      make_table(2, 3, &less[0][0]), make_table(2, 3, &zero[0][0])};
  const grove_parameter *binary = PARAMETERS({"objective", "logistic"});
  const grove_parameter *counts = PARAMETERS({"objective", "poisson"});
  check_refused(t[0], "gradient_boosting", binary, NULL, GROVE_EINVAL, "2 in row 2");
  check_refused(t[1], "gradient_boosting", binary, NULL, GROVE_EINVAL, "both classes");
  check_refused(t[2], "gradient_boosting", counts, NULL, GROVE_EINVAL, "-1 in row 1");
  check_refused(t[3], "gradient_boosting", counts, NULL, GROVE_EINVAL, "0 in all rows");
  for (size_t i = 0; i < 4; i++) {
    grove_table_release(t[i]);
  }
}

// ---- stopping early ---------------------------------------------------------------------------------
static void it_stops_when_held_rows_gain_no_more(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, 400, 0, 21), *held = make_problem(COLUMNS, 300, 0, 22);
  const grove_parameter *p =
      PARAMETERS({"n_estimators", "400"}, {"early_stopping_rounds", "4"}, {"max_depth", "4"});
  struct odd_work odd;
  init_work(&odd, 1, NULL);
  grove_model *m = fit_model("gradient_boosting", p, t, FIT(.validation = held, .work = &odd.work));
  size_t n = trees_of(m)->count;
  assert_true(n > 3 && n < 396 && odd.progressed == n + 4);
  assert_non_null(strstr(odd.last, "/400 mse "));
  // Neither one tree less nor some more would have been better.
  char less[16], more[16];
  snprintf(less, sizeof less, "%zu", n - 1);
  snprintf(more, sizeof more, "%zu", n + 3);
  grove_model *a = fit_model(
      "gradient_boosting", PARAMETERS({"n_estimators", less}, {"max_depth", "4"}), t, NULL);
  grove_model *b = fit_model(
      "gradient_boosting", PARAMETERS({"n_estimators", more}, {"max_depth", "4"}), t, NULL);
  assert_true(score(m, held) <= score(a, held) && score(m, held) <= score(b, held));
  grove_model_destroy(a);
  grove_model_destroy(b);
  grove_model_destroy(m);
  m = fit_model("gradient_boosting", p, t, FIT(.seed = 3)); // on a tenth of its own rows
  assert_true(trees_of(m)->count < 396 && trees_of(m)->trees[0].facts[0].cover == 360);
  grove_model_destroy(m);
  check_refused(t, "linear", NULL, FIT(.validation = held), GROVE_ENOTSUP, "validate");
  grove_table_release(t);
  grove_table_release(held);
}

// ---- the same bits ----------------------------------------------------------------------------------
static void all_of_it_is_the_same_for_any_width(void **state)
{
  (void)state;
  static const grove_parameter sets[][4] = {
      {{"max_leaves", "40"}, {"subsample", "0.7"}, {NULL, NULL}},
      {{"objective", "absolute"}, {"max_depth", "7"}, {NULL, NULL}},
      {{"objective", "poisson"}, {"colsample_bylevel", "0.5"}, {NULL, NULL}},
      {{"early_stopping_rounds", "3"}, {"alpha", "2"}, {NULL, NULL}}};
  grove_table *t = make_problem(COLUMNS, 20000, 0.03, 31);
  grove_table *counts = make_problem(COLUMNS, 20000, 0, 31);
  for (size_t k = 0; k < 4; k++) {
    uint64_t hash = 0;
    for (uint32_t width = 1; width <= 5; width += 2) {
      struct odd_work odd;
      init_work(&odd, width, width == 3 ? run_shuffled : run_threads);
      grove_parameter p[6] = {sets[k][0], sets[k][1], {"n_estimators", "6"}, {NULL, NULL}};
      grove_model *m = fit_model("gradient_boosting", p, k == 2 ? counts : t,
          FIT(.seed = 4, .work = &odd.work, .target = k == 2 ? "a" : NULL));
      assert_true(hash == 0 || hash == grove_model_hash(m));
      hash = grove_model_hash(m);
      grove_model_destroy(m);
    }
  }
  grove_table_release(t);
  grove_table_release(counts);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_tree_has_as_many_leaves_as_it_may),
      cmocka_unit_test(the_best_leaf_is_split), cmocka_unit_test(two_leaves_are_one_level),
      cmocka_unit_test(an_l1_penalty_is_taken_off_each_leaf),
      cmocka_unit_test(leaves_have_rows_enough), cmocka_unit_test(levels_share_their_features),
      cmocka_unit_test(a_weight_is_a_number_of_rows), cmocka_unit_test(bad_weights_are_refused),
      cmocka_unit_test(gradients_are_derivatives), cmocka_unit_test(quantiles_are_quantiles),
      cmocka_unit_test(quantiles_have_their_share_below), cmocka_unit_test(classes_become_chances),
      cmocka_unit_test(bad_targets_are_refused),
      cmocka_unit_test(it_stops_when_held_rows_gain_no_more),
      cmocka_unit_test(all_of_it_is_the_same_for_any_width)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
