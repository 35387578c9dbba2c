// Many small models by group: each is what a fit of its rows alone makes.
#include "model_fixture.h"

enum { KEYS = 37, ROWS = 1500 };
static const char *const kinds[] = {
    "decision_tree", "random_forest", "gradient_boosting", "linear"};

// Keys "k" with rows here and there, some without a key; features "a" and "b", target "y".
static grove_table *make_keyed(double missing_key)
{
  char *csv = malloc(ROWS * 80), *at = csv + sprintf(csv, "k,a,b,y\n");
  uint64_t seed = 3;
  grove_table *t;
  grove_error err;
  for (size_t i = 0; i < ROWS; i++) {
    unsigned k = (unsigned)grove__random_below(&seed, KEYS);
    double a = grove__random_unit(&seed), b = grove__random_unit(&seed);
    bool none = grove__random_unit(&seed) < missing_key;
    at += none ? sprintf(at, ",") : sprintf(at, "key%u,", k);
    at += sprintf(at, "%.6f,%.6f,%.6f\n", a, b, k * a + b * b);
  }
  check_ok_err(grove_csv_parse(csv, (size_t)(at - csv), NULL, &t, &err), &err);
  free(csv);
  return t;
}

struct group {
  grove_table *t;
  const grove_models *m;
  const char *kind;
  const grove_parameter *p;
  const double *got; // of all rows
  size_t seen;
};

static grove_status check_group(void *user, const char *key, const uint64_t *rows, size_t n)
{
  struct group *g = user;
  grove_table *part;
  double *want = malloc(n * sizeof *want);
  static const char *const features[] = {"a", "b", NULL};
  check_ok(grove_table_take(g->t, rows, n, &part, NULL));
  grove_model *m = fit_model(g->kind, g->p, part, FIT(.seed = 5, .features = features));
  check_ok(grove_model_predict(m, part, want, n, NULL));
  for (size_t i = 0; i < n; i++) {
    assert_true(g->got[rows[i]] == want[i]);
  }
  const char *name = grove_models_key(g->m, g->seen++);
  assert_true(key ? name && !strcmp(key, name) : !name);
  grove_model_destroy(m);
  grove_table_release(part);
  free(want);
  return GROVE_OK;
}

static void each_is_a_fit_of_its_rows(void **state)
{
  (void)state;
  grove_table *t = make_keyed(0.05);
  uint64_t order[ROWS];
  double got[ROWS];
  for (size_t k = 0; k < 4; k++) {
    const grove_parameter *p = k == 1 || k == 2 ? PARAMETERS({"n_estimators", "5"}) : NULL;
    for (uint32_t width = 1; width <= 8; width *= 4) {
      struct odd_work odd;
      grove_models *m;
      grove_error err;
      init_work(&odd, width, width == 1 ? NULL : run_threads);
      check_ok_err(
          grove_models_fit(NULL, kinds[k], p, t, "k", FIT(.seed = 5, .work = &odd.work), &m, &err),
          &err);
      assert_int_equal(grove_models_count(m), KEYS + 1);
      check_ok_err(grove_models_predict(m, t, got, ROWS, &err), &err);
      struct group g = {t, m, kinds[k], p, got, 0};
      check_ok(grove_table_group(t, 0, order, check_group, &g, NULL));
      assert_true(g.seen == KEYS + 1 && odd.done == 1);
      grove_models_destroy(m);
    }
  }
  grove_table_release(t);
}

static grove_status note_row(void *user, const char *key, const uint64_t *rows, size_t n)
{
  (void)key, (void)rows;
  *(size_t *)user += n > 0;
  return GROVE_OK;
}

