// Learners of one's own beside the built-in four: fit, predict, save, load.
#include "model_fixture.h"

struct mean {
  double factor, mean;
};

static grove_status mean_create(const double *values, void **state, grove_error *err)
{
  struct mean *m = calloc(1, sizeof *m);
  if (values[0] == 13) {
    free(m);
    snprintf(err->text, sizeof err->text, "13 brings bad luck");
    return GROVE_EINVAL;
  }
  m->factor = values[0];
  *state = m;
  return GROVE_OK;
}

static grove_status mean_fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  struct mean *m = state;
  (void)seed;
  for (size_t i = 0; i < x->rows; i++) {
    m->mean += m->factor * y[i] / (double)x->rows;
  }
  if (m->factor == 7) {
    snprintf(err->text, sizeof err->text, "seven");
    return GROVE_EUSER;
  }
  return work->yield(work->user);
}

static grove_status mean_predict(
    const void *state, const grove_matrix *x, double *out, grove_error *err)
{
  (void)err;
  for (size_t i = 0; i < x->rows; i++) {
    out[i] = ((const struct mean *)state)->mean;
  }
  return GROVE_OK;
}

static grove_status mean_save(const void *state, void *sink,
    grove_status (*put)(void *sink, const void *, size_t), grove_error *err)
{
  (void)err;
  return put(sink, state, sizeof(struct mean));
}

static grove_status mean_load(const void *bytes, size_t n, void **state, grove_error *err)
{
  (void)err;
  if (n != sizeof(struct mean)) {
    return GROVE_ECORRUPT;
  }
  *state = malloc(n);
  memcpy(*state, bytes, n);
  return GROVE_OK;
}

static const grove_parameter_info mean_parameters[] = {
    {"factor", "1", "scales the mean", 0, 100}, {NULL, NULL, NULL, 0, 0}};
static const grove_learner mean = {.struct_size = sizeof(grove_learner),
    .name = "mean",
    .parameters = mean_parameters,
    .create = mean_create,
    .destroy = free,
    .fit = mean_fit,
    .predict = mean_predict,
    .save = mean_save,
    .load = mean_load,
    .aliases = "average"};

static grove_registry *with_mean(void)
{
  grove_registry *r = NULL;
  grove_error err = {0};
  check_ok(grove_registry_create(NULL, &r));
  check_ok_err(grove_registry_add(r, &mean, &err), &err);
  return r;
}

static grove_model *create(const grove_registry *r, const char *name, const char *factor)
{
  grove_model *m = NULL;
  grove_error err = {0};
  check_ok_err(grove_model_create(r, name, PARAMETERS({"factor", factor}), &m, &err), &err);
  return m;
}

static void a_fifth_kind_works_like_the_four(void **state)
{
  (void)state;
  grove_registry *r = with_mean();
  grove_error err = {0};
  grove_table *t = make_table(2, 4, (double[]){1, 2, 3, 4, 10, 20, 30, 40});
  grove_model *m = create(r, "average", "2"), *again = NULL;
  void *bytes;
  size_t n;
  assert_string_equal(grove_model_name(m), "mean");
  check_ok_err(grove_model_fit(m, t, NULL, &err), &err);
  assert_true(predict_row(m, 1, (double[]){0}) == 50);
  check_ok_err(grove_model_save(m, NULL, &bytes, &n, &err), &err);
  check_ok_err(grove_model_load(r, bytes, n, &again, &err), &err);
  assert_true(predict_row(again, 1, (double[]){0}) == 50);
  assert_true(grove_model_hash(m) == grove_model_hash(again) && grove_model_hash(m) != 0);
  grove_model_destroy(again);
  check_status(grove_model_load(NULL, bytes, n, &again, &err), GROVE_ENOENT);
  check_contains(err.text, "unknown model \"mean\"");
  free(bytes);
  grove_model_destroy(m);
  grove_table_release(t);
  grove_registry_destroy(r);
}

