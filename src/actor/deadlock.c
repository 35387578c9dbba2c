// Finding circles of waits.
//
// Who waits for all of some futures, or for room in a mailbox, enters the graph and leaves it: a *hard* wait
// if nothing but what it waits for can end it, else a *soft* one, which ends by itself at a time. An edge leads from it
//   - for a call that runs, to the activation that runs it;
//   - for a call that is queued, for room in a mailbox, and for grove_ready, to the actor: to all of its activations, if
//     all of them wait and none is free (one that is free would take the message);
//     one that its group holds between two lives, to the start of the sibling whose turn it is to start
//   - for a call that was taken as a promise and handed on by grove_call_for, to where that call leads: the promise ends with
//     what it ends with
//   - for one that was taken and is kept, by an actor that says how many calls it hands on at once (grove_serves, a pool), to all
//     of those calls: it is handed on when any of them has ended
//   - for the end of an actor that was asked to end when its methods have returned, however long that takes (grove_exit with
//     GROVE_FOREVER): to the actor, likewise
//   - for everything else (answers to come from outside, other ends of actors, sleep) nowhere: anybody may end an actor.
// A call with a deadline ends by itself, so in a search of hard waits it leads nowhere either. An activation is stuck if *one* of
// its edges is, since it needs all that it waits for; an edge is stuck if *all* that it leads to are, since any of them could
// free the actor. So the search first collects what can be reached, and then takes out who is not stuck until nothing changes:
// a greatest fixed point, for those who are stuck may be so by each other alone. A circle is a way from one who is stuck back
// to himself; who only stands behind one is in none.
//
// Who searches holds graph_lock, and says so (graph_searched). Who enters says what he waits for, counts himself in his actor
// (`in_graph`), and then looks whether any actor that he waits for has somebody counted: if none has, no edge leads from them.
// All of these are in one order (sequentially consistent): so of all that stand in a circle the last one to be counted sees the
// next one counted, searches, and finds all the others. Who first finds it is the victim.
//
// Who leaves takes himself out of the count, and if somebody searches he waits until that is over. So whom a search has found
// waiting stays in memory, and in the same wait, as long as it lasts, and edges between those that it has found can only vanish:
// by a cancel, a deadline, a death. A second look asks whether anybody in a circle was told meanwhile.
//
// An edge may also come while its waiter waits already: when what he asked is handed on, or kept. Then a circle through him is
// looked for, and he is woken with it in words.
// Soft waits and calls with a deadline are looked at when one of them has run out: then the circle that it waited in, or
// behind, is named in its error.
#include "actor/ties.h"
#include "actor/group.h"
#include <stdio.h>

enum {
  MOST = 64, // activations of one actor that are looked at; with more waiting, no circle is claimed
  CANDIDATES = 16, // whom a circle behind a call is looked for at
  HANDED = 16,     // how often a call may be handed on, as a pool does to its member that is a pool
  KEEPERS = 3      // one that keeps a call, whose calls are kept by another, as a pool of pools does
};

typedef struct search {
  grove__system *system;
  uint8_t least; // GROVE__WAITS_HARD: those alone; _SOFT: all
  uint64_t mark;
  grove__activation *first, *last; // reached so far
} search;

// Whether it stands in such a wait, and nobody has told it yet (but the clock, in a search of soft ones).
static bool is_held(const search *s, const grove__activation *a)
{
  // ORDER seq_cst: the count before the rest, see above. PAIRS count_in, grove__deadlock_leave.
  if (a->cell && !atomic_load_explicit(&a->cell->in_graph, memory_order_seq_cst)) {
    return false;
  }
  // ORDER acquire: what it waits for. PAIRS grove__deadlock_enter.
  if (atomic_load_explicit(&a->waits, memory_order_acquire) < s->least || grove__activation_is_canceled(a)) {
    return false;
  }
  // Relaxed: who was told and is not seen here is seen by the second look, or leaves by itself.
  uint32_t reason = atomic_load_explicit(&a->graph_waiter->reason, memory_order_relaxed);
  return reason == GROVE__WAITING || (reason == GROVE__WOKEN_TIME && s->least == GROVE__WAITS_SOFT);
}

