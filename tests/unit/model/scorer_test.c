// The prepared form gives the bits that the trees give, with every set of instructions, on trees of all shapes and rows
// of all sorts.
#include "model/model_object.h"
#include "model/scorer.h"
#include "model/tree_learner.h"
#include "model_fixture.h"

enum { ROWS = 331, MOST_FEATURES = 300, CATEGORIES = 70 };

/// How a random ensemble is made.
struct shape {
  const char *name;
  uint32_t features;
  size_t trees;
  size_t leaves;
  bool chain;          // splits the newest leaf: as deep as can be
  size_t values;       // different thresholds of a feature
  double category;     // share of splits by a set
  uint32_t categories; // how many there are
};
static const struct shape shapes[] = {
    {"stumps", 3, 12, 2, false, 5, 0, 0},
    {"level-wise", 8, 9, 700, false, 100000, 0, 0},
    {"leaf-wise", 8, 20, 31, false, 40, 0.1, 20},
    {"chains", 5, 11, 40, true, 1000, 0.1, 40},
    {"wide", MOST_FEATURES, 9, 400, false, 300, 0.02, 70},
    {"sets", 4, 10, 300, false, 50, 0.7, 70},
    {"few sets", 8, 10, 900, false, 5000, 0.05, 9},
    {"one leaf", 2, 3, 1, false, 2, 0, 0},
    {"many trees, few columns", 5, 33, 60, false, 200, 0, 0},
    {"many trees, more columns", 12, 64, 90, false, 200, 0, 0},
    {"many trees, most columns", 24, 69, 200, false, 200, 0, 0},
};

static double pick_value(uint64_t *seed, size_t values)
{
  static const double odd[] = {0.0, -0.0, 1e-36, -1e-36, 1e-310, -1e-42, 1e30, -1e30, 2e-35};
  uint64_t k = grove__random_below(seed, values + 8);
  return k < 8 ? odd[k] : (double)(k - 8) / 16 - (double)values / 32;
}

static uint32_t pick_kind(uint64_t *seed, uint32_t arithmetic, uint32_t feature)
{
  static const uint32_t kinds[] = {0, GROVE__NODE_NAN_IS_ZERO, GROVE__NODE_ZERO_MISSING};
  uint32_t left = grove__random_below(seed, 2) ? GROVE__NODE_MISSING_LEFT : 0;
  return left | (arithmetic == GROVE__ARITHMETIC_LIGHTGBM ? kinds[feature % 3] : 0);
}

// Makes splits of leaves, one after the other.
static void grow(const struct shape *s, uint32_t arithmetic, uint64_t *seed, grove__tree *out)
{
  grove__node *n = calloc(2 * s->leaves, sizeof *n);
  uint32_t *words = calloc(s->leaves, 12);
  uint32_t used = 1, sets = 0;
  for (size_t i = 1; i < s->leaves; i++) {
    uint32_t at = used - 1;
    while (!s->chain && n[at = (uint32_t)grove__random_below(seed, used)].left) {}
    uint32_t feature = (uint32_t)grove__random_below(seed, s->features);
    n[at] = (grove__node){
        pick_value(seed, s->values), feature | pick_kind(seed, arithmetic, feature), used};
    if (feature % 4 == 1 && grove__random_unit(seed) < s->category * 4) {
      grove__set set = {sets, 1 + (uint32_t)grove__random_below(seed, (s->categories + 31) / 32)};
      for (uint32_t w = 0; w < set.count; w++) {
        words[sets++] = (uint32_t)grove__random_next(seed);
      }
      n[at].feature |= GROVE__NODE_CATEGORY;
      grove__node_set_put(&n[at], set);
    }
    used += 2;
  }
  for (uint32_t i = 0; i < used; i++) {
    if (!n[i].left) {
      double v = grove__random_unit(seed) - 0.5;
      n[i] = grove__node_leaf(arithmetic == GROVE__ARITHMETIC_XGBOOST ? (double)(float)v : v, 1);
    }
  }
  check_ok(grove__tree_copy(&grove__allocator_malloc, NULL, n, NULL, used, NULL, NULL, 0, out));
  out->words = words;
  out->word_count = sets ? s->leaves * 3 : 0;
  if (!sets) {
    free(words);
    out->words = NULL;
  }
  free(n);
}

static void make_ensemble(
    const struct shape *s, uint32_t arithmetic, uint64_t *seed, grove__ensemble *e)
{
  check_ok(grove__ensemble_init(e, &grove__allocator_malloc, s->trees));
  e->features = s->features;
  e->arithmetic = arithmetic;
  e->base = 0.25;
  e->link = arithmetic == GROVE__ARITHMETIC_OWN ? GROVE__LINK_IDENTITY : GROVE__LINK_LOGISTIC;
  for (; e->count < s->trees; e->count++) {
    grow(s, arithmetic, seed, &e->trees[e->count]);
  }
}

