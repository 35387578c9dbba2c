// Leaving the world: what others see of a life that is over. Its mailbox is closed, its calls and promises end, its
// monitors fire, its name is free, its links and its parent are told; then its memory goes back.
#include "actor/leave.h"
#include "actor/times.h"
#include "actor/ties.h"
#include "actor/group.h"
#include <stdio.h>

void grove__leave_describe(grove__cell *c, grove_status why, grove_error *out)
{
  grove__leave_begin_words(c, why, out);
  grove__leave_end_words(c, out);
}

void grove__leave_begin_words(grove__cell *c, grove_status why, grove_error *out)
{
  const grove_error *words = grove__cell_annex(c)->words;
  if (words) {
    grove__error_copy(out, words);
  } else {
    memset(out, 0, offsetof(grove_error, text) + 1);
  }
  out->status = why;
  out->at = -1;
  out->who = grove__cell_ref(c);
  out->restarts = grove__cell_restarts(c);
}

void grove__leave_end_words(const grove__cell *c, grove_error *out)
{
  grove_status why = out->status;
  const grove_method *m = grove__cell_annex(c)->ended_in;
  if (!out->method[0] && m) {
    const grove_class *k = grove__cell_class(c);
    size_t at = 0;
    if (m->owner) {
      at = grove__text_add(out->method, sizeof out->method, at, k->name, sizeof out->method);
      at = grove__text_add(out->method, sizeof out->method, at, ".", 1);
    }
    (void)grove__text_add(out->method, sizeof out->method, at, m->name, sizeof out->method);
  }
  if (!out->text[0]) {
    grove__cell_title(c, out->text, sizeof out->text);
    (void)grove__text_add(
        out->text, sizeof out->text, strlen(out->text), grove__death_words(why), sizeof out->text);
  }
}

void grove__leave_refusal(const grove__cell *c, const grove_error *words, grove_error *refused)
{
  grove__error_copy(refused, words);
  refused->status = grove__stopping(grove__cell_system(c)) ? GROVE_ECLOSED : GROVE_EDEAD;
}

void grove__leave_end_call(uint64_t life, grove__future *f, uint64_t generation, const grove_error *words)
{
  if (!grove__future_lock_used(f, generation)) {
    return;
  }
  if (f->kind == GROVE__FUTURE_CALL && f->begun && f->to.which == life) {
    grove__future_end_locked(f, GROVE_ESTUCK, NULL, words);
  }
  grove__future_unlock(f);
}

uint32_t grove__lost_kind(grove_status s)
{
  return s == GROVE_EAGAIN      ? GROVE__LOST_FULL
         : s == GROVE_EEXPIRED  ? GROVE__LOST_EXPIRED
         : s == GROVE_ECANCELED ? GROVE__LOST_CANCELED
                                : GROVE__LOST_DEAD;
}

static void count_lost(grove__cell *c, grove__message *m, grove_status s)
{
  grove__system *y = grove__cell_system(c);
  uint32_t kind = grove__lost_kind(s);
  grove__lost_count(y, grove__cell_kind(c), kind);
  GROVE__EVENT(y, GROVE_EVENT_DROPPED, c, s, 0, m->method->name, NULL);
  if (m->future) {
    return; // who called is told
  }
  if (kind == GROVE__LOST_DEAD) {
    grove__count(&y->counters.dead_letters, 1);
    grove__count(&grove__cell_kind(c)->dead, 1);
  }
  if (grove__lost_is_due(y, kind)) {
    char title[112], text[200];
    grove__cell_title(c, title, sizeof title);
    snprintf(text, sizeof text, "%.60s to %s", m->method->name, title);
    grove__lost_say(y, kind, text);
  }
}

