#include "class_room.h"
#include <grove/watch.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_up(void **state)
{
  struct world *w = make_world();
  w->kinds = registry_of((const grove_learner *const[]){
      &mean_learner, &zero_learner, &broken_learner, &slow_learner, NULL});
  w->table = ten_rows();
  atomic_store(&slow_let_go, false);
  *state = w;
  return 0;
}

static grove_status work(struct world *w, grove_table *t, const grove_trainer_options *o,
    grove_trained_list *list, grove_error *err)
{
  return grove_trainer_work_ask(
      w->g, grove_trainer_spawn(w->g, t, o), GROVE_NONE, 60000, list, err);
}

static void sorts_by_error_and_puts_failures_last(void **state)
{
  struct world *w = *state;
  grove_error err = {0};
  grove_trained_list list;
  const char *const models[] = {"broken", "zero", "mean", NULL};
  const grove_parameter parameters[] = {{"mean.factor", "0.5"}, {"mean.factor", "1"}, {NULL, NULL}};
  grove_trainer_options o = {
      GROVE_TRAINER, .models = models, .parameters = parameters, .registry = w->kinds, .seed = 7};
  check_ok_err(work(w, w->table, &o, &list, &err), &err);
  assert_int_equal(grove_trained_list_count(list), 3);
  const grove_trained *best = grove_trained_list_at(list, 0);
  assert_string_equal(best->name, "mean");
  assert_string_equal(best->state, "DONE");
  assert_string_equal(best->parameters, "factor=1"); // the last one counts
  assert_true(best->mse > 0 && best->mse < grove_trained_list_at(list, 1)->mse);
  assert_true(best->train_seconds >= 0 && best->predict_seconds >= 0);
  assert_int_equal(best->seed, 7);
  assert_true(best->model_hash != 0);
  assert_string_equal(grove_trained_list_at(list, 1)->name, "zero");
  const grove_trained *worst = grove_trained_list_at(list, 2);
  assert_string_equal(worst->name, "broken");
  assert_string_equal(worst->state, "FAILED");
  assert_true(isnan(worst->mse));
  check_contains(worst->error, "the broken learner is broken");
  grove_release(list.shared);
}

static void gives_the_fitted_models(void **state)
{
  struct world *w = *state;
  grove_error err = {0};
  grove_trained_list list;
  grove_shared model;
  const char *const models[] = {"mean", "broken", NULL};
  grove_trainer_options o = {GROVE_TRAINER, .models = models, .registry = w->kinds};
  grove_trainer_ref t = grove_trainer_spawn(w->g, w->table, &o);
  check_status(
      grove_trainer_model_ask(w->g, t, grove_string_of("mean"), 5000, &model, &err), GROVE_ENOENT);
  check_contains(err.text, "no fitted model \"mean\" yet");
  check_ok_err(grove_trainer_work_ask(w->g, t, GROVE_NONE, 60000, &list, &err), &err);
  check_ok_err(grove_trainer_model_ask(w->g, t, grove_string_of("mean"), 5000, &model, &err), &err);
  assert_non_null(grove_model_of(model));
  assert_true(
      grove_model_hash(grove_model_of(model)) == grove_trained_list_at(list, 0)->model_hash);
  grove_release(model);
  check_status(grove_trainer_model_ask(w->g, t, grove_string_of("broken"), 5000, &model, &err),
      GROVE_ENOENT);
  check_status(
      grove_trainer_model_ask(w->g, t, grove_string_of("mene"), 5000, &model, &err), GROVE_ENOENT);
  check_contains(err.text, "did you mean \"mean\"");
  grove_release(list.shared);
}

// Finds the child with that label; its state is copied.
static bool child_is(struct world *w, grove_trainer_ref t, const char *label, const char *want)
{
  grove_info of[8];
  size_t n = 0;
  of[0].struct_size = sizeof *of;
  check_ok(grove_snapshot(
      w->g, &(grove_snapshot_options){GROVE_SNAPSHOT, .under = t.ref}, of, sizeof *of, 8, &n));
  for (size_t i = 0; i < n && i < 8; i++) {
    if (!strcmp(of[i].label, label)) {
      return !strcmp(of[i].state, want);
    }
  }
  return false;
}

