// Futures as the runtime keeps them, in type-stable slots.
//
// A slot has two sides. The *owner* (an activation, an actor that keeps it, the outside) holds it until it is spent.
// The *other side* (a message, the activation that runs it) holds it until it has ended it or let go. The slot is
// free again when nobody holds it. A promise that was taken or made holds nothing: its generation is looked up.
#ifndef GROVE_ACTOR_FUTURE_H
#define GROVE_ACTOR_FUTURE_H
#include "actor/activation.h"
#include "actor/future_word.h"

enum { GROVE__FUTURE_CALL, GROVE__FUTURE_DOWN, GROVE__FUTURE_READY, GROVE__FUTURE_PROMISE };
enum { GROVE__OWNER_NONE, GROVE__OWNER_ACTIVATION, GROVE__OWNER_CELL, GROVE__OWNER_OUTSIDE };
enum { GROVE__REPLY_INLINE = GROVE__REPLY_PLAIN };

/// One who waits for one future.
typedef struct grove__wait_node {
  struct grove__wait_node *next, *prev;
  grove__waiter *waiter;
  bool listed;
} grove__wait_node;

struct grove__future {
  uint32_t slab_word; // the slab's while the slot is free
  uint32_t index;     // constant for the slot
  // What goes from the owner's worker to the receiver's and back comes first: of a plain call with a short reply it is one line,
  // and the receiver sees no other.
  _Atomic uint64_t word; // future_word.h
  // As all that is atomic below, read without the lock by who then changes the word of this generation, or written by who does
  // so: relaxed, but for this one, which is followed.
  _Atomic(grove__activation *) running; // the call's, from begin to end; of one that has ended without meaning
  _Atomic uint64_t order; // of ending, among all of the runtime's
  _Alignas(16) unsigned char inline_reply[GROVE__REPLY_INLINE]; // the holder's until it ends, then the owner's
  grove__wait_node *nodes; // as all below guarded by the word's lock, but where it says otherwise
  uint8_t kind, owner; // (kind, then_queued, full and handed_on: MORE) as far as the word says it, too, only with the lock:
  bool ended, held, begun, then_queued, full; // owner, ended, held, begun. full: the reply has shared data that nobody took
  bool handed_on;                             // it will end with what `follower` ends with
  bool more; // since it was made it has had something of which a plain call has nothing: of all that is marked MORE
  grove_status status;       // MORE but for GROVE_OK
  grove__system *system;     // constant
  _Atomic(const grove_type *) type; // of the reply; constant for a generation, as the owner's cell
  void *reply;            // inline_reply, or (MORE) allocated; constant for a generation
  const grove_method *method; // of a call, constant from open; NULL: others
  grove_ref to;               // constant from open, or from when it is watched
  int64_t call_deadline;  // MORE: the call's own, constant; what it calls in turn has no more time
  // The owner's: its turn's
  _Atomic(grove__cell *) owner_cell; // written when it is made; NULL: outside, or an offloaded function
  _Atomic uint64_t owner_life;       // 0: outside
  grove__future **owner_list;        // an activation's; NULL: of others
  grove__future *own_next, *own_prev;
  grove_then_fn *then;        // MORE
  void *then_user;
  grove_error *error;         // MORE: words of a failure; NULL: none
  int64_t deadline;      // MORE: when `timer` is set for
  grove__cell *watched;                   // MORE: DOWN, READY, and calls taken: in whose list it is
  grove__future *watch_next, *watch_prev; // guarded by the watched cell's lock
  uintptr_t tied[2]; // guarded by the lock of the cell in whose word it is, that of the watched one and its owner's: ties.h
  grove_future follower;     // MORE: cancelled when nobody wants this one's answer any more
  grove__future *queue_next; // of ended ones with a then-function
  grove__timer timer;
};

/// Registers one who waits; and takes him off again, if he is not off already because the future has ended. With its lock.
static inline void grove__wait_list(grove__future *f, grove__wait_node *node, grove__waiter *w)
{
  node->waiter = w;
  node->listed = true;
  node->prev = NULL;
  node->next = f->nodes;
  if (f->nodes) {
    f->nodes->prev = node;
  }
  f->nodes = node;
}

