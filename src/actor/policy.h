// The seam to supervise/: the policy that decides what becomes of a child that failed, handed in at the start.
#ifndef GROVE_ACTOR_POLICY_H
#define GROVE_ACTOR_POLICY_H
#include <grove/actor.h>

/// The last restarts of a child: when they were, in a ring.
typedef struct grove__restarts {
  int64_t *at; // the mechanism's memory
  uint32_t room, first, n;
  uint32_t blind;     // those without memory for their time
  int64_t blind_from; // and when the first of them was
} grove__restarts;
/// What a supervisor's policy says of a child that has ended (implemented by supervise/, handed to the start).
typedef struct grove__verdict {
  bool restart;     // else gone for good
  bool escalate;    // its parent fails with it
  int64_t delay_ms; // before the restart
} grove__verdict;
typedef struct grove__policy {
  /// How many restarts it wants to look back on: what `room` of the history should grow to.
  uint32_t (*remembers)(const grove_spawn_options *spec);
  /// A child of `spec` failed at now_ns. `random` is a fresh number for the jitter. Pure: changes *history only.
  grove__verdict (*failed)(
      const grove_spawn_options *spec, grove__restarts *history, int64_t now_ns, uint64_t random);
  /// Fills the spec's zeroes with the defaults.
  void (*defaults)(grove_spawn_options *spec);
} grove__policy;

/// Starts a runtime that is supervised by `policy`; grove_start is this with supervise/'s. guard: how stacks are guarded,
/// GROVE__GUARD_* of plat/stack.h: 0, the best there is, but in tests.
grove_status grove__system_start(
    const grove_options *o, const grove__policy *policy, int guard, grove **out);
#endif
