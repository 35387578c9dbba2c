// What a cell is when a life begins in it: for spawn.c, which makes any, and birth.c, which makes those that are most plain.
#ifndef GROVE_ACTOR_BIRTH_H
#define GROVE_ACTOR_BIRTH_H
#include "actor/activation.h"
#include "actor/group.h"

/// Nothing is left of the life before: neither in its lists (activations, and those of ties.h), which that left empty. Without its lock: who looks with the lock and is late (a timer of the life before, a walker over all cells) looks first
/// whose life it is, and at nothing else but those lists; so what is written here is published with the life.
static inline void grove__birth_reset(grove__cell *c, const grove_method *one_shot, const grove__cell *parent)
{
  if (one_shot) {
    c->body = GROVE__BODY_NONE;
    c->apart.one_shot = one_shot;
  }
  c->parent = parent->index + 1;
  c->task.node.home = NULL;
  c->end = GROVE__END_NONE;
  c->started = c->stop_done = c->lives_state = c->given_up = c->leaves = c->asked = c->grouped = false;
  c->why = GROVE_OK;
  c->kept = 0;
  c->mailbox.own = 0; // grove__cell_end_by
  c->active = 0;
  c->marked = c->gone = c->newborn = false;
  grove__cell_show_no_method(c);
  grove__cell_set_linked(c, false);
  grove__cell_set_in_group(c, GROVE__GROUP_NONE);
  // Relaxed, all of them: published with the life.
  atomic_store_explicit(&c->task.node.own, 0, memory_order_relaxed);
  atomic_store_explicit(&c->futures, 0, memory_order_relaxed);
  atomic_store_explicit(&c->in_graph, false, memory_order_relaxed);
  atomic_store_explicit(&c->look, true, memory_order_relaxed);
  atomic_store_explicit(&c->running, 0, memory_order_relaxed);
  atomic_store_explicit(&c->ending, GROVE__GO_ON, memory_order_relaxed);
  grove__cell_show_phase(c, GROVE_PHASE_STARTING);
  atomic_store_explicit(&c->handled, 0, memory_order_relaxed);
  atomic_store_explicit(&c->failed, 0, memory_order_relaxed);
  atomic_store_explicit(&c->task.busy_ns, 0, memory_order_relaxed);
}

/// The next life's number: no other life has it. `w` (NULL: none): the caller's, which takes them in lots, for what all threads
/// count up costs more than all else about a number.
static inline uint64_t grove__birth_number(grove__system *y, grove__worker *w)
{
  enum { LOT = 64 };
  // Relaxed, both: serial numbers.
  if (!w || !w->plain) {
    return atomic_fetch_add_explicit(&y->lives, 1, memory_order_relaxed) + 1;
  }
  if (w->numbers == 0) {
    w->number = atomic_fetch_add_explicit(&y->lives, LOT, memory_order_relaxed) + 1;
    w->numbers = LOT;
  }
  w->numbers--;
  return w->number++;
}

/// It is of that kind: so is its class, and so are its turns.
static inline void grove__birth_class(grove__cell *c, const grove__kind *kind)
{
  // ORDER release: who comes late sees the kind whole. PAIRS grove__cell_manner.
  atomic_store_explicit(&c->task.kind, &kind->manner.task, memory_order_release);
}

/// Whether a child may come under `parent`, with its lock. Returns: GROVE_ENOACTOR (it is another's slot: its life is over),
/// GROVE_ECANCELED, GROVE_ECLOSED
static inline grove_status grove__birth_may_enter_locked(const grove__cell *parent, uint64_t life)
{
  grove__system *y = grove__cell_system(parent);
  // ORDER acquire, PAIRS give_up_rest: one that comes all the same was there before that walk came to its parent.
  if (atomic_load_explicit(&y->barren, memory_order_acquire)) {
    return GROVE_ECLOSED;
  }
  if (!grove__cell_is_locked(parent, life)) {
    return grove__stopping(y) ? GROVE_ECLOSED : GROVE_ENOACTOR;
  }
  if (parent->end != GROVE__END_NONE || parent->given_up) {
    return grove__stopping(y) ? GROVE_ECLOSED : GROVE_ECANCELED;
  }
  return GROVE_OK;
}

/// It is its parent's newest child. With the parent's lock; `of`: the parent's annex.
static inline void grove__birth_enter_locked(grove__annex *of, grove__cell *c)
{
  c->told_wave = 0;
  grove__cell_link_locked(of, c);
  of->child_count++;
  grove__cell_set_linked(c, true); // published with the life
  grove__cell_set_number(c, ++of->spawned);
}

// ---- birth.c ----
/// grove_task, and grove_spawn without options, where it is most plain. `a` may be NULL for the first. False: it is not, and
/// nothing has happened.
bool grove__task_quickly(grove__activation *a, const grove_method *m, const void *arg, grove_future *out);
bool grove__spawn_quickly(grove__activation *a, const grove_class *k, const void *arg, grove_ref *out);
#endif
