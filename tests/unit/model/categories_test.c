// Splits by sets of categories: what they say of known, unknown and missing ones, in all growers.
#include "model/category_split.h"
#include "model_fixture.h"

enum { ROWS = 4000, CATEGORIES = 40 };
static const char *const kinds[] = {"decision_tree", "random_forest", "gradient_boosting"};
static const char *const first[] = {"a", NULL};

// Column a: categories whose effects have no order; b and c: numbers; y. `missing`: share of NaN in a.
static grove_table *make_mixed(size_t rows, size_t categories, double missing, uint64_t seed)
{
  double *v = malloc(4 * rows * sizeof *v), *y = v + 3 * rows;
  for (size_t i = 0; i < rows; i++) {
    size_t c = (size_t)grove__random_below(&seed, categories);
    double effect = (double)(grove__mix64(c) % 100) / 10;
    v[rows + i] = grove__random_unit(&seed);
    v[2 * rows + i] = grove__random_unit(&seed);
    bool none = grove__random_unit(&seed) < missing;
    v[i] = none ? NAN : (double)c;
    y[i] = (none ? 20 : effect) + v[rows + i];
  }
  grove_table *t = make_table(4, rows, v);
  free(v);
  return t;
}

static grove_model *fit_kind(size_t k, const grove_table *t, const char *const *categorical)
{
  const grove_parameter *few = PARAMETERS({"n_estimators", "20"});
  return fit_model(kinds[k], k ? few : NULL, t, FIT(.seed = 3, .categorical = categorical));
}

// 40 effects without an order, 4000 rows: a set tells them apart in a few splits.
static void sets_tell_categories_apart(void **state)
{
  (void)state;
  grove_table *t = make_mixed(ROWS, CATEGORIES, 0.1, 1),
              *other = make_mixed(2000, CATEGORIES, 0.1, 2);
  for (size_t k = 0; k < 3; k++) {
    grove_model *m = fit_kind(k, t, first);
    assert_int_equal(grove_model_feature_kind(m, 0), GROVE_FEATURE_CATEGORY);
    assert_int_equal(grove_model_feature_kind(m, 1), GROVE_FEATURE_NUMBER);
    assert_int_equal(grove_model_feature_kind(m, 9), GROVE_FEATURE_NUMBER);
    assert_true(score(m, other) < (k == 2 ? 0.1 : 0.01)); // of a variance of about 36
    double missing = predict_row(m, 3, (double[]){NAN, 0.5, 0.5});
    assert_true(fabs(missing - 20.5) < 0.5);
    grove_model_destroy(m);
  }
  grove_table_release(t);
  grove_table_release(other);
}

// The first split of a tree of depth 1 is the best of all sets: every one of them is tried here.
static void a_tree_takes_the_best_of_all_sets(void **state)
{
  enum { N = 60, K = 6 };
  (void)state;
  uint64_t seed = 5;
  for (int round = 0; round < 20; round++) {
    double v[2 * N], best = HUGE_VAL, sum2 = 0;
    for (size_t i = 0; i < N; i++) {
      v[i] = (double)grove__random_below(&seed, K);
      v[N + i] = floor(grove__random_unit(&seed) * 100);
    }
    for (unsigned set = 1; set + 1 < 1u << K; set++) {
      double n[2] = {0, 0}, s[2] = {0, 0}, s2 = 0;
      for (size_t i = 0; i < N; i++) {
        int side = set >> (unsigned)v[i] & 1;
        n[side]++;
        s[side] += v[N + i];
        s2 += v[N + i] * v[N + i];
      }
      if (n[0] > 0 && n[1] > 0) {
        sum2 = s2 - s[0] * s[0] / n[0] - s[1] * s[1] / n[1];
        best = sum2 < best ? sum2 : best;
      }
    }
    grove_table *t = make_table(2, N, v);
    grove_model *m =
        fit_model("decision_tree", PARAMETERS({"max_depth", "1"}), t, FIT(.categorical = first));
    assert_true(fabs(score(m, t) * N - best) < 1e-9 * best);
    grove_model_destroy(m);
    grove_table_release(t);
  }
}

