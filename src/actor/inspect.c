// Looking at actors without disturbing them.
#include "actor/activation.h"
#include "actor/future.h"
#include "base/options.h"
#include <math.h>
#include <stdlib.h>

_Static_assert((int)GROVE_MEMORY_USER == (int)GROVE__MEMORY_USER &&
                   (int)GROVE_MEMORY_SHARED == (int)GROVE__MEMORY_SHARED,
    "the parts of memory have the same numbers inside and outside");

static void copy_text(char *out, size_t room, const char *text)
{
  size_t n = text ? strlen(text) : 0;
  n = n < room ? n : room - 1;
  if (n) {
    memcpy(out, text, n);
  }
  out[n] = '\0';
}

static void fill_bytes_locked(grove__cell *c, grove_info *o)
{
  // Relaxed, all of them: as in fill_locked.
  o->futures = atomic_load_explicit(&c->own.futures, memory_order_relaxed);
  o->children = c->child_count;
  o->state_bytes = sizeof *c + atomic_load_explicit(&c->own.fixed, memory_order_relaxed);
  o->future_bytes = (uint64_t)o->futures * sizeof(grove__future);
  o->own_bytes = atomic_load_explicit(&c->own.bytes, memory_order_relaxed);
  o->memory_limit = atomic_load_explicit(&c->own.limit, memory_order_relaxed);
  o->bytes = o->state_bytes + o->future_bytes + o->own_bytes + o->mailbox_bytes;
}

// With the cell's lock: names and words stay.
static void fill_locked(grove__cell *c, grove_info *o)
{
  // Relaxed, all of them: each is true by itself, no more is promised.
  o->phase = atomic_load_explicit(&c->shown_phase, memory_order_relaxed);
  o->restarts = atomic_load_explicit(&c->restarts, memory_order_relaxed);
  o->mailbox_depth = grove__mailbox_count(&c->mailbox);
  o->mailbox_bytes = grove__mailbox_bytes(&c->mailbox);
  if (o->phase == GROVE_PHASE_IDLE && o->mailbox_depth) {
    o->phase = GROVE_PHASE_QUEUED;
  }
  o->ref = grove__cell_ref(c);
  o->parent = c->parent ? grove__cell_ref_of(c->parent, c->parent_life) : GROVE_NOBODY;
  o->handled = atomic_load_explicit(&c->handled, memory_order_relaxed);
  o->failed = atomic_load_explicit(&c->failed, memory_order_relaxed);
  o->busy_ns = atomic_load_explicit(&c->busy_ns, memory_order_relaxed);
  int64_t since = atomic_load_explicit(&c->turn_since, memory_order_relaxed);
  o->turn_ns = since ? grove__now(c->system) - since : 0;
  uint64_t bits = atomic_load_explicit(&c->progress, memory_order_relaxed);
  memcpy(&o->progress, &bits, sizeof bits);
  for (const grove__activation *a = c->activations; a; a = a->next) {
    if (a->waiter && !c->task.place) {
      const grove_class *k = grove__cell_class(c);
      o->stack_bytes += k->stack_bytes ? k->stack_bytes : c->system->options.stack_bytes;
      o->stack_used_bytes += a->stack_used;
    }
  }
  fill_bytes_locked(c, o);
  copy_text(o->class_name, sizeof o->class_name, grove__cell_class(c)->name);
  copy_text(o->name, sizeof o->name, c->name);
  copy_text(o->label, sizeof o->label, c->label);
  const grove_method *m = atomic_load_explicit(&c->method, memory_order_relaxed);
  copy_text(o->method, sizeof o->method, m ? m->name : "");
  copy_text(o->last_error, sizeof o->last_error, c->last_words.text);
  grove__note_get(c, o->state);
}

static void fill_dead(const grove__death *d, grove_info *o)
{
  o->phase = d->error.status == GROVE_ESTUCK ? GROVE_PHASE_STUCK : GROVE_PHASE_ENDED;
  o->restarts = d->error.restarts;
  o->ref = d->ref;
  o->handled = d->handled;
  o->failed = d->failed;
  o->progress = (double)NAN;
  copy_text(o->class_name, sizeof o->class_name, d->class_name);
  copy_text(o->name, sizeof o->name, d->name);
  copy_text(o->label, sizeof o->label, d->label);
  copy_text(o->method, sizeof o->method, d->error.method);
  copy_text(o->state, sizeof o->state, grove_status_text(d->error.status));
  copy_text(o->last_error, sizeof o->last_error, d->error.text);
}

