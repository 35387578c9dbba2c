// The word of a future: who has it, how far it is, of which generation it is, and its lock, in 64 bits.
//
// Most calls are made, begun, ended and taken by one change of this word each (future_quick.h). Whatever is not so plain
// takes the word's lock, reads what the word says into the future's own fields (`held`, `ended` …), and writes them back
// with the exchange that unlocks. Facts that it rests on:
//   1. A slot that nobody has is FREE: its word has the generation of the next use, and nobody locks it. So who has taken it
//      off the free list writes its fields as he likes, and a release store of the word publishes them (grove__future_open).
//   2. A locked word is written by nobody but who has locked it, except that CONTENDED is set by who wants it next. So a
//      quick change, which is a compare-and-exchange from an unlocked word, never comes between.
//   3. What is marked MORE in grove__future is as a free slot has it while that bit is not set, and so are `nodes` while
//      WAITED is not set: quick ways don't look at them, and leave them so.
//   4. Who ends a call without the lock writes its reply before he tries, where nobody else writes (he holds the future), and
//      says that it ended well by the change alone: if that fails, the reply is not read, unless he writes it again with the
//      lock.
//   5. Who takes an ended future makes the slot FREE by one change, and is alone with its reply from then on.
#ifndef GROVE_ACTOR_FUTURE_WORD_H
#define GROVE_ACTOR_FUTURE_WORD_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
  GROVE__FUTURE_LOCKED = 1,
  GROVE__FUTURE_CONTENDED = 2, // with LOCKED: somebody may sleep until it is not
  GROVE__FUTURE_HELD = 4,      // the other side holds it
  GROVE__FUTURE_ENDED = 8,
  GROVE__FUTURE_BEGUN = 16,
  GROVE__FUTURE_WAITED = 32, // it has nodes
  GROVE__FUTURE_MORE = 64,   // it has, or has had, more than a plain call has
  GROVE__FUTURE_OWNER = 3 << 7,
  GROVE__FUTURE_OWNER_AT = 7,
  GROVE__FUTURE_GENERATION_AT = 9
};

static inline uint64_t grove__future_word(uint64_t generation, uint32_t flags)
{
  return generation << GROVE__FUTURE_GENERATION_AT | flags;
}
static inline uint64_t grove__future_word_generation(uint64_t word)
{
  return word >> GROVE__FUTURE_GENERATION_AT;
}
static inline uint32_t grove__future_word_owner(uint64_t word)
{
  return (uint32_t)(word & GROVE__FUTURE_OWNER) >> GROVE__FUTURE_OWNER_AT;
}
/// The word of a slot that nobody has, and of its next use.
static inline uint64_t grove__future_word_free(uint64_t generation)
{
  return grove__future_word(generation, GROVE__FUTURE_ENDED);
}
static inline bool grove__future_word_is_free(uint64_t word)
{
  return (word & (GROVE__FUTURE_LOCKED | GROVE__FUTURE_HELD | GROVE__FUTURE_ENDED | GROVE__FUTURE_OWNER)) ==
         GROVE__FUTURE_ENDED;
}
#endif
