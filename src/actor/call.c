// Sending and calling.
#include "actor/future.h"
#include "actor/run.h"
#include "actor/send.h"
#include <stdio.h>

/// One message on its way.
typedef struct post {
  grove__system *y;
  grove__activation *here;
  grove_ref to;
  const grove_method *method;
  grove__cell *cell;
  grove__kind *kind; // where it is counted
  int64_t deadline;
  uint32_t full;   // GROVE_FULL_*: what its class says, but FAIL for WAIT where `now`
  bool now;        // it must not wait for room
  bool waits;      // its class has senders wait for room
  const grove_promise *promise; // on whose behalf it is; NULL: on its sender's
  grove_error err; // words, once it has failed
} post;

static grove_status refuse(post *p, grove_status s, const char *why)
{
  char title[112];
  grove__ref_title(p->y, p->to, title, sizeof title);
  grove__error(&p->err, s, -1, "%.60s to %s: %s",
      p->method && p->method->name ? p->method->name : "a message", title,
      why ? why : grove_status_text(s));
  p->err.who = p->to;
  if (p->method && p->method->name) {
    snprintf(p->err.method, sizeof p->err.method, "%s%s%s",
        p->method->owner ? p->method->owner->name : "", p->method->owner ? "." : "",
        p->method->name);
  }
  return s;
}

// An event about the receiver, which may be another's by now: by its address, and what the error says.
static void tell(const post *p, uint32_t kind, grove_status s, int64_t value, const char *text)
{
  if (grove__wants(p->y, GROVE__WANTED_EVENT(kind))) {
    grove__event_put_of(p->y, kind, p->to, p->method->owner ? p->method->owner->name : NULL, NULL,
        s, value, p->method->name, text);
  }
}

// The words for who watches: they say who sent it, too, who is told himself.
static void with_sender(const post *p, char *out, size_t room)
{
  char title[112] = "outside";
  if (p->here && p->here->cell) {
    grove__cell_title(p->here->cell, title, sizeof title);
  } else if (p->here) {
    snprintf(title, sizeof title, "%.60s (offloaded)", p->here->method->name);
  }
  snprintf(out, room, "%.320s; from %s", p->err.text, title);
}

// The receiver is gone: with its last words, where they are remembered.
static grove_status gone(post *p)
{
  grove__death d;
  char why[300];
  grove__count(&p->y->counters.dead_letters, 1);
  // The cell serves another life, or none: its class is the method's then.
  grove__kind *k =
      !p->kind && p->method->owner ? grove__kind_find(p->y, p->method->owner) : p->kind;
  if (k) {
    grove__count(&k->dead, 1);
  }
  bool known = grove__death_find(p->y, p->to, &d) && d.error.status;
  if (known) {
    snprintf(why, sizeof why, "it has ended: %.280s", d.error.text);
  }
  if (!p->here && grove__stopping(p->y)) { // an outside thread that waited for room, or was at it
    return refuse(p, GROVE_ECLOSED, NULL);
  }
  refuse(p, GROVE_ENOACTOR, known ? why : NULL);
  bool due = grove__lost_is_due(p->y, GROVE__LOST_DEAD);
  if (due || grove__wants(p->y, GROVE__WANTED_EVENT(GROVE_EVENT_DEAD_LETTER))) {
    char text[sizeof p->err.text];
    with_sender(p, text, sizeof text);
    tell(p, GROVE_EVENT_DEAD_LETTER, GROVE_ENOACTOR, 0, text);
    if (due) {
      grove__lost_say(p->y, GROVE__LOST_DEAD, text);
    }
  }
  return GROVE_ENOACTOR;
}

// An address that was never an actor's here: it says why itself.
static grove_status refuse_address(post *p, grove_status s)
{
  char why[400] = "the address is zero";
  if (p->to.where) {
    snprintf(why, sizeof why, "its address holds for the runtime that it was made by alone");
  } else if (p->to.which) {
    grove__why_words(p->y, p->to.which, why, sizeof why);
  }
  return refuse(p, s, why);
}

