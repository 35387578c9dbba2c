// What a model can be told, and what it says about it.
#include "model_fixture.h"

static void refuse(const char *name, const grove_parameter *p, grove_status want, const char *words)
{
  grove_model *m = (grove_model *)&p;
  grove_error err = {0};
  check_status(grove_model_create(NULL, name, p, &m, &err), want);
  assert_null(m);
  assert_int_equal(err.status, want);
  check_contains(err.text, words);
}

static void check_parameters(const char *name, const grove_parameter *p, const char *part)
{
  char text[768];
  grove_model *m = make_model(name, p);
  size_t n = grove_model_parameters(m, text, sizeof text);
  assert_int_equal(n, strlen(text));
  check_contains(text, part);
  grove_model_destroy(m);
}

static void defaults_are_the_promised_ones(void **state)
{
  (void)state;
  check_parameters("decision_tree", NULL, "max_depth=15 ");
  check_parameters("random_forest", NULL, "n_estimators=150 max_depth=none max_features=all ");
  check_parameters("gradient_boosting", NULL,
      "n_estimators=150 max_depth=10 eta=0.3 colsample_bytree=1 subsample=1 lambda=1 gamma=0 "
      "min_child_weight=1 max_bin=255 ");
  check_parameters("linear", NULL, "l2=0 fit_intercept=true l1=0");
}

static void text_is_cut_at_its_room(void **state)
{
  (void)state;
  char text[12];
  grove_model *m = make_model("linear", NULL);
  assert_int_equal(grove_model_parameters(m, text, sizeof text), strlen("l2=0 fit_intercept=true l1=0"));
  assert_string_equal(text, "l2=0 fit_in");
  assert_int_equal(grove_model_parameters(m, NULL, 0), strlen("l2=0 fit_intercept=true l1=0"));
  grove_model_destroy(m);
}

static void aliases_are_understood(void **state)
{
  (void)state;
  check_parameters("gradient_boosting", PARAMETERS({"learning_rate", "0.1"}), "eta=0.1 ");
  check_parameters("xgboost", PARAMETERS({"num_boost_round", "7"}), "n_estimators=7 ");
  check_parameters("gradient_boosting", PARAMETERS({"reg_lambda", "2.5"}), "lambda=2.5 ");
  check_parameters("random_forest", PARAMETERS({"n_trees", "3"}), "n_estimators=3 ");
  check_parameters("random_forest", PARAMETERS({"max_depth", "unlimited"}), "max_depth=none ");
  check_parameters("random_forest", PARAMETERS({"max_depth", "0"}), "max_depth=none ");
  check_parameters("random_forest", PARAMETERS({"max_features", "sqrt"}), "max_features=sqrt ");
  check_parameters("random_forest", PARAMETERS({"bootstrap", "false"}), "bootstrap=false ");
}

static void what_is_ignored_is_told(void **state)
{
  (void)state;
  char text[768];
  grove_model *m = make_model("xgboost", PARAMETERS({"lr", "0.1"}, {"eta", "0.3"}));
  assert_string_equal(grove_model_name(m), "gradient_boosting");
  assert_string_equal(grove_model_notes(m), "lr is ignored: eta is given");
  grove_model_parameters(m, text, sizeof text);
  check_contains(text, "eta=0.3 ");
  grove_model_destroy(m);
  m = make_model("xgboost", PARAMETERS({"lr", "0.1"}, {"learning_rate", "0.2"}));
  assert_string_equal(grove_model_notes(m), "learning_rate is ignored: lr is given");
  grove_model_parameters(m, text, sizeof text);
  check_contains(text, "eta=0.1 ");
  grove_model_destroy(m);
  m = make_model("xgboost", PARAMETERS({"eta", "0.1"}, {"eta", "0.2"}, {"lr", "1"}));
  assert_string_equal(
      grove_model_notes(m), "eta is ignored: eta is given; lr is ignored: eta is given");
  grove_model_parameters(m, text, sizeof text);
  check_contains(text, "eta=0.2 ");
  grove_model_destroy(m);
  m = make_model("xgboost", PARAMETERS({"lr", "0.1"}));
  assert_string_equal(grove_model_notes(m), "");
  grove_model_destroy(m);
}

static void unknown_names_get_the_known_ones(void **state)
{
  (void)state;
  refuse("random_forrest", NULL, GROVE_ENOENT, "did you mean \"random_forest\"?");
  refuse("random_forrest", NULL, GROVE_ENOENT,
      "known: decision_tree, random_forest, gradient_boosting, linear");
  refuse("decision_tree", PARAMETERS({"max_dept", "3"}), GROVE_ENOENT,
      "unknown parameter of decision_tree \"max_dept\"; did you mean \"max_depth\"? known: "
      "max_depth, min_samples_split,");
  // Other names are suggested, too.
  refuse("xgbost", NULL, GROVE_ENOENT,
      "unknown model \"xgbost\"; did you mean \"xgboost\"? known: decision_tree,");
  refuse("gradient_boosting", PARAMETERS({"learning_rat", "1"}), GROVE_ENOENT,
      "did you mean \"learning_rate\"? known: n_estimators,");
}

static void values_out_of_range_get_the_range(void **state)
{
  (void)state;
  refuse("gradient_boosting", PARAMETERS({"eta", "-1"}), GROVE_EINVAL,
      "gradient_boosting.eta=-1: must be a number from 1e-09 to 1");
  refuse("gradient_boosting", PARAMETERS({"lr", "2"}), GROVE_EINVAL, "gradient_boosting.lr=2:");
  refuse("random_forest", PARAMETERS({"n_estimators", "1.5"}), GROVE_EINVAL,
      "must be a whole number from 1 to 1000000");
  refuse("random_forest", PARAMETERS({"n_estimators", "ten"}), GROVE_EINVAL, "n_estimators=ten");
  refuse("random_forest", PARAMETERS({"n_estimators", ""}), GROVE_EINVAL, "n_estimators=:");
  refuse("random_forest", PARAMETERS({"n_estimators", "nan"}), GROVE_EINVAL, "n_estimators=nan");
  refuse("random_forest", PARAMETERS({"max_depth", "some"}), GROVE_EINVAL,
      "max_depth=some: must be a whole number from 1 to 1000000, or none, unlimited");
  refuse("random_forest", PARAMETERS({"n_estimators", NULL}), GROVE_EINVAL, "has no value");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(defaults_are_the_promised_ones),
      cmocka_unit_test(text_is_cut_at_its_room), cmocka_unit_test(aliases_are_understood),
      cmocka_unit_test(what_is_ignored_is_told), cmocka_unit_test(unknown_names_get_the_known_ones),
      cmocka_unit_test(values_out_of_range_get_the_range)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
