// An activation: one method at work, on its own stack frame. What a method sees of the runtime is a pointer to it.
#ifndef GROVE_ACTOR_ACTIVATION_H
#define GROVE_ACTOR_ACTIVATION_H
#include "actor/cell.h"

/// What an actor has of those of its activations that have waited: kept in the first of them.
typedef struct grove__crowd {
  grove__activation *ready_last; // guarded by the cell's lock: those that can go on: the last of a ring
  uint32_t pinned;   // in a turn only: how many only the worker that they wait on may resume
  uint32_t in_graph; // in a turn only: how many stand in the graph of waits
  uintptr_t tied;    // guarded by the cell's lock: what its word would be without them: ties.h
} grove__crowd;

struct grove__activation {
  union {
    struct grove here; // first: this is the method's `grove *self`
    grove__stand stand;
  };
  grove__cell *cell;     // NULL: an offloaded function
  grove__worker *worker; // where it runs; changes only while it waits
  grove__strand *strand; // where it stands while it waits
  const grove_method *method;
  int64_t deadline;   // of its call; INT64_MAX: none
  int64_t since;      // about when it began
  int64_t span;       // exactly when, if that is watched: `spans`
  union {
    struct {
      grove__message *message; // NULL: start, stop, then
      grove__future *call;     // held until it has been answered or taken; NULL: nobody asked
      grove__future *owned;    // futures made by it and not spent
      grove_error *words; // of grove_fail, grove_crash, or the last failure that it got; NULL: none
      grove__waiter *waiter; // guarded by the cell's lock
      uint64_t graph_mark;   // guarded by graph_lock: the search that has reached it
      union {
        struct {
          bool spans, in_stop, crashed, taken, deferred, waited;
          bool listed; // stands in its cell's list, since it first waited
        };
        uint64_t marks; // all of these at once; 0: nothing out of the usual has become of it
      };
      _Atomic bool over; // its caller gave up; written under the call's lock
      _Atomic uint8_t waits; // its own, and looked at by who searches the graph: GROVE__WAITS_*: for all of `waits_for`, or for room
    };
    unsigned char begins[64]; // so much of it is zero when it begins; the rest is for those that wait, and written when they first do
  };
  uint64_t flow;      // then: its message's number; 0: none
  uint32_t undefers; // the cell's when it was deferred
  // Guarded by the cell's lock:
  grove__activation *next, *prev, *ready_next;
  grove__crowd crowd;   // of the first in its cell's list
  uint64_t wait_serial; // of its wait, among all that have a deadline; 0: this one has none
  const void *waits_at; // the frame in which it last began to wait
  bool woken;           // native threads: guarded by the scheduler's lock
  // Its own, and looked at by who searches the graph of waits, while it waits there (deadlock.c):
  const grove_future *waits_for;
  size_t waits_count;
  grove_ref waits_room;        // for room in this one's mailbox; GROVE_NOBODY: for futures
  grove__waiter *graph_waiter; // in which it waits; of its own frame, until it leaves
  char *graph_text; // for the circle in words, if it is woken for one
  size_t graph_text_room;
  // Guarded by the system's graph_lock, of the search of graph_mark:
  grove__activation *graph_next, *graph_prev;
  grove__activation
      *graph_to; // through whom it leads back to whom the search is about; NULL: not known to
};
enum { GROVE__WAITS_NOT, GROVE__WAITS_SOFT, GROVE__WAITS_HARD };

/// Whether its message is for another class, for which its actor stands.
static inline bool grove__activation_is_for_another(const grove__activation *a)
{
  return a->method->owner != grove__cell_class(a->cell) && !grove__cell_is_task(a->cell);
}
/// Whether its method is declared leaf: a promise of the class that has the method, which who stands for it has not made.
static inline bool grove__activation_is_leaf(const grove__activation *a)
{
  return a->cell && (a->method->flags & GROVE_METHOD_LEAF) && !grove__activation_is_for_another(a);
}
/// Whether it does not see that its caller gave up.
static inline bool grove__activation_finishes(const grove__activation *a)
{
  return a->cell && (a->method->flags & GROVE_METHOD_FINISH);
}

/// Whoever waits: an activation, which is suspended, or an outside thread, which is blocked.
struct grove__waiter {
  grove__activation *activation; // NULL: a thread
  _Atomic uint32_t left;      // ends that are still wanted; counted down under the futures' locks
  _Atomic uint32_t reason;    // GROVE__WAITING, then once one of the others
  uint64_t skip;              // handles with this mark do not count
  // For people, who look under the cell's lock; written before the wait:
  const grove_future *shown; // futures that it waits for; NULL: for room, or a time
  size_t shown_count;
  uint32_t wanted;  // so many of them
  grove_ref room;   // in whose mailbox; GROVE_NOBODY: none
  int64_t until;    // INT64_MAX: for ever
  bool looked;                // a thread's: it has looked for the answer already, before it registered
  grove__mutex lock;          // a thread's
  grove__cond cond;           // a thread's
  grove__waiter *next, *prev; // guarded by the system's outside_lock: a thread's
};
/// CIRCLE: by who closed one through it; its waits_for has it in words.
enum { GROVE__WAITING, GROVE__WOKEN_ENDED, GROVE__WOKEN_TIME, GROVE__WOKEN_CANCEL, GROVE__WOKEN_CIRCLE };

