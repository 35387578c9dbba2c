// Names: one table a runtime, a bucket list through the cells. A name is free again before its holder's monitors
// fire, so who was told that it is gone can take it.
#include "actor/cell.h"

// One that has a name has an annex of its own.
static grove__annex *annex_of(grove__cell *c)
{
  return grove__annex_of(c);
}

static uint64_t hash(const char *text)
{
  uint64_t h = 0xcbf29ce484222325u; // FNV-1a
  for (; *text; text++) {
    h = (h ^ (unsigned char)*text) * 0x100000001b3u;
  }
  return h ^ (h >> 29);
}

static void grow_locked(grove__system *y)
{
  size_t more = y->name_buckets ? 4 * y->name_buckets : 64;
  grove__cell **names =
      grove__alloc_zero(grove__memory_of(y->memory, GROVE__MEMORY_RUNTIME), more * sizeof *names);
  if (!names) {
    return; // longer lists will do
  }
  for (size_t i = 0; i < y->name_buckets; i++) {
    for (grove__cell *c = y->names[i], *next; c; c = next) {
      next = grove__annex_of(c)->name_next;
      grove__cell **bucket = &names[hash(annex_of(c)->name) % more];
      annex_of(c)->name_next = *bucket;
      *bucket = c;
    }
  }
  grove__free(grove__memory_of(y->memory, GROVE__MEMORY_RUNTIME), y->names,
      y->name_buckets * sizeof *names);
  y->names = names;
  y->name_buckets = more;
}

static grove__cell *find_locked(grove__system *y, const char *name)
{
  if (!y->name_buckets) {
    return NULL;
  }
  grove__cell *c = y->names[hash(name) % y->name_buckets];
  while (c && strcmp(annex_of(c)->name, name) != 0) {
    c = annex_of(c)->name_next;
  }
  return c;
}

grove_status grove__name_enter(grove__cell *c, grove_ref *holder)
{
  grove__system *y = grove__cell_system(c);
  grove__mutex_lock(&y->names_lock);
  grove__cell *other = find_locked(y, annex_of(c)->name);
  if (!other && y->name_count >= y->name_buckets) {
    grow_locked(y);
  }
  if (other || !y->name_buckets) {
    *holder = other ? grove__cell_ref(other) : GROVE_NOBODY;
    grove__mutex_unlock(&y->names_lock);
    return other ? GROVE_EEXIST : GROVE_ENOMEM;
  }
  grove__cell **bucket = &y->names[hash(annex_of(c)->name) % y->name_buckets];
  annex_of(c)->name_next = *bucket;
  *bucket = c;
  y->name_count++;
  return GROVE_OK;
}

static void remove_locked(grove__cell *c)
{
  grove__system *y = grove__cell_system(c);
  for (grove__cell **at = &y->names[hash(annex_of(c)->name) % y->name_buckets]; *at; at = &annex_of(*at)->name_next) {
    if (*at == c) {
      *at = annex_of(c)->name_next;
      y->name_count--;
      return;
    }
  }
}

void grove__name_entered(grove__system *y, grove__cell *failed)
{
  if (failed) {
    remove_locked(failed);
  }
  grove__mutex_unlock(&y->names_lock);
}

void grove__name_leave(grove__cell *c)
{
  grove__system *y = grove__cell_system(c);
  if (grove__cell_annex(c)->name) {
    grove__mutex_lock(&y->names_lock);
    remove_locked(c);
    grove__mutex_unlock(&y->names_lock);
  }
}

bool grove__name_find(grove__system *y, const char *name, grove_ref *holder)
{
  grove__mutex_lock(&y->names_lock);
  grove__cell *c = find_locked(y, name);
  if (c) {
    *holder = grove__cell_ref(c);
  }
  grove__mutex_unlock(&y->names_lock);
  return c != NULL;
}

grove_ref grove_find(grove *g, const char *name)
{
  grove__system *y;
  grove__activation *here;
  grove_ref r;
  grove_status s = grove__enter(g, &y, &here);
  if (s || !name) {
    return grove__ref_failed_by(s ? s : GROVE_EINVAL, GROVE__WHY_UNKNOWN);
  }
  return grove__name_find(y, name, &r)
             ? r
             : grove__ref_failed_by(GROVE_ENOENT, GROVE__WHY_NOT_FOUND);
}
