// Model files of every version stay readable. tests/data/models/vN holds a file of each kind that version N wrote,
// the rows, and what the version predicted.
#include "model_fixture.h"

static void *read_all(const char *name, size_t *n)
{
  char path[512];
  snprintf(path, sizeof path, "%s/models/%s", GROVE_TEST_DATA_DIR, name);
  FILE *f = fopen(path, "rb");
  if (!f) {
    print_error("no %s\n", path);
    fail();
    return NULL;
  }
  // On a multiple of 16 bytes, as a mapped file is.
  char *bytes = aligned_alloc(64, 1 << 16);
  assert_non_null(bytes);
  *n = fread(bytes, 1, (1 << 16) - 1, f);
  bytes[*n] = 0;
  fclose(f);
  return bytes;
}

static grove_table *read_rows(const char *name)
{
  grove_error err;
  grove_table *t;
  size_t n;
  char *text = read_all(name, &n);
  check_ok_err(grove_csv_parse(text, n, NULL, &t, &err), &err);
  free(text);
  return t;
}

static void check_predictions(const grove_model *m, const char *rows, const char *wanted)
{
  grove_error err;
  size_t n;
  grove_table *t = read_rows(rows);
  char *text = read_all(wanted, &n), *at = strchr(text, '\n') + 1;
  double out[64];
  size_t count = grove_table_rows(t);
  assert_true(count == 60);
  check_ok_err(grove_model_predict(m, t, out, count, &err), &err);
  for (size_t i = 0; i < count; i++) {
    char *end;
    double want = strtod(at, &end);
    assert_true(end > at);
    if (out[i] != want) {
      print_error("%s, row %zu: %.17g, not %.17g\n", wanted, i, out[i], want);
    }
    assert_true(out[i] == want);
    at = end;
  }
  free(text);
  grove_table_release(t);
}

static void each_version_is_read(void **state)
{
  static const char *const kinds[] = {
      "decision_tree", "random_forest", "gradient_boosting", "linear"};
  (void)state;
  for (int version = 1; version <= 3; version++) {
    for (size_t k = 0; k < 4; k++) {
      for (int in_place = 0; in_place < 2; in_place++) {
        char file[64], rows[64], wanted[64];
        grove_model *m;
        grove_error err;
        size_t n;
        snprintf(file, sizeof file, "v%d/%s.grove", version, kinds[k]);
        snprintf(wanted, sizeof wanted, "v1/%s.csv", kinds[k]);
        snprintf(rows, sizeof rows, "v1/rows%s.csv", k == 3 ? "_linear" : "");
        void *bytes = read_all(file, &n);
        check_ok_err(
            (in_place ? grove_model_load_in_place : grove_model_load)(NULL, bytes, n, &m, &err),
            &err);
        assert_string_equal(grove_model_name(m), kinds[k]);
        check_predictions(m, rows, wanted);
        grove_model_destroy(m);
        free(bytes);
      }
    }
  }
}

// Version 3 has kinds of features, and the curve of the losses.
static void version_3_has_kinds_and_losses(void **state)
{
  static const char *const kinds[] = {"tree", "forest", "boosting"};
  (void)state;
  for (size_t k = 0; k < 3; k++) {
    char file[64], wanted[64];
    const double *losses;
    grove_model *m;
    grove_error err;
    size_t n;
    snprintf(file, sizeof file, "v3/category_%s.grove", kinds[k]);
    snprintf(wanted, sizeof wanted, "v3/category_%s.csv", kinds[k]);
    void *bytes = read_all(file, &n);
    check_ok_err(grove_model_load_in_place(NULL, bytes, n, &m, &err), &err);
    assert_int_equal(grove_model_feature_kind(m, 0), GROVE_FEATURE_CATEGORY);
    assert_int_equal(grove_model_feature_kind(m, 1), GROVE_FEATURE_NUMBER);
    check_predictions(m, "v3/rows_category.csv", wanted);
    assert_true(grove_model_losses(m, &losses) == (k == 2 ? 4 : 0));
    assert_true(k != 2 || losses[3] < losses[0]);
    assert_int_equal(grove_model_ended(m), GROVE_ENDED_WHOLE);
    grove_model_destroy(m);
    free(bytes);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_version_is_read), cmocka_unit_test(version_3_has_kinds_and_losses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
