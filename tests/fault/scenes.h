// Scenes: short stories that between them use all of the runtime. The sweeps (sweep.h) play each again and again and
// interfere: with each allocation, each thread that is made, each turn, each wait.
//
// A scene takes any failure of anything; what it may not do is hang, leak, or get what was never sent.
#ifndef GROVE_TESTS_SCENES_H
#define GROVE_TESTS_SCENES_H
#if !defined(SCENES_OWN_FILE)
#define ACTORS_OF_ANOTHER_FILE
#endif
#include "actors.h"

enum { SCENE_ROLES = 12 };
typedef struct scene scene;
/// Who an actor of a scene is: what its plan's `user` points to.
typedef struct role {
  scene *s;
  int i;
} role;
struct scene {
  grove *g;
  bool threads; ///< real ones; else a simulation
  bool careful; ///< nobody interferes: what is asked for must come
  role role[SCENE_ROLES];
  grove_ref who[SCENE_ROLES];
  const grove_method *run[SCENE_ROLES]; ///< its `run`
  atomic_int counter[4];                ///< a scene's own
  atomic_bool over;  ///< nothing may be asked of the runtime any more: it is about to be stopped
  atomic_long held;  ///< blocks of memory that frames and states hold
  atomic_long lives; ///< starts that were tried, less destroys
  atomic_int hung;   ///< waits that did not end in time
  atomic_int failed; ///< of what must not have failed
  char what[300];    ///< the first of those
};
typedef struct scene_kind {
  const char *name;
  void (*play)(scene *s);
  unsigned kinds; ///< SCENE_*
} scene_kind;
enum { SCENE_SIM = 1, SCENE_THREADS = 2, SCENE_BOTH = 3, SCENE_LONG = 4 };
extern const scene_kind scenes_core[], scenes_more[], scenes_groups[]; ///< the last one has no name

// ---- for those that write scenes: scene.c -----------------------------------------------------------------------
/// Memory that must go back.
char *scene_hold(scene *s);
void scene_let(scene *s, char *p);
/// Spawns role i with a plan: start, stop and destroy keep the scene's books. The class is one of hands.
void scene_spawn(scene *s, grove *g, int i, const grove_class *c, const grove_method *run,
    const grove_spawn_options *o);
/// The same with another start or stop, which run with the books kept.
void scene_spawn_as(scene *s, grove *g, int i, const grove_class *c, const grove_method *run,
    const grove_spawn_options *o, hand_fn *start,
    void (*stop)(grove *self, hand_state *st, grove_status why));
/// The plan that scene_spawn gives role i: for who spawns by other means, or many of one role.
hand_plan scene_plan(scene *s, int i);
grove_future scene_ask(scene *s, grove *g, int i, hand_fn *job);
/// Outside: waits for the future and takes it. All of a scene's futures end by themselves within 20 s.
grove_status scene_get(scene *s, grove_future f, void *reply, size_t bytes);
/// Asks and gets outside.
grove_status scene_do(scene *s, int i, hand_fn *job);
/// Outside: says whether to go on, after a breath in which others run.
bool scene_breathe(scene *s);
/// What came is what was sent; said and counted if not.
void scene_expect(scene *s, bool good, const char *what);
/// A plan's job that sleeps a little with memory in hand, then gives the role's number.
grove_status scene_nap(grove *self, hand_state *st, void *user, long *reply);
static inline role *scene_role(hand_state *st)
{
  return st->plan.user;
}
#endif
