// Activations: running a method, and what becomes of its call.
#include "actor/activation_quick.h"
#include "actor/times.h"
#include <stdio.h>

enum { REPLY_ON_STACK = 256 };

void grove__activation_words(grove__activation *a, const grove_error *err)
{
  if (!a->words) {
    a->words = grove__alloc(
        grove__memory_of(a->here.system->memory, GROVE__MEMORY_FUTURES), sizeof *a->words);
    if (!a->words) {
      return;
    }
  }
  *a->words = *err;
}

void grove__activation_begin(
    grove__activation *a, grove__cell *c, grove__worker *w, const grove_method *m)
{
  grove__activation_begin_quickly(a, c, w, m);
}

void grove__activation_show(const grove__activation *a)
{
  grove__cell_show_method(a->cell, a->method, a->since);
}

// From here to its end is a span, if anybody wants those of methods.
static void begin_span(grove__activation *a)
{
  if (grove__wants(a->here.system, GROVE__WANTED_SPAN(GROVE_SPAN_METHOD))) {
    a->spans = true;
    a->flow = 0;
    a->span = grove__worker_now(a->worker);
  }
}

void grove__activation_list_locked(grove__activation *a)
{
  grove__cell *c = a->cell;
  if (a->listed) {
    return;
  }
  a->listed = true;
  a->prev = NULL;
  a->wait_serial = 0;
  a->next = grove__cell_activations(c);
  a->crowd = (grove__crowd){NULL, 0, 0, c->tied};
  if (a->next) {
    a->next->prev = a;
    a->crowd = a->next->crowd;
  }
  c->tied = (uintptr_t)a | GROVE__TIED_ACTIVATIONS;
}

// It has ended, and others of its actor wait: one of them is shown.
static void show_other(grove__cell *c)
{
  grove__mutex_lock(&c->lock);
  if (grove__cell_activations(c)) {
    grove__activation_show(grove__cell_activations(c));
  }
  grove__mutex_unlock(&c->lock);
  grove__cell_show(c, GROVE_PHASE_WAITING);
}

static void unlist(grove__activation *a)
{
  grove__cell *c = a->cell;
  grove__mutex_lock(&c->lock);
  if (a->prev) {
    a->prev->next = a->next;
  } else {
    c->tied = a->next ? (uintptr_t)a->next | GROVE__TIED_ACTIVATIONS : a->crowd.tied;
    if (a->next) {
      a->next->crowd = a->crowd;
    }
  }
  if (a->next) {
    a->next->prev = a->prev;
  }
  grove__mutex_unlock(&c->lock);
}

void grove__activation_end(grove__activation *a)
{
  grove__cell *c = a->cell;
  if (a->spans) {
    grove__span_put(grove__cell_system(c), a->worker, GROVE_SPAN_METHOD, c, GROVE_NOBODY,
        a->flow, a->span, grove__worker_now(a->worker), a->method->name);
  }
  if (a->owned) {
    grove__futures_drop_all(&a->owned);
  }
  if (a->listed) {
    unlist(a);
  }
  c->active--;
  a->worker->context = NULL;
  if (a->words) {
    grove__free(
        grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_FUTURES), a->words, sizeof *a->words);
  }
  if (c->active == 0) {
    grove__cell_show_no_method(c);
  } else {
    show_other(c);
  }
}

void grove__activation_failure(const grove__activation *a, grove_status s, grove_error *out)
{
  const grove_class *k = a->cell ? grove__cell_class(a->cell) : NULL;
  const char *method = a->method ? a->method->name : "start";
  bool own = a->words && (a->words->status == s || s == GROVE__CRASHED);
  char nested[sizeof a->words->text];
  memset(out, 0, sizeof *out);
  out->status = s == GROVE__CRASHED ? (own ? a->words->status : GROVE_EDEAD) : s;
  out->at = own ? a->words->at : -1;
  if (a->cell) {
    out->who = grove__cell_ref(a->cell);
    out->restarts = grove__cell_restarts(a->cell);
  }
  snprintf(nested, sizeof nested, "%s",
      own && a->words->text[0] ? a->words->text : grove_status_text(out->status));
  snprintf(out->method, sizeof out->method, "%s%s%s",
      k && a->method && a->method->owner ? k->name : "",
      k && a->method && a->method->owner ? "." : "", method);
  snprintf(out->text, sizeof out->text, "%s: %.390s", out->method, nested);
}

