// Finding circles of waits.
//
// An edge is an untimed wait for all of some futures: the waiting activation can't go on before each of them has
// ended; or one for room in a mailbox, which leads to its actor as a queued call does. A future of a call that runs leads to the activation that runs it; of one that is queued, to its actor, if
// all of that actor's activations wait (one that is free would take it). Everything else is no edge.
//
// All waits of that kind enter under graph_lock, and leave under it, so an activation that is entered stays in memory
// while the lock is held, and of two that close a circle at once the second sees the first: it is the victim.
// With several activations in an actor, all of them must lead back for a queued call to be stuck.
#include "actor/future.h"
#include <stdio.h>

enum {
  DEPTH = 4
}; // of actors with several activations within one another; beyond that no circle is claimed

typedef struct search {
  grove__system *system;
  grove__activation *self; // whom a circle would lead back to
  int depth;
} search;

static bool leads_back(search *s, grove__activation *from);

static void push(
    grove__activation **work, grove__activation *a, grove__activation *from, uint64_t mark)
{
  if (a->waits && a->graph_mark != mark) {
    a->graph_mark = mark;
    a->graph_from = from;
    a->graph_next = *work;
    *work = a;
  }
}

// The activations of an actor that has none free; 0: it has one, or is gone. They stay: they all wait.
static size_t stuck_activations(
    grove__system *y, grove_ref to, grove__activation **out, size_t room)
{
  grove__cell *c;
  size_t n = 0;
  bool all = true;
  if (grove__cell_find(y, to, &c)) {
    return 0;
  }
  grove__mutex_lock(&c->lock);
  if (grove__cell_is_locked(c, to.which)) {
    for (grove__activation *a = c->activations; a; a = a->next) {
      all = all && a->waits && n < room;
      if (n < room) {
        out[n] = a;
      }
      n++;
    }
  }
  bool full =
      n >= c->most_active || c->phase == GROVE__CELL_STARTING; // start comes before all messages
  grove__mutex_unlock(&c->lock);
  return all && full ? n : 0;
}

// Follows a wait for an actor to take a message. True: it leads back to self, directly or through an actor with
// several activations.
static bool follow_actor(
    search *s, grove_ref to, grove__activation *from, grove__activation **work, uint64_t mark)
{
  enum { MOST = 64 };
  grove__activation *several[MOST];
  size_t n = stuck_activations(s->system, to, several, MOST);
  if (n == 1) {
    bool back = several[0] == s->self;
    if (!back) {
      push(work, several[0], from, mark);
    }
    return back;
  }
  bool all = n > 0 && s->depth < DEPTH;
  for (size_t i = 0; i < n && all; i++) {
    if (several[i] != s->self) {
      search deeper = {s->system, s->self, s->depth + 1};
      all = leads_back(&deeper, several[i]);
    }
  }
  return all;
}

// Follows one awaited future, in the same way.
static bool follow(
    search *s, grove_future h, grove__activation *from, grove__activation **work, uint64_t mark)
{
  grove_status status;
  grove__future *f = grove__future_lock_handle(s->system, h.slot, h.generation, &status);
  if (!f) {
    return false;
  }
  grove__activation *runs = f->ended ? NULL : f->running;
  bool queued = !f->ended && !runs && f->method && !f->watched;
  grove_ref to = f->to;
  bool back = runs && runs == s->self;
  if (runs && !back) {
    push(work, runs, from,
        mark); // it is kept by this lock, and from now on, if it waits, by graph_lock
  }
  grove__mutex_unlock(grove__future_lock(f));
  return back || (queued && follow_actor(s, to, from, work, mark));
}

static bool leads_back(search *s, grove__activation *from)
{
  uint64_t mark = ++s->system->graph_search;
  grove__activation *work = NULL;
  from->graph_mark = mark;
  from->graph_from = NULL;
  from->graph_next = NULL;
  for (grove__activation *a = from; a;) {
    bool back = a->waits_room.where && follow_actor(s, a->waits_room, a, &work, mark);
    for (size_t i = 0; i < a->waits_count && !back; i++) {
      back = follow(s, a->waits_for[i], a, &work, mark);
    }
    if (back) {
      s->self->graph_from = a;
      return true;
    }
    a = work;
    if (a) {
      work = a->graph_next;
    }
  }
  return false;
}

static void name_step(const grove__activation *a, char *out, size_t room)
{
  char title[112];
  grove__cell_title(a->cell, title, sizeof title);
  snprintf(out, room, "%s in %s", title, a->method->name);
}

// "a in x waits for b in y, which waits for a": from the last found back to the first.
static void describe(const grove__activation *self, grove_error *err)
{
  const grove__activation *path[6];
  size_t n = 0, more = 0;
  for (const grove__activation *a = self->graph_from; a && a != self; a = a->graph_from) {
    if (n < GROVE__COUNT(path)) {
      path[n++] = a;
    } else {
      more++;
    }
  }
  char step[140], text[sizeof err->text];
  name_step(self, step, sizeof step);
  int used = snprintf(text, sizeof text, "waits in a circle: %s waits for", step);
  for (size_t i = n; i-- > 0 && used < (int)sizeof text;) {
    name_step(path[i], step, sizeof step);
    used += snprintf(text + used, sizeof text - (size_t)used, " %s, which waits for", step);
  }
  if (more && used < (int)sizeof text) {
    used += snprintf(
        text + used, sizeof text - (size_t)used, " %zu more, the last of which waits for", more);
  }
  if (used < (int)sizeof text) {
    snprintf(text + used, sizeof text - (size_t)used, " the first");
  }
  grove__error(err, GROVE_EDEADLK, 0, "%s", text);
}

static grove_status enter(
    grove__activation *a, const grove_future *f, size_t n, grove_ref room, grove_error *err)
{
  grove__system *y = a->here.system;
  grove__mutex_lock(&a->cell->lock);
  grove__activation_list_locked(
      a); // before the search: of two that enter at once, the second finds the first
  grove__mutex_unlock(&a->cell->lock);
  grove__mutex_lock(&y->graph_lock);
  a->waits_for = f;
  a->waits_count = n;
  a->waits_room = room;
  a->waits = true;
  search s = {y, a, 0};
  bool circle = leads_back(&s, a);
  if (circle) {
    describe(a, err);
    a->waits = false;
  }
  grove__mutex_unlock(&y->graph_lock);
  return circle ? GROVE_EDEADLK : GROVE_OK;
}

grove_status grove__deadlock_enter(
    grove__activation *a, const grove_future *f, size_t n, grove_error *err)
{
  return enter(a, f, n, GROVE_NOBODY, err);
}

grove_status grove__deadlock_enter_room(grove__activation *a, grove_ref to, grove_error *err)
{
  return enter(a, NULL, 0, to, err);
}

void grove__deadlock_leave(grove__activation *a)
{
  grove__system *y = a->here.system;
  grove__mutex_lock(&y->graph_lock);
  a->waits = false;
  grove__mutex_unlock(&y->graph_lock);
}