void grove__message_refuse(grove__cell *c, grove__message *m, const grove_error *why)
{
  grove__system *y = grove__cell_system(c);
  grove_status s = why->status;
  if (m->future && !grove__future_end(m->future, s, NULL, why)) {
    s = m->future->status; // it had ended before: held by the message, and ended things stand still
  }
  bool tick = m->letter.watched & GROVE__WATCHED_TICK;
  if (m->method && !tick) {
    count_lost(c, m, s);
  }
  if (m->future) {
    grove__future_let_go(m->future);
  }
  if (!tick) {
    grove__message_destroy(y, m);
  } else if (grove__cell_timer_accepts(c, m)) { // which frees one that no timer owns any more
    grove__cell_timer_done(c, m);
  }
}

static void refuse_list(grove__cell *c, grove__letter *l, const grove_error *why)
{
  while (l) {
    grove__letter *next = l->next;
    grove__message_refuse(c, (grove__message *)(void *)l, why);
    l = next;
  }
}

void grove__leave_refuse_all(grove__cell *c, const grove_error *why)
{
  refuse_list(c, grove__mailbox_pop_all(&c->mailbox), why);
}

// Of one that is given up, which may be at its mailbox itself: what it has taken already it refuses when it is back, if ever;
// but who waits for an answer is told now.
static void refuse_what_others_may(grove__cell *c, const grove_error *why)
{
  bool rest;
  refuse_list(c, grove__mailbox_pop_untaken(&c->mailbox, &rest), why);
  if (rest) {
    grove__futures_end_queued(grove__cell_system(c), grove__cell_ref(c), why);
  }
}

void grove__leave_promises(grove__cell *c, const grove_error *why)
{
  for (;;) {
    grove_future h = {0, 0};
    grove__mutex_lock(&c->lock);
    grove__future *f = grove__tied(c, GROVE__TIED_PROMISES);
    if (f) {
      h = grove__future_handle(f);
    }
    // Relaxed: the lock is held. The next life says so anew.
    atomic_store_explicit(&c->task.node.own, 0, memory_order_relaxed);
    grove__mutex_unlock(&c->lock);
    if (!f) {
      return;
    }
    grove_status status;
    f = grove__future_lock_handle(grove__cell_system(c), h.slot, h.generation, &status);
    if (f) {
      grove__promise_untie_locked(f);
      grove__future_end_locked(f, why->status, NULL, why);
      grove__future_unlock(f);
    }
  }
}

static bool watch_add_locked(grove__cell *c, uint64_t life, grove__future *f)
{
  bool there = grove__cell_is_locked(c, life);
  if (there) {
    f->watched = c;
    f->watch_prev = NULL;
    f->watch_next = grove__tied(c, GROVE__TIED_WATCHERS);
    if (f->watch_next) {
      f->watch_next->watch_prev = f;
    }
    grove__tie(c, GROVE__TIED_WATCHERS, f);
  }
  return there;
}

bool grove__watch_add(grove__cell *c, uint64_t life, grove__future *f)
{
  grove__future_lock(f);
  grove__mutex_lock(&c->lock);
  bool there = grove__cell_is_locked(c, life); // first: what else it says may be the next life's, which is made without the lock
  bool ready = there && f->kind == GROVE__FUTURE_READY && c->started && c->phase == GROVE__CELL_ALIVE;
  there = there && (ready || watch_add_locked(c, life, f));
  grove__mutex_unlock(&c->lock);
  if (there && ready) {
    static const grove_none none;
    grove__future_end_locked(f, GROVE_OK, &none, NULL);
  }
  grove__future_leave(f);
  return there;
}

// Ends the watchers of a kind, one by one: each has a lock that comes before the cell's.
static void end_watchers(grove__cell *c, bool ready_only, const grove_error *down)
{
  static const grove_none none;
  for (;;) {
    grove_future h = {0, 0};
    grove__mutex_lock(&c->lock);
    grove__future *f = grove__tied(c, GROVE__TIED_WATCHERS);
    while (f && ready_only && f->kind != GROVE__FUTURE_READY) {
      f = f->watch_next;
    }
    if (f) {
      h = grove__future_handle(f);
    }
    grove__mutex_unlock(&c->lock);
    if (!f) {
      return;
    }
    grove_status status;
    f = grove__future_lock_handle(grove__cell_system(c), h.slot, h.generation, &status);
    if (!f) {
      continue; // dropped meanwhile, and off the list
    }
    grove__promise_untie_locked(f);
    if (f->kind == GROVE__FUTURE_DOWN) {
      grove__future_end_locked(f, GROVE_OK, down, NULL);
    } else if (ready_only) {
      grove__future_end_locked(f, GROVE_OK, &none, NULL);
    } else {
      grove_error err = *down;
      err.status = err.status ? err.status : GROVE_EDEAD;
      grove__future_end_locked(f, err.status, NULL, &err);
    }
    grove__future_unlock(f);
  }
}

