#include "predict/plan.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include <stdio.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

static grove_status use_rule(grove__predict_plan *p, const char *text, grove_error *err)
{
  GROVE__TRY(grove__rule_parse(text, &p->rule, err));
  p->columns = (const char *const *)p->rule->columns;
  p->count = p->rule->count;
  size_t room = strlen(text) + sizeof "rule ";
  p->identity = grove__alloc_sized(memory, room);
  if (!p->identity) {
    return grove__error_memory(err, "a rule's text", room);
  }
  snprintf(p->identity, room, "rule %s", text);
  return GROVE_OK;
}

static grove_status use_model(grove__predict_plan *p, const grove_model *m, grove_error *err)
{
  p->model = m;
  while (grove_model_feature(m, p->count)) {
    p->count++;
  }
  const char **names = grove__alloc_sized(memory, (p->count + 1) * sizeof *names);
  p->columns = names;
  p->identity = grove__alloc_sized(memory, 32);
  if (!names || !p->identity) {
    return grove__error_memory(err, "a model's feature names", p->count * sizeof *names);
  }
  for (size_t i = 0; i <= p->count; i++) {
    names[i] = grove_model_feature(m, i); // the model's own texts; the last one is NULL
  }
  snprintf(p->identity, 32, "model %016llx", (unsigned long long)grove_model_hash(m));
  return GROVE_OK;
}

static grove_status fill(grove__predict_plan *p, grove_shared model,
    const grove_predictor_options *given, grove_error *err)
{
  grove_predictor_options o;
  grove_status s = grove__options_read(&o, sizeof o, given);
  if (!s) {
    s = grove__options_read(&p->read, sizeof p->read, o.read);
  }
  if (s) {
    return grove__error(err, s, -1, "predictor options: struct_size or its tail is wrong");
  }
  p->read.struct_size = sizeof p->read;
  const grove_model *m = grove_model_of(model);
  if (model.ptr && !m) {
    return grove__error(
        err, GROVE_EINVAL, -1, "the shared model was not made by grove_share_model");
  }
  if (!m == !o.rule) {
    return grove__error(err, GROVE_EINVAL, -1,
        m ? "a model and a rule are given: one of them is wanted"
          : "neither a model nor a rule is given: one of them is wanted");
  }
  GROVE__TRY(m ? use_model(p, m, err) : use_rule(p, o.rule, err));
  if (o.out_folder && !(p->out_folder = grove__copy_text(memory, o.out_folder))) {
    return grove__error_memory(err, "the folder's name", strlen(o.out_folder));
  }
  p->store = o.store;
  if (!p->store) {
    GROVE__TRY(grove_store_open(NULL, &p->store, err));
    p->own_store = true;
  }
  return GROVE_OK;
}

grove__predict_plan *grove__predict_plan_create(
    grove_shared model, const grove_predictor_options *o)
{
  grove__predict_plan *p = grove__alloc_zero(memory, sizeof *p);
  if (!p) {
    return NULL;
  }
  grove_error err = {0};
  err.status = fill(p, model, o, &err);
  p->broken = err;
  return p;
}

void grove__predict_plan_destroy(void *ptr, void *user)
{
  grove__predict_plan *p = ptr;
  (void)user;
  if (!p) {
    return;
  }
  if (p->rule) {
    grove__rule_destroy(p->rule);
  } else {
    grove__free_sized(memory, (void *)(uintptr_t)p->columns);
  }
  if (p->own_store) {
    grove_store_close(p->store);
  }
  grove__free_sized(memory, p->identity);
  grove__free_text(memory, p->out_folder);
  grove__free(memory, p, sizeof *p);
}

grove_status grove_rule_check(const char *rule, grove_error *err)
{
  grove__rule *r = NULL;
  if (!rule) {
    return grove__error(err, GROVE_EINVAL, -1, "no rule: it is NULL");
  }
  grove_status s = grove__rule_parse(rule, &r, err);
  grove__rule_destroy(r);
  return s;
}
