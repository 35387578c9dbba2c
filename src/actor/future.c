// Slots of futures: making, ending, freeing.
#include "actor/ties.h"
#include "actor/future_quick.h"
#include <stdio.h>

// As a slot is that nobody has: future_word.h, fact 3. The rest is written when it is made.
static void be_plain(grove__future *f)
{
  f->kind = GROVE__FUTURE_CALL;
  f->then_queued = f->full = f->handed_on = f->more = false;
  f->status = GROVE_OK;
  f->nodes = NULL;
  f->reply = f->inline_reply;
  f->then = NULL;
  f->error = NULL;
  f->deadline = f->call_deadline = INT64_MAX;
  f->watched = NULL;
  f->follower = (grove_future){0, 0};
}

grove_status grove__future_init(void *future, uint32_t index, void *system)
{
  grove__future *f = future;
  f->index = index;
  f->system = system;
  be_plain(f);
  // ORDER release, PAIRS grove__future_lock_handle.
  atomic_store_explicit(&f->word, grove__future_word_free(1), memory_order_release);
  return GROVE_OK;
}

static bool is_failed_handle(uint64_t slot)
{
  return slot == UINT32_MAX;
}

static grove_status create(grove__system *y, grove__activation *here, grove__stash *stash,
    const grove_type *reply, bool held, uint64_t most_outside, grove__future **out)
{
  uint32_t index;
  bool limit;
  // Relaxed: a limit, kept as closely as threads at the same moment allow.
  if (!here && atomic_load_explicit(&y->outside_count, memory_order_relaxed) >= most_outside) {
    return GROVE_ELIMIT;
  }
  void *bytes =
      NULL; // before the slot is taken: then nothing can fail any more, and each one taken will end
  if (reply->bytes > GROVE__REPLY_INLINE) {
    bytes = grove__alloc(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), reply->bytes);
    if (!bytes) {
      return GROVE_ENOMEM;
    }
  }
  grove__future *f = grove__slab_take_by(&y->futures, grove__stash_slots(stash, GROVE__SLOTS_FUTURES), &index, &limit);
  if (!f) {
    grove__free(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), bytes, reply->bytes);
    return limit ? GROVE_ELIMIT : GROVE_ENOMEM;
  }
  // Nobody has it: future_word.h, fact 1. The rest is as it was left.
  f->ended = f->begun = false;
  f->held = held;
  if (bytes) {
    f->reply = bytes;
    f->more = true;
  }
  grove__future_use(f, here, reply, GROVE_NOBODY, NULL);
  *out = f;
  return GROVE_OK;
}

grove_status grove__future_create(grove__system *y, grove__activation *here, grove__stash *stash,
    const grove_type *reply, bool held, grove__future **out)
{
  return create(y, here, stash, reply, held, y->options.max_outside, out);
}

void grove__future_limit_words(grove__system *y, char *out, size_t room)
{
  snprintf(out, room,
      "max_outside (%u) futures of outside threads are unspent: get or drop them, or raise it",
      (unsigned)y->options.max_outside);
}

enum { FAILURES = 64 }; // beyond max_outside, so that the error that it gives has words, too

grove_future grove__future_of_failure(
    grove__system *y, grove__activation *here, const grove_error *err)
{
  static const grove_type none = {
      sizeof(grove_type), sizeof(grove_none), "grove_none", GROVE_TYPE_PLAIN, 0, NULL, NULL, NULL};
  grove__future *f;
  uint64_t most = (uint64_t)y->options.max_outside + FAILURES;
  grove_status s = create(y, here, NULL, &none, false, most, &f);
  if (s) {
    return grove__future_failed(
        err->status, s == GROVE_ELIMIT ? GROVE__WHY_OUTSIDE : GROVE__WHY_UNKNOWN);
  }
  grove_future h = grove__future_handle(f);
  grove__future_open(f);
  grove__future_end(f, err->status, NULL, err);
  return h;
}

// Nobody holds it: the slot is free, and every handle to it is stale. With its lock, which is let go.
static void free_locked(grove__future *f)
{
  grove__system *y = f->system;
  void *reply = f->reply;
  grove_error *error = f->error;
  const grove_type *type = grove__future_type(f);
  bool full = f->full, allocated = reply != f->inline_reply;
  _Alignas(16) unsigned char copy[GROVE__REPLY_INLINE];
  if (full && !allocated) {
    memcpy(copy, reply, type->bytes);
  }
  grove__promise_untie_locked(f);
  if (f->deadline != INT64_MAX) {
    grove__timer_cancel(&y->sched.timers, &f->timer);
  }
  be_plain(f);
  grove__future_leave_free(f);
  grove__slab_give(&y->futures, f->index);
  if (full) { // a reply that nobody took; its data's destructors run with no lock held
    grove__value_release(type, allocated ? reply : copy);
  }
  if (allocated) {
    grove__free(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), reply, type->bytes);
  }
  grove__free(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), error, sizeof *error);
}