void grove__watchers_started(grove__cell *c)
{
  end_watchers(c, true, NULL);
}

void grove__cell_link_locked(grove__annex *of, grove__cell *child)
{
  child->sibling_prev = 0;
  child->sibling_next = of->children ? of->children->index + 1 : 0;
  if (of->children) {
    of->children->sibling_prev = child->index + 1;
  } else {
    of->children_last = child;
  }
  of->children = child;
}

void grove__cell_link_last_locked(grove__annex *of, grove__cell *child)
{
  child->sibling_next = 0;
  child->sibling_prev = of->children_last ? of->children_last->index + 1 : 0;
  if (of->children_last) {
    of->children_last->sibling_next = child->index + 1;
  } else {
    of->children = child;
  }
  of->children_last = child;
}

void grove__cell_unlink_locked(grove__annex *of, grove__cell *child)
{
  grove__cell *older = grove__cell_older(child), *younger = grove__cell_younger(child);
  if (younger) {
    younger->sibling_next = child->sibling_next;
  } else {
    of->children = older;
  }
  if (older) {
    older->sibling_prev = child->sibling_prev;
  } else {
    of->children_last = younger;
  }
}

static void tell_parent(grove__cell *c, bool escalate, const grove_error *words)
{
  grove__cell *parent = grove__cell_above(c);
  if (!parent) {
    return;
  }
  grove__mutex_lock(&parent->lock);
  grove__annex *x = grove__annex_of(parent); // of which it is a child
  uint64_t life = grove__cell_life(parent);
  bool group = x->group, ends = group && parent->end != GROVE__END_NONE;
  if (grove__cell_is_linked(c)) {
    grove__cell_set_linked(c, false);
    grove__group_leave_locked(parent, c);
    grove__cell_unlink_locked(x, c);
    x->child_count--;
    if (parent->end != GROVE__END_NONE || parent->phase > GROVE__CELL_ALIVE) { // it may wait for this
      grove__sched_notify(&grove__cell_system(c)->sched, &parent->task);
    }
  }
  grove__mutex_unlock(&parent->lock);
  if (ends) { // the next of them is told
    grove__cell_spread(parent, life);
  } else if (group) {
    grove__group_advance(parent, life);
  }
  if (escalate && parent != grove__cell_system(c)->root) {
    grove_error up = *words;
    char text[sizeof up.text];
    snprintf(text, sizeof text, "a child failed too often: %.400s", words->text);
    memcpy(up.text, text, sizeof text);
    grove__cell_end(parent, life, GROVE__END_FAIL, &up, INT64_MAX);
  }
}

static void tell_links(grove__cell *c, const grove_error *words)
{
  grove__mutex_lock(&c->lock);
  grove__annex *x = grove__annex_of(c);
  grove_ref *links = x ? x->links : NULL;
  uint32_t n = x ? x->link_count : 0, room = x ? x->link_room : 0;
  if (x) {
    x->links = NULL;
    x->link_count = x->link_room = 0;
  }
  grove__mutex_unlock(&c->lock);
  for (uint32_t i = 0; i < n; i++) {
    grove__cell *other;
    if (words->status != GROVE_OK && !grove__cell_find(grove__cell_system(c), links[i], &other)) {
      grove_error err = *words;
      err.status = GROVE_EDEAD;
      snprintf(err.text, sizeof err.text, "linked to one that failed: %.390s", words->text);
      grove__cell_end(other, links[i].which, GROVE__END_FAIL, &err, INT64_MAX);
    }
  }
  grove__free(
      grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_ACTORS), links, room * sizeof *links);
}

