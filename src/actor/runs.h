// What trainings and batch jobs tell of themselves: grove/runs.h.
#ifndef GROVE_ACTOR_RUNS_H
#define GROVE_ACTOR_RUNS_H
#include "actor/system.h"
#include <grove/runs.h>

/// NULL: nothing.
void grove__runs_free(const grove_allocator *a, grove__runs *list);
#endif
