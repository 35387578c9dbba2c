// What a wait for futures is about: between get.c, which registers with them, wish.c, which waits, and next.c, which asks get.c to.
#ifndef GROVE_ACTOR_WISH_H
#define GROVE_ACTOR_WISH_H
#include "actor/future.h"

/// What one wait is about.
typedef struct grove__wish {
  const grove_future *f;
  size_t n, k;   // k of n are to end
  uint64_t skip; // handles with this mark count neither as ended nor as open
  int64_t ms;
} grove__wish;

enum { GROVE__CIRCLE = 220 }; // bytes of a circle of waits in words
/// Waits with a waiter that is registered; `all_needed`: all that is open must end, so it enters the graph. *reason: why it is
/// over; `circle` (GROVE__CIRCLE bytes): in words, if there is one.
/// Returns: GROVE_EDEADLK, GROVE_ELIMIT, GROVE_ENOMEM, GROVE_EINVAL (a leaf method)
grove_status grove__wait_wish(grove__system *y, grove__activation *here, const grove__wish *q,
    bool all_needed, grove__waiter *w, uint32_t *reason, char *circle, grove_error *err);
/// Waits for what is wished for, and says why not. Returns: as grove__wait_wish, and as grove__say_why
grove_status grove__wish_wait(
    grove__system *y, grove__activation *here, const grove__wish *q, grove_error *err);
/// Around a wait of an outside thread, if it is one: until it is out of here again the runtime stays, even if it stops meanwhile.
bool grove__outside_stay(grove__system *y, const grove__activation *here, int64_t ms);
void grove__outside_go(grove__system *y, bool stayed);
/// What a wait gives that is over for this reason, with words.
grove_status grove__say_why(grove__system *y, const grove__wish *q, grove__activation *here,
    uint32_t reason, char *circle, grove_error *err);
/// GROVE_ELIMIT: too many wait already.
void grove__say_no_stack(grove__system *y, const grove__activation *here, grove_error *err);
#endif
