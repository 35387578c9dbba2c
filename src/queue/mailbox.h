// The mailbox: many producers, one consumer, two lanes, bounded by count and bytes.
//
// Letters are pushed on a stack in the consumer's word (word.h) by one exchange. The consumer takes all of them by another,
// turns them round and has them in lists of its own, one a lane, from which it takes them without any: so a letter costs
// a shared write of its sender, and a part of one of the consumer. Facts that it rests on:
//   1. A letter is published by the exchange that pushes it (release) and received by the one that takes all (acquire).
//      Between the two only `next` of the letter above points to it, and nobody follows it: no letter is read by others.
//   2. A word that says CLOSED takes no letter. A sender that found the life it looked for, and slept until the next one
//      had begun, pushes a letter of another life: the letter says whose it is, and its consumer refuses it.
//   3. Who waits for room lists itself under the lock, marks the word as WANTED, and looks once more. Is it full then, the
//      consumer has letters to pop since its last exchange with the word, or makes one before it rests, in a turn's middle or
//      at its end, which finds the mark. It then looks for room under the lock, and while somebody still waits it knows
//      (`waits`) that each letter that it pops may make some. It tells nobody for each letter, but before it rests, or stops
//      in the middle of a turn, all for whom there is room.
//   4. Lists are the consumer's, who needs no lock for them. Who gives a consumer up in the middle of a turn leaves them
//      alone: it closes, and takes what is in the word; what the consumer has it finds in its last turn.
//   5. How many letters wait is what was pushed (in the word, modulo 2^16) less what was popped (`popped`, the same), read
//      so that they are of one moment: `popped`, the word, and `popped` again, which has stood still. A sender whose
//      exchange then succeeds found the word as it was, and no fewer popped: no limit is passed. One that finds no room:
//      there was none, but for letters that a consumer with a large mailbox has popped and not told yet: it tells a
//      sixteenth of the limit at once, 64 at most, and all when its list is empty or it stops. So that the difference is never 2^16 or more, one that is forced in where 65,535 wait is *loose*:
//      counted apart.
//   6. Who pushes to a task that is IDLE, with no letter and no mark in its word, may begin its turn with the same exchange, IDLE to
//      RUNNING, and is its consumer from there on, as a worker is that begins one: he puts the letter into the lists, and the task
//      in a queue, which hands both over. To all others it is as if its turn had begun and were slow: they leave letters, and a
//      notice makes it AGAIN.
//
// What its consumer puts back waits in a list of its own, is counted as before, and comes again when it is asked for.
//
// *Accounted* mailboxes, those with a limit in bytes or a budget, or of very many letters, do the same under the lock, with
// exact sums: each push and each taking. With GROVE_LOCKED_QUEUES all do: the reference, which passes the same tests.
// Lock: `fire` functions of those who wait for room run under it (docs/design/locks.md).
#ifndef GROVE_QUEUE_MAILBOX_H
#define GROVE_QUEUE_MAILBOX_H
#include "base/status.h"
#include "plat/thread.h"
#include "queue/word.h"

/// What is queued: the first member of a message.
typedef struct grove__letter {
  _Alignas(16) struct grove__letter *next; ///< aligned for word.h
  uint32_t bytes; ///< what it counts as
  union {
    struct {
      uint8_t lane : 4, kind : 4; ///< GROVE__LANE_*, GROVE__LETTER_*
      bool was_delayed : 1, plain : 1; ///< the room above's, as the next
      uint8_t watched;
      bool counted;   ///< in the word's count; the mailbox's
    };
    uint32_t marks; ///< all of these, to be looked at or set at once
  };
  int64_t at;     ///< when it was sent, as well as its sender knows; for people
  uint64_t life;  ///< whom it was pushed for
} grove__letter;
enum { GROVE__LANE_HIGH, GROVE__LANE_NORMAL, GROVE__LANES };
/// LASTING: counts in no limit, and is not dropped to make room. END: the same, and what lies in the high lane comes before
/// it, however much that is.
enum { GROVE__LETTER_PLAIN, GROVE__LETTER_LASTING, GROVE__LETTER_END };
/// After so many high letters in a row, with a normal one waiting, that one is taken: so that none starves.
enum { GROVE__HIGH_STREAK = 64 };

/// Somebody who waits for room. fire(user) runs at most once, under the mailbox's lock, after it was taken off the list;
/// false: something else had woken it before.
typedef struct grove__room_waiter {
  struct grove__room_waiter *next, *prev;
  bool (*fire)(void *user);
  void *user;
  bool listed;
} grove__room_waiter;

