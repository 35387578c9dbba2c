// Deadlines of calls, and what is known of a call that has not ended.
#include "actor/future.h"
#include <stdio.h>

static void call_is_due(void *user, uint64_t slot, uint64_t generation)
{
  grove__system *y = user;
  grove_status status;
  grove__future *f = grove__future_lock_handle(y, slot, generation, &status);
  if (!f) {
    return;
  }
  grove_error err;
  char what[180], circle[220] = "";
  grove__future_leave(f);
  grove__future_describe(y, (grove_future){slot, generation}, what, sizeof what);
  (void)grove__deadlock_behind(y, (grove_future){slot, generation}, circle, sizeof circle);
  grove__error(&err, GROVE_EEXPIRED, -1, "the call's deadline passed: %s%s%s", what,
      circle[0] ? "; " : "", circle);
  f = grove__future_lock_handle(y, slot, generation, &status);
  if (f) {
    err.who = f->to;
    grove__future_expire_locked(f, &err);
    grove__future_unlock(f);
  }
}

static void set_expiry_locked(grove__future *f)
{
  grove_future h = grove__future_handle(f);
  f->deadline = f->call_deadline;
  grove__timer_set(&f->system->sched.timers, &f->timer, f->deadline, call_is_due, f->system, h.slot,
      h.generation);
}

static bool is_alive(grove__system *y, grove_ref who)
{
  grove__cell *c;
  bool alive = false;
  if (!grove__cell_find(y, who, &c)) {
    grove__mutex_lock(&c->lock);
    alive = grove__cell_is_locked(c, who.which) && c->phase == GROVE__CELL_ALIVE;
    grove__mutex_unlock(&c->lock);
  }
  return alive;
}

static void say_queued_too_long(grove__system *y, const grove__future *f, grove_error *err)
{
  char title[112], last[200] = "";
  uint32_t queue_ms = 0;
  grove__cell *c;
  grove__ref_title(y, f->to, title, sizeof title);
  if (!grove__cell_find(y, f->to, &c)) {
    grove__mutex_lock(&c->lock);
    if (grove__cell_is_locked(c, f->to.which)) {
      const grove__annex *x = grove__cell_annex(c);
      queue_ms = x->spec.queue_ms;
      snprintf(last, sizeof last, ": %.190s", x->last_words ? x->last_words->text : "");
    }
    grove__mutex_unlock(&c->lock);
  }
  grove__error(err, GROVE_EDEAD, -1, "%.60s to %s: it has not come back within queue_ms (%u)%s",
      f->method->name, title, (unsigned)queue_ms, last);
  err->who = f->to;
}

// While the receiver is between two starts, a call is kept queue_ms; then it ends as dead. One whose receiver is back
// waits for its turn as any other.
static void queue_is_over(void *user, uint64_t slot, uint64_t generation)
{
  grove__system *y = user;
  grove_status status;
  grove__future *f = grove__future_lock_handle(y, slot, generation, &status);
  if (!f) {
    return;
  }
  if (!f->begun && !f->ended && !is_alive(y, f->to)) {
    grove_error err;
    say_queued_too_long(y, f, &err);
    grove__future_end_locked(f, GROVE_EDEAD, NULL, &err);
  } else if (!f->ended && f->call_deadline != INT64_MAX) {
    grove__timer_set(
        &y->sched.timers, &f->timer, f->call_deadline, call_is_due, y, slot, generation);
  }
  grove__future_unlock(f);
}

static void set_queue_end_locked(grove__future *f, int64_t until)
{
  grove_future h = grove__future_handle(f);
  f->deadline = until;
  grove__timer_set(&f->system->sched.timers, &f->timer, until, queue_is_over, f->system, h.slot,
      h.generation);
}

void grove__future_open_call(grove__future *f, int64_t deadline, int64_t queue_until)
{
  if (deadline == INT64_MAX && queue_until == INT64_MAX) {
    grove__future_open(f);
    return;
  }
  f->call_deadline = deadline;
  f->more = true;
  grove__future_open(f);
  grove__future_lock(f); // the clock looks it up, so it is open before
  if (deadline != INT64_MAX) {
    set_expiry_locked(f);
  }
  if (queue_until < deadline) {
    set_queue_end_locked(f, queue_until);
  }
  grove__future_leave(f);
}

void grove__future_describe(grove__system *y, grove_future h, char *out, size_t room)
{
  grove_status status;
  grove__future *f = grove__future_lock_handle(y, h.slot, h.generation, &status);
  snprintf(out, room, "an answer that nobody owes yet");
  if (!f) {
    return;
  }
  grove_ref to = f->to;
  const grove_method *m = f->method;
  const char *phase = grove__future_running(f) ? "running" : f->watched ? "to be answered later" : "queued";
  bool ended = f->ended, ready = f->kind == GROVE__FUTURE_READY;
  grove__future_leave(f);
  if (ended || (!m && !to.where)) {
    return;
  }
  if (!to.where) {
    snprintf(out, room, "%.40s is %s (offloaded)", m->name, phase);
    return;
  }
  char title[112];
  grove__ref_title(y, to, title, sizeof title);
  if (!m) {
    snprintf(out, room, "the %s of %s has not come", ready ? "start" : "end", title);
    return;
  }
  grove__cell *c;
  uint32_t depth = grove__cell_find(y, to, &c) ? 0 : grove__mailbox_count(&c->mailbox);
  snprintf(
      out, room, "%.40s of %s is %s (%u in its mailbox)", m->name, title, phase, (unsigned)depth);
}
