// Snapshots: a page of the actors that fit a filter, in an order, with totals.
//
// One pass over the table of cells. What can be read without a lock is read first, and throws out most; names and
// parents are read under the cell's own lock, for as long as it takes to compare a text. Of those that fit, only the
// first `offset + room` of the wanted order are kept (a heap whose top is the last of them), so a page of a million
// actors costs a walk and a few kilobytes. Nothing stands still meanwhile: an actor that lives throughout is seen once,
// one that comes or goes is seen once or not.
#include "actor/look.h"
#include "actor/recent.h"
#include "actor/times.h"
#include "base/options.h"
#include <stdlib.h>

/// One that fits. Rows are compared by key, then name, then life, ascending.
typedef struct row {
  uint64_t key, life;
  uint32_t index;
  bool has_name;
  char name[]; // NAME bytes, if the order is by name
} row;
enum { NAME = 64 };

typedef struct search {
  grove__system *y;
  const grove_snapshot_options *o;
  int64_t now;
  uint32_t made;
  uint8_t *inside; // of `under`: 0 unknown, 1 yes, 2 no; NULL: not asked
  char *rows;      // a heap of up to `most`, the last in order on top
  size_t each, count, most;
  uint64_t live;
  grove__recent *recent; // of GROVE_SORT_RECENT: locked while it walks; NULL: another order, or no memory
} search;

static row *at(const search *s, size_t i)
{
  return (row *)(void *)(s->rows + i * s->each);
}

static int compare(const void *a, const void *b)
{
  const row *x = a, *y = b;
  if (x->key != y->key) {
    return x->key < y->key ? -1 : 1;
  }
  int by_name = x->has_name ? strcmp(x->name, y->name) : 0;
  return by_name ? by_name : x->life < y->life ? -1 : x->life > y->life;
}

static void sift_down(search *s, row *spare)
{
  size_t i = 0;
  memcpy(spare, at(s, 0), s->each);
  for (size_t child; (child = 2 * i + 1) < s->count; i = child) {
    child += child + 1 < s->count && compare(at(s, child + 1), at(s, child)) > 0;
    if (compare(at(s, child), spare) <= 0) {
      break;
    }
    memcpy(at(s, i), at(s, child), s->each);
  }
  memcpy(at(s, i), spare, s->each);
}

static void sift_up(search *s, const row *r)
{
  size_t i = s->count++;
  for (; i && compare(r, at(s, (i - 1) / 2)) > 0; i = (i - 1) / 2) {
    memcpy(at(s, i), at(s, (i - 1) / 2), s->each);
  }
  memcpy(at(s, i), r, s->each);
}

static void keep(search *s, const row *r, row *spare)
{
  if (s->count < s->most) {
    sift_up(s, r);
  } else if (s->count && compare(r, at(s, 0)) < 0) {
    memcpy(at(s, 0), r, s->each);
    sift_down(s, spare);
  }
}

// ---- what fits -------------------------------------------------------------------------------------------

static bool has_part(const char *text, const char *part)
{
  return text && strstr(text, part);
}

static bool texts_fit(
    const grove_snapshot_options *o, const char *class_name, const char *name, const char *label)
{
  return (!o->class_name || strcmp(class_name, o->class_name) == 0) &&
         (!o->name_prefix ||
             (name && strncmp(name, o->name_prefix, strlen(o->name_prefix)) == 0)) &&
         (!o->contains || has_part(name, o->contains) || has_part(label, o->contains));
}

// Without a lock, and so only what is atomic: it may be another actor's already, which the look under the lock finds.
static bool may_fit(const search *s, const grove__cell *c, uint64_t life)
{
  const grove_snapshot_options *o = s->o;
  if (!life || c == s->y->root || (s->inside && s->inside[c->index] != 1)) {
    return false;
  }
  // Relaxed, all of them: each is true by itself.
  return (!o->of_class || grove__cell_class(c) == o->of_class) &&
         grove__mailbox_count(&c->mailbox) >= o->min_depth &&
         (!o->phases || o->phases >> grove__look_phase(c) & 1);
}

static bool needs_texts(const search *s)
{
  return s->o->class_name || s->o->name_prefix || s->o->contains || s->o->sort == GROVE_SORT_NAME ||
         s->o->children_of.where || s->o->min_children;
}

static bool is_child(const grove_snapshot_options *o, grove_ref parent)
{
  return !o->children_of.where || grove_ref_equal(o->children_of, parent);
}

static bool stands_right_locked(const grove_snapshot_options *o, const grove__cell *c)
{
  return grove__cell_annex(c)->child_count >= o->min_children &&
         is_child(o, grove__cell_parent(c));
}

