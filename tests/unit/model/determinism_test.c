// The same seed gives the same bits: for any width, in any order of chunks, on real threads.
#include "model_fixture.h"
#include <time.h>

static const char *const kinds[] = {
    "decision_tree", "random_forest", "gradient_boosting", "linear"};

static uint64_t hash_of(const char *kind, const grove_parameter *p, const grove_table *t,
    uint64_t seed, const grove_work *work)
{
  grove_model *m = fit_model(kind, p, t, FIT(.seed = seed, .work = work));
  uint64_t hash = grove_model_hash(m);
  assert_true(hash != 0);
  grove_model_destroy(m);
  return hash;
}

static void check_widths(const char *kind, const grove_parameter *p, const grove_table *t)
{
  void (*const run[])(void *, size_t, void (*)(void *, size_t), void *) = {
      NULL, run_backwards, run_shuffled, run_threads};
  const uint32_t width[] = {1, 2, 3, 8};
  uint64_t alone = hash_of(kind, p, t, 9, NULL);
  for (size_t r = 0; r < 4; r++) {
    for (size_t w = 0; w < 4; w++) {
      struct odd_work odd;
      init_work(&odd, width[w], run[r]);
      assert_true(hash_of(kind, p, t, 9, &odd.work) == alone);
      assert_true(odd.yields > 0);
      assert_true(odd.done == 1);
    }
  }
}

static void the_width_does_not_matter(void **state)
{
  (void)state;
  grove_table *t = make_problem(10, 20000, 0, 1);
  const grove_parameter *few = PARAMETERS({"n_estimators", "5"});
  for (size_t k = 0; k < 4; k++) {
    check_widths(kinds[k], k == 1 || k == 2 ? few : NULL, t);
  }
  grove_table_release(t);
}

static void nor_with_missing_values_and_samples(void **state)
{
  (void)state;
  grove_table *t = make_problem(6, 12000, 0.2, 2);
  check_widths("decision_tree", PARAMETERS({"max_features", "2"}), t);
  check_widths("random_forest",
      PARAMETERS({"n_estimators", "5"}, {"max_features", "sqrt"}, {"max_samples", "0.6"}), t);
  check_widths("gradient_boosting",
      PARAMETERS({"n_estimators", "5"}, {"subsample", "0.7"}, {"colsample_bytree", "0.8"},
          {"colsample_bynode", "0.7"}),
      t);
  grove_table_release(t);
}

// So many rows that lanes share the histograms and partitions of one node.
static void nor_with_many_rows(void **state)
{
  (void)state;
  grove_table *t = make_problem(12, 70000, 0.1, 5);
  const grove_parameter *const grown[] = {PARAMETERS({"n_estimators", "3"}),
      PARAMETERS({"n_estimators", "3"}, {"max_leaves", "20"}, {"max_depth", "none"})};
  for (size_t k = 0; k < 2; k++) {
    uint64_t alone = hash_of("gradient_boosting", grown[k], t, 9, NULL);
    for (uint32_t width = 2; width <= 8; width += 3) {
      struct odd_work odd;
      init_work(&odd, width, width == 5 ? run_shuffled : run_threads);
      assert_true(hash_of("gradient_boosting", grown[k], t, 9, &odd.work) == alone);
    }
  }
  grove_table_release(t);
}

// A table so small that one lane has all of its root, and others help while it adds up the histogram: of one block and of two.
static void nor_who_helps_with_a_histogram(void **state)
{
  (void)state;
  static const char *const objectives[] = {"squared", "huber"};
  for (size_t columns = 8; columns <= 12; columns += 4) {
    grove_table *t = make_problem(columns, columns == 8 ? 30000 : 16000, 0.1, 7);
    for (size_t k = 0; k < 2; k++) {
      check_widths("gradient_boosting",
          PARAMETERS({"n_estimators", "6"}, {"objective", objectives[k]}), t);
    }
    grove_table_release(t);
  }
}

