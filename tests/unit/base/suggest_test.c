#include "check.h"
#include "base/suggest.h"

static const char *const models[] = {
    "decision_tree", "random_forest", "gradient_boosting", "linear"};

static const char *model_at(const void *user, size_t i)
{
  (void)user;
  return i < sizeof(models) / sizeof(models[0]) ? models[i] : NULL;
}

static const char *nothing_at(const void *user, size_t i)
{
  (void)user;
  (void)i;
  return NULL;
}

static void near_names_are_found(void **state)
{
  (void)state;
  assert_string_equal(
      grove__suggest("random_forst", model_at, NULL), "random_forest"); // one left out
  assert_string_equal(
      grove__suggest("randmo_forest", model_at, NULL), "random_forest"); // two swapped
  assert_string_equal(grove__suggest("LINEAR", model_at, NULL), "linear");
  assert_string_equal(grove__suggest("linaer", model_at, NULL), "linear");
  assert_string_equal(grove__suggest("decision-trees", model_at, NULL), "decision_tree");
}

static void far_names_are_not(void **state)
{
  (void)state;
  assert_null(grove__suggest("svm", model_at, NULL));
  assert_null(grove__suggest("", model_at, NULL));
  assert_null(grove__suggest("linear", nothing_at, NULL));
  char longer[500];
  memset(longer, 'l', sizeof(longer) - 1);
  longer[sizeof(longer) - 1] = '\0';
  assert_null(grove__suggest(longer, model_at, NULL));
}

static void error_lists_the_known(void **state)
{
  (void)state;
  grove_error err = {0};
  check_status(grove__error_unknown(&err, GROVE_ENOENT, "model", "random_forst", model_at, NULL),
      GROVE_ENOENT);
  assert_string_equal(err.text,
      "unknown model \"random_forst\"; did you mean \"random_forest\"? known: "
      "decision_tree, random_forest, gradient_boosting, linear");
  grove__error_unknown(&err, GROVE_ENOENT, "model", "svm", model_at, NULL);
  assert_string_equal(err.text, "unknown model \"svm\"; known: "
                                "decision_tree, random_forest, gradient_boosting, linear");
  check_status(
      grove__error_unknown(NULL, GROVE_ENOENT, "model", "svm", model_at, NULL), GROVE_ENOENT);
}

static const char *many_at(const void *user, size_t i)
{
  (void)user;
  return i < 1000 ? "a_rather_long_name" : NULL;
}

static void many_names_are_cut(void **state)
{
  (void)state;
  grove_error err = {0};
  grove__error_unknown(&err, GROVE_ENOENT, "column", "zip", many_at, NULL);
  assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
  assert_int_equal(err.status, GROVE_ENOENT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(near_names_are_found),
      cmocka_unit_test(far_names_are_not),
      cmocka_unit_test(error_lists_the_known),
      cmocka_unit_test(many_names_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
