// Between the files of the stress world.
#ifndef GROVE_TESTS_WORLD_PARTS_H
#define GROVE_TESTS_WORLD_PARTS_H
#include "world.h"
#include <grove/typed.h>

typedef struct world_job {
  world *w;
  uint64_t seed;
  uint32_t depth;
  grove_shared data;
} world_job;
typedef struct world_answer {
  uint64_t number;
  grove_shared data;
  char filler[48]; // so that some replies live outside of their future's slot
} world_answer;
typedef struct world_birth {
  world *w;
  uint32_t kind, depth;
  uint64_t seed;
  grove_shared data;
} world_birth;
GROVE_TYPE_HOLDING(world_job, data)
GROVE_TYPE_HOLDING(world_answer, data)
GROVE_TYPE_HOLDING(world_birth, data)

struct being {
  world *w;
  uint32_t kind, depth;
  grove_future kept[3];
  char *heap;
};

enum { WORLD_KINDS = 12 };
extern const struct world_kind {
  const grove_class *class;
  const grove_method *method[3];
  const grove_method *tick;
} world_kinds[WORLD_KINDS];
/// A random kind; threads of their own are dear.
uint32_t world_pick_kind(uint64_t *random);

bool world_chance(uint64_t *random, uint32_t of_1000);
void world_tick(_Atomic uint64_t *counter);
/// Something may be done: takes it from the budget.
bool world_spend(world *w);
void world_note_outcome(world *w, grove_status s);
/// Counted bytes, or in half of the cases none.
grove_shared world_make_shared(grove *g, world *w, uint64_t *random);
grove_ref world_pick(world *w, uint64_t *random, uint32_t *kind);
bool world_park_promise(world *w, grove_promise p);
void world_answer_promise(grove *g, world *w, uint64_t *random, grove_promise p);
int64_t world_pick_time(uint64_t *random);
void world_send_one(grove *g, world *w, uint64_t *random, uint32_t depth);
grove_future world_call_one(grove *g, world *w, uint64_t *random, uint32_t depth);
/// Gets with a time limit, and drops what did not come.
void world_take(grove *g, world *w, grove_future f, int64_t ms);
void world_set_then(grove *g, world *w, uint64_t *random, bool outside);
grove_ref world_give_birth(
    grove *g, world *w, uint64_t *random, uint32_t depth, const char *name, uint32_t kind);
/// What may be done inside of a method and outside of them. False: not this one.
bool world_act_anywhere(grove *g, world *w, uint64_t *random, uint32_t depth, uint64_t what);
#endif
