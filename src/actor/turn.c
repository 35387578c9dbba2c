// A cell's turn: what it does, in which order, and when it lets others run.
#include "actor/ties.h"
#include "actor/activation_quick.h"
#include "actor/fault.h"
#include "actor/group.h"
#include "plat/clock.h"
#include "queue/mailbox_quick.h"
#include <stdio.h>

static void say_dropped(const grove__cell *c, const grove__message *m, grove_error *err)
{
  const grove_class *k = grove__cell_class(c);
  char title[112];
  grove__cell_title(c, title, sizeof title);
  snprintf(err->text, sizeof err->text,
      "%.60s to %s: dropped as the oldest of a full mailbox (limits: %u messages, %llu bytes; 0: "
      "none; `mailbox`, `mailbox_bytes` and `full` of its class)",
      m->method->name, title, (unsigned)grove__class_mailbox(k),
      (unsigned long long)GROVE__CLASS(k, mailbox_bytes));
}

// A letter of another life had a sender who was late for the life before.
static __attribute__((noinline)) void refuse_late(grove__cell *c, grove__message *m)
{
  grove_error gone = {.status = GROVE_ENOACTOR, .at = -1};
  memcpy(gone.text, "the actor had ended", 20);
  grove__message_refuse(c, m, &gone);
}

// Takes the next letter of this life.
static grove__message *take_own(grove__cell *c, grove__letter *(*pop)(grove__mailbox *m))
{
  for (;;) {
    grove__message *m = (grove__message *)(void *)pop(&c->mailbox);
    if (!m || m->letter.life == grove__cell_life(c)) {
      return m;
    }
    refuse_late(c, m);
  }
}

// Takes the next message, after what its mailbox drops as the oldest.
static grove__message *next_after_drops(grove__cell *c)
{
  for (;;) {
    bool over = grove__mailbox_is_over(&c->mailbox);
    grove__message *m = over ? take_own(c, grove__mailbox_pop_lowest) : NULL;
    if (!m) { // it is not, or only of what is never dropped
      return take_own(c, grove__mailbox_pop);
    }
    grove_error err = {.status = GROVE_EAGAIN, .at = -1, .who = grove__cell_ref(c)};
    if (m->future) { // whose caller reads it
      say_dropped(c, m, &err);
    }
    grove__message_refuse(c, m, &err);
  }
}

static inline grove__message *next_message(grove__cell *c)
{
  if (GROVE__UNLIKELY(grove__cell_manner(c)->drops_old)) {
    return next_after_drops(c);
  }
  grove__message *m = (grove__message *)(void *)grove__mailbox_pop_quickly(&c->mailbox);
  if (m && m->letter.life == grove__cell_life(c)) {
    return m;
  }
  if (m) {
    refuse_late(c, m);
  }
  return take_own(c, grove__mailbox_pop);
}

// From here on messages are taken without a look, until somebody asks for one.
static void show_no_look_locked(grove__cell *c)
{
  atomic_store_explicit(&c->look, false, memory_order_relaxed); // relaxed: set under this lock
}

static void run_start(grove__cell *c, grove__worker **w)
{
  grove_error err;
  uint64_t life = grove__cell_ref(c).which;
  grove_status s = grove__start_run(c, w, &err);
  if (s) {
    grove__cell_count_end(c, s);
    grove__count(&grove__cell_kind(c)->crashed, 1);
    GROVE__EVENT(grove__cell_system(c), GROVE_EVENT_FAILED, c, s, 0, "start", err.text);
    grove__cell_end(c, life, GROVE__END_FAIL, &err, INT64_MAX);
    return;
  }
  grove__mutex_lock(&c->lock);
  c->started = true;
  if (c->phase == GROVE__CELL_STARTING) {
    c->phase = GROVE__CELL_ALIVE;
    if (!grove__tied(c, GROVE__TIED_THENS) && !grove__activation_any_ready_locked(c) && !c->marked) {
      show_no_look_locked(c);
    }
  }
  bool watched = grove__tied(c, GROVE__TIED_WATCHERS);
  grove__mutex_unlock(&c->lock);
  GROVE__EVENT(grove__cell_system(c), GROVE_EVENT_STARTED, c, GROVE_OK, 0, "start", NULL);
  if (watched) {
    grove__watchers_started(c);
  }
  grove__group_started(c);
}

