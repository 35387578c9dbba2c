// What a method may do: fail, crash, yield, put back; and the little things that go anywhere.
#include "actor/future.h"
#include "actor/run.h"
#include "base/random.h"
#include <stdarg.h>
#include <stdio.h>

static void keep_words(grove *self, grove_status s, const char *format, va_list args)
{
  grove__system *y;
  grove__activation *here;
  if (grove__enter(self, &y, &here) || !here) {
    return;
  }
  grove_error err;
  grove__error_v(&err, s, -1, format, args);
  grove__activation_words(here, &err);
}

grove_status grove_fail(grove *self, grove_status s, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  keep_words(self, s, format, args);
  va_end(args);
  return s;
}

grove_status grove_fail_with(grove *self, const grove_error *err)
{
  grove__system *y;
  grove__activation *here;
  if (!err) {
    return GROVE_EINVAL;
  }
  if (!grove__enter(self, &y, &here) && here) {
    grove__activation_words(here, err);
  }
  return err->status;
}

grove_status grove_crash(grove *self, grove_status s, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  keep_words(self, s ? s : GROVE_EDEAD, format, args);
  va_end(args);
  return GROVE__CRASHED;
}

grove_status grove_yield(grove *self)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(self, &y, &here));
  if (!here) {
    return GROVE_OK;
  }
  if (grove__activation_is_leaf(here)) {
    return GROVE_EINVAL;
  }
  if (grove__activation_is_canceled(here)) {
    return GROVE_ECANCELED;
  }
  if (!here->cell || grove__worker_is_native(here->worker) ||
      !grove__worker_is_wanted(here->worker)) {
    return GROVE_OK;
  }
  return grove__yield_turn(here);
}

// Of the calls that were put back those that have ended meanwhile, cancelled or expired, give back their places. False: there
// was none.
static bool forgo_ended(grove__cell *c)
{
  bool found = false;
  if (!atomic_exchange_explicit(&c->stale, false, memory_order_relaxed)) { // relaxed: a hint
    return false;
  }
  // Not those whose methods have not returned yet, which are in no list: each goes round once, and so keeps its order.
  for (uint32_t n = grove__mailbox_listed(&c->mailbox); n > 0; n--) {
    grove__message *m = (grove__message *)(void *)grove__mailbox_take_kept(&c->mailbox);
    if (!m) {
      break;
    }
    bool ended = false;
    if (m->future) {
      grove__future_lock(m->future);
      ended = m->future->ended;
      grove__future_leave(m->future);
    }
    if (ended) {
      grove_error none = {.status = GROVE_ECANCELED}; // it has its own
      grove__mailbox_forgo(&c->mailbox, &m->letter);
      grove__message_refuse(c, m, &none);
      found = true;
    } else {
      grove__mailbox_keep(&c->mailbox, &m->letter);
    }
  }
  return found;
}

static grove_status keep_room(grove__activation *a)
{
  grove__cell *c = a->cell;
  bool force = GROVE__CLASS(grove__cell_class(c), full) == GROVE_FULL_DROP_OLD; // then the oldest makes room
  grove_status s = grove__mailbox_keep_room(&c->mailbox, &a->message->letter, force);
  return s && forgo_ended(c) ? grove__mailbox_keep_room(&c->mailbox, &a->message->letter, force) : s;
}

grove_status grove_defer(grove *self)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(self, &y, &here));
  if (!here || !here->cell || !here->message) {
    return GROVE_EINVAL;
  }
  const char *why = here->waited           ? "its method has waited"
                    : here->taken          ? "its answer was taken as a promise"
                    : grove__message_timer(here->message) ? "a tick comes again by its timer"
                    : grove__cell_is_task(here->cell) ? "a task has no other message"
                                           : NULL;
  if (why) {
    return grove_fail(self, GROVE_EINVAL, "%.60s can't be put back: %s", here->method->name, why);
  }
  const grove_class *k = grove__cell_class(here->cell);
  if (!here->deferred && !grove__annex_make(here->cell)) {
    return grove__memory_fail(self, y, GROVE_ENOMEM, "no memory to put a message back");
  }
  if (!here->deferred && keep_room(here)) {
    return grove_fail(self, GROVE_EAGAIN,
        "%.60s can't be put back: of %u messages in its mailbox so many are put back that one place is left for what makes "
        "them come again (limits: %u messages, %llu bytes; 0: none; `mailbox`, `mailbox_bytes` of its class)",
        here->method->name, (unsigned)grove__mailbox_count(&here->cell->mailbox),
        (unsigned)grove__class_mailbox(k), (unsigned long long)GROVE__CLASS(k, mailbox_bytes));
  }
  if (!here->deferred) {
    here->deferred = true;
    here->undefers = grove__cell_annex(here->cell)->undefers;
  }
  return GROVE_OK;
}

void grove__defer_finish(grove__activation *a)
{
  grove__cell *c = a->cell;
  grove__message *m = a->message;
  grove__future *f = a->call;
  m->future = f;
  a->message = NULL; // who gives the actor up may take it out of the mailbox and free it
  if (f) { // as it was before it began
    grove__future_lock(f);
    f->begun = false;
    grove__future_set_running(f, NULL);
    grove__future_leave(f);
    grove__activation_forget_call(a);
  }
  // Relaxed: a request, which a call that is not running takes at once.
  if (f && atomic_load_explicit(&a->over, memory_order_relaxed)) {
    grove_error err = {.status = GROVE_ECANCELED, .at = -1, .who = grove__cell_ref(c)};
    snprintf(err.text, sizeof err.text, "%.60s: cancelled, and put back", m->method->name);
    grove__mailbox_forgo(&c->mailbox, &m->letter);
    grove__message_refuse(c, m, &err);
    return;
  }
  if (a->undefers == grove__cell_annex(c)->undefers) {
    grove__mailbox_keep(&c->mailbox, &m->letter);
  } else { // it was called for again before its method returned
    grove__mailbox_return(&c->mailbox, &m->letter);
  }
}

void grove_undefer(grove *self)
{
  grove__system *y;
  grove__activation *here;
  if (!grove__enter(self, &y, &here) && here && here->cell) {
    grove__annex *x = grove__annex_of(here->cell);
    if (x) { // else nothing was ever put back
      x->undefers++;
      grove__mailbox_unkeep(&here->cell->mailbox);
    }
  }
}

grove *grove_runtime(grove *g)
{
  grove__system *y = grove__system_of(g);
  return y ? &y->here : NULL;
}

int64_t grove_now_ns(grove *g)
{
  grove__system *y = grove__system_of(g);
  return y ? grove__now(y) : 0;
}

uint64_t grove_random(grove *g)
{
  grove__system *y;
  grove__activation *here;
  if (grove__enter(g, &y, &here)) {
    return 0;
  }
  grove__cell *c = here ? here->cell : NULL;
  grove__annex *own = c ? grove__annex_make(c) : NULL; // without memory: as outside
  if (own) {
    if (own->random == 0) { // of seed, place of spawning and restart, whatever thread it runs on
      uint32_t restarts = grove__cell_restarts(c);
      own->random = grove__mix64(y->options.seed ^ grove__mix64(own->place + restarts)) | 1;
    }
    return grove__random_next(&own->random);
  }
  grove__mutex_lock(&y->random_lock);
  uint64_t x = grove__random_next(&y->random);
  grove__mutex_unlock(&y->random_lock);
  return x;
}
