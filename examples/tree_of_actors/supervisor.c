#include "supervisor.h"
#include <stdio.h>
#include <stdlib.h>

static const uint16_t plan_holds[] = {
    offsetof(supervisor_plan, train), offsetof(supervisor_plan, test)};
const grove_type grove_type_of_supervisor_plan = {
    sizeof(grove_type), sizeof(supervisor_plan), "supervisor_plan", 0, 2, plan_holds, NULL, NULL};

struct supervisor {
  const model_config *configs;
  model_ref model[MODELS];
};
GROVE_CLASS(SUPERVISOR, supervisor)

static grove_status supervisor_start(grove *self, struct supervisor *s, const supervisor_plan *plan)
{
  s->configs = plan->configs;
  for (int i = 0; i < MODELS; i++) { // its children: they end when it ends, whatever happens
    model_plan of_model = {plan->train, plan->test, &plan->configs[i], plan->registry, plan->seed};
    s->model[i] = model_spawn(
        self, of_model, &(grove_spawn_options){GROVE_SPAWN, .label = plan->configs[i].kind});
  }
  grove_state(self, "%d models", MODELS);
  return GROVE_OK;
}

static int by_error(const void *left, const void *right)
{
  const result *a = left, *b = right;
  if (a->status || b->status) {
    return (a->status != GROVE_OK) - (b->status != GROVE_OK);
  }
  return (a->row.mse > b->row.mse) - (a->row.mse < b->row.mse);
}

static grove_status supervisor_work(
    grove *self, struct supervisor *s, const grove_none *none, report *out)
{
  model_train_and_evaluate_future done[MODELS];
  (void)none;
  for (int i = 0; i < MODELS; i++) {
    done[i] = model_train_and_evaluate_call(self, s->model[i], GROVE_NONE); // all of them train now
  }
  for (int i = 0; i < MODELS; i++) {
    result *r = &out->of[i];
    grove_error err = {0};
    r->kind = s->configs[i].kind;
    r->status = model_train_and_evaluate_get(
        self, done[i], GROVE_FOREVER, &r->row, &err); // waits here; its worker does not
    snprintf(r->error, sizeof r->error, "%.299s", err.text);
    grove_state(self, "%d of %d models ended", i + 1, MODELS);
  }
  qsort(out->of, MODELS, sizeof *out->of, by_error);
  return GROVE_OK;
}
