#include "predictor.h"
#include <stdlib.h>

// ---- the model ------------------------------------------------------------------------------------
static void free_model(void *model, void *user)
{
  (void)user;
  free(model);
}

grove_status dummy_model_share(grove *g, size_t payload_size, grove_shared *out)
{
  if (payload_size > (SIZE_MAX - sizeof(dummy_model)) / sizeof(double)) {
    return GROVE_EINVAL;
  }
  size_t bytes = sizeof(dummy_model) + payload_size * sizeof(double);
  dummy_model *m = malloc(bytes);
  if (!m) {
    return GROVE_ENOMEM;
  }
  m->least = 2;
  m->payload_size = payload_size;
  for (size_t i = 0; i < payload_size; i++) {
    m->payload[i] = (double)i;
  }
  grove_status s = grove_share(g, m, bytes, free_model, NULL, out); // no copy: taken over
  if (s) {
    free(m);
  }
  return s;
}

static double score_rows(const dummy_model *m, const double *passengers, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    sum += passengers[i] >= m->least; // a null is NaN, which is not
  }
  return sum;
}

// ---- the actor ------------------------------------------------------------------------------------
enum { CHUNK = 4096 };
struct predictor {
  const dummy_model *model;
  grove_store *store;
};

static void close_store(void *state)
{
  grove_store_close(((struct predictor *)state)->store);
}
// It reads files, so its methods may block: they run on threads of their own kind, not on the workers.
GROVE_CLASS_WITH(PREDICTOR, predictor, .destroy = close_store, .blocking = 1)

static grove_status predictor_start(grove *self, struct predictor *p, const grove_shared *model)
{
  grove_error err;
  p->model = model->ptr; // a start argument lives as long as the actor
  return grove_store_open(NULL, &p->store, &err) ? grove_fail_with(self, &err) : GROVE_OK;
}

static grove_status score_table(
    const dummy_model *m, const grove_table *t, shard_score *out, grove_error *err)
{
  double passengers[CHUNK];
  size_t column, rows = grove_table_rows(t);
  grove_status s = grove_table_find(t, "passenger_count", &column, err);
  for (size_t from = 0; from < rows && !s; from += CHUNK) {
    size_t n = rows - from < CHUNK ? rows - from : CHUNK;
    s = grove_table_doubles(t, column, from, n, passengers, err);
    if (!s) {
      out->score += score_rows(m, passengers, n);
      out->predictions += n;
    }
  }
  return s;
}

// One row group at a time, so that a shard of any size fits.
static grove_status score_file(
    grove *self, const dummy_model *m, grove_parquet *file, shard_score *out, grove_error *err)
{
  grove_status s = GROVE_OK;
  size_t groups = grove_parquet_groups(file);
  for (size_t i = 0; i < groups && !s; i++) {
    grove_table *t = NULL;
    s = grove_yield(self); // nobody wants it any more: no need to go on
    if (!s) {
      s = grove_parquet_read(file, i, 1, &t, err);
    }
    if (!s) {
      s = score_table(m, t, out, err);
    }
    grove_table_release(t);
  }
  return s;
}

static grove_status predictor_predict(
    grove *self, struct predictor *p, const grove_string *path, shard_score *out)
{
  static const char *const columns[] = {"passenger_count", NULL}; // the others are not read
  grove_error err = {0};
  grove_source source;
  grove_parquet *file = NULL;
  grove_state(self, "%s", grove_text(*path));
  grove_status s = grove_store_source(p->store, grove_text(*path), &source, &err);
  if (s) {
    return grove_fail_with(self, &err);
  }
  s = grove_parquet_open(
      &source, &(grove_parquet_options){GROVE_PARQUET, .columns = columns}, &file, &err);
  if (!s) {
    s = score_file(self, p->model, file, out, &err);
  }
  grove_parquet_close(file);
  if (source.close) {
    source.close(source.user);
  }
  return s && err.status ? grove_fail_with(self, &err) : s;
}