void grove__leave_record(grove__cell *c, const grove__worker *w, const grove_error *words, bool again)
{
  const grove__kind *kind = grove__cell_kind(c);
  int64_t now = w && !grove__cell_system(c)->options.simulate ? grove__worker_recent(w) : grove__now(grove__cell_system(c));
  const char *name = grove__cell_annex(c)->name, *label = grove__cell_label(c);
  grove__death *d = grove__death_enter(grove__cell_system(c), grove__cell_ref(c), now, again);
  if (!d) {
    return;
  }
  d->parent = grove__cell_parent(c);
  grove__error_copy(&d->error, words);
  _Static_assert(sizeof d->class_name == sizeof kind->name, "the same text");
  memcpy(d->class_name, kind ? kind->name : "root", kind ? sizeof kind->name : sizeof "root");
  d->name[0] = d->label[0] = '\0';
  if (name || label) {
    (void)grove__text_add(d->name, sizeof d->name, 0, name, sizeof d->name);
    (void)grove__text_add(d->label, sizeof d->label, 0, label, sizeof d->label);
  }
  d->handled = atomic_load_explicit(&c->handled, memory_order_relaxed); // statistics
  d->failed = atomic_load_explicit(&c->failed, memory_order_relaxed);
  grove__death_entered(grove__cell_system(c));
}

// Whether anybody may read how it ended: most go as they came, and a record of that is read seldom.
static bool is_heard(const grove__cell *c, const grove_error *words, bool escalate)
{
  return words->status != GROVE_OK || escalate || grove__mailbox_count(&c->mailbox) ||
         grove__wants(grove__cell_system(c), GROVE__WANTED_EVENT(GROVE_EVENT_ENDED));
}

void grove__leave_world(grove__cell *c, const grove__worker *w, grove_error *words, bool escalate)
{
  grove__system *y = grove__cell_system(c);
  if (is_heard(c, words, escalate)) {
    grove__leave_end_words(c, words);
  }
  if (!grove__cell_is_task(c) || words->status) { // tasks without number would push the others' last words out
    grove__leave_record(c, w, words, false);
  }
  GROVE__EVENT(y, GROVE_EVENT_ENDED, c, words->status, 0, words->method, words->text);
  grove__name_leave(c); // before anybody is told: who knows that it is gone can take the name
  grove__mutex_lock(&c->lock);
  grove__mailbox_hide(&c->mailbox); // who must know takes this lock, or the mailbox's
  // Relaxed: for people.
  grove__cell_show_phase(c, GROVE_PHASE_ENDED);
  grove__group_reset_locked(c);
  // From here on nobody new comes to know of it; but one that is given up may still be at work.
  bool given_up = c->given_up, watched = grove__tied(c, GROVE__TIED_WATCHERS);
  bool owes = grove__tied(c, GROVE__TIED_PROMISES) || given_up, linked = grove__cell_annex(c)->links || given_up;
  bool timed = grove__cell_end_when(c) != INT64_MAX;
  // Relaxed: its turn's own, or written under this lock.
  bool restarted = grove__cell_restarts(c) > 0;
  grove__mutex_unlock(&c->lock);
  if (c != y->root) { // before anybody is told, too: the numbers then agree with what he knows
    grove__kind_count(grove__cell_kind(c), w, GROVE__TALLY_ENDED, 1);
  }
  grove__mailbox_close(&c->mailbox);
  bool refuses = owes || grove__mailbox_count(&c->mailbox);
  if (watched || linked) {
    grove__leave_end_words(c, words);
  }
  if (refuses) {
    grove_error refused;
    grove__leave_end_words(c, words);
    grove__leave_refusal(c, words, &refused);
    if (given_up) {
      refuse_what_others_may(c, &refused);
    } else {
      grove__leave_refuse_all(c, &refused);
    }
    grove__leave_promises(c, &refused);
  }
  grove__annex *x = grove__annex_of(c);
  if (x && timed) {
    grove__timer_cancel(&y->sched.timers, &x->end_timer);
  }
  if (x && restarted) {
    grove__timer_cancel(&y->sched.timers, &x->restart_timer);
  }
  if (watched) {
    end_watchers(c, false, words);
  }
  if (linked) {
    tell_links(c, words);
  }
  if (words->status != GROVE_OK && words->status != GROVE_ECANCELED) {
    grove__log(y, GROVE_LOG_WARN, "actor", "ended: %s", words->text);
  }
  tell_parent(c, escalate, words);
}

