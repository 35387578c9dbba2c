// Cells: their slots, addresses, titles.
#include "actor/cell.h"
#include <stdio.h>

grove_status grove__cell_push(grove__cell *c, uint64_t life, grove__letter *letter, bool force)
{
  bool queued;
  grove_status s = grove__mailbox_push(&c->mailbox, life, letter, force, &queued);
  if (queued) {
    grove__sched_put(&grove__cell_system(c)->sched, &c->task);
  }
  return s;
}

grove_status grove__cell_init(void *cell, uint32_t index, void *system)
{
  grove__system *y = system;
  grove__cell *c = cell;
  c->index = index;
  grove__task_init(&c->task, &y->vacant.task);
  GROVE__TRY(grove__mutex_init(&c->lock));
  grove_status s = grove__mailbox_init(&c->mailbox, &grove__cell_system(c)->no_annex->mailbox);
  if (s) {
    grove__mutex_deinit(&c->lock);
  }
  return s;
}

static grove__slab_cache *cache_of(grove__worker *w)
{
  return grove__stash_slots(w ? &w->stash : NULL, GROVE__SLOTS_CELLS);
}

// As long as no more slots were ever made than there may be actors, they need not be counted; then they are, as exactly as
// threads at the same moment allow. The root has one, too.
static bool are_most(grove__system *y)
{
  return grove__slab_made(&y->cells) > y->options.max_actors &&
         grove__slab_in_use(&y->cells) > y->options.max_actors;
}

grove__cell *grove__cell_take(grove__system *y, grove__worker *w, bool *limit)
{
  uint32_t index;
  if (are_most(y)) {
    *limit = true;
    return NULL;
  }
  return grove__slab_take_by(&y->cells, cache_of(w), &index, limit);
}

void grove__cell_give(grove__cell *c, grove__worker *w)
{
  if (w && w->plain && grove__slab_give_quickly(cache_of(w), c->index)) {
    return;
  }
  grove__slab_give_by(&grove__cell_system(c)->cells, cache_of(w), c->index);
}

void grove__cell_free_body(grove__cell *c)
{
  if (c->body == GROVE__BODY_APART) {
    grove__free(
        grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_ACTORS), c->apart.body, c->apart.bytes);
  }
  c->body = GROVE__BODY_NONE;
}

void grove__cell_deinit(void *cell)
{
  grove__cell *c = cell;
  grove__mailbox_deinit(&c->mailbox);
  grove__mutex_deinit(&c->lock);
}

grove_status grove_ref_status(grove_ref r)
{
  if (r.where != 0) {
    return GROVE_OK;
  }
  return r.which ? grove__why_status(r.which) : GROVE_ENOACTOR;
}

grove_status grove__cell_find(grove__system *y, grove_ref r, grove__cell **out)
{
  if (r.where == 0) {
    return grove_ref_status(r);
  }
  if (!grove__has_tag(y, r.where)) {
    return GROVE_EINVAL; // of another runtime
  }
  grove__cell *c = grove__slab_at(&y->cells, (uint32_t)r.where);
  // ORDER acquire, PAIRS grove__mailbox_show: the cell of this life is seen whole.
  if (!c || r.which == 0 || atomic_load_explicit(&c->mailbox.life, memory_order_acquire) != r.which) {
    return GROVE_ENOACTOR;
  }
  *out = c;
  return GROVE_OK;
}

void grove__cell_title(const grove__cell *c, char *out, size_t room)
{
  const char *name = grove__cell_called(c);
  size_t at = grove__text_add(out, room, 0, grove__cell_class(c)->name, 40);
  if (name) {
    at = grove__text_add(out, room, at, " \"", 2);
    at = grove__text_add(out, room, at, name, 63);
    (void)grove__text_add(out, room, at, "\"", 1);
  }
}

void grove__ref_title(grove__system *y, grove_ref r, char *out, size_t room)
{
  grove__cell *c = NULL;
  grove__death d;
  if (!grove__cell_find(y, r, &c)) {
    grove__mutex_lock(&c->lock);
    bool there = grove__cell_is_locked(c, r.which);
    if (there) {
      grove__cell_title(c, out, room);
    }
    grove__mutex_unlock(&c->lock);
    if (there) {
      return;
    }
  }
  if (grove__death_find(y, r, &d)) {
    const char *name = d.name[0] ? d.name : d.label;
    snprintf(out, room, "%s%s%s%s", d.class_name, name[0] ? " \"" : "", name, name[0] ? "\"" : "");
    return;
  }
  const char *what = "an actor that is gone";
  if (!r.where) {
    what = !r.which                          ? "nobody"
           : grove_ref_status(r) == GROVE_ENOENT ? "an actor that was not found"
                                                 : "an actor that was never made";
  } else if (!grove__has_tag(y, r.where)) {
    what = "an actor of another runtime";
  }
  snprintf(out, room, "%s", what);
}
