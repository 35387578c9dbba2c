// Models of XGBoost and LightGBM predict as those libraries did.
#include "samples.h"

static grove_table *sample_table(const grove_model *m, const sample *s)
{
  static char text[1 << 16];
  size_t used = 0;
  grove_table *t;
  grove_error err;
  for (size_t c = 0; c < SAMPLE_COLUMNS; c++) {
    used += (size_t)snprintf(
        text + used, sizeof text - used, "%s%s", c ? "," : "", grove_model_feature(m, c));
  }
  for (size_t i = 0; i < SAMPLE_ROWS; i++) {
    for (size_t c = 0; c < SAMPLE_COLUMNS; c++) {
      const char *before = c ? "," : "\n";
      double v = s->x[c][i];
      used += isnan(v) ? (size_t)snprintf(text + used, sizeof text - used, "%s", before)
                       : (size_t)snprintf(text + used, sizeof text - used, "%s%.17g", before, v);
    }
  }
  check_ok_err(grove_csv_parse(text, used, NULL, &t, &err), &err);
  return t;
}

static void predicts_as_the_library(void **state)
{
  (void)state;
  for (size_t i = 0; i < SAMPLES; i++) {
    sample s;
    grove_model *m;
    grove_error err;
    open_sample(sample_names[i], &s);
    check_ok_err(grove_model_import(NULL, s.bytes, s.n, &m, &err), &err);
    check_sample(sample_names[i], m, &s, 0);
    grove_model_destroy(m);
    free(s.bytes);
  }
}

static void is_a_model_like_others(void **state)
{
  (void)state;
  sample s;
  grove_model *m, *again;
  grove_error err;
  void *bytes;
  size_t n;
  char text[256];
  open_sample("lgb47_category.txt", &s);
  check_ok_err(grove_model_import(NULL, s.bytes, s.n, &m, &err), &err);
  assert_string_equal(grove_model_name(m), "imported");
  assert_string_equal(grove_model_feature(m, 3), "Column_3");
  assert_null(grove_model_feature(m, 4));
  (void)grove_model_parameters(m, text, sizeof text);
  assert_string_equal(text, "library=lightgbm library_version=4 link=identity trees=5");
  check_ok_err(grove_model_save(m, NULL, &bytes, &n, &err), &err);
  check_ok_err(grove_model_load(NULL, bytes, n, &again, &err), &err);
  assert_true(grove_model_hash(m) == grove_model_hash(again) && grove_model_hash(m) != 0);
  check_sample("saved and loaded", again, &s, 0);
  grove_model_destroy(again);
  check_ok_err(grove_model_import(NULL, bytes, n, &again, &err), &err); // its own form is passed on
  assert_true(grove_model_hash(m) == grove_model_hash(again));
  grove_model_destroy(again);
  grove_model_destroy(m);
  free(bytes);
  free(s.bytes);
}

// Files of each version of grove's own form, made from two of the samples.
static void older_files_predict_the_same(void **state)
{
  (void)state;
  static const char *const names[] = {"lgb47_category", "xgb32_category"};
  for (int version = 1; version <= 3; version++) {
    for (int i = 0; i < 2; i++) {
      sample s;
      grove_model *m;
      grove_error err;
      char path[64];
      size_t n;
      snprintf(path, sizeof path, "%s.%s", names[i], i ? "ubj" : "txt");
      open_sample(path, &s);
      snprintf(path, sizeof path, "v%d/%s.grove", version, names[i]);
      char *bytes = read_sample(path, &n);
      check_ok_err(grove_model_load(NULL, bytes, n, &m, &err), &err);
      check_sample(path, m, &s, 0);
      grove_model_destroy(m);
      free(bytes);
      free(s.bytes);
    }
  }
}

// NAME.shap has what the library's own contributions were.
static void explains_as_the_library(void **state)
{
  static const char *const names[] = {"xgb32_squared.json", "xgb32_category.ubj",
      "xgb32_logistic.ubj", "lgb47_regression.txt", "lgb47_category.txt", "lgb47_binary.txt"};
  (void)state;
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    sample s;
    grove_model *m;
    grove_table *t;
    grove_error err;
    char path[64];
    double out[SAMPLE_ROWS * (SAMPLE_COLUMNS + 1)];
    size_t n;
    open_sample(names[k], &s);
    check_ok_err(grove_model_import(NULL, s.bytes, s.n, &m, &err), &err);
    t = sample_table(m, &s);
    check_ok_err(grove_model_explain(m, t, out, SAMPLE_ROWS, &err), &err);
    snprintf(path, sizeof path, "%.*s.shap", (int)(strchr(names[k], '.') - names[k]), names[k]);
    char *text = read_sample(path, &n), *at = text;
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
      double want = strtod(at, &at);
      if (!(fabs(out[i] - want) <= 2e-5 * (1 + fabs(want)))) {
        print_error("%s, value %zu: %.9g, not %.9g\n", names[k], i, out[i], want);
      }
      assert_true(fabs(out[i] - want) <= 2e-5 * (1 + fabs(want)));
    }
    free(text);
    grove_table_release(t);
    grove_model_destroy(m);
    free(s.bytes);
  }
}

static void is_not_made_nor_listed(void **state)
{
  (void)state;
  grove_model *m;
  grove_error err;
  check_status(grove_model_create(NULL, "imported", NULL, &m, &err), GROVE_ENOTSUP);
  check_contains(err.text, "grove_model_import");
  for (size_t i = 0; grove_registry_at(NULL, i); i++) {
    assert_string_not_equal(grove_registry_at(NULL, i)->name, "imported");
  }
}

static void frees_all_when_memory_ends(void **state)
{
  (void)state;
  static const char *const names[] = {"xgb32_category.ubj", "lgb47_category.txt"};
  for (size_t i = 0; i < 2; i++) {
    sample s;
    open_sample(names[i], &s);
    grove_status status = GROVE_ENOMEM;
    for (size_t at = 1; status; at++) {
      check_memory memory = {.fail_at = 0};
      grove_allocator a = {check_realloc, &memory};
      grove_registry *r;
      grove_model *m;
      grove_error err;
      check_ok(grove_registry_create(&a, &r));
      memory.fail_at = memory.allocations + at;
      status = grove_model_import(r, s.bytes, s.n, &m, &err);
      assert_true(status == GROVE_OK || status == GROVE_ENOMEM);
      grove_model_destroy(m);
      grove_registry_destroy(r);
      assert_true(memory.live_blocks == 0 && memory.live_bytes == 0);
    }
    free(s.bytes);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(predicts_as_the_library),
      cmocka_unit_test(is_a_model_like_others), cmocka_unit_test(older_files_predict_the_same),
      cmocka_unit_test(explains_as_the_library), cmocka_unit_test(is_not_made_nor_listed),
      cmocka_unit_test(frees_all_when_memory_ends)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
