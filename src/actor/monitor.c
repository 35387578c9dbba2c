// Watching over others: monitors, grove_ready, grove_exit, links.
#include "actor/future.h"
#include "actor/run.h"
#include <stdio.h>

static const grove_type error_type = {
    sizeof(grove_type), sizeof(grove_error), "grove_error", GROVE_TYPE_PLAIN, 0, NULL, NULL, NULL};
static const grove_type none_type = {
    sizeof(grove_type), sizeof(grove_none), "grove_none", GROVE_TYPE_PLAIN, 0, NULL, NULL, NULL};

static void last_words(grove__system *y, grove_ref who, grove_error *out)
{
  grove__death d;
  if (grove__death_find(y, who, &d)) {
    *out = d.error;
    return;
  }
  *out = (grove_error){.status = GROVE_ENOACTOR, .at = -1, .who = who};
  snprintf(out->text, sizeof out->text, "it is gone, and how it ended is no longer known");
}

// No actor of this runtime: an address that says why itself, or another's.
static void say_no_actor(grove__system *y, grove_ref who, grove_status s, grove_error *out)
{
  char title[112], why[300] = "";
  grove__ref_title(y, who, title, sizeof title);
  if (!who.where && who.which) {
    grove__why_words(y, who.which, why, sizeof why);
  }
  grove__error(out, s, -1, "%s%s%s", title, why[0] ? ": " : "", why);
  out->who = who;
}

// `s`: neither is there a future to watch with.
static grove_future not_watched(
    grove__system *y, grove__activation *here, grove_status s, grove_ref who)
{
  grove_error err;
  char title[112], why[300];
  if (s != GROVE_ELIMIT && s != GROVE_ENOMEM) {
    return grove__future_failed(s, GROVE__WHY_UNKNOWN);
  }
  grove__ref_title(y, who, title, sizeof title);
  if (s == GROVE_ELIMIT) {
    grove__future_limit_words(y, why, sizeof why);
  } else {
    grove__memory_words(y, s, why, sizeof why);
  }
  grove__error(&err, s, -1, "watching %s: %s", title, why);
  err.who = who;
  return grove__future_of_failure(y, here, &err);
}

static grove_future watch(grove *g, grove_ref who, uint8_t kind)
{
  grove__system *y;
  grove__activation *here;
  grove__future *f;
  grove__cell *c = NULL;
  grove_status s = grove__enter(g, &y, &here);
  if (!s && !here && grove__stopping(y)) {
    s = GROVE_ECLOSED;
  }
  if (!s) {
    s = grove__future_create(
        y, here, grove__stash_of(here), kind == GROVE__FUTURE_DOWN ? &error_type : &none_type, false, &f);
  }
  if (s) {
    return not_watched(y, here, s, who);
  }
  grove_future h = grove__future_handle(f);
  f->kind = kind;
  f->more = true;
  f->to = who;
  grove__future_open(f);
  s = grove__cell_find(y, who, &c);
  if (!s && grove__watch_add(c, who.which, f)) {
    return h;
  }
  grove_error words;
  if (s && (s != GROVE_ENOACTOR || !who.where)) {
    say_no_actor(y, who, s, &words);
  } else {
    last_words(y, who, &words);
  }
  if (kind == GROVE__FUTURE_DOWN) {
    grove__future_end(f, GROVE_OK, &words, NULL);
  } else {
    words.status = words.status ? words.status : GROVE_ENOACTOR;
    grove__future_end(f, words.status, NULL, &words);
  }
  return h;
}

grove_future grove_monitor(grove *g, grove_ref who)
{
  return watch(g, who, GROVE__FUTURE_DOWN);
}

grove_future grove_ready(grove *g, grove_ref who)
{
  return watch(g, who, GROVE__FUTURE_READY);
}

grove_future grove_exit(grove *g, grove_ref who, int64_t grace_ms)
{
  grove__system *y;
  grove__activation *here;
  grove__cell *c;
  grove_status s = grove__enter(g, &y, &here);
  if (s) {
    return grove__future_failed(s, GROVE__WHY_UNKNOWN);
  }
  if (grove_ref_equal(who, grove__cell_ref(y->root))) {
    grove_error err;
    grove__error(&err, GROVE_EINVAL, -1, "the root ends with the runtime: grove_stop");
    return grove__future_of_failure(y, here, &err);
  }
  grove_future down = watch(g, who, GROVE__FUTURE_DOWN);
  if (grove__cell_find(y, who, &c)) {
    return down;
  }
  if (grace_ms == 0) {
    grove__cell_end(c, who.which, GROVE__END_KILL, NULL, INT64_MAX);
    return down;
  }
  int64_t deadline = grove__deadline_in(y, grace_ms);
  bool own = here && here->cell && grove_ref_equal(who, grove__cell_ref(here->cell));
  grove__cell_grace(c, who.which, deadline, own);
  grove__message *mark;
  // The mark stands behind all that was sent before; without memory for one, or between two starts, the end is now.
  bool later = grove__cell_shown_phase(c) !=
                   GROVE_PHASE_RESTARTING && // a guess
               !grove__message_create(y, NULL, NULL, NULL, false, &mark);
  if (later && grove__cell_push(c, who.which, &mark->letter, true)) {
    grove__message_destroy(y, mark);
    later = false;
  }
  if (!later) {
    grove__cell_end(c, who.which, GROVE__END_ORDERLY, NULL, deadline);
  }
  return down;
}

