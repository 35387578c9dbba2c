// What fit notes of each node: covers that add up, and gains that are what the tree took off the error.
#include "model/model_object.h"
#include "model/tree_learner.h"
#include "model_fixture.h"

enum { ROWS = 1500, COLUMNS = 5 };

static const grove__ensemble *trees_of(const grove_model *m)
{
  return &((const grove__tree_model *)m->state)->ensemble;
}

static void check_covers(const grove__tree *t, double root)
{
  assert_non_null(t->facts);
  assert_true(fabs((double)t->facts[0].cover - root) < 1e-3);
  for (size_t i = 0; i < t->count; i++) {
    const grove__node_fact *f = &t->facts[i];
    uint32_t left = t->nodes[i].left;
    if (left) {
      assert_true(fabs((double)(f->cover - f[left - i].cover - f[left + 1 - i].cover)) < 1e-3);
      assert_true(f->gain >= 0);
    } else {
      assert_true(f->gain == 0 && f->cover > 0);
    }
  }
}

// Of a forest's trees leaves keep what they weigh, and splits what they gain.
static void check_gains(const grove__tree *t, double root)
{
  double weight = 0;
  size_t splits = 0;
  assert_true(!t->facts && t->gains);
  for (size_t i = 0; i < t->count; i++) {
    if (t->nodes[i].left) {
      assert_true((double)t->gains[splits++] >= 0);
    } else {
      assert_true(grove__node_weight(&t->nodes[i]) > 0);
      weight += grove__node_weight(&t->nodes[i]);
    }
  }
  assert_true(fabs(weight - root) < 1e-3);
  assert_int_equal(2 * splits + 1, t->count);
}

static void covers_add_up(void **state)
{
  static const char *const kinds[] = {"decision_tree", "random_forest", "gradient_boosting"};
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0.1, 3);
  for (size_t k = 0; k < 3; k++) {
    grove_model *m = fit_model(kinds[k], k ? PARAMETERS({"n_estimators", "4"}) : NULL, t, NULL);
    const grove__ensemble *e = trees_of(m);
    for (size_t i = 0; i < e->count; i++) {
      if (k == 1) {
        check_gains(&e->trees[i], ROWS);
      } else {
        check_covers(&e->trees[i], ROWS);
      }
    }
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

static double gain_of_all(const grove__tree *t)
{
  double sum = 0;
  for (size_t i = 0; i < t->count; i++) {
    sum += t->facts ? (double)t->facts[i].gain : 0;
  }
  for (size_t i = 0; !t->facts && i < t->count / 2; i++) {
    sum += (double)t->gains[i];
  }
  return sum;
}

// Without penalties the gains of one tree are the decrease of the sum of squares.
static void gains_are_the_decrease(void **state)
{
  (void)state;
  grove_table *t = make_problem(COLUMNS, ROWS, 0.1, 4);
  double *y = malloc(ROWS * sizeof *y), mean = 0, squares = 0;
  check_ok(grove_table_doubles(t, COLUMNS - 1, 0, ROWS, y, NULL));
  for (size_t i = 0; i < ROWS; i++) {
    mean += y[i] / ROWS;
  }
  for (size_t i = 0; i < ROWS; i++) {
    squares += (y[i] - mean) * (y[i] - mean);
  }
  grove_model *m[] = {fit_model("decision_tree", PARAMETERS({"max_depth", "6"}), t, NULL),
      fit_model("random_forest",
          PARAMETERS({"n_estimators", "1"}, {"bootstrap", "false"}, {"min_samples_leaf", "3"}), t,
          NULL),
      fit_model("gradient_boosting",
          PARAMETERS({"n_estimators", "1"}, {"eta", "1"}, {"lambda", "0"}, {"max_depth", "7"}), t,
          NULL)};
  for (size_t k = 0; k < 3; k++) {
    double left = score(m[k], t) * ROWS;
    assert_true(fabs(squares - left - gain_of_all(&trees_of(m[k])->trees[0])) < squares * 1e-4);
    grove_model_destroy(m[k]);
  }
  free(y);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(covers_add_up), cmocka_unit_test(gains_are_the_decrease)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
