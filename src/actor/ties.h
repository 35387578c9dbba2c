// Lists that a cell's lock guards: activations that have waited, and of futures promises that it has taken, those who watch it, ended
// ones with a function to run. Most actors have none of them, so a cell has one word for all: the first of one of the lists, with the
// list's number in its lowest bits, and in that one the word for the others. Activations come first, if there are any.
#ifndef GROVE_ACTOR_TIES_H
#define GROVE_ACTOR_TIES_H
#include "actor/activation.h"
#include "actor/future.h"

/// In cell.h. PROMISES: calls taken to be answered later, those first that were handed on; the last stands before the first. WATCHERS: monitors
/// and grove_ready. THENS: ended futures with a function to run: a ring, of which this is the last.
/// The word for lists of futures.
static inline uintptr_t *grove__tied_futures(grove__cell *c)
{
  grove__activation *a = grove__cell_activations(c);
  return a ? &a->crowd.tied : &c->tied;
}

static inline grove__future *grove__tied_future(uintptr_t word)
{
  return (grove__future *)(word & ~(uintptr_t)GROVE__TIED_MASK);
}
/// The word for the others. One that somebody has taken or watches may be of another cell's with its function already.
static inline uintptr_t *grove__tied_next(uintptr_t word)
{
  return &grove__tied_future(word)->tied[(word & GROVE__TIED_MASK) == GROVE__TIED_THENS];
}
/// What a list begins with; NULL: it is empty. With the cell's lock, as the other.
static inline grove__future *grove__tied(grove__cell *c, uintptr_t list)
{
  uintptr_t word = *grove__tied_futures(c);
  while (word && (word & GROVE__TIED_MASK) != list) {
    word = *grove__tied_next(word);
  }
  return grove__tied_future(word);
}
/// It begins with `f` from here on (NULL: it is empty). What it began with is still there to be looked at.
static inline void grove__tie(grove__cell *c, uintptr_t list, grove__future *f)
{
  uintptr_t *at = grove__tied_futures(c);
  while (*at && (*at & GROVE__TIED_MASK) != list) {
    at = grove__tied_next(*at);
  }
  uintptr_t rest = *at ? *grove__tied_next(*at) : 0, word = f ? (uintptr_t)f | list : rest;
  if (f) {
    *grove__tied_next(word) = rest;
  }
  *at = word;
}

/// Puts an ended future behind those of a cell whose functions are to run, and takes the first of them, or NULL. With the cell's
/// lock.
static inline void grove__then_put_locked(grove__cell *c, grove__future *f)
{
  grove__future *last = grove__tied(c, GROVE__TIED_THENS);
  f->queue_next = last ? last->queue_next : f;
  if (last) {
    last->queue_next = f;
  }
  grove__tie(c, GROVE__TIED_THENS, f);
}
static inline grove__future *grove__then_take_locked(grove__cell *c)
{
  grove__future *last = grove__tied(c, GROVE__TIED_THENS), *first = last ? last->queue_next : NULL;
  if (first && first == last) {
    grove__tie(c, GROVE__TIED_THENS, NULL);
  } else if (first) {
    last->queue_next = first->queue_next;
  }
  return first;
}
#endif
