// Why there is no actor behind an address, or no future behind a handle. The address or the handle says it itself, for
// there is nothing else that could keep it: so what is kept is a number, and at most whose name was in the way.
#ifndef GROVE_ACTOR_WHY_H
#define GROVE_ACTOR_WHY_H
#include "actor/system.h"

enum {
  GROVE__WHY_UNKNOWN,
  GROVE__WHY_CLASS,
  GROVE__WHY_CLASS_LATER,
  GROVE__WHY_ARGUMENT,
  GROVE__WHY_OPTIONS,
  GROVE__WHY_OPTIONS_LATER,
  GROVE__WHY_RESTART,
  GROVE__WHY_STANDS_FOR,
  GROVE__WHY_NAME_EMPTY,
  GROVE__WHY_NAME_WANTED,
  GROVE__WHY_NAME,       // `holder` has it
  GROVE__WHY_NAME_CLASS, // as before, of another class than was wanted
  GROVE__WHY_ACTORS,
  GROVE__WHY_MEMORY,
  GROVE__WHY_THREADS,
  GROVE__WHY_PARENT,
  GROVE__WHY_PARENT_ENDING,
  GROVE__WHY_SPAWNER,
  GROVE__WHY_NOT_FOUND,
  GROVE__WHY_PROBE,
  GROVE__WHY_OUTSIDE, // of a future: the words of the failure would have been in it
  GROVE__WHYS
};
typedef struct grove__refusal {
  uint32_t why;
  grove_ref holder;
} grove__refusal;

/// An address that carries a failure.
grove_ref grove__ref_failed(grove_status s, const grove__refusal *r);
static inline grove_ref grove__ref_failed_by(grove_status s, uint32_t why)
{
  return grove__ref_failed(s, &(grove__refusal){why, {0, 0}});
}
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
