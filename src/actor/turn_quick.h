// Parts of a turn that are in line where most turns come by: plain messages, by turn.c in a turn that lasts, by whole.c in one with one.
#ifndef GROVE_ACTOR_TURN_QUICK_H
#define GROVE_ACTOR_TURN_QUICK_H
#include "actor/activation_quick.h"

/// Whether its lock guards nothing that wants a turn, and it is alive: then it takes messages.
static inline bool grove__cell_takes_messages(const grove__cell *c)
{
  // ORDER acquire: what was written before the look was asked for. PAIRS the lock it is set under, and the notify.
  return !atomic_load_explicit(&c->look, memory_order_acquire);
}

/// A turn from its first thing on, or from its second, to its verdict.
grove__turn grove__cell_go_on(grove__cell *c, grove__worker *w, bool had_one);
/// Whose turn it is, for the watch; and that it is over.
static inline void grove__cell_show_turn(grove__cell *c, grove__worker *w)
{
  // ORDER release: the watch goes through it to the cell's lock. PAIRS watch_worker.
  atomic_store_explicit(&w->shown, c, memory_order_release);
}

static inline grove__turn grove__cell_leave_turn(grove__cell *c, grove__worker *w, grove__turn turn)
{
  grove__mailbox_tell_popped(&c->mailbox); // also where nothing is left of the life: its slot is given back after this
  atomic_store_explicit(&w->shown, NULL, memory_order_relaxed); // a hint for the watch
  return turn;
}

/// Runs a plain message; and what follows the only one of a task.
static inline void grove__cell_end_if_task(grove__cell *c, const grove__worker *w)
{
  if (grove__cell_is_task(c)) {
    grove__cell_end_task(c, w);
  }
}

static inline void grove__cell_run_plainly(grove__cell *c, grove__worker **w, grove__message *m)
{
  grove__message_run_plainly(c, w, m);
  grove__cell_end_if_task(c, *w);
}

/// Whether it is for this life, which is not about to end.
static inline bool grove__cell_takes_letter(const grove__cell *c, const grove__letter *l)
{
  return l->life == atomic_load_explicit(&c->mailbox.life, memory_order_relaxed); // relaxed: its own turn's
}

/// One whose activation has waited, or has anything else to be cleaned up, or whose method has failed.
void grove__send_finish(grove__activation *a, grove_status s, void *reply);
/// Two words that are read at once.
static inline bool grove__is_any(const void *a, const void *b)
{
  return ((uintptr_t)a | (uintptr_t)b) != 0;
}

/// A send that is plain, in an activation (a->cell is set) that is as grove__activation_prepare makes one, and is so again after it: then
/// send_end follows. False: it is not, and the message has been finished, where a.worker says.
static inline bool grove__send_run(grove__activation *a, grove__worker *w, grove__message *m, void *state)
{
  _Alignas(16) unsigned char reply[GROVE__REPLY_PLAIN];
  const grove_method *method = m->method;
  a->method = method;
  a->message = m;
  a->since = grove__worker_recent(w);
  a->cell->active = 1;
  grove__cell_show_method(a->cell, method, a->since);
  memset(reply, 0, sizeof reply);
  grove_status s = method->run(&a->here, state, m->argument, reply);
  bool unusual = s || a->marks || grove__is_any(a->owned, a->words);
  if (GROVE__UNLIKELY(unusual)) {
    grove__send_finish(a, s, reply);
  }
  return !unusual;
}

/// What is to be done after it, by the worker whose line of the counters that is.
static inline void grove__send_end(grove__cell *c, grove__worker *w, grove__message *m, grove__tally *own)
{
  c->active = 0;
  grove__cell_show_no_method(c);
  grove__cell_count(&c->handled);
  (void)grove__tally_more(own, GROVE__TALLY_HANDLED);
  if (GROVE__UNLIKELY(!grove__blocks_give_usual(&w->stash.blocks, m, m->letter.bytes))) {
    grove__message_destroy_slowly(grove__cell_system(c), w, m);
  }
}

#endif
