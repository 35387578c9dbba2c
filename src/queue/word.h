// The word of a task: how it is scheduled, and, where it has a mailbox, the letters that its consumer has not taken yet.
// All of that in one word, so that who pushes the first letter makes the task queued in the same moment: it is then his to
// put in a queue, nobody else's, and until he has, the task can neither run nor end.
//
//   bits 0, 1     the state
//     IDLE     nobody runs it and it is in no queue
//     QUEUED   in exactly one queue, once, or about to be put there by who made it so
//     RUNNING  its turn runs, or stands suspended between leaving its stack and grove__strand_finish; or who pushed the first letter
//              has begun it (mailbox.h, fact 6), and it stands in a queue, once, as if it were QUEUED
//     AGAIN    as RUNNING, and it was notified since: it is queued when the turn ends
//   bit 2         CLOSED: no letter is pushed
//   bit 3         WANTED: somebody has begun to wait for room (mailbox.h, fact 3): the consumer is to look before it rests
//   bits 4 to 47  the letter that was pushed last: a stack, linked by `next`. Letters are aligned to 16, and no system
//                 that this library runs on gives a program addresses beyond 48 bits unasked
//   bits 48 to 63 how many letters were ever counted in, modulo 2^16: what the consumer has popped is told apart (mailbox.h).
//                 A test may make them fewer, to go round sooner
#ifndef GROVE_QUEUE_WORD_H
#define GROVE_QUEUE_WORD_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if !defined(GROVE__WORD_COUNT_BITS)
#define GROVE__WORD_COUNT_BITS 16
#endif

typedef _Atomic uint64_t grove__word;
enum {
  GROVE__WORD_IDLE,
  GROVE__WORD_QUEUED,
  GROVE__WORD_RUNNING,
  GROVE__WORD_AGAIN,
  GROVE__WORD_STATE = 3,
  GROVE__WORD_CLOSED = 4,
  GROVE__WORD_WANTED = 8,
  GROVE__WORD_COUNT_SHIFT = 64 - GROVE__WORD_COUNT_BITS,
  GROVE__WORD_COUNT_MOST = (1 << GROVE__WORD_COUNT_BITS) - 1
};
#define GROVE__WORD_LETTERS UINT64_C(0x0000fffffffffff0)
#define GROVE__WORD_TAKEN (GROVE__WORD_LETTERS | GROVE__WORD_WANTED) // what the consumer takes out at once

static inline uint64_t grove__word_state(uint64_t word)
{
  return word & GROVE__WORD_STATE;
}
static inline uint64_t grove__word_with(uint64_t word, uint64_t state)
{
  return (word & ~(uint64_t)GROVE__WORD_STATE) | state;
}
/// As somebody's notice leaves it: a task that rests is queued, one that runs does so again.
static inline uint64_t grove__word_notified(uint64_t word)
{
  uint64_t state = grove__word_state(word);
  return state == GROVE__WORD_IDLE      ? grove__word_with(word, GROVE__WORD_QUEUED)
         : state == GROVE__WORD_RUNNING ? grove__word_with(word, GROVE__WORD_AGAIN)
                                        : word;
}

// ---- its exchanges -------------------------------------------------------------------------------------

/// Somebody's notice. Gives the state before: if that was IDLE, the task is the caller's to put in a queue.
static inline uint64_t grove__word_notify(grove__word *w)
{
  // Relaxed: only a guess; the exchange decides.
  uint64_t word = atomic_load_explicit(w, memory_order_relaxed), wanted;
  do {
    // QUEUED and AGAIN promise a turn that begins after this moment. An exchange of the same value joins the
    // release sequence, so that turn sees what the caller put before the task.
    wanted = grove__word_notified(word);
    // ORDER acq_rel: publishes to the turn what was put before the task. PAIRS grove__word_begin, grove__word_leave.
  } while (!atomic_compare_exchange_weak_explicit(
      w, &word, wanted, memory_order_acq_rel, memory_order_relaxed));
  return grove__word_state(word);
}

/// A turn begins: QUEUED -> RUNNING. While it is queued nobody else changes its state, but letters come. With `takes`
/// they are taken with the same exchange, and so is WANTED. Gives the word before.
static inline uint64_t grove__word_begin(grove__word *w, bool takes)
{
  // Relaxed: a guess; the exchange decides.
  uint64_t word = atomic_load_explicit(w, memory_order_relaxed), next;
  do {
    uint64_t stays = takes ? word & ~GROVE__WORD_TAKEN : word;
    next = grove__word_with(stays, GROVE__WORD_RUNNING);
    // ORDER acquire: what was put before the task by who notified it, its letters, and the last turn's writes, are seen.
    // PAIRS grove__word_notify, grove__word_leave, and the mailbox's push. Release: joins what they published.
  } while (!atomic_compare_exchange_weak_explicit(
      w, &word, next, memory_order_acq_rel, memory_order_relaxed));
  return word;
}

/// What lets a task rest whose turn ends, if it was not notified in it: nothing; that alone; that its word has no letter.
enum { GROVE__REST_NEVER, GROVE__REST_UNTOLD, GROVE__REST_EMPTY };

/// A turn ends: RUNNING or AGAIN -> IDLE, if it may rest and nobody wants room, or QUEUED, and then the task is the
/// caller's to put in a queue. Gives the state after.
static inline uint64_t grove__word_leave(grove__word *w, int rest)
{
  // Relaxed: a guess; the exchange decides.
  uint64_t word = atomic_load_explicit(w, memory_order_relaxed), next;
  do {
    bool empty = !(word & GROVE__WORD_LETTERS);
    bool may = rest == GROVE__REST_UNTOLD || (rest == GROVE__REST_EMPTY && empty);
    next = may && (word & (GROVE__WORD_STATE | GROVE__WORD_WANTED)) == GROVE__WORD_RUNNING
               ? GROVE__WORD_IDLE
               : GROVE__WORD_QUEUED;
    // ORDER release: the turn's writes are seen by the next one. PAIRS grove__word_begin, and who pushes to one that is
    // idle. Acquire: what was put before it by who notified it meanwhile.
  } while (!atomic_compare_exchange_weak_explicit(w, &word, grove__word_with(word, next),
      memory_order_acq_rel, memory_order_relaxed));
  return next;
}
#endif
