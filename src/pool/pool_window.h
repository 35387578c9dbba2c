// One caller's items: those in flight (a future each), and those that have ended and wait to be taken.
//
// A ticket is an item from its submit to its taking. All tickets stand in one list in the order of submitting; an
// ended one also in a second list, in the order of ending. So both ways of taking find theirs at once, and may be
// mixed. The futures in flight stand side by side in an array without holes, for grove_wait.
#ifndef GROVE_POOL_WINDOW_H
#define GROVE_POOL_WINDOW_H
#include <grove/call.h>
#include "base/alloc.h"

typedef struct grove__ticket {
  struct grove__ticket *next, *prev;             ///< in the order of submitting
  struct grove__ticket *ended_next, *ended_prev; ///< in the order of ending
  const grove_method *method;
  uint64_t tag;
  size_t place;       ///< in the flight, while it is there
  grove_error *error; ///< of one that failed; NULL: there was no memory for its words
  grove_status status;
  bool ended;
  _Alignas(16) unsigned char reply[]; ///< zero unless it ended well
} grove__ticket;

typedef struct grove__window {
  grove_allocator allocator;
  grove_future *flight;
  grove__ticket **flying; ///< flying[i] is the ticket of flight[i]
  size_t in_flight, room;
  grove__ticket *first, *last, *ended_first, *ended_last;
  size_t ended;
} grove__window;

/// Calls, and follows the result. A call that fails at once is a ticket like any other. Returns: GROVE_ENOMEM
grove_status grove__window_add(
    grove *g, grove__window *w, grove_ref to, const grove_method *m, const void *arg, uint64_t tag);
/// Waits up to ms until one in flight has ended, and moves the results of all that have, `most` of them, to their
/// tickets, in the order of ending. With none in flight: nothing.
/// Returns: GROVE_ETIMEDOUT, GROVE_ECANCELED: the wait was over before; GROVE_ENOMEM
grove_status grove__window_end_some(grove *g, grove__window *w, size_t most, int64_t ms);
/// Waits up to ms for the next ticket in either order. It stays where it is until it is taken.
/// Returns: GROVE_ENOENT: there is none; as grove__window_end_some
grove_status grove__window_peek(
    grove *g, grove__window *w, bool ordered, int64_t ms, grove__ticket **out);
/// Hands over an ended ticket: writes reply (NULL: dropped) and *err, gives its status, and frees it.
grove_status grove__window_take(grove__window *w, grove__ticket *t, void *reply, grove_error *err);
/// Drops what is in flight.
void grove__window_drop(grove *g, grove__window *w);
/// Frees everything, untaken replies with their shared data too. Calls grove for nothing but releases.
void grove__window_deinit(grove__window *w);
#endif