// Where the rows of a key follow each other they are fitted where they lie, else from copies; all but one key here, too.
static void rows_that_lie_together_are_the_same(void **state)
{
  (void)state;
  grove_table *t = make_keyed(0.05), *near, *nearly;
  uint64_t order[ROWS], other[ROWS];
  double got[ROWS], want[ROWS];
  size_t groups = 0;
  check_ok(grove_table_group(t, 0, order, note_row, &groups, NULL));
  assert_int_equal(groups, KEYS + 1);
  check_ok(grove_table_take(t, order, ROWS, &near, NULL));
  memmove(other, order + 1, (ROWS - 1) * sizeof *order);
  other[ROWS - 1] = order[0];
  check_ok(grove_table_take(t, other, ROWS, &nearly, NULL));
  for (size_t k = 0; k < 4; k += 3) { // a tree, and a line
    grove_models *m, *by_copies, *almost;
    check_ok(grove_models_fit(NULL, kinds[k], NULL, near, "k", NULL, &m, NULL));
    check_ok(grove_models_fit(NULL, kinds[k], NULL, t, "k", NULL, &by_copies, NULL));
    check_ok(grove_models_fit(NULL, kinds[k], NULL, nearly, "k", NULL, &almost, NULL));
    check_ok(grove_models_predict(m, t, got, ROWS, NULL));
    check_ok(grove_models_predict(by_copies, t, want, ROWS, NULL));
    assert_memory_equal(got, want, sizeof got);
    check_ok(grove_models_predict(almost, t, got, ROWS, NULL));
    for (size_t i = 0; i < ROWS; i++) { // the rows of one key have another order
      assert_true(fabs(got[i] - want[i]) < 1e-6);
    }
    grove_models_destroy(m);
    grove_models_destroy(by_copies);
    grove_models_destroy(almost);
  }
  grove_table_release(t);
  grove_table_release(near);
  grove_table_release(nearly);
}

static void one_can_be_taken_and_saved(void **state)
{
  (void)state;
  grove_table *t = make_keyed(0);
  grove_models *m;
  grove_model *one, *again;
  grove_error err;
  void *bytes;
  size_t n;
  double all[ROWS], got[ROWS], now[ROWS];
  check_ok(grove_models_fit(NULL, "tree", NULL, t, "k", NULL, &m, NULL));
  check_ok(grove_models_predict(m, t, all, ROWS, NULL));
  check_ok(grove_models_take(m, 3, &one, &err));
  check_status(grove_models_take(m, 3, &again, &err), GROVE_ENOENT);
  check_status(grove_models_state(m, 3, &err), GROVE_ENOENT);
  check_ok(grove_models_state(m, 4, &err));
  check_ok(grove_model_save(one, NULL, &bytes, &n, NULL));
  check_ok(grove_model_load(NULL, bytes, n, &again, NULL));
  assert_true(grove_model_hash(one) == grove_model_hash(again));
  check_ok(grove_model_predict(again, t, got, ROWS, NULL));
  check_ok(grove_models_predict(m, t, now, ROWS, NULL));
  size_t gone = 0;
  for (size_t i = 0; i < ROWS; i++) {
    assert_true(isnan(now[i]) ? got[i] == all[i] : now[i] == all[i]);
    gone += isnan(now[i]);
  }
  assert_true(gone > 0 && gone < ROWS / 10);
  grove__allocator_malloc.realloc_fn(NULL, bytes, n, 0);
  grove_models_destroy(m);
  grove_model_destroy(one); // outlives the others
  grove_model_destroy(again);
  grove_table_release(t);
}

static grove_table *parse(const char *csv)
{
  grove_table *t;
  check_ok(grove_csv_parse(csv, strlen(csv), NULL, &t, NULL));
  return t;
}

