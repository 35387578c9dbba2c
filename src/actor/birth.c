// Making actors and tasks as it goes most of the time, by an actor's method: an actor without options whose class asks for nothing
// that few ask for; a task whose function takes and gives plain values. Whatever is not so goes the ways of spawn.c and offload.c, which
// say why. What has nothing to be started begins alive, a task with its message in the mailbox.
#include "actor/birth.h"
#include "actor/future_quick.h"
#include "actor/run.h"
#include "actor/send.h"
#include "queue/mailbox_quick.h"

/// What one is made of; of a task a message and a future, too.
typedef struct parts {
  grove__cell *c;
  grove__message *x;
  grove__future *f;
} parts;

// Whether the caller may make one without a look at anything else.
static inline bool may_make(const grove__activation *a)
{
  const grove__system *y = a->here.system;
  // No mailbox wants a rest for no reason of its own. Relaxed, both: requests, and wishes of people.
  return !grove__mailbox_wants_rest(0, 0) && a->cell && a->worker->plain &&
         !atomic_load_explicit(&a->cell->ending, memory_order_relaxed) &&
         !grove__wants(y, ~GROVE__WANTED_COUNTS) &&
         grove__slab_made(&y->cells) <= y->options.max_actors;
}

static inline bool is_plain_function(const grove__activation *a, const grove_method *m, const void *arg)
{
  return m && m->run && m->arg && m->reply && !m->owner && arg && !m->flags && !m->arg->holds && m->arg->bytes <= GROVE__MESSAGE_ROOM &&
         !m->reply->holds && m->reply->bytes <= GROVE__REPLY_PLAIN && a->deadline == INT64_MAX &&
         !a->here.system->ledger->most;
}

// Its lives need nothing but a cell. One of another version of this library has another size.
static inline bool is_plain_class(const grove_class *k, const void *arg)
{
  return k && arg && k->struct_size == sizeof *k && k->name && k->start_arg && k->state_bytes && !k->start_arg->holds &&
         grove__cell_fits_few(k) && k->strategy == GROVE_ONE_FOR_ONE && k->full <= GROVE_FULL_DROP_OLD &&
         !grove__mailbox_wants_rest(k->mailbox, k->mailbox_bytes) && !k->memory_bytes && !k->own_thread && !k->blocking;
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

// All of it, though nobody knows of it yet. `alive`: there is nothing to be started, nor to be stopped if it was not.
static inline void fill_cell(grove__activation *a, grove__cell *c, grove__kind *kind, uint64_t life, const grove_method *one_shot,
    bool alive)
{
  const grove_class *k = kind->manner.class;
  grove__birth_class(c, kind);
  grove__birth_reset(c, one_shot, a->cell);
  c->phase = alive ? GROVE__CELL_ALIVE : GROVE__CELL_STARTING;
  c->started = alive;
  c->lives_state = true; // unless it ends as a newborn
  c->newborn = !alive;
  grove__cell_set_born(c, grove__worker_recent(a->worker));
  c->task.node.unborn = true;
  // Relaxed, all of them: published with the life.
  atomic_store_explicit(&c->look, !alive, memory_order_relaxed);
  grove__cell_show_phase(c, alive ? GROVE_PHASE_IDLE : GROVE_PHASE_STARTING);
  grove__mailbox_open_by(&c->mailbox, life, grove__class_mailbox(k));
}

// From here on others see it, as its parent's child. False: its parent is to have none any more, or there is no memory, or its
// children are restarted together.
static inline bool enter(grove__cell *parent, const parts *p)
{
  grove__mutex_lock(&parent->lock);
  bool may = !grove__birth_may_enter_locked(parent, grove__cell_life(parent));
  grove__annex *x = may ? grove__annex_make_locked(parent) : NULL;
  if (x && x->group && !grove__cell_is_task(p->c)) {
    x = NULL;
  }
  if (x) {
    grove__birth_enter_locked(x, p->c);
    grove__mailbox_begin_with(&p->c->mailbox, p->x ? &p->x->letter : NULL);
  }
  grove__mutex_unlock(&parent->lock);
  return x != NULL;
}

// It has not entered: as if it had never been made.
static void unmake(grove__activation *a, const parts *p, grove__kind *kind)
{
  grove__kind_count(kind, a->worker, GROVE__TALLY_SPAWNED, UINT64_MAX); // one less
  grove__mailbox_close(&p->c->mailbox);
  p->c->phase = GROVE__CELL_FREE; // nobody knows of it
  give_back(a, p);
}

bool grove__task_quickly(grove__activation *a, const grove_method *m, const void *arg, grove_future *out)
{
  if (!a || !may_make(a) || !is_plain_function(a, m, arg)) {
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
  uint64_t life = p.x ? grove__birth_number(y, a->worker) : 0;
  p.f = life ? grove__future_make_quickly(y, a, stash, grove__cell_ref_of(p.c, life), m) : NULL;
  if (!p.f) {
    if (p.x) {
      p.x->letter.bytes = grove__message_bytes(m);
    }
    give_back(a, &p);
    return false;
  }
  *out = grove__future_handle_in(y, p.f);
  fill_cell(a, p.c, kind, life, m, true);
  grove__kind_count(kind, a->worker, GROVE__TALLY_SPAWNED, 1); // before it can end
  grove__message_fill_quickly(p.x, m, arg, p.f);
  grove__message_stamp_quickly(p.x, a->worker, p.c, kind->line, GROVE__TALLY_CALLS);
  p.x->letter.life = life;
  if (!enter(a->cell, &p)) {
    grove__kind_count(kind, a->worker, GROVE__TALLY_CALLS, UINT64_MAX); // one less
    unmake(a, &p, kind);
    return false;
  }
  grove__sched_put_here(a->worker, &p.c->task);
  return true;
}

bool grove__spawn_quickly(grove__activation *a, const grove_class *k, const void *arg, grove_ref *out)
{
  if (!may_make(a) || !is_plain_class(k, arg)) {
    return false;
  }
  grove__system *y = a->here.system;
  uint32_t index;
  grove__kind *kind = grove__kind_find(y, k);
  parts p = {NULL, NULL, NULL};
  p.c = kind ? grove__slab_take_quickly(&y->cells, &a->worker->stash.slots[GROVE__SLOTS_CELLS], &index) : NULL;
  if (!p.c) {
    return false;
  }
  p.c->body = GROVE__BODY_FEW;
  memset(p.c->few, 0, sizeof p.c->few);
  fill_cell(a, p.c, kind, grove__birth_number(y, a->worker), NULL, !k->start && !k->stop && !k->destroy);
  memcpy(grove__cell_argument(p.c), arg, k->start_arg->bytes);
  grove__kind_count(kind, a->worker, GROVE__TALLY_SPAWNED, 1); // before it can end
  *out = grove__cell_ref(p.c);
  if (!enter(a->cell, &p)) {
    unmake(a, &p, kind);
    return false;
  }
  grove__sched_put_here(a->worker, &p.c->task);
  return true;
}
