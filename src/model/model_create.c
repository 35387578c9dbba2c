#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "model/learners.h"
#include "model/model_bytes.h"
#include "model/model_object.h"
#include "model/parameters.h"

grove_status grove__model_make(
    const grove_registry *r, const char *name, grove_model **out, grove_error *err)
{
  const grove_learner *learner;
  const grove_allocator *a = grove__registry_allocator(r);
  GROVE__TRY(grove__registry_find(r, name, &learner, err));
  grove_model *m = grove__alloc_zero(a, sizeof *m);
  if (!m) {
    return grove__error_memory(err, "a model", sizeof *m);
  }
  m->allocator = *a;
  m->inside = grove__builtin_of(learner);
  grove_status s = grove__learner_copy(learner, &m->learner);
  m->value_count = grove__parameters_count(m->learner.parameters);
  m->values = grove__alloc_array(a, m->value_count, sizeof *m->values);
  if (s == GROVE_OK && !m->values) {
    s = grove__error_memory(err, "parameters", m->value_count * sizeof *m->values);
  }
  if (s) {
    grove_model_destroy(m);
    return s;
  }
  *out = m;
  return GROVE_OK;
}

grove_status grove_model_create(const grove_registry *r, const char *name, const grove_parameter *p,
    grove_model **out, grove_error *err)
{
  grove_model *m = NULL;
  grove_error own = {0};
  if (!out || !name) {
    return grove__error(err, GROVE_EINVAL, -1, "a model needs a name and a place");
  }
  *out = NULL;
  GROVE__TRY(grove__model_make(r, name, &m, err));
  grove_status s =
      grove__parameters_read(&m->learner, p, &m->allocator, m->values, &m->notes, &own);
  if (s == GROVE_OK) {
    s = m->inside ? m->inside->create(&m->allocator, m->values, &m->state, &own)
                  : m->learner.create(m->values, &m->state, &own);
    m->state = s ? NULL : m->state;
  }
  if (s) {
    grove_model_destroy(m);
    return grove__error(
        err, s, own.at ? own.at : -1, "%s", own.text[0] ? own.text : grove_status_text(s));
  }
  *out = m;
  return GROVE_OK;
}

void grove_model_destroy(grove_model *m)
{
  if (!m) {
    return;
  }
  grove_allocator a = m->allocator;
  if (m->state) {
    m->learner.destroy(m->state);
  }
  for (size_t i = 0; m->features && i < m->feature_count; i++) {
    grove__free_text(&a, m->features[i]);
  }
  grove__free(&a, m->features, m->feature_count * sizeof *m->features);
  grove__free(&a, m->kinds, m->feature_count);
  grove__free(&a, m->losses, m->loss_count * sizeof *m->losses);
  grove__free_text(&a, m->target);
  grove__free_text(&a, m->notes);
  grove__free(&a, m->values, m->value_count * sizeof *m->values);
  grove__free(&a, m, sizeof *m);
}

grove_status grove__model_name_columns(
    grove_model *m, const char *const *features, size_t n, const char *target, grove_error *err)
{
  size_t bytes;
  m->target = grove__copy_text(&m->allocator, target);
  if (!m->target || !grove__multiply(n, sizeof *m->features, &bytes) ||
      !(m->features = grove__alloc_zero(&m->allocator, bytes))) {
    return grove__error_memory(err, "names of columns", n * sizeof *m->features);
  }
  m->feature_count = n;
  if (!(m->kinds = grove__alloc_zero(&m->allocator, n))) {
    return grove__error_memory(err, "kinds of columns", n);
  }
  for (size_t i = 0; i < n; i++) {
    m->features[i] = grove__copy_text(&m->allocator, features[i]);
    if (!m->features[i]) {
      return grove__error_memory(err, "the name of a column", 0);
    }
  }
  return GROVE_OK;
}

const char *grove_model_notes(const grove_model *m)
{
  return m && m->notes ? m->notes : "";
}

size_t grove_model_parameters(const grove_model *m, char *out, size_t room)
{
  return m ? grove__parameters_text(m->learner.parameters, m->values, out, room) : 0;
}

const char *grove_model_name(const grove_model *m)
{
  return m ? m->learner.name : NULL;
}

const char *grove_model_feature(const grove_model *m, size_t i)
{
  return m && i < m->feature_count ? m->features[i] : NULL;
}

int32_t grove_model_feature_kind(const grove_model *m, size_t i)
{
  bool category = m && m->kinds && i < m->feature_count && m->kinds[i] & GROVE__KIND_CATEGORY;
  return category ? GROVE_FEATURE_CATEGORY : GROVE_FEATURE_NUMBER;
}

int32_t grove_model_ended(const grove_model *m)
{
  return m ? m->ended : GROVE_ENDED_WHOLE;
}

grove_status grove__model_keep_losses(grove_model *m, const double *losses, size_t n)
{
  if (n && !(m->losses = grove__alloc_array(&m->allocator, n, sizeof *losses))) {
    return GROVE_ENOMEM;
  }
  m->loss_count = n;
  if (n && losses) {
    memcpy(m->losses, losses, n * sizeof *losses);
  }
  return GROVE_OK;
}

size_t grove_model_losses(const grove_model *m, const double **out)
{
  bool fitted = m && m->stage == GROVE__MODEL_FITTED;
  if (out) {
    *out = fitted ? m->losses : NULL;
  }
  return fitted ? m->loss_count : 0;
}
