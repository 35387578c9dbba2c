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
  return c && (a ? a->worker->plain : !y->options.simulate && !grove__stopping(y)) &&
         is_usual(how, m, arg) && !grove__wants(y, GROVE__FOLLOWED | GROVE__WANTED_COUNTS) && !how->drops_old && !grove__mailbox_is_accounted(&c->mailbox);
}

// What its sender makes runnable: it may be another life than was looked at (mailbox.h, fact 2), of another kind. Where that runs its task
// says, which is this thread's now.
static inline bool runs_here(const grove__cell *c)
{
  return GROVE__LIKELY(grove__task_kind_of(&c->task)->place == GROVE__PLACE_WORKERS);
}

static void put(grove__worker *w, grove__cell *c)
{
  if (w && runs_here(c)) {
    grove__sched_put_slowly(w, &c->task);
  } else {
    grove__sched_put(&grove__cell_system(c)->sched, &c->task);
  }
}

// The rest of begin, where the slot has something, or the list of letters.
static __attribute__((noinline)) grove_status put_begun(grove__worker *w, grove__cell *c, grove__message *x, bool received)
{
  if (!received) {
    grove__mailbox_receive(&c->mailbox, (uint64_t)(uintptr_t)&x->letter);
  }
  put(w, c);
  return GROVE_OK;
}

// Its turn has begun with the letter.
static inline grove_status begin(grove__worker *w, grove__cell *c, grove__message *x, bool usual)
{
  bool received = grove__mailbox_receive_alone(&c->mailbox, &x->letter);
  c->task.node.begun = usual && GROVE__LIKELY(received) ? GROVE__BEGUN_ALONE : GROVE__BEGUN;
  return GROVE__LIKELY(received && runs_here(c) && grove__sched_put_next(w, &c->task)) ? GROVE_OK : put_begun(w, c, x, received);
}

// Pushes what is counted. False: it is not accepted, and not counted any more.
static bool push_counted(grove__worker *w, grove__cell *c, grove__tally *lines, uint64_t life, grove__message *x, uint32_t what)
{
  bool queued;
  if (grove__mailbox_push_quickly(&c->mailbox, life, &x->letter, &queued)) {
    grove__tally_add(lines, w ? w->line : 0, what, UINT64_MAX); // one less; not of whoever has the slot by now
    return false;
  }
  if (queued) {
    put(w, c);
  }
  return true;
}

void grove__give_way(grove__activation *a)
{
  grove__system *y = a->here.system;
  // Relaxed: a count. Who gives way stands on a stack of its own meanwhile: the other half is for those who must.
  if (atomic_load_explicit(&y->sched.suspended, memory_order_relaxed) < y->options.max_suspended / 2) {
    (void)!grove_yield(&a->here); // the message is sent; a leaf goes on, and so does who is to end, as its next call says
  }
}

// What follows are the steps of a send, each in a function of its own and the last thing that the one before does: so that none saves
// registers for what seldom happens.

// Where it may be full, or closed; or it is high, or timed.
static __attribute__((noinline)) grove_status send_counted(
    grove__activation *a, grove__cell *c, const grove__manner *how, grove__message *x, const void *arg, bool now)
{
  uint64_t life = x->letter.life;
  bool gives_way = !now && grove__is_outrun(c, how);
  if (push_counted(a->worker, c, how->task.lines, life, x, GROVE__TALLY_SENDS)) {
    if (GROVE__UNLIKELY(gives_way)) {
      grove__give_way(a);
    }
    return GROVE_OK;
  }
  const grove_method *m = x->method;
  grove__blocks_give(&a->worker->sched->blocks, &a->worker->stash.blocks, x, x->letter.bytes);
  return grove__send_slowly(&a->here, grove__cell_ref_of(c, life), m, arg, now);
}

static __attribute__((noinline)) grove_status put_queued(grove__worker *w, grove__cell *c)
{
  put(w, c);
  return GROVE_OK;
}

// Where something else is there already.
static __attribute__((noinline)) grove_status send_behind(
    grove__activation *a, grove__cell *c, const grove__manner *how, grove__message *x, const void *arg, bool now)
{
  bool queued;
  if (GROVE__UNLIKELY(!grove__mailbox_push_usual(&c->mailbox, &x->letter, how->calm, &queued))) {
    return send_counted(a, c, how, x, arg, now);
  }
  return queued ? put_queued(a->worker, c) : GROVE_OK;
}

// `rare`: letter.watched, or UNUSUAL: it is still to be filled, and is not what most are; and NOW.
enum { RARE_UNUSUAL = 0xff, RARE_NOW = 0x100 };
static __attribute__((noinline)) grove_status send_rarely(
    grove__activation *a, grove__cell *c, const grove__manner *how, grove__message *x, const void *arg, unsigned rare)
{
  const grove_method *m = x->method;
  if ((rare & RARE_UNUSUAL) == RARE_UNUSUAL) {
    grove__message_fill_quickly(x, m, arg, NULL);
    grove__message_stamp_quickly(x, a->worker, c, how->task.lines, GROVE__TALLY_SENDS);
  } else {
    x->letter.watched = (uint8_t)rare;
    x->letter.at = grove__now(grove__cell_system(c));
  }
  return send_counted(a, c, how, x, arg, rare & RARE_NOW);
}