static grove_status resolve(post *p, grove *g, grove_ref to, const grove_method *m, const void *arg)
{
  p->to = to;
  p->method = m;
  p->kind = NULL;
  grove_status entered = grove__enter(g, &p->y, &p->here);
  if (entered) {
    p->err = (grove_error){.status = entered};
    return entered;
  }
  if (!m || !m->run || !m->arg || !m->reply || !arg) {
    return refuse(p, GROVE_EINVAL,
        "a method with `run`, `arg` and `reply`, and an argument are wanted (&GROVE_NONE for none)");
  }
  if (!p->here && grove__stopping(p->y)) {
    return refuse(p, GROVE_ECLOSED, NULL);
  }
  grove_status s = grove__cell_find(p->y, to, &p->cell);
  if (s == GROVE_ENOACTOR && to.where) {
    return gone(p);
  }
  if (s) {
    return refuse_address(p, s);
  }
  p->kind = grove__cell_kind(p->cell);
  // Relaxed: see the fields. If this life has ended meanwhile, the mailbox says so; here only a wrong class counts.
  const grove_class *k = grove__cell_class(p->cell);
  const grove_class *stands_for = atomic_load_explicit(&grove__cell_annex(p->cell)->stands_for, memory_order_relaxed);
  if (m->owner != k && (!stands_for || m->owner != stands_for)) {
    if (grove__cell_find(p->y, to, &p->cell)) {
      return gone(p);
    }
    char why[160];
    snprintf(why, sizeof why, "the method is of another class, %.60s",
        m->owner && m->owner->name ? m->owner->name : "none");
    return refuse(p, GROVE_EINVAL, why);
  }
  return GROVE_OK;
}

static bool fire_room(void *user)
{
  return grove__waiter_fire(user, GROVE__WOKEN_ENDED);
}

// An actor's wait for room, once it is listed: a circle of actors that wait for each other is found.
static grove_status wait_in_graph(post *p, grove__waiter *w, uint32_t *reason, grove_error *circle)
{
  const grove__waits_for what = {
      NULL, 0, p->to, p->deadline != INT64_MAX, circle->text, sizeof circle->text};
  grove_status s = grove__deadlock_enter(p->here, w, &what, circle);
  bool found = s != GROVE_OK;
  if (!found) {
    s = grove__wait(p->y, p->here, w, p->deadline, reason);
    if (!s && *reason == GROVE__WOKEN_TIME) {
      (void)grove__deadlock_late(p->here, circle->text, sizeof circle->text);
    }
    grove__deadlock_leave(p->here);
    found = !s && *reason == GROVE__WOKEN_CIRCLE;
    if (found) {
      circle->status = s = GROVE_EDEADLK;
    }
  }
  if (found) {
    GROVE__EVENT(
        p->y, GROVE_EVENT_DEADLOCK, p->here->cell, s, 0, p->here->method->name, circle->text);
  }
  return s;
}

// Waits until the mailbox has room for so many bytes. Returns: GROVE_OK: try again; else it has refused
static grove_status wait_for_room(post *p, uint32_t bytes)
{
  grove__waiter w;
  grove_error circle = {.status = GROVE_OK};
  uint32_t reason = GROVE__WOKEN_ENDED;
  GROVE__TRY(grove__waiter_init(&w, p->here, 1));
  w.room = p->to;
  grove__room_waiter room = {.fire = fire_room, .user = &w};
  grove_status s = grove__annex_ensure(p->cell, p->to.which); // of which the list of those who wait is
  if (s == GROVE_ENOACTOR) {
    s = GROVE_OK; // the next try finds that out
  } else if (!s && grove__mailbox_wait(&p->cell->mailbox, p->to.which, bytes, &room)) {
    s = p->here ? wait_in_graph(p, &w, &reason, &circle)
                : grove__wait(p->y, NULL, &w, p->deadline, &reason);
    grove__mailbox_unwait(&p->cell->mailbox, &room);
  }
  grove__waiter_deinit(&w);
  if (s) {
    char why[128];
    snprintf(why, sizeof why,
        "its mailbox is full, and max_suspended (%u) actors wait already: raise it, or wait in fewer",
        (unsigned)p->y->options.max_suspended);
    return refuse(p, s, circle.status == s ? circle.text : s == GROVE_ELIMIT ? why : NULL);
  }
  switch (reason) {
  case GROVE__WOKEN_CANCEL: return refuse(p, GROVE_ECANCELED, NULL);
  case GROVE__WOKEN_TIME: {
    char why[300];
    snprintf(why, sizeof why, "the deadline passed while its mailbox was full%s%.220s",
        circle.text[0] ? "; " : "", circle.text);
    return refuse(p, GROVE_EEXPIRED, why);
  }
  default: return GROVE_OK;
  }
}