// Renaming categories changes nothing: they have no order.
static void names_of_categories_do_not_matter(void **state)
{
  (void)state;
  double *v = malloc(2 * 4 * ROWS * sizeof *v), *w = v + 4 * ROWS;
  uint64_t seed = 7;
  for (size_t i = 0; i < ROWS; i++) {
    v[i] = (double)grove__random_below(&seed, 20);
    v[ROWS + i] = grove__random_unit(&seed);
    v[2 * ROWS + i] = grove__random_unit(&seed);
    v[3 * ROWS + i] = (double)(grove__mix64((uint64_t)v[i]) % 100) + v[ROWS + i];
  }
  memcpy(w, v, 4 * ROWS * sizeof *v);
  for (size_t i = 0; i < ROWS; i++) {
    w[i] = v[i] * 1000 + 77;
  }
  grove_table *t = make_table(4, ROWS, v), *u = make_table(4, ROWS, w);
  double p[ROWS], q[ROWS];
  for (size_t k = 0; k < 3; k++) {
    grove_model *m = fit_kind(k, t, first), *n = fit_kind(k, u, first);
    check_ok(grove_model_predict(m, t, p, ROWS, NULL));
    check_ok(grove_model_predict(n, u, q, ROWS, NULL));
    assert_memory_equal(p, q, sizeof p);
    grove_model_destroy(m);
    grove_model_destroy(n);
  }
  grove_table_release(t);
  grove_table_release(u);
  free(v);
}

