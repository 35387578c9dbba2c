// The batch predictor: a pool whose members read shards and score them.
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "predict/output.h"
#include "predict/plan.h"
#include "predict/scored.h"
#include "predict/shard.h"
#include "predict/strip.h"
#include "store/url.h"
#include <stdio.h>

// `plan` zero: there was no memory for one. `model` is held for its count: the plan borrows it.
typedef struct predictor_order {
  grove_shared plan;
  grove_shared model;
} predictor_order;
static const grove_allocator *const memory = &grove__allocator_malloc;

static const uint16_t predictor_order_holds[] = {
    (uint16_t)offsetof(predictor_order, plan), (uint16_t)offsetof(predictor_order, model)};
GROVE__TYPE(predictor_order, 0, 2, predictor_order_holds)

// A member's buffers, made once and used for every shard.
struct grove_predictor {
  const grove__predict_plan *plan;
  uint64_t shards;
  grove__strip strip;
};

static void destroy_predictor(void *state)
{
  struct grove_predictor *p = state;
  grove__strip_free(&p->strip);
}

#define PREDICTOR_CLASS(START, METHOD)                                                             \
  START(grove_predictor, predictor_order) GROVE__PREDICTOR(START, METHOD)
// Blocking: reading a file blocks, so the methods run on offload threads and hold up no worker.
GROVE_CLASS_WITH(PREDICTOR_CLASS, grove_predictor, .destroy = destroy_predictor, .blocking = 1)

static grove_status grove_predictor_start(
    grove *self, struct grove_predictor *p, const predictor_order *order)
{
  p->plan = order->plan.ptr;
  grove_state(self, "IDLE");
  if (!p->plan || p->plan->broken.status) {
    return GROVE_OK; // predict says it, item by item
  }
  if (grove__strip_init(&p->strip, p->plan)) {
    return grove_fail(
        self, GROVE_ENOMEM, "no memory for a predictor's buffers of %zu columns", p->plan->count);
  }
  return GROVE_OK;
}

// ---- one shard ------------------------------------------------------------------------------------

struct scoring {
  grove *self;
  struct grove_predictor *p;
  grove__shard *shard;
  const char *name; // the shard's file name, for the state: name_bytes of it
  int name_bytes;
  grove_work work;
  grove__shard_output_wish wish;
  grove__shard_output *output;
  grove__done done;
  uint64_t told; // rows, when the state was set last
};

enum { TELL_ROWS = 1 << 16 };

static void tell(struct scoring *s, uint64_t read)
{
  uint64_t all = grove__shard_rows(s->shard);
  double done = all ? (double)read / (double)all : 1;
  char text[64];
  snprintf(text, sizeof text, "SCORING %.*s %.0f%%", s->name_bytes, s->name, 100 * (done < 1 ? done : 1));
  if (s->work.progress) {
    s->work.progress(s->work.user, done < 1 ? done : 1, text);
  } else {
    grove_state(s->self, "%s", text);
  }
}

static grove_status pause(void *user, uint64_t read)
{
  struct scoring *s = user;
  if (s->done.read + read >= s->told + TELL_ROWS) {
    s->told = s->done.read + read;
    tell(s, s->told);
  }
  return grove_yield(s->self) ? GROVE_ECANCELED : GROVE_OK;
}

static grove_status put(struct scoring *s, grove__tally *t, grove_error *err)
{
  grove_table *table = NULL;
  GROVE__TRY(grove__scored_table(NULL, t, &table, err));
  grove_status status =
      s->output ? GROVE_OK : grove__shard_output_open(&s->wish, table, &s->output, err);
  if (!status) {
    status = grove__shard_output_put(s->output, table, err);
  }
  grove_table_release(table);
  return status;
}

