#include "model_actor.h"
#include <stdio.h>

static const uint16_t plan_holds[] = {offsetof(model_plan, train), offsetof(model_plan, test)};
const grove_type grove_type_of_model_plan = {
    sizeof(grove_type), sizeof(model_plan), "model_plan", 0, 2, plan_holds, NULL, NULL};

struct model {
  model_plan plan;
};
GROVE_CLASS_WITH(
    MODEL, model, .migratable = 1) // long turns: it may go on on whichever worker is free

static grove_status model_start(grove *self, struct model *m, const model_plan *plan)
{
  m->plan = *plan; // a start argument lives as long as the actor
  grove_state(self, "PENDING");
  return GROVE_OK;
}

// ---- what the learner is handed: it knows no actors -----------------------------------------------
typedef struct hands {
  grove *self;
  grove_work of_grove;
} hands;

static void run_parallel(void *user, size_t n, void (*fn)(void *data, size_t i), void *data)
{
  hands *h = user;
  h->of_grove.parallel_for(h->of_grove.user, n, fn, data); // on the runtime's workers
}

static grove_status let_others_run(void *user)
{
  return grove_yield(((hands *)user)->self); // GROVE_ECANCELED: nobody wants the model any more
}

// The learner says "37/150"; others see "TRAINING 37/150", at any time and without a message.
static void show_progress(void *user, double done, const char *text)
{
  (void)done;
  grove_state(((hands *)user)->self, "TRAINING %s", text);
}

static grove_status fit(grove *self, const model_plan *plan, grove_model *model, grove_error *err)
{
  hands h = {.self = self, .of_grove = {.struct_size = sizeof h.of_grove}};
  grove_work_init(self, &h.of_grove);
  grove_work work = {.struct_size = sizeof work,
      .width = h.of_grove.width,
      .user = &h,
      .parallel_for = run_parallel,
      .yield = let_others_run,
      .progress = show_progress};
  return grove_model_fit(model, grove_table_of(plan->train),
      &(grove_fit_options){GROVE_FIT, .seed = plan->seed, .work = &work}, err);
}

// ---- the method -----------------------------------------------------------------------------------
static double seconds_since(grove *self, int64_t start)
{
  return (double)(grove_now_ns(self) - start) / 1e9;
}

static grove_status train(
    grove *self, const model_plan *plan, grove_model *model, model_row *out, grove_error *err)
{
  grove_state(self, "TRAINING");
  int64_t start = grove_now_ns(self);
  grove_status s = fit(self, plan, model, err);
  out->train_seconds = seconds_since(self, start);
  if (s) {
    return s;
  }
  grove_state(self, "EVALUATING");
  start = grove_now_ns(self);
  s = grove_model_score(model, grove_table_of(plan->test), NULL, &out->mse, err);
  out->predict_seconds = seconds_since(self, start);
  grove_model_parameters(model, out->parameters, sizeof out->parameters);
  return s;
}

static grove_status model_train_and_evaluate(
    grove *self, struct model *m, const grove_none *none, model_row *out)
{
  grove_model *model = NULL;
  grove_error err = {0};
  (void)none;
  grove_status s = grove_model_create(
      m->plan.registry, m->plan.config->kind, m->plan.config->parameters, &model, &err);
  if (!s) {
    s = train(self, &m->plan, model, out, &err);
  }
  grove_model_destroy(model);
  grove_state(self, s ? "FAILED" : "DONE");
  return s && err.status ? grove_fail_with(self, &err)
                         : s; // the call fails, with the learner's words
}