static inline void end_task(grove__cell *c, const grove__worker *w)
{
  if (grove__cell_is_task(c)) {
    grove__cell_end_task(c, w);
  }
}

static inline void run_plainly(grove__cell *c, grove__worker **w, grove__message *m)
{
  grove__message_run_plainly(c, w, m);
  end_task(c, *w);
}

static inline void run_message(grove__cell *c, grove__worker **w, grove__message *m)
{
  if (m->letter.marks == grove__message_usual() && (*w)->plain) {
    run_plainly(c, w, m);
    return;
  }
  if (!m->method) { // grove_exit's mark: all that came before it has been handled
    grove__message_destroy(grove__cell_system(c), m);
    c->marked = true;
    atomic_store_explicit(&c->look, true, memory_order_relaxed); // its own: what comes next is not a message
    if (c->active == 0) { // else with the last of those that are at work
      grove__cell_end_at_mark(c);
    }
    return;
  }
  if ((m->letter.watched & GROVE__WATCHED_TICK) && !grove__cell_timer_accepts(c, m)) {
    return;
  }
  if (grove__cell_system(c)->options.simulate && grove__fault_takes(c, m)) {
    return;
  }
  grove__message_run(c, w, m);
  end_task(c, *w);
}

// One thing to do, with the cell's lock held, which is released. False: *turn is the verdict.
static bool do_one(grove__cell *c, grove__worker **w, grove__turn *turn)
{
  *turn = GROVE__TURN_DONE;
  switch (c->phase) {
  case GROVE__CELL_STARTING:
    if (c->active) {
      break;
    }
    c->lives_state = true;
    c->newborn = false;
    grove__mutex_unlock(&c->lock);
    run_start(c, w);
    return true;
  case GROVE__CELL_ALIVE: {
    if (c->active >= grove__cell_most_active(c) || (c->marked && c->active)) {
      break;
    }
    if (c->marked) {
      grove__mutex_unlock(&c->lock);
      grove__cell_end_at_mark(c);
      return true;
    }
    grove__future *f = grove__then_take_locked(c);
    if (!grove__tied(c, GROVE__TIED_THENS) && !c->marked) {
      show_no_look_locked(c);
    }
    grove__mutex_unlock(&c->lock);
    if (f) {
      grove__then_run(c, w, f);
      return true;
    }
    grove__message *m = next_message(c);
    if (m) {
      run_message(c, w, m);
    }
    *turn = c->gone ? GROVE__TURN_FREE : GROVE__TURN_EMPTY;
    return m && !c->gone;
  }
  case GROVE__CELL_ENDING:
  case GROVE__CELL_STOPPING:
  case GROVE__CELL_STUCK:
    if (grove__cell_annex(c)->spread_due) {
      grove__annex_of(c)->spread_due = false;
      grove__mutex_unlock(&c->lock);
      grove__cell_spread(c, grove__cell_life(c));
      return true;
    }
    if (c->active) {
      break;
    }
    *turn = grove__cell_end_turn(c, w);
    return *turn == GROVE__TURN_RESUME;
  default: break;
  }
  grove__mutex_unlock(&c->lock);
  return false;
}

/// How long a turn lasts, as it is seen by the clock now and then.
typedef struct slice {
  unsigned done, look_at; // things done; when the clock is read next
  int64_t since, last;    // 0: not read yet
  uint32_t lot;           // how many letters came at once before it first let them gather; 0: it has not
  bool in_vain;           // they don't
} slice;
enum { LOOK = 16, SELDOM = 64, SHORT_NS = 20000 };