// ---- edges ---------------------------------------------------------------------------------------------

// Whether the end of an actor waits for its methods, and for nothing else. With its lock.
static bool ends_with_its_methods_locked(const search *s, const grove__cell *c)
{
  return c->asked && (grove__cell_end_when(c) == INT64_MAX || s->least == GROVE__WAITS_SOFT);
}

// All activations of an actor that has none free, if all are held; 0: no edge. `end`: it is the actor's end that is waited
// for.
static size_t behind_actor(const search *s, grove_ref to, bool end, grove__activation **out)
{
  grove__cell *c;
  size_t n = 0;
  bool all = true;
  if (grove__cell_find(s->system, to, &c)) {
    return 0;
  }
  grove__mutex_lock(&c->lock);
  if (!grove__cell_is_locked(c, to.which) || (end && !ends_with_its_methods_locked(s, c))) {
    grove__mutex_unlock(&c->lock);
    return 0;
  }
  if (!end && grove__cell_is_in_a_group(c) &&
      c->phase == GROVE__CELL_RESTARTING) {
    grove__cell *parent = grove__cell_above(c);
    uint64_t life = grove__cell_life(parent);
    grove__mutex_unlock(&c->lock);
    grove_ref first = grove__group_awaits(parent, life, c);
    return first.where ? behind_actor(s, first, false, out) : 0; // one that starts is not held
  }
  for (grove__activation *a = grove__cell_activations(c); a && all; a = a->next) {
    all = n < MOST && is_held(s, a);
    if (all) {
      out[n++] = a;
    }
  }
  bool full =
      n >= grove__cell_most_active(c) || c->phase == GROVE__CELL_STARTING; // start comes before all messages
  grove__mutex_unlock(&c->lock);
  return all && full ? n : 0;
}

// Whether it is a call that was handed on, and ends with what its follower ends with. With its lock.
static bool is_handed_on_locked(const search *s, const grove__future *f)
{
  return !f->ended && f->watched && f->handed_on &&
         (s->least == GROVE__WAITS_SOFT || f->call_deadline == INT64_MAX);
}

// The future that `h` leads to, along calls that were handed on; locked. NULL: nowhere.
static grove__future *lock_last(const search *s, grove_future h)
{
  grove_status status;
  grove__future *f = grove__future_lock_handle(s->system, h.slot, h.generation, &status);
  for (int step = 0; step < HANDED && f && is_handed_on_locked(s, f); step++) {
    h = f->follower;
    grove__future_leave(f);
    f = grove__future_lock_handle(s->system, h.slot, h.generation, &status);
  }
  return f;
}

static size_t behind_future(const search *s, grove_future h, int depth, grove__activation **out);

// Behind what an actor keeps until one of the calls that it has handed on has ended: behind all of those, if it has handed on as
// many as it ever does. 0: no edge.
static size_t behind_keeper(const search *s, grove_ref keeper, int depth, grove__activation **out)
{
  grove__cell *c;
  grove_future call[MOST];
  grove__activation *to[MOST];
  size_t calls = 0, n = 0;
  if (depth >= KEEPERS || grove__cell_find(s->system, keeper, &c)) {
    return 0;
  }
  grove__mutex_lock(&c->lock);
  bool all = grove__cell_is_locked(c, keeper.which) && grove__cell_serves(c) > 0;
  for (grove__future *f = grove__tied(c, GROVE__TIED_PROMISES); all && f && f->handed_on; f = f->watch_next) { // these are in front
    all = calls < MOST;
    if (all) {
      call[calls++] = grove__future_handle(f);
    }
  }
  all = all && calls >= grove__cell_serves(c);
  grove__mutex_unlock(&c->lock);
  for (size_t i = 0; i < calls && all; i++) {
    size_t more = behind_future(s, call[i], depth + 1, to);
    all = more > 0 && n + more <= MOST;
    for (size_t k = 0; k < more && all; k++) {
      out[n++] = to[k];
    }
  }
  return all ? n : 0;
}

