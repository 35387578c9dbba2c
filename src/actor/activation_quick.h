// How an activation begins, and all that happens to a plain message (letter.plain) that nobody watches, in line: no more than
// that needs. What turns out to need more goes the way of activation.c, from where it is.
#ifndef GROVE_ACTOR_ACTIVATION_QUICK_H
#define GROVE_ACTOR_ACTIVATION_QUICK_H
#include "actor/future_quick.h"
#include "actor/run.h"

/// What is the same in all of a worker's that begin, on one strand: all but cell, method, message, and since when.
static inline void grove__activation_prepare(grove__activation *a, grove__system *y, grove__worker *w)
{
  a->here.kind = GROVE__HERE_ACTIVATION;
  a->here.system = y;
  a->stand.low = w->low;
  a->worker = w;
  a->deadline = INT64_MAX;
  memset(a->begins, 0, sizeof a->begins);
  w->context = a;
}

static inline void grove__activation_begin_quickly(
    grove__activation *a, grove__cell *c, grove__worker *w, const grove_method *m)
{
  grove__activation_prepare(a, grove__cell_system(c), w);
  a->cell = c;
  a->method = m;
  if (GROVE__UNLIKELY(c->active++)) { // another one waits, and that is what the cell shows
    grove__cell_show(c, GROVE_PHASE_IDLE);
  }
  int64_t since = a->since = grove__worker_recent(w);
  grove__cell_show_method(c, m, since);
}

/// Begins the call of a message. False: nobody wants it any more.
static inline bool grove__activation_begin_call(grove__activation *a, grove__message *m)
{
  grove__future *f = m->future;
  if (!f) {
    return true;
  }
  if (!grove__future_begin_quickly(f, a)) {
    return grove__activation_begin_call_slowly(a, m);
  }
  a->call = f;
  grove__cell_show_call(a->cell, f->index + 1);
  return true;
}

/// Answers the call of a method that has returned GROVE_OK with a plain reply.
static inline void grove__activation_answer_plainly(grove__activation *a, void *reply)
{
  grove__future *call = a->call;
  grove__activation_forget_call(a);
  if (!grove__future_finish_quickly(a->here.system, call, reply, a->method->reply->bytes)) {
    grove__activation_answer_slowly(a, call, reply);
  }
}

/// The end of one that nothing is left of: it owns no future and never waited.
static inline void grove__activation_end_quickly(grove__activation *a)
{
  grove__cell *c = a->cell;
  if (GROVE__UNLIKELY(a->owned || a->words || a->listed || c->active != 1)) {
    grove__activation_end(a);
    return;
  }
  c->active = 0;
  a->worker->context = NULL;
  grove__cell_show_no_method(c);
}

/// Runs a plain message that nobody watches, on a worker that is plain, and is done with it. *w: where it ended.
static inline void grove__message_run_plainly(grove__cell *c, grove__worker **w, grove__message *m)
{
  grove__activation a;
  _Alignas(16) unsigned char reply[GROVE__REPLY_PLAIN];
  const grove_method *method = m->method;
  grove__activation_begin_quickly(&a, c, *w, method);
  a.message = m;
  if (!grove__activation_begin_call(&a, m)) {
    grove__activation_leave(&a, w);
    return;
  }
  memset(reply, 0, sizeof reply);
  grove_status s = method->run(&a.here, grove__cell_state(c), m->argument, reply);
  if (GROVE__UNLIKELY(s || a.deferred || a.worker != *w)) {
    grove__activation_finish(&a, s, reply, 0);
    grove__activation_leave(&a, w);
    return;
  }
  grove__cell_count(&c->handled);
  grove__tally_one(grove__cell_tally(c), a.worker->line, GROVE__TALLY_HANDLED);
  if (a.call) {
    grove__activation_answer_plainly(&a, reply);
  }
  grove__activation_end_quickly(&a);
  if (!grove__blocks_give_usual(&a.worker->stash.blocks, m, m->letter.bytes)) {
    grove__message_destroy_slowly(a.here.system, a.worker, m);
  }
}
#endif
