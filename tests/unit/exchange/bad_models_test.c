// Damaged models and unknown shapes: refused with words, never a crash.
#include "samples.h"

static char *replace(const char *text, const char *from, const char *to)
{
  const char *at = strstr(text, from);
  assert_non_null(at);
  char *out = malloc(strlen(text) + strlen(to) + 1);
  assert_non_null(out);
  size_t head = (size_t)(at - text);
  memcpy(out, text, head);
  strcpy(out + head, to);
  strcat(out, at + strlen(from));
  return out;
}

static void check_refused(
    const char *name, const char *from, const char *to, grove_status want, const char *words)
{
  size_t n;
  grove_model *m;
  grove_error err;
  char *text = read_sample(name, &n), *bad = replace(text, from, to);
  grove_status s = grove_model_import(NULL, bad, strlen(bad), &m, &err);
  if (s != want || !strstr(err.text, words)) {
    print_error("%s with %s: %d, \"%s\"\n", name, to, (int)s, s ? err.text : "");
    fail();
  }
  assert_null(m);
  free(bad);
  free(text);
}

static void refuses_xgboost_shapes(void **state)
{
  (void)state;
  const char *f = "xgb32_squared.json";
  check_refused(f, "\"version\":[3", "\"version\":[4", GROVE_ENOTSUP, "4.");
  check_refused(f, "\"version\":[3", "\"version\":[0", GROVE_ENOTSUP, "version 0");
  check_refused(f, "\"version\"", "\"versions\"", GROVE_ECORRUPT, "version");
  check_refused(f, "\"learner\"", "\"teacher\"", GROVE_ENOTSUP, "no XGBoost model");
  check_refused(f, "\"name\":\"gbtree\"", "\"name\":\"dart\"", GROVE_ENOTSUP, "dart");
  check_refused(f, "\"name\":\"gbtree\"", "\"name\":\"gblinear\"", GROVE_ENOTSUP, "gblinear");
  check_refused(f, "reg:squarederror", "multi:softprob", GROVE_ENOTSUP, "multi:softprob");
  check_refused(f, "\"num_class\":\"0\"", "\"num_class\":\"3\"", GROVE_ENOTSUP, "num_class is 3");
  check_refused(
      f, "\"num_target\":\"1\"", "\"num_target\":\"2\"", GROVE_ENOTSUP, "num_target is 2");
  check_refused(f, "\"base_score\":\"[", "\"base_score\":\"[1,", GROVE_ENOTSUP, "base_score");
  check_refused(f, "\"size_leaf_vector\":\"1\"", "\"size_leaf_vector\":\"2\"", GROVE_ENOTSUP,
      "size_leaf_vector");
  check_refused(f, "\"tree_info\":[0", "\"tree_info\":[1", GROVE_ENOTSUP, "tree_info");
  check_refused(f, "\"enc\":[]", "\"enc\":[1]", GROVE_ENOTSUP, "cats");
  check_refused(f, "\"num_class\":\"0\",\"num_feature\":\"4\"",
      "\"num_class\":\"0\",\"num_feature\":\"1\"", GROVE_ECORRUPT, "feature");
  check_refused(f, "\"left_children\":[1", "\"left_children\":[0", GROVE_ECORRUPT, "node");
  check_refused(f, "\"left_children\":[1", "\"left_children\":[99", GROVE_ECORRUPT, "not there");
  check_refused(f, "\"split_type\":[0", "\"split_type\":[7", GROVE_ENOTSUP, "split_type 7");
  check_refused(f, "\"split_type\":[0", "\"split_type\":[1", GROVE_ECORRUPT, "categor");
  check_refused(f, "\"default_left\":[", "\"default_left\":[5,", GROVE_ECORRUPT, "default_left");
  check_refused("xgb32_reglogistic.json", "\"base_score\":\"[", "\"base_score\":\"[1",
      GROVE_ECORRUPT, "base score");
}

