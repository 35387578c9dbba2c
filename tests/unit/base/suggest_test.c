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

static const char *none_at(const void *user, size_t i)
{
  (void)user, (void)i;
  return NULL;
}

static void error_without_any_known(void **state)
{
  grove_error err = {0};
  (void)state;
  check_status(
      grove__error_unknown(&err, GROVE_ENOENT, "column", "zip", none_at, NULL), GROVE_ENOENT);
  assert_string_equal(err.text, "unknown column \"zip\": there is none");
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
  assert_int_equal(err.status, GROVE_ENOENT);
  assert_true(strlen(err.text) > sizeof err.text - 50);
  size_t shown = 0;
  for (const char *p = err.text; (p = strstr(p, "a_rather_long_name")); p++) {
    shown++;
  }
  char rest[40];
  snprintf(rest, sizeof rest, "a_rather_long_name, and %zu more", 1000 - shown);
  check_contains(err.text, rest);
  assert_string_equal(err.text + strlen(err.text) - strlen(rest), rest);
}

// With a list that just fits, or has one letter too many.
static size_t last_letters;
static const char *fitting_at(const void *user, size_t i)
{
  static char text[2][500];
  (void)user;
  memset(text[i > 0], 'x', sizeof text[0]);
  text[0][200] = text[1][last_letters] = '\0';
  return i < 2 ? text[i] : NULL;
}

static void a_list_that_just_fits_is_whole(void **state)
{
  (void)state;
  grove_error err = {0};
  size_t front = strlen("unknown column \"zip\"; known: ") + 200 + strlen(", ");
  last_letters = sizeof err.text - 1 - front;
  grove__error_unknown(&err, GROVE_ENOENT, "column", "zip", fitting_at, NULL);
  assert_int_equal(strlen(err.text), sizeof err.text - 1);
  assert_null(strstr(err.text, "more"));
  last_letters++;
  grove__error_unknown(&err, GROVE_ENOENT, "column", "zip", fitting_at, NULL);
  assert_string_equal(err.text + front - 2, ", and 1 more");
}

static const char *other_at(const void *user, size_t i)
{
  (void)user;
  return i == 2 ? " xgboost  gbm" : i == 3 ? "" : NULL;
}

static void other_names_are_suggested(void **state)
{
  (void)state;
  grove_error err = {0};
  grove__error_unknown_of(&err, GROVE_ENOENT, "model", "xgbost", model_at, other_at, NULL);
  check_contains(err.text, "did you mean \"xgboost\"? known: decision_tree, random_forest, "
                           "gradient_boosting, linear");
  grove__error_unknown_of(&err, GROVE_ENOENT, "model", "linea", model_at, other_at, NULL);
  check_contains(err.text, "did you mean \"linear\"?");
  grove__error_unknown_of(&err, GROVE_ENOENT, "model", "svm", model_at, other_at, NULL);
  check_contains(err.text, "unknown model \"svm\"; known:");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(near_names_are_found),
      cmocka_unit_test(far_names_are_not),
      cmocka_unit_test(error_lists_the_known),
      cmocka_unit_test(error_without_any_known),
      cmocka_unit_test(many_names_are_cut),
      cmocka_unit_test(a_list_that_just_fits_is_whole),
      cmocka_unit_test(other_names_are_suggested),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