static __attribute__((noinline)) grove_status send_without_block(
    grove__activation *a, grove__cell *c, uint64_t life, const grove_method *m, const void *arg, bool now)
{
  return grove__send_slowly(&a->here, grove__cell_ref_of(c, life), m, arg, now);
}

static inline __attribute__((always_inline)) grove_status deliver(grove__activation *a, grove__cell *c, const grove__manner *how,
    uint64_t life, const grove_method *m, const void *arg, bool now)
{
  grove__worker *w = a->worker;
  uint32_t bytes = m->arg->bytes;
  grove__message *x = grove__blocks_take_usual(&w->stash.blocks, grove__message_bytes(m));
  if (GROVE__UNLIKELY(!x)) {
    return send_without_block(a, c, life, m, arg, now);
  }
  x->method = m;
  x->letter.life = life;
  if (GROVE__UNLIKELY(!grove__method_replies_plainly(m) || (m->flags & GROVE_METHOD_HIGH))) {
    return send_rarely(a, c, how, x, arg, RARE_UNUSUAL | (now ? RARE_NOW : 0));
  }
  x->future = NULL;
  x->letter.marks = grove__message_usual();
  x->letter.bytes = grove__message_bytes(m);
  grove__message_copy_quickly(x, arg, bytes);
  uint8_t timed = grove__message_count_quickly(w, c, how->task.lines, GROVE__TALLY_SENDS);
  if (GROVE__UNLIKELY(timed)) {
    return send_rarely(a, c, how, x, arg, timed | (now ? RARE_NOW : 0u));
  }
  x->letter.at = grove__worker_recent(w);
  if (!grove__mailbox_begin_alone(&c->mailbox, &x->letter)) {
    return send_behind(a, c, how, x, arg, now);
  }
  return begin(w, c, x, true);
}
static __attribute__((noinline)) grove_status deliver_patiently(grove__activation *a, grove__cell *c, const grove__manner *how, uint64_t life,
    const grove_method *m, const void *arg)
{
  return deliver(a, c, how, life, m, arg, false);
}
static __attribute__((noinline)) grove_status deliver_now(grove__activation *a, grove__cell *c, const grove__manner *how, uint64_t life,
    const grove_method *m, const void *arg)
{
  return deliver(a, c, how, life, m, arg, true);
}

static inline __attribute__((always_inline)) grove_status send_quickly(
    grove__activation *here, grove *g, grove_ref to, const grove_method *m, const void *arg, bool now)
{
  grove__system *y = here->here.system;
  grove__cell *c = find(y, to);
  const grove__manner *how = c ? grove__cell_manner(c) : NULL;
  if (GROVE__UNLIKELY(!is_plain(y, here, c, how, m, arg))) {
    return grove__send_slowly(g, to, m, arg, now);
  }
  return now ? deliver_now(here, c, how, to.which, m, arg) : deliver_patiently(here, c, how, to.which, m, arg);
}

// Where the page does not tell that this process is no child, and all that is not in a method.
static __attribute__((noinline)) grove_status send_asking(grove *g, grove_ref to, const grove_method *m, const void *arg, bool now)
{
  grove__activation *here = grove__enter_method(g);
  return here ? send_quickly(here, g, to, m, arg, now) : grove__send_slowly(g, to, m, arg, now);
}

grove_status grove_send(grove *g, grove_ref to, const grove_method *m, const void *arg)
{
  grove__activation *here = grove__enter_method_quickly(g);
  return GROVE__LIKELY(here) ? send_quickly(here, g, to, m, arg, false) : send_asking(g, to, m, arg, false);
}

grove_status grove_send_now(grove *g, grove_ref to, const grove_method *m, const void *arg)
{
  grove__activation *here = grove__enter_method_quickly(g);
  return GROVE__LIKELY(here) ? send_quickly(here, g, to, m, arg, true) : send_asking(g, to, m, arg, true);
}

// Counts and pushes a call. False: it is not accepted, and not counted.
static bool push(grove__worker *w, grove__cell *c, const grove__manner *how, uint64_t life, grove__message *x)
{
  grove__message_stamp_quickly(x, w, c, how->task.lines, GROVE__TALLY_CALLS);
  x->letter.life = life;
  if (!w || x->letter.lane != GROVE__LANE_NORMAL || !grove__mailbox_begin_alone(&c->mailbox, &x->letter)) {
    return push_counted(w, c, how->task.lines, life, x, GROVE__TALLY_CALLS);
  }
  return begin(w, c, x, x->letter.marks == grove__message_usual()) == GROVE_OK;
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
      grove__cell_shown_phase(c) == GROVE_PHASE_RESTARTING) {
    return false;
  }
  grove__stash *stash = grove__stash_open(y, a);
  grove__message *x = stash ? grove__blocks_take_usual(&stash->blocks, grove__message_bytes(m)) : NULL;
  grove__future *f = x ? grove__future_make_quickly(y, a, stash, to, m) : NULL;
  grove__stash_close(a, stash);
  if (f) {
    *out = grove__future_handle_in(y, f);
    grove__message_fill_quickly(x, m, arg, f);
    if (push(w, c, how, to.which, x)) {
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