// What is full: the budget of the actor, or its mailbox.
static void describe_full(post *p, uint32_t bytes, char *why, size_t room)
{
  grove__cell *c = p->cell;
  const grove__mailbox *b = &c->mailbox;
  const grove_class *k = grove__cell_class(c);
  uint64_t limit = atomic_load_explicit(&grove__cell_annex(c)->limit, memory_order_relaxed); // for people
  uint64_t most_bytes = GROVE__CLASS(k, mailbox_bytes);
  bool fits = grove__mailbox_count(b) < grove__class_mailbox(k) &&
              (!most_bytes || grove__mailbox_bytes(b) + bytes <= most_bytes);
  snprintf(why, room,
      "its mailbox is full: %u messages, %llu bytes (limits: %u messages, %llu bytes; 0: none; "
      "`mailbox`, `mailbox_bytes` and `full` of its class)",
      (unsigned)grove__mailbox_count(b), (unsigned long long)grove__mailbox_bytes(b),
      (unsigned)grove__class_mailbox(k), (unsigned long long)most_bytes);
  if (limit && fits) {
    grove__mutex_lock(&c->lock); // its name stays
    if (grove__cell_is_locked(c, p->to.which)) {
      grove__own_describe(c, why, room);
    }
    grove__mutex_unlock(&c->lock);
  }
}

static grove_status is_full(post *p, const grove__message *m)
{
  char why[300];
  uint32_t bytes = m->letter.bytes;
  bool drops = p->full == GROVE_FULL_DROP_NEW && !m->future; // a call is told
  describe_full(p, bytes, why, sizeof why);
  refuse(p, GROVE_EAGAIN, why);
  tell(p, drops ? GROVE_EVENT_DROPPED : GROVE_EVENT_FULL, GROVE_EAGAIN,
      grove__mailbox_count(&p->cell->mailbox), p->err.text);
  if (!drops) {
    grove__count(&p->y->counters.refused, 1);
    grove__count(&p->kind->refused, 1);
  } else if (grove__lost_is_due(p->y, GROVE__LOST_FULL)) { // its sender is not told
    char text[sizeof p->err.text];
    with_sender(p, text, sizeof text);
    grove__lost_say(p->y, GROVE__LOST_FULL, text);
  }
  return GROVE_EAGAIN;
}

// The oldest are dropped when the receiver takes letters; so that one who takes none is no leak, there is an end: a
// thousand letters above the limit, and twice the bytes.
static bool may_be_over(const post *p, const grove_class *k)
{
  if (GROVE__CLASS(k, full) != GROVE_FULL_DROP_OLD) {
    return false;
  }
  // Relaxed: constant for a life.
  uint64_t budget = atomic_load_explicit(&grove__cell_annex(p->cell)->limit, memory_order_relaxed);
  uint64_t most_bytes = GROVE__CLASS(k, mailbox_bytes);
  return grove__mailbox_count(&p->cell->mailbox) / 2 <= grove__class_mailbox(k) / 2 + 512 &&
         (!most_bytes || grove__mailbox_bytes(&p->cell->mailbox) / 2 < most_bytes) &&
         (!budget || grove__mailbox_bytes(&p->cell->mailbox) / 2 < budget);
}

static uint32_t tally_of(const grove__message *m)
{
  return m->future ? GROVE__TALLY_CALLS : GROVE__TALLY_SENDS;
}