static size_t behind_future(const search *s, grove_future h, int depth, grove__activation **out)
{
  grove__future *f = lock_last(s, h);
  if (!f) {
    return 0;
  }
  bool open = !f->ended && (s->least == GROVE__WAITS_SOFT || f->call_deadline == INT64_MAX);
  grove__activation *runs = open ? grove__future_running(f) : NULL;
  bool held = runs && is_held(s, runs); // it stays while this lock is held, and then by graph_lock
  bool end = f->kind == GROVE__FUTURE_DOWN;
  bool kept = open && !runs && f->kind == GROVE__FUTURE_CALL && f->watched && !f->handed_on;
  bool queued = open && !runs &&
                (end || f->kind == GROVE__FUTURE_READY || (f->method && !f->watched && f->to.where));
  grove_ref to = kept ? grove__cell_ref(f->watched) : f->to; // whose life lasts while it is on its list
  grove__future_leave(f);
  if (held) {
    out[0] = runs;
    return 1;
  }
  return kept ? behind_keeper(s, to, depth, out) : queued ? behind_actor(s, to, end, out) : 0;
}

static size_t edges(const grove__activation *a)
{
  return a->waits_room.where ? 1 : a->waits_count;
}

static size_t follow(
    const search *s, const grove__activation *a, size_t edge, grove__activation **out)
{
  return a->waits_room.where ? behind_actor(s, a->waits_room, false, out)
                             : behind_future(s, a->waits_for[edge], 0, out);
}

// ---- the search ----------------------------------------------------------------------------------------

static void reach(search *s, grove__activation *a)
{
  if (a->graph_mark != s->mark) {
    a->graph_mark = s->mark;
    a->graph_to = NULL;
    a->graph_next = NULL;
    a->graph_prev = s->last;
    if (s->last) {
      s->last->graph_next = a;
    } else {
      s->first = a;
    }
    s->last = a;
  }
}

static void lock_graph(grove__system *y)
{
  grove__mutex_lock(&y->graph_lock);
  // ORDER seq_cst: before it looks at who is counted. PAIRS grove__deadlock_leave.
  atomic_store_explicit(&y->graph_searched, true, memory_order_seq_cst);
}

static void unlock_graph(grove__system *y)
{
  // ORDER release: all looks are over. PAIRS grove__deadlock_leave. Who still sees it set takes the lock in vain.
  atomic_store_explicit(&y->graph_searched, false, memory_order_release);
  grove__mutex_unlock(&y->graph_lock);
}

static void begin(search *s, grove__system *y, uint8_t least)
{
  *s = (search){.system = y, .least = least, .mark = ++y->graph_search};
}

// Whether anything that was reached leads straight to self: most often nothing does, and there is no more to be done.
static bool collect(search *s, const grove__activation *self)
{
  grove__activation *to[MOST];
  bool closes = false;
  for (grove__activation *a = s->first; a; a = a->graph_next) {
    for (size_t i = 0; i < edges(a); i++) {
      size_t n = follow(s, a, i, to);
      for (size_t k = 0; k < n; k++) {
        reach(s, to[k]);
        closes = closes || to[k] == self;
      }
    }
  }
  return closes;
}

// Of those that were reached: all, and later those that are not known to get free.
static bool is_stuck(const search *s, const grove__activation *a)
{
  return a->graph_mark == s->mark;
}

