// Input that can't be learned from: a clear error, never a crash.
#include "model_fixture.h"

static const char *const kinds[] = {
    "decision_tree", "random_forest", "gradient_boosting", "linear"};

static void refuse(const char *kind, grove_table *t, const grove_fit_options *o, grove_status want,
    const char *words)
{
  grove_error err = {0};
  grove_model *m = make_model(kind, NULL);
  check_status(grove_model_fit(m, t, o, &err), want);
  check_contains(err.text, words);
  grove_model_destroy(m);
}

static void targets_must_be_finite(void **state)
{
  (void)state;
  grove_table *nan = make_table(2, 3, (double[]){1, 2, 3, 1, NAN, 3});
  grove_table *inf = make_table(2, 3, (double[]){1, 2, 3, 1, 2, -INFINITY});
  for (size_t i = 0; i < 4; i++) {
    refuse(kinds[i], nan, NULL, GROVE_EINVAL, "target b is missing in row 1 (rows from 0)");
    refuse(kinds[i], inf, NULL, GROVE_EINVAL, "target b is infinite in row 2");
  }
  grove_table_release(nan);
  grove_table_release(inf);
}

static void features_must_not_be_infinite(void **state)
{
  (void)state;
  grove_table *t = make_table(3, 3, (double[]){1, 2, 3, 1, 2, INFINITY, 1, 2, 3});
  for (size_t i = 0; i < 4; i++) {
    refuse(kinds[i], t, NULL, GROVE_EINVAL, "feature b is infinite in row 2 (rows from 0)");
  }
  grove_table_release(t);
}

static void linear_takes_no_missing_values(void **state)
{
  (void)state;
  double out[3];
  grove_error err = {0};
  grove_table *hole = make_table(2, 3, (double[]){1, NAN, 3, 1, 2, 3});
  grove_table *whole = make_table(2, 3, (double[]){1, 2, 3, 1, 2, 3});
  refuse("linear", hole, NULL, GROVE_EINVAL,
      "feature a is missing in row 1 (rows from 0); linear does not take missing values");
  grove_model *m = fit_model("linear", NULL, whole, NULL);
  check_status(grove_model_predict(m, hole, out, 3, &err), GROVE_EINVAL);
  check_contains(err.text, "feature a is missing in row 1");
  assert_int_equal(err.at, 1);
  grove_model_destroy(m);
  grove_table_release(hole);
  grove_table_release(whole);
}

static void there_must_be_rows_and_columns(void **state)
{
  (void)state;
  grove_table *empty = make_table(2, 0, (double[]){0});
  grove_table *lonely = make_table(1, 3, (double[]){1, 2, 3});
  for (size_t i = 0; i < 4; i++) {
    refuse(kinds[i], empty, NULL, GROVE_EINVAL, "0 rows and 2 columns");
    refuse(kinds[i], lonely, NULL, GROVE_EINVAL, "no column of numbers besides the target a");
  }
  grove_table_release(empty);
  grove_table_release(lonely);
}

static void columns_must_be_there_and_be_numbers(void **state)
{
  (void)state;
  grove_table *t = NULL;
  grove_error err = {0};
  const char *csv = "x,word,y\n1,one,1\n2,two,2\n3,three,3\n";
  const char *word[] = {"word", NULL}, *twice[] = {"x", "x", NULL}, *both[] = {"x", "y", NULL};
  check_ok_err(grove_csv_parse(csv, strlen(csv), NULL, &t, &err), &err);
  refuse("linear", t, FIT(.target = "z"), GROVE_ENOENT, "z");
  refuse("linear", t, FIT(.target = "word"), GROVE_ENOTSUP, "word");
  refuse("linear", t, FIT(.features = word), GROVE_ENOTSUP, "word");
  refuse("linear", t, FIT(.features = twice), GROVE_EINVAL, "feature x is given twice");
  refuse("linear", t, FIT(.features = both), GROVE_EINVAL, "column y is both target and feature");
  grove_model *m = fit_model("linear", NULL, t, NULL); // words are left out by default
  assert_string_equal(grove_model_feature(m, 0), "x");
  assert_null(grove_model_feature(m, 1));
  grove_model_destroy(m);
  grove_table_release(t);
}

static void models_are_fitted_once_and_before_use(void **state)
{
  (void)state;
  double out, mse;
  void *bytes = &out;
  size_t n;
  grove_error err = {0};
  grove_table *t = make_table(2, 3, (double[]){1, 2, 3, 1, 2, 3});
  grove_model *m = make_model("linear", NULL);
  check_status(grove_model_predict(m, t, &out, 3, &err), GROVE_EINVAL);
  assert_string_equal(err.text, "this linear is not fitted");
  check_status(grove_model_score(m, t, NULL, &mse, &err), GROVE_EINVAL);
  check_status(grove_model_save(m, NULL, &bytes, &n, &err), GROVE_EINVAL);
  assert_null(bytes);
  assert_true(grove_model_hash(m) == 0);
  check_ok_err(grove_model_fit(m, t, NULL, &err), &err);
  check_status(grove_model_fit(m, t, NULL, &err), GROVE_EINVAL);
  check_contains(err.text, "a model is fitted once");
  grove_model_destroy(m);
  grove_table_release(t);
}

// Numbers at the ends of what a double can say.
static void extreme_numbers(void **state)
{
  (void)state;
  double v[] = {1e-320, 2e-320, 3e-320, 4e-320, -1e308, -1e300, 1e300, 1e308, 1, 2, 3, 4};
  grove_table *t = make_table(3, 4, v);
  for (size_t i = 0; i < 3; i++) {
    grove_model *m = fit_model(kinds[i], NULL, t, NULL);
    double low = predict_row(m, 2, (double[]){1e-320, -1e308});
    double high = predict_row(m, 2, (double[]){4e-320, 1e308});
    assert_true(isfinite(low) && isfinite(high) && low < high);
    grove_model_destroy(m);
  }
  grove_table_release(t);
  double w[] = {1, 2, 3, 4, -1.7e308, 1.7e308, -1.7e308, 1.7e308};
  t = make_table(2, 4, w);
  for (size_t i = 0; i < 4; i++) {
    refuse(kinds[i], t, NULL, GROVE_EINVAL, "target b goes from -1.7e+308 to 1.7e+308");
  }
  grove_table_release(t);
  double tiny[] = {1, 2, 3, 4, 1e-310, 2e-310, 3e-310, 4e-310};
  t = make_table(2, 4, tiny);
  for (size_t i = 0; i < 4; i++) {
    grove_model *m = fit_model(kinds[i], NULL, t, NULL);
    assert_true(isfinite(predict_row(m, 1, (double[]){1})));
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(targets_must_be_finite),
      cmocka_unit_test(features_must_not_be_infinite),
      cmocka_unit_test(linear_takes_no_missing_values),
      cmocka_unit_test(there_must_be_rows_and_columns),
      cmocka_unit_test(columns_must_be_there_and_be_numbers),
      cmocka_unit_test(models_are_fitted_once_and_before_use), cmocka_unit_test(extreme_numbers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