// ---- calls -------------------------------------------------------------------------------------------

// Begins the call of a message. False: nobody wants it any more, or its time is up, whether or not the clock's thread
// has come to say so.
bool grove__activation_begin_call_slowly(grove__activation *a, grove__message *m)
{
  grove__future *f = m->future;
  grove__future_lock(f);
  if (!f->ended && f->call_deadline != INT64_MAX &&
      f->call_deadline <= grove__now(a->here.system)) {
    grove_error err;
    grove__error(&err, GROVE_EEXPIRED, -1,
        "the call's deadline passed: %.60s was queued, and is not begun any more", m->method->name);
    err.who = f->to;
    grove__future_expire_locked(f, &err);
  }
  bool wanted = !f->ended;
  if (wanted) {
    f->begun = true;
    grove__future_set_running(f, a);
    a->deadline = f->call_deadline;
    a->call = f;
    grove__cell_show_call(a->cell, f->index + 1);
  }
  grove_status why = f->status;
  grove__future_leave(f);
  if (!wanted) {
    grove__lost_count(a->here.system, grove__cell_kind(a->cell), grove__lost_kind(why));
    GROVE__EVENT(a->here.system, GROVE_EVENT_DROPPED, a->cell, why, 0, m->method->name, NULL);
    grove__future_let_go(f);
    m->future = NULL;
  }
  return wanted;
}

// A failed method has failed its call; a crashed one, or one whose actor is ending, has taken the actor along.
static void answer_failure(grove__activation *a, grove_status s)
{
  grove__cell *c = a->cell;
  grove_error err;
  grove__activation_failure(a, s, &err);
  grove_status told = s;
  if (s == GROVE__CRASHED) {
    told = GROVE_EDEAD;
  } else if (s == GROVE_ECANCELED && atomic_load_explicit(&c->ending, memory_order_relaxed)) {
    told = grove__stopping(grove__cell_system(c)) ? GROVE_ECLOSED : GROVE_EDEAD;
    snprintf(err.text, sizeof err.text, "%s: %s before it answered", err.method,
        told == GROVE_ECLOSED ? "the runtime stopped" : "the actor ended");
  }
  err.status = told;
  grove__future_end(a->call, told, NULL, &err);
}

void grove__activation_answer_slowly(grove__activation *a, grove__future *call, void *reply)
{
  if (!grove__future_finish(call, GROVE_OK, reply)) {
    grove__count(&a->here.system->counters.late_answers, 1);
    grove__value_release(a->method->reply, reply); // too late, and harmless
  }
}

static void finish_call(grove__activation *a, grove_status s, void *reply)
{
  grove__system *y = a->here.system;
  const grove_type *type = a->method->reply;
  if (!a->call) { // a send, or answered later: what it replies goes nowhere
    if (s == GROVE_OK) {
      grove__value_release(type, reply);
    } else if (!a->taken && s != GROVE__CRASHED) {
      grove_error err;
      grove__activation_failure(a, s, &err);
      grove__log(y, GROVE_LOG_WARN, "actor", "a message failed and nobody asked for its result: %s",
          err.text);
    }
    return;
  }
  if (s == GROVE_OK && grove__value_borrows(type, reply)) {
    grove_error err;
    grove__activation_words(
        a, &(grove_error){.status = GROVE_EINVAL,
               .at = -1,
               .text = "the reply holds a borrowed view, which would outlive its frame: share it"});
    grove__activation_failure(a, GROVE_EINVAL, &err);
    grove__future_end(a->call, GROVE_EINVAL, NULL, &err);
    grove__value_release(type, reply); // and what else it holds
  } else if (s == GROVE_OK) {
    grove__future *call = a->call;
    grove__activation_forget_call(a);
    if (type->holds || !grove__future_finish_quickly(y, call, reply, type->bytes)) {
      grove__activation_answer_slowly(a, call, reply);
    }
    return;
  } else {
    answer_failure(a, s);
  }
  grove__future *call = a->call;
  grove__activation_forget_call(a);
  grove__future_let_go(call);
}

static void note_crash(grove__activation *a)
{
  grove__cell *c = a->cell;
  grove_error err;
  grove__count(&grove__cell_kind(c)->crashed, 1);
  grove__activation_failure(a, GROVE__CRASHED, &err);
  GROVE__EVENT(grove__cell_system(c), GROVE_EVENT_FAILED, c, err.status, 0, a->method->name, err.text);
  grove__cell_end(c, grove__cell_ref(c).which, GROVE__END_FAIL, &err, INT64_MAX);
}

