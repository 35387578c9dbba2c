#include "class_room.h"

static void tables_and_models_are_told_apart(void **state)
{
  grove *g;
  grove_model *m = NULL;
  grove_error err = {0};
  grove_shared table, model, text;
  (void)state;
  grove_registry *r = registry_of((const grove_learner *const[]){&mean_learner, NULL});
  check_ok(grove_start(NULL, &g));
  grove_table *t = ten_rows();
  check_ok_err(grove_model_create(r, "mean", NULL, &m, &err), &err);
  check_ok(grove_share_table(g, t, &table));
  check_ok(grove_share_model(g, m, &model));
  check_ok(
      grove_share_copy(g, "a text that is long enough to hold a box, and holds none", 56, &text));

  assert_ptr_equal(grove_table_of(table), t);
  assert_ptr_equal(grove_model_of(model), m);
  assert_true(table.bytes >= grove_table_bytes(t));
  assert_null(grove_model_of(table));
  assert_null(grove_table_of(model));
  assert_null(grove_table_of(text));
  assert_null(grove_model_of(text));
  assert_null(grove_model_of((grove_shared){0}));
  assert_null(grove_model_of(grove_borrow((const char *)text.ptr + 1, 50)));
  assert_null(grove_model_of(grove_borrow("x", 1)));

  grove_release(text);
  check_ok(grove_stop(g, 5000, NULL));
  assert_ptr_equal(
      grove_table_of(table), t); // shared data outlives the runtime while it is counted
  grove_release(table);
  grove_release(model);
  grove_registry_destroy(r);
}

static void a_copy_of_the_box_is_no_box(void **state)
{
  grove *g;
  grove_shared table, copy;
  (void)state;
  check_ok(grove_start(NULL, &g));
  check_ok(grove_share_table(g, ten_rows(), &table));
  check_ok(grove_share_copy(g, table.ptr, 24, &copy));
  assert_null(grove_table_of(copy));
  grove_release(copy);
  grove_release(table);
  check_ok(grove_stop(g, 5000, NULL));
}

static void misuse_takes_nothing(void **state)
{
  grove *g;
  grove_shared out = {.ptr = "x"};
  (void)state;
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .memory_bytes = 64 * 1024}, &g));
  check_status(grove_share_table(g, NULL, &out), GROVE_EINVAL);
  assert_null(out.ptr);
  check_status(grove_share_model(g, NULL, &out), GROVE_EINVAL);
  grove_table *t = ten_rows();
  check_status(grove_share_table(g, t, NULL), GROVE_EINVAL);
  check_status(grove_share_table(NULL, t, &out), GROVE_EINVAL);
  grove_table_release(t); // still ours
  check_ok(grove_stop(g, 5000, NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_and_models_are_told_apart),
      cmocka_unit_test(a_copy_of_the_box_is_no_box),
      cmocka_unit_test(misuse_takes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
