// What must not matter to a learner: the order of features, how a row's weight is said, the scale of a feature, and
// where the target's zero is.
#include "model_fixture.h"

enum { ROWS = 600, FEATURES = 5, COLUMNS = FEATURES + 1 };

static const struct way {
  const char *kind;
  const grove_parameter *p;
  bool
      doubles; // gains of all nodes are doubles: no two of different splits are the same by rounding
} ways[] = {{"decision_tree", PARAMETERS({"max_depth", "8"}, {"min_samples_leaf", "4"}), true},
    {"decision_tree", PARAMETERS({"max_depth", "none"}), true},
    {"random_forest",
        PARAMETERS({"n_estimators", "8"}, {"bootstrap", "false"}, {"min_samples_leaf", "9"}),
        false},
    {"random_forest", PARAMETERS({"n_estimators", "8"}, {"bootstrap", "false"}, {"max_depth", "4"}),
        false},
    {"gradient_boosting", PARAMETERS({"n_estimators", "10"}, {"max_leaves", "15"}), true},
    {"gradient_boosting", PARAMETERS({"n_estimators", "10"}, {"max_depth", "5"}), false}};
enum { WAYS = sizeof ways / sizeof *ways };

static double x[COLUMNS][ROWS]; // the last is the target

// Targets are whole multiples of 2^-20, so that some constants can be added without rounding.
static void make_numbers(uint64_t seed, double missing)
{
  for (size_t i = 0; i < ROWS; i++) {
    for (size_t c = 0; c < FEATURES; c++) {
      bool none = grove__random_unit(&seed) < missing;
      x[c][i] = none ? NAN : floor(grove__random_unit(&seed) * 200) / 16;
    }
    double a = isnan(x[0][i]) ? 3 : x[0][i], b = isnan(x[1][i]) ? 5 : x[1][i];
    double y = sin(a) * 3 + a * b / 20 + grove__random_unit(&seed);
    x[FEATURES][i] = floor(y * 0x1p20) / 0x1p20;
  }
}

// Column k is column order[k] (NULL: k) of x; `weight`: one column more, before the target.
static grove_table *make(const size_t *order, const double *weight, size_t rows, const size_t *row)
{
  size_t columns = COLUMNS + (weight != NULL);
  double *v = malloc(columns * rows * sizeof *v);
  for (size_t k = 0; k < columns; k++) {
    for (size_t i = 0; i < rows; i++) {
      size_t r = row ? row[i] : i;
      v[k * rows + i] = k < FEATURES       ? x[order ? order[k] : k][r]
                        : k + 1 == columns ? x[FEATURES][r]
                                           : weight[r];
    }
  }
  grove_table *t = make_table(columns, rows, v);
  free(v);
  return t;
}

static void fit_and_predict(const struct way *w, const grove_table *t, const char *weight,
    const grove_table *asked, double *out)
{
  grove_model *m = fit_model(w->kind, w->p, t, FIT(.seed = 3, .weight = weight));
  check_ok(grove_model_predict(m, asked, out, grove_table_rows(asked), NULL));
  grove_model_destroy(m);
}

static size_t count_different(const double *a, const double *b, double tolerance)
{
  size_t n = 0;
  for (size_t i = 0; i < ROWS; i++) {
    n += !(fabs(a[i] - b[i]) <= tolerance * (1 + fabs(b[i])));
  }
  return n;
}

// Up to ties: of splits that part the rows alike the first feature's is taken, so a row that was not seen may differ.
static void the_order_of_features(void **state)
{
  (void)state;
  static const size_t order[] = {3, 0, 4, 1, 2};
  double p[ROWS], q[ROWS];
  make_numbers(1, 0.05);
  grove_table *t = make(NULL, NULL, ROWS, NULL), *u = make(order, NULL, ROWS, NULL);
  for (size_t k = 0; k < WAYS; k++) {
    fit_and_predict(&ways[k], t, NULL, t, p);
    fit_and_predict(&ways[k], u, NULL, u, q);
    size_t n = count_different(p, q, 1e-12);
    if (n > (ways[k].doubles ? 0 : ROWS / 50)) {
      print_error("way %zu: %zu rows differ\n", k, n);
    }
    assert_true(n <= (ways[k].doubles ? 0 : ROWS / 50));
  }
  grove_table_release(t);
  grove_table_release(u);
}

