// The run queue of a worker: what is runnable, from where its next turn comes.
//
//   - the slot: what was woken last. It keeps a pair that talks to each other on one worker and in one cache. After
//     GROVE__SLOT_STREAK tasks from it in a row the others have their turn, so that a chatty pair starves nobody.
//   - the deque: what was woken before that. Its newest comes first, so that what was begun is finished, with little in
//     memory; now and then its oldest does.
//   - the unborn: a deque of lives that have not begun. Each may make many more, so the oldest comes only when it has waited for
//     GROVE__UNBORN_NS, one in GROVE__UNBORN_EACH_NS, and the next only when what the one before it made has begun, or after
//     GROVE__UNBORN_MOST_NS: a tree of actors is finished from its leaves, and few of it are there at once. When there are more of
//     them than the deque has room for, its older half goes to a list, which comes when the deque is empty, and to who asks for the oldest.
//   - the open list: what has had its turn and goes to the end, and what comes from outside. Oldest first.
//   - the pinned: what only this worker may run. Others push it under the lock, the worker itself without; of what it pushes
//     itself that which was woken comes before that which has had its turn (`later`).
// They take turns by a fixed pattern: see grove__run_queue_pop. Others may steal from all but the pinned, the slot last.
// The slot and the deque are lock-free (the deque's argument is in its file); the lists, which are for what comes seldom, have a
// lock.
//
// The slot is one word, which its owner fills and empties for most turns of all, and a thief once in milliseconds at most. Where
// there is a barrier for all threads (plat/barrier.h) the owner empties it without an exchange: it claims the slot by a store,
// looks whether there is a thief, and if not takes what is there. A thief says that it is there, makes the barrier, and looks
// whether the slot is claimed. Of two that come at once, one at least sees the other. An owner who sees a thief uses the exchange,
// as thieves do; a thief who sees a claim gives up. Who sees that the other has gone sees what that one left in the slot.
#ifndef GROVE_QUEUE_RUN_QUEUE_H
#define GROVE_QUEUE_RUN_QUEUE_H
#include "queue/deque.h"

enum { GROVE__SLOT_STREAK = 64, GROVE__OPEN_TURN = 8, GROVE__OLDEST_TURN = 4 };
enum { GROVE__UNBORN_NS = 30 * 1000 * 1000, GROVE__UNBORN_EACH_NS = 1000 * 1000, GROVE__UNBORN_MOST_NS = 20 * 1000 * 1000 };
typedef struct grove__run_list {
  grove__run_node *first, *last;
} grove__run_list;

typedef struct grove__run_queue {
  struct grove__worker *owner; // constant: whose thread what is pinned here has for its home
  // The owner's alone:
  grove__run_list mine, later; // pinned, pushed by itself
  int64_t now; // about when it is, as its owner says
  int64_t unborn_late; // when the oldest unborn may come next,
  uint32_t unborn_left; // and how many it left when it came last
  int64_t unborn_since[GROVE__DEQUE_ROOM]; // `now` when each was pushed
  int64_t spilled_since; // when the first of those came there that the list holds, or has held since it was empty
  uint32_t streak, turn; // from the slot in a row; not from it, in all
  _Atomic(grove__run_node *) slot; // filled by the owner
  _Atomic bool claim; // the owner's: it is about to empty the slot
  _Atomic bool thief; // somebody else is
  // False: nothing is in it but what the slot has. Set by whoever has put something elsewhere, cleared by the owner, who then looks.
  _Atomic bool more;
  bool barrier;       // constant: grove__barrier_all works
  grove__deque fresh, unborn;
  grove__mutex lock;
  grove__run_list open, pinned, spilled; // guarded by lock; the last: unborn ones older than those of the deque
  _Atomic uint32_t spilled_count; // written under lock, read by anyone as a hint
  _Atomic uint32_t open_count;   // written under lock, read by anyone as a hint
  _Atomic uint32_t pinned_count; // the same
  _Atomic uint32_t mine_count;   // written by the owner, read by anyone as a hint
} grove__run_queue;