static void note_end(grove__cell *c, grove__activation *a, uint8_t watched, grove_status s)
{
  grove__cell_count_end(c, s);
  uint32_t what = watched & GROVE__WATCHED_TICK ? GROVE__TALLY_TICKS
                  : s               ? GROVE__TALLY_FAILED
                                    : GROVE__TALLY_HANDLED;
  grove__kind_count(grove__cell_kind(c), a->worker, what, 1);
  if (s == GROVE__CRASHED) {
    note_crash(a);
  }
}

static inline grove_status run_method(
    grove__cell *c, grove__activation *a, grove__message *m, void *reply)
{
  const grove_class *k = grove__cell_class(c);
  if (!grove__activation_is_for_another(a)) {
    return m->method->run(&a->here, grove__cell_state(c), m->argument, reply);
  }
  // It stands for another class: the call is taken, and handed over as a promise.
  grove_promise p = grove__promise_take(a);
  grove_status s = k->receive(&a->here, grove__cell_state(c), m->method, m->argument, p);
  if (s && s != GROVE__CRASHED) {
    grove_error err;
    grove__activation_failure(a, s, &err);
    (void)!grove_promise_fail(&a->here, p, &err);
  } else if (!s) {
    grove__promise_kept(a, p);
  }
  return s;
}

// A message that is followed, as all are that were sent while spans were wanted, has left the mailbox; or a tick, which
// nobody has sent.
static void follow(grove__activation *a, grove__message *m)
{
  grove__system *y = a->here.system;
  begin_span(a);
  a->flow = grove__message_flow(m);
  if (!a->flow) {
    return;
  }
  if (grove__wants(y, GROVE__WANTED_SPAN(GROVE_SPAN_QUEUE))) {
    grove__span_put(y, a->worker, GROVE_SPAN_QUEUE, a->cell, GROVE_NOBODY, a->flow, m->letter.at,
        grove__worker_now(a->worker), m->method->name);
  }
}

enum { TIMED = GROVE__WATCHED_TIMED | GROVE__WATCHED_OWN };

// One of those whose times are taken: how long it has waited; gives when it begins.
static int64_t begin_timed(grove__activation *a, grove__message *m)
{
  int64_t now = grove__worker_now(a->worker);
  if (m->letter.watched & GROVE__WATCHED_TIMED) {
    grove__durations_add(&grove__cell_kind(a->cell)->waited, now - m->letter.at);
  }
  grove__times_add(a->cell, now - m->letter.at, -1, now);
  m->letter.watched &= ~TIMED; // if it is put back and comes again, its times are no longer its own
  return now;
}

static void end_timed(grove__activation *a, uint8_t watched, int64_t begun)
{
  int64_t now = grove__worker_now(a->worker);
  if (watched & GROVE__WATCHED_TIMED) {
    grove__durations_add(&grove__cell_kind(a->cell)->ran, now - begun);
  }
  grove__times_add(a->cell, -1, now - begun, now);
}

void grove__activation_finish(grove__activation *a, grove_status s, void *reply, uint8_t watched)
{
  grove__cell *c = a->cell;
  grove__message *m = a->message;
  if (reply && (s || a->deferred)) { // what it put there before it failed is dropped
    grove__value_release(m->method->reply, reply);
  }
  if (!a->deferred || s == GROVE__CRASHED) { // one that was put back has not ended
    note_end(c, a, watched, s);
  }
  a->crashed = s == GROVE__CRASHED;
  if (a->deferred && !a->crashed) {
    grove__defer_finish(a);
    return;
  }
  if (a->deferred) { // the message that crashed its actor does not come back
    grove__mailbox_forgo(&c->mailbox, &m->letter);
  }
  finish_call(a, s, reply);
}

void grove__activation_leave(grove__activation *a, grove__worker **w)
{
  grove__cell *c = a->cell;
  grove__message *m = a->message;
  bool back = a->deferred && !a->crashed; // then it is the mailbox's again, or gone
  grove__activation_end(a);
  *w = a->worker;
  if (!back && (m->letter.watched & GROVE__WATCHED_TICK)) {
    grove__cell_timer_done(c, m);
  } else if (!back) {
    grove__message_destroy_on_worker(grove__cell_system(c), a->worker, m);
  }
}