// Whether others have their turn now, after one thing more. The clock is read after each sixteen, and where those were short
// only after each sixty-four.
static inline bool is_over(grove__cell *c, grove__worker *w, slice *s)
{
  if (GROVE__UNLIKELY(grove__cell_system(c)->options.simulate)) {
    return true; // as many chances as can be for others to come between
  }
  // The watch's word of the time, too: what comes after many short ones may be long.
  if (++s->done < s->look_at && (!s->last || grove__worker_recent(w) == s->last)) {
    return false;
  }
  int64_t now = grove__worker_now(w);
  s->look_at = s->done + (s->last && now - s->last < SHORT_NS ? SELDOM : LOOK);
  s->last = now;
  s->since = s->since ? s->since : now;
  const grove_class *k = grove__cell_class(c);
  uint32_t slice_us = GROVE__CLASS(k, slice_us);
  return now - s->since > (int64_t)(slice_us ? slice_us : 200) * 1000;
}

// The first turn of one that was spawned most plainly. If it is asked to end in this moment, that is the same as a little later.
static inline bool is_to_begin(grove__cell *c)
{
  // Relaxed: a request.
  c->newborn = atomic_load_explicit(&c->ending, memory_order_relaxed) != GROVE__GO_ON;
  return !c->newborn;
}

// Whether its lock guards nothing that wants a turn, and it is alive: then it takes messages.
static inline bool takes_messages(const grove__cell *c)
{
  // ORDER acquire: what was written before the look was asked for. PAIRS the lock it is set under, and the notify.
  return !atomic_load_explicit(&c->look, memory_order_acquire);
}

// Runs the next message of one that takes some. MORE: it has; else there is none, or none more, or no activation is free for
// it.
static inline grove__turn take_message(grove__cell *c, grove__worker **w)
{
  if (c->active >= grove__cell_most_active(c)) {
    return GROVE__TURN_DONE;
  }
  grove__message *m = next_message(c);
  if (!m) {
    return GROVE__TURN_EMPTY;
  }
  run_message(c, w, m);
  if (c->gone) {
    return GROVE__TURN_FREE;
  }
  return takes_messages(c) && grove__mailbox_is_dry(&c->mailbox) ? GROVE__TURN_EMPTY : GROVE__TURN_MORE;
}

// Letters come from another worker as fast as they are taken: each then moves the word's line to and fro. In a moment more of
// them come at once. Only where a turn has had many already, and only as long as that brings more: one that sends to itself, or
// answers few who wait for it, would pause for nothing.
static inline void let_them_gather(const grove__cell *c, slice *s)
{
  enum { MANY = 64, FEW = 32, PAUSES = 32 };
  const grove__mailbox *m = &c->mailbox;
  if (s->done < MANY || s->in_vain || m->first || m->high_last) {
    return;
  }
  uint32_t lot = m->lot;
  s->in_vain = s->lot && lot < 2 * s->lot;
  if (lot < FEW && !s->in_vain) {
    s->lot = s->lot ? s->lot : lot;
    for (uint32_t i = 0; i < PAUSES; i++) {
      grove__thread_look_again(i);
    }
  }
}

static grove__turn leave_turn(grove__cell *c, grove__worker *w, grove__turn turn)
{
  grove__mailbox_tell_popped(&c->mailbox); // also where nothing is left of the life: its slot is given back after this
  atomic_store_explicit(&w->shown, NULL, memory_order_relaxed); // a hint for the watch
  return turn;
}

// A turn from its first thing on, or from its second. It is most of a turn that lasts; most don't.
static __attribute__((noinline)) grove__turn go_on(grove__cell *c, grove__worker *w, bool had_one)
{
  slice s = {.look_at = LOOK};
  const grove_class *k = grove__cell_class(c);
  uint32_t most = GROVE__CLASS(k, slice_messages);
  most = most ? most : UINT32_MAX;
  for (unsigned done = 0;; had_one = true) {
    if (had_one && (++done >= most || is_over(c, w, &s))) {
      return leave_turn(c, w, GROVE__TURN_MORE);
    }
    if (takes_messages(c)) {
      if (had_one) {
        let_them_gather(c, &s);
      }
      grove__turn took = take_message(c, &w);
      if (took != GROVE__TURN_MORE) {
        return leave_turn(c, w, took);
      }
      continue;
    }
    if (c->newborn && is_to_begin(c)) {
      run_start(c, &w);
      continue;
    }
    grove__mutex_lock(&c->lock);
    grove__activation *a = grove__activation_take_ready_locked(c);
    if (a) {
      grove__mutex_unlock(&c->lock);
      a->worker = w;
      w->context = a;
      w->resume = a->strand;
      return GROVE__TURN_RESUME;
    }
    grove__turn turn;
    if (!do_one(c, &w, &turn)) {
      return leave_turn(c, w, turn);
    }
  }
}