// Thresholds themselves, their neighbours, categories in and out of range, and numbers that are odd.
static float pick_number(const struct shape *s, uint64_t *seed)
{
  static const float odd[] = {0.0f, -0.0f, 1e-42f, -1e-42f, 1e-36f, 3e38f, -3e38f, -0.5f, 2e9f};
  uint64_t k = grove__random_below(seed, 12);
  float v = (float)pick_value(seed, s->values);
  switch (k) {
  case 0: return NAN;
  case 1: return INFINITY;
  case 2: return -INFINITY;
  case 3: return odd[grove__random_below(seed, 9)];
  case 4: return nextafterf(v, INFINITY);
  case 5: return nextafterf(v, -INFINITY);
  case 6: return (float)grove__random_below(seed, CATEGORIES + 5) - 2;
  case 7: return (float)grove__random_below(seed, CATEGORIES) + 0.5f;
  case 8: return (float)(grove__random_unit(seed) * 40 - 20);
  default: return v;
  }
}

struct data {
  float *rows;     // row after row
  double *columns; // the same, column after column
  const void *column[MOST_FEATURES];
};

static void make_data(const struct shape *s, uint64_t *seed, struct data *d)
{
  d->rows = malloc((size_t)ROWS * s->features * sizeof *d->rows);
  d->columns = malloc((size_t)ROWS * s->features * sizeof *d->columns);
  for (size_t i = 0; i < ROWS; i++) {
    for (size_t c = 0; c < s->features; c++) {
      float v = pick_number(s, seed);
      d->rows[i * s->features + c] = v;
      d->columns[c * ROWS + i] = (double)v;
      d->column[c] = d->columns + c * ROWS;
    }
  }
}

static void check_same(const char *what, uint32_t instructions, const double *want,
    const double *got, size_t rows, size_t first)
{
  for (size_t i = 0; i < rows; i++) {
    if (memcmp(&want[first + i], &got[i], sizeof *got)) {
      print_error("%s, instructions %u, row %zu of %zu: %.17g, not %.17g\n", what, instructions, i,
          rows, got[i], want[first + i]);
      fail();
    }
  }
}

// Which numbers of columns a row's codes had: a row alone has bodies for up to 16, 32 and 64.
static unsigned seen;

static void note_columns(const grove__scorer *s)
{
  uint32_t n = s->columns;
  seen |= !s->narrow ? 0 : n <= 16 ? 1 : n <= 32 ? 2 : n <= 64 ? 4 : 8;
}

// Each row alone, from columns and without scratch.
static void check_each_row(
    const struct shape *s, const grove__ensemble *e, const struct data *d, const double *want)
{
  double got;
  for (size_t r = 0; r < ROWS; r++) {
    const grove__view x = {.data = d->columns + r, .row_step = 1, .column_step = ROWS, .rows = 1};
    grove__ensemble_predict_view(e, &x, NULL, 0, &got);
    check_same(s->name, e->scorer->instructions, want, &got, 1, r);
  }
}

// All numbers of rows that matter, both layouts, with scratch and without.
static void check_ensemble(const struct shape *s, grove__ensemble *e, const struct data *d)
{
  static const size_t counts[] = {1, 3, 7, 8, 9, 63, 64, 65, 128, 129, 300};
  static double want[ROWS], got[ROWS];
  const grove__view all = {.column = d->column, .row_step = 1, .rows = ROWS};
  grove__scorer_free(e->scorer);
  e->scorer = NULL;
  grove__ensemble_predict_view(e, &all, NULL, 0, want);
  for (uint32_t i = GROVE_INSTRUCTIONS_PORTABLE; i <= GROVE_INSTRUCTIONS_NEON; i++) {
    grove__scorer_free(e->scorer);
    check_ok(grove__scorer_make(&e->allocator, e, i, &e->scorer));
    assert_non_null(e->scorer);
    assert_true(e->scorer->instructions <= i);
    note_columns(e->scorer);
    check_each_row(s, e, d, want);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
      size_t n = counts[k], first = ROWS - n, room = grove__scorer_scratch(e->scorer, n) + 64;
      void *scratch = malloc(room);
      grove__view x = {.data = d->rows + first * s->features,
          .row_step = s->features,
          .column_step = 1,
          .rows = n,
          .floats = true};
      grove__ensemble_predict_view(e, &x, scratch, room, got);
      check_same(s->name, i, want, got, n, first);
      x = (grove__view){.data = d->columns + first, .row_step = 1, .column_step = ROWS, .rows = n};
      grove__ensemble_predict_view(e, &x, NULL, 0, got);
      check_same(s->name, i, want, got, n, first);
      free(scratch);
    }
  }
}

