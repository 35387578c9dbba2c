// What a pool actor is told at its start: whose members, how many, and how they are spawned. Shared and immutable,
// because the pool needs it for its whole life and its size depends on the members' class.
#ifndef GROVE_POOL_PLAN_H
#define GROVE_POOL_PLAN_H
#include <grove/pool.h>
#include "base/alloc.h"

typedef struct grove__pool_plan {
  grove_allocator allocator;
  const grove_class *of; ///< the members' class
  uint32_t members, members_most, idle_ms, attempts, queue, destroy_ms;
  grove_spawn_options member; ///< no name; `label` is ours or NULL
  char *name, *label;         ///< the pool's name; the members' label
  void *arg;                  ///< of the members' start, with counts of its own
  grove_ref base; ///< a pool made by grove_pool_over: whom it stands over; else GROVE_NOBODY
} grove__pool_plan;

/// Options as the pool uses them: defaults filled in, `member` read into *member.
/// Returns: GROVE_EINVAL, GROVE_ENOTSUP (of a later version)
grove_status grove__pool_options_read(grove *g, const grove_pool_options *given,
    grove_pool_options *out, grove_spawn_options *member);
/// Spawns the pool actor, child of the caller, named as o->member->name says. `base`: see above; then no members
/// are spawned. Always an address, as grove_spawn; one that could not be made carries the reason.
grove_ref grove__pool_actor_spawn(
    grove *g, const grove_class *of, const void *arg, const grove_pool_options *o, grove_ref base);
#endif
