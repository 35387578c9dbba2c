// Keyed timers of actors. One tick of a timer waits in the mailbox at most: the message is the timer's own, made with
// it. Strict: a tick is told by its timer's serial number, so after set or clear nothing of the old one is handled.
#include "actor/activation.h"
#include "actor/run.h"

struct grove__cell_timer {
  grove__cell_timer *next;
  uint64_t key, serial;
  int64_t period_ns, due;
  grove__timer timer;
  grove__message *tick; // where it is: here, or (sent) in the mailbox
  bool sent;            // guarded by the cell's lock, as due and next
};

// A tick that came too late for its actor's life goes back to its timer, or if that is gone, too, nowhere.
static void take_back(grove__cell *c, grove__message *tick)
{
  grove__mutex_lock(&c->lock);
  grove__cell_timer *t = c->timers;
  while (t && t->tick != tick) {
    t = t->next;
  }
  if (t) {
    t->sent = false;
  }
  grove__mutex_unlock(&c->lock);
  if (!t) {
    grove__message_destroy(c->system, tick);
  }
}

static void is_due(void *user, uint64_t life, uint64_t serial)
{
  grove__cell *c = user;
  grove__mutex_lock(&c->lock);
  grove__cell_timer *t = grove__cell_is_locked(c, life) ? c->timers : NULL;
  while (t && t->serial != serial) {
    t = t->next;
  }
  grove__message *tick = NULL;
  if (t && !t->sent) {
    t->sent = true;
    tick = t->tick;
    tick->letter.at = t->due;
  }
  if (t && t->period_ns) {
    int64_t now = grove__now(c->system);
    int64_t missed = now > t->due ? (now - t->due) / t->period_ns : 0; // not made up for
    int64_t rest = INT64_MAX - t->due;
    t->due = missed + 1 > rest / t->period_ns ? INT64_MAX : t->due + (missed + 1) * t->period_ns;
    grove__timer_set(&c->system->sched.timers, &t->timer, t->due, is_due, c, life, serial);
  }
  grove__mutex_unlock(&c->lock);
  if (tick && grove__mailbox_push(&c->mailbox, life, &tick->letter, true)) {
    take_back(c, tick);
  }
}

static void destroy(grove__cell *c, grove__cell_timer *t)
{
  grove__system *y = c->system;
  grove__timer_cancel(&y->sched.timers, &t->timer);
  grove__mutex_lock(&c->lock);
  bool sent = t->sent;
  t->serial = 0;
  grove__mutex_unlock(&c->lock);
  if (!sent) { // else the tick is in the mailbox, and is freed when it comes out
    grove__message_destroy(y, t->tick);
  }
  grove__free(grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), t, sizeof *t);
}

static grove__cell_timer **find(grove__cell *c, uint64_t key)
{
  grove__cell_timer **at = &c->timers;
  while (*at && (*at)->key != key) {
    at = &(*at)->next;
  }
  return at;
}

static void clear(grove__cell *c, uint64_t key)
{
  grove__mutex_lock(&c->lock);
  grove__cell_timer **at = find(c, key), *t = *at;
  if (t) {
    *at = t->next;
  }
  grove__mutex_unlock(&c->lock);
  if (t) {
    destroy(c, t);
  }
}

void grove__cell_timers_clear(grove__cell *c)
{
  for (;;) {
    grove__mutex_lock(&c->lock);
    grove__cell_timer *t = c->timers;
    if (t) {
      c->timers = t->next;
    }
    grove__mutex_unlock(&c->lock);
    if (!t) {
      return;
    }
    destroy(c, t);
  }
}

bool grove__cell_timer_accepts(grove__cell *c, grove__message *m)
{
  grove__mutex_lock(&c->lock);
  grove__cell_timer *t = c->timers;
  while (t && t->tick != m) {
    t = t->next;
  }
  grove__mutex_unlock(&c->lock);
  if (!t) { // of a timer that was set again or cleared
    grove__message_destroy(c->system, m);
  }
  return t != NULL;
}

void grove__cell_timer_done(grove__cell *c, grove__message *m)
{
  grove__mutex_lock(&c->lock);
  grove__cell_timer **at = &c->timers, *t, *over = NULL;
  while ((t = *at) && t->tick != m) {
    at = &t->next;
  }
  if (t) {
    t->sent = false;
    if (!t->period_ns) {
      *at = t->next;
      over = t;
    }
  }
  grove__mutex_unlock(&c->lock);
  if (over) {
    destroy(c, over);
  } else if (!t) { // cleared by its own method
    grove__message_destroy(c->system, m);
  }
}

grove_status grove_timer_set(grove *self, uint64_t key, int64_t delay_ms, int64_t period_ms,
    const grove_method *m, const void *arg)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(self, &y, &here));
  if (!here || !here->cell || !m || !arg || delay_ms < 0 || period_ms < 0 ||
      m->owner != grove__cell_class(here->cell)) {
    return grove_fail(self, GROVE_EINVAL,
        "a timer wants a method of its own actor's class, an argument, and times of 0 or more");
  }
  GROVE__TRY(grove__timers_ensure(&y->sched.timers));
  grove__cell *c = here->cell;
  grove__cell_timer *t =
      grove__alloc_zero(grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), sizeof *t);
  if (!t) {
    return grove__memory_fail(self, y, GROVE_ENOMEM, "no room for a timer");
  }
  grove_status s = grove__message_create(y, here->worker, m, arg, &t->tick);
  if (s) {
    grove__free(grove__memory_of(y->memory, GROVE__MEMORY_ACTORS), t, sizeof *t);
    return grove__memory_fail(self, y, s, "no room for a timer's message");
  }
  clear(c, key);
  grove__mutex_lock(&c->lock);
  t->key = key;
  t->serial = ++c->timer_serials;
  t->tick->timer = t->serial;
  t->period_ns = period_ms > INT64_MAX / 1000000 ? INT64_MAX : period_ms * 1000000;
  t->due = grove__deadline(grove__now(y), delay_ms);
  t->next = c->timers;
  c->timers = t;
  grove__timer_set(&y->sched.timers, &t->timer, t->due, is_due, c, c->own_life, t->serial);
  grove__mutex_unlock(&c->lock);
  return GROVE_OK;
}

void grove_timer_clear(grove *self, uint64_t key)
{
  grove__system *y;
  grove__activation *here;
  if (!grove__enter(self, &y, &here) && here && here->cell) {
    clear(here->cell, key);
  }
}
