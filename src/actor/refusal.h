// Addresses that carry a failure: see why.h. Apart from it, for the rooms above that refuse to spawn.
#ifndef GROVE_ACTOR_REFUSAL_H
#define GROVE_ACTOR_REFUSAL_H
#include <grove/base.h>

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
  GROVE__WHY_CROSSING,
  GROVE__WHY_HOME,
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
#endif