static inline void grove__wait_unlist(grove__future *f, grove__wait_node *node)
{
  if (node->listed && node->prev) {
    node->prev->next = node->next;
  } else if (node->listed) {
    f->nodes = node->next;
  }
  if (node->listed && node->next) {
    node->next->prev = node->prev;
  }
}
/// Where they sleep who want a locked one: once for a runtime.
grove_status grove__future_lots_init(grove__system *y);
void grove__future_lots_deinit(grove__system *y);
grove_status grove__future_init(void *future, uint32_t index, void *system);
/// Locks one that the caller knows to be in use, because a side of it is the caller's. And lets it be, as leave does, or frees
/// its slot if nobody holds it any more (grove__future_unlock).
void grove__future_lock(grove__future *f);
void grove__future_leave(grove__future *f);
void grove__future_unlock(grove__future *f);
/// Unlocks, and says what the word is to be; wakes who sleeps for it.
void grove__future_wake(grove__future *f);
static inline void grove__future_set_word(grove__future *f, uint64_t word)
{
  // ORDER release: publishes what was written with the lock. PAIRS grove__future_lock_used and the quick changes. Seq_cst: that
  // it has been handed on comes before a look at who waits for it; PAIRS leads_nowhere of deadlock.c.
  // WHY NOT a store: whether somebody sleeps must be known in the same moment.
  if (GROVE__UNLIKELY(atomic_exchange_explicit(&f->word, word, memory_order_seq_cst) & GROVE__FUTURE_CONTENDED)) {
    grove__future_wake(f);
  }
}
/// Locks one that may be in nobody's use, or another's by now. False: it is free, or of another generation (0: any will do).
bool grove__future_lock_used(grove__future *f, uint64_t generation);
/// Unlocks one that nobody holds, which is plain again, for its next use.
void grove__future_leave_free(grove__future *f);
/// The mark that grove_next leaves in a handle.
#define GROVE__GIVEN (UINT64_C(1) << 63)
static inline uint64_t grove__future_generation(const grove__future *f)
{
  // Relaxed: the caller holds it, or its next use, so the generation stands still.
  return grove__future_word_generation(atomic_load_explicit(&f->word, memory_order_relaxed));
}
/// Its handle, by who knows the runtime: without a look at a second line of it. And by who does not.
static inline grove_future grove__future_handle_in(const grove__system *y, const grove__future *f)
{
  grove_future h = {grove__tag(y, f->index), grove__future_generation(f)};
  return h;
}
static inline grove_future grove__future_handle(const grove__future *f)
{
  return grove__future_handle_in(f->system, f);
}
/// The slot of a handle, whatever its use by now; NULL: of another runtime, or never made.
static inline grove__future *grove__future_slot(grove__system *y, grove_future h)
{
  return grove__has_tag(y, h.slot) ? grove__slab_at(&y->futures, (uint32_t)h.slot) : NULL;
}
/// Whether a word is of the use that a handle is of.
static inline bool grove__future_word_is_of_use(uint64_t word, grove_future h)
{
  return grove__future_word_generation(word) == (h.generation & ~GROVE__GIVEN);
}
static inline grove__cell *grove__future_owner_cell(const grove__future *f)
{
  return atomic_load_explicit(&f->owner_cell, memory_order_relaxed); // relaxed: see the field
}
static inline const grove_type *grove__future_type(const grove__future *f)
{
  return atomic_load_explicit(&f->type, memory_order_relaxed); // relaxed: see the field
}
static inline grove__activation *grove__future_running(const grove__future *f)
{
  // ORDER acquire: the activation as it was begun. PAIRS grove__future_set_running.
  return atomic_load_explicit(&f->running, memory_order_acquire);
}
/// With its lock, or before it is opened.
static inline void grove__future_set_running(grove__future *f, grove__activation *a)
{
  // ORDER release, PAIRS grove__future_running: who has the lock may read it before the exchange that begins the call.
  atomic_store_explicit(&f->running, a, memory_order_release);
}
/// A new one, owned by where the caller stands (who may have a stash), which nobody else sees until it is opened; its handle is known already. `held`:
/// there is another side that will let go.
/// Returns: GROVE_ELIMIT: max_outside, GROVE_ENOMEM
grove_status grove__future_create(grove__system *y, grove__activation *here, grove__stash *stash,
    const grove_type *reply, bool held, grove__future **out);
void grove__future_open(grove__future *f);
/// Whether its owner is that actor, in that life; `c` NULL: an offloaded function.
static inline bool grove__future_is_of(const grove__future *f, const grove__cell *c)
{
  return grove__future_owner_cell(f) == c &&
         (!c || atomic_load_explicit(&f->owner_life, memory_order_relaxed) == grove__cell_life(c)); // relaxed: see the field
}
/// Gives it its place among all that end. Of two who try to end it, the one that fails may have the last word: both places are
/// of that moment.
static inline void grove__future_count_end(grove__system *y, grove__future *f)
{
  // Relaxed, both: a serial number, read by who has seen that it has ended.
  atomic_store_explicit(
      &f->order, atomic_fetch_add_explicit(&y->ends, 1, memory_order_relaxed), memory_order_relaxed);
}
/// One that has ended already, with a failure; never fails itself (see grove__future_failed).
grove_future grove__future_of_failure(
    grove__system *y, grove__activation *here, const grove_error *err);
/// What max_outside is, and what to do.
void grove__future_limit_words(grove__system *y, char *out, size_t room);
/// It has ended, or is about to be shown so: tells all who wait. With its lock.
void grove__future_fire_locked(grove__future *f);
/// Finds the slot of a handle and locks it. NULL: spent, or of another runtime; *status then says what it carries.
grove__future *grove__future_lock_handle(
    grove__system *y, uint64_t slot, uint64_t generation, grove_status *status);
/// Ends it, once: with a reply (moved in) if s is GROVE_OK, else with words (may be NULL; copied). False: it had ended;
/// the reply is still the caller's. Takes its lock.
bool grove__future_end(grove__future *f, grove_status s, const void *reply, const grove_error *err);
bool grove__future_end_locked(
    grove__future *f, grove_status s, const void *reply, const grove_error *err);