void grove__future_unlock(grove__future *f)
{
  grove__system *y = f->system;
  grove_future follower = f->ended ? f->follower : (grove_future){0, 0};
  if (follower.generation) {
    f->follower = (grove_future){0, 0};
  }
  if (f->owner == GROVE__OWNER_NONE && !f->held && f->ended) {
    free_locked(f);
  } else {
    grove__future_leave(f);
  }
  grove_status status;
  if (follower.generation &&
      (f = grove__future_lock_handle(y, follower.slot, follower.generation, &status))) {
    grove__future_cancel_locked(f);
    grove__future_unlock(f);
  }
}

grove__future *grove__future_lock_handle(
    grove__system *y, uint64_t slot, uint64_t generation, grove_status *status)
{
  if (is_failed_handle(slot)) {
    *status = grove__why_status(generation);
    return NULL;
  }
  *status = GROVE_ESPENT;
  generation &= ~GROVE__GIVEN;
  grove__future *f = generation ? grove__future_slot(y, (grove_future){slot, generation}) : NULL;
  // ORDER acquire, PAIRS grove__future_init: a handle may be made up, and its slot never have been used.
  uint64_t w = f ? atomic_load_explicit(&f->word, memory_order_acquire) : 0;
  if (!w || w == grove__future_word_free(1)) {
    *status = GROVE_EINVAL;
    return NULL;
  }
  if (!grove__future_lock_used(f, generation)) {
    return NULL;
  }
  *status = GROVE_OK;
  return f;
}

// An ended future with a then-function: to the actor that keeps it, or to the host.
void grove__future_queue_then_locked(grove__future *f)
{
  grove__system *y = f->system;
  if (!f->then || f->then_queued) {
    return;
  }
  f->then_queued = true;
  grove__cell *c = grove__future_owner_cell(f);
  if (c) {
    grove__mutex_lock(&c->lock);
    if (grove__cell_is_locked(c, atomic_load_explicit(&f->owner_life, memory_order_relaxed))) {
      grove__then_put_locked(c, f);
      grove__cell_look_locked(c);
      grove__sched_notify(&y->sched, &c->task);
    }
    grove__mutex_unlock(&c->lock);
    return;
  }
  f->queue_next = NULL;
  grove__mutex_lock(&y->outside_lock);
  if (y->ready_first) {
    y->ready_last->queue_next = f;
  } else {
    y->ready_first = f;
  }
  y->ready_last = f;
  if (y->has_notify) {
    grove__notify_raise(&y->notify);
  }
  grove__mutex_unlock(&y->outside_lock);
}

// A call that ends before it begins lies in a mailbox still.
static void tell_receiver(const grove__future *f)
{
  grove__cell *c;
  if (f->kind == GROVE__FUTURE_CALL && !f->begun && !grove__cell_find(f->system, f->to, &c)) {
    // Relaxed: a hint; who takes it locks each future. If the cell is another's by now, that one looks in vain.
    atomic_store_explicit(&c->stale, true, memory_order_relaxed);
  }
}

bool grove__future_end_locked(
    grove__future *f, grove_status s, const void *reply, const grove_error *err)
{
  if (f->ended) {
    return false;
  }
  grove__system *y = f->system;
  f->ended = true;
  tell_receiver(f);
  f->status = s;
  f->more = f->more || s;
  grove__future_count_end(y, f);
  if (s == GROVE_OK) {
    const grove_type *type = grove__future_type(f);
    memcpy(f->reply, reply, type->bytes);
    f->full = type->holds > 0;
    f->more = f->more || f->full;
  } else if (err && f->owner != GROVE__OWNER_NONE) {
    f->error = grove__alloc(grove__memory_of(y->memory, GROVE__MEMORY_FUTURES), sizeof *f->error);
    if (f->error) {
      *f->error = *err; // no memory: the status alone must do
    }
  }
  grove__future_fire_locked(f);
  grove__future_queue_then_locked(f);
  return true;
}

void grove__future_fire_locked(grove__future *f)
{
  grove__wait_node *next;
  for (grove__wait_node *n = f->nodes; n; n = next) {
    next = n->next;
    n->listed = false; // the waiter's frame stays while this lock is held
    // ORDER acq_rel: who waits for several sees all of them ended. PAIRS itself, and the load in grove_wait.
    if (atomic_fetch_sub_explicit(&n->waiter->left, 1, memory_order_acq_rel) == 1) {
      grove__waiter_fire(n->waiter, GROVE__WOKEN_ENDED);
    }
  }
  f->nodes = NULL;
}

bool grove__future_end(grove__future *f, grove_status s, const void *reply, const grove_error *err)
{
  grove__future_lock(f);
  bool ended = grove__future_end_locked(f, s, reply, err);
  grove__future_unlock(f);
  return ended;
}

bool grove__future_finish(grove__future *f, grove_status s, const void *reply)
{
  grove__future_lock(f);
  bool ended = grove__future_end_locked(f, s, reply, NULL);
  f->held = false;
  grove__future_set_running(f, NULL);
  grove__future_unlock(f);
  return ended;
}

