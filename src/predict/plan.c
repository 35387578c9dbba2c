#include "predict/plan.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "store/url.h"
#include <stdio.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

// Makes room for `n` columns and one more NULL.
static grove_status alloc_columns(grove__predict_plan *p, size_t n, grove_error *err)
{
  p->columns = grove__alloc_sized(memory, (n + 1) * sizeof *p->columns);
  p->numbers = grove__alloc_sized(memory, n + 1);
  if (!p->columns || !p->numbers) {
    return grove__error_memory(err, "the names of columns", n * sizeof *p->columns);
  }
  memset(p->columns, 0, (n + 1) * sizeof *p->columns);
  memset(p->numbers, 1, n + 1);
  return GROVE_OK;
}

static grove_status add_column(grove__predict_plan *p, const char *name, grove_error *err)
{
  p->columns[p->count] = grove__copy_text(memory, name);
  if (!p->columns[p->count]) {
    return grove__error_memory(err, "a column's name", strlen(name) + 1);
  }
  p->count++;
  return GROVE_OK;
}

static grove_status name_identity(
    grove__predict_plan *p, const char *kind, const char *text, grove_error *err)
{
  size_t room = strlen(kind) + strlen(text) + 2;
  p->identity = grove__alloc_sized(memory, room);
  if (!p->identity) {
    return grove__error_memory(err, "a predictor's name", room);
  }
  snprintf(p->identity, room, "%s %s", kind, text);
  return GROVE_OK;
}

static size_t filter_count(const grove__predict_plan *p)
{
  return p->filter ? p->filter->count : 0;
}

static grove_status use_rule(grove__predict_plan *p, const char *text, grove_error *err)
{
  GROVE__TRY(grove__rule_parse(text, &p->rule, err));
  GROVE__TRY(alloc_columns(p, p->rule->count + filter_count(p), err));
  for (size_t i = 0; i < p->rule->count; i++) {
    p->numbers[i] = p->rule->compared[i];
    GROVE__TRY(add_column(p, p->rule->columns[i], err));
  }
  return name_identity(p, "rule", text, err);
}

static grove_status use_model(grove__predict_plan *p, const grove_model *m, grove_error *err)
{
  char hash[32];
  size_t n = 0;
  p->model = m;
  while (grove_model_feature(m, n)) {
    n++;
  }
  GROVE__TRY(alloc_columns(p, n + filter_count(p), err));
  for (size_t i = 0; i < n; i++) {
    GROVE__TRY(add_column(p, grove_model_feature(m, i), err));
  }
  snprintf(hash, sizeof hash, "%016llx", (unsigned long long)grove_model_hash(m));
  return name_identity(p, "model", hash, err);
}

static grove_status use_function(
    grove__predict_plan *p, const grove__predict_wish *w, grove_error *err)
{
  size_t n = 0;
  while (w->score_columns && w->score_columns[n]) {
    n++;
  }
  p->score = w->score;
  p->score_user = w->score_user;
  GROVE__TRY(alloc_columns(p, n + filter_count(p), err));
  for (size_t i = 0; i < n; i++) {
    GROVE__TRY(add_column(p, w->score_columns[i], err));
  }
  return name_identity(p, "function", w->score_name ? w->score_name : "", err);
}

static grove_status parse_filter(
    grove__predict_plan *p, const grove__predict_wish *w, grove_error *err)
{
  if (!w->filter) {
    return GROVE_OK;
  }
  grove_status s = grove__rule_parse(w->filter, &p->filter, err);
  if (s) {
    return grove__error_prefix(err, s, "filter");
  }
  p->filter_text = grove__copy_text(memory, w->filter);
  return p->filter_text ? GROVE_OK : grove__error_memory(err, "a filter", strlen(w->filter));
}

// A column that the model wants too is read once; as numbers, if either wants it so.
static grove_status place_filter(grove__predict_plan *p, grove_error *err)
{
  size_t n = filter_count(p);
  p->features = p->count;
  p->filter_place = grove__alloc_sized(memory, (n + 1) * sizeof *p->filter_place);
  if (!p->filter_place) {
    return grove__error_memory(err, "a filter", n * sizeof *p->filter_place);
  }
  for (size_t i = 0; i < n; i++) {
    size_t at = 0;
    while (at < p->count && strcmp(p->columns[at], p->filter->columns[i])) {
      at++;
    }
    bool both = at < p->count;
    if (!both) {
      GROVE__TRY(add_column(p, p->filter->columns[i], err));
    }
    p->numbers[at] = p->filter->compared[i] || (both && p->numbers[at]);
    p->filter_place[i] = at;
  }
  return GROVE_OK;
}

static grove_status fill(grove__predict_plan *p, grove_shared model, const grove__predict_wish *w,
    grove_error *err)
{
  grove_status s = grove__options_read(&p->read, sizeof p->read, w->read);
  if (s) {
    return grove__error(err, s, -1, "predictor options: struct_size or its tail is wrong");
  }
  p->read.struct_size = sizeof p->read;
  p->read.rule = NULL;
  p->read.formats = NULL; // they would be of its columns
  const grove_model *m = grove_model_of(model);
  if (model.ptr && !m) {
    return grove__error(
        err, GROVE_EINVAL, -1, "the shared model was not made by grove_share_model");
  }
  int given = (m != NULL) + (w->rule != NULL) + (w->score != NULL);
  if (given != 1) {
    return grove__error(err, GROVE_EINVAL, -1,
        given ? "a model, a rule and a function are too many: one of them is wanted"
              : "neither a model nor a rule is given: one of them is wanted");
  }
  GROVE__TRY(parse_filter(p, w, err));
  GROVE__TRY(m         ? use_model(p, m, err)
             : w->rule ? use_rule(p, w->rule, err)
                       : use_function(p, w, err));
  GROVE__TRY(place_filter(p, err));
  if (w->out_folder && !(p->out_folder = grove__url_copy_folder(memory, w->out_folder))) {
    return grove__error_memory(err, "the folder's name", strlen(w->out_folder));
  }
  // A count of our own: members may be at work when whoever asked for it is gone.
  p->store = w->store ? grove_store_retain(w->store) : NULL;
  return p->store ? GROVE_OK : grove_store_open(NULL, &p->store, err);
}

grove__predict_plan *grove__predict_plan_create(grove_shared model, const grove__predict_wish *w)
{
  grove__predict_plan *p = grove__alloc_zero(memory, sizeof *p);
  if (!p) {
    return NULL;
  }
  grove_error err = {0};
  err.status = fill(p, model, w, &err);
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
  grove__rule_destroy(p->rule);
  grove__rule_destroy(p->filter);
  for (size_t i = 0; p->columns && i < p->count; i++) {
    grove__free_text(memory, p->columns[i]);
  }
  grove__free_sized(memory, p->columns);
  grove__free_sized(memory, p->numbers);
  grove__free_sized(memory, p->filter_place);
  grove_store_close(p->store);
  grove__free_sized(memory, p->identity);
  grove__free_text(memory, p->filter_text);
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