// ORDER release: the watch goes through it to the cell's lock. PAIRS watch_worker.
static inline void show_turn(grove__cell *c, grove__worker *w)
{
  atomic_store_explicit(&w->shown, c, memory_order_release);
}

grove__turn grove__cell_turn(grove__task *t, grove__worker *w)
{
  grove__cell *c = GROVE__CONTAINER(t, grove__cell, task);
  show_turn(c, w);
  if (w->word & GROVE__WORD_TAKEN) {
    grove__mailbox_receive(&c->mailbox, w->word);
  }
  return go_on(c, w, false);
}

// Whether its message may be run without a look at anything else: of this life, which is not about to end.
static inline bool may_run_at_once(const grove__cell *c, const grove__letter *l)
{
  // Relaxed: its own turn's.
  return l->life == atomic_load_explicit(&c->mailbox.life, memory_order_relaxed) && takes_messages(c) && !c->active;
}

// The message with which the turn has begun, if it is plain, nobody watches it, and there is nothing else: popped. NULL: that is to
// be looked at, and nothing has been done. (One that is plain was sent for the life that it bears, whose mailbox is not
// accounted, and whose class drops no oldest.)
static inline grove__message *take_lone(grove__cell *c, uint64_t word)
{
  grove__letter *l = grove__mailbox_lone(&c->mailbox, word);
  return l && l->marks == grove__message_usual() && may_run_at_once(c, l) && grove__mailbox_pop_lone(&c->mailbox, word)
             ? (grove__message *)(void *)l
             : NULL;
}

// The same where who sent it has begun the turn with it.
static inline grove__message *take_alone(grove__cell *c)
{
  grove__letter *l = grove__mailbox_alone(&c->mailbox);
  if (GROVE__UNLIKELY(!l || !may_run_at_once(c, l))) {
    return NULL;
  }
  grove__mailbox_pop_alone(&c->mailbox);
  return (grove__message *)(void *)l;
}

// The end of a turn that has had one message.
static __attribute__((noinline)) void end_whole(grove__cell *c, grove__worker *w, grove__strand *self)
{
  grove__task *t = &c->task;
  if (c->gone) {
    grove__task_end(w, t, leave_turn(c, w, GROVE__TURN_FREE));
    return;
  }
  if (takes_messages(c) && grove__mailbox_is_dry(&c->mailbox) && w->plain) {
    atomic_store_explicit(&w->shown, NULL, memory_order_relaxed); // a hint for the watch
    grove__task_count(w, t, grove__worker_has_more(w));
    grove__task_rest(w, t);
    return;
  }
  grove__turn turn = go_on(c, w, true);
  grove__task_end(self->worker, t, turn);
}

// A message that is answered, or is a task's, or whose actor's state is gone.
static __attribute__((noinline)) void run_whole(grove__cell *c, grove__worker *w, grove__message *m)
{
  grove__strand *self = w->self;
  run_plainly(c, &w, m);
  end_whole(c, w, self);
}

// Of one whose activation has waited, or has anything else to be cleaned up, or whose method has failed.
static __attribute__((noinline)) void end_unusually(grove__activation *a, grove__strand *self, grove_status s, void *reply)
{
  grove__cell *c = a->cell;
  grove__worker *w = a->worker;
  if (s || a->deferred) {
    grove__activation_finish(a, s, reply, 0);
    grove__activation_leave(a, &w);
  } else {
    grove__message *m = a->message;
    grove__cell_count(&c->handled);
    grove__kind_count(grove__cell_kind(c), w, GROVE__TALLY_HANDLED, 1);
    grove__activation_end(a);
    grove__message_destroy_on_worker(a->here.system, w, m);
  }
  end_whole(c, w, self);
}