static void states_are_readable_while_it_trains(void **state)
{
  struct world *w = *state;
  grove_error err = {0};
  grove_trained_list list;
  grove_shared model;
  const char *const models[] = {"slow", "mean", "broken", NULL};
  grove_trainer_options o = {GROVE_TRAINER, .models = models, .registry = w->kinds};
  grove_trainer_ref t = grove_trainer_spawn(w->g, w->table, &o);
  check_ok_err(grove_get(w->g, grove_ready(w->g, t.ref), 5000, NULL, 0, &err), &err);
  grove_info of[8];
  size_t n = 0;
  of[0].struct_size = sizeof *of;
  grove_snapshot_options under = {GROVE_SNAPSHOT, .under = t.ref};
  check_ok(grove_snapshot(w->g, &under, of, sizeof *of, 8, &n));
  assert_int_equal(n, 3);
  for (size_t i = 0; i < n; i++) {
    check_ok_err(grove_get(w->g, grove_ready(w->g, of[i].ref), 5000, NULL, 0, &err), &err);
  }
  assert_true(child_is(w, t, "slow", "PENDING")); // it has not been asked to work
  grove_trainer_work_future done = grove_trainer_work_call(w->g, t, GROVE_NONE);
  while (!child_is(w, t, "slow", "TRAINING 37/150") || !child_is(w, t, "mean", "DONE") ||
         !child_is(w, t, "broken", "FAILED")) {
    check_status(grove_wait(w->g, &done.future, 1, 1, 1), GROVE_ETIMEDOUT);
  }
  // The supervisor waits inside its method, and yet answers.
  check_ok_err(grove_trainer_model_ask(w->g, t, grove_string_of("mean"), 5000, &model, &err), &err);
  grove_release(model);
  atomic_store(&slow_let_go, true);
  check_ok_err(grove_trainer_work_get(w->g, done, 60000, &list, &err), &err);
  assert_true(child_is(w, t, "slow", "DONE"));
  assert_int_equal(grove_trained_list_count(list), 3);
  grove_release(list.shared);
}

static void check_refused(struct world *w, grove_table *t, const grove_trainer_options *o,
    grove_status want, const char *words)
{
  grove_error err = {0};
  grove_trained_list list;
  grove_status got = work(w, t, o, &list, &err);
  if (got != want) {
    fail_msg("is %d (%s), should be %d; \"%s\"", got, err.text, want, words);
  }
  check_contains(err.text, words);
  assert_null(list.shared.ptr);
}

static void refuses_names_that_it_does_not_know(void **state)
{
  struct world *w = *state;
#define REFUSED(STATUS, WORDS, ...)                                                                \
  check_refused(w, w->table,                                                                       \
      &(grove_trainer_options){GROVE_TRAINER, .registry = w->kinds, __VA_ARGS__}, STATUS, WORDS)
#define NAMES(...) .models = (const char *const[]){__VA_ARGS__, NULL}
#define SET(NAME, VALUE)                                                                           \
  .parameters = (const grove_parameter[])                                                          \
  {                                                                                                \
    {NAME, VALUE},                                                                                 \
    {                                                                                              \
      NULL, NULL                                                                                   \
    }                                                                                              \
  }
  REFUSED(GROVE_ENOENT, "did you mean \"mean\"", NAMES("meen"));
  REFUSED(GROVE_ENOENT, "zero", NAMES("nothing_like_it"));
  REFUSED(GROVE_EINVAL, "\"mean\" is asked for twice", NAMES("mean", "zero", "mean"));
  REFUSED(GROVE_ENOENT, "did you mean \"factor\"", NAMES("mean"), SET("mean.facter", "1"));
  REFUSED(GROVE_EINVAL, "factor", NAMES("mean"), SET("mean.factor", "11"));
  REFUSED(GROVE_EINVAL, "factor", NAMES("mean"), SET("mean.factor", "many"));
  REFUSED(GROVE_EINVAL, "should be MODEL.PARAMETER", NAMES("mean"), SET("factor", "1"));
  REFUSED(GROVE_EINVAL, "should be MODEL.PARAMETER", NAMES("mean"), SET(".factor", "1"));
  REFUSED(GROVE_ENOENT, "did you mean \"mean\"", NAMES("mean"), SET("maen.factor", "1"));
  REFUSED(GROVE_ENOENT, "unknown model among those to train \"zero\"", NAMES("mean"),
      SET("zero.factor", "1"));
  REFUSED(GROVE_ENOENT, "target \"z\"", NAMES("mean"), .target = "z");
  REFUSED(GROVE_EINVAL, "not between 0 and 1", NAMES("mean"), .test_part = 1.5);
  REFUSED(GROVE_EINVAL, "list of models is empty", .models = (const char *const[]){NULL});
}

