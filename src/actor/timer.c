// Keyed timers of actors. One tick of a timer waits in the mailbox at most: the message is the timer's own, made with
// it. Strict: a tick is told by its timer's serial number, so after set or clear nothing of the old one is handled.
//
// They are found by key by who sets and clears, by serial number when a tick is due or comes out of the mailbox: so each
// stands in two lists of a table that grows with their number.
#include "actor/activation.h"
#include "actor/run.h"
#include "base/alloc.h"
#include "base/random.h"

typedef struct timer timer;
struct timer {
  timer *next_by_key, *next_by_serial;
  uint64_t key, serial;
  int64_t period_ns, due;
  grove__timer timer;
  grove__message *tick; // where it is: here, or (sent) in the mailbox
  bool sent;            // guarded by the cell's lock, as due and the lists
};

enum { FIRST_LISTS = 4 };
struct grove__cell_timers {
  uint32_t count, lists; // a power of two; of each kind
  timer *list[];         // by key, then by serial number
};

static size_t table_bytes(uint32_t lists)
{
  return sizeof(grove__cell_timers) + (size_t)lists * 2 * sizeof(timer *);
}

static const grove_allocator *memory_of(grove__cell *c)
{
  return grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_ACTORS);
}

static timer **by_key(grove__cell_timers *x, uint64_t key)
{
  return &x->list[grove__mix64(key) & (x->lists - 1)];
}

static timer **by_serial(grove__cell_timers *x, uint64_t serial)
{
  return &x->list[x->lists + (serial & (x->lists - 1))];
}

static void add_locked(grove__cell_timers *x, timer *t)
{
  timer **key = by_key(x, t->key), **serial = by_serial(x, t->serial);
  t->next_by_key = *key;
  *key = t;
  t->next_by_serial = *serial;
  *serial = t;
  x->count++;
}

static void remove_locked(grove__cell_timers *x, timer *t)
{
  timer **at = by_key(x, t->key);
  while (*at != t) {
    at = &(*at)->next_by_key;
  }
  *at = t->next_by_key;
  at = by_serial(x, t->serial);
  while (*at != t) {
    at = &(*at)->next_by_serial;
  }
  *at = t->next_by_serial;
  x->count--;
}

// The timer of a serial number; NULL: it was set again, or cleared.
static timer *find_locked(const grove__cell *c, uint64_t serial)
{
  grove__cell_timers *x = grove__cell_annex(c)->timers;
  timer *t = x ? *by_serial(x, serial) : NULL;
  while (t && t->serial != serial) {
    t = t->next_by_serial;
  }
  return t;
}

// A tick that came too late for its actor's life goes back to its timer, or if that is gone, too, nowhere.
static void take_back(grove__cell *c, grove__message *tick)
{
  grove__mutex_lock(&c->lock);
  timer *t = find_locked(c, grove__message_timer(tick));
  if (t) {
    t->sent = false;
  }
  grove__mutex_unlock(&c->lock);
  if (!t) {
    grove__message_destroy(grove__cell_system(c), tick);
  }
}

static void is_due(void *user, uint64_t life, uint64_t serial)
{
  grove__cell *c = user;
  grove__mutex_lock(&c->lock);
  timer *t = grove__cell_is_locked(c, life) ? find_locked(c, serial) : NULL;
  grove__message *tick = NULL;
  uint64_t missed = t && t->sent; // not made up for
  if (t && !t->sent) {
    t->sent = true;
    tick = t->tick;
    tick->letter.at = t->due;
  }
  if (t && t->period_ns) {
    int64_t now = grove__now(grove__cell_system(c));
    int64_t late = now > t->due ? (now - t->due) / t->period_ns : 0;
    int64_t rest = INT64_MAX - t->due;
    t->due = late + 1 > rest / t->period_ns ? INT64_MAX : t->due + (late + 1) * t->period_ns;
    missed += (uint64_t)late;
    grove__timer_set(&grove__cell_system(c)->sched.timers, &t->timer, t->due, is_due, c, life, serial);
  }
  if (missed) {
    grove__count(&grove__cell_kind(c)->missed, missed);
  }
  grove__mutex_unlock(&c->lock);
  if (tick && grove__cell_push(c, life, &tick->letter, true)) {
    take_back(c, tick);
  }
}

// Of one that stands in no list any more.
static void destroy(grove__cell *c, timer *t)
{
  grove__system *y = grove__cell_system(c);
  grove__timer_cancel(&y->sched.timers, &t->timer);
  grove__mutex_lock(&c->lock);
  bool sent = t->sent;
  grove__mutex_unlock(&c->lock);
  if (!sent) { // else the tick is in the mailbox, and is freed when it comes out
    grove__message_destroy(y, t->tick);
  }
  grove__free(memory_of(c), t, sizeof *t);
}

static void clear(grove__cell *c, uint64_t key)
{
  grove__mutex_lock(&c->lock);
  grove__cell_timers *x = grove__cell_annex(c)->timers;
  timer *t = x ? *by_key(x, key) : NULL;
  while (t && t->key != key) {
    t = t->next_by_key;
  }
  if (t) {
    remove_locked(x, t);
  }
  grove__mutex_unlock(&c->lock);
  if (t) {
    destroy(c, t);
  }
}

