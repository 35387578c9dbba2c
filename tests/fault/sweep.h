// Playing a scene (scenes.h) once, with everything counted: what the sweeps do again and again.
#ifndef GROVE_TESTS_SWEEP_H
#define GROVE_TESTS_SWEEP_H
#include "scenes.h"

typedef struct sweep_run {
  const scene_kind *kind;
  uint32_t workers; ///< 0: in simulation
  bool on_loop;     ///< workers on libuv's thread pool
  bool careful;     ///< nobody interferes
  uint64_t seed;
  int64_t stop_ms;
  uint64_t fail_at;     ///< the allocation that fails; 0: none
  bool fails_on;        ///< and all after it
  uint64_t allocations; ///< out: how many there were
} sweep_run;

/// The scene at hand; for who interferes.
extern scene sweep_scene;
/// What is done to it, in words: said if it crashes or hangs.
extern char sweep_words[300];

/// Called when the scene is over, before the runtime is stopped; may be NULL.
extern void (*sweep_before_stop)(void);

/// Plays, stops, and checks. Gives NULL; or what was wrong, in words.
const char *sweep_play(sweep_run *r);
/// Ends the process with sweep_words if one run takes longer than that many seconds.
void sweep_watch(unsigned seconds);
/// Whether a scene is to be played: by its name (NULL: any) and kinds.
bool sweep_wants(const scene_kind *k, const char *name, unsigned kinds);
/// All scenes that are linked in, one after the other; NULL after the last.
const scene_kind *sweep_scene_at(size_t i);
#endif