static void uncount(const post *p, const grove__message *m)
{
  grove__kind_count(p->kind, p->here ? p->here->worker : NULL, tally_of(m), UINT64_MAX);
}

void grove__message_follow(
    grove__system *y, const grove__activation *here, grove_ref to, grove__message *m)
{
  if (!(m->letter.watched & GROVE__WATCHED_NUMBERED)) {
    return; // it was made before somebody began to watch
  }
  m->letter.watched |= GROVE__WATCHED_FOLLOWED;
  uint64_t flow = *grove__message_number(m) = grove__flow_new(y);
  m->letter.at = grove__now(y);
  if (grove__wants(y, GROVE__WANTED_SPAN(GROVE_SPAN_SEND))) {
    grove__span_put(y, here ? here->worker : NULL, GROVE_SPAN_SEND, here ? here->cell : NULL, to,
        flow, m->letter.at, m->letter.at, m->method->name);
  }
}

// Counts a message before it is sent, so that nobody ever sees more handled than were sent, and says when that is: one
// in 64 exactly, the others as well as a worker knows without a look at the clock.
static void count_and_stamp(const post *p, grove__message *m)
{
  const grove__worker *w = p->here ? p->here->worker : NULL;
  uint32_t line =
      w ? w->line : 0; // 0: not ours, or one that may block for long: it has no recent time
  uint8_t timed = grove__kind_timing(grove__tally_add(p->kind->line, line, tally_of(m), 1), p->cell);
  m->letter.watched = (m->letter.watched & GROVE__WATCHED_NUMBERED) | timed; // GROVE__WATCHED_TIMED, _OWN
  m->letter.at = timed || line == 0 ? grove__now(p->y) : grove__worker_recent(w);
  if (grove__wants(p->y, GROVE__FOLLOWED)) {
    grove__message_follow(p->y, p->here, p->to, m);
  }
}

// Puts the message in the mailbox, by the class's policy for a full one. On failure it is still the caller's.
static grove_status deliver(post *p, grove__message *m)
{
  const grove_class *k = grove__cell_class(p->cell);
  for (;;) {
    count_and_stamp(p, m);
    grove_status s =
        grove__cell_push(p->cell, p->to.which, &m->letter, may_be_over(p, k));
    if (!s) {
      return GROVE_OK;
    }
    uncount(p, m);
    if (s == GROVE_ENOACTOR) {
      return gone(p);
    }
    if (p->full != GROVE_FULL_WAIT) {
      return is_full(p, m);
    }
    GROVE__TRY(wait_for_room(p, m->letter.bytes));
  }
}

// What its class does when it is full. An outside thread that may wait for room: until it is out of here the runtime stays,
// even if it stops meanwhile.
static bool stay(post *p, grove_status s)
{
  const grove_class *k = s ? NULL : grove__cell_class(p->cell);
  p->full = k ? GROVE__CLASS(k, full) : GROVE_FULL_FAIL;
  p->waits = p->full == GROVE_FULL_WAIT;
  p->full = p->waits && p->now ? GROVE_FULL_FAIL : p->full;
  bool stays = p->full == GROVE_FULL_WAIT && !p->here && !p->y->options.simulate;
  if (stays) {
    grove__outside_enter(p->y);
  }
  return stays;
}

// No memory, or none of what the options allow: who holds it.
static grove_status has_no_room(post *p, grove_status s)
{
  char why[400];
  grove__memory_words(p->y, s, why, sizeof why);
  refuse(p, s, why);
  tell(p, GROVE_EVENT_LIMIT, s, 0, p->err.text);
  return s;
}

