#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "base/suggest.h"
#include "model/learners.h"
#include "model/parameters.h"
#include <string.h>

static const grove__builtin *const builtins[] = {
    &grove__decision_tree, &grove__random_forest, &grove__gradient_boosting, &grove__linear};

struct grove_registry {
  grove_allocator allocator;
  const grove_learner **added;
  size_t count;
  size_t room;
};

const grove__builtin *grove__builtin_of(const grove_learner *learner)
{
  for (size_t i = 0; i < GROVE__COUNT(builtins); i++) {
    if (builtins[i]->learner == learner) {
      return builtins[i];
    }
  }
  return learner == grove__imported.learner ? &grove__imported : NULL;
}

const grove_allocator *grove__registry_allocator(const grove_registry *r)
{
  return r ? &r->allocator : &grove__allocator_malloc;
}

grove_status grove_registry_create(const grove_allocator *a, grove_registry **out)
{
  if (!out) {
    return GROVE_EINVAL;
  }
  *out = NULL;
  grove_allocator own = grove__allocator_of(a);
  grove_registry *r = grove__alloc_zero(&own, sizeof *r);
  if (!r) {
    return GROVE_ENOMEM;
  }
  r->allocator = own;
  *out = r;
  return GROVE_OK;
}

void grove_registry_destroy(grove_registry *r)
{
  if (r) {
    grove_allocator a = r->allocator;
    grove__free(&a, r->added, r->room * sizeof *r->added);
    grove__free(&a, r, sizeof *r);
  }
}

const grove_learner *grove_registry_at(const grove_registry *r, size_t i)
{
  if (i < GROVE__COUNT(builtins)) {
    return builtins[i]->learner;
  }
  i -= GROVE__COUNT(builtins);
  return r && i < r->count ? r->added[i] : NULL;
}

static const char *kind_name_at(const void *user, size_t i)
{
  const grove_learner *l = grove_registry_at(user, i);
  return l ? l->name : NULL;
}

static const char *kind_aliases_at(const void *user, size_t i)
{
  grove_learner full;
  return grove__learner_copy(grove_registry_at(user, i), &full) ? NULL : full.aliases;
}

grove_status grove__learner_copy(const grove_learner *given, grove_learner *out)
{
  return grove__options_read(out, sizeof *out, given);
}

static const grove_learner *look_up(const grove_registry *r, const char *name)
{
  const grove_learner *l;
  for (size_t i = 0; (l = grove_registry_at(r, i)); i++) {
    grove_learner full;
    if (strcmp(l->name, name) == 0 ||
        (grove__learner_copy(l, &full) == GROVE_OK && grove__names_have(full.aliases, name))) {
      return l;
    }
  }
  l = grove__imported.learner;
  return strcmp(l->name, name) == 0 ? l : NULL;
}

grove_status grove__registry_find(
    const grove_registry *r, const char *name, const grove_learner **out, grove_error *err)
{
  *out = look_up(r, name);
  return *out ? GROVE_OK
              : grove__error_unknown_of(
                    err, GROVE_ENOENT, "model", name, kind_name_at, kind_aliases_at, r);
}

// A default that its own range refuses would fail every create: better said now.
static grove_status check_table(const grove_learner *l, grove_error *err)
{
  if (!l->name || !l->name[0] || !l->create || !l->destroy || !(l->fit || l->fit_data) || !l->predict) {
    return grove__error(err, GROVE_EINVAL, -1,
        "learner %s lacks a slot: name, create, destroy, predict, and fit or fit_data are needed",
        l->name ? l->name : "without a name");
  }
  for (const grove_parameter_info *p = l->parameters; p && p->name; p++) {
    double value;
    if (!p->standard) {
      return grove__error(
          err, GROVE_EINVAL, -1, "parameter %s of %s has no default", p->name, l->name);
    }
    GROVE__TRY(grove__parameter_read(p, p->name, p->standard, &value, err));
  }
  return GROVE_OK;
}

grove_status grove_registry_add(grove_registry *r, const grove_learner *learner, grove_error *err)
{
  grove_learner full;
  if (!r || !learner) {
    return grove__error(err, GROVE_EINVAL, -1, "registry or learner is NULL");
  }
  if (grove__learner_copy(learner, &full)) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "the learner's struct_size %u is not one this library knows", learner->struct_size);
  }
  GROVE__TRY(check_table(&full, err));
  if (look_up(r, full.name)) {
    return grove__error(err, GROVE_EEXIST, -1, "a model named %s is registered already", full.name);
  }
  if (r->count == r->room) {
    size_t room = r->room ? 2 * r->room : 8;
    const grove_learner **more = grove__realloc(
        &r->allocator, (void *)r->added, r->room * sizeof *more, room * sizeof *more);
    if (!more) {
      return grove__error_memory(err, "the registry", room * sizeof *more);
    }
    r->added = more;
    r->room = room;
  }
  r->added[r->count++] = learner;
  return GROVE_OK;
}
