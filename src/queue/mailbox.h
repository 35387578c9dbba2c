// The mailbox: many producers, one consumer, two lanes, bounded by count and bytes.
//
// This is the reference body, with a mutex. A lock-free one goes behind the same face and passes the same tests.
// Lock: `lock` guards all fields; `notify` and the `fire` functions of those who wait for room run under it
// (docs/design/locks.md): so once it is closed, nobody notifies a life that has ended.
#ifndef GROVE_QUEUE_MAILBOX_H
#define GROVE_QUEUE_MAILBOX_H
#include "base/status.h"
#include "plat/thread.h"
#include <stdatomic.h>

/// What is queued: the first member of a message.
typedef struct grove__letter {
  struct grove__letter *next;
  uint32_t bytes; ///< what it counts as
  uint32_t lane;  ///< GROVE__LANE_*
  int64_t at;     ///< when it was sent, as well as its sender knows; for people
} grove__letter;
enum { GROVE__LANE_HIGH, GROVE__LANE_NORMAL, GROVE__LANES };
/// After so many high letters in a row, with a normal one waiting, that one is taken: so that none starves.
enum { GROVE__HIGH_STREAK = 64 };

/// Somebody who waits for room. fire(user) runs at most once, under the mailbox's lock, and takes it off the list.
typedef struct grove__room_waiter {
  struct grove__room_waiter *next, *prev;
  void (*fire)(void *user);
  void *user;
  bool listed;
} grove__room_waiter;

typedef struct grove__mailbox {
  grove__mutex lock;
  grove__letter *first[GROVE__LANES], *last[GROVE__LANES]; // guarded by lock
  grove__room_waiter *waiters_first, *waiters_last;        // guarded by lock
  uint32_t high_streak; // guarded by lock: high letters taken in a row while a normal one waited
  uint64_t life;        // guarded by lock: whose it is; 0: closed
  uint32_t limit;       // guarded by lock
  bool awaited;         // constant for a life: somebody may wait for room
  uint64_t bytes_limit; // guarded by lock; 0: none
  uint64_t budget;      // guarded by lock: of letters and what is held beside them; 0: none
  uint64_t beside;      // guarded by lock: what its owner holds of the budget beside letters
  void (*notify)(void *user); // constant: runs under lock after a push
  void *user;                 // constant
  _Atomic uint32_t count;     // written under lock, read by anyone as a hint
  _Atomic uint64_t bytes;     // written under lock, read by anyone as a hint
} grove__mailbox;

grove_status grove__mailbox_init(grove__mailbox *m, void (*notify)(void *user), void *user);
void grove__mailbox_deinit(grove__mailbox *m);
/// Opens it for a life (not 0), with its limits; and closes it: nothing is pushed, so nobody is notified any more,
/// and all who wait for room are fired.
void grove__mailbox_open(grove__mailbox *m, uint64_t life, uint32_t limit, uint64_t bytes_limit);
void grove__mailbox_close(grove__mailbox *m);
/// After open: nobody will wait for room in this life. Then its consumer sees without the lock that it is empty.
void grove__mailbox_is_never_awaited(grove__mailbox *m);
/// After open: letters share a budget with what the owner holds by other means, `beside` of it from the start.
void grove__mailbox_budget(grove__mailbox *m, uint64_t budget, uint64_t beside);
/// Takes so much of the budget, or gives it back (bytes below zero), which may make room for a letter. False: it does
/// not fit, nothing was taken. Where there is no budget: true.
bool grove__mailbox_reserve(grove__mailbox *m, int64_t bytes);
/// Appends a letter to its lane and notifies. `force`: over the limits, too.
/// Returns: GROVE_EAGAIN: full; GROVE_ENOACTOR: closed, or open for another life. The letter is still the caller's
grove_status grove__mailbox_push(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force);
/// Takes the first letter of the highest lane, or after GROVE__HIGH_STREAK of these the first normal one, or NULL; and
/// tells one who waits for room (all, when it is empty). Consumer only.
grove__letter *grove__mailbox_pop(grove__mailbox *m);
/// Takes the first letter of the lowest lane that has any, or NULL: what is dropped before all others. Else as pop.
grove__letter *grove__mailbox_pop_lowest(grove__mailbox *m);
/// Whether more is in it than its limits say, and more than one letter: then the oldest may be dropped.
bool grove__mailbox_is_over(grove__mailbox *m);
/// Takes all letters, high ones first, linked by `next`. Consumer only.
grove__letter *grove__mailbox_pop_all(grove__mailbox *m);
/// Puts letters (linked by `next`, all of one lane) back in front of those that are there. Consumer only.
void grove__mailbox_unpop(grove__mailbox *m, grove__letter *letters);
/// Lists `w` if the mailbox is open for `life` and a letter of `bytes` does not fit now; false: nothing was listed.
bool grove__mailbox_wait(grove__mailbox *m, uint64_t life, uint32_t bytes, grove__room_waiter *w);
/// When the oldest letter in it was sent; 0: it is empty. Any thread.
int64_t grove__mailbox_oldest(grove__mailbox *m);
/// Takes `w` off the list, if it is on it; fire is not running and will not run when this returns.
void grove__mailbox_unwait(grove__mailbox *m, grove__room_waiter *w);

static inline uint32_t grove__mailbox_count(const grove__mailbox *m)
{
  // Relaxed: a hint, and a statistic; who decides takes the lock.
  return atomic_load_explicit(&m->count, memory_order_relaxed);
}
static inline uint64_t grove__mailbox_bytes(const grove__mailbox *m)
{
  // Relaxed: a statistic.
  return atomic_load_explicit(&m->bytes, memory_order_relaxed);
}
#endif
