// Why there is no actor behind an address, or no future behind a handle. The address or the handle says it itself, for
// there is nothing else that could keep it: so what is kept is a number, and at most whose name was in the way.
#ifndef GROVE_ACTOR_WHY_H
#define GROVE_ACTOR_WHY_H
#include "actor/refusal.h"
#include "actor/system.h"

/// A handle that carries a failure without a slot: when there is no slot to be had.
grove_future grove__future_failed(grove_status s, uint32_t why);
/// What an address or a handle carries, by its second word. Never GROVE_OK.
grove_status grove__why_status(uint64_t carried);
/// And why, in words.
void grove__why_words(grove__system *y, uint64_t carried, char *out, size_t room);
/// The words for a refusal that no address carries.
void grove__refusal_words(
    grove__system *y, grove_status s, const grove__refusal *r, char *out, size_t room);
#endif