grove_status grove_restart(grove *g, grove_ref who, const char *why)
{
  grove__system *y;
  grove__activation *here;
  grove__cell *c;
  grove_error err;
  GROVE__TRY(grove__enter(g, &y, &here));
  GROVE__TRY(grove__cell_find(y, who, &c));
  grove__mutex_lock(&c->lock);
  bool there = grove__cell_is_locked(c, who.which);
  bool returns = there && c->parent && grove__cell_annex(c)->spec.restart != GROVE_TEMPORARY && !grove__cell_is_task(c) && !c->asked;
  bool between = there && c->phase == GROVE__CELL_RESTARTING;
  grove__mutex_unlock(&c->lock);
  if (!there || !returns) {
    return there ? GROVE_ENOTSUP : GROVE_ENOACTOR;
  }
  if (!between) { // else it starts again by itself
    grove__error(&err, GROVE_ECANCELED, -1, "%s", why && why[0] ? why : "it was asked to start again");
    grove__cell_end(c, who.which, GROVE__END_FAIL, &err, INT64_MAX);
  }
  return GROVE_OK;
}

// ---- links -------------------------------------------------------------------------------------------

// Takes those off the list that are gone: who lives long links to many that don't.
static void prune_links_locked(grove__cell *c, grove__annex *x)
{
  uint32_t kept = 0;
  for (uint32_t i = 0; i < x->link_count; i++) {
    grove__cell *other;
    if (!grove__cell_find(grove__cell_system(c), x->links[i], &other)) {
      x->links[kept++] = x->links[i];
    }
  }
  x->link_count = kept;
}

static grove_status add_link(grove__cell *c, uint64_t life, grove_ref other)
{
  const grove_allocator *a = grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_ACTORS);
  grove_status s = GROVE_OK;
  grove__mutex_lock(&c->lock);
  bool there = grove__cell_is_locked(c, life);
  grove__annex *x = there ? grove__annex_make_locked(c) : NULL;
  if (!x) {
    s = there ? GROVE_ENOMEM : GROVE_ENOACTOR;
  }
  for (uint32_t i = 0; !s && i < x->link_count; i++) {
    if (grove_ref_equal(x->links[i], other)) {
      grove__mutex_unlock(&c->lock);
      return GROVE_OK;
    }
  }
  bool full = !s && x->link_count == x->link_room;
  if (full) {
    prune_links_locked(c, x);
  }
  if (full &&
      x->link_count >= x->link_room - x->link_room / 4) { // so that pruning stays rare
    uint32_t room = x->link_room ? 2 * x->link_room : 4;
    grove_ref *more = grove__realloc(a, x->links, x->link_room * sizeof *more, room * sizeof *more);
    if (more) {
      x->links = more;
      x->link_room = room;
    } else {
      s = GROVE_ENOMEM;
    }
  }
  if (!s) {
    x->links[x->link_count++] = other;
  }
  grove__mutex_unlock(&c->lock);
  return s;
}

static void remove_link(grove__cell *c, uint64_t life, grove_ref other)
{
  grove__mutex_lock(&c->lock);
  grove__annex *x = grove__cell_is_locked(c, life) ? grove__annex_of(c) : NULL;
  for (uint32_t i = 0; x && i < x->link_count; i++) {
    if (grove_ref_equal(x->links[i], other)) {
      x->links[i] = x->links[--x->link_count];
    }
  }
  grove__mutex_unlock(&c->lock);
}

grove_status grove_link(grove *self, grove_ref other)
{
  grove__system *y;
  grove__activation *here;
  grove__cell *c;
  GROVE__TRY(grove__enter(self, &y, &here));
  if (!here || !here->cell || grove_ref_equal(other, grove__cell_ref(here->cell))) {
    return grove_fail(self, GROVE_EINVAL, "a link is between two actors, and made by one of them");
  }
  grove_status s = grove__cell_find(y, other, &c);
  if (s) {
    grove_error err;
    say_no_actor(y, other, s, &err);
    return grove_fail(self, s, "a link with %s", err.text);
  }
  grove_ref me = grove__cell_ref(here->cell);
  GROVE__TRY(add_link(c, other.which, me));
  s = add_link(here->cell, me.which, other);
  if (s) { // no half of one
    remove_link(c, other.which, me);
  }
  return grove__memory_fail(self, y, s, "no room for a link");
}
