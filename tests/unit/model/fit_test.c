// Small problems with known answers.
#include "model_fixture.h"

static const char *const trees[] = {"decision_tree", "random_forest", "gradient_boosting"};

static void a_line_is_found(void **state)
{
  (void)state;
  double v[3 * 50];
  for (size_t i = 0; i < 50; i++) {
    v[i] = (double)i * 0.25 - 3;
    v[50 + i] = (double)(i * i % 17);
    v[100 + i] = 4 + 2 * v[i] - 0.5 * v[50 + i];
  }
  grove_table *t = make_table(3, 50, v);
  grove_model *m = fit_model("linear", NULL, t, NULL);
  assert_true(fabs(predict_row(m, 2, (double[]){10, 20}) - 14) < 1e-11);
  assert_true(score(m, t) < 1e-22);
  grove_model_destroy(m);
  m = fit_model("linear", PARAMETERS({"ridge", "1e9"}), t, NULL);
  double mean = 0;
  for (size_t i = 0; i < 50; i++) {
    mean += v[100 + i] / 50;
  }
  assert_true(
      fabs(predict_row(m, 2, (double[]){3, 8}) - mean) < 1e-3); // nothing but the mean is left
  grove_model_destroy(m);
  grove_table_release(t);
}

// Columns that say the same, a constant one, and fewer rows than columns.
static void a_line_without_full_rank(void **state)
{
  (void)state;
  double v[] = {1, 2, 3, 4, 2, 4, 6, 8, 0.1, 0.1, 0.1, 0.1, 3, 5, 7, 9};
  grove_table *t = make_table(4, 4, v);
  grove_model *m = fit_model("linear", NULL, t, NULL);
  assert_true(fabs(predict_row(m, 3, (double[]){10, 20, 0.1}) - 21) < 1e-12);
  grove_model_destroy(m);
  grove_table_release(t);
  t = make_table(4, 1, (double[]){1, 2, 3, 4});
  m = fit_model("linear", NULL, t, NULL);
  assert_true(predict_row(m, 3, (double[]){5, 5, 5}) == 4);
  grove_model_destroy(m);
  grove_table_release(t);
}

// Many columns and few rows: memory for one square or two, not for one of each block that there could be.
static void a_wide_line_is_modest(void **state)
{
  enum { COLUMNS = 201, ROWS = 40 };
  (void)state;
  check_memory memory = {0};
  grove_allocator a = check_allocator(&memory);
  grove_registry *r = NULL;
  grove_model *m = NULL;
  grove_table *t = NULL;
  grove_error err = {0};
  static char csv[COLUMNS * ROWS * 5 + 1];
  size_t used = 0;
  for (size_t i = 0; i < COLUMNS * ROWS; i++) {
    used += (size_t)sprintf(csv + used, "%zu%c", i * 7919 % 1009, (i + 1) % COLUMNS ? ',' : '\n');
  }
  check_ok(grove_csv_parse(
      csv, used, &(grove_csv_options){sizeof(grove_csv_options), .no_header = 1}, &t, &err));
  check_ok(grove_registry_create(&a, &r));
  check_ok_err(grove_model_create(r, "linear", NULL, &m, &err), &err);
  check_ok_err(grove_model_fit(m, t, &(grove_fit_options){GROVE_FIT}, &err), &err);
  assert_true(memory.peak_bytes < 5 * COLUMNS * COLUMNS * sizeof(double));
  grove_model_destroy(m);
  grove_registry_destroy(r);
  assert_int_equal(memory.live_bytes, 0);
  grove_table_release(t);
}

