// Sending and calling as it goes most of the time: a plain value to an actor that has room for it. One function does all of that
// in line; whatever is not so goes the way of call.c, which says why.
#include "actor/future_quick.h"
#include "actor/run.h"
#include "actor/send.h"
#include "queue/mailbox_quick.h"

// Whether the method is one of that class, with an argument that is plain and short.
static inline bool is_usual(const grove__manner *how, const grove_method *m, const void *arg)
{
  return m && m->run && m->arg && m->reply && arg && m->owner == how->class && !m->arg->holds &&
         m->arg->bytes <= GROVE__MESSAGE_ROOM;
}

// The cell of an address that is here and alive; NULL: it is not, or there is more to be looked at.
static inline grove__cell *find(grove__system *y, grove_ref to)
{
  grove__cell *c = grove__has_tag(y, to.where) ? grove__slab_at(&y->cells, (uint32_t)to.where) : NULL;
  // ORDER acquire, PAIRS grove__mailbox_show: the cell of this life is seen whole.
  return c && to.which && atomic_load_explicit(&c->mailbox.life, memory_order_acquire) == to.which ? c : NULL;
}

// Whether a message to it is nothing but to be made and pushed; and for outside, that it may be.
static inline bool is_plain(grove__system *y, const grove__activation *a, const grove__cell *c, const grove__manner *how,
    const grove_method *m, const void *arg)
{
  return c && (a ? a->worker->plain : !y->options.simulate && !grove__stopping(y)) && !y->ledger->most &&
         is_usual(how, m, arg) && !grove__wants(y, GROVE__FOLLOWED) && !how->drops_old && !grove__mailbox_is_accounted(&c->mailbox);
}

// Counts and pushes it, and has its receiver run. False: it is not accepted, and not counted.
static inline __attribute__((always_inline)) bool push(grove__system *y, grove__worker *w, grove__cell *c, const grove__manner *how, grove_ref to, grove__message *x, uint32_t what)
{
  grove__tally *lines = how->task.lines;
  bool next = w && grove__sched_is_next(w), begun = false, queued = false;
  grove__message_stamp_quickly(x, w, c, lines, what);
  if (grove__mailbox_push_quickly(&c->mailbox, to.which, &x->letter, next ? &begun : NULL, &queued)) {
    grove__tally_add(lines, w ? w->line : 0, what, UINT64_MAX); // one less; not of whoever has the slot by now
    return false;
  }
  if (queued && next) {
    c->task.node.begun = begun;
  }
  // The letter may have come to another life than was looked at (mailbox.h, fact 2): where that runs its task says, which is this thread's now.
  if (queued && next && GROVE__LIKELY(grove__task_kind_of(&c->task)->place == GROVE__PLACE_WORKERS)) {
    grove__sched_put_next(w, &c->task);
  } else if (queued) {
    grove__sched_put(&y->sched, &c->task);
  }
  return true;
}

// False: it is not such a message, and nothing has happened.
static inline __attribute__((always_inline)) bool send_quickly(grove__activation *a, grove_ref to, const grove_method *m, const void *arg)
{
  grove__system *y = a->here.system;
  grove__worker *w = a->worker;
  grove__cell *c = find(y, to);
  const grove__manner *how = c ? grove__cell_manner(c) : NULL;
  if (!is_plain(y, a, c, how, m, arg)) {
    return false;
  }
  grove__message *x = grove__blocks_take_usual(&w->stash.blocks, grove__message_bytes(m));
  if (!x) {
    return false;
  }
  grove__message_fill_quickly(x, m, arg, NULL);
  if (!push(y, w, c, how, to, x, GROVE__TALLY_SENDS)) {
    grove__blocks_give(&y->sched.blocks, &w->stash.blocks, x, x->letter.bytes);
    return false;
  }
  return true;
}

grove_status grove_send(grove *g, grove_ref to, const grove_method *m, const void *arg)
{
  grove__activation *here = grove__enter_method(g);
  return here && send_quickly(here, to, m, arg) ? GROVE_OK : grove__send_slowly(g, to, m, arg, false);
}

grove_status grove_send_now(grove *g, grove_ref to, const grove_method *m, const void *arg)
{
  grove__activation *here = grove__enter_method(g);
  return here && send_quickly(here, to, m, arg) ? GROVE_OK : grove__send_slowly(g, to, m, arg, true);
}

// Whether a call of the caller's has nothing of its own to be looked at: no deadline, and somebody who wants it.
static inline bool may_call(grove__system *y, const grove__activation *a)
{
  return a ? a->deadline == INT64_MAX && !grove__activation_is_canceled(a)
           // Relaxed: a limit, as in grove__future_create.
           : atomic_load_explicit(&y->outside_count, memory_order_relaxed) < y->options.max_outside;
}

bool grove__call_quickly(grove__system *y, grove__activation *a, grove_ref to, const grove_method *m,
    const void *arg, grove_future *out)
{
  grove__worker *w = a ? a->worker : NULL;
  grove__cell *c = find(y, to);
  const grove__manner *how = c ? grove__cell_manner(c) : NULL;
  // Relaxed: a first look, as in call.c; if it begins to start again now, that is the same as a little later.
  if (!is_plain(y, a, c, how, m, arg) || m->reply->bytes > GROVE__REPLY_INLINE || !may_call(y, a) ||
      atomic_load_explicit(&c->shown_phase, memory_order_relaxed) == GROVE_PHASE_RESTARTING) {
    return false;
  }
  grove__stash *stash = grove__stash_open(y, a);
  grove__message *x = stash ? grove__blocks_take_usual(&stash->blocks, grove__message_bytes(m)) : NULL;
  grove__future *f = x ? grove__future_make_quickly(y, a, stash, to, m) : NULL;
  grove__stash_close(a, stash);
  if (f) {
    *out = grove__future_handle_in(y, f);
    grove__message_fill_quickly(x, m, arg, f);
    if (push(y, w, c, how, to, x, GROVE__TALLY_CALLS)) {
      return true;
    }
    grove__future_drop(f, out->generation); // which call.c makes anew, to say why
    grove__future_let_go(f);
  }
  if (x) {
    grove__blocks_give(&y->sched.blocks, w ? &w->stash.blocks : NULL, x, grove__message_bytes(m));
  }
  return false;
}
