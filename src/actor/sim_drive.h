// Moving a simulation on, between the files that do.
#ifndef GROVE_ACTOR_SIM_DRIVE_H
#define GROVE_ACTOR_SIM_DRIVE_H
#include "actor/system.h"

/// One turn, or else one timer that is due by `until`, moving the clock to it. False: there is neither.
bool grove__sim_next(grove__system *y, int64_t until, size_t *turns);
void grove__sim_set_clock(grove__system *y, int64_t now);
#endif