static void all_ways_give_the_same_bits(void **state)
{
  (void)state;
  uint64_t seed = 20;
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    for (uint32_t a = 0; a <= GROVE__ARITHMETIC_LIGHTGBM; a++) {
      struct data d;
      grove__ensemble e;
      make_ensemble(&shapes[k], a, &seed, &e);
      make_data(&shapes[k], &seed, &d);
      check_ensemble(&shapes[k], &e, &d);
      grove__ensemble_deinit(&e);
      free(d.rows);
      free(d.columns);
    }
  }
  assert_int_equal(seen & 7, 7);
}

// Doubles that are no floats, next to the thresholds.
static void doubles_are_not_rounded(void **state)
{
  (void)state;
  uint64_t seed = 5;
  const struct shape *s = &shapes[1];
  grove__ensemble e;
  struct data d;
  make_ensemble(s, GROVE__ARITHMETIC_OWN, &seed, &e);
  make_data(s, &seed, &d);
  for (size_t t = 0; t < e.count; t++) {
    for (size_t i = 0; i < e.trees[t].count; i++) {
      grove__node *n = &e.trees[t].nodes[i];
      double *v = &d.columns[grove__random_below(&seed, ROWS * (uint64_t)s->features)];
      if (n->left) {
        n->value = nextafter(n->value, grove__random_below(&seed, 2) ? INFINITY : -INFINITY);
        *v = nextafter(n->value, grove__random_below(&seed, 2) ? INFINITY : -INFINITY);
      }
    }
  }
  for (size_t i = 0; i < (size_t)ROWS * s->features; i++) {
    d.rows[i] = (float)d.columns[i % s->features * ROWS + i / s->features];
  }
  static double want[ROWS], got[ROWS];
  const grove__view x = {.column = d.column, .row_step = 1, .rows = ROWS};
  grove__ensemble_predict_view(&e, &x, NULL, 0, want);
  for (uint32_t i = GROVE_INSTRUCTIONS_PORTABLE; i <= GROVE_INSTRUCTIONS_NEON; i++) {
    grove__scorer_free(e.scorer);
    check_ok(grove__scorer_make(&e.allocator, &e, i, &e.scorer));
    grove__ensemble_predict_view(&e, &x, NULL, 0, got);
    check_same("doubles", i, want, got, ROWS, 0);
  }
  grove__ensemble_deinit(&e);
  free(d.rows);
  free(d.columns);
}

static void what_does_not_fit_is_left_out(void **state)
{
  (void)state;
  uint64_t seed = 6;
  grove__ensemble e;
  make_ensemble(&shapes[0], GROVE__ARITHMETIC_OWN, &seed, &e);
  e.trees[3].nodes[0].feature &= ~GROVE__NODE_CATEGORY;
  e.trees[3].nodes[0].value = NAN;
  check_ok(grove__scorer_make(&e.allocator, &e, 0, &e.scorer));
  assert_null(e.scorer);
  grove__ensemble_deinit(&e);
}

static void frees_all_when_memory_ends(void **state)
{
  (void)state;
  uint64_t seed = 7;
  grove__ensemble e;
  make_ensemble(&shapes[2], GROVE__ARITHMETIC_XGBOOST, &seed, &e);
  grove_status status = GROVE_ENOMEM;
  for (size_t at = 1; status; at++) {
    check_memory memory = {.fail_at = at};
    grove_allocator a = {check_realloc, &memory};
    grove__scorer *s;
    status = grove__scorer_make(&a, &e, 0, &s);
    assert_true(status == GROVE_OK || (status == GROVE_ENOMEM && !s));
    if (s) {
      assert_true(grove__scorer_bytes(s) == memory.live_bytes);
    }
    grove__scorer_free(s);
    assert_true(memory.live_blocks == 0 && memory.live_bytes == 0);
  }
  grove__ensemble_deinit(&e);
}

