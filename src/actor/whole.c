// A whole turn of one plain message, as most are: from its first exchange to its last, and those that follow it on its worker.
#include "actor/turn_quick.h"

void grove__send_finish(grove__activation *a, grove_status s, void *reply)
{
  grove__cell *c = a->cell;
  if (s || a->deferred) {
    grove__worker *w;
    grove__activation_finish(a, s, reply, 0);
    grove__activation_leave(a, &w);
    return;
  }
  grove__message *m = a->message;
  grove__cell_count(&c->handled);
  grove__kind_count(grove__cell_kind(c), a->worker, GROVE__TALLY_HANDLED, 1);
  grove__activation_end(a);
  grove__message_destroy_on_worker(a->here.system, a->worker, m);
}

// Whether its message may be run without a look at anything else.
static inline bool may_run_at_once(const grove__cell *c, const grove__letter *l)
{
  return grove__cell_takes_letter(c, l) && grove__cell_takes_messages(c) && !c->active;
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
    grove__task_end(w, t, grove__cell_leave_turn(c, w, GROVE__TURN_FREE));
    return;
  }
  if (grove__cell_takes_messages(c) && grove__mailbox_is_dry(&c->mailbox) && w->plain) {
    atomic_store_explicit(&w->shown, NULL, memory_order_relaxed); // a hint for the watch
    grove__task_count(w, t, grove__worker_has_more(w));
    grove__task_rest(w, t);
    return;
  }
  grove__turn turn = grove__cell_go_on(c, w, true);
  grove__task_end(self->worker, t, turn);
}

// A message that is answered, or is a task's, or whose actor's state is gone.
static __attribute__((noinline)) void run_whole(grove__cell *c, grove__worker *w, grove__message *m)
{
  grove__strand *self = w->self;
  grove__cell_run_plainly(c, &w, m);
  end_whole(c, w, self);
}

static __attribute__((noinline)) void count_by_clock(grove__worker *w, grove__task *t)
{
  grove__worker_account(w, t, true);
}

// The end of a turn with one plain send, and the next task of the slot. False: the turn has gone on, and ended otherwise.
static inline bool end_alone(grove__cell *c, grove__worker *w, grove__message *m, grove__task **next)
{
  grove__task *t = &c->task;
  grove__tally *own = &grove__cell_tally(c)[w->line];
  grove__send_end(c, w, m, own);
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
  grove__strand *self = w->self; // which may go on under another worker
  grove__activation a;
  grove__activation_prepare(&a, grove__cell_system(GROVE__CONTAINER(t, grove__cell, task)), w);
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
    grove__cell_show_turn(c, w);
    void *state = grove__cell_state(c);
    if (GROVE__UNLIKELY(m->future || !state)) {
      run_whole(c, w, m);
      return NULL;
    }
    a.cell = c;
    if (GROVE__UNLIKELY(!grove__send_run(&a, w, m, state))) {
      end_whole(a.cell, a.worker, self);
      return NULL;
    }
    // From memory, where it stands anyway: so that nothing of it is kept in registers meanwhile.
    if (!end_alone(a.cell, w, a.message, &t)) {
      return NULL;
    }
  } while (t && grove__task_kind_of(t)->whole == grove__cell_whole_turn);
  w->context = NULL;
  atomic_store_explicit(&w->shown, NULL, memory_order_relaxed); // a hint for the watch
  return t;
}