grove_status grove__run_queue_init(grove__run_queue *q);
void grove__run_queue_deinit(grove__run_queue *q);
/// To the end of the open list. From any thread. Gives how many others may steal from it, this one not counted.
uint32_t grove__run_queue_push(grove__run_queue *q, grove__run_node *n);
/// From any thread; and the owner's form. `last`: behind what was woken.
void grove__run_queue_push_pinned(grove__run_queue *q, grove__run_node *n);
void grove__run_queue_push_mine(grove__run_queue *q, grove__run_node *n, bool last);
/// Puts `n` in the slot; what was there goes to its deque; but one that is unborn only in an empty slot, else to its deque. The owner's. True: something is there to be stolen now.
bool grove__run_queue_push_slot(grove__run_queue *q, grove__run_node *n);
/// How many are unborn, in the deque and in the list; and how many are in the deques, or were.
static inline uint32_t grove__run_queue_unborn(const grove__run_queue *q)
{
  return grove__deque_length(&q->unborn) +
         atomic_load_explicit(&q->spilled_count, memory_order_relaxed); // relaxed: a hint, which its owner knows
}
static inline uint32_t grove__run_queue_deques(const grove__run_queue *q)
{
  return grove__deque_length(&q->fresh) + grove__run_queue_unborn(q);
}
/// Whether anything may be in it but in the slot; if not, so it is for what its owner has pushed. The owner's.
static inline bool grove__run_queue_may_have_others(const grove__run_queue *q)
{
  // Relaxed: only others can have pushed meanwhile, and they wake who is to see it.
  return atomic_load_explicit(&q->more, memory_order_relaxed);
}
/// Whether anything is: a hint, and exact for what its owner has pushed. The owner's.
static inline bool grove__run_queue_others_wait(const grove__run_queue *q)
{
  // Relaxed: hints, as above.
  return grove__run_queue_may_have_others(q) &&
         (atomic_load_explicit(&q->open_count, memory_order_relaxed) || q->mine.first || q->later.first ||
             atomic_load_explicit(&q->pinned_count, memory_order_relaxed) || grove__run_queue_deques(q));
}
/// Whether nothing is in it. The owner's; it stays so until the owner pushes, but for what others put at the end.
static inline bool grove__run_queue_may_fill_slot(const grove__run_queue *q)
{
  // Relaxed: the owner alone fills it: what looks empty stays so until it does.
  return !atomic_load_explicit(&q->slot, memory_order_relaxed) && !grove__run_queue_may_have_others(q);
}
/// push_slot then.
static inline void grove__run_queue_fill_slot(grove__run_queue *q, grove__run_node *n)
{
  // ORDER release: publishes the task to a thief. PAIRS grove__run_queue_take_slot.
  atomic_store_explicit(&q->slot, n, memory_order_release);
}
/// What is in the slot, or NULL, where there is a barrier. The owner's.
static inline grove__run_node *grove__run_queue_claim_slot(grove__run_queue *q)
{
  // Relaxed: its own store, and those of thieves.
  atomic_store_explicit(&q->claim, true, memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst); // PAIRS grove__barrier_all in steal_slot, which is the barrier of both
  // ORDER acquire: of a thief that has gone, what it left in the slot. PAIRS steal_slot.
  bool thief = atomic_load_explicit(&q->thief, memory_order_acquire);
  grove__run_node *n = NULL;
  if (GROVE__LIKELY(!thief)) {
    n = atomic_load_explicit(&q->slot, memory_order_relaxed);
    atomic_store_explicit(&q->slot, NULL, memory_order_relaxed);
  }
  // ORDER release: who sees no claim sees the slot. PAIRS steal_slot.
  atomic_store_explicit(&q->claim, false, memory_order_release);
  return GROVE__LIKELY(!thief) ? n : atomic_exchange_explicit(&q->slot, NULL, memory_order_acquire);
}
/// The same anywhere.
static inline grove__run_node *grove__run_queue_take_slot(grove__run_queue *q)
{
  // Relaxed: its own stores, and thieves'.
  if (!atomic_load_explicit(&q->slot, memory_order_relaxed)) {
    return NULL;
  }
  return GROVE__LIKELY(q->barrier) ? grove__run_queue_claim_slot(q) : atomic_exchange_explicit(&q->slot, NULL, memory_order_acquire);
}
/// What is in the slot, if it is its turn. NULL: grove__run_queue_pop. The owner's.
static inline grove__run_node *grove__run_queue_pop_slot(grove__run_queue *q)
{
  if (q->streak >= GROVE__SLOT_STREAK && grove__run_queue_may_have_others(q)) {
    return NULL;
  }
  grove__run_node *n = grove__run_queue_take_slot(q);
  q->streak = q->streak < GROVE__SLOT_STREAK ? q->streak + (n != NULL) : 0; // none waited
  return n;
}
/// How many the owner may claim from the slot before it asks pop_slot again; and so many it has.
static inline uint32_t grove__run_queue_claims(const grove__run_queue *q)
{
  return q->barrier && q->streak < GROVE__SLOT_STREAK ? GROVE__SLOT_STREAK - q->streak : 0;
}
static inline void grove__run_queue_claimed(grove__run_queue *q, uint32_t n)
{
  q->streak += n;
}
/// The next for the queue's own worker, or NULL.
grove__run_node *grove__run_queue_pop(grove__run_queue *q);
/// One for another worker: of the deques or the open list, the oldest; the slot only if `slot_too`. NULL: none, or
/// somebody else was faster.
grove__run_node *grove__run_queue_steal(grove__run_queue *q, bool slot_too);
/// The same for the owner of `mine`; where many are in the open list, up to half of those (*more) go to his.
grove__run_node *grove__run_queue_steal_some(grove__run_queue *q, grove__run_queue *mine, bool slot_too, bool *more);
/// Whether anybody may steal from it, with the slot only if `slot_too`. What was pushed before, in one order with what
/// the caller did before (seq_cst, or under locks), is seen.
bool grove__run_queue_waits(grove__run_queue *q, bool slot_too);
/// The same for its owner, who may also run what is pinned.
bool grove__run_queue_waits_for_owner(grove__run_queue *q);
static inline uint32_t grove__run_queue_length(const grove__run_queue *q)
{
  // Relaxed: hints.
  return (atomic_load_explicit(&q->slot, memory_order_relaxed) != NULL) +
         atomic_load_explicit(&q->open_count, memory_order_relaxed) +
         atomic_load_explicit(&q->pinned_count, memory_order_relaxed) +
         atomic_load_explicit(&q->mine_count, memory_order_relaxed) + grove__run_queue_deques(q);
}

/// A plain list, for those who keep one under a lock of their own.
static inline void grove__run_list_push(grove__run_list *l, grove__run_node *n)
{
  n->next = NULL;
  if (l->first) {
    l->last->next = n;
  } else {
    l->first = n;
  }
  l->last = n;
}
static inline grove__run_node *grove__run_list_pop(grove__run_list *l)
{
  grove__run_node *n = l->first;
  if (n) {
    l->first = n->next;
    n->home = NULL;
  }
  return n;
}
#endif
