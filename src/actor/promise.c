// The other end of a future: calls that are answered later, and futures that a host's own callback ends.
#include "actor/ties.h"
#include "actor/run.h"
#include <stdio.h>

// The promise of a send: nobody waits for it.
#define NOBODYS ((grove_promise){UINT32_MAX - 1, 1})

// ---- the list of a cell's promises, and of its watchers ----------------------------------------------------
// Both are lists of futures that a cell's lock guards. Promises that were handed on stand in front, which is where a search for
// circles looks for them: there may be very many behind.

static void unlink_locked(grove__cell *c, grove__future *f)
{
  bool promise = f->kind == GROVE__FUTURE_CALL;
  uintptr_t list = promise ? GROVE__TIED_PROMISES : GROVE__TIED_WATCHERS;
  grove__future *first = grove__tied(c, list);
  if (f == first) {
    first = f->watch_next;
    grove__tie(c, list, first);
  } else {
    f->watch_prev->watch_next = f->watch_next;
  }
  if (f->watch_next) {
    f->watch_next->watch_prev = f->watch_prev;
  } else if (promise && first) {
    first->watch_prev = f->watch_prev; // the last one now
  }
}

static void link_promise_locked(grove__cell *c, grove__future *f)
{
  grove__future *first = grove__tied(c, GROVE__TIED_PROMISES), *last = first ? first->watch_prev : f;
  f->watch_prev = last;
  if (first && !f->handed_on) {
    f->watch_next = NULL;
    last->watch_next = f;
    first->watch_prev = f; // the last one now
    return;
  }
  f->watch_next = first;
  if (first) {
    first->watch_prev = f;
  }
  grove__tie(c, GROVE__TIED_PROMISES, f);
}

void grove__promise_untie_watched_locked(grove__future *f)
{
  grove__cell *c = f->watched;
  grove__mutex_lock(&c->lock);
  if (f->watched) {
    unlink_locked(c, f);
    f->watched = NULL;
  }
  grove__mutex_unlock(&c->lock);
}

// With its lock.
static void hand_on_locked(grove__future *f, bool handed_on)
{
  grove__cell *c = f->watched;
  if (!c || f->kind != GROVE__FUTURE_CALL) {
    f->handed_on = handed_on;
    return;
  }
  grove__mutex_lock(&c->lock); // read with either of the two
  unlink_locked(c, f);
  f->handed_on = handed_on;
  link_promise_locked(c, f);
  grove__mutex_unlock(&c->lock);
}

// ---- taking ------------------------------------------------------------------------------------------------

grove_promise grove__promise_take(grove__activation *a)
{
  grove__future *f = a->call;
  grove__cell *c = a->cell;
  a->taken = true;
  if (!f) {
    return NOBODYS;
  }
  grove__future_lock(f);
  grove_future h = grove__future_handle(f);
  grove__mutex_lock(&c->lock);
  a->call = NULL;
  f->watched = c;
  f->more = true;
  link_promise_locked(c, f);
  grove__mutex_unlock(&c->lock);
  f->held = false;
  grove__future_set_running(f, NULL);
  grove__future_unlock(
      f); // the caller may have gone: then the slot is free, and the promise too late
  return (grove_promise){h.slot, h.generation};
}

grove_status grove_promise_take(grove *self, grove_promise *out)
{
  grove__system *y;
  grove__activation *here;
  if (!out) {
    return GROVE_EINVAL;
  }
  *out = (grove_promise){0, 0};
  GROVE__TRY(grove__enter(self, &y, &here));
  if (!here || !here->cell || !here->message || grove__activation_is_leaf(here) || here->deferred) {
    return GROVE_EINVAL;
  }
  if (here->taken) {
    return GROVE_ESPENT;
  }
  *out = grove__promise_take(here);
  return GROVE_OK;
}

grove_status grove_promise_create(
    grove *g, const grove_type *reply, grove_promise *out, grove_future *h)
{
  grove__system *y;
  grove__activation *here;
  grove__future *f;
  if (!reply || !out || !h) {
    return GROVE_EINVAL;
  }
  *out = (grove_promise){0, 0};
  *h = (grove_future){0, 0};
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!here && grove__stopping(y)) {
    return GROVE_ECLOSED;
  }
  GROVE__TRY(grove__future_create(y, here, grove__stash_of(here), reply, false, &f));
  *h = grove__future_handle(f);
  f->kind = GROVE__FUTURE_PROMISE;
  f->more = true;
  grove__future_open(f);
  *out = (grove_promise){h->slot, h->generation};
  return GROVE_OK;
}

static bool is_nobodys(grove_promise p)
{
  return p.slot == NOBODYS.slot;
}

