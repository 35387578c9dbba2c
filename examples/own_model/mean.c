// A kind of model of one's own: predicts the mean of the target, times `factor`. One table of functions; with one
// grove_registry_add it trains, saves and predicts beside the built-in four.
#include "mean.h"
#include <stdlib.h>
#include <string.h>

struct mean {
  double factor, mean;
};

static grove_status create(const double *values, void **state, grove_error *err)
{
  struct mean *m = calloc(1, sizeof *m);
  if (!m) {
    return err->status = GROVE_ENOMEM;
  }
  m->factor = values[0]; // as in `parameters` below; checked against its range before
  *state = m;
  return GROVE_OK;
}

static grove_status fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  struct mean *m = state;
  double sum = 0;
  (void)seed;
  (void)err;
  for (size_t i = 0; i < x->rows; i++) {
    sum += y[i];
    if (i % 4096 == 0 && work && work->yield && work->yield(work->user)) {
      return GROVE_ECANCELED; // nobody wants it any more
    }
  }
  m->mean = x->rows ? m->factor * sum / (double)x->rows : 0;
  return GROVE_OK;
}

static grove_status predict(const void *state, const grove_matrix *x, double *out, grove_error *err)
{
  const struct mean *m = state;
  (void)err;
  for (size_t i = 0; i < x->rows; i++) {
    out[i] = m->mean;
  }
  return GROVE_OK;
}

static grove_status save(const void *state, void *sink,
    grove_status (*put)(void *sink, const void *, size_t), grove_error *err)
{
  (void)err;
  return put(sink, state, sizeof(struct mean));
}

static grove_status load(const void *bytes, size_t n, void **state, grove_error *err)
{
  if (n != sizeof(struct mean)) {
    strcpy(err->text, "a mean is two numbers");
    return err->status = GROVE_ECORRUPT;
  }
  struct mean *m = malloc(sizeof *m);
  if (!m) {
    return err->status = GROVE_ENOMEM;
  }
  memcpy(m, bytes, n);
  *state = m;
  return GROVE_OK;
}

static const grove_parameter_info parameters[] = {
    {"factor", "1", "scales the mean", 0, 10}, {NULL, NULL, NULL, 0, 0}};
const grove_learner mean_learner = {.struct_size = sizeof(grove_learner),
    .name = "mean",
    .parameters = parameters,
    .create = create,
    .destroy = free,
    .fit = fit,
    .predict = predict,
    .save = save,
    .load = load};