static bool texts_of(search *s, grove__cell *c, row *r)
{
  grove__mutex_lock(&c->lock);
  bool fits = grove__cell_is_locked(c, r->life) && c->phase != GROVE__CELL_FREE &&
              texts_fit(s->o, grove__cell_class(c)->name, grove__cell_annex(c)->name, grove__cell_label(c)) && stands_right_locked(s->o, c);
  if (fits && r->has_name) {
    const char *name = grove__cell_called(c);
    grove__look_text(r->name, NAME, name);
    r->key = !name; // those without one come last
  }
  grove__mutex_unlock(&c->lock);
  return fits;
}

static uint64_t key_of(const search *s, grove__cell *c)
{
  // Relaxed, all of them, as in may_fit.
  switch (s->o->sort) {
  case GROVE_SORT_DEPTH: return grove__mailbox_count(&c->mailbox);
  case GROVE_SORT_BYTES: return grove__look_bytes(c);
  case GROVE_SORT_HANDLED: return atomic_load_explicit(&c->handled, memory_order_relaxed);
  case GROVE_SORT_FAILED: return atomic_load_explicit(&c->failed, memory_order_relaxed);
  case GROVE_SORT_RECENT:
  case GROVE_SORT_BUSY: return atomic_load_explicit(&c->task.busy_ns, memory_order_relaxed);
  case GROVE_SORT_RESTARTS: return grove__cell_restarts(c);
  case GROVE_SORT_OLDEST: {
    int64_t oldest = grove__mailbox_count(&c->mailbox) ? grove__mailbox_oldest(&c->mailbox, s->now) : 0;
    return oldest && s->now > oldest ? (uint64_t)(s->now - oldest) : 0;
  }
  default: return UINT64_MAX; // by life alone
  }
}

static void visit(search *s, uint32_t index, row *r, row *spare)
{
  grove__cell *c = grove__slab_at(&s->y->cells, index);
  // ORDER acquire, PAIRS grove__mailbox_show: the cell of this life is seen whole.
  r->life = grove__cell_life_now(c);
  r->index = index;
  grove__times_look(c, s->now);
  uint64_t recent = s->recent && r->life ? grove__recent_busy(s->recent, c, r->life) : 0; // of all, whatever fits
  if (!may_fit(s, c, r->life)) {
    return;
  }
  r->key = ~(s->recent ? recent : key_of(s, c)); // the largest first
  if (needs_texts(s) && !texts_of(s, c, r)) {
    return;
  }
  s->live++;
  keep(s, r, spare);
}

// ---- who is under whom -------------------------------------------------------------------------------------

// Parents are read one by one, each under its child's lock; then every path is walked once, up to where it is known.
static void read_parents(search *s, uint32_t *parent)
{
  for (uint32_t i = 0; i < s->made; i++) {
    grove__cell *c = grove__slab_at(&s->y->cells, i);
    parent[i] = i;
    // ORDER acquire, PAIRS grove__mailbox_show.
    if (grove__cell_life_now(c)) {
      grove__mutex_lock(&c->lock);
      if (grove__cell_life_locked(c) && c->parent) {
        parent[i] = c->parent - 1;
      }
      grove__mutex_unlock(&c->lock);
    }
  }
}

static void mark_inside(search *s, const uint32_t *parent, uint32_t top)
{
  for (uint32_t i = 0; i < s->made; i++) {
    uint32_t at = i;
    while (!s->inside[at] && at != top && parent[at] != at && parent[at] < s->made) {
      s->inside[at] = 3; // on this path; a tree that changes meanwhile may even lead back to it
      at = parent[at];
    }
    uint8_t what = s->inside[at] == 1 || at == top ? 1 : 2;
    for (at = i; s->inside[at] == 3; at = parent[at]) {
      s->inside[at] = what;
    }
    if (!s->inside[at] && at != top) {
      s->inside[at] = 2;
    }
  }
}

static grove_status find_inside(search *s)
{
  grove__cell *top;
  const grove_allocator *a = grove__memory_of(s->y->memory, GROVE__MEMORY_WATCH);
  s->inside = grove__alloc_zero(a, s->made);
  uint32_t *parent = grove__alloc_array(a, s->made, sizeof *parent);
  if (!s->inside || !parent) {
    grove__free(a, parent, s->made * sizeof *parent);
    return GROVE_ENOMEM;
  }
  if (grove__cell_find(s->y, s->o->under, &top)) {
    memset(s->inside, 2, s->made); // nobody is under one that is gone
  } else {
    read_parents(s, parent);
    mark_inside(s, parent, top->index);
    s->inside[top->index] = 2; // not its own descendant
  }
  grove__free(a, parent, s->made * sizeof *parent);
  return GROVE_OK;
}

// ---- the page ------------------------------------------------------------------------------------------------