static void refuses_lightgbm_shapes(void **state)
{
  (void)state;
  const char *f = "lgb47_regression.txt";
  check_refused(f, "version=v4", "version=v5", GROVE_ENOTSUP, "v5");
  check_refused(f, "num_class=1", "num_class=3", GROVE_ENOTSUP, "num_class");
  check_refused(
      f, "num_tree_per_iteration=1", "num_tree_per_iteration=2", GROVE_ENOTSUP, "num_tree");
  check_refused(f, "objective=regression", "objective=lambdarank", GROVE_ENOTSUP, "lambdarank");
  check_refused(f, "is_linear=0", "is_linear=1", GROVE_ENOTSUP, "linear trees");
  check_refused(
      f, "pandas_categorical:null", "pandas_categorical:[[\"a\"]]", GROVE_ENOTSUP, "pandas");
  check_refused(f, "decision_type=", "decision_type=99 ", GROVE_ECORRUPT, "decision_type");
  check_refused(f, "num_leaves=7", "num_leaves=8", GROVE_ECORRUPT, "leaf_value");
  check_refused(f, "left_child=2", "left_child=0", GROVE_ECORRUPT, "node");
  check_refused(f, "end of trees", "", GROVE_ECORRUPT, "end of trees");
  check_refused(f, "max_feature_idx=3", "max_feature_idx=4", GROVE_ECORRUPT, "feature_names");
  check_refused(f, "tree_sizes=", "tree_sizes=9 ", GROVE_ECORRUPT, "tree_sizes");
  check_refused("lgb47_category.txt", "cat_boundaries=0 ", "cat_boundaries=99 ", GROVE_ECORRUPT,
      "cat_boundaries");
}

static void refuses_the_old_binary_form(void **state)
{
  (void)state;
  grove_model *m;
  grove_error err;
  check_status(grove_model_import(NULL, "binf\0\0\0\0", 8, &m, &err), GROVE_ENOTSUP);
  check_contains(err.text, "old binary");
  check_status(grove_model_import(NULL, "", 0, &m, &err), GROVE_ECORRUPT);
  check_status(grove_model_import(NULL, "hello", 5, &m, &err), GROVE_ECORRUPT);
  check_status(grove_model_import(NULL, NULL, 5, &m, &err), GROVE_EINVAL);
}

// Every prefix is refused, until only line ends or remarks are missing.
static void refuses_what_is_cut_short(void **state)
{
  (void)state;
  static const char *const names[] = {
      "xgb32_squared.json", "xgb32_category.ubj", "lgb47_category.txt"};
  for (size_t k = 0; k < 3; k++) {
    size_t n, whole;
    char *bytes = read_sample(names[k], &n);
    const char *end = strstr(bytes, "end of trees");
    whole = k == 2 ? (size_t)(end - bytes) + 12 : n;
    for (size_t cut = 0; cut < whole; cut += cut < 300 || whole - cut < 300 ? 1 : 37) {
      grove_model *m;
      grove_error err = {0};
      char *exact = malloc(cut ? cut : 1); // so that a sanitizer sees one byte too far
      assert_non_null(exact);
      memcpy(exact, bytes, cut);
      assert_true(grove_model_import(NULL, exact, cut, &m, &err) != GROVE_OK);
      assert_true(err.text[0] && !m);
      free(exact);
    }
    free(bytes);
  }
}

// A changed byte is refused, or gives a model that predicts something.
static void survives_changed_bytes(void **state)
{
  (void)state;
  uint64_t seed = 20240501;
  print_message("seed %llu\n", (unsigned long long)seed);
  for (size_t k = 0; k < SAMPLES; k += 4) {
    sample s;
    double out[SAMPLE_ROWS];
    open_sample(sample_names[k], &s);
    for (int i = 0; i < 300; i++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      size_t at = (size_t)(seed >> 20) % s.n;
      char old = s.bytes[at];
      s.bytes[at] = (char)(seed >> 56);
      grove_model *m;
      grove_error err = {0};
      if (grove_model_import(NULL, s.bytes, s.n, &m, &err)) {
        assert_true(err.text[0] != 0);
      } else if (!grove_model_feature(m, SAMPLE_COLUMNS)) {
        predict_sample(m, &s, out);
      }
      grove_model_destroy(m);
      s.bytes[at] = old;
    }
    free(s.bytes);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(refuses_xgboost_shapes),
      cmocka_unit_test(refuses_lightgbm_shapes), cmocka_unit_test(refuses_the_old_binary_form),
      cmocka_unit_test(refuses_what_is_cut_short), cmocka_unit_test(survives_changed_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