// Whether one of its edges leads to such alone; gives the first of them for whom a way back to self is known, or any.
static grove__activation *stuck_behind(
    const search *s, const grove__activation *a, const grove__activation *self)
{
  grove__activation *to[MOST], *any = NULL;
  for (size_t i = 0; i < edges(a); i++) {
    size_t n = follow(s, a, i, to);
    bool all = n > 0;
    for (size_t k = 0; k < n && all; k++) {
      all = is_stuck(s, to[k]);
    }
    for (size_t k = 0; k < n && all; k++) {
      if (to[k] == self || to[k]->graph_to) {
        return to[k];
      }
      any = any ? any : to[k];
    }
  }
  return any;
}

static void let_out(search *s, grove__activation *a)
{
  a->graph_mark = 0;
  *(a->graph_prev ? &a->graph_prev->graph_next : &s->first) = a->graph_next;
  *(a->graph_next ? &a->graph_next->graph_prev : &s->last) = a->graph_prev;
}

// Leaves those that are stuck; backwards, for who is not most often stands at a chain's end.
static void keep_stuck(search *s, const grove__activation *self)
{
  for (bool changed = true; changed && is_stuck(s, self);) {
    changed = false;
    for (grove__activation *a = s->last, *before; a; a = before) {
      before = a->graph_prev;
      if (!stuck_behind(s, a, self)) {
        let_out(s, a);
        changed = true;
      }
    }
  }
}

// The rest of find_circle: something that was reached leads straight to self.
static __attribute__((noinline)) bool close_circle(search *s, grove__activation *self)
{
  keep_stuck(s, self);
  for (bool changed = is_stuck(s, self); changed && !self->graph_to;) {
    changed = false;
    for (grove__activation *a = s->last; a; a = a->graph_prev) { // backwards: one pass for a plain circle
      grove__activation *to = a->graph_to ? NULL : stuck_behind(s, a, self);
      if (to && (to == self || to->graph_to)) {
        a->graph_to = to;
        changed = true;
      }
    }
  }
  if (!is_stuck(s, self) || !self->graph_to) {
    return false;
  }
  bool held = is_held(s, self); // the second look
  for (grove__activation *a = self->graph_to; a != self && held; a = a->graph_to) {
    held = is_held(s, a);
  }
  return held;
}

// Whether there is a circle through self. Then graph_to leads along it.
static bool find_circle(search *s, grove__activation *self)
{
  reach(s, self);
  return collect(s, self) && close_circle(s, self);
}

// ---- for those who wait ------------------------------------------------------------------------------------

static void show_wait(grove__activation *a, uint8_t waits)
{
  // ORDER release: publishes what it waits for. PAIRS is_held.
  atomic_store_explicit(&a->waits, waits, memory_order_release);
}

// Only its actor's turns write the count: one at a time.
static void count_in(grove__cell *c, uint32_t by)
{
  grove__crowd *crowd = &grove__cell_activations(c)->crowd; // it has one that is listed, and no turn but this one takes that off
  crowd->in_graph += by;
  // ORDER seq_cst: see above. PAIRS is_held, leads_nowhere.
  atomic_store_explicit(&c->in_graph, crowd->in_graph > 0, memory_order_seq_cst);
}

// It is the victim of the circle that it has closed, and does not stay.
static __attribute__((noinline)) grove_status refuse(grove__activation *a, grove_error *err)
{
  char text[sizeof err->text];
  grove__circle_describe(a, text, sizeof text);
  return grove__error(err, GROVE_EDEADLK, 0, "%s", text);
}

// Its actor has it in its list before it is counted, for who looks for it there.
// And whoever waits for room that its actor has made is told of it before, not when it leaves its stack: else they seem to
// wait for each other.
static void list(grove__activation *a)
{
  if (!a->cell) {
    return; // an offloaded function is found by its future alone
  }
  grove__cell_settle(a->cell);
  if (!a->listed) {
    grove__mutex_lock(&a->cell->lock);
    grove__activation_list_locked(a);
    grove__mutex_unlock(&a->cell->lock);
  }
}

