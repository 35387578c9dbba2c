// What an actor can be asked: the methods of its class, for people.
#include "actor/look.h"
#include "base/options.h"

static const char *name_of(const grove_type *t)
{
  return t && t->name && strcmp(t->name, "grove_none") != 0 ? t->name : "";
}

// With the cell's lock: those that wait, and the one whose turn it is, which stands in no list if it never has waited.
static uint32_t count_locked(const grove__cell *c, const grove_method *m)
{
  uint32_t n = 0;
  for (const grove__activation *a = grove__cell_activations(c); a; a = a->next) {
    n += a->method == m;
  }
  return n || grove__cell_method(c) != m ? n : 1; // relaxed: for people
}

static void fill_locked(const grove__cell *c, const grove_method *m, grove_method_info *out)
{
  *out = (grove_method_info){.flags = m->flags, .at_work = count_locked(c, m)};
  grove__look_text(out->name, sizeof out->name, m->name);
  grove__look_text(out->argument, sizeof out->argument, name_of(m->arg));
  grove__look_text(out->reply, sizeof out->reply, name_of(m->reply));
}

// With the cell's lock: the i-th; NULL: there are no more. Of one that stands for another class that one's follow, and a task
// has its function alone.
static const grove_method *method_locked(const grove__cell *c, size_t i)
{
  const grove_class *both[] = {grove__cell_class(c), atomic_load_explicit(&grove__cell_annex(c)->stands_for, memory_order_relaxed)};
  const grove_method *one_shot = grove__cell_one_shot(c);
  if (one_shot) {
    return i ? NULL : one_shot;
  }
  for (size_t k = 0; k < GROVE__COUNT(both); k++) {
    for (const grove_method *const *m = both[k] ? both[k]->methods : NULL; m && *m; m++) {
      if (i-- == 0) {
        return *m;
      }
    }
  }
  return NULL;
}

grove_status grove_methods(grove *g, grove_ref who, grove_method_info *out, size_t each, size_t room, size_t *total)
{
  grove__system *y;
  grove__activation *here;
  grove__cell *c;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!total || !grove__stats_rows_fit(out, each, room)) {
    return GROVE_EINVAL;
  }
  if (grove__cell_find(y, who, &c)) {
    return GROVE_ENOACTOR;
  }
  grove__mutex_lock(&c->lock);
  bool there = grove__cell_is_locked(c, who.which);
  size_t n = 0;
  for (const grove_method *m; there && (m = method_locked(c, n)) != NULL; n++) {
    if (n < room) {
      grove_method_info full;
      fill_locked(c, m, &full);
      grove__stats_write_row(out, each, n, sizeof full, &full);
    }
  }
  grove__mutex_unlock(&c->lock);
  *total = n;
  return there ? GROVE_OK : GROVE_ENOACTOR;
}
