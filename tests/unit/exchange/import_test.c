// Models of XGBoost and LightGBM predict as those libraries did.
#include "samples.h"

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
  for (int version = 1; version <= 2; version++) {
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
      cmocka_unit_test(is_not_made_nor_listed), cmocka_unit_test(frees_all_when_memory_ends)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
