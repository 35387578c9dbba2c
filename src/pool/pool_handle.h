// The public grove_pool: one caller's window on a pool actor, or on any actor.
#ifndef GROVE_POOL_HANDLE_H
#define GROVE_POOL_HANDLE_H
#include <grove/pool.h>
#include "pool/pool_window.h"

// Everything in it is its owner's: one thread, or one activation at a time.
struct grove_pool {
  grove *root;           ///< for the functions that are not told where they stand
  grove_future life;     ///< whose drop frees this: by destroy, or when the owner's life ends
  grove_ref to;          ///< the address, as grove_pool_ref gives it
  const grove_class *of; ///< the members' class; NULL: over, nothing was submitted yet
  uint32_t most_in_flight, most_results, destroy_ms;
  bool over, spawned;
  bool inside, doomed; ///< somebody is in a function that waits; destroyed meanwhile
  grove_ref annex;     ///< over, and something was pushed: the pool actor over `to` and those
  bool annexed;
  grove_pool_options options; ///< for the annex; `member` is NULL
  grove_ref *pushed;          ///< until there is an annex
  size_t pushed_n, pushed_room;
  grove__window window;
};

/// Brackets of a function that may wait. Two activations of one actor may not be in one pool: the second gets
/// GROVE_EINVAL. leave destroys a pool that was destroyed meanwhile.
grove_status grove__pool_enter(grove_pool *p);
void grove__pool_leave(grove_pool *p);
/// Where items of method `m` go: makes the annex where one is due.
grove_status grove__pool_target(grove *g, grove_pool *p, const grove_method *m, grove_ref *to);
#endif