// Whether no edge leads from it, as far as is seen without a lock: it has ended, or is a plain call to one of whom nobody waits.
static inline bool leads_nowhere(grove__system *y, grove_future h)
{
  const grove__future *f = grove__future_slot(y, h);
  // ORDER acquire: whom it is to. PAIRS grove__future_open. Seq_cst: after the count; PAIRS grove__future_set_word. If it is
  // handed on later than this, whoever does that finds this wait.
  uint64_t w = f ? atomic_load_explicit(&f->word, memory_order_seq_cst) : 0;
  if (!grove__future_word_is_of_use(w, h) || (w & GROVE__FUTURE_ENDED)) {
    return true; // spent, or nobody's
  }
  if ((w & GROVE__FUTURE_MORE) || !f->to.where) {
    return false;
  }
  const grove__cell *c = grove__slab_at(&y->cells, (uint32_t)f->to.where); // of this life or a later one: no matter which
  // ORDER seq_cst, PAIRS count_in.
  return !grove__cell_is_in_a_group(c) && !atomic_load_explicit(&c->in_graph, memory_order_seq_cst);
}

static bool all_lead_nowhere(grove__system *y, const grove__waits_for *what)
{
  bool none = !what->room.where;
  for (size_t i = 0; i < what->n && none; i++) {
    none = leads_nowhere(y, what->f[i]);
  }
  return none;
}

static __attribute__((noinline)) grove_status search_from(grove__activation *a, grove_error *err)
{
  search s;
  grove__system *y = a->here.system;
  lock_graph(y);
  begin(&s, y, GROVE__WAITS_HARD);
  grove_status status = find_circle(&s, a) ? refuse(a, err) : GROVE_OK;
  if (status) {
    show_wait(a, GROVE__WAITS_NOT); // before another searches: there is one victim
  }
  unlock_graph(y);
  return status;
}

grove_status grove__deadlock_enter(
    grove__activation *a, grove__waiter *w, const grove__waits_for *what, grove_error *err)
{
  grove__system *y = a->here.system;
  list(a);
  a->waits_for = what->f;
  a->waits_count = what->n;
  a->waits_room = what->room;
  a->graph_text = what->text;
  a->graph_text_room = what->text_room;
  a->graph_waiter = w;
  // Its own call's deadline ends every wait in it.
  bool soft = what->timed || (a->deadline != INT64_MAX && !grove__activation_finishes(a));
  if (!a->cell) { // it has no count: with the lock all is in one order, too
    lock_graph(y);
    show_wait(a, soft ? GROVE__WAITS_SOFT : GROVE__WAITS_HARD);
    unlock_graph(y);
  } else {
    show_wait(a, soft ? GROVE__WAITS_SOFT : GROVE__WAITS_HARD);
    count_in(a->cell, 1);
  }
  grove_status s = soft || all_lead_nowhere(y, what) ? GROVE_OK : search_from(a, err);
  if (s) {
    grove__deadlock_leave(a);
  }
  return s;
}

void grove__deadlock_leave(grove__activation *a)
{
  grove__system *y = a->here.system;
  show_wait(a, GROVE__WAITS_NOT);
  if (a->cell) {
    count_in(a->cell, UINT32_MAX); // one less
    // ORDER seq_cst: after it is no longer counted. PAIRS lock_graph.
    if (!atomic_load_explicit(&y->graph_searched, memory_order_seq_cst)) {
      return;
    }
  }
  grove__mutex_lock(&y->graph_lock); // who searches may look at it
  grove__mutex_unlock(&y->graph_lock);
}

// A circle through one of those that were reached, or of whom they wait for, the nearest first.
static bool find_any(search *s, char *out, size_t room)
{
  grove__activation *candidate[CANDIDATES];
  size_t n = 0;
  (void)collect(s, NULL);
  for (grove__activation *a = s->first; a && n < CANDIDATES; a = a->graph_next) {
    candidate[n++] = a; // each search uses the same links
  }
  for (size_t i = 0; i < n; i++) {
    begin(s, s->system, GROVE__WAITS_SOFT);
    if (find_circle(s, candidate[i])) {
      grove__circle_describe(candidate[i], out, room);
      return true;
    }
  }
  return false;
}