static bool is_dead_wanted(const grove_snapshot_options *o, const grove__death *d)
{
  uint32_t phase = d->error.status == GROVE_ESTUCK ? GROVE_PHASE_STUCK : GROVE_PHASE_ENDED;
  return (!o->phases || o->phases >> phase & 1) &&
         (!o->of_class ||
             strncmp(d->class_name, o->of_class->name, sizeof d->class_name - 1) == 0) &&
         is_child(o, d->parent) && texts_fit(o, d->class_name, d->name[0] ? d->name : NULL, d->label[0] ? d->label : NULL);
}

// After those alive, the newest first.
static void put_dead(search *s, void *out, size_t each, size_t room, grove_page *page)
{
  const grove_snapshot_options *o = s->o;
  grove__death d;
  bool any = o->ended && grove_ref_equal(o->under, GROVE_NOBODY) && !o->min_depth &&
             !o->min_children;
  for (uint64_t i = 0; any && grove__death_at(s->y, i, &d); i++) {
    if (!is_dead_wanted(o, &d)) {
      continue;
    }
    uint64_t place = page->live + page->dead++;
    if (place >= o->offset && page->shown < room) {
      grove_info full;
      grove__look_dead(&d, &full);
      grove__stats_write_row(out, each, page->shown++, sizeof full, &full);
    }
  }
}

static void put_live(search *s, void *out, size_t each, size_t room, grove_page *page)
{
  qsort(s->rows, s->count, s->each, compare);
  for (size_t i = (size_t)s->o->offset; i < s->count && page->shown < room; i++) {
    const row *r = at(s, i);
    grove_ref who = {grove__tag(s->y, r->index), r->life};
    grove_info full;
    if (!grove__look(s->y, who, &full)) { // ended since, and forgotten already
      full.phase = GROVE_PHASE_ENDED;
      full.ref = who;
    }
    grove__stats_write_row(out, each, page->shown++, sizeof full, &full);
  }
}

static grove_status run(search *s, size_t room)
{
  const grove_allocator *a = grove__memory_of(s->y->memory, GROVE__MEMORY_WATCH);
  bool by_name = s->o->sort == GROVE_SORT_NAME;
  uint64_t most = room ? s->o->offset + room : 0; // of those further on, only the number is wanted
  s->each = sizeof(row) + (by_name ? NAME : 0);
  s->most = most < room || most > s->made ? s->made : (size_t)most;
  s->most = room ? s->most : 0;
  s->rows = grove__alloc_array(a, s->most + 2, s->each); // and two to work with
  if (!s->rows) {
    return GROVE_ENOMEM;
  }
  row *r = at(s, s->most), *spare = at(s, s->most + 1);
  memset(r, 0, s->each);
  r->has_name = by_name;
  s->recent = s->o->sort == GROVE_SORT_RECENT ? grove__recent_enter(s->y, s->made, s->now) : NULL;
  for (uint32_t i = 0; i < s->made; i++) {
    visit(s, i, r, spare);
  }
  if (s->recent) {
    grove__recent_leave(s->y);
  }
  return GROVE_OK;
}

grove_status grove_snapshot_page(grove *g, const grove_snapshot_options *options, grove_info *out,
    size_t each, size_t room, grove_page *page)
{
  grove__system *y;
  grove__activation *here;
  grove_snapshot_options o;
  GROVE__TRY(grove__enter(g, &y, &here));
  GROVE__TRY(grove__options_read(&o, sizeof o, options));
  if (!page || !grove__stats_rows_fit(out, each, room) || o.sort > GROVE_SORT_RECENT) {
    return GROVE_EINVAL;
  }
  search s = {.y = y, .o = &o, .now = grove__now(y), .made = grove__slab_made(&y->cells)};
  grove_page full = {.offset = o.offset, .at_ns = s.now};
  const grove_allocator *a = grove__memory_of(y->memory, GROVE__MEMORY_WATCH);
  grove_status status = grove_ref_equal(o.under, GROVE_NOBODY) ? GROVE_OK : find_inside(&s);
  if (!status) {
    status = run(&s, room);
  }
  if (!status) {
    full.live = s.live;
    put_live(&s, out, each, room, &full);
    put_dead(&s, out, each, room, &full);
    full.total = full.live + full.dead;
    status = grove__stats_write(page, sizeof full, &full);
  }
  grove__free(a, s.inside, s.made);
  grove__free(a, s.rows, (s.most + 2) * s.each);
  return status;
}

grove_status grove_snapshot(grove *g, const grove_snapshot_options *options, grove_info *out,
    size_t each, size_t room, size_t *total)
{
  grove_page page = {.struct_size = sizeof page};
  if (!total) {
    return GROVE_EINVAL;
  }
  GROVE__TRY(grove_snapshot_page(g, options, out, each, room, &page));
  *total = (size_t)page.total;
  return GROVE_OK;
}