static void refuses_data_that_can_not_be_learnt(void **state)
{
  static const struct {
    const char *csv, *words;
  } cases[] = {
      {"x,y\n", "no rows"},
      {"x,y\n1,2\n", "only 1 row"},
      {"x\n1\n2\n3\n", "1 column"},
      {"x,y\n1,2\n2,\n3,4\n", "target \"y\" is missing (null or NaN) in row 2 of 3"},
      {"x,y\n1,2\n2,3\n3,inf\n", "target \"y\""},
      {"x,y\n1,a\n2,b\n3,c\n", "target \"y\""},
  };
  struct world *w = *state;
  const char *const models[] = {"mean", NULL};
  grove_trainer_options o = {GROVE_TRAINER, .models = models, .registry = w->kinds};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    grove_table *t = table_of(cases[i].csv);
    grove_error err = {0};
    grove_trained_list list;
    if (!work(w, t, &o, &list, &err)) {
      fail_msg("%s was trained", cases[i].csv);
    }
    check_contains(err.text, cases[i].words);
    grove_table_release(t);
  }
  check_refused(w, NULL, &o, GROVE_EINVAL, "no table");
  check_refused(
      w, w->table, &(grove_trainer_options){.struct_size = 2}, GROVE_EINVAL, "struct_size");
}

static void fails_only_if_none_could_be_trained(void **state)
{
  struct world *w = *state;
  const char *const models[] = {"broken", NULL};
  grove_trainer_options o = {GROVE_TRAINER, .models = models, .registry = w->kinds};
  check_refused(w, w->table, &o, GROVE_EUSER, "no model could be trained: broken: ");
}

static void saves_each_model(void **state)
{
  struct world *w = *state;
  char folder[] = "/tmp/grove_trainer_XXXXXX", deep[64], path[256], bytes[4096];
  grove_error err = {0};
  grove_trained_list list;
  grove_model *m = NULL;
  struct stat st;
  assert_non_null(mkdtemp(folder));
  snprintf(deep, sizeof deep, "%s/a/b", folder); // made with its parents
  const char *const models[] = {"mean", "zero", NULL};
  grove_trainer_options o = {
      GROVE_TRAINER, .models = models, .registry = w->kinds, .save_folder = deep};
  for (int round = 0; round < 2; round++) { // the second time over what is there
    check_ok_err(work(w, w->table, &o, &list, &err), &err);
    snprintf(path, sizeof path, "%s/mean.grove", deep);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    check_ok_err(grove_model_load(w->kinds, bytes, n, &m, &err), &err);
    assert_true(grove_model_hash(m) == grove_trained_list_at(list, 0)->model_hash);
    grove_model_destroy(m);
    grove_release(list.shared);
  }
  assert_int_equal(stat(deep, &st), 0);
  assert_int_equal(st.st_nlink, 2);
  snprintf(path, sizeof path,
      "exec 2>&1; test \"$(ls -A %s)\" = \"$(printf 'mean.grove\\nzero.grove')\"", deep);
  assert_int_equal(system(path), 0); // nothing temporary is left
  snprintf(path, sizeof path, "rm -r %s", folder);
  assert_int_equal(system(path), 0);
}

static void a_folder_that_can_not_be_made_fails_the_models(void **state)
{
  struct world *w = *state;
  const char *const models[] = {"mean", NULL};
  grove_trainer_options o = {
      GROVE_TRAINER, .models = models, .registry = w->kinds, .save_folder = "/dev/null/x"};
  check_refused(w, w->table, &o, GROVE_EIO, "can't make the folder of \"/dev/null/x/mean.grove\"");
}

static grove_table *make_table_of(size_t rows)
{
  char *csv = malloc(rows * 40 + 16), *at = csv + sprintf(csv, "a,b,y\n");
  for (size_t i = 0; i < rows; i++) {
    at += sprintf(at, "%zu,%zu,%zu\n", i % 7, i * 37 % 101, i % 7 * 3 % 5 * 10 + i * 37 % 101);
  }
  grove_table *t = table_of(csv);
  free(csv);
  return t;
}