// Two leaves are parted at once where there are lanes for it, one of them ahead of its turn; with so few leaves more to come
// some that are parted stay leaves.
static void nor_which_leaves_are_parted_ahead(void **state)
{
  (void)state;
  static const char *const leaves[] = {"9", "40", "300"};
  grove_table *t = make_problem(12, 20000, 0.1, 6);
  for (size_t k = 0; k < 3; k++) {
    check_widths("gradient_boosting",
        PARAMETERS({"n_estimators", "3"}, {"max_leaves", leaves[k]}, {"max_depth", "none"},
            {"subsample", "0.9"}, {"colsample_bynode", k == 1 ? "0.5" : "1"},
            {"objective", k == 2 ? "absolute" : "squared"}),
        t);
    check_widths("gradient_boosting",
        PARAMETERS({"n_estimators", "3"}, {"max_leaves", leaves[k]}, {"max_depth", "7"}), t);
  }
  grove_table_release(t);
}

static void the_seed_matters_where_it_should(void **state)
{
  (void)state;
  grove_table *t = make_problem(5, 1000, 0, 3);
  const grove_parameter *p = PARAMETERS({"n_estimators", "5"});
  double a, b;
  grove_model *m = fit_model("random_forest", p, t, FIT(.seed = 1));
  a = predict_row(m, 4, (double[]){5, 5, 5, 5});
  grove_model_destroy(m);
  m = fit_model("random_forest", p, t, FIT(.seed = 2));
  b = predict_row(m, 4, (double[]){5, 5, 5, 5});
  grove_model_destroy(m);
  assert_true(a != b);
  grove_table_release(t);
}

static void a_block_is_predicted_as_its_rows(void **state)
{
  (void)state;
  size_t rows = 5003;
  grove_table *t = make_problem(5, rows, 0.05, 4);
  grove_table *whole = make_problem(5, rows, 0, 4);
  double *out = malloc(rows * sizeof *out), row[4];
  grove_error err = {0};
  for (size_t k = 0; k < 4; k++) {
    const grove_table *x = k == 3 ? whole : t;
    grove_model *m = fit_model(kinds[k], NULL, x, NULL);
    check_ok_err(grove_model_predict(m, x, out, rows, &err), &err);
    for (size_t i = 0; i < rows; i += 61) {
      for (size_t c = 0; c < 4; c++) {
        check_ok(grove_table_doubles(x, c, i, 1, &row[c], NULL));
      }
      assert_true(predict_row(m, 4, row) == out[i]);
    }
    grove_model_destroy(m);
  }
  free(out);
  grove_table_release(t);
  grove_table_release(whole);
}

static void cancel_ends_a_fit(void **state)
{
  (void)state;
  grove_table *t = make_problem(6, 20000, 0, 5);
  for (size_t k = 0; k < 3; k++) {
    for (size_t after = 1; after < 6; after += 2) {
      struct odd_work odd;
      grove_error err = {0};
      grove_model *m = make_model(kinds[k], NULL);
      init_work(&odd, 2, after % 4 == 1 ? run_shuffled : NULL);
      odd.cancel_after = after;
      check_status(grove_model_fit(m, t, FIT(.work = &odd.work), &err), GROVE_ECANCELED);
      check_contains(err.text, "cancelled");
      grove_model_destroy(m);
    }
  }
  grove_table_release(t);
}

static void progress_counts_trees(void **state)
{
  (void)state;
  struct odd_work odd;
  grove_table *t = make_problem(4, 500, 0, 6);
  init_work(&odd, 1, NULL);
  grove_model_destroy(
      fit_model("xgboost", PARAMETERS({"n_estimators", "7"}), t, FIT(.work = &odd.work)));
  assert_int_equal(odd.progressed, 7);
  assert_string_equal(odd.last, "7/7");
  grove_table_release(t);
}

static void a_time_limit_ends_it_well(void **state)
{
  (void)state;
  grove_table *t = make_problem(6, 20000, 0, 7);
  for (size_t k = 1; k < 3; k++) {
    grove_model *m =
        fit_model(kinds[k], PARAMETERS({"n_estimators", "100000"}), t, FIT(.time_limit_ms = 30));
    assert_true(score(m, t) < 60);
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_width_does_not_matter),
      cmocka_unit_test(nor_with_missing_values_and_samples), cmocka_unit_test(nor_with_many_rows), cmocka_unit_test(nor_who_helps_with_a_histogram),
      cmocka_unit_test(nor_which_leaves_are_parted_ahead),
      cmocka_unit_test(the_seed_matters_where_it_should),
      cmocka_unit_test(a_block_is_predicted_as_its_rows), cmocka_unit_test(cancel_ends_a_fit),
      cmocka_unit_test(progress_counts_trees), cmocka_unit_test(a_time_limit_ends_it_well)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