static bool fill(grove__system *y, grove_ref who, grove_info *o)
{
  grove__cell *c;
  grove__death d;
  memset(o, 0, sizeof *o);
  if (!grove__cell_find(y, who, &c)) {
    grove__mutex_lock(&c->lock);
    bool there = grove__cell_is_locked(c, who.which);
    if (there) {
      fill_locked(c, o);
    }
    grove__mutex_unlock(&c->lock);
    if (there) {
      return true;
    }
  }
  if (!grove__death_find(y, who, &d)) {
    return false;
  }
  fill_dead(&d, o);
  return true;
}

grove_status grove_inspect(grove *g, grove_ref who, grove_info *out)
{
  grove__system *y;
  grove__activation *here;
  grove_info full;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!out) {
    return GROVE_EINVAL;
  }
  if (!fill(y, who, &full)) {
    return GROVE_ENOACTOR;
  }
  return grove__stats_write(out, sizeof full, &full);
}

// ---- snapshots -----------------------------------------------------------------------------------------

static bool is_under(grove__system *y, grove__cell *c, grove_ref top)
{
  // Parents outlive their children's links, and their lives are compared; slots stay. A tree that changes meanwhile
  // gives one of the two true answers.
  uint64_t life = c->parent_life;
  for (grove__cell *p = c->parent; p; p = p->parent) {
    grove_ref r = grove__cell_ref_of(p, life);
    if (grove_ref_equal(r, top)) {
      return true;
    }
    if (p == y->root) {
      break;
    }
    life = p->parent_life;
  }
  return false;
}

static bool matches(
    grove__system *y, const grove_snapshot_options *o, uint32_t index, grove_ref *who)
{
  grove__cell *c = grove__slab_at(&y->cells, index);
  bool fits = false;
  grove__mutex_lock(&c->lock);
  // Relaxed: written under this lock when a life ends; one that begins just now may be seen or not.
  uint64_t life = atomic_load_explicit(&c->life, memory_order_acquire);
  if (life && c != y->root && c->phase != GROVE__CELL_FREE) {
    *who = grove__cell_ref_of(c, life);
    fits = !o->of_class || grove__cell_class(c) == o->of_class;
    if (fits && o->name_prefix) {
      fits = c->name && strncmp(c->name, o->name_prefix, strlen(o->name_prefix)) == 0;
    }
    fits = fits && (grove_ref_equal(o->under, GROVE_NOBODY) || is_under(y, c, o->under));
  }
  grove__mutex_unlock(&c->lock);
  return fits;
}

static int by_life(const void *a, const void *b)
{
  const grove_ref *x = a, *y = b;
  return x->which < y->which ? -1 : x->which > y->which;
}

static void put(grove_info *out, size_t each, size_t i, const grove_info *full)
{
  char *at = (char *)out + i * each;
  uint32_t size = (uint32_t)each;
  memcpy(at, &size, sizeof size);
  (void)!grove__stats_write(at, sizeof *full, full);
}

static size_t put_dead(grove__system *y, const grove_snapshot_options *o, grove_info *out,
    size_t each, size_t room, size_t n)
{
  grove__death d;
  bool any = grove_ref_equal(o->under, GROVE_NOBODY) && !o->of_class;
  for (uint64_t i = 0; any && grove__death_at(y, i, &d); i++) {
    if (o->name_prefix && strncmp(d.name, o->name_prefix, strlen(o->name_prefix)) != 0) {
      continue;
    }
    if (n < room) {
      grove_info full;
      memset(&full, 0, sizeof full);
      fill_dead(&d, &full);
      put(out, each, n, &full);
    }
    n++;
  }
  return n;
}

