// A world for generative tests: a seed draws actors of many kinds, what they do to each other, and what threads
// outside do to them. It counts on its own, so that the runtime's books can be checked against it.
#ifndef GROVE_TESTS_WORLD_H
#define GROVE_TESTS_WORLD_H
#include <grove/call.h>
#include <grove/runtime.h>
#include <grove/watch.h>
#include <pthread.h>
#include <stdatomic.h>

enum { WORLD_REFS = 48, WORLD_PROMISES = 64 };

/// What is counted: by the test, not by the runtime.
typedef struct world_counts {
  _Atomic uint64_t begun;    ///< messages that began, less those put back
  _Atomic uint64_t spawned;  ///< addresses that carry no failure, and tasks
  _Atomic uint64_t starts;   ///< starts that were tried
  _Atomic uint64_t destroys; ///< and their ends
  _Atomic uint64_t stops;
  _Atomic uint64_t shared_made, shared_destroyed;
  _Atomic uint64_t monitors_set, monitors_fired; ///< by outside threads
  _Atomic uint64_t thens_set, thens_ran;
  _Atomic uint64_t outcome[64]; ///< how calls ended: by -status, last: others
} world_counts;

/// Counts bytes, and checks that each block comes back with the size it was given. For many threads.
typedef struct world_memory {
  _Atomic int64_t live_bytes, live_blocks;
  _Atomic uint64_t allocations,
      fail_at; ///< fail_at: the one that fails, and all after it if `fails_on`; 0: none
  bool fails_on;
} world_memory;
void *world_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes);

typedef struct world {
  grove *g;
  uint64_t seed;
  bool simulated;
  _Atomic int64_t budget;    ///< things that may still be done
  _Atomic uint64_t progress; ///< moves while anything happens
  uint64_t trace;            ///< simulation: a hash of all that happened, in order
  world_counts n;
  world_memory memory;
  pthread_mutex_t lock; ///< for the two tables below
  struct {
    grove_ref ref;
    uint32_t kind;
  } ref[WORLD_REFS];
  grove_promise promise[WORLD_PROMISES];
  uint32_t promises;
  _Atomic uint32_t freed; ///< how often options.freed was called
} world;

void world_init(world *w, uint64_t seed, int64_t budget);
/// The options that a world's runtime is started with; the caller changes what it likes and starts it.
grove_options world_options(world *w);
/// Each fifth world has little of everything: what a limit refuses is a failure like any other.
void world_tighten(const world *w, grove_options *o);
void world_deinit(world *w);
/// Spawns the first actors from outside.
void world_populate(world *w, unsigned n);
/// One random thing from outside; *random is the thread's own. May wait for a few milliseconds.
void world_act_outside(world *w, uint64_t *random);
/// Answers what was put aside to be answered by others. Gives how many.
unsigned world_answer_some(world *w, uint64_t *random, unsigned most);
/// Asks all top actors to end, outside of the simulation's turns. Drops the futures.
void world_exit_all(world *w);
/// The books, when all is quiet or after the stop. False: said in words on stderr.
bool world_check_quiet(world *w);
bool world_check_after_stop(world *w, const grove_stop_report *r, grove_status s, bool counted);
/// What everybody is doing, on stderr.
void world_dump(world *w);
uint64_t world_random(uint64_t *random, uint64_t below);
#endif
