// Leaving the world: between life.c, which decides, and leave.c, which tells all others.
#ifndef GROVE_ACTOR_LEAVE_H
#define GROVE_ACTOR_LEAVE_H
#include "actor/cell.h"

/// How a life ended, in words: its own last ones, or plain ones for `why`. With its lock, or in its turn.
void grove__leave_describe(grove__cell *c, grove_status why, grove_error *out);
/// The same in two parts, the second for when somebody will read it: twice is once. While its end is settled: between two lives
/// others may tell it of the next.
void grove__leave_begin_words(grove__cell *c, grove_status why, grove_error *out);
void grove__leave_end_words(const grove__cell *c, grove_error *out);
/// What is said to those whose messages are not begun any more, of words that have been ended.
void grove__leave_refusal(const grove__cell *c, const grove_error *words, grove_error *refused);
/// Ends a call of this life that has begun, if it is one, as GROVE_ESTUCK.
void grove__leave_end_call(uint64_t life, grove__future *f, uint64_t generation, const grove_error *words);
/// Refuses all that is in the mailbox.
void grove__leave_refuse_all(grove__cell *c, const grove_error *why);
/// Ends the calls that were taken to be answered later.
void grove__leave_promises(grove__cell *c, const grove_error *why);
/// Remembers how it ended: for good, or to start again. `w`: the caller's worker, or NULL.
void grove__leave_record(grove__cell *c, const grove__worker *w, const grove_error *words, bool again);
/// Takes a life out of the world, with all that others have of it. Once a life, by its turn or by who gives it up. The words
/// may have been begun only. `w`: as above.
void grove__leave_world(grove__cell *c, const grove__worker *w, grove_error *words, bool escalate);
/// The same and all that follows for a task that has ended well, of which nobody has anything: its slot is the task's release's. In
/// its turn, with its lock, which is released.
void grove__leave_alone(grove__cell *c, const grove__worker *w);
/// Frees the state and the start argument: after it nothing looks at the class. In its turn; twice is once.
void grove__leave_state(grove__cell *c);
/// Frees what the life held of memory; the slot is the task's release's.
void grove__leave_free(grove__cell *c);
#endif
