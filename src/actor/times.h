// Times of one actor's messages: made when somebody asks for them, given back with the life.
#ifndef GROVE_ACTOR_TIMES_H
#define GROVE_ACTOR_TIMES_H
#include "actor/activation.h"

struct grove__times {
  int64_t begun, asked; // asked: when somebody last did
  grove__durations waited, ran; // of one message in 32
};
/// Of a message that was timed for its actor or its class, in a turn; what is below zero is not known. No lock.
void grove__times_add(grove__cell *c, int64_t waited, int64_t ran, int64_t now);
/// Gives back what nobody has asked for lately. Any thread, no lock: a walk over all actors does it, because one without
/// messages would keep its own for ever.
void grove__times_look(grove__cell *c, int64_t now);
/// When the life is over. With the lock.
void grove__times_free_locked(grove__cell *c);
#endif