typedef struct grove__mailbox grove__mailbox;
/// What few mailboxes need: those whose consumer puts letters back, that somebody waits for room in, or that are accounted.
/// Its owner keeps it, and lends it (grove__mailbox_extend) before any of that begins. Its memory stays as long as anybody may
/// ask the mailbox how full it is.
typedef struct grove__mailbox_rest {
  grove__letter *kept_first, *kept_last; // the consumer's: put back, in order
  _Atomic int64_t kept_at;               // when the first was sent that is put back; shown to anyone, as the next two
  _Atomic uint64_t kept_bytes;           // of those
  _Atomic uint32_t kept;                 // how many are put back, or have kept their place
  _Atomic uint32_t count;                // accounted: written under lock, read by anyone as a hint
  _Atomic uint64_t bytes;                // the same
  _Atomic uint32_t limit; // of letters, of an accounted mailbox: written before the life is known, or under lock
  grove__room_waiter *waiters_first, *waiters_last; // guarded by lock
  uint64_t bytes_limit;                             // guarded by lock; 0: none
  uint64_t budget;  // guarded by lock: of letters and what is held beside them; 0: none
  uint64_t beside;  // guarded by lock: what its owner holds of the budget beside letters
  uint64_t counted; // guarded by lock: the life whose letters the account has
  bool lent;        // constant: it is no empty one, which is only read
} grove__mailbox_rest;

struct grove__mailbox {
  // What senders look at for each letter, in one line with the word, if the owner has it so; the consumer writes here for a batch
  // of them (fact 5), senders for the first letter that comes to an empty word.
  _Atomic uint64_t life;   // whose it is, or was last; and GROVE__MAILBOX_OVER, unless begin was called and close was not
  _Atomic(const grove__mailbox_rest *) rest; // an empty one, until the owner has lent another
  _Atomic uint32_t since;   // a hint: when the first letter in the word was sent: grove__mailbox_time
  _Atomic uint32_t new_bytes; // a hint: of that
  _Atomic uint16_t popped;  // of what was pushed, modulo 2^16: fact 5
  _Atomic uint16_t limit;   // of letters; 0: accounted, and the rest has it. Written before the life is known, but for a budget
  _Atomic bool waits;       // written under lock: somebody waits for room who is not told letter by letter
  _Atomic bool high;        // a hint: a high letter was pushed since the consumer last looked for one
  _Atomic uint8_t own_byte; // a rider: its owner's, and nothing to it
  uint8_t lot; // the consumer's, written when it takes them: how many letters last came at once; UINT8_MAX: or more
  // What few letters have to do with:
  _Atomic uint32_t loose;   // plain letters that the word could not count; exact
  _Atomic uint32_t lasting; // letters that are not plain, which no limit is for; exact
  grove__mutex lock;
  uint32_t own; // as own_byte
  // The consumer's (fact 4); the atomic ones are shown to anyone:
  grove__letter *first, *last; // of the normal lane, taken out of the word, in order; `last` says nothing while there is none
  grove__letter *high_last;    // of the high lane, which is a ring: its first is the next of this one; NULL: there is none
  _Atomic uint32_t taken_at;    // about when the first of them was sent: grove__mailbox_time
  _Atomic uint32_t taken;       // how many they are
  _Atomic uint32_t lot_each;    // how many bytes each had, on an average, when letters last came there: for people
  _Atomic uint8_t quiet;  // popped and not told yet
  uint8_t high_streak;    // high letters taken in a row while a normal one waited
  uint16_t given; // guarded by lock: letters that who gave the consumer up took out of the word, which are not popped yet; modulo 2^16
};
#define GROVE__MAILBOX_OVER (UINT64_C(1) << 63)

/// Its consumer's task's word, which lies right in front of it.
static inline grove__word *grove__mailbox_word(const grove__mailbox *m)
{
  return (grove__word *)(uintptr_t)((const char *)m - sizeof(grove__word));
}
/// Whose it is, or was last: also when it is closed.
static inline uint64_t grove__mailbox_life(const grove__mailbox *m)
{
  // Relaxed: by who knows of the life, or knows that it stays.
  return atomic_load_explicit(&m->life, memory_order_relaxed) & ~GROVE__MAILBOX_OVER;
}