static grove_status score_groups(struct scoring *s, grove_error *err)
{
  size_t groups = grove__shard_groups(s->shard);
  for (size_t g = 0; g < groups; g++) {
    grove__tally t = {.keeps = s->wish.folder != NULL};
    grove_status status =
        grove__strip_score(&s->p->strip, s->shard, g, pause, NULL, s, &t, err);
    s->done.read += t.read;
    s->done.rows += t.rows;
    s->done.score += t.sum;
    if (!status && s->wish.folder) {
      status = put(s, &t, err);
    }
    grove__tally_free(&t);
    GROVE__TRY(status);
  }
  if (!s->output && s->wish.folder) { // a shard without groups has an output, too
    grove__tally none = {.keeps = true};
    return put(s, &none, err);
  }
  return GROVE_OK;
}

static grove_status score_and_write(struct scoring *s, const char *url, grove_error *err)
{
  const grove__predict_plan *plan = s->p->plan;
  s->wish = (grove__shard_output_wish){.plan = plan,
      .folder = plan->out_folder,
      .notes = plan->out_folder,
      .form = GROVE_JOB_PARQUET,
      .shard = url,
      .shard_bytes = grove__shard_bytes(s->shard),
      .version = grove__shard_version(s->shard),
      .resume = true};
  grove__output_place place;
  if (grove__note_read(&s->wish, &s->done)) {
    return GROVE_OK;
  }
  GROVE__TRY(grove__shard_output_claim(&s->wish, &place, err));
  s->wish.place = place;
  grove_status status = score_groups(s, err);
  if (status) {
    grove__shard_output_abandon(s->output);
    return status;
  }
  return grove__shard_output_settle(&s->wish, s->output, true, &s->done, err);
}

static grove_status grove_predictor_predict(
    grove *self, struct grove_predictor *p, const grove_string *url, grove_shard_score *reply)
{
  const char *path = grove_text(*url);
  size_t n;
  const char *name = grove__url_name(path, &n);
  grove_error err = {0};
  if (!p->plan) {
    return grove_fail(self, GROVE_ENOMEM, "no memory for the predictor's options");
  }
  if (p->plan->broken.status) {
    return grove_fail_with(self, &p->plan->broken);
  }
  struct scoring s = {.self = self, .p = p, .name = name, .name_bytes = n < 40 ? (int)n : 40};
  s.work.struct_size = sizeof s.work;
  grove_work_init(self, &s.work);
  grove_state(self, "READING %.*s", s.name_bytes, s.name);
  grove_status status = grove__shard_open(p->plan->store, path, &p->plan->read,
      (const char *const *)p->plan->columns, p->plan->count, &s.shard, &err);
  status = status ? status : grove__shard_load(s.shard, &p->plan->read, &err);
  if (!status) {
    status = score_and_write(&s, path, &err);
    *reply = (grove_shard_score){s.done.rows, grove__shard_bytes(s.shard), s.done.score};
  }
  grove__shard_close(s.shard);
  p->shards += !status;
  grove_state(self, "IDLE after %llu shards", (unsigned long long)p->shards);
  if (status && err.text[0]) {
    char shown[300];
    grove__url_show(path, shown, sizeof shown);
    grove__error_prefix(&err, status, "%s", shown);
    err.status = status;
    return grove_fail_with(self, &err);
  }
  return status;
}

// ---- spawn ----------------------------------------------------------------------------------------

grove_pool *grove_predictor_spawn(grove *g, grove_shared model, const grove_predictor_options *o)
{
  predictor_order order = {.model = model};
  grove_predictor_options full;
  grove__predict_plan *plan = NULL;
  grove_status read = grove__options_read(&full, sizeof full, o);
  if (!read) {
    plan = grove__predict_plan_create(model,
        &(grove__predict_wish){.rule = full.rule,
            .out_folder = full.out_folder,
            .store = full.store,
            .read = full.read});
  } else { // said item by item, as all that is wrong with a request
    plan = grove__alloc_zero(memory, sizeof *plan);
    if (plan) {
      (void)grove__error(
          &plan->broken, read, -1, "predictor options: struct_size or its tail is wrong");
    }
  }
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
