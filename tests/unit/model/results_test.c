// What is said of a fit: errors, folds, the curve of the losses, and how it ended.
#include "columnar/mersenne.h"
#include "model/model_object.h"
#include "model_fixture.h"

static void errors_are_what_they_are_called(void **state)
{
  (void)state;
  enum { N = 5000 };
  grove_table *t = make_problem(4, N, 0, 1);
  grove_model *m = fit_model("decision_tree", PARAMETERS({"max_depth", "4"}), t, NULL);
  double *p = malloc(2 * N * sizeof *p), *y = p + N, mean = 0, squares = 0, sizes = 0, spread = 0;
  check_ok(grove_model_predict(m, t, p, N, NULL));
  check_ok(grove_table_doubles(t, 3, 0, N, y, NULL));
  for (size_t i = 0; i < N; i++) {
    mean += y[i] / N;
    squares += (p[i] - y[i]) * (p[i] - y[i]);
    sizes += fabs(p[i] - y[i]);
  }
  for (size_t i = 0; i < N; i++) {
    spread += (y[i] - mean) * (y[i] - mean);
  }
  grove_evaluation e = {GROVE_EVALUATION};
  check_ok(grove_model_evaluate(m, t, NULL, &e, NULL));
  assert_true(e.rows == N && e.mse == squares / N && e.rmse == sqrt(e.mse) && e.mae == sizes / N);
  assert_true(fabs(e.r2 - (1 - squares / spread)) < 1e-12 && e.mse == score(m, t));
  // A caller of a time before r2.
  e = (grove_evaluation){.struct_size = (uint32_t)offsetof(grove_evaluation, r2), .r2 = 7};
  check_ok(grove_model_evaluate(m, t, NULL, &e, NULL));
  assert_true(e.mae == sizes / N && e.r2 == 7);
  e.struct_size = 0;
  check_status(grove_model_evaluate(m, t, NULL, &e, NULL), GROVE_EINVAL);
  free(p);
  grove_model_destroy(m);
  grove_table_release(t);
}

// Parts of rows side by side say what one says after the other, and tell the same row of what they can't take.
static void lanes_evaluate_alike(void **state)
{
  (void)state;
  enum { N = 5000, COLUMNS = 4 };
  struct odd_work w;
  grove_table *t = make_problem(COLUMNS, N, 0, 1);
  grove_model *m = fit_model("random_forest", PARAMETERS({"n_estimators", "7"}), t, NULL);
  grove_evaluation alone = {GROVE_EVALUATION}, lanes = {GROVE_EVALUATION};
  check_ok(grove_model_evaluate(m, t, NULL, &alone, NULL));
  for (uint32_t width = 1; width <= 9; width += 4) {
    init_work(&w, width, run_threads);
    check_ok(grove__model_evaluate_by(m, t, NULL, &w.work, &lanes, NULL));
    assert_int_equal(lanes.rows, alone.rows);
    assert_true(lanes.mse == alone.mse && lanes.rmse == alone.rmse && lanes.mae == alone.mae && lanes.r2 == alone.r2);
  }
  grove_model_destroy(m);
  m = fit_model("linear", NULL, t, NULL);
  double *v = malloc(COLUMNS * N * sizeof *v);
  for (size_t c = 0; c < COLUMNS; c++) {
    check_ok(grove_table_doubles(t, c, 0, N, v + c * N, NULL));
  }
  v[4500] = NAN;
  grove_table *bad = make_table(COLUMNS, N, v);
  grove_error one = {0}, other = {0};
  check_status(grove_model_evaluate(m, bad, NULL, &alone, &one), GROVE_EINVAL);
  check_status(grove__model_evaluate_by(m, bad, NULL, &w.work, &lanes, &other), GROVE_EINVAL);
  assert_int_equal(one.at, 4500);
  assert_int_equal(other.at, 4500);
  assert_string_equal(other.text, one.text);
  free(v);
  grove_table_release(bad);
  grove_model_destroy(m);
  grove_table_release(t);
}

static void a_constant_column_has_no_r2(void **state)
{
  (void)state;
  double v[] = {1, 2, 3, 4, 7, 7, 7, 7};
  grove_table *t = make_table(2, 4, v);
  grove_model *m = fit_model("linear", NULL, t, NULL);
  grove_evaluation e = {GROVE_EVALUATION};
  check_ok(grove_model_evaluate(m, t, NULL, &e, NULL));
  assert_true(isnan(e.r2) && e.mse < 1e-20);
  grove_model_destroy(m);
  grove_table_release(t);
}

