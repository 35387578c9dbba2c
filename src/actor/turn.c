// A cell's turn: what it does, in which order, and when it lets others run.
#include "actor/ties.h"
#include "actor/turn_quick.h"
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

static inline void run_message(grove__cell *c, grove__worker **w, grove__message *m)
{
  if (m->letter.marks == grove__message_usual() && (*w)->plain) {
    grove__cell_run_plainly(c, w, m);
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
  grove__cell_end_if_task(c, *w);
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
  if (GROVE__UNLIKELY(!w->plain && grove__cell_system(c)->options.simulate)) {
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

// After a message of one that takes some. MORE: there may be more; else there is none.
static inline grove__turn after_message(const grove__cell *c)
{
  return grove__cell_takes_messages(c) && grove__mailbox_is_dry(&c->mailbox) ? GROVE__TURN_EMPTY : GROVE__TURN_MORE;
}

// Runs the next message, or `m` (NULL: none), which was taken. MORE: it has; else there is none, or none more, or no activation is
// free for it.
static inline grove__turn take_message(grove__cell *c, grove__worker **w, grove__message *m)
{
  if (GROVE__UNLIKELY(m && m->letter.life != grove__cell_life(c))) {
    refuse_late(c, m);
    m = NULL;
  }
  if (!m && c->active >= grove__cell_most_active(c)) {
    return GROVE__TURN_DONE;
  }
  m = m ? m : next_message(c);
  if (!m) {
    return GROVE__TURN_EMPTY;
  }
  run_message(c, w, m);
  return c->gone ? GROVE__TURN_FREE : after_message(c);
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

/// How a turn goes on after a burst: its last message is still to be counted, as after any other; all are; it is over.
typedef enum burst { BURST_UNCOUNTED, BURST_COUNTED, BURST_OVER } burst;

// Plain sends of its list, one after the other in one activation. *other: a letter that was taken with them, and is none.
static __attribute__((noinline)) burst run_burst(grove__cell *c, grove__worker **at, slice *s, unsigned *done, unsigned most, grove__message **other)
{
  grove__activation a;
  grove__worker *w = *at;
  grove__tally *own = &grove__cell_tally(c)[w->line];
  void *state = grove__cell_state(c);
  burst b = BURST_COUNTED;
  grove__activation_prepare(&a, grove__cell_system(c), w);
  a.cell = c;
  for (grove__letter *l; (l = grove__mailbox_pop_quickly(&c->mailbox));) {
    grove__message *m = (grove__message *)(void *)l;
    if (GROVE__UNLIKELY(l->marks != grove__message_usual() || m->future || !grove__cell_takes_letter(c, l) || !state)) {
      *other = m;
      break;
    }
    if (GROVE__UNLIKELY(!grove__send_run(&a, w, m, state))) {
      *at = a.worker;
      return BURST_UNCOUNTED;
    }
    grove__send_end(c, w, m, own);
    if (!c->mailbox.first || !grove__cell_takes_messages(c)) {
      b = BURST_UNCOUNTED;
      break;
    }
    if (++*done >= most || is_over(c, w, s)) {
      b = BURST_OVER;
      break;
    }
  }
  w->context = NULL;
  return b;
}

// It is most of a turn that lasts; most don't.
grove__turn grove__cell_go_on(grove__cell *c, grove__worker *w, bool had_one)
{
  slice s = {.look_at = LOOK};
  const grove_class *k = grove__cell_class(c);
  uint32_t most = GROVE__CLASS(k, slice_messages);
  most = most ? most : UINT32_MAX;
  for (unsigned done = 0;; had_one = true) {
    if (had_one && (++done >= most || is_over(c, w, &s))) {
      return grove__cell_leave_turn(c, w, GROVE__TURN_MORE);
    }
    if (grove__cell_takes_messages(c)) {
      if (had_one) {
        let_them_gather(c, &s);
      }
      grove__message *m = NULL;
      burst b = BURST_COUNTED;
      if (c->mailbox.first && w->plain && !c->active && !grove__cell_manner(c)->drops_old) {
        b = run_burst(c, &w, &s, &done, most, &m);
      }
      if (b == BURST_OVER) {
        return grove__cell_leave_turn(c, w, GROVE__TURN_MORE);
      }
      grove__turn took = b == BURST_UNCOUNTED ? after_message(c) : take_message(c, &w, m);
      if (took != GROVE__TURN_MORE) {
        return grove__cell_leave_turn(c, w, took);
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
      return grove__cell_leave_turn(c, w, turn);
    }
  }
}

grove__turn grove__cell_turn(grove__task *t, grove__worker *w)
{
  grove__cell *c = GROVE__CONTAINER(t, grove__cell, task);
  grove__cell_show_turn(c, w);
  if (w->word & GROVE__WORD_TAKEN) {
    grove__mailbox_receive(&c->mailbox, w->word);
  }
  return grove__cell_go_on(c, w, false);
}

