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
  if (here->leaf) {
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

grove_status grove_defer(grove *self)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(self, &y, &here));
  if (!here || !here->cell || !here->message || here->waited || here->taken ||
      here->message->timer || here->cell->one_shot) {
    return GROVE_EINVAL;
  }
  uint32_t limit = grove__class_mailbox(grove__cell_class(here->cell));
  if (here->cell->deferred_count + grove__mailbox_count(&here->cell->mailbox) >= limit) {
    return grove_fail(self, GROVE_EAGAIN, "%u messages are put back or queued, the mailbox's limit",
        (unsigned)limit);
  }
  here->deferred = true;
  return GROVE_OK;
}

void grove__defer_finish(grove__activation *a)
{
  grove__cell *c = a->cell;
  grove__message *m = a->message;
  grove__future *f = a->call;
  m->future = f;
  if (f) { // as it was before it began
    grove__mutex_lock(grove__future_lock(f));
    f->begun = false;
    f->running = NULL;
    grove__mutex_unlock(grove__future_lock(f));
    grove__activation_forget_call(a);
  }
  m->letter.next = NULL;
  if (c->deferred_first) {
    c->deferred_last->next = &m->letter;
  } else {
    c->deferred_first = &m->letter;
  }
  c->deferred_last = &m->letter;
  c->deferred_count++;
}

void grove__cell_undefer(grove__cell *c)
{
  // Back to their lanes, high ones first; within a lane in their old order, before newer ones.
  for (uint32_t lane = GROVE__LANES; lane-- > 0;) {
    grove__letter *mine = NULL, **end = &mine, **at = &c->deferred_first;
    while (*at) {
      grove__letter *l = *at;
      if (l->lane == lane) {
        *at = l->next;
        l->next = NULL;
        *end = l;
        end = &l->next;
      } else {
        at = &l->next;
      }
    }
    grove__mailbox_unpop(&c->mailbox, mine);
  }
  c->deferred_last = NULL;
  c->deferred_count = 0;
}

void grove__cell_deferred_drop(grove__cell *c, const grove_error *why)
{
  grove__letter *l = c->deferred_first;
  c->deferred_first = c->deferred_last = NULL;
  c->deferred_count = 0;
  while (l) {
    grove__letter *next = l->next;
    grove__message_refuse(c, (grove__message *)(void *)l, why);
    l = next;
  }
}

void grove_undefer(grove *self)
{
  grove__system *y;
  grove__activation *here;
  if (!grove__enter(self, &y, &here) && here && here->cell) {
    grove__cell_undefer(here->cell);
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
  if (here && here->cell) {
    grove__cell *c = here->cell;
    if (c->random == 0) { // of seed, place of spawning and restart, whatever thread it runs on
      uint32_t restarts =
          atomic_load_explicit(&c->restarts, memory_order_relaxed); // this turn's own
      c->random = grove__mix64(y->options.seed ^ grove__mix64(c->place + restarts)) | 1;
    }
    return grove__random_next(&c->random);
  }
  grove__mutex_lock(&y->random_lock);
  uint64_t x = grove__random_next(&y->random);
  grove__mutex_unlock(&y->random_lock);
  return x;
}
