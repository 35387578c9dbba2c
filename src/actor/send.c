// Sending as it goes most of the time: a method sends a plain value to an actor that has room for it. One function does
// all of that in line; whatever is not so goes the way of call.c, which says why.
#include "actor/run.h"
#include "actor/send.h"
#include "queue/mailbox_quick.h"

enum { ROOM = GROVE__BLOCK_USUAL - sizeof(grove__message) };

static inline void copy_few(void *to, const void *from, size_t bytes)
{
  if (bytes == 8 || bytes == 16) { // numbers and addresses
    memcpy(to, from, 8);
    if (bytes == 16) {
      memcpy((char *)to + 8, (const char *)from + 8, 8);
    }
  } else {
    memcpy(to, from, bytes);
  }
}

// Whether the method is one of the class of `c`, with an argument that is plain and short.
static inline bool is_usual(const grove__cell *c, const grove_method *m, const void *arg)
{
  return m && m->run && m->arg && m->reply && arg && m->owner == grove__cell_class(c) && !m->arg->holds &&
         m->arg->bytes <= ROOM;
}

// The cell of an address that is here and alive; NULL: it is not, or there is more to be looked at.
static inline grove__cell *find(grove__system *y, grove_ref to)
{
  grove__cell *c = grove__has_tag(y, to.where) ? grove__slab_at(&y->cells, (uint32_t)to.where) : NULL;
  // ORDER acquire, PAIRS the release store in grove_spawn: the cell of this life is seen whole.
  return c && to.which && atomic_load_explicit(&c->life, memory_order_acquire) == to.which ? c : NULL;
}

// As count_and_stamp of call.c: counted before it is sent, so that nobody ever sees more handled than were sent.
static inline void stamp(grove__worker *w, grove__cell *c, grove__kind *k, grove__message *x)
{
  uint8_t timed = grove__kind_timing(grove__tally_add(k->line, w->line, GROVE__TALLY_SENDS, 1), c);
  x->letter.watched = timed;
  x->letter.at = GROVE__UNLIKELY(timed) ? grove__now(c->system) : grove__worker_recent(w);
}

bool grove__send_quickly(grove__activation *a, grove_ref to, const grove_method *m, const void *arg)
{
  grove__system *y = a->here.system;
  grove__worker *w = a->worker;
  grove__cell *c = find(y, to);
  if (!c || !w->plain || y->ledger->most || !is_usual(c, m, arg) || grove__wants(y, GROVE__FOLLOWED) ||
      GROVE__CLASS(m->owner, full) == GROVE_FULL_DROP_OLD || grove__mailbox_is_accounted(&c->mailbox)) {
    return false;
  }
  grove__kind *k = grove__cell_kind(c);
  grove__message *x = grove__blocks_take_usual(&w->stash.blocks, grove__message_bytes(m));
  if (!x) {
    return false;
  }
  bool queued = false;
  grove__message_begin(x, m, grove__message_bytes(m), 0);
  copy_few(x->argument, arg, m->arg->bytes);
  stamp(w, c, k, x);
  if (grove__mailbox_push_quickly(&c->mailbox, to.which, &x->letter, &queued)) {
    grove__kind_count(k, w, GROVE__TALLY_SENDS, UINT64_MAX); // one less; not of whoever has the slot by now
    grove__blocks_give(&y->sched.blocks, &w->stash.blocks, x, x->letter.bytes);
    return false;
  }
  if (queued && !grove__sched_put_quickly(w, &c->task)) {
    grove__sched_put(&y->sched, &c->task);
  }
  return true;
}
