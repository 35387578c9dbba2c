// The batch predictor: a pool whose members read shards and score them.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/build.h"
#include "predict/plan.h"
#include "predict/shard.h"
#include "predict/writeback.h"
#include <math.h>
#include <stdio.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

// How many rows are taken through the model at a time: their columns and predictions stay in the cache.
enum { STRIP = 4096 };

// `plan` zero: there was no memory for one. `model` is held for its count: the plan borrows it.
typedef struct predictor_order {
  grove_shared plan;
  grove_shared model;
} predictor_order;
static const uint16_t predictor_order_holds[] = {
    (uint16_t)offsetof(predictor_order, plan), (uint16_t)offsetof(predictor_order, model)};
GROVE__TYPE(predictor_order, 0, 2, predictor_order_holds)

// A member's buffers, made once and used for every shard.
struct grove_predictor {
  const grove__predict_plan *plan;
  uint64_t shards;
  double *values;         // count columns of STRIP rows
  const double **columns; // where each begins
  size_t *places;         // where each is in the batch at hand
  double *out;            // STRIP predictions
  unsigned char *scratch; // STRIP bytes
};

static void destroy_predictor(void *state)
{
  struct grove_predictor *p = state;
  grove__free_sized(memory, p->values);
  grove__free_sized(memory, p->columns);
  grove__free_sized(memory, p->places);
  grove__free_sized(memory, p->out);
  grove__free_sized(memory, p->scratch);
}

#define PREDICTOR_CLASS(START, METHOD)                                                             \
  START(grove_predictor, predictor_order) GROVE__PREDICTOR(START, METHOD)
// Blocking: reading a file blocks, so the methods run on offload threads and hold up no worker.
GROVE_CLASS_WITH(PREDICTOR_CLASS, grove_predictor, .destroy = destroy_predictor, .blocking = 1)

static void *alloc_columns(size_t n, size_t each)
{
  size_t bytes;
  return grove__multiply(n ? n : 1, each, &bytes) ? grove__alloc_sized(memory, bytes) : NULL;
}

static grove_status grove_predictor_start(
    grove *self, struct grove_predictor *p, const predictor_order *order)
{
  p->plan = order->plan.ptr;
  grove_state(self, "IDLE");
  if (!p->plan || p->plan->broken.status) {
    return GROVE_OK; // predict says it, item by item
  }
  size_t n = p->plan->count;
  p->values = alloc_columns(n, STRIP * sizeof *p->values);
  p->columns = alloc_columns(n, sizeof *p->columns);
  p->places = alloc_columns(n, sizeof *p->places);
  p->out = alloc_columns(STRIP, sizeof *p->out);
  p->scratch = alloc_columns(STRIP, 1);
  if (!p->values || !p->columns || !p->places || !p->out || !p->scratch) {
    return grove_fail(self, GROVE_ENOMEM, "no memory for a predictor's buffers of %zu columns", n);
  }
  for (size_t i = 0; i < n; i++) {
    p->columns[i] = p->values + i * STRIP;
  }
  return GROVE_OK;
}

// ---- one shard ------------------------------------------------------------------------------------

struct scoring {
  grove *self;
  struct grove_predictor *p;
  grove__shard *shard;
  const char *name; // the shard's file name, for the state
  grove_work work;
  uint64_t rows;
  double sum;
  double *kept; // all predictions, if they are written back
  size_t kept_room;
};

// For `is null` a column need not be of numbers: 0 where there is a value, NaN where there is none.
static void mark_nulls(const grove_table *t, size_t column, size_t from, size_t n, double *out)
{
  grove__column_view v;
  grove__table_view(t, column, &v);
  for (size_t i = 0; i < n; i++) {
    size_t bit = (size_t)v.offset + from + i;
    bool there = v.format[0] != 'n' &&
                 (!v.validity || v.nulls == 0 || (v.validity[bit / 8] >> (bit % 8) & 1));
    out[i] = there ? 0 : (double)NAN;
  }
}

static grove_status load_column(const struct scoring *s, const grove_table *t, size_t i,
    size_t from, size_t n, grove_error *err)
{
  const grove__predict_plan *plan = s->p->plan;
  double *out = s->p->values + i * STRIP;
  bool marks = plan->rule && !plan->rule->compared[i];
  grove_status status = grove_table_doubles(
      t, s->p->places[i], from, n, out, marks ? NULL : err); // no words to look for
  if (status == GROVE_ENOTSUP && marks) {
    mark_nulls(t, s->p->places[i], from, n, out);
    return GROVE_OK;
  }
  return status;
}

static grove_status keep(struct scoring *s, const double *values, size_t n, grove_error *err)
{
  if (s->rows + n > s->kept_room / sizeof *s->kept) {
    size_t room;
    size_t most = (size_t)s->rows + n;
    if (!grove__multiply(most + most / 2, sizeof *s->kept, &room)) {
      return grove__error_memory(err, "predictions", UINT64_MAX);
    }
    double *grown = grove__realloc(memory, s->kept, s->kept_room, room);
    if (!grown) {
      return grove__error_memory(err, "predictions", room);
    }
    s->kept = grown;
    s->kept_room = room;
  }
  memcpy(s->kept + s->rows, values, n * sizeof *values);
  return GROVE_OK;
}

// Some models can't take missing numbers: then say where the first one is.
static grove_status fail_predict(
    const struct scoring *s, grove_status status, size_t n, grove_error *err)
{
  const grove__predict_plan *plan = s->p->plan;
  for (size_t i = 0; i < n && status == GROVE_EINVAL; i++) {
    for (size_t c = 0; c < plan->count; c++) {
      if (isnan(s->p->columns[c][i])) {
        return grove__error(err, status, (int64_t)(s->rows + i),
            "row %llu: column \"%.100s\" is null or NaN, which a %s model can't take",
            (unsigned long long)s->rows + i + 1, plan->columns[c], grove_model_name(plan->model));
      }
    }
  }
  return grove__error(err, status, -1, "the model can't predict: %s", grove_status_text(status));
}