// A model may be told to take fewer lanes than there are workers: the bits stay the same.
static void parallelism_is_a_budget(void **state)
{
  struct world *w = *state;
  const char *const models[] = {"random_forest", "gradient_boosting", NULL};
  const grove_parameter few[] = {
      {"random_forest.n_estimators", "8"}, {"gradient_boosting.n_estimators", "8"}, {NULL, NULL}};
  static const char *const a[] = {"a", NULL}, *const b[] = {"b", NULL};
  grove_table *t = make_table_of(10000);
  uint64_t hash[2][2] = {{0}};
  for (uint32_t most = 0; most < 2; most++) {
    grove_error err = {0};
    grove_trained_list list;
    grove_trainer_options o = {GROVE_TRAINER, .models = models, .parameters = few, .seed = 1,
        .parallelism = most, .categorical = a, .increasing = b};
    check_ok_err(work(w, t, &o, &list, &err), &err);
    for (size_t i = 0; i < 2; i++) {
      const grove_trained *one = grove_trained_list_at(list, i);
      assert_true(one->r2 > 0.9 && one->mae > 0 && isnan(one->mse_error));
      assert_int_equal(one->ended, GROVE_ENDED_WHOLE);
      hash[most][i] = one->model_hash;
    }
    grove_release(list.shared);
  }
  assert_memory_equal(hash[0], hash[1], sizeof hash[0]);
  grove_table_release(t);
}

static void errors_by_folds(void **state)
{
  struct world *w = *state;
  const char *const models[] = {"decision_tree", NULL};
  grove_table *t = make_table_of(300);
  grove_error err = {0};
  grove_trained_list list;
  grove_trainer_options o = {GROVE_TRAINER, .models = models, .seed = 1, .folds = 3};
  check_ok_err(work(w, t, &o, &list, &err), &err);
  const grove_trained *one = grove_trained_list_at(list, 0);
  grove_evaluation e[3];
  check_ok(grove_model_cross_validate(NULL, "decision_tree", NULL, t,
      &(grove_fit_options){GROVE_FIT, .seed = 1, .target = "y"}, 3, e, NULL));
  assert_true(fabs(one->mse - (e[0].mse + e[1].mse + e[2].mse) / 3) < 1e-12 && one->mse_error > 0);
  grove_release(list.shared);
  o.folds = 1;
  check_refused(w, t, &o, GROVE_EINVAL, "1 fold");
  static const char *const none[] = {"z", NULL};
  o = (grove_trainer_options){GROVE_TRAINER, .models = models, .categorical = none};
  check_refused(w, t, &o, GROVE_ENOENT, "z");
  o = (grove_trainer_options){GROVE_TRAINER, .models = models, .memory_bytes = 1000};
  check_refused(w, t, &o, GROVE_ELIMIT, "memory_bytes");
  grove_table_release(t);
}

// One that has all but time: it goes on until it is told that that is up, or cancelled.
static grove_status patient_fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  work->progress(work->user, 0.5, "1/2");
  while (!work->expired(work->user)) {
    if (work->yield(work->user)) {
      return GROVE_ECANCELED;
    }
  }
  return mean_fit(state, x, y, seed, work, err);
}
static const grove_learner patient_learner = {.struct_size = sizeof(grove_learner),
    .name = "patient",
    .parameters = factor_parameter,
    .create = mean_create,
    .destroy = free,
    .fit = patient_fit,
    .predict = mean_predict,
    .save = mean_save,
    .load = mean_load};

static void wait_until(struct world *w, grove_trainer_ref t, grove_trainer_work_future *done,
    const char *label, const char *want)
{
  while (!child_is(w, t, label, want)) {
    check_status(grove_wait(w->g, &done->future, 1, 1, 1), GROVE_ETIMEDOUT);
  }
}

static const grove_trained *row_of(grove_trained_list list, const char *name)
{
  for (size_t i = 0; i < grove_trained_list_count(list); i++) {
    if (!strcmp(grove_trained_list_at(list, i)->name, name)) {
      return grove_trained_list_at(list, i);
    }
  }
  fail_msg("no row of %s", name);
  return NULL;
}

static void finish(struct world *w, grove_trainer_ref t, const char *name)
{
  grove_error err = {0};
  grove_none none;
  check_ok_err(
      grove_trainer_finish_ask(w->g, t, grove_string_of(name), 60000, &none, &err), &err);
}