grove_status grove_snapshot(grove *g, const grove_snapshot_options *options, grove_info *out,
    size_t each, size_t room, size_t *total)
{
  grove__system *y;
  grove__activation *here;
  grove_snapshot_options o;
  GROVE__TRY(grove__enter(g, &y, &here));
  GROVE__TRY(grove__options_read(&o, sizeof o, options));
  if (!total || (room && (!out || each < 2 * sizeof(uint32_t)))) {
    return GROVE_EINVAL;
  }
  uint32_t made = grove__slab_made(&y->cells);
  grove_ref *who =
      grove__alloc_array(grove__memory_of(y->memory, GROVE__MEMORY_WATCH), made, sizeof *who);
  if (!who) {
    return GROVE_ENOMEM;
  }
  size_t n = 0, live = 0;
  for (uint32_t i = 0; i < made; i++) {
    n += matches(y, &o, i, &who[n]);
  }
  qsort(who, n, sizeof *who, by_life);
  for (size_t i = 0; i < n; i++) {
    grove_info full;
    if (live < room && fill(y, who[i], &full)) {
      put(out, each, live, &full);
    }
    live++;
  }
  grove__free(grove__memory_of(y->memory, GROVE__MEMORY_WATCH), who, made * sizeof *who);
  *total = o.ended ? put_dead(y, &o, out, each, room, live) : live;
  return GROVE_OK;
}

grove_status grove_stats_get(grove *g, grove_stats *out)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  grove_stats s = {.struct_size = sizeof s};
  grove__counters *n = &y->counters;
  uint64_t stacks = 0, fibers;
  grove__stacks_stats(y->sched.stacks, &stacks, &fibers);
  // Relaxed, all of them: statistics.
  s.workers = grove__sched_width(&y->sched);
  uint32_t made = atomic_load_explicit(&y->sched.worker_count, memory_order_acquire);
  for (uint32_t i = 0; i < made; i++) {
    s.workers_busy += atomic_load_explicit(&y->sched.worker[i]->busy, memory_order_relaxed);
  }
  s.actors = atomic_load_explicit(&y->alive, memory_order_relaxed);
  s.suspended = atomic_load_explicit(&y->sched.suspended, memory_order_relaxed);
  s.futures = grove__slab_in_use(&y->futures);
  s.messages = atomic_load_explicit(&n->messages, memory_order_relaxed);
  s.calls = atomic_load_explicit(&n->calls, memory_order_relaxed);
  s.dead_letters = atomic_load_explicit(&n->dead_letters, memory_order_relaxed);
  s.spawned = atomic_load_explicit(&n->spawned, memory_order_relaxed);
  s.ended = atomic_load_explicit(&n->ended, memory_order_relaxed);
  s.restarts = atomic_load_explicit(&n->restarts, memory_order_relaxed);
  s.steals = atomic_load_explicit(&y->sched.steals, memory_order_relaxed);
  s.dropped = grove__lost_total(y);
  s.dropped_dead = atomic_load_explicit(&n->dropped[GROVE__LOST_DEAD], memory_order_relaxed);
  s.dropped_full = atomic_load_explicit(&n->dropped[GROVE__LOST_FULL], memory_order_relaxed);
  s.dropped_expired = atomic_load_explicit(&n->dropped[GROVE__LOST_EXPIRED], memory_order_relaxed);
  s.dropped_canceled =
      atomic_load_explicit(&n->dropped[GROVE__LOST_CANCELED], memory_order_relaxed);
  s.refused = atomic_load_explicit(&n->refused, memory_order_relaxed);
  s.stand_ins = atomic_load_explicit(&y->sched.stand_ins_active, memory_order_relaxed);
  s.late_answers = atomic_load_explicit(&n->late_answers, memory_order_relaxed);
  s.stack_bytes = stacks;
  s.shared_bytes = atomic_load_explicit(&y->ledger->shared_bytes, memory_order_relaxed);
  for (uint32_t i = 0; i < GROVE__MEMORY_PARTS; i++) {
    s.memory_of[i] = grove__memory_bytes(y->memory, i);
    s.memory_bytes += s.memory_of[i];
  }
  s.memory_refused = atomic_load_explicit(&y->memory->refused, memory_order_relaxed);
  return grove__stats_write(out, sizeof s, &s);
}