static void one_row_is_one_leaf(void **state)
{
  (void)state;
  grove_table *t = make_table(2, 1, (double[]){5, 42.5});
  for (size_t i = 0; i < 3; i++) {
    grove_model *m = fit_model(trees[i], NULL, t, NULL);
    assert_true(predict_row(m, 1, (double[]){-3}) == 42.5);
    assert_true(predict_row(m, 1, (double[]){NAN}) == 42.5);
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

static void constant_targets_and_features(void **state)
{
  (void)state;
  double v[2 * 600];
  for (size_t i = 0; i < 600; i++) {
    v[i] = (double)(i % 37);
    v[600 + i] = 0.1;
  }
  grove_table *flat = make_table(2, 600, v);
  for (size_t i = 0; i < 600; i++) {
    v[600 + i] = v[i];
    v[i] = 3;
  }
  grove_table *blind = make_table(2, 600, v); // the mean is all there is to know
  for (size_t i = 0; i < 3; i++) {
    grove_model *m = fit_model(trees[i], NULL, flat, NULL);
    assert_true(fabs(predict_row(m, 1, (double[]){4}) - 0.1) < 1e-15);
    grove_model_destroy(m);
    m = fit_model(trees[i], PARAMETERS({"max_depth", "3"}), blind, NULL);
    assert_true(fabs(predict_row(m, 1, (double[]){3}) - 17.8) < 0.5);
    assert_true(predict_row(m, 1, (double[]){3}) == predict_row(m, 1, (double[]){99}));
    grove_model_destroy(m);
  }
  grove_table_release(flat);
  grove_table_release(blind);
}

// Distinct rows: an unlimited tree repeats its training data bit for bit, on either side of 256 rows.
static void a_full_tree_repeats_its_data(void **state)
{
  (void)state;
  for (size_t rows = 2; rows < 3000; rows = rows * 3 + 1) {
    double *v = malloc(3 * rows * sizeof *v);
    uint64_t seed = rows;
    for (size_t i = 0; i < rows; i++) {
      v[i] = (double)((i * 7919) % rows) * 0.1;
      v[rows + i] = (double)(i % 5);
      v[2 * rows + i] = floor(grove__random_unit(&seed) * 1000) / 8;
    }
    grove_table *t = make_table(3, rows, v);
    grove_model *m = fit_model("decision_tree", PARAMETERS({"max_depth", "none"}), t, NULL);
    assert_true(score(m, t) == 0);
    grove_model_destroy(m);
    m = fit_model(
        "random_forest", PARAMETERS({"bootstrap", "false"}, {"n_estimators", "3"}), t, NULL);
    assert_true(score(m, t) < 1e-20);
    grove_model_destroy(m);
    grove_table_release(t);
    free(v);
  }
}

// The best single cut is known: between 2 and 3, leaves 1 and 10.
static void a_stump_cuts_where_it_should(void **state)
{
  (void)state;
  double v[] = {4, 1, 3, 2, 1, 1, 1, 1, 10, 1, 10, 1};
  grove_table *t = make_table(3, 4, v);
  grove_model *m = fit_model("decision_tree", PARAMETERS({"max_depth", "1"}), t, NULL);
  assert_true(predict_row(m, 2, (double[]){2.5, 1}) == 1); // the middle goes left
  assert_true(predict_row(m, 2, (double[]){2.5000001, 1}) == 10);
  assert_true(predict_row(m, 2, (double[]){-INFINITY, 1}) == 1);
  assert_true(predict_row(m, 2, (double[]){INFINITY, 1}) == 10);
  grove_model_destroy(m);
  // Boosting by hand: base 5.5; leaves (sum of residuals) / (2 + lambda), times eta.
  m = fit_model(
      "xgboost", PARAMETERS({"n_estimators", "1"}, {"eta", "0.5"}, {"lambda", "1"}), t, NULL);
  assert_true(fabs(predict_row(m, 2, (double[]){1, 1}) - (5.5 - 0.5 * 9 / 3)) < 1e-6);
  assert_true(fabs(predict_row(m, 2, (double[]){4, 1}) - (5.5 + 0.5 * 9 / 3)) < 1e-6);
  grove_model_destroy(m);
  grove_table_release(t);
}

// The missing have a target of their own, so their direction can be learned; small nodes and large ones.
static void missing_values_find_their_side(void **state)
{
  (void)state;
  for (size_t rows = 40; rows <= 4000; rows *= 10) {
    double *v = malloc(2 * rows * sizeof *v);
    for (int high = 0; high < 2; high++) {
      for (size_t i = 0; i < rows; i++) {
        v[i] = i % 4 == 0 ? NAN : (double)(i % 10);
        v[rows + i] = i % 4 == 0 ? (high ? 100 : -100) : v[i] >= 5 ? 50 : -50;
      }
      grove_table *t = make_table(2, rows, v);
      for (size_t k = 0; k < 3; k++) {
        grove_model *m =
            fit_model(trees[k], PARAMETERS({"max_depth", "6"}, {"min_samples_leaf", "1"}), t, NULL);
        assert_true(fabs(predict_row(m, 1, (double[]){NAN}) - (high ? 100 : -100)) < 2);
        assert_true(fabs(predict_row(m, 1, (double[]){9}) - 50) < 2);
        assert_true(fabs(predict_row(m, 1, (double[]){0}) + 50) < 2);
        grove_model_destroy(m);
      }
      grove_table_release(t);
    }
    free(v);
  }
}

static void limits_are_kept(void **state)
{
  (void)state;
  grove_table *t = make_problem(5, 2000, 0.1, 5);
  double deep = 0, shallow, wide;
  for (size_t k = 0; k < 3; k++) {
    grove_model *m = fit_model(trees[k], PARAMETERS({"max_depth", "12"}), t, NULL);
    deep = score(m, t);
    grove_model_destroy(m);
    m = fit_model(trees[k], PARAMETERS({"max_depth", "2"}), t, NULL);
    shallow = score(m, t);
    grove_model_destroy(m);
    m = fit_model(trees[k], PARAMETERS({"min_samples_leaf", "900"}), t, NULL);
    wide = score(m, t);
    grove_model_destroy(m);
    assert_true(deep < shallow / 2 && deep < wide / 2);
    assert_true(shallow > 0.5);
  }
  grove_table_release(t);
}

static void many_features(void **state)
{
  (void)state;
  static const char *const kinds[] = {
      "decision_tree", "random_forest", "gradient_boosting", "linear"};
  grove_table *t = make_problem(12, 1500, 0, 3);
  for (size_t k = 0; k < 4; k++) {
    grove_model *m = fit_model(kinds[k], NULL, t, NULL);
    assert_true(score(m, t) < (k == 3 ? 60 : 1));
    assert_string_equal(grove_model_feature(m, 10), "k");
    assert_null(grove_model_feature(m, 11));
    grove_model_destroy(m);
  }
  grove_model *m = fit_model(
      "random_forest", PARAMETERS({"max_features", "sqrt"}, {"max_samples", "0.5"}), t, NULL);
  assert_true(score(m, t) < 20);
  grove_model_destroy(m);
  m = fit_model("gradient_boosting",
      PARAMETERS({"subsample", "0.5"}, {"colsample_bytree", "0.6"}, {"colsample_bynode", "0.5"},
          {"max_bin", "16"}),
      t, NULL);
  assert_true(score(m, t) < 5);
  grove_model_destroy(m);
  grove_table_release(t);
}

static void a_table_is_predicted_by_names(void **state)
{
  (void)state;
  double v[] = {1, 2, 3, 4, 5, 5, 6, 6, 10, 20, 30, 40};
  grove_table *t = make_table(3, 4, v);
  const char *features[] = {"b", "a", NULL};
  double out[4], row[4];
  grove_error err = {0};
  grove_model *m = fit_model("decision_tree", NULL, t, FIT(.target = "c", .features = features));
  assert_string_equal(grove_model_feature(m, 0), "b");
  check_ok_err(grove_model_predict(m, t, out, 4, &err), &err);
  for (size_t i = 0; i < 4; i++) {
    row[i] = predict_row(m, 2, (double[]){v[4 + i], v[i]});
  }
  assert_memory_equal(out, row, sizeof out);
  assert_true(out[0] == 10 && out[3] == 40);
  grove_table *lacks = make_table(1, 4, v);
  check_status(grove_model_predict(m, lacks, out, 4, &err), GROVE_ENOENT);
  check_contains(err.text, "a feature of this decision_tree: ");
  check_contains(err.text, "b");
  check_status(grove_model_predict(m, t, out, 3, &err), GROVE_EINVAL);
  const double *two[] = {v, v};
  check_status(grove_model_predict_matrix(m, &(grove_matrix){two, 1, 1}, out), GROVE_EINVAL);
  grove_model_destroy(m);
  grove_table_release(lacks);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_line_is_found),
      cmocka_unit_test(a_line_without_full_rank), cmocka_unit_test(a_wide_line_is_modest),
      cmocka_unit_test(one_row_is_one_leaf), cmocka_unit_test(constant_targets_and_features),
      cmocka_unit_test(a_full_tree_repeats_its_data),
      cmocka_unit_test(a_stump_cuts_where_it_should),
      cmocka_unit_test(missing_values_find_their_side), cmocka_unit_test(limits_are_kept),
      cmocka_unit_test(many_features), cmocka_unit_test(a_table_is_predicted_by_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