// What is asked to finish gives what it has; the others, and the next work, go on as they would.
static void finishes_early_when_asked(void **state)
{
  struct world *w = *state;
  grove_error err = {0};
  grove_trained_list list;
  grove_none none;
  check_ok_err(grove_registry_add(w->kinds, &patient_learner, &err), &err);
  const char *const models[] = {"patient", "slow", "mean", NULL};
  grove_trainer_options o = {GROVE_TRAINER, .models = models, .registry = w->kinds};
  grove_trainer_ref t = grove_trainer_spawn(w->g, w->table, &o);
  finish(w, t, ""); // nothing is at hand: the next work is not meant
  for (int round = 0; round < 2; round++) {
    atomic_store(&slow_let_go, false);
    grove_trainer_work_future done = grove_trainer_work_call(w->g, t, GROVE_NONE);
    wait_until(w, t, &done, "patient", "TRAINING 1/2");
    wait_until(w, t, &done, "slow", "TRAINING 37/150");
    check_status(grove_trainer_finish_ask(w->g, t, grove_string_of("meen"), 60000, &none, &err),
        GROVE_ENOENT);
    check_contains(err.text, "did you mean \"mean\"");
    check_status(grove_trainer_finish_ask(w->g, t, grove_string_of("zero"), 60000, &none, &err),
        GROVE_ENOENT);
    check_contains(err.text, "no model \"zero\" among those to train");
    finish(w, t, round ? "" : "patient");
    wait_until(w, t, &done, "patient", "DONE");
    assert_true(child_is(w, t, "slow", "TRAINING 37/150")); // it knows no halves
    atomic_store(&slow_let_go, true);
    check_ok_err(grove_trainer_work_get(w->g, done, 60000, &list, &err), &err);
    assert_int_equal(row_of(list, "patient")->ended, GROVE_ENDED_CANCELLED);
    assert_int_equal(row_of(list, "slow")->ended, GROVE_ENDED_WHOLE);
    assert_int_equal(row_of(list, "mean")->ended, GROVE_ENDED_WHOLE);
    grove_release(list.shared);
  }
}

// Of our own kinds: more trees than there is time for, and a model all the same, with its reason in it.
static void finished_trees_are_models(void **state)
{
  struct world *w = *state;
  const char *const models[] = {"random_forest", "gradient_boosting", NULL};
  const grove_parameter many[] = {{"random_forest.n_estimators", "1000000"},
      {"gradient_boosting.n_estimators", "1000000"}, {NULL, NULL}};
  grove_table *t = make_table_of(300);
  grove_error err = {0};
  grove_trained_list list;
  grove_shared model;
  grove_trainer_options o = {GROVE_TRAINER, .models = models, .parameters = many};
  grove_trainer_ref trainer = grove_trainer_spawn(w->g, t, &o);
  grove_trainer_work_future done = grove_trainer_work_call(w->g, trainer, GROVE_NONE);
  finish(w, trainer, "forest"); // by an alias; heard after the work that was asked for before
  finish(w, trainer, "");
  check_ok_err(grove_trainer_work_get(w->g, done, 60000, &list, &err), &err);
  for (size_t i = 0; i < 2; i++) {
    const grove_trained *one = grove_trained_list_at(list, i);
    assert_string_equal(one->state, "DONE");
    assert_int_equal(one->ended, GROVE_ENDED_CANCELLED);
    assert_true(one->mse > 0);
    check_ok_err(grove_trainer_model_ask(
                     w->g, trainer, grove_string_of(one->name), 5000, &model, &err),
        &err);
    assert_int_equal(grove_model_ended(grove_model_of(model)), GROVE_ENDED_CANCELLED);
    assert_true(grove_model_hash(grove_model_of(model)) == one->model_hash);
    grove_release(model);
  }
  grove_release(list.shared);
  grove_table_release(t);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(sorts_by_error_and_puts_failures_last),
      TEST(gives_the_fitted_models),
      TEST(states_are_readable_while_it_trains),
      TEST(refuses_names_that_it_does_not_know),
      TEST(refuses_data_that_can_not_be_learnt),
      TEST(fails_only_if_none_could_be_trained),
      TEST(saves_each_model),
      TEST(a_folder_that_can_not_be_made_fails_the_models),
      TEST(parallelism_is_a_budget),
      TEST(errors_by_folds),
      TEST(finishes_early_when_asked),
      TEST(finished_trees_are_models),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
