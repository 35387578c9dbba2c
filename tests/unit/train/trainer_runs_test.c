// What a training tells of itself: a run with an item for each model, their results, and learning curves where asked for.
#include "class_room.h"
#include <grove/runs.h>
#include <math.h>

enum { ROWS = 600 };

// y = a + 2 b, with a little more.
static grove_table *some_rows(void)
{
  char *text = malloc(64 * ROWS), *at = text;
  grove_table *t;
  at += sprintf(at, "a,b,y\n");
  for (int i = 0; i < ROWS; i++) {
    at += sprintf(at, "%d,%d,%g\n", i % 23, i * 7 % 31, i % 23 + 2.0 * (i * 7 % 31) + i * 13 % 11 * 0.1);
  }
  t = table_of(text);
  free(text);
  return t;
}

static int set_up(void **state)
{
  struct world *w = make_world();
  w->kinds = registry_of((const grove_learner *const[]){&broken_learner, NULL});
  w->table = some_rows();
  *state = w;
  return 0;
}

static const char *const models[] = {"random_forest", "gradient_boosting", "linear", "broken", NULL};
static const grove_parameter small[] = {
    {"random_forest.n_estimators", "12"}, {"gradient_boosting.n_estimators", "20"}, {NULL, NULL}};

static grove_trained_list train(struct world *w, uint32_t curves)
{
  grove_error err = {0};
  grove_trained_list list;
  grove_trainer_options o = {GROVE_TRAINER, .models = models, .parameters = small, .registry = w->kinds, .curves = curves};
  grove_trainer_ref t = grove_trainer_spawn(w->g, w->table, &o);
  check_ok_err(grove_trainer_work_ask(w->g, t, GROVE_NONE, 60000, &list, &err), &err);
  return list;
}

static grove_run_info newest(struct world *w)
{
  grove_run_info r = {.struct_size = sizeof r};
  size_t total;
  check_ok(grove_runs(w->g, &r, sizeof r, 1, &total));
  assert_true(total > 0);
  return r;
}

static void tells_results(void **state)
{
  struct world *w = *state;
  grove_trained_list list = train(w, 0);
  grove_run_info r = newest(w);
  assert_int_equal(r.kind, GROVE_RUN_TRAINING);
  assert_int_equal(r.state, GROVE_RUN_DONE);
  assert_string_equal(r.title, "4 models of y on 600 rows");
  assert_string_equal(r.text, "1 of 4 could not be trained");
  assert_int_equal(r.done, 3);
  assert_int_equal(r.failed, 1);
  grove_run_item item[5];
  size_t total;
  check_ok(grove_run_items(w->g, r.id, GROVE_RUN_BY_RESULT, 0, item, sizeof *item, 5, &total));
  assert_int_equal(total, 4);
  for (size_t i = 0; i < 4; i++) { // in the order of the list that the trainer gives
    const grove_trained *m = grove_trained_list_at(list, i);
    assert_string_equal(item[i].name, m->name);
    assert_string_equal(item[i].parameters, m->parameters);
    assert_int_equal(item[i].points, 0);
    assert_true(isnan(m->mse) ? isnan(item[i].result) : item[i].result == m->mse);
  }
  check_contains(item[3].error, "the broken learner is broken");
  grove_release(list.shared);
}

// The last point of a curve is the result, and the models are the same bits without.
static void tells_curves(void **state)
{
  struct world *w = *state;
  grove_trained_list plain = train(w, 0), curved = train(w, 1);
  grove_run_info r = newest(w);
  grove_run_item item[5];
  size_t total, n;
  double xy[128];
  check_ok(grove_run_items(w->g, r.id, GROVE_RUN_BY_INDEX, 0, item, sizeof *item, 5, &total));
  for (size_t i = 0; i < 2; i++) {
    check_ok(grove_run_curve(w->g, r.id, i, xy, 64, &n));
    assert_in_range(n, 2, i ? 20 : 12);
    assert_true(xy[2 * n - 2] == (i ? 20 : 12));
    assert_true(fabs(xy[2 * n - 1] - item[i].result) <= 1e-4 * item[i].result);
    assert_true(xy[1] > xy[2 * n - 1]);
  }
  assert_int_equal(item[2].points, 0); // linear has no trees
  for (size_t i = 0; i < 3; i++) {
    assert_true(grove_trained_list_at(plain, i)->model_hash == grove_trained_list_at(curved, i)->model_hash);
  }
  grove_release(plain.shared);
  grove_release(curved.shared);
}

static grove_trained_list train_tree(struct world *w, uint32_t curves)
{
  static const char *const tree[] = {"decision_tree", NULL};
  grove_error err = {0};
  grove_trained_list list;
  grove_trainer_options o = {GROVE_TRAINER, .models = tree, .registry = w->kinds, .curves = curves};
  grove_trainer_ref t = grove_trainer_spawn(w->g, w->table, &o);
  check_ok_err(grove_trainer_work_ask(w->g, t, GROVE_NONE, 60000, &list, &err), &err);
  return list;
}

// A tree is grown in one go: its errors are those of the tree cut at each depth, from the root on.
static void tells_errors_by_depth(void **state)
{
  struct world *w = *state;
  grove_trained_list plain = train_tree(w, 0), curved = train_tree(w, 1);
  grove_run_info r = newest(w);
  grove_run_item item;
  size_t total, n;
  double xy[128];
  check_ok(grove_run_items(w->g, r.id, GROVE_RUN_BY_INDEX, 0, &item, sizeof item, 1, &total));
  check_ok(grove_run_curve(w->g, r.id, 0, xy, 64, &n));
  assert_in_range(n, 4, 16);
  assert_string_equal(item.steps, "depth");
  for (size_t i = 0; i < n; i++) {
    assert_true(xy[2 * i] == (double)i);
  }
  // At the root all rows are one: the error is about the spread of the target; at the end it is the tree's.
  assert_true(xy[1] > 20 * xy[2 * n - 1]);
  assert_true(fabs(xy[2 * n - 1] - item.result) <= 1e-4 * item.result);
  assert_true(grove_trained_list_at(plain, 0)->model_hash == grove_trained_list_at(curved, 0)->model_hash);
  grove_release(plain.shared);
  grove_release(curved.shared);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(tells_results, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_curves, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_errors_by_depth, set_up, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