/// Whether it is to end, or nobody wants its result.
bool grove__activation_is_canceled(const grove__activation *a);
/// Whether its actor is to end: then nothing of it goes on, whoever wants it.
bool grove__activation_is_to_end(const grove__activation *a);
/// Before it leaves its stack: others must find it. With the cell's lock.
void grove__activation_list_locked(grove__activation *a);
/// Puts it behind those of its cell that can go on, and takes the first of them, or NULL. With the cell's lock.
static inline void grove__activation_ready_locked(grove__activation *a)
{
  grove__crowd *crowd = &grove__cell_activations(a->cell)->crowd; // it is listed
  a->ready_next = crowd->ready_last ? crowd->ready_last->ready_next : a;
  if (crowd->ready_last) {
    crowd->ready_last->ready_next = a;
  }
  crowd->ready_last = a;
}
/// Whether any can go on. With the cell's lock.
static inline bool grove__activation_any_ready_locked(const grove__cell *c)
{
  const grove__activation *a = grove__cell_activations(c);
  return a && a->crowd.ready_last;
}
static inline grove__activation *grove__activation_take_ready_locked(grove__cell *c)
{
  grove__activation *any = grove__cell_activations(c), *last = any ? any->crowd.ready_last : NULL;
  grove__activation *first = last ? last->ready_next : NULL;
  if (!first) {
    return NULL;
  }
  if (first == last) {
    any->crowd.ready_last = NULL;
  } else {
    last->ready_next = first->ready_next;
  }
  return first;
}
/// Wakes what it waits in, if anything. With the cell's lock.
void grove__activation_cancel_locked(grove__activation *a);
/// Tells a waiter, once. From any thread; takes the cell's lock (the _locked form: it is held).
bool grove__waiter_fire(grove__waiter *w, uint32_t reason);

/// Waits until the waiter is fired, until `deadline`, or until the activation (NULL: a thread) is cancelled; gives
/// why. The caller has set `left` and told those that will count it down, and makes them forget the waiter after.
/// Returns: GROVE_OK (*reason says why), GROVE_ELIMIT, GROVE_EINVAL (a leaf method), GROVE_EDEADLK (simulation)
grove_status grove__wait(grove__system *y, grove__activation *here, grove__waiter *w,
    int64_t deadline, uint32_t *reason);
/// Looks at what another thread is about to write, for as long as a worker looks for work before it parks. Begins with zero.
typedef struct grove__spin {
  uint32_t looks;
  int64_t until; // 0: not known yet
} grove__spin;
/// Whether there is to be another look, after a pause. Outside threads.
bool grove__spin_again(grove__system *y, grove__spin *l);
/// The runtime has stopped: wakes all threads that wait, and lets none wait any more.
void grove__waits_end(grove__system *y);
grove_status grove__waiter_init(grove__waiter *w, grove__activation *here, uint32_t left);
void grove__waiter_deinit(grove__waiter *w);

/// Lets others have their turn, and comes back after them. Returns: GROVE_ECANCELED, or GROVE_OK
grove_status grove__yield_turn(grove__activation *a);

/// Who gives the actor up looks for its calls: for this one here, and for those of the activations that have waited.
static inline void grove__cell_show_call(grove__cell *c, uint32_t running)
{
  // Relaxed: he looks whether it is a call to this actor, which it has begun.
  atomic_store_explicit(&c->running, running, memory_order_relaxed);
}
/// The call has been answered, or its message goes back: nobody else may find it by the activation any more.
static inline void grove__activation_forget_call(grove__activation *a)
{
  grove__cell_show_call(a->cell, 0);
  if (GROVE__LIKELY(!a->listed)) {
    a->call = NULL;
    return;
  }
  grove__mutex_lock(&a->cell->lock); // who gives the actor up must not find a future that is let go
  a->call = NULL;
  grove__mutex_unlock(&a->cell->lock);
}
/// It goes on where others of its actor may have come and gone: the actor shows its method again. In its turn.
void grove__activation_show(const grove__activation *a);
/// Remembers words for the failure that the method may return. No memory: they are lost, the status is not.
void grove__activation_words(grove__activation *a, const grove_error *err);

/// What the thread of an activation has at hand; NULL: from outside, where open gives one.
static inline grove__stash *grove__stash_of(const grove__activation *here)
{
  return here ? &here->worker->stash : NULL;
}
/// What the caller's thread has at hand: a worker's own, or for a moment one of those that others share; NULL: all have it.
/// close follows before anything that may wait.
static inline grove__stash *grove__stash_open(grove__system *y, const grove__activation *here)
{
  // Where on his stack he stands tells threads apart, mostly.
  uint32_t from = (uint32_t)((uintptr_t)__builtin_frame_address(0) >> 16);
  return here ? grove__stash_of(here) : grove__stash_enter(y->sched.stashes, from);
}
static inline void grove__stash_close(const grove__activation *here, grove__stash *stash)
{
  if (!here) {
    grove__stash_leave(stash);
  }
}

/// Runs code as an activation of `c`: prepares, calls, cleans up; all in one frame.
void grove__activation_begin(
    grove__activation *a, grove__cell *c, grove__worker *w, const grove_method *m);
void grove__activation_end(grove__activation *a);
#endif