// ---- by the public face -------------------------------------------------------------------------------
static void predict_allocates_nothing(void **state)
{
  (void)state;
  check_memory memory = {.fail_at = 0};
  grove_allocator a = {check_realloc, &memory};
  grove_registry *r;
  grove_model *m;
  grove_error err;
  static float rows[500 * 4];
  static double want[500], got[500];
  uint64_t seed = 8;
  grove_table *t = make_problem(5, 900, 0.1, 1);
  check_ok(grove_registry_create(&a, &r));
  check_ok_err(
      grove_model_create(r, "gradient_boosting", PARAMETERS({"n_estimators", "20"}), &m, &err),
      &err);
  check_ok_err(grove_model_fit(m, t, NULL, &err), &err);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    rows[i] = (float)(grove__random_unit(&seed) * 100);
  }
  const grove_rows x = {GROVE_ROWS, .floats = 1, .data = rows, .rows = 500, .columns = 4};
  assert_int_equal(grove_model_prepared_bytes(m), 0);
  check_ok(grove_model_predict_rows(m, &x, NULL, 0, want));
  check_ok_err(grove_model_prepare(m, NULL, &err), &err);
  assert_true(grove_model_prepared_bytes(m) > 1000);
  size_t before = memory.allocations;
  check_ok(grove_model_predict_rows(m, &x, NULL, 0, got));
  assert_memory_equal(want, got, sizeof got);
  assert_true(memory.allocations == before);
  check_ok_err(
      grove_model_prepare(m, &(grove_prepare_options){GROVE_PREPARE, .drop = 1}, &err), &err);
  assert_int_equal(grove_model_prepared_bytes(m), 0);
  check_status(
      grove_model_prepare(m, &(grove_prepare_options){GROVE_PREPARE, .instructions = 9}, &err),
      GROVE_EINVAL);
  grove_model_destroy(m);
  grove_registry_destroy(r);
  grove_table_release(t);
}

static void linear_models_take_rows_too(void **state)
{
  (void)state;
  grove_table *t = make_problem(5, 900, 0, 1);
  grove_model *m = fit_model("linear", NULL, t, NULL);
  static double rows[900 * 4], want[900], got[900];
  double column[900];
  grove_error err;
  for (size_t c = 0; c < 4; c++) {
    check_ok(grove_table_doubles(t, c, 0, 900, column, NULL));
    for (size_t i = 0; i < 900; i++) {
      rows[i * 4 + c] = column[i];
    }
  }
  const grove_rows x = {GROVE_ROWS, .data = rows, .rows = 900, .columns = 4};
  check_ok_err(grove_model_predict(m, t, want, 900, &err), &err);
  check_ok(grove_model_predict_rows(m, &x, NULL, 0, got));
  assert_memory_equal(want, got, sizeof got);
  rows[17] = NAN;
  check_status(grove_model_predict_rows(m, &x, NULL, 0, got), GROVE_EINVAL);
  check_ok_err(grove_model_prepare(m, NULL, &err), &err); // nothing to prepare
  grove_model_destroy(m);
  grove_table_release(t);
}

enum { THREADS = 16 };
struct shared_model {
  const grove_model *m;
  const grove_rows *x;
  const double *want;
};

static void *predict_often(void *user)
{
  const struct shared_model *s = user;
  double *got = malloc(s->x->rows * sizeof *got);
  bool same = true;
  for (int i = 0; i < 5; i++) {
    same &= grove_model_predict_rows(s->m, s->x, NULL, 0, got) == GROVE_OK;
    same &= memcmp(got, s->want, s->x->rows * sizeof *got) == 0;
  }
  free(got);
  return same ? user : NULL;
}

static void threads_share_a_model(void **state)
{
  (void)state;
  grove_table *t = make_problem(5, 700, 0.1, 3);
  grove_model *m = fit_model("gradient_boosting", PARAMETERS({"n_estimators", "15"}), t, NULL);
  static double rows[700 * 4], want[700];
  uint64_t seed = 3;
  pthread_t threads[THREADS];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    rows[i] = grove__random_unit(&seed) * 100;
  }
  const grove_rows x = {GROVE_ROWS, .data = rows, .rows = 700, .columns = 4};
  check_ok(grove_model_predict_rows(m, &x, NULL, 0, want));
  check_ok(grove_model_prepare(m, NULL, NULL));
  struct shared_model s = {m, &x, want};
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, predict_often, &s), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    void *good;
    assert_int_equal(pthread_join(threads[i], &good), 0);
    assert_non_null(good);
  }
  grove_model_destroy(m);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_ways_give_the_same_bits),
      cmocka_unit_test(doubles_are_not_rounded), cmocka_unit_test(what_does_not_fit_is_left_out),
      cmocka_unit_test(frees_all_when_memory_ends), cmocka_unit_test(predict_allocates_nothing),
      cmocka_unit_test(linear_models_take_rows_too), cmocka_unit_test(threads_share_a_model)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