// Somebody has sent something to a task.
static __attribute__((noinline)) void refuse_rest(grove__cell *c)
{
  grove_error words, refused;
  grove__leave_describe(c, GROVE_OK, &words);
  grove__leave_refusal(c, &words, &refused);
  grove__leave_refuse_all(c, &refused);
}

void grove__leave_alone(grove__cell *c, const grove__worker *w)
{
  // As in grove__leave_world. Relaxed, both.
  grove__mailbox_hide(&c->mailbox);
  grove__cell_show_phase(c, GROVE_PHASE_ENDED);
  atomic_store_explicit(&c->ending, GROVE__CANCELED, memory_order_relaxed);
  c->end = GROVE__END_ORDERLY;
  c->phase = GROVE__CELL_FREE;
  c->leaves = c->gone = true;
  grove__mutex_unlock(&c->lock);
  grove__kind_count(grove__cell_kind(c), w, GROVE__TALLY_ENDED, 1); // before anybody is told
  grove__mailbox_close(&c->mailbox);
  if (GROVE__UNLIKELY(grove__mailbox_count(&c->mailbox))) {
    refuse_rest(c);
  }
  grove__leave_state(c);
  grove__cell_free_body(c);
  tell_parent(c, false, NULL);
}

void grove__leave_state(grove__cell *c)
{
  if (grove__cell_state(c)) {
    grove__value_release(grove__cell_class(c)->start_arg, grove__cell_argument(c));
  }
  if (c->body == GROVE__BODY_FEW) {
    c->body = GROVE__BODY_NONE;
  } else if (c->body == GROVE__BODY_APART) {
    c->apart.state = NULL; // the memory of both goes with the body
  }
}

static void free_annex_locked(grove__cell *c)
{
  const grove_allocator *actors = grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_ACTORS);
  const grove_allocator *futures = grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_FUTURES);
  grove__annex *x = grove__annex_of(c);
  if (x->label_apart) {
    grove__free_text(actors, x->label);
  }
  grove__free(futures, x->words, sizeof *x->words);
  grove__free(futures, x->last_words, sizeof *x->last_words);
  grove__free(actors, x->history.at, x->history.room * sizeof *x->history.at);
  grove__times_free_locked(c);
  grove__group_destroy(grove__cell_system(c), x->group);
  grove__annex_give_locked(c);
}

void grove__leave_free(grove__cell *c)
{
  grove__own_end(c);
  grove__leave_state(c);
  grove__cell_free_body(c);
  grove__mutex_lock(&c->lock);
  if (grove__annex_of(c)) {
    free_annex_locked(c);
  }
  c->phase = GROVE__CELL_FREE;
  grove__cell_show_phase(c, GROVE_PHASE_ENDED); // with the lock; it may have been STUCK
  grove__mutex_unlock(&c->lock);
}

void grove__cell_release(grove__task *t, grove__worker *w)
{
  grove__cell *c = GROVE__CONTAINER(t, grove__cell, task);
  grove__system *y = grove__cell_system(c);
  bool root = c == y->root;
  grove__cell_give(c, w);
  if (root) {
    grove__mutex_lock(&y->end_lock);
    y->root_ended = true;
    grove__cond_broadcast(&y->end_cond);
    grove__mutex_unlock(&y->end_lock);
  }
}