// Two words that are read at once.
static inline bool is_any(const void *a, const void *b)
{
  return ((uintptr_t)a | (uintptr_t)b) != 0;
}

// A send that is plain, in an activation that is as begin_quickly makes one, and is so again after it. False: the turn has ended otherwise.
static inline bool run_send(grove__activation *a, grove__worker *w, grove__message *m, void *state)
{
  _Alignas(16) unsigned char reply[GROVE__REPLY_PLAIN];
  grove__strand *self = w->self; // it may go on under another worker
  const grove_method *method = m->method;
  a->method = method;
  a->message = m;
  a->since = grove__worker_recent(w);
  a->cell->active = 1;
  grove__cell_show_method(a->cell, method, a->since);
  memset(reply, 0, sizeof reply);
  grove_status s = method->run(&a->here, state, m->argument, reply);
  bool unusual = s || a->marks || is_any(a->owned, a->words);
  if (GROVE__UNLIKELY(unusual)) {
    end_unusually(a, self, s, reply);
  }
  return !unusual;
}

static __attribute__((noinline)) void count_by_clock(grove__worker *w, grove__task *t)
{
  grove__worker_account(w, t, true);
}

// What is to be done after run_send, and the next task of the slot. False: the turn has gone on, and ended otherwise.
static inline bool end_send(grove__cell *c, grove__worker *w, grove__message *m, grove__task **next)
{
  grove__task *t = &c->task;
  grove__tally *own = &grove__cell_tally(c)[w->line];
  c->active = 0;
  grove__cell_show_no_method(c);
  grove__cell_count(&c->handled);
  (void)grove__tally_more(own, GROVE__TALLY_HANDLED);
  if (GROVE__UNLIKELY(!grove__blocks_give_usual(&w->stash.blocks, m, m->letter.bytes))) {
    grove__message_destroy_slowly(grove__cell_system(c), w, m);
  }
  uint64_t none = grove__mailbox_word_of_none(&c->mailbox);
  if (GROVE__UNLIKELY(!none)) {
    w->context = NULL;
    end_whole(c, w, w->self);
    return false;
  }
  *next = grove__worker_next(w);
  if (GROVE__UNLIKELY(grove__task_reads_clock(w, GROVE__LIKELY(*next) || grove__worker_has_more(w)))) {
    count_by_clock(w, t);
  } else {
    (void)grove__tally_more(own, GROVE__TALLY_TURNS);
  }
  if (GROVE__UNLIKELY(!grove__mailbox_leave(&c->mailbox, none))) {
    grove__task_rest(w, t);
  }
  return true;
}

// Turns with one plain send, as they go most of the time, one after the other, in one activation.
grove__task *grove__cell_whole_turn(grove__task *t, grove__worker *w)
{
  grove__activation a;
  bool ready = false;
  do {
    grove__cell *c = GROVE__CONTAINER(t, grove__cell, task);
    bool alone = t->node.begun == GROVE__BEGUN_ALONE;
    uint64_t word = grove__task_begin(w, t, true);
    grove__message *m = GROVE__LIKELY(alone) ? take_alone(c) : take_lone(c, word);
    if (GROVE__UNLIKELY(!m)) {
      w->context = NULL;
      w->word = word;
      grove__task_run(w, t);
      return NULL;
    }
    show_turn(c, w);
    void *state = grove__cell_state(c);
    if (GROVE__UNLIKELY(m->future || !state)) {
      run_whole(c, w, m);
      return NULL;
    }
    if (GROVE__UNLIKELY(!ready)) {
      grove__activation_prepare(&a, grove__cell_system(c), w);
      ready = true;
    }
    a.cell = c;
    // From memory, what stands there anyway: so that nothing else of it is kept in registers meanwhile.
    if (!run_send(&a, w, m, state) || !end_send(a.cell, w, a.message, &t)) {
      return NULL;
    }
  } while (t && grove__task_kind_of(t)->whole == grove__cell_whole_turn);
  w->context = NULL;
  atomic_store_explicit(&w->shown, NULL, memory_order_relaxed); // a hint for the watch
  return t;
}