static grove_status answer(
    grove__system *y, grove_promise p, const void *reply, size_t bytes, const grove_error *err)
{
  grove_status status;
  grove__future *f = grove__future_lock_handle(y, p.slot, p.generation, &status);
  if (!f) {
    grove__count(&y->counters.late_answers, 1);
    return GROVE_ESPENT;
  }
  if (!err && (bytes != grove__future_type(f)->bytes || grove__value_borrows(grove__future_type(f), reply))) {
    grove__future_leave(f);
    return GROVE_EINVAL;
  }
  bool open = !f->ended;
  if (open) {
    f->follower = (grove_future){0, 0}; // answered: nobody gave up
    grove__promise_untie_locked(f);
    grove__future_end_locked(f, err ? err->status : GROVE_OK, reply, err);
  }
  grove__future_unlock(f);
  grove__count(&y->counters.late_answers, !open);
  return open ? GROVE_OK : GROVE_ESPENT;
}

grove_status grove_promise_answer(
    grove *g, grove_promise p, grove_status s, const void *reply, size_t bytes)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (is_nobodys(p)) {
    return GROVE_ESPENT; // and what it held stays the caller's
  }
  if (s == GROVE_OK && !reply) {
    return GROVE_EINVAL;
  }
  grove_error err = {.status = s, .at = -1};
  if (s && here && here->words && here->words->status == s) {
    err = *here->words;
  } else if (s) {
    snprintf(err.text, sizeof err.text, "%s", grove_status_text(s));
  }
  return answer(y, p, reply, bytes, s ? &err : NULL);
}

grove_status grove_promise_fail(grove *g, grove_promise p, const grove_error *err)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!err || err->status == GROVE_OK) {
    return GROVE_EINVAL;
  }
  return is_nobodys(p) ? GROVE_ESPENT : answer(y, p, NULL, 0, err);
}

bool grove_promise_wanted(grove *g, grove_promise p)
{
  grove__system *y;
  grove__activation *here;
  grove_status status;
  if (grove__enter(g, &y, &here)) {
    return false;
  }
  if (is_nobodys(p)) {
    return true;
  }
  grove__future *f = grove__future_lock_handle(y, p.slot, p.generation, &status);
  if (!f) {
    return false;
  }
  bool wanted = !f->ended;
  grove__future_leave(f);
  return wanted;
}

// Whether an activation may be found that waits for it, once others see what has become of it: it is registered with it, or its actor
// has one in the graph that may wait for it among others. With its lock, which is let go.
static bool leave_and_ask_who_waits(grove__future *f)
{
  const grove__wait_node *n = f->nodes;
  const grove__cell *owner = grove__future_owner_cell(f);
  while (n && !n->waiter->activation) {
    n = n->next;
  }
  grove__future_leave(f);
  // ORDER seq_cst: after that. PAIRS count_in of deadlock.c, as leads_nowhere does.
  return n || (owner && atomic_load_explicit(&owner->in_graph, memory_order_seq_cst));
}

bool grove__promise_follow(grove *self, grove_promise p, grove_future h, bool handed_on)
{
  grove__system *y;
  grove__activation *here;
  grove_status status;
  if (grove__enter(self, &y, &here) || is_nobodys(p)) {
    return false;
  }
  grove__future *f = grove__future_lock_handle(y, p.slot, p.generation, &status);
  if (!f || f->ended) {
    if (f) {
      grove__future_leave(f);
    }
    grove_cancel(self, h); // nobody wants it already
    return false;
  }
  f->more = true;
  f->follower = (grove_future){h.slot, h.generation & ~GROVE__GIVEN};
  hand_on_locked(f, handed_on);
  return leave_and_ask_who_waits(f);
}

void grove_promise_follow(grove *self, grove_promise p, grove_future h)
{
  (void)grove__promise_follow(self, p, h, false);
}

void grove_serves(grove *self, uint32_t most)
{
  grove__system *y;
  grove__activation *here;
  if (grove__enter(self, &y, &here) || !here || !here->cell) {
    return;
  }
  grove__cell *c = here->cell;
  grove__mutex_lock(&c->lock);
  // Relaxed: the lock is held.
  atomic_store_explicit(&c->task.node.own, most, memory_order_relaxed);
  grove__mutex_unlock(&c->lock);
  if (most) {
    grove__deadlock_fewer(c);
  }
}

void grove__promise_kept(grove__activation *a, grove_promise p)
{
  grove__system *y = a->here.system;
  grove_status status;
  if (is_nobodys(p) || !grove__cell_serves(a->cell)) {
    return;
  }
  grove__future *f = grove__future_lock_handle(y, p.slot, p.generation, &status);
  bool kept = f && !f->ended && !f->handed_on;
  if (f && leave_and_ask_who_waits(f) && kept) {
    grove__deadlock_moved(y, (grove_future){p.slot, p.generation});
  }
}
