#include "pool/pool_window.h"
#include <stdlib.h>
#include "base/error.h"
#include "base/status.h"
#include "pool/pool_items.h"

static size_t ticket_bytes(const grove_method *m)
{
  return sizeof(grove__ticket) + m->reply->bytes;
}

static void free_ticket(grove__window *w, grove__ticket *t)
{
  grove__free(&w->allocator, t->error, sizeof *t->error);
  grove__free(&w->allocator, t, ticket_bytes(t->method));
}

// ---- the lists ------------------------------------------------------------------------------------
static void enter(grove__window *w, grove__ticket *t)
{
  t->prev = w->last;
  *(w->last ? &w->last->next : &w->first) = t;
  w->last = t;
}

static void enter_ended(grove__window *w, grove__ticket *t)
{
  t->ended = true;
  t->ended_prev = w->ended_last;
  *(w->ended_last ? &w->ended_last->ended_next : &w->ended_first) = t;
  w->ended_last = t;
  w->ended++;
}

static void leave(grove__window *w, grove__ticket *t)
{
  *(t->prev ? &t->prev->next : &w->first) = t->next;
  *(t->next ? &t->next->prev : &w->last) = t->prev;
  *(t->ended_prev ? &t->ended_prev->ended_next : &w->ended_first) = t->ended_next;
  *(t->ended_next ? &t->ended_next->ended_prev : &w->ended_last) = t->ended_prev;
  w->ended--;
}

// The last one takes the place of the one that leaves.
static void leave_flight(grove__window *w, grove__ticket *t)
{
  size_t end = --w->in_flight;
  w->flight[t->place] = w->flight[end];
  w->flying[t->place] = w->flying[end];
  w->flying[t->place]->place = t->place;
}

// ---- submitting -----------------------------------------------------------------------------------
static grove_status make_room(grove__window *w)
{
  if (w->in_flight < w->room) {
    return GROVE_OK;
  }
  size_t room = w->room ? w->room * 2 : 16;
  if (room > SIZE_MAX / sizeof(grove_future)) {
    return GROVE_ENOMEM;
  }
  grove_future *flight = grove__alloc_array(&w->allocator, room, sizeof *flight);
  grove__ticket **flying = grove__alloc_array(&w->allocator, room, sizeof *flying);
  if (!flight || !flying) {
    grove__free(&w->allocator, flight, room * sizeof *flight);
    grove__free(&w->allocator, flying, room * sizeof *flying);
    return GROVE_ENOMEM;
  }
  if (w->in_flight) {
    memcpy(flight, w->flight, w->in_flight * sizeof *flight);
    memcpy(flying, w->flying, w->in_flight * sizeof *flying);
  }
  grove__free(&w->allocator, w->flight, w->room * sizeof *flight);
  grove__free(&w->allocator, w->flying, w->room * sizeof *flying);
  w->flight = flight;
  w->flying = flying;
  w->room = room;
  return GROVE_OK;
}

grove_status grove__window_add(
    grove *g, grove__window *w, grove_ref to, const grove_method *m, const void *arg, uint64_t tag)
{
  GROVE__TRY(make_room(w));
  grove__ticket *t = grove__alloc_zero(&w->allocator, ticket_bytes(m));
  if (!t) {
    return GROVE_ENOMEM;
  }
  t->method = m;
  t->tag = tag;
  t->place = w->in_flight;
  grove_future f = grove_call(g, to, m, arg);
  grove_keep(g, f);
  w->flight[t->place] = f;
  w->flying[t->place] = t;
  w->in_flight++;
  enter(w, t);
  return GROVE_OK;
}

// ---- ending ---------------------------------------------------------------------------------------
// Moves the result of one that has ended from its future to its ticket. What it gives then is the item's own end, whatever
// its words say of themselves: the wait was over before.
static void settle(grove *g, grove__window *w, grove__ticket *t)
{
  grove_error err = {.at = -1};
  grove_status s = grove_get(g, w->flight[t->place], 0, t->reply, t->method->reply->bytes, &err);
  t->status = s;
  if (s) {
    t->error = grove__alloc(&w->allocator, sizeof *t->error);
    if (t->error) {
      *t->error = err;
    }
  }
  leave_flight(w, t);
  enter_ended(w, t);
}

typedef struct ending {
  uint64_t order;
  grove__ticket *ticket;
} ending;

static int by_order(const void *left, const void *right)
{
  uint64_t a = ((const ending *)left)->order, b = ((const ending *)right)->order;
  return (a > b) - (a < b);
}

grove_status grove__window_end_some(grove *g, grove__window *w, size_t most, int64_t ms)
{
  GROVE__TRY(grove_wait(g, w->flight, w->in_flight, w->in_flight ? 1 : 0, ms));
  // All that have ended, in one go: so the looking at each costs little for each that is found.
  size_t n = 0, room = w->in_flight;
  ending few[16], *found = room > GROVE__COUNT(few)
                               ? grove__alloc_array(&w->allocator, room, sizeof *found)
                               : few;
  if (!found) {
    return GROVE_ENOMEM;
  }
  for (size_t i = 0; i < room; i++) {
    uint64_t order = grove_ended_order(g, w->flight[i]);
    if (order) {
      found[n++] = (ending){order, w->flying[i]};
    }
  }
  if (n > 1) {
    qsort(found, n, sizeof *found, by_order);
  }
  for (size_t i = 0; i < n && i < most; i++) {
    settle(g, w, found[i].ticket);
  }
  if (found != few) {
    grove__free(&w->allocator, found, room * sizeof *found);
  }
  return GROVE_OK;
}

grove_status grove__window_peek(
    grove *g, grove__window *w, bool ordered, int64_t ms, grove__ticket **out)
{
  *out = NULL;
  if (!w->first) {
    return GROVE_ENOENT;
  }
  if (ordered) {
    if (!w->first->ended) {
      GROVE__TRY(grove_wait(g, &w->flight[w->first->place], 1, 1, ms));
      settle(g, w, w->first);
    }
    *out = w->first;
    return GROVE_OK;
  }
  if (!w->ended_first) {
    GROVE__TRY(grove__window_end_some(g, w, SIZE_MAX, ms));
  }
  *out = w->ended_first;
  return GROVE_OK;
}

grove_status grove__window_take(grove__window *w, grove__ticket *t, void *reply, grove_error *err)
{
  grove_status s = t->status;
  leave(w, t);
  if (reply) {
    memcpy(reply, t->reply, t->method->reply->bytes);
  } else {
    grove__holds_release(t->method->reply, t->reply);
  }
  if (s && err) {
    if (t->error) {
      *err = *t->error;
    } else {
      grove__error(err, s, -1, "%s: %s", t->method->name, grove_status_text(s));
    }
  }
  free_ticket(w, t);
  return s;
}

// ---- the end --------------------------------------------------------------------------------------
void grove__window_drop(grove *g, grove__window *w)
{
  for (size_t i = 0; i < w->in_flight; i++) {
    grove_drop(g, w->flight[i]);
  }
}

void grove__window_deinit(grove__window *w)
{
  while (w->first) {
    grove__ticket *t = w->first;
    w->first = t->next;
    if (t->ended) {
      grove__holds_release(t->method->reply, t->reply);
    }
    free_ticket(w, t);
  }
  grove__free(&w->allocator, w->flight, w->room * sizeof *w->flight);
  grove__free(&w->allocator, w->flying, w->room * sizeof *w->flying);
}
