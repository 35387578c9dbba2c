// Learners that the tests of training share: small, and with the behaviour that a test needs.
#ifndef GROVE_TESTS_CLASS_ROOM_H
#define GROVE_TESTS_CLASS_ROOM_H
#include "check.h"
#include <grove/train.h>
#include <stdatomic.h>

/// Predicts `factor` times the mean of the target.
struct mean_state {
  double factor, mean;
};

static grove_status mean_create(const double *values, void **state, grove_error *err)
{
  struct mean_state *m = calloc(1, sizeof *m);
  (void)err;
  if (!m) {
    return GROVE_ENOMEM;
  }
  m->factor = values ? values[0] : 1;
  *state = m;
  return GROVE_OK;
}

static grove_status mean_fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  struct mean_state *m = state;
  (void)seed, (void)work, (void)err;
  for (size_t i = 0; i < x->rows; i++) {
    m->mean += y[i] / (double)x->rows;
  }
  m->mean *= m->factor;
  return GROVE_OK;
}

static grove_status mean_predict(
    const void *state, const grove_matrix *x, double *out, grove_error *err)
{
  (void)err;
  for (size_t i = 0; i < x->rows; i++) {
    out[i] = ((const struct mean_state *)state)->mean;
  }
  return GROVE_OK;
}

static grove_status mean_save(const void *state, void *sink,
    grove_status (*put)(void *sink, const void *bytes, size_t n), grove_error *err)
{
  (void)err;
  return put(sink, state, sizeof(struct mean_state));
}

static grove_status mean_load(const void *bytes, size_t n, void **state, grove_error *err)
{
  if (n != sizeof(struct mean_state)) {
    return GROVE_ECORRUPT;
  }
  grove_status s = mean_create(NULL, state, err);
  if (!s) {
    memcpy(*state, bytes, n);
  }
  return s;
}

static const grove_parameter_info factor_parameter[] = {
    {"factor", "1", "scales the mean", 0, 10}, {NULL, NULL, NULL, 0, 0}};

static const grove_learner mean_learner = {.struct_size = sizeof(grove_learner),
    .name = "mean",
    .parameters = factor_parameter,
    .create = mean_create,
    .destroy = free,
    .fit = mean_fit,
    .predict = mean_predict,
    .save = mean_save,
    .load = mean_load};

/// A worse one of the same kind.
GROVE_MAYBE_UNUSED static const grove_learner zero_learner = {.struct_size = sizeof(grove_learner),
    .name = "zero",
    .parameters = (const grove_parameter_info[]){{"factor", "0", "scales the mean", 0, 10},
        {NULL, NULL, NULL, 0, 0}},
    .create = mean_create,
    .destroy = free,
    .fit = mean_fit,
    .predict = mean_predict,
    .save = mean_save,
    .load = mean_load};

/// One that fails in its fit.
static grove_status broken_fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  (void)state, (void)x, (void)y, (void)seed, (void)work;
  snprintf(err->text, sizeof err->text, "the broken learner is broken");
  return err->status = GROVE_EUSER;
}
GROVE_MAYBE_UNUSED static const grove_learner broken_learner = {
    .struct_size = sizeof(grove_learner),
    .name = "broken",
    .parameters = factor_parameter,
    .create = mean_create,
    .destroy = free,
    .fit = broken_fit,
    .predict = mean_predict};

/// One that goes on until it is let go or cancelled, and says "37/150" meanwhile.
static atomic_bool slow_let_go;
static grove_status slow_fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  work->progress(work->user, 37.0 / 150, "37/150");
  while (!atomic_load(&slow_let_go)) {
    if (work->yield(work->user)) {
      return GROVE_ECANCELED;
    }
  }
  return mean_fit(state, x, y, seed, work, err);
}
GROVE_MAYBE_UNUSED static const grove_learner slow_learner = {.struct_size = sizeof(grove_learner),
    .name = "slow",
    .parameters = factor_parameter,
    .create = mean_create,
    .destroy = free,
    .fit = slow_fit,
    .predict = mean_predict};

/// A table from CSV text.
static grove_table *table_of(const char *csv)
{
  grove_table *t = NULL;
  grove_error err = {0};
  check_ok_err(grove_csv_parse(csv, strlen(csv), NULL, &t, &err), &err);
  return t;
}

/// Ten rows, y = 2 x.
GROVE_MAYBE_UNUSED static grove_table *ten_rows(void)
{
  return table_of("x,y\n1,2\n2,4\n3,6\n4,8\n5,10\n6,12\n7,14\n8,16\n9,18\n10,20\n");
}

/// A registry with the built-in four and these, up to NULL.
GROVE_MAYBE_UNUSED static grove_registry *registry_of(const grove_learner *const *learners)
{
  grove_registry *r = NULL;
  grove_error err = {0};
  check_ok(grove_registry_create(NULL, &r));
  for (; *learners; learners++) {
    check_ok_err(grove_registry_add(r, *learners, &err), &err);
  }
  return r;
}

/// A runtime with what is trained in it; its table and registry are the test's to make.
struct world {
  grove *g;
  grove_registry *kinds;
  grove_table *table;
};
GROVE_MAYBE_UNUSED static struct world *make_world(void)
{
  struct world *w = calloc(1, sizeof *w);
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &w->g));
  return w;
}
GROVE_MAYBE_UNUSED static int tear_down(void **state)
{
  struct world *w = *state;
  check_ok(grove_stop(w->g, 5000, NULL));
  grove_table_release(w->table);
  grove_registry_destroy(w->kinds);
  free(w);
  return 0;
}
#endif
