// Times of one actor's messages: made when somebody asks for them, given back with the life.
#ifndef GROVE_ACTOR_TIMES_H
#define GROVE_ACTOR_TIMES_H
#include "actor/activation.h"

struct grove__times {
  int64_t begun;         // constant
  _Atomic int64_t asked; // relaxed: when somebody last did
  grove__durations waited, ran; // of one message in 32
};
/// Of a message that was timed for its actor or its class, in a turn; what is below zero is not known. Stops by itself.
void grove__times_add(grove__cell *c, int64_t waited, int64_t ran, int64_t now);
/// In the life's last turn.
void grove__times_free(grove__cell *c);
#endif