void grove__cell_timers_clear(grove__cell *c)
{
  grove__mutex_lock(&c->lock);
  grove__annex *annex = grove__annex_of(c);
  grove__cell_timers *x = annex ? annex->timers : NULL;
  if (x) {
    annex->timers = NULL; // from here on nobody finds them
  }
  grove__mutex_unlock(&c->lock);
  timer *t;
  for (uint32_t i = 0; x && i < x->lists; i++) {
    while ((t = x->list[i])) {
      x->list[i] = t->next_by_key;
      destroy(c, t);
    }
  }
  grove__free(memory_of(c), x, x ? table_bytes(x->lists) : 0);
}

bool grove__cell_timer_accepts(grove__cell *c, grove__message *m)
{
  grove__mutex_lock(&c->lock);
  timer *t = find_locked(c, grove__message_timer(m));
  grove__mutex_unlock(&c->lock);
  if (!t) { // of a timer that was set again or cleared
    grove__message_destroy(grove__cell_system(c), m);
  }
  return t != NULL;
}

void grove__cell_timer_done(grove__cell *c, grove__message *m)
{
  grove__mutex_lock(&c->lock);
  timer *t = find_locked(c, grove__message_timer(m));
  bool over = t && !t->period_ns;
  if (t) {
    t->sent = false;
  }
  if (over) {
    remove_locked(grove__cell_annex(c)->timers, t);
  }
  grove__mutex_unlock(&c->lock);
  if (over) {
    destroy(c, t);
  } else if (!t) { // cleared by its own method
    grove__message_destroy(grove__cell_system(c), m);
  }
}

// Lists for one timer more. In a turn of the actor, so nobody else adds or removes. Without memory longer lists must do.
static grove_status make_room(grove__cell *c)
{
  grove__annex *annex = grove__annex_make(c);
  if (!annex) {
    return GROVE_ENOMEM;
  }
  grove__cell_timers *old = annex->timers;
  if (old && old->count < 2 * old->lists) {
    return GROVE_OK;
  }
  uint32_t lists = old ? 4 * old->lists : FIRST_LISTS;
  grove__cell_timers *x =
      lists > UINT32_MAX / 8 ? NULL : grove__alloc_zero(memory_of(c), table_bytes(lists));
  if (!x) {
    return old ? GROVE_OK : GROVE_ENOMEM;
  }
  x->lists = lists;
  grove__mutex_lock(&c->lock);
  timer *t;
  for (uint32_t i = 0; old && i < old->lists; i++) {
    while ((t = old->list[i])) {
      old->list[i] = t->next_by_key;
      add_locked(x, t);
    }
  }
  annex->timers = x;
  grove__mutex_unlock(&c->lock);
  grove__free(memory_of(c), old, old ? table_bytes(old->lists) : 0);
  return GROVE_OK;
}

static grove_status create(
    grove__activation *here, const grove_method *m, const void *arg, timer **out)
{
  grove__cell *c = here->cell;
  GROVE__TRY(make_room(c));
  timer *t = grove__alloc_zero(memory_of(c), sizeof *t);
  if (!t) {
    return GROVE_ENOMEM;
  }
  grove_status s = grove__message_create(grove__cell_system(c), grove__stash_of(here), m, arg, true, &t->tick);
  if (s) {
    grove__free(memory_of(c), t, sizeof *t);
    return s;
  }
  *out = t;
  return GROVE_OK;
}

grove_status grove_timer_set(grove *self, uint64_t key, int64_t delay_ms, int64_t period_ms,
    const grove_method *m, const void *arg)
{
  grove__system *y;
  grove__activation *here;
  timer *t;
  GROVE__TRY(grove__enter(self, &y, &here));
  if (!here || !here->cell || !m || !arg || delay_ms < 0 || period_ms < 0 ||
      m->owner != grove__cell_class(here->cell)) {
    return grove_fail(self, GROVE_EINVAL,
        "a timer wants a method of its own actor's class, an argument, and times of 0 or more");
  }
  GROVE__TRY(grove__timers_ensure(&y->sched.timers));
  grove__cell *c = here->cell;
  grove_status s = create(here, m, arg, &t);
  if (s) {
    return grove__memory_fail(self, y, s, "no room for a timer");
  }
  clear(c, key);
  grove__mutex_lock(&c->lock);
  t->key = key;
  grove__annex *x = grove__annex_of(c); // made with its lists
  t->serial = ++x->timer_serials;
  *grove__message_number(t->tick) = t->serial;
  t->tick->letter.kind = GROVE__LETTER_LASTING;
  // Followed: nobody sends it, so whether spans are wanted is seen when it runs.
  t->tick->letter.watched |= GROVE__WATCHED_TICK | GROVE__WATCHED_FOLLOWED;
  t->period_ns = period_ms > INT64_MAX / 1000000 ? INT64_MAX : period_ms * 1000000;
  t->due = grove__deadline_in(y, delay_ms);
  add_locked(x->timers, t);
  grove__timer_set(&y->sched.timers, &t->timer, t->due, is_due, c, grove__cell_life(c), t->serial);
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