grove_status grove__send_slowly(
    grove *g, grove_ref to, const grove_method *method, const void *arg, bool now)
{
  post p; // its words are written when they are wanted
  grove__message *m;
  p.deadline = INT64_MAX;
  p.now = now;
  grove_status s = resolve(&p, g, to, method, arg);
  bool stayed = stay(&p, s);
  if (!s) {
    grove__stash *stash = grove__stash_open(p.y, p.here);
    s = grove__message_create(p.y, stash, method, arg, grove__wants(p.y, GROVE__FOLLOWED), &m);
    grove__stash_close(p.here, stash);
    if (s) {
      has_no_room(&p, s);
    }
  }
  if (!s) {
    bool gives_way = p.here && !now && grove__is_outrun(p.cell, grove__cell_manner(p.cell));
    s = deliver(&p, m);
    if (!s && gives_way) {
      grove__give_way(p.here);
    }
    if (s) {
      grove__message_destroy(p.y, m);
      if (s == GROVE_EAGAIN && p.full == GROVE_FULL_DROP_NEW) {
        grove__kind_count(p.kind, p.here ? p.here->worker : NULL, GROVE__TALLY_SENDS,
            1); // sent, and dropped as the class asked for
        grove__lost_count(p.y, p.kind, GROVE__LOST_FULL);
        s = GROVE_OK;
      }
    }
  }
  if (s && p.y && p.here) {
    grove__activation_words(p.here, &p.err);
  }
  if (stayed) {
    grove__outside_leave(p.y);
  }
  return s;
}

grove_status grove_wait_room(grove *g, grove_ref to, const grove_method *m)
{
  post p;
  p.deadline = INT64_MAX;
  p.now = false;
  grove_status s = resolve(&p, g, to, m, &GROVE_NONE); // nothing is sent, so no argument is looked at
  bool stayed = stay(&p, s);
  if (!s && p.waits) {
    p.deadline = p.here ? p.here->deadline : INT64_MAX;
    s = wait_for_room(&p, grove__message_bytes(m));
  }
  if (s && p.y && p.here) {
    grove__activation_words(p.here, &p.err);
  }
  if (stayed) {
    grove__outside_leave(p.y);
  }
  return s;
}

// ---- calls -------------------------------------------------------------------------------------------

// The receiver's state matters to calls only between two starts. Gives GROVE_EDEAD if they are not to be queued.
static grove_status look_at_receiver(post *p, int64_t *queue_until)
{
  grove__cell *c = p->cell;
  *queue_until = INT64_MAX;
  // Relaxed: a first look; the lock decides.
  if (grove__cell_shown_phase(c) != GROVE_PHASE_RESTARTING) {
    return GROVE_OK;
  }
  char words[300] = "";
  bool fail = false;
  grove__mutex_lock(&c->lock);
  if (grove__cell_is_locked(c, p->to.which) && c->phase == GROVE__CELL_RESTARTING) {
    const grove__annex *x = grove__cell_annex(c);
    fail = x->spec.queue_ms == 0;
    snprintf(words, sizeof words, "it is being restarted: %.260s", x->last_words ? x->last_words->text : "");
    *queue_until = grove__deadline_in(p->y, x->spec.queue_ms);
  }
  grove__mutex_unlock(&c->lock);
  return fail ? refuse(p, GROVE_EDEAD, words) : GROVE_OK;
}

static grove_status refuse_future(post *p)
{
  char why[160];
  grove__future_limit_words(p->y, why, sizeof why);
  refuse(p, GROVE_ELIMIT, why);
  tell(p, GROVE_EVENT_LIMIT, GROVE_ELIMIT, p->y->options.max_outside, p->err.text);
  return GROVE_ELIMIT;
}

static grove_status make_parts(post *p, const void *arg, grove__message **m, grove__future **f)
{
  grove__system *y = p->y;
  grove__stash *stash = grove__stash_open(y, p->here);
  grove_status s = grove__message_create(y, stash, p->method, arg, grove__wants(y, GROVE__FOLLOWED), m);
  grove_status other = s ? s : grove__future_create(y, p->here, stash, p->method->reply, true, f);
  grove__stash_close(p->here, stash);
  if (s || !other) {
    return s ? has_no_room(p, s) : GROVE_OK;
  }
  grove__message_destroy(y, *m);
  return other == GROVE_ELIMIT ? refuse_future(p) : has_no_room(p, other);
}