/// grove_promise_follow; `handed_on`: see there. True: an actor waits for p already.
bool grove__promise_follow(grove *self, grove_promise p, grove_future h, bool handed_on);
/// Opens a call. `deadline`: its own (INT64_MAX: none), by which it ends with GROVE_EEXPIRED. Its receiver may be between two
/// starts: at `queue_until`, before that, it ends with GROVE_EDEAD unless that one is back (INT64_MAX: it is not).
void grove__future_open_call(grove__future *f, int64_t deadline, int64_t queue_until);
/// As what a call that ended with `s` before it began is counted: GROVE__LOST_*.
uint32_t grove__lost_kind(grove_status s);
/// Ends it, without words, and lets go of it, at once. False: it had ended; the reply is still the caller's.
bool grove__future_finish(grove__future *f, grove_status s, const void *reply);
/// Ends the calls to one that is gone which it had not begun, wherever their messages are: a walk over all slots.
void grove__futures_end_queued(grove__system *y, grove_ref to, const grove_error *why);
/// The other side lets go; it must have ended it, unless nobody can.
void grove__future_let_go(grove__future *f);
/// Finds and locks a future that may be used from where the caller stands; the second enters first. NULL: *status says why not.
grove__future *grove__future_lock_mine(
    grove__system *y, grove_future h, const grove__activation *here, grove_status *status);
grove__future *grove__future_enter(
    grove *g, grove_future h, grove__activation **here, grove_status *status);
/// It has ended and has a then-function: to the actor that keeps it, or to the host. With its lock.
void grove__future_queue_then_locked(grove__future *f);
/// A request: ends what has not begun, and what nobody will answer from inside a method. With its lock.
void grove__future_cancel_locked(grove__future *f);
/// An activation's becomes its actor's. With its lock.
void grove__future_keep_locked(grove__future *f, grove__cell *c);
/// Takes a watcher or a taken call off its cell's list. With its lock.
void grove__promise_untie_watched_locked(grove__future *f);
static inline void grove__promise_untie_locked(grove__future *f)
{
  if (f->watched) { // most never are
    grove__promise_untie_watched_locked(f);
  }
}
/// Ends a call whose deadline has passed, and tells who runs it. With its lock.
void grove__future_expire_locked(grove__future *f, const grove_error *err);
/// The owner spends it: off its list. With its lock.
void grove__future_spend_locked(grove__future *f);
/// The rest of that for one that its owner, an actor or outside, has claimed (future_quick.h).
void grove__future_spent_quickly(grove__future *f, const grove__activation *here);
/// Whether it may be used from where the caller stands. With its lock.
bool grove__future_is_owner(const grove__future *f, const grove__activation *here);
/// Drops all of an owner's list.
void grove__futures_drop_all(grove__future **list);
/// Spends it for its owner without waiting: cancels it if it has not ended.
void grove__future_drop(grove__future *f, uint64_t generation);
/// What is known of its call, for the text of a time-out: actor, method, phase, depth.
void grove__future_describe(grove__system *y, grove_future h, char *out, size_t room);
/// Runs the then-function of an ended future that `c` keeps, in c's turn.
void grove__then_run(grove__cell *c, grove__worker **w, grove__future *f);
/// The attached loop stays alive while then-functions are to come. On its thread.
void grove__uv_keep(grove__system *y);
/// What a wait that enters the graph is for.
typedef struct grove__waits_for {
  const grove_future *f; // all of these; or
  size_t n;
  grove_ref room; // room in the mailbox of this one; GROVE_NOBODY: not so
  bool timed;
  char *text; // where a circle that closes later is put in words, before it is woken; empty until then
  size_t text_room;
} grove__waits_for;
/// Enters a wait in which `a` is about to stand with `w`; unless it is timed, a circle of waits through it is looked for first.
/// Leave follows. Returns: GROVE_EDEADLK: not entered; *err has the circle in words
grove_status grove__deadlock_enter(
    grove__activation *a, grove__waiter *w, const grove__waits_for *what, grove_error *err);
void grove__deadlock_leave(grove__activation *a);
/// For an error, when a wait or a call has run out: a circle that what `h` waits for stands in or behind, whatever would
/// end it. False: there is none, and nothing is written.
bool grove__deadlock_behind(grove__system *y, grove_future h, char *out, size_t room);
/// The same for `a`, whose wait has run out and has not been left yet.
bool grove__deadlock_late(grove__activation *a, char *out, size_t room);
/// The circle that a search has found through `self`: "waits in a circle: a in x waits for b in y, which waits for the first". With
/// the graph's lock.
void grove__circle_describe(const grove__activation *self, char *out, size_t room);
/// What was asked by `h` has been handed on, or is kept until others are served: if somebody waits for it, and that closes a
/// circle, he is woken (GROVE__WOKEN_CIRCLE). No lock.
void grove__deadlock_moved(grove__system *y, grove_future h);
/// The same when an actor may hand on fewer calls at once than before, or has one of them back. In its turn, no lock.
void grove__deadlock_fewer(grove__cell *c);
#endif