bool grove__deadlock_behind(grove__system *y, grove_future h, char *out, size_t room)
{
  search s;
  grove__activation *to[MOST];
  lock_graph(y);
  begin(&s, y, GROVE__WAITS_SOFT);
  size_t n = behind_future(&s, h, 0, to);
  for (size_t i = 0; i < n; i++) {
    reach(&s, to[i]);
  }
  bool found = find_any(&s, out, room);
  unlock_graph(y);
  return found;
}

bool grove__deadlock_late(grove__activation *a, char *out, size_t room)
{
  grove__system *y = a->here.system;
  search s;
  lock_graph(y);
  begin(&s, y, GROVE__WAITS_SOFT);
  reach(&s, a);
  bool found = find_any(&s, out, room);
  unlock_graph(y);
  return found;
}

// ---- edges that come while one waits ---------------------------------------------------------------------

// With the graph's lock: wakes one that stands in a circle, with the circle in words. So his frame, to which they are written,
// stays until the lock is let go.
static void break_circle(grove__system *y, grove__activation *a)
{
  search s;
  begin(&s, y, GROVE__WAITS_HARD);
  if (!is_held(&s, a) || !find_circle(&s, a)) {
    return;
  }
  grove__circle_describe(a, a->graph_text, a->graph_text_room);
  if (!grove__waiter_fire(a->graph_waiter, GROVE__WOKEN_CIRCLE)) {
    a->graph_text[0] = '\0'; // something else has ended its wait
  }
}

static bool waits_also_for(const grove__activation *a, grove_future h)
{
  size_t i = 0;
  while (i < a->waits_count && (a->waits_for[i].slot != h.slot || a->waits_for[i].generation != h.generation)) {
    i++;
  }
  return i < a->waits_count;
}

// The activation that waits for a future, without a limit and as the graph knows; NULL: none does. It is registered with it, or
// with another of those that it waits for (wait_for_tasks). With the graph's lock.
static grove__activation *who_waits_for(const search *s, grove_future h)
{
  grove_status status;
  grove__activation *found = NULL;
  grove__future *f = grove__future_lock_handle(s->system, h.slot, h.generation, &status);
  for (grove__wait_node *n = f ? f->nodes : NULL; n && !found; n = n->next) {
    grove__activation *a = n->waiter->activation;
    found = a && is_held(s, a) && a->graph_waiter == n->waiter ? a : NULL;
  }
  grove__cell *owner = f ? grove__future_owner_cell(f) : NULL; // in this life or a later one: what it waits for tells
  if (f) {
    grove__future_leave(f);
  }
  if (owner && !found) {
    grove__mutex_lock(&owner->lock);
    for (grove__activation *a = grove__cell_activations(owner); a && !found; a = a->next) {
      found = is_held(s, a) && waits_also_for(a, h) ? a : NULL;
    }
    grove__mutex_unlock(&owner->lock);
  }
  return found;
}

void grove__deadlock_moved(grove__system *y, grove_future h)
{
  search s;
  lock_graph(y);
  begin(&s, y, GROVE__WAITS_HARD);
  grove__activation *a = who_waits_for(&s, h);
  if (a) {
    break_circle(y, a);
  }
  unlock_graph(y);
}

// Whoever waits for what is kept waits for all of the calls that were handed on: so one of those who run them stands in the
// circle, if there is one, and so does the first.
void grove__deadlock_fewer(grove__cell *c)
{
  grove__system *y = grove__cell_system(c);
  grove__activation *to[MOST];
  search s;
  lock_graph(y);
  begin(&s, y, GROVE__WAITS_HARD);
  if (behind_keeper(&s, grove__cell_ref(c), 0, to)) {
    break_circle(y, to[0]);
  }
  unlock_graph(y);
}