// The parts are runs of NumPy's permutation of the seed, the first ones longer.
static void folds_are_parts_of_the_rows(void **state)
{
  (void)state;
  enum { N = 103, FOLDS = 5 };
  grove_table *t = make_problem(4, N, 0, 2);
  grove_evaluation e[FOLDS];
  grove_error err = {0};
  const grove_parameter *p = PARAMETERS({"max_depth", "3"});
  check_ok_err(
      grove_model_cross_validate(NULL, "tree", p, t, FIT(.seed = 11), FOLDS, e, &err), &err);
  uint64_t order[N], rows[N];
  grove__mersenne g;
  for (uint64_t i = 0; i < N; i++) {
    order[i] = i;
  }
  grove__mersenne_init(&g, 11);
  grove__mersenne_shuffle(&g, order, N);
  for (size_t fold = 0, from = 0; fold < FOLDS; fold++) {
    size_t n = fold < 3 ? 21 : 20, in = 0, out = N - n;
    for (uint64_t row = 0; row < N; row++) {
      bool held = false;
      for (size_t i = from; i < from + n; i++) {
        held = held || order[i] == row;
      }
      rows[held ? out++ : in++] = row;
    }
    grove_table *learned, *part;
    check_ok(grove_table_take(t, rows, N - n, &learned, NULL));
    check_ok(grove_table_take(t, rows + N - n, n, &part, NULL));
    grove_model *m = fit_model("decision_tree", p, learned, FIT(.seed = 11));
    assert_true(e[fold].rows == n && e[fold].mse == score(m, part));
    grove_model_destroy(m);
    grove_table_release(learned);
    grove_table_release(part);
    from += n;
  }
  check_status(grove_model_cross_validate(NULL, "tree", p, t, NULL, 1, e, &err), GROVE_EINVAL);
  check_status(grove_model_cross_validate(NULL, "tree", p, t, NULL, N + 1, e, &err), GROVE_EINVAL);
  check_contains(err.text, "104 folds of 103 rows");
  check_status(grove_model_cross_validate(NULL, "treee", p, t, NULL, 2, e, &err), GROVE_ENOENT);
  grove_table_release(t);
}

static void the_curve_is_kept_in_files(void **state)
{
  (void)state;
  grove_table *t = make_problem(5, 2000, 0, 3);
  const grove_parameter *p = PARAMETERS({"early_stopping_rounds", "3"}, {"eta", "0.5"});
  grove_model *m = fit_model("gradient_boosting", p, t, FIT(.seed = 4)), *again;
  const double *a, *b;
  void *bytes;
  size_t n, count = grove_model_losses(m, &a);
  assert_true(count > 3 && count < 150);
  assert_int_equal(grove_model_ended(m), GROVE_ENDED_EARLY);
  check_ok(grove_model_save(m, NULL, &bytes, &n, NULL));
  check_ok(grove_model_load(NULL, bytes, n, &again, NULL));
  assert_int_equal(grove_model_losses(again, &b), count);
  assert_memory_equal(a, b, count * sizeof *a);
  assert_int_equal(grove_model_ended(again), GROVE_ENDED_EARLY);
  grove__allocator_malloc.realloc_fn(NULL, bytes, n, 0);
  grove_model_destroy(m);
  grove_model_destroy(again);
  grove_table_release(t);
}

// After so many yields the caller gives up: what there is by then is kept, if that was asked for.
static void what_was_cancelled_is_kept(void **state)
{
  (void)state;
  static const char *const kinds[] = {"decision_tree", "random_forest", "gradient_boosting"};
  grove_table *t = make_problem(8, 20000, 0, 5);
  const grove_parameter *many = PARAMETERS({"n_estimators", "5000"});
  const grove_parameter *deep = PARAMETERS({"max_depth", "none"});
  for (size_t k = 0; k < 3; k++) {
    struct odd_work odd;
    grove_error err = {0};
    init_work(&odd, 1, NULL);
    odd.cancel_after = k ? 40 : 12;
    grove_model *m = make_model(kinds[k], k ? many : deep);
    check_status(grove_model_fit(m, t, FIT(.work = &odd.work), &err), GROVE_ECANCELED);
    grove_model_destroy(m);
    init_work(&odd, 1, NULL);
    odd.cancel_after = k ? 40 : 12;
    m = make_model(kinds[k], k ? many : deep);
    check_ok_err(grove_model_fit(m, t, FIT(.work = &odd.work, .keep_cancelled = 1), &err), &err);
    assert_int_equal(grove_model_ended(m), GROVE_ENDED_CANCELLED);
    double mse = score(m, t);
    assert_true(mse < 60); // the target's variance is about 100
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(errors_are_what_they_are_called),
      cmocka_unit_test(lanes_evaluate_alike), cmocka_unit_test(a_constant_column_has_no_r2),
      cmocka_unit_test(folds_are_parts_of_the_rows), cmocka_unit_test(the_curve_is_kept_in_files),
      cmocka_unit_test(what_was_cancelled_is_kept)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
