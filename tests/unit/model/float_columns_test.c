// Columns of floats are learned from where they lie, and give the bits that the same numbers as doubles do.
#include "model_fixture.h"

enum { ROWS = 20000, FEATURES = 6 };
static const char *const names[] = {"a", "b", "c", "d", "e", "f", "y"};
static const char *const first[] = {"a", NULL}, *const second[] = {"b", NULL};

static double *make_numbers(void)
{
  double *v = malloc((FEATURES + 1) * ROWS * sizeof *v), *y = v + FEATURES * ROWS;
  uint64_t seed = 6;
  for (size_t i = 0; i < ROWS; i++) {
    for (size_t c = 0; c < FEATURES; c++) {
      double x = c ? grove__random_unit(&seed) * 100 : (double)grove__random_below(&seed, 30);
      v[c * ROWS + i] = grove__random_unit(&seed) < 0.05 ? NAN : (double)(float)x;
    }
    double a = isnan(v[i]) ? 7 : v[i], b = isnan(v[ROWS + i]) ? 50 : v[ROWS + i];
    y[i] = sin(a) * 3 + b / 20 + grove__random_unit(&seed);
  }
  return v;
}

// The features as floats, but for `doubles` of them; the target as doubles.
static grove_table *make_floats(const double *v, size_t doubles)
{
  grove__column c[FEATURES + 1];
  grove_table *t = NULL;
  memset(c, 0, sizeof c);
  for (size_t k = 0; k <= FEATURES; k++) {
    bool wide = k == FEATURES || k < doubles;
    size_t bytes = ROWS * (wide ? sizeof(double) : sizeof(float));
    void *copy = grove__alloc(&grove__allocator_malloc, bytes);
    for (size_t i = 0; i < ROWS; i++) {
      if (wide) {
        ((double *)copy)[i] = v[k * ROWS + i];
      } else {
        ((float *)copy)[i] = (float)v[k * ROWS + i];
      }
    }
    c[k] = (grove__column){
        .name = names[k], .format = wide ? "g" : "f", .values = copy, .values_bytes = bytes};
  }
  check_ok(grove__table_build(NULL, c, FEATURES + 1, ROWS, &t, NULL));
  return t;
}

struct way {
  const char *kind;
  const grove_parameter *p;
  const char *const *categorical;
  const char *const *increasing;
};

// Gives the peak of the memory that the fit took.
static size_t fit_in(const struct way *w, const grove_table *t, uint64_t *hash)
{
  check_memory memory = {.fail_at = 0};
  grove_allocator a = check_allocator(&memory);
  grove_registry *r;
  grove_model *m;
  grove_error err = {0};
  check_ok(grove_registry_create(&a, &r));
  check_ok(grove_model_create(r, w->kind, w->p, &m, NULL));
  check_ok_err(
      grove_model_fit(
          m, t, FIT(.seed = 2, .categorical = w->categorical, .increasing = w->increasing), &err),
      &err);
  *hash = grove_model_hash(m);
  grove_model_destroy(m);
  grove_registry_destroy(r);
  return memory.peak_bytes;
}

static void floats_give_the_bits_of_doubles(void **state)
{
  (void)state;
  const struct way ways[] = {{"decision_tree", NULL, NULL, NULL},
      {"decision_tree", NULL, first, second},
      {"random_forest", PARAMETERS({"n_estimators", "3"}, {"oob_score", "true"}), NULL, NULL},
      {"random_forest", PARAMETERS({"n_estimators", "3"}, {"splits", "random"}), first, NULL},
      {"gradient_boosting", PARAMETERS({"n_estimators", "5"}, {"subsample", "0.7"}), NULL, NULL},
      {"gradient_boosting",
          PARAMETERS({"n_estimators", "5"}, {"max_leaves", "31"}, {"early_stopping_rounds", "3"}),
          first, second}};
  double *v = make_numbers();
  grove_table *wide = make_floats(v, FEATURES), *narrow = make_floats(v, 0);
  grove_table *mixed = make_floats(v, 2);
  for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
    uint64_t a, b, c;
    size_t most = fit_in(&ways[k], wide, &a);
    // Not a byte more: no copies.
    size_t narrow_most = fit_in(&ways[k], narrow, &b), mixed_most = fit_in(&ways[k], mixed, &c);
    assert_true(a == b && a == c);
    assert_true(narrow_most <= most + 64 && mixed_most <= most + 64);
  }
  free(v);
  grove_table_release(wide);
  grove_table_release(narrow);
  grove_table_release(mixed);
}

// A learner that does not say that it takes floats is given doubles; NaN is refused by name as ever.
static void others_get_doubles(void **state)
{
  (void)state;
  double *v = make_numbers();
  grove_error err;
  grove_table *t = make_floats(v, 0);
  grove_model *m = make_model("linear", NULL);
  check_status(grove_model_fit(m, t, NULL, &err), GROVE_EINVAL);
  check_contains(err.text, "is missing in row");
  grove_model_destroy(m);
  grove_table_release(t);
  for (size_t i = 0; i < FEATURES * ROWS; i++) {
    v[i] = isnan(v[i]) ? 3 : v[i];
  }
  grove_table *narrow = make_floats(v, 0), *wide = make_floats(v, FEATURES);
  m = fit_model("linear", NULL, narrow, NULL);
  grove_model *n = fit_model("linear", NULL, wide, NULL);
  assert_true(grove_model_hash(m) == grove_model_hash(n));
  grove_model_destroy(m);
  grove_model_destroy(n);
  grove_table_release(narrow);
  v[ROWS + 5] = INFINITY;
  narrow = make_floats(v, 0);
  m = make_model("decision_tree", NULL);
  check_status(grove_model_fit(m, narrow, NULL, &err), GROVE_EINVAL);
  check_contains(err.text, "feature b is infinite in row 5");
  grove_model_destroy(m);
  grove_table_release(narrow);
  grove_table_release(wide);
  free(v);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(floats_give_the_bits_of_doubles), cmocka_unit_test(others_get_doubles)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