// The sum is taken row by row, in the order of the file: so it is the same for any number of members.
static grove_status score_strip(
    struct scoring *s, const grove_table *t, size_t from, size_t n, grove_error *err)
{
  const grove__predict_plan *plan = s->p->plan;
  double *out = s->p->out;
  for (size_t i = 0; i < plan->count; i++) {
    GROVE__TRY(load_column(s, t, i, from, n, err));
  }
  if (plan->rule) {
    grove__rule_apply(plan->rule, s->p->columns, n, s->p->scratch, out);
  } else {
    grove_matrix x = {s->p->columns, plan->count, n};
    grove_status status = grove_model_predict_matrix(plan->model, &x, out);
    if (status) {
      return fail_predict(s, status, n, err);
    }
  }
  double sum = s->sum;
  for (size_t i = 0; i < n; i++) {
    sum += out[i];
  }
  s->sum = sum;
  if (plan->out_folder) {
    GROVE__TRY(keep(s, out, n, err));
  }
  s->rows += n;
  return GROVE_OK;
}

static void tell(struct scoring *s)
{
  uint64_t all = grove__shard_rows(s->shard);
  double done = all ? (double)s->rows / (double)all : 1;
  char text[64];
  snprintf(text, sizeof text, "SCORING %.40s %.0f%%", s->name, 100 * (done < 1 ? done : 1));
  if (s->work.progress) {
    s->work.progress(s->work.user, done < 1 ? done : 1, text);
  } else {
    grove_state(s->self, "%s", text);
  }
}

static grove_status score_batch(struct scoring *s, const grove_table *t, grove_error *err)
{
  size_t rows = grove_table_rows(t);
  for (size_t from = 0; from < rows; from += STRIP) {
    size_t n = rows - from < STRIP ? rows - from : STRIP;
    GROVE__TRY(score_strip(s, t, from, n, err));
    if (grove_yield(s->self)) {
      return GROVE_ECANCELED;
    }
  }
  tell(s);
  return GROVE_OK;
}

static grove_status score_shard(struct scoring *s, grove_error *err)
{
  for (;;) {
    grove_table *batch = NULL;
    GROVE__TRY(grove__shard_next(s->shard, &batch, s->p->places, err));
    if (!batch) {
      return GROVE_OK;
    }
    grove_status status = score_batch(s, batch, err);
    grove_table_release(batch);
    GROVE__TRY(status);
  }
}

static grove_status score_and_write(
    struct scoring *s, const char *url, grove_shard_score *reply, grove_error *err)
{
  const grove__predict_plan *plan = s->p->plan;
  grove__writeback back = {.store = plan->store,
      .folder = plan->out_folder,
      .shard = url,
      .shard_bytes = grove__shard_bytes(s->shard),
      .model = plan->identity};
  if (plan->out_folder && grove__writeback_done(&back, reply)) {
    return GROVE_OK;
  }
  grove_status status = score_shard(s, err);
  if (status) {
    grove__free(memory, s->kept, s->kept_room);
    return status;
  }
  *reply = (grove_shard_score){s->rows, back.shard_bytes, s->sum};
  return plan->out_folder ? grove__writeback_put(&back, s->kept, s->kept_room, reply, err)
                          : GROVE_OK;
}

static grove_status grove_predictor_predict(
    grove *self, struct grove_predictor *p, const grove_string *url, grove_shard_score *reply)
{
  const char *path = grove_text(*url);
  const char *slash = strrchr(path, '/');
  grove_error err = {0};
  if (!p->plan) {
    return grove_fail(self, GROVE_ENOMEM, "no memory for the predictor's options");
  }
  if (p->plan->broken.status) {
    return grove_fail_with(self, &p->plan->broken);
  }
  struct scoring s = {.self = self, .p = p, .name = slash ? slash + 1 : path};
  s.work.struct_size = sizeof s.work;
  grove_work_init(self, &s.work);
  grove_state(self, "READING %.50s", s.name);
  grove_status status = grove__shard_open(
      p->plan->store, path, &p->plan->read, p->plan->columns, p->plan->count, &s.shard, &err);
  if (!status) {
    status = score_and_write(&s, path, reply, &err);
  }
  grove__shard_close(s.shard);
  p->shards += !status;
  grove_state(self, "IDLE after %llu shards", (unsigned long long)p->shards);
  if (status && err.text[0]) {
    grove__error_prefix(&err, status, "%s", path);
    err.status = status;
    return grove_fail_with(self, &err);
  }
  return status;
}

// ---- spawn ----------------------------------------------------------------------------------------

grove_pool *grove_predictor_spawn(grove *g, grove_shared model, const grove_predictor_options *o)
{
  predictor_order order = {.model = model};
  grove__predict_plan *plan = grove__predict_plan_create(model, o);
  if (plan && grove_share(g, plan, sizeof *plan, grove__predict_plan_destroy, NULL, &order.plan)) {
    grove__predict_plan_destroy(plan, NULL);
  }
  // A plan that could be read was read with the same rules, so the pool's options are there.
  const grove_pool_options *pool =
      order.plan.ptr && plan->broken.status == GROVE_OK && o ? o->pool : NULL;
  grove_pool *made = grove_pool_spawn(g, &grove_predictor_class, &order, pool);
  grove_release(order.plan);
  return made;
}
