// Forests: weights, random cuts, and the error out of bag.
#include "model/model_object.h"
#include "model/tree_learner.h"
#include "model_fixture.h"

enum { ROWS = 900, COLUMNS = 5 };

static void a_weight_is_a_number_of_rows(void **state)
{
  (void)state;
  double v[4][240], w[4][480];
  uint64_t seed = 8;
  size_t n = 0;
  for (size_t i = 0; i < 240; i++) {
    v[0][i] = (double)i;
    v[1][i] = floor(grove__random_unit(&seed) * 9);
    v[2][i] = (double)(i % 3);
    v[3][i] = floor(v[1][i] * 3 + grove__random_unit(&seed) * 8);
    for (size_t k = 0; k < i % 3; k++, n++) {
      for (size_t c = 0; c < 4; c++) {
        w[c][n] = c == 2 ? 1 : v[c][i];
      }
    }
  }
  double packed[4 * 480];
  for (size_t c = 0; c < 4; c++) {
    memcpy(packed + c * n, w[c], n * sizeof(double));
  }
  grove_table *once = make_table(4, 240, &v[0][0]), *repeated = make_table(4, n, packed);
  for (int leaf = 1; leaf < 8; leaf += 6) {
    char text[8];
    snprintf(text, sizeof text, "%d", leaf);
    const grove_parameter *p = PARAMETERS(
        {"n_estimators", "1"}, {"bootstrap", "false"}, {"min_samples_leaf", leaf == 1 ? "1" : "7"});
    grove_model *a = fit_model("random_forest", p, once, FIT(.weight = "c", .features = NULL));
    grove_model *b = fit_model("random_forest", p, repeated, FIT(.weight = "c"));
    double sum = 0, other = 0;
    for (size_t i = 0; i < n; i++) {
      double row[2] = {w[0][i], w[1][i]};
      double x = predict_row(a, 2, row) - w[3][i], y = predict_row(b, 2, row) - w[3][i];
      sum += x * x;
      other += y * y;
    }
    if (leaf == 1) { // every row that counts is met
      assert_true(sum < 1e-9 && other < 1e-9);
    } else { // ties are drawn, so the trees may differ, but not by much
      assert_true(fabs(sum - other) < 0.15 * (sum + other));
    }
    grove_model_destroy(a);
    grove_model_destroy(b);
  }
  grove_table_release(once);
  grove_table_release(repeated);
}

static void rows_without_weight_do_not_count(void **state)
{
  (void)state;
  double v[3][200];
  for (size_t i = 0; i < 200; i++) {
    v[0][i] = (double)(i % 20);
    v[1][i] = i % 2 ? 0 : 1.5;
    v[2][i] = i % 2 ? 1e6 : v[0][i];
  }
  grove_table *t = make_table(3, 200, &v[0][0]);
  grove_model *m =
      fit_model("random_forest", PARAMETERS({"n_estimators", "20"}), t, FIT(.weight = "b"));
  for (size_t i = 0; i < 20; i += 2) {
    double x = (double)i;
    assert_true(predict_row(m, 1, &x) < 20);
  }
  grove_model_destroy(m);
  grove_table_release(t);
}

// Against a fresh table: the error out of bag is about what it is on rows that no tree has seen.
static void out_of_bag_is_like_new_rows(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0.05, 40),
              *fresh = make_problem(COLUMNS, ROWS, 0.05, 41);
  const double *losses, *none;
  struct odd_work odd;
  init_work(&odd, 3, run_shuffled);
  const grove_parameter *p = PARAMETERS({"oob_score", "true"}, {"n_estimators", "60"});
  grove_model *m = fit_model("random_forest", p, t, FIT(.work = &odd.work));
  grove_model *alone = fit_model("random_forest", p, t, NULL);
  assert_int_equal(grove_model_losses(m, &losses), 1);
  assert_non_null(strstr(odd.last, "60/60 oob "));
  double out = losses[0], other = score(m, fresh), own = score(m, t);
  assert_true(out > 2 * own && fabs(out - other) < 0.25 * other);
  assert_int_equal(grove_model_losses(alone, &none), 1);
  assert_true(none[0] == out);
  grove_model_destroy(m);
  grove_model_destroy(alone);
  m = fit_model("random_forest", PARAMETERS({"n_estimators", "3"}), t, NULL);
  assert_int_equal(grove_model_losses(m, &none), 0);
  assert_null(none);
  grove_model_destroy(m);
  grove_table_release(t);
  grove_table_release(fresh);
}

static void random_cuts_are_many_and_learn(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0.05, 50),
              *fresh = make_problem(COLUMNS, ROWS, 0.05, 51);
  const grove_parameter *p =
      PARAMETERS({"splits", "random"}, {"bootstrap", "false"}, {"n_estimators", "40"});
  grove_model *m = fit_model("random_forest", p, t, FIT(.seed = 5));
  grove_model *best = fit_model("random_forest", PARAMETERS({"n_estimators", "40"}), t, NULL);
  assert_true(score(m, t) < 1e-12); // every row has a leaf
  assert_true(score(m, fresh) < 1.5 * score(best, fresh));
  const grove__ensemble *e = &((const grove__tree_model *)m->state)->ensemble;
  size_t equal = 0;
  for (size_t i = 1; i < e->count; i++) {
    equal += e->trees[i].nodes[0].value == e->trees[0].nodes[0].value;
  }
  assert_true(equal < e->count / 4);
  struct odd_work odd;
  init_work(&odd, 4, run_threads);
  grove_model *again = fit_model("random_forest", p, t, FIT(.seed = 5, .work = &odd.work));
  assert_true(grove_model_hash(again) == grove_model_hash(m));
  grove_model_destroy(again);
  grove_model_destroy(m);
  grove_model_destroy(best);
  grove_table_release(t);
  grove_table_release(fresh);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_weight_is_a_number_of_rows),
      cmocka_unit_test(rows_without_weight_do_not_count),
      cmocka_unit_test(out_of_bag_is_like_new_rows),
      cmocka_unit_test(random_cuts_are_many_and_learn)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
