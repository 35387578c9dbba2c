// Every allocation fails once: a status, and nothing lost.
#include "model_fixture.h"

// The whole life of a model on a failing allocator; GROVE_OK: nothing failed any more.
static grove_status live(
    const grove_allocator *a, const char *kind, const grove_table *t, const grove_fit_options *o)
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
  s = s ? s : grove_model_fit(m, t, o, &err);
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

static void sweep(const char *kind, const grove_table *t, const grove_fit_options *o)
{
  for (size_t at = 1;; at++) {
    check_memory memory = {.fail_at = at};
    grove_allocator a = check_allocator(&memory);
    grove_status s = live(&a, kind, t, o);
    assert_int_equal(memory.live_blocks, 0);
    assert_int_equal(memory.live_bytes, 0);
    if (s == GROVE_OK) {
      assert_true(at > 10);
      break;
    }
    assert_int_equal(s, GROVE_ENOMEM);
    assert_true(at < 500);
  }
}

static void nothing_is_lost(void **state)
{
  (void)state;
  grove_table *t = make_problem(4, 700, 0.1, 1), *whole = make_problem(4, 700, 0, 1);
  sweep("decision_tree", t, NULL);
  sweep("random_forest", t, NULL);
  sweep("gradient_boosting", t, NULL);
  sweep("linear", whole, NULL);
  grove_table_release(t);
  grove_table_release(whole);
}

// Of 300 categories some have no bin of their own.
static void nor_with_kinds_of_features(void **state)
{
  static const char *const first[] = {"a", NULL}, *const second[] = {"b", NULL};
  double v[3 * 700];
  uint64_t seed = 4;
  (void)state;
  for (size_t i = 0; i < 700; i++) {
    v[i] = (double)grove__random_below(&seed, 300);
    v[700 + i] = grove__random_unit(&seed);
    v[1400 + i] = v[i] > 100 ? v[700 + i] : sin(v[i]);
  }
  grove_table *t = make_table(3, 700, v);
  const grove_fit_options *o = FIT(.categorical = first, .increasing = second);
  sweep("decision_tree", t, o);
  sweep("random_forest", t, o);
  sweep("gradient_boosting", t, o);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_lost), cmocka_unit_test(nor_with_kinds_of_features)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
