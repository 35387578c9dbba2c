// What an actor waits for, for people: each of its methods that is suspended, or holds a thread.
//
// A waiter says where it waits (`shown` …). It stands in the frame that waits, and is looked at under the cell's lock,
// under which that frame also says that it waits no more. Futures are described after it, by their handles.
#include "actor/future.h"
#include "actor/look.h"
#include "base/options.h"
#include <stdio.h>

enum { LOOKED_AT = 64 }; // of the futures of one wait, for the first that is open

typedef struct seen {
  grove_wait_info info;
  grove_future first[LOOKED_AT];
  size_t n;
} seen;

// With the cell's lock.
static void look_locked(const grove__activation *a, int64_t now, seen *out)
{
  const grove__waiter *w = a->waiter;
  *out = (seen){.n = w->shown_count < LOOKED_AT ? w->shown_count : LOOKED_AT};
  grove_wait_info *i = &out->info;
  i->kind = w->room.where ? GROVE_WAIT_ROOM : w->shown_count ? GROVE_WAIT_FUTURES : GROVE_WAIT_TIME;
  i->futures = (uint32_t)w->shown_count;
  i->wanted = w->wanted;
  i->who = w->room;
  i->until_ns = w->until == INT64_MAX ? -1 : w->until > now ? w->until - now : 0;
  if (out->n) {
    memcpy(out->first, w->shown, out->n * sizeof *out->first);
  }
  grove__look_text(i->method, sizeof i->method, a->method->name);
}

// Without a lock. The first future that has not ended says what is waited for.
static void describe(grove__system *y, seen *s)
{
  char title[112];
  grove_wait_info *i = &s->info;
  if (i->kind == GROVE_WAIT_ROOM) {
    grove__ref_title(y, i->who, title, sizeof title);
    snprintf(i->text, sizeof i->text, "room in the mailbox of %s", title);
  } else if (i->kind == GROVE_WAIT_TIME) {
    snprintf(i->text, sizeof i->text, "its time (grove_sleep)");
  }
  for (size_t k = 0; k < s->n; k++) {
    grove_status status;
    grove_future h = s->first[k];
    grove__future *f = grove__future_lock_handle(y, h.slot, h.generation, &status);
    bool open = f && !f->ended;
    i->who = open ? f->to : i->who;
    if (f) {
      grove__future_leave(f);
    }
    if (open) {
      grove__future_describe(y, h, i->text, sizeof i->text);
      return;
    }
  }
  if (i->kind == GROVE_WAIT_FUTURES) {
    snprintf(i->text, sizeof i->text, "an answer that has just come");
  }
}

// A method that holds a thread of its own, or one of those for functions that may block.
static bool look_thread_locked(grove__cell *c, grove_wait_info *i)
{
  // Relaxed: for people.
  const grove_method *m = grove__cell_method(c);
  bool native = grove__cell_manner(c)->task.place != GROVE__PLACE_WORKERS;
  if (!native || !m || grove__look_phase(c) != GROVE_PHASE_RUNNING) {
    return false;
  }
  *i = (grove_wait_info){.kind = GROVE_WAIT_THREAD, .until_ns = -1};
  grove__look_text(i->method, sizeof i->method, m->name);
  snprintf(i->text, sizeof i->text, "its own code to return: it runs on a thread that may block");
  return true;
}

// The next that waits, of those behind the `skip` newest; false: there are no more.
static bool look_next(grove__system *y, grove__cell *c, uint64_t life, size_t skip, seen *s, bool *there)
{
  bool found = false;
  int64_t now = grove__now(y);
  grove__mutex_lock(&c->lock);
  *there = grove__cell_is_locked(c, life);
  for (const grove__activation *a = *there ? grove__cell_activations(c) : NULL; a && !found; a = a->next) {
    if (a->waiter && skip-- == 0) {
      look_locked(a, now, s);
      found = true;
    }
  }
  if (*there && !found && skip == 0) { // nobody waits: what runs
    *s = (seen){.n = 0};
    found = look_thread_locked(c, &s->info);
  }
  grove__mutex_unlock(&c->lock);
  return found;
}

grove_status grove_waits(grove *g, grove_ref who, grove_wait_info *out, size_t each, size_t room, size_t *total)
{
  grove__system *y;
  grove__activation *here;
  grove__cell *c;
  seen s;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (!total || !grove__stats_rows_fit(out, each, room)) {
    return GROVE_EINVAL;
  }
  if (grove__cell_find(y, who, &c)) {
    return GROVE_ENOACTOR;
  }
  bool there;
  size_t n = 0;
  while (look_next(y, c, who.which, n, &s, &there)) {
    if (n < room) {
      describe(y, &s);
      grove__stats_write_row(out, each, n, sizeof s.info, &s.info);
    }
    n++;
    if (s.info.kind == GROVE_WAIT_THREAD) {
      break;
    }
  }
  *total = n;
  return there || n ? GROVE_OK : GROVE_ENOACTOR;
}