void grove__future_let_go(grove__future *f)
{
  grove__future_lock(f);
  f->held = false;
  grove__future_set_running(f, NULL);
  grove__future_unlock(f);
}

void grove__futures_end_queued(grove__system *y, grove_ref to, const grove_error *why)
{
  uint32_t made = grove__slab_made(&y->futures);
  for (uint32_t i = 0; i < made; i++) {
    grove__future *f = grove__slab_at(&y->futures, i);
    if (!grove__future_lock_used(f, 0)) {
      continue;
    }
    if (f->kind == GROVE__FUTURE_CALL && !f->ended && !f->begun && grove_ref_equal(f->to, to)) {
      grove__future_end_locked(f, why->status, NULL, why);
    }
    grove__future_unlock(f);
  }
}

// Tells the activation that runs the call that nobody wants it any more.
static void tell_running_locked(grove__future *f)
{
  grove__activation *a = grove__future_running(f);
  if (!a) {
    return;
  }
  atomic_store_explicit(
      &a->over, true, memory_order_relaxed); // a request; the wait below is told under a lock
  if (a->cell && !grove__activation_finishes(a)) {
    grove__mutex_lock(&a->cell->lock);
    grove__activation_cancel_locked(a);
    grove__mutex_unlock(&a->cell->lock);
  }
}

void grove__future_expire_locked(grove__future *f, const grove_error *err)
{
  if (!f->ended) {
    tell_running_locked(f);
    grove__future_end_locked(f, err->status, NULL, err);
  }
}

// A request: ends what has not begun, and what nobody will answer from inside a method.
void grove__future_cancel_locked(grove__future *f)
{
  if (f->ended) {
    return;
  }
  if (grove__future_running(f)) {
    tell_running_locked(f);
    return;
  }
  grove_error err = {.status = GROVE_ECANCELED, .at = -1, .who = f->to};
  snprintf(err.text, sizeof err.text, "%.60s: cancelled before it was answered",
      f->method && f->method->name ? f->method->name : "it");
  grove__future_end_locked(f, GROVE_ECANCELED, NULL, &err);
}

void grove__future_spend_locked(grove__future *f)
{
  grove__future_disown(f, f->owner);
  f->owner = GROVE__OWNER_NONE;
}

void grove__future_spent_quickly(grove__future *f, const grove__activation *here)
{
  grove__system *y = f->system;
  grove__future_disown(f, here ? GROVE__OWNER_ACTIVATION : GROVE__OWNER_OUTSIDE);
  if (here && here->worker->plain &&
      grove__slab_give_quickly(&here->worker->stash.slots[GROVE__SLOTS_FUTURES], f->index)) {
    return;
  }
  grove__stash *stash = grove__stash_open(y, here);
  grove__slab_give_by(&y->futures, grove__stash_slots(stash, GROVE__SLOTS_FUTURES), f->index);
  grove__stash_close(here, stash);
}

void grove__future_drop(grove__future *f, uint64_t generation)
{
  if (!grove__future_lock_used(f, generation)) {
    return;
  }
  if (f->owner == GROVE__OWNER_NONE) {
    grove__future_leave(f);
    return;
  }
  grove__future_spend_locked(f);
  f->then = NULL;
  if (!f->ended) {
    tell_running_locked(f);
    grove__future_end_locked(f, GROVE_ECANCELED, NULL, NULL);
  }
  grove__future_unlock(f);
}

void grove__futures_drop_all(grove__future **list)
{
  grove__future *f;
  while ((f = *list)) {
    grove__future_drop(f, grove__future_handle(f).generation);
  }
}

// ---- for those who use them -----------------------------------------------------------------------------

grove__future *grove__future_lock_mine(
    grove__system *y, grove_future h, const grove__activation *here, grove_status *status)
{
  grove__future *f = grove__future_lock_handle(y, h.slot, h.generation, status);
  if (!f) {
    return NULL;
  }
  if (f->owner == GROVE__OWNER_NONE || f->then) { // a then-function has taken it over
    *status = GROVE_ESPENT;
  } else if (!grove__future_is_owner(f, here)) {
    *status = GROVE_EINVAL;
  } else {
    return f;
  }
  grove__future_leave(f);
  return NULL;
}

grove__future *grove__future_enter(
    grove *g, grove_future h, grove__activation **here, grove_status *status)
{
  grove__system *y;
  *status = grove__enter(g, &y, here);
  return *status ? NULL : grove__future_lock_mine(y, h, *here, status);
}

bool grove__future_is_owner(const grove__future *f, const grove__activation *here)
{
  if (!here) {
    return f->owner == GROVE__OWNER_OUTSIDE;
  }
  return f->owner != GROVE__OWNER_OUTSIDE && grove__future_is_of(f, here->cell);
}

void grove__future_keep_locked(grove__future *f, grove__cell *c)
{
  if (f->owner == GROVE__OWNER_ACTIVATION) {
    grove__future_unlist(f);
    f->owner = GROVE__OWNER_CELL;
    grove__future_list_kept(c, f);
  }
}