/// The word's state is its owner's. `none`: an empty rest (zero), which must stay; its own until another is lent.
grove_status grove__mailbox_init(grove__mailbox *m, const grove__mailbox_rest *none);
void grove__mailbox_deinit(grove__mailbox *m);
void grove__mailbox_rest_init(grove__mailbox_rest *rest);
/// Lends one that is empty, until retract, which comes when nothing is in the mailbox, nobody waits for room and it is closed.
/// From any thread, one after the other.
void grove__mailbox_extend(grove__mailbox *m, grove__mailbox_rest *rest);
void grove__mailbox_retract(grove__mailbox *m, const grove__mailbox_rest *none);
/// Prepares it for a life (not 0), with its limits: still nothing is pushed. One that is accounted has a rest. begin: from here on it is, and the task is
/// made queued with the same exchange, so that no letter, not even one for the life before, makes it run before that is
/// published. True: it is the caller's to put in a queue. close (after which no rest is lent before the next open): nothing is pushed any more, and all who wait for room
/// are fired. hide: close will follow, and from here on pushes and waits may find that already.
void grove__mailbox_open(grove__mailbox *m, uint64_t life, uint32_t limit, uint64_t bytes_limit);
bool grove__mailbox_begin(grove__mailbox *m);
/// begin of one that rests, with a plain letter (NULL: none) for that life in it already, whose life and lane (NORMAL) it says. The
/// task is the caller's to put in a queue.
void grove__mailbox_begin_with(grove__mailbox *m, grove__letter *letter);
void grove__mailbox_close(grove__mailbox *m);
static inline void grove__mailbox_hide(grove__mailbox *m)
{
  // Relaxed: who pushes for this life and does not see it sees the word, later; nobody else writes it.
  atomic_store_explicit(&m->life, atomic_load_explicit(&m->life, memory_order_relaxed) | GROVE__MAILBOX_OVER, memory_order_relaxed);
}
/// After open, with a rest: letters share a budget with what the owner holds by other means, `beside` of it from the start.
void grove__mailbox_budget(grove__mailbox *m, uint64_t budget, uint64_t beside);
/// Takes so much of the budget, or gives it back (bytes below zero), which may make room for a letter. False: it does
/// not fit, nothing was taken. Where there is no budget: true.
bool grove__mailbox_reserve(grove__mailbox *m, int64_t bytes);
/// Appends a letter to its lane. *queued: the task was idle, and is the caller's to put in a queue now. `force`: over the limits,
/// too.
/// Returns: GROVE_EAGAIN: full; GROVE_ENOACTOR: closed, or open for another life. The letter is still the caller's
grove_status grove__mailbox_push(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force, bool *queued);
/// Receives what its owner has taken out of the word (GROVE__WORD_TAKEN), before anything else is taken. Consumer only.
void grove__mailbox_receive(grove__mailbox *m, uint64_t word);
/// Takes the first letter of the highest lane, or after GROVE__HIGH_STREAK of these the first normal one, or NULL; and
/// tells who waits for room, as many as there is room for again (all, when it is empty). Consumer only. The letter may
/// be of another life: fact 2.
grove__letter *grove__mailbox_pop(grove__mailbox *m);
/// Before the consumer stops for it does not know how long, in the middle of a turn: what it has popped is told, and all who
/// wait and for whom there is room. Consumer only.
void grove__mailbox_settle(grove__mailbox *m);
/// Takes the oldest plain letter of the lowest lane that has any, put back or not, or NULL: what is dropped before all
/// others. Else as pop.
grove__letter *grove__mailbox_pop_lowest(grove__mailbox *m);
/// Whether more is in it than its limits say, and more than one letter: then the oldest may be dropped.
bool grove__mailbox_is_over(grove__mailbox *m);
/// Takes all letters, those that were put back first, then high ones, linked by `next`. Consumer only.
grove__letter *grove__mailbox_pop_all(grove__mailbox *m);
/// After close, for who has given the consumer up: takes those that this one has not taken, linked by `next`. *rest: it has
/// some. pop_all follows, when it is back. Any thread.
grove__letter *grove__mailbox_pop_untaken(grove__mailbox *m, bool *rest);
/// With a rest: a letter that was popped is to be put back: makes it count as waiting again, at once; if its place was taken meanwhile, above
/// the limit. Those that are put back leave one place: what makes them come again finds room. `force`: anyway. Then
/// follows keep, which lists it behind those that were put back before, or forgo: it has come to its end instead.
/// Consumer only. Returns: GROVE_EAGAIN: so many, or so many bytes, are put back already
grove_status grove__mailbox_keep_room(grove__mailbox *m, grove__letter *letter, bool force);
void grove__mailbox_keep(grove__mailbox *m, grove__letter *letter);
void grove__mailbox_forgo(grove__mailbox *m, grove__letter *letter);
/// Takes the first of those that were put back, or NULL; it keeps its place, and keep or forgo follows. Consumer only.
grove__letter *grove__mailbox_take_kept(grove__mailbox *m);
/// How many those are.
uint32_t grove__mailbox_listed(const grove__mailbox *m);
/// One whose place was kept comes again at once, before those that are there. Consumer only.
void grove__mailbox_return(grove__mailbox *m, grove__letter *letter);
/// All that were put back come again: in their lanes, in their old order, before those that are there. Consumer only.
void grove__mailbox_unkeep(grove__mailbox *m);
/// With a rest, if it is open for `life`: lists `w` if the mailbox is open for `life` and a letter of `bytes` does not fit now; false: nothing was listed.
bool grove__mailbox_wait(grove__mailbox *m, uint64_t life, uint32_t bytes, grove__room_waiter *w);
/// When about the oldest letter in it was sent, as it is seen `now`; 0: it is empty. Any thread.
int64_t grove__mailbox_oldest(const grove__mailbox *m, int64_t now);
/// Takes `w` off the list, if it is on it; fire is not running and will not run when this returns.
void grove__mailbox_unwait(grove__mailbox *m, grove__room_waiter *w);

/// How many letters are in it, and how many bytes they are, with those that were put back: hints, and statistics. 0 letters is
/// exact for the consumer. Without account the bytes of letters that it has not looked at are estimated by the last of them.
/// plain: those that limits are for. ready: those that were not put back.
uint32_t grove__mailbox_count(const grove__mailbox *m);
uint32_t grove__mailbox_plain(const grove__mailbox *m);
uint32_t grove__mailbox_ready(const grove__mailbox *m);
uint64_t grove__mailbox_bytes(const grove__mailbox *m);
#endif