// Twice in the code, for messages that somebody watches, and without a look at that for the others: see docs/design/observation.md.
static inline __attribute__((always_inline)) void run(
    grove__cell *c, grove__worker **w, grove__message *m, uint8_t watched)
{
  const grove_allocator *memory = grove__memory_of(grove__cell_system(c)->memory, GROVE__MEMORY_FUTURES);
  grove__activation a;
  _Alignas(16) unsigned char few[REPLY_ON_STACK];
  uint32_t bytes = m->method->reply->bytes;
  grove__activation_begin_quickly(&a, c, *w, m->method);
  a.message = m;
  if (watched & GROVE__WATCHED_FOLLOWED) {
    follow(&a, m);
  }
  if (grove__activation_begin_call(&a, m)) {
    int64_t begun = watched & TIMED ? begin_timed(&a, m) : 0;
    void *reply = bytes > sizeof few ? grove__alloc(memory, bytes) : few;
    grove_status s = GROVE_ENOMEM;
    if (reply) {
      memset(reply, 0, bytes);
      s = run_method(c, &a, m, reply);
    }
    if (watched & TIMED) {
      end_timed(&a, watched, begun);
    }
    grove__activation_finish(&a, s, reply, watched);
    if (reply != few) {
      grove__free(memory, reply, bytes);
    }
  }
  grove__activation_leave(&a, w);
}

static __attribute__((noinline)) void run_watched(grove__cell *c, grove__worker **w, grove__message *m)
{
  run(c, w, m, m->letter.watched);
}

void grove__message_run(grove__cell *c, grove__worker **w, grove__message *m)
{
  if (m->letter.watched) {
    run_watched(c, w, m);
  } else {
    run(c, w, m, 0);
  }
}

// ---- start and stop -------------------------------------------------------------------------------------

static const grove_type nothing = {
    sizeof(grove_type), sizeof(grove_none), "grove_none", GROVE_TYPE_PLAIN, 0, NULL, NULL, NULL};
static const grove_method start_method = {
    sizeof(grove_method), 0, "start", NULL, NULL, &nothing, &nothing};
static const grove_method stop_method = {
    sizeof(grove_method), 0, "stop", NULL, NULL, &nothing, &nothing};

grove_status grove__start_run(grove__cell *c, grove__worker **w, grove_error *err)
{
  const grove_class *k = grove__cell_class(c);
  grove__activation a;
  grove__activation_begin(&a, c, *w, &start_method);
  begin_span(&a);
  grove__cell_show_phase(c, GROVE_PHASE_STARTING); // for people
  grove_status s = k->start ? k->start(&a.here, grove__cell_state(c), grove__cell_argument(c), NULL) : GROVE_OK;
  if (s) {
    grove__activation_failure(&a, s, err);
    snprintf(err->method, sizeof err->method, "%s.start", k->name);
    char text[sizeof err->text];
    snprintf(text, sizeof text, "%.40s.%.390s", k->name, err->text);
    memcpy(err->text, text, sizeof text);
  }
  grove__activation_end(&a);
  grove__cell_show(c, GROVE_PHASE_IDLE);
  *w = a.worker;
  return s;
}

void grove__stop_run(grove__cell *c, grove__worker **w, grove_status why)
{
  const grove_class *k = grove__cell_class(c);
  grove__activation a;
  grove__activation_begin(&a, c, *w, &stop_method);
  begin_span(&a);
  a.in_stop = true;
  grove__cell_show_phase(c, GROVE_PHASE_ENDING); // for people
  k->stop(&a.here, grove__cell_state(c), why);
  grove__activation_end(&a);
  *w = a.worker;
}

void grove__then_run(grove__cell *c, grove__worker **w, grove__future *f)
{
  static const grove_method method = {
      sizeof(grove_method), 0, "then", NULL, NULL, &nothing, &nothing};
  grove__activation a;
  grove__future_lock(f);
  grove_then_fn *fn = f->then;
  void *user = f->then_user;
  grove_future h = grove__future_handle(f);
  f->then = NULL; // from here on the function may spend it
  grove__future_leave(f);
  grove__activation_begin(&a, c, *w, &method);
  begin_span(&a);
  grove_status s = fn(&a.here, user, h);
  if (s == GROVE__CRASHED) {
    grove__cell_count_end(c, s);
    note_crash(&a);
  }
  grove__future_drop(f, h.generation);
  grove__activation_end(&a);
  *w = a.worker;
}