// Without draws of rows: they would draw others.
static void two_rows_or_one_of_weight_two(void **state)
{
  (void)state;
  double weight[ROWS], p[ROWS], q[ROWS];
  size_t row[3 * ROWS], n = 0;
  uint64_t seed = 2;
  make_numbers(2, 0.05);
  for (size_t i = 0; i < ROWS; i++) {
    weight[i] = 1 + (double)grove__random_below(&seed, 3);
    for (size_t k = 0; k < (size_t)weight[i]; k++) {
      row[n++] = i;
    }
  }
  grove_table *t = make(NULL, weight, ROWS, NULL), *u = make(NULL, NULL, n, row);
  grove_table *asked = make(NULL, NULL, ROWS, NULL);
  const struct way same[] = {{"decision_tree", PARAMETERS({"max_depth", "none"}), true},
      {"decision_tree", PARAMETERS({"max_depth", "5"}), true},
      {"random_forest",
          PARAMETERS({"n_estimators", "3"}, {"bootstrap", "false"}, {"max_depth", "6"}), false},
      {"gradient_boosting", PARAMETERS({"n_estimators", "5"}, {"max_leaves", "15"}), true},
      {"linear", NULL, true}};
  for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
    if (!strcmp(same[k].kind, "linear")) { // takes no missing values
      grove_table_release(t);
      grove_table_release(u);
      grove_table_release(asked);
      make_numbers(2, 0);
      t = make(NULL, weight, ROWS, NULL);
      u = make(NULL, NULL, n, row);
      asked = make(NULL, NULL, ROWS, NULL);
    }
    fit_and_predict(&same[k], t, "f", asked, p);
    fit_and_predict(&same[k], u, NULL, asked, q);
    size_t different = count_different(p, q, 1e-5);
    if (different > (same[k].doubles ? 0 : ROWS / 20)) {
      print_error("way %zu: %zu rows differ\n", k, different);
    }
    assert_true(different <= (same[k].doubles ? 0 : ROWS / 20));
  }
  grove_table_release(t);
  grove_table_release(u);
  grove_table_release(asked);
}

// Trees look at the order of values alone: of the rows that were learned from (all: no draws) not one changes.
static void a_rising_map_of_a_feature(void **state)
{
  (void)state;
  double p[ROWS], q[ROWS];
  make_numbers(3, 0.05);
  grove_table *t = make(NULL, NULL, ROWS, NULL);
  for (size_t i = 0; i < ROWS; i++) {
    x[0][i] = x[0][i] * x[0][i] * x[0][i] - 1000;
    x[2][i] = exp2(x[2][i]);
    x[3][i] = 1e12 * (1 + x[3][i]);
  }
  grove_table *u = make(NULL, NULL, ROWS, NULL);
  for (size_t k = 0; k < WAYS; k++) {
    fit_and_predict(&ways[k], t, NULL, t, p);
    fit_and_predict(&ways[k], u, NULL, u, q);
    assert_memory_equal(p, q, sizeof p);
  }
  grove_table_release(t);
  grove_table_release(u);
}

static void a_constant_added_to_the_target(void **state)
{
  (void)state;
  double p[ROWS], q[ROWS];
  make_numbers(4, 0.05);
  grove_table *t = make(NULL, NULL, ROWS, NULL);
  for (size_t i = 0; i < ROWS; i++) {
    x[FEATURES][i] += 1024;
  }
  grove_table *u = make(NULL, NULL, ROWS, NULL);
  for (size_t k = 0; k < WAYS; k++) {
    fit_and_predict(&ways[k], t, NULL, t, p);
    fit_and_predict(&ways[k], u, NULL, u, q);
    for (size_t i = 0; i < ROWS; i++) {
      q[i] -= 1024;
    }
    size_t n = count_different(p, q, 1e-9);
    if (n > (ways[k].doubles ? 0 : ROWS / 50)) {
      print_error("way %zu: %zu rows differ\n", k, n);
    }
    assert_true(n <= (ways[k].doubles ? 0 : ROWS / 50));
  }
  grove_table_release(t);
  grove_table_release(u);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_order_of_features),
      cmocka_unit_test(two_rows_or_one_of_weight_two), cmocka_unit_test(a_rising_map_of_a_feature),
      cmocka_unit_test(a_constant_added_to_the_target)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
