// SHAP values by their definition, and importances.
#include "model/model_object.h"
#include "model/tree_explain.h"
#include "model/tree_learner.h"
#include "model/tree_step.h"
#include "model_fixture.h"

enum { ROWS = 400, FEATURES = 4, COLUMNS = FEATURES + 1, FEW = 20 };

static const grove__ensemble *trees_of(const grove_model *m)
{
  return &((const grove__tree_model *)m->state)->ensemble;
}

// What a tree says if only the features of `known` are: elsewhere both ways, by their weights.
static double expect(const grove__ensemble *e, const grove__tree *t, const double *weight,
    uint32_t at, unsigned known, const double *const *column, size_t row)
{
  const grove__node *n = &t->nodes[at];
  if (!n->left) {
    return n->value;
  }
  uint32_t f = n->feature & GROVE__NODE_FEATURE;
  if (known >> f & 1) {
    uint32_t side = grove__goes_right(e->arithmetic, n, t->words, column[f][row]);
    return expect(e, t, weight, n->left + side, known, column, row);
  }
  return (expect(e, t, weight, n->left, known, column, row) * weight[n->left] +
             expect(e, t, weight, n->left + 1, known, column, row) * weight[n->left + 1]) /
         weight[at];
}

static double factorial(unsigned n)
{
  return n < 2 ? 1 : n * factorial(n - 1);
}

// The mean over all orders of features of what adding f changes.
static double shapley(
    const grove__explainer *x, unsigned f, const double *const *column, size_t row)
{
  const grove__ensemble *e = x->ensemble;
  double sum = 0;
  for (unsigned set = 0; set < 1u << FEATURES; set++) {
    if (set >> f & 1) {
      continue;
    }
    unsigned size = (unsigned)__builtin_popcount(set);
    double share = factorial(size) * factorial(FEATURES - size - 1) / factorial(FEATURES);
    for (size_t t = 0; t < e->count; t++) {
      sum += share * (expect(e, &e->trees[t], x->weight[t], 0, set | 1u << f, column, row) -
                         expect(e, &e->trees[t], x->weight[t], 0, set, column, row));
    }
  }
  return sum / e->divide;
}

static void check_model(const grove_model *m, const grove_table *t)
{
  static double values[COLUMNS * ROWS], said[ROWS], out[ROWS * COLUMNS];
  const double *column[COLUMNS];
  grove__explainer x;
  grove_error err;
  for (size_t c = 0; c < COLUMNS; c++) {
    check_ok(grove_table_doubles(t, c, 0, ROWS, values + c * ROWS, NULL));
    column[c] = values + c * ROWS;
  }
  check_ok_err(grove_model_predict(m, t, said, ROWS, &err), &err);
  check_ok_err(grove_model_explain(m, t, out, ROWS, &err), &err);
  check_ok_err(grove__explainer_make(&grove__allocator_malloc, trees_of(m), &x, &err), &err);
  for (size_t i = 0; i < ROWS; i++) {
    double sum = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
      sum += out[i * COLUMNS + c];
    }
    assert_true(fabs(sum - said[i]) < 1e-9 * (1 + fabs(said[i])));
  }
  for (size_t i = 0; i < FEW; i++) {
    for (unsigned f = 0; f < FEATURES; f++) {
      assert_true(fabs(shapley(&x, f, column, i) - out[i * COLUMNS + f]) < 1e-8);
    }
  }
  grove__explainer_free(&x);
}

static void values_are_shapleys(void **state)
{
  static const char *const kinds[] = {"decision_tree", "random_forest", "gradient_boosting"};
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0.1, 3);
  for (size_t k = 0; k < 3; k++) {
    grove_model *m = fit_model(
        kinds[k], k ? PARAMETERS({"n_estimators", "5"}, {"max_depth", "6"}) : NULL, t, NULL);
    grove_model *again;
    void *bytes;
    size_t n;
    grove_error err;
    check_model(m, t);
    check_ok_err(grove_model_save(m, NULL, &bytes, &n, &err), &err);
    check_ok_err(grove_model_load(NULL, bytes, n, &again, &err), &err);
    check_model(again, t);
    free(bytes);
    grove_model_destroy(again);
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

static void importances_name_what_matters(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0, 3); // the target is of the first three
  grove_model *m = fit_model(
      "gradient_boosting", PARAMETERS({"n_estimators", "20"}, {"max_depth", "4"}), t, NULL);
  double gain[FEATURES], split[FEATURES], mixed[FEATURES], again[FEATURES], all = 0;
  grove_error err;
  check_ok_err(grove_model_importance(m, GROVE_IMPORTANCE_GAIN, gain, FEATURES, &err), &err);
  check_ok_err(grove_model_importance(m, GROVE_IMPORTANCE_SPLIT, split, FEATURES, &err), &err);
  check_ok_err(grove_model_importance_permuted(m, t, NULL, 3, 7, mixed, &err), &err);
  check_ok_err(grove_model_importance_permuted(m, t, NULL, 3, 7, again, &err), &err);
  assert_memory_equal(mixed, again, sizeof mixed);
  for (int f = 0; f < FEATURES; f++) {
    all += split[f];
    assert_true(f == 3 || (gain[f] > 5 * gain[3] && mixed[f] > 5 * mixed[3]));
  }
  size_t splits = 0;
  for (size_t i = 0; i < trees_of(m)->count; i++) {
    splits += trees_of(m)->trees[i].count / 2;
  }
  assert_true(all == (double)splits);
  check_status(grove_model_importance(m, 9, gain, FEATURES, &err), GROVE_EINVAL);
  check_status(grove_model_importance(m, 0, gain, FEATURES - 1, &err), GROVE_EINVAL);
  grove_model_destroy(m);
  m = fit_model("linear", NULL, t, NULL);
  check_status(grove_model_importance(m, 0, gain, FEATURES, &err), GROVE_ENOTSUP);
  check_ok_err(grove_model_importance_permuted(m, t, NULL, 0, 1, mixed, &err), &err);
  assert_true(mixed[1] > 0);
  grove_model_destroy(m);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_shapleys), cmocka_unit_test(importances_name_what_matters)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
