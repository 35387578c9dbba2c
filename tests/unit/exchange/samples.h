// The models of tests/data/models: each with rows and what its library predicted for them.
#ifndef GROVE_TESTS_SAMPLES_H
#define GROVE_TESTS_SAMPLES_H
#include "check.h"
#include <grove/exchange.h>
#include <math.h>

enum { SAMPLE_ROWS = 64, SAMPLE_COLUMNS = 4 };
typedef struct sample {
  char *bytes;
  size_t n;
  double x[SAMPLE_COLUMNS][SAMPLE_ROWS];
  double want[SAMPLE_ROWS];
  bool floats; // XGBoost's
} sample;

GROVE_MAYBE_UNUSED static const char *const sample_names[] = {"lgb2_category.txt",
    "lgb33_binary.txt", "lgb33_category.txt", "lgb33_entropy.txt", "lgb33_forest.txt",
    "lgb33_huber.txt", "lgb33_l1.txt", "lgb33_poisson.txt", "lgb33_quantile.txt",
    "lgb33_regression.txt", "lgb33_sqrt.txt", "lgb33_tweedie.txt", "lgb47_binary.txt",
    "lgb47_category.txt", "lgb47_entropy.txt", "lgb47_forest.txt", "lgb47_huber.txt",
    "lgb47_l1.txt", "lgb47_poisson.txt", "lgb47_quantile.txt", "lgb47_regression.txt",
    "lgb47_sqrt.txt", "lgb47_tweedie.txt", "xgb12_squared.json", "xgb17_absolute.json",
    "xgb17_category.ubj", "xgb17_gamma.json", "xgb17_huber.json", "xgb17_logistic.ubj",
    "xgb17_poisson.ubj", "xgb17_reglogistic.json", "xgb17_squared.json", "xgb17_tweedie.json",
    "xgb21_absolute.json", "xgb21_category.ubj", "xgb21_gamma.json", "xgb21_huber.json",
    "xgb21_logistic.ubj", "xgb21_poisson.ubj", "xgb21_quantile.json", "xgb21_reglogistic.json",
    "xgb21_squared.json", "xgb21_tweedie.json", "xgb32_absolute.json", "xgb32_category.ubj",
    "xgb32_gamma.json", "xgb32_huber.json", "xgb32_logistic.ubj", "xgb32_poisson.ubj",
    "xgb32_quantile.json", "xgb32_reglogistic.json", "xgb32_squared.json", "xgb32_tweedie.json"};
enum { SAMPLES = sizeof sample_names / sizeof sample_names[0] };

GROVE_MAYBE_UNUSED static char *read_sample(const char *name, size_t *n)
{
  char path[512];
  snprintf(path, sizeof path, "%s/models/%s", GROVE_TEST_DATA_DIR, name);
  FILE *f = fopen(path, "rb");
  if (!f) {
    print_error("no %s\n", path);
    fail();
    return NULL;
  }
  char *bytes = malloc(1 << 20);
  assert_non_null(bytes);
  *n = fread(bytes, 1, (1 << 20) - 1, f);
  bytes[*n] = 0;
  fclose(f);
  return bytes;
}

GROVE_MAYBE_UNUSED static void open_sample(const char *name, sample *s)
{
  char rows[128];
  size_t n;
  s->bytes = read_sample(name, &s->n);
  s->floats = name[0] == 'x';
  snprintf(rows, sizeof rows, "%.*s.rows", (int)(strchr(name, '.') - name), name);
  char *text = read_sample(rows, &n), *at = text;
  for (int i = 0; i < SAMPLE_ROWS; i++) {
    for (int c = 0; c <= SAMPLE_COLUMNS; c++) {
      char *end;
      double v = strtod(at, &end);
      assert_true(end > at);
      at = end;
      *(c < SAMPLE_COLUMNS ? &s->x[c][i] : &s->want[i]) = v;
    }
  }
  free(text);
}

GROVE_MAYBE_UNUSED static void predict_sample(const grove_model *m, const sample *s, double *out)
{
  const double *column[SAMPLE_COLUMNS];
  for (int c = 0; c < SAMPLE_COLUMNS; c++) {
    column[c] = s->x[c];
  }
  grove_matrix x = {column, SAMPLE_COLUMNS, SAMPLE_ROWS};
  check_ok(grove_model_predict_matrix(m, &x, out));
}

/// Of XGBoost the same bits; of LightGBM 1e-12. `slack` more, for what was rounded on the way.
GROVE_MAYBE_UNUSED static void check_sample(
    const char *name, const grove_model *m, const sample *s, double slack)
{
  double got[SAMPLE_ROWS];
  predict_sample(m, s, got);
  for (int i = 0; i < SAMPLE_ROWS; i++) {
    double most = (s->floats ? 0 : 1e-12) * fabs(s->want[i]) + slack * (1 + fabs(s->want[i]));
    if (!(fabs(got[i] - s->want[i]) <= most)) {
      print_error("%s, row %d: %.17g, should be %.17g\n", name, i, got[i], s->want[i]);
      fail();
    }
  }
}
#endif