static void its_failures_are_told_with_its_words(void **state)
{
  (void)state;
  grove_registry *r = with_mean();
  grove_error err = {0};
  grove_model *m = NULL;
  grove_table *t = make_table(2, 2, (double[]){1, 2, 3, 4});
  check_status(grove_model_create(r, "mean", PARAMETERS({"factor", "13"}), &m, &err), GROVE_EINVAL);
  check_contains(err.text, "13 brings bad luck");
  m = create(r, "mean", "7");
  check_status(grove_model_fit(m, t, NULL, &err), GROVE_EUSER);
  assert_string_equal(err.text, "mean: seven");
  check_status(grove_model_fit(m, t, NULL, &err), GROVE_EINVAL);
  check_contains(err.text, "fitted once");
  grove_model_destroy(m);
  grove_table_release(t);
  grove_registry_destroy(r);
}

static void it_is_spared_missing_values(void **state)
{
  (void)state;
  grove_registry *r = with_mean();
  grove_error err = {0};
  grove_table *t = make_table(2, 2, (double[]){1, NAN, 3, 4});
  grove_model *m = create(r, "mean", "1");
  check_status(grove_model_fit(m, t, NULL, &err), GROVE_EINVAL);
  assert_string_equal(
      err.text, "feature a is missing in row 1 (rows from 0); mean does not take missing values");
  grove_model_destroy(m);
  grove_table_release(t);
  grove_registry_destroy(r);
}

static grove_status mean_fit_data(
    void *state, const grove_fit_data *d, const grove_work *work, grove_error *err)
{
  return mean_fit(state, d->x, d->y, d->seed, work, err);
}

// The fuller slot stands for the plain one.
static void one_way_to_fit_is_enough(void **state)
{
  (void)state;
  grove_registry *r = with_mean();
  grove_error err = {0};
  grove_learner by_data = mean;
  by_data.name = "by_data";
  by_data.aliases = NULL;
  by_data.fit = NULL;
  by_data.fit_data = mean_fit_data;
  check_ok_err(grove_registry_add(r, &by_data, &err), &err);
  grove_table *t = make_table(2, 4, (double[]){1, 2, 3, 4, 10, 20, 30, 40});
  grove_model *m = create(r, "by_data", "2");
  check_ok_err(grove_model_fit(m, t, NULL, &err), &err);
  assert_true(predict_row(m, 1, (double[]){0}) == 50);
  grove_model_destroy(m);
  grove_table_release(t);
  grove_registry_destroy(r);
}

static void bad_tables_are_refused(void **state)
{
  (void)state;
  grove_registry *r = with_mean();
  grove_error err = {0};
  static const grove_parameter_info wrong[] = {{"k", "9", "", 0, 5}, {NULL, NULL, NULL, 0, 0}};
  grove_learner l = mean;
  check_status(grove_registry_add(r, &mean, &err), GROVE_EEXIST);
  l.name = "xgboost"; // an alias of a built-in one
  check_status(grove_registry_add(r, &l, &err), GROVE_EEXIST);
  l.name = "other";
  l.parameters = wrong;
  check_status(grove_registry_add(r, &l, &err), GROVE_EINVAL);
  check_contains(err.text, "k=9: must be a number from 0 to 5");
  l.parameters = NULL;
  l.fit = NULL;
  check_status(grove_registry_add(r, &l, &err), GROVE_EINVAL);
  check_contains(err.text, "lacks a slot");
  assert_string_equal(grove_registry_at(r, 4)->name, "mean");
  assert_null(grove_registry_at(r, 5));
  assert_null(grove_registry_at(NULL, 4));
  grove_registry_destroy(r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_fifth_kind_works_like_the_four),
      cmocka_unit_test(its_failures_are_told_with_its_words),
      cmocka_unit_test(it_is_spared_missing_values), cmocka_unit_test(one_way_to_fit_is_enough), cmocka_unit_test(bad_tables_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
