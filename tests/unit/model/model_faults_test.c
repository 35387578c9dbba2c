// Every allocation fails once: a status, and nothing lost.
#include "model_fixture.h"

// The whole life of a model on a failing allocator; GROVE_OK: nothing failed any more.
static grove_status live(const grove_allocator *a, const char *kind, const grove_table *t)
{
  static const grove_parameter trees[] = {
      {"n_estimators", "2"}, {"lr", "0.1"}, {"eta", "0.2"}, {0}};
  static const grove_parameter forest[] = {{"n_estimators", "2"}, {0}};
  const grove_parameter *p = kind[0] == 'g' ? trees : kind[0] == 'r' ? forest : NULL;
  grove_registry *r = NULL;
  grove_model *m = NULL, *again = NULL;
  grove_error err = {0};
  void *bytes = NULL;
  size_t n = 0;
  double mse;
  grove_status s = grove_registry_create(a, &r);
  s = s ? s : grove_model_create(r, kind, p, &m, &err);
  s = s ? s : grove_model_fit(m, t, NULL, &err);
  s = s ? s : grove_model_score(m, t, NULL, &mse, &err);
  s = s ? s : grove_model_save(m, a, &bytes, &n, &err);
  s = s ? s : grove_model_load(r, bytes, n, &again, &err);
  if (bytes) {
    a->realloc_fn(a->user, bytes, n, 0);
  }
  grove_model_destroy(again);
  grove_model_destroy(m);
  grove_registry_destroy(r);
  return s;
}

static void sweep(const char *kind, double missing)
{
  grove_table *t = make_problem(4, 700, missing, 1);
  for (size_t at = 1;; at++) {
    check_memory memory = {.fail_at = at};
    grove_allocator a = check_allocator(&memory);
    grove_status s = live(&a, kind, t);
    assert_int_equal(memory.live_blocks, 0);
    assert_int_equal(memory.live_bytes, 0);
    if (s == GROVE_OK) {
      assert_true(at > 10);
      break;
    }
    assert_int_equal(s, GROVE_ENOMEM);
    assert_true(at < 500);
  }
  grove_table_release(t);
}

static void nothing_is_lost(void **state)
{
  (void)state;
  sweep("decision_tree", 0.1);
  sweep("random_forest", 0.1);
  sweep("gradient_boosting", 0.1);
  sweep("linear", 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