// What fit has not seen goes with the heavier side: here nearly all rows are of category 1.
static void unknown_categories_go_with_most_rows(void **state)
{
  (void)state;
  double v[2 * 100];
  for (size_t i = 0; i < 100; i++) {
    v[i] = i < 20 ? 3 : 1;
    v[100 + i] = i < 20 ? 50 : 10;
  }
  grove_table *t = make_table(2, 100, v);
  for (size_t k = 0; k < 3; k++) {
    grove_model *m = fit_kind(k, t, first);
    double most = predict_row(m, 1, (double[]){1});
    assert_true(predict_row(m, 1, (double[]){3}) > most + 30);
    const double unknown[] = {0, 2, 4, 1000, 16777215, NAN};
    for (size_t i = 0; i < 6; i++) {
      assert_true(predict_row(m, 1, &unknown[i]) == most);
    }
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

// More categories than bins: the rare ones are one, and go right.
static void many_categories(void **state)
{
  (void)state;
  grove_table *t = make_mixed(20000, 2000, 0.02, 3);
  for (size_t k = 0; k < 3; k++) {
    grove_model *m = fit_kind(k, t, first);
    assert_true(score(m, t) < (k ? 12 : 1)); // of a variance of about 15
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

static void the_width_does_not_matter(void **state)
{
  (void)state;
  grove_table *t = make_mixed(20000, 300, 0.1, 4);
  static const char *const both[] = {"a", NULL};
  for (size_t k = 0; k < 3; k++) {
    const grove_parameter *few = PARAMETERS({"n_estimators", "4"});
    uint64_t hash = 0;
    for (uint32_t width = 1; width <= 8; width *= 2) {
      struct odd_work odd;
      init_work(&odd, width, width == 1 ? NULL : run_threads);
      grove_model *m = fit_model(
          kinds[k], k ? few : NULL, t, FIT(.seed = 9, .work = &odd.work, .categorical = both));
      hash = hash ? hash : grove_model_hash(m);
      assert_true(grove_model_hash(m) == hash);
      grove_model_destroy(m);
    }
  }
  grove_table_release(t);
}

// Leaf by leaf, by random places, on weighted rows, and with the missing of the other side.
static void other_ways_to_grow(void **state)
{
  (void)state;
  grove_table *t = make_mixed(ROWS, CATEGORIES, 0.1, 8);
  const struct {
    const char *kind;
    const grove_parameter *p;
    double most;
  } ways[] = {{"gradient_boosting", PARAMETERS({"max_leaves", "31"}), 0.2},
      {"gradient_boosting", PARAMETERS({"max_cat_to_onehot", "100"}), 0.3},
      {"gradient_boosting", PARAMETERS({"lambda", "0"}, {"cat_l2", "0"}, {"cat_smooth", "0"}), 0.1},
      {"gradient_boosting", PARAMETERS({"objective", "absolute"}), 0.5},
      {"random_forest", PARAMETERS({"splits", "random"}, {"n_estimators", "20"}), 0.1},
      {"random_forest", PARAMETERS({"min_samples_leaf", "5"}, {"max_features", "1"}), 0.5}};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    grove_model *m = fit_model(ways[i].kind, ways[i].p, t, FIT(.categorical = first));
    double mse = score(m, t);
    if (mse >= ways[i].most) {
      print_error("way %zu: %g\n", i, mse);
    }
    assert_true(mse < ways[i].most);
    grove_model_destroy(m);
  }
  grove_table_release(t);
}

static void models_are_saved_and_prepared(void **state)
{
  (void)state;
  grove_table *t = make_mixed(ROWS, CATEGORIES, 0.1, 6);
  double p[ROWS], q[ROWS];
  for (size_t k = 0; k < 3; k++) {
    grove_model *m = fit_kind(k, t, first), *again;
    void *bytes;
    size_t n;
    check_ok(grove_model_save(m, NULL, &bytes, &n, NULL));
    check_ok(grove_model_load(NULL, bytes, n, &again, NULL));
    assert_int_equal(grove_model_feature_kind(again, 0), GROVE_FEATURE_CATEGORY);
    check_ok(grove_model_predict(m, t, p, ROWS, NULL));
    for (uint32_t i = GROVE_INSTRUCTIONS_BEST; i <= GROVE_INSTRUCTIONS_NEON; i++) {
      check_ok(grove_model_prepare(
          again, &(grove_prepare_options){GROVE_PREPARE, .instructions = i}, NULL));
      assert_true(grove_model_prepared_bytes(again) > 0);
      check_ok(grove_model_predict(again, t, q, ROWS, NULL));
      assert_memory_equal(p, q, sizeof p);
    }
    grove_model_destroy(m);
    grove_model_destroy(again);
    grove__allocator_malloc.realloc_fn(NULL, bytes, n, 0);
  }
  grove_table_release(t);
}

static void refuse(const char *kind, const grove_table *t, const grove_fit_options *o,
    grove_status want, const char *words)
{
  grove_error err = {0};
  grove_model *m = make_model(kind, NULL);
  assert_int_equal(grove_model_fit(m, t, o, &err), want);
  if (!strstr(err.text, words)) {
    print_error("\"%s\" has no \"%s\"\n", err.text, words);
  }
  assert_non_null(strstr(err.text, words));
  grove_model_destroy(m);
}

static void what_is_wrong_is_said(void **state)
{
  (void)state;
  static const char *const none[] = {"z", NULL}, *const target[] = {"d", NULL};
  const double bad[] = {-1, 0.5, 16777216};
  grove_table *t = make_mixed(50, 5, 0, 1);
  refuse("linear", t, FIT(.categorical = first), GROVE_ENOTSUP, "linear does not take categories");
  refuse("decision_tree", t, FIT(.categorical = none), GROVE_ENOENT, "z");
  refuse("decision_tree", t, FIT(.categorical = target), GROVE_ENOENT, "d is no feature");
  refuse(
      "decision_tree", t, FIT(.categorical = first, .increasing = first), GROVE_EINVAL, "a can be");
  grove_table_release(t);
  for (size_t i = 0; i < 3; i++) {
    double v[] = {1, bad[i], 0, 1, 2, 3};
    t = make_table(2, 3, v);
    refuse("random_forest", t, FIT(.categorical = first), GROVE_EINVAL, "row 1");
    double good[] = {1, 0, 0, 1, 2, 3}, out[3];
    grove_table *u = make_table(2, 3, good);
    grove_model *m = fit_model("decision_tree", NULL, u, FIT(.categorical = first));
    grove_error err;
    assert_int_equal(grove_model_predict(m, t, out, 3, &err), GROVE_EINVAL);
    assert_int_equal(err.at, 1);
    assert_non_null(strstr(err.text, "feature a"));
    grove_model_destroy(m);
    grove_table_release(t);
    grove_table_release(u);
  }
}

// The set that is left is the lighter one, and what is too light to tell apart stays right.
static void sets_are_chosen_by_the_rule(void **state)
{
  (void)state;
  grove__category c[] = {{.sum = {100, 10}, .id = 0}, {.sum = {-100, 30}, .id = 1},
      {.sum = {300, 2}, .id = 2}, {.sum = {-90, 20}, .id = 3}};
  grove__sum all = {210, 62}, none = {0, 0};
  grove__gain_rule rule = {.least_weight = 1, .category = {.smooth = 3, .one_hot = 0}};
  grove__category_cut cut = grove__category_split(c, 4, all, none, false, &rule, -1);
  assert_true(cut.gain > 0 && cut.end - cut.from >= 1);
  for (size_t i = cut.from; i < cut.end; i++) {
    assert_true(c[i].id != 2); // lighter than 3: stays right
  }
  rule.category = (grove__category_rule){0};
  cut = grove__category_split(c, 4, all, none, false, &rule, -1);
  assert_true(cut.end - cut.from == 1 && c[cut.from].id == 2 && cut.left.q == 300);
  assert_true(!cut.missing_left);
  cut = grove__category_split(c, 0, all, none, true, &rule, -1);
  assert_true(cut.gain < 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(sets_tell_categories_apart),
      cmocka_unit_test(a_tree_takes_the_best_of_all_sets),
      cmocka_unit_test(names_of_categories_do_not_matter),
      cmocka_unit_test(unknown_categories_go_with_most_rows), cmocka_unit_test(many_categories),
      cmocka_unit_test(the_width_does_not_matter), cmocka_unit_test(other_ways_to_grow),
      cmocka_unit_test(models_are_saved_and_prepared), cmocka_unit_test(what_is_wrong_is_said),
      cmocka_unit_test(sets_are_chosen_by_the_rule)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
