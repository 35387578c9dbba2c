// Tables made of numbers, models made and fitted in one call, and works that run chunks in odd ways.
#ifndef GROVE_TESTS_MODEL_FIXTURE_H
#define GROVE_TESTS_MODEL_FIXTURE_H
#include "base/alloc.h"
#include "base/random.h"
#include "check.h"
#include "columnar/build.h"
#include <grove/model.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#define PARAMETERS(...) ((const grove_parameter[]){__VA_ARGS__, {NULL, NULL}})
#define FIT(...) (&(grove_fit_options){GROVE_FIT, __VA_ARGS__})

/// A table of `columns` columns "a", "b" ... of doubles, column after column in `values`.
GROVE_MAYBE_UNUSED static grove_table *make_table(size_t columns, size_t rows, const double *values)
{
  static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
  grove__column c[12];
  grove_table *t = NULL;
  grove_error err = {0};
  memset(c, 0, sizeof c);
  for (size_t i = 0; i < columns; i++) {
    size_t bytes = rows * sizeof *values;
    void *copy = grove__alloc(&grove__allocator_malloc, bytes);
    memcpy(copy, values + i * rows, bytes);
    c[i] = (grove__column){.name = names[i], .format = "g", .values = copy, .values_bytes = bytes};
  }
  check_ok_err(grove__table_build(NULL, c, columns, rows, &t, &err), &err);
  return t;
}

/// Numbers of a small problem: columns of uniform numbers, the last one a bumpy function of the first three
/// and a little noise. `missing` is the share of NaN among the features.
GROVE_MAYBE_UNUSED static grove_table *make_problem(
    size_t columns, size_t rows, double missing, uint64_t seed)
{
  double *v = malloc(columns * rows * sizeof *v);
  double *y = v + (columns - 1) * rows;
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c + 1 < columns; c++) {
      v[c * rows + r] = floor(grove__random_unit(&seed) * 1000) / (c % 3 == 2 ? 100 : 10);
    }
    y[r] = sin(v[r] / 10) * 10 + v[rows + r] / 5 + (v[2 * rows + r] > 5) * v[r] / 9 +
           grove__random_unit(&seed);
  }
  for (size_t i = 0; i < (columns - 1) * rows; i++) {
    v[i] = grove__random_unit(&seed) < missing ? NAN : v[i];
  }
  grove_table *t = make_table(columns, rows, v);
  free(v);
  return t;
}

GROVE_MAYBE_UNUSED static grove_model *make_model(const char *name, const grove_parameter *p)
{
  grove_model *m = NULL;
  grove_error err = {0};
  check_ok_err(grove_model_create(NULL, name, p, &m, &err), &err);
  return m;
}

GROVE_MAYBE_UNUSED static grove_model *fit_model(
    const char *name, const grove_parameter *p, const grove_table *t, const grove_fit_options *o)
{
  grove_error err = {0};
  grove_model *m = make_model(name, p);
  check_ok_err(grove_model_fit(m, t, o, &err), &err);
  return m;
}

/// What a model says for one row of features.
GROVE_MAYBE_UNUSED static double predict_row(const grove_model *m, size_t n, const double *row)
{
  const double *column[16];
  double out;
  for (size_t i = 0; i < n; i++) {
    column[i] = &row[i];
  }
  check_ok(grove_model_predict_matrix(m, &(grove_matrix){column, n, 1}, &out));
  return out;
}

GROVE_MAYBE_UNUSED static double score(const grove_model *m, const grove_table *t)
{
  double mse = -1;
  grove_error err = {0};
  check_ok_err(grove_model_score(m, t, NULL, &mse, &err), &err);
  return mse;
}

// ---- works ------------------------------------------------------------------------------------------
struct odd_work {
  grove_work work;
  uint64_t seed;
  size_t yields;
  size_t cancel_after; // yields; 0: never
  size_t progressed;
  char last[64];
  double done;
};

GROVE_MAYBE_UNUSED static void run_backwards(
    void *user, size_t n, void (*fn)(void *, size_t), void *fn_user)
{
  (void)user;
  while (n) {
    fn(fn_user, --n);
  }
}

GROVE_MAYBE_UNUSED static void run_shuffled(
    void *user, size_t n, void (*fn)(void *, size_t), void *fn_user)
{
  struct odd_work *w = user;
  size_t *order = malloc(n * sizeof *order);
  for (size_t i = 0; i < n; i++) {
    order[i] = i;
  }
  for (size_t i = n; i > 1; i--) {
    size_t k = (size_t)grove__random_below(&w->seed, i), t = order[k];
    order[k] = order[i - 1];
    order[i - 1] = t;
  }
  for (size_t i = 0; i < n; i++) {
    fn(fn_user, order[i]);
  }
  free(order);
}

struct thread_share {
  atomic_size_t next;
  size_t n;
  void (*fn)(void *, size_t);
  void *user;
};

GROVE_MAYBE_UNUSED static void *take_chunks(void *arg)
{
  struct thread_share *s = arg;
  size_t i;
  while ((i = atomic_fetch_add(&s->next, 1)) < s->n) {
    s->fn(s->user, i);
  }
  return NULL;
}

GROVE_MAYBE_UNUSED static void run_threads(
    void *user, size_t n, void (*fn)(void *, size_t), void *fn_user)
{
  struct odd_work *w = user;
  struct thread_share s = {.n = n, .fn = fn, .user = fn_user};
  pthread_t thread[16];
  size_t threads = w->work.width < n ? w->work.width : n;
  for (size_t i = 1; i < threads; i++) {
    assert_int_equal(pthread_create(&thread[i], NULL, take_chunks, &s), 0);
  }
  take_chunks(&s);
  for (size_t i = 1; i < threads; i++) {
    pthread_join(thread[i], NULL);
  }
}

GROVE_MAYBE_UNUSED static grove_status odd_yield(void *user)
{
  struct odd_work *w = user;
  w->yields++;
  return w->cancel_after && w->yields >= w->cancel_after ? GROVE_ECANCELED : GROVE_OK;
}

GROVE_MAYBE_UNUSED static void odd_progress(void *user, double done, const char *text)
{
  struct odd_work *w = user;
  w->progressed++;
  w->done = done;
  snprintf(w->last, sizeof w->last, "%s", text);
}

/// `run` NULL: no parallel_for.
GROVE_MAYBE_UNUSED static void init_work(struct odd_work *w, uint32_t width,
    void (*run)(void *, size_t, void (*)(void *, size_t), void *))
{
  *w = (struct odd_work){.seed = 77};
  w->work = (grove_work){.struct_size = sizeof w->work,
      .width = width,
      .user = w,
      .parallel_for = run,
      .yield = odd_yield,
      .progress = odd_progress};
}
#endif
