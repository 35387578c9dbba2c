// Making a task as it goes most of the time: of a function that takes and gives plain values, by an actor's method. Nothing of it
// is to be started, so its life begins alive, with its message in the mailbox. Whatever is not so goes the way of offload.c,
// which says why.
#include "actor/birth.h"
#include "actor/future_quick.h"
#include "actor/run.h"
#include "actor/send.h"
#include "queue/mailbox_quick.h"

enum { ROOM = GROVE__BLOCK_USUAL - sizeof(grove__message) };

/// What one is made of.
typedef struct parts {
  grove__cell *c;
  grove__message *x;
  grove__future *f;
} parts;

// Whether the caller may make one without a look at anything else, and its function is a plain one.
static inline bool is_plain(const grove__activation *a, const grove_method *m, const void *arg)
{
  if (!GROVE__MAILBOX_PLAIN || !a || !a->cell || !a->worker->plain || !m || !m->run || !m->arg || !m->reply || m->owner || !arg) {
    return false;
  }
  const grove__system *y = a->here.system;
  // Relaxed, both: requests, and wishes of people.
  return !m->flags && !m->arg->holds && m->arg->bytes <= ROOM && !m->reply->holds &&
         m->reply->bytes <= GROVE__REPLY_PLAIN && a->deadline == INT64_MAX && !y->ledger->most &&
         !atomic_load_explicit(&a->cell->ending, memory_order_relaxed) &&
         !atomic_load_explicit(&y->wanted, memory_order_relaxed) &&
         grove__slab_made(&y->cells) <= y->options.max_actors;
}

static void give_back(grove__activation *a, const parts *p)
{
  grove__system *y = a->here.system;
  if (p->f) { // nobody knows of it
    grove__future_drop(p->f, grove__future_generation(p->f));
    grove__future_let_go(p->f);
  }
  if (p->x) {
    grove__blocks_give(&y->sched.blocks, &a->worker->stash.blocks, p->x, p->x->letter.bytes);
  }
  if (p->c) {
    grove__cell_give(p->c, a->worker);
  }
}

// Alive, though nobody knows of it yet, with what its class has for all of its lives.
static inline void fill_cell(grove__activation *a, grove__cell *c, grove__kind *kind, uint64_t life, const grove_method *m)
{
  const grove__manner how = {.most_active = 1, .place = GROVE__PLACE_WORKERS};
  grove__birth_class(c, kind->class, kind);
  c->state = NULL; // a function has none
  grove__birth_reset(c, life, m, a->cell, how);
  c->phase = GROVE__CELL_ALIVE;
  c->started = true;
  c->born = grove__worker_recent(a->worker);
  // Relaxed, all of them: published with the life.
  atomic_store_explicit(&c->look, false, memory_order_relaxed);
  atomic_store_explicit(&c->shown_phase, GROVE_PHASE_IDLE, memory_order_relaxed);
  atomic_store_explicit(&c->in_a_group, false, memory_order_relaxed);
  c->task.node.unborn = true;
  grove__mailbox_open_plain(&c->mailbox, life, GROVE__WORD_COUNT_MOST);
  grove__own_begin_plain(c, kind->class->state_bytes + kind->class->start_arg->bytes);
}

static inline void fill_message(grove__activation *a, const parts *p, grove__kind *kind, const grove_method *m, const void *arg)
{
  grove__message *x = p->x;
  grove__message_begin(x, m, grove__message_bytes(m), 0);
  x->future = p->f;
  x->letter.life = p->c->own_life;
  memcpy(x->argument, arg, m->arg->bytes);
  uint8_t timed = grove__kind_timing(grove__kind_count(kind, a->worker, GROVE__TALLY_CALLS, 1), p->c);
  x->letter.watched = timed;
  x->letter.at = GROVE__UNLIKELY(timed) ? grove__now(a->here.system) : grove__worker_recent(a->worker);
}

// From here on others see it, as its parent's child. False: its parent is to have none any more, or there is no memory.
static inline bool enter(grove__cell *parent, const parts *p)
{
  grove__mutex_lock(&parent->lock);
  // ORDER acquire, PAIRS give_up_rest. The others: as may_enter_locked of spawn.c.
  bool may = !atomic_load_explicit(&parent->system->barren, memory_order_acquire) &&
             grove__cell_is_locked(parent, parent->own_life) && parent->end == GROVE__END_NONE && !parent->given_up;
  grove__annex *x = may ? grove__annex_make_locked(parent) : NULL;
  if (x) {
    grove__birth_enter_locked(x, p->c);
    grove__mailbox_begin_with(&p->c->mailbox, &p->x->letter);
    // ORDER release: publishes the cell of this life. PAIRS grove__cell_find.
    atomic_store_explicit(&p->c->life, p->c->own_life, memory_order_release);
  }
  grove__mutex_unlock(&parent->lock);
  return x != NULL;
}

bool grove__task_quickly(grove__activation *a, const grove_method *m, const void *arg, grove_future *out)
{
  if (!is_plain(a, m, arg)) {
    return false;
  }
  grove__system *y = a->here.system;
  grove__stash *stash = &a->worker->stash;
  // ORDER acquire: the entry is seen whole. PAIRS grove_task.
  grove__kind *kind = atomic_load_explicit(&y->task_kind, memory_order_acquire);
  uint32_t index;
  parts p = {NULL, NULL, NULL};
  p.c = kind ? grove__slab_take_quickly(&y->cells, &stash->slots[GROVE__SLOTS_CELLS], &index) : NULL;
  p.x = p.c ? grove__blocks_take_usual(&stash->blocks, grove__message_bytes(m)) : NULL;
  // Relaxed: a serial number.
  uint64_t life = p.x ? atomic_fetch_add_explicit(&y->lives, 1, memory_order_relaxed) + 1 : 0;
  p.f = life ? grove__future_make_quickly(y, a, stash, grove__cell_ref_of(p.c, life), m) : NULL;
  if (!p.f) {
    if (p.x) {
      p.x->letter.bytes = grove__message_bytes(m);
    }
    give_back(a, &p);
    return false;
  }
  *out = grove__future_handle_in(y, p.f);
  fill_cell(a, p.c, kind, life, m);
  grove__kind_count(kind, a->worker, GROVE__TALLY_SPAWNED, 1); // before it can end
  fill_message(a, &p, kind, m, arg);
  if (!enter(a->cell, &p)) {
    grove__kind_count(kind, a->worker, GROVE__TALLY_SPAWNED, UINT64_MAX); // one less, as the next
    grove__kind_count(kind, a->worker, GROVE__TALLY_CALLS, UINT64_MAX);
    grove__mailbox_close(&p.c->mailbox);
    grove__mutex_lock(&p.c->lock);
    p.c->phase = GROVE__CELL_FREE;
    grove__mutex_unlock(&p.c->lock);
    give_back(a, &p);
    return false;
  }
  grove__sched_put_here(a->worker, &p.c->task);
  return true;
}