// What is wrong with a group is that group's; keys that were not fitted have no predictions.
static void groups_fail_alone(void **state)
{
  (void)state;
  grove_table *t = parse("k,a,y\n1,1,1\n1,2,2\n2,1,\n2,2,3\n3,,1\n3,4,5\n");
  grove_table *other = parse("k,a\n3,1\n1,1.5\n9,1\n2,1\n");
  grove_models *m;
  grove_error err;
  double out[4];
  check_ok_err(grove_models_fit(NULL, "linear", NULL, t, "k", NULL, &m, &err), &err);
  check_ok(grove_models_state(m, 0, &err));
  check_status(grove_models_state(m, 1, &err), GROVE_EINVAL);
  check_contains(err.text, "linear of 2: in the group: target y is missing in row 0");
  check_status(grove_models_state(m, 2, &err), GROVE_EINVAL);
  check_contains(err.text, "feature a is missing");
  check_status(grove_models_state(m, 3, &err), GROVE_ENOENT);
  check_ok_err(grove_models_predict(m, other, out, 4, &err), &err);
  assert_true(isnan(out[0]) && fabs(out[1] - 1.5) < 1e-12 && isnan(out[2]) && isnan(out[3]));
  grove_models_destroy(m);
  check_status(grove_models_fit(NULL, "linear", NULL, t, "z", NULL, &m, &err), GROVE_ENOENT);
  check_status(grove_models_fit(NULL, "linea", NULL, t, "k", NULL, &m, &err), GROVE_ENOENT);
  assert_null(m);
  check_status(grove_models_fit(NULL, "linear", NULL, t, "k", FIT(.time_limit_ms = 5), &m, &err),
      GROVE_ENOTSUP);
  check_contains(err.text, "a time limit is for one fit");
  static const char *const key[] = {"k", NULL};
  check_status(
      grove_models_fit(NULL, "linear", NULL, t, "k", FIT(.features = key), &m, &err), GROVE_EINVAL);
  check_contains(err.text, "both key and feature");
  grove_table_release(t);
  grove_table_release(other);
}

static void cancel_ends_all(void **state)
{
  (void)state;
  grove_table *t = make_keyed(0);
  struct odd_work odd;
  grove_models *m;
  grove_error err;
  init_work(&odd, 1, NULL);
  odd.cancel_after = 2;
  check_status(grove_models_fit(NULL, "forest", NULL, t, "k", FIT(.work = &odd.work), &m, &err),
      GROVE_ECANCELED);
  assert_null(m);
  grove_table_release(t);
}

static grove_status live(const grove_allocator *a, const grove_table *t)
{
  grove_registry *r = NULL;
  grove_models *m = NULL;
  grove_model *one = NULL;
  double out[6];
  grove_status s = grove_registry_create(a, &r);
  s = s ? s : grove_models_fit(r, "tree", NULL, t, "k", NULL, &m, NULL);
  s = s ? s : grove_models_predict(m, t, out, 6, NULL);
  s = s ? s : grove_models_take(m, 2, &one, NULL); // 1 is not fitted
  grove_model_destroy(one);
  grove_models_destroy(m);
  grove_registry_destroy(r);
  return s;
}

static void lose_nothing(const grove_table *t)
{
  for (size_t at = 1;; at++) {
    check_memory memory = {.fail_at = at};
    grove_allocator a = check_allocator(&memory);
    grove_status s = live(&a, t);
    assert_int_equal(memory.live_blocks, 0);
    if (s == GROVE_OK) {
      assert_true(at > 20);
      break;
    }
    assert_int_equal(s, GROVE_ENOMEM);
  }
}

static void nothing_is_lost(void **state)
{
  (void)state;
  grove_table *together = parse("k,a,y\n1,1,1\n1,2,2\n2,1,\n2,2,3\n3,5,1\n3,4,5\n");
  grove_table *apart = parse("k,a,y\n1,1,1\n2,1,\n3,5,1\n1,2,2\n2,2,3\n3,4,5\n");
  lose_nothing(together);
  lose_nothing(apart);
  grove_table_release(together);
  grove_table_release(apart);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_a_fit_of_its_rows),
      cmocka_unit_test(rows_that_lie_together_are_the_same),
      cmocka_unit_test(one_can_be_taken_and_saved), cmocka_unit_test(groups_fail_alone),
      cmocka_unit_test(cancel_ends_all), cmocka_unit_test(nothing_is_lost)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