static grove_status make_call(post *p, const void *arg, grove_future *out)
{
  grove__system *y = p->y;
  grove__message *m;
  grove__future *f;
  int64_t queue_until;
  GROVE__TRY(look_at_receiver(p, &queue_until));
  GROVE__TRY(make_parts(p, arg, &m, &f));
  grove_future h = grove__future_handle(f);
  f->to = p->to;
  f->method = p->method;
  grove__future_open_call(f, p->deadline, queue_until);
  m->future = f;
  bool waited_for = false;
  if (p->promise) { // before it can begin: who waits in it already looks for circles through the promise
    waited_for = grove__promise_follow(p->here ? &p->here->here : &y->here, *p->promise, h, true);
  }
  grove_status s = deliver(p, m);
  if (s) {
    grove__message_destroy(y, m);
    grove__future_end(f, s, NULL, &p->err);
    grove__future_let_go(f);
    if (p->now && s == GROVE_EAGAIN) {
      grove__future_drop(f, h.generation);
      return s;
    }
  } else if (waited_for) {
    grove__deadlock_moved(y, (grove_future){p->promise->slot, p->promise->generation});
  }
  *out = h;
  return GROVE_OK;
}

// On its own behalf a method has no more time than its own call, and calls nobody any more when that is given up.
static grove_status ask(post *p, int64_t ms, const void *arg, grove_future *out)
{
  bool own = p->here && !p->promise;
  if (p->here && (own ? grove__activation_is_canceled(p->here) : grove__activation_is_to_end(p->here))) {
    return refuse(p, GROVE_ECANCELED, "the caller is to end");
  }
  int64_t inherited = own ? p->here->deadline : INT64_MAX;
  p->deadline = grove__deadline_in(p->y, ms);
  p->deadline = p->deadline < inherited ? p->deadline : inherited;
  return make_call(p, arg, out);
}

// Fails only of one that may not wait for room, with GROVE_EAGAIN; other failures are a future's.
static grove_status call(grove *g, int64_t ms, grove_ref to, const grove_method *m, const void *arg,
    bool now, const grove_promise *promise, grove_future *out)
{
  post p;
  p.deadline = INT64_MAX;
  p.now = now;
  p.promise = promise;
  grove_status s = resolve(&p, g, to, m, arg);
  if (!p.y || s == GROVE_EFORKED) {
    *out = grove__future_failed(s, GROVE__WHY_UNKNOWN);
    return GROVE_OK;
  }
  bool stayed = stay(&p, s);
  if (!s) {
    p.now = promise ? p.waits : now; // where no sender ever waits, that it is full is a future's failure
    s = ask(&p, ms, arg, out);
  }
  bool full = s == GROVE_EAGAIN && p.now; // else the future says so
  if (full) {
    *out = (grove_future){0, 0};
    if (p.here) {
      grove__activation_words(p.here, &p.err);
    }
  } else if (s) {
    *out = !p.here && grove__stopping(p.y)
               ? grove__future_failed(s, GROVE__WHY_UNKNOWN) // nobody would free a slot
               : grove__future_of_failure(p.y, p.here, &p.err);
  }
  if (stayed) {
    grove__outside_leave(p.y);
  }
  return full ? s : GROVE_OK;
}

grove_future grove_call(grove *g, grove_ref to, const grove_method *m, const void *arg)
{
  return grove_call_within(g, -1, to, m, arg);
}

grove_future grove_call_within(
    grove *g, int64_t ms, grove_ref to, const grove_method *m, const void *arg)
{
  grove__system *y;
  grove__activation *here;
  grove_future f;
  if (ms >= 0 || grove__enter(g, &y, &here) || !grove__call_quickly(y, here, to, m, arg, &f)) {
    (void)!call(g, ms, to, m, arg, false, NULL, &f); // which fails only of a call that may not wait
  }
  return f;
}

grove_status grove_call_now(
    grove *g, grove_ref to, const grove_method *m, const void *arg, grove_future *out)
{
  return out ? call(g, -1, to, m, arg, true, NULL, out) : GROVE_EINVAL;
}

grove_status grove_call_for(grove *self, grove_promise p, grove_ref to, const grove_method *m,
    const void *arg, grove_future *out)
{
  return out ? call(self, -1, to, m, arg, true, &p, out) : GROVE_EINVAL;
}
