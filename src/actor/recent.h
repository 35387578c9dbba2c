// How long each actor has been busy lately: what it had been at a moment before is kept by slot, for who asks for that order.
#ifndef GROVE_ACTOR_RECENT_H
#define GROVE_ACTOR_RECENT_H
#include "actor/cell.h"

typedef struct grove__recent grove__recent;

/// For a walk over the first `made` slots: takes the lock until grove__recent_leave. NULL: there is no memory, and nothing is
/// locked; lately is always then.
grove__recent *grove__recent_enter(grove__system *y, uint32_t made, int64_t now);
void grove__recent_leave(grove__system *y);
/// How long the actor in the slot, whose life that is, was busy since the walk before. Each slot once a walk.
uint64_t grove__recent_busy(grove__recent *r, const grove__cell *c, uint64_t life);
/// When nobody else is left. NULL: nothing.
void grove__recent_free(const grove_allocator *a, grove__recent *r);
#endif
