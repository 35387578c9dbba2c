// Linear models: penalties by the conditions of their minimum, and weights of rows.
#include "model_fixture.h"

enum { ROWS = 400, FEATURES = 5 };

struct line {
  double x[FEATURES + 2][ROWS]; // features, the weight, the target
  double slope[FEATURES];
  double at_zero;
};

static void make_line(struct line *l, bool weighted, uint64_t seed)
{
  for (size_t i = 0; i < ROWS; i++) {
    for (size_t c = 0; c < FEATURES; c++) {
      l->x[c][i] = (grove__random_unit(&seed) - 0.3) * (c == 1 ? 100 : 1);
    }
    l->x[4][i] =
        l->x[0][i] + l->x[2][i] + 0.2 * grove__random_unit(&seed); // nearly a sum of others
    l->x[FEATURES][i] = weighted ? (double)grove__random_below(&seed, 4) : 1;
    l->x[FEATURES + 1][i] = 3 + 2 * l->x[0][i] - 0.01 * l->x[1][i] + grove__random_unit(&seed);
  }
}

static void read_line(struct line *l, const grove_model *m)
{
  double row[FEATURES] = {0};
  l->at_zero = predict_row(m, FEATURES, row);
  for (size_t c = 0; c < FEATURES; c++) {
    row[c] = 1;
    l->slope[c] = predict_row(m, FEATURES, row) - l->at_zero;
    row[c] = 0;
  }
}

// What is left over, times a column (NULL: times 1), with the rows' weights.
static double left_over(const struct line *l, const double *column)
{
  double sum = 0;
  for (size_t i = 0; i < ROWS; i++) {
    double left = l->x[FEATURES + 1][i] - l->at_zero;
    for (size_t c = 0; c < FEATURES; c++) {
      left -= l->slope[c] * l->x[c][i];
    }
    sum += l->x[FEATURES][i] * left * (column ? column[i] : 1);
  }
  return sum;
}

static void penalties_are_at_their_minimum(void **state)
{
  static const char *const l1[] = {"0", "2", "8", "40", "1e6"}, *const l2[] = {"0", "5"};
  (void)state;
  static struct line l;
  for (size_t k = 0; k < 20; k++) {
    make_line(&l, k % 2, k);
    grove_table *t = make_table(FEATURES + 2, ROWS, &l.x[0][0]);
    size_t zeros = 0;
    double a = strtod(l1[k / 4], NULL), b = strtod(l2[k / 2 % 2], NULL);
    grove_model *m = fit_model(
        "linear", PARAMETERS({"lasso", l1[k / 4]}, {"l2", l2[k / 2 % 2]}), t, FIT(.weight = "f"));
    read_line(&l, m);
    assert_true(fabs(left_over(&l, NULL)) < 1e-6);
    for (size_t c = 0; c < FEATURES; c++) {
      double pull = left_over(&l, l.x[c]) - b * l.slope[c];
      double want = fabs(l.slope[c]) < 1e-12 ? 0 : copysign(a, l.slope[c]);
      zeros += fabs(l.slope[c]) < 1e-12;
      assert_true(fabs(l.slope[c]) < 1e-12 ? fabs(pull) <= a + 1e-5 : fabs(pull - want) < 1e-5);
    }
    assert_true(k / 4 < 4 ? zeros < FEATURES : zeros == FEATURES);
    assert_true(k / 4 < 2 || zeros > 0);
    grove_model_destroy(m);
    grove_table_release(t);
  }
}

static void rows_without_weight_do_not_count(void **state)
{
  (void)state;
  double v[3][6] = {{1, 2, 3, 4, 5, 6}, {0, 1, 2, 0, 1, 1}, {1e9, 4, 6, -1e9, 10, 12}};
  grove_table *t = make_table(3, 6, &v[0][0]);
  grove_model *m = fit_model("linear", NULL, t, FIT(.weight = "b"));
  double x = 10;
  assert_true(fabs(predict_row(m, 1, &x) - 20) < 1e-9);
  grove_model_destroy(m);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(penalties_are_at_their_minimum),
      cmocka_unit_test(rows_without_weight_do_not_count)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
