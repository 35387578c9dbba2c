// The word of a task: how it is scheduled, and, where it has a mailbox, the letters that its consumer has not taken yet.
// All of that in one word, so that who pushes the first letter makes the task queued in the same moment: it is then his to
// put in a queue, nobody else's, and until he has, the task can neither run nor end.
//
//   bits 0, 1     the state
//     IDLE     nobody runs it and it is in no queue
//     QUEUED   in exactly one queue, once, or about to be put there by who made it so
//     RUNNING  its turn runs, or stands suspended between leaving its stack and grove__strand_finish
//     AGAIN    as RUNNING, and it was notified since: it is queued when the turn ends
//   bit 2         CLOSED: no letter is pushed
//   bit 3         AWAITED: somebody waits for room since the consumer last looked
//   bits 4 to 47  the letter that was pushed last: a stack, linked by `next`. Letters are aligned to 16, and no system
//                 that this library runs on gives a program addresses beyond 48 bits unasked
//   bits 48 to 63 how many letters were ever counted in, modulo 2^16: what the consumer has popped is told apart (mailbox.h)
#ifndef GROVE_QUEUE_WORD_H
#define GROVE_QUEUE_WORD_H
#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t grove__word;
enum {
  GROVE__WORD_IDLE,
  GROVE__WORD_QUEUED,
  GROVE__WORD_RUNNING,
  GROVE__WORD_AGAIN,
  GROVE__WORD_STATE = 3,
  GROVE__WORD_CLOSED = 4,
  GROVE__WORD_AWAITED = 8,
  GROVE__WORD_COUNT_SHIFT = 48,
  GROVE__WORD_COUNT_MOST = 0xffff
};
#define GROVE__WORD_LETTERS UINT64_C(0x0000fffffffffff0)

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
#endif
