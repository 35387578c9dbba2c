// Scenes of siblings that are supervised together, and of maps that make their items as they go.
#include "scenes.h"

#define team_LIST(S, M) HAND_METHODS(S, M, team)
HANDS(team, .strategy = GROVE_ONE_FOR_ALL)
#define queue_LIST(S, M) HAND_METHODS(S, M, queue)
HANDS(queue, .strategy = GROVE_REST_FOR_ONE)

static const grove_spawn_options again = {GROVE_SPAWN, .restart = GROVE_TRANSIENT,
    .max_restarts = 20, .backoff_min_ms = 1, .backoff_max_ms = 2, .stop_ms = 100, .queue_ms = 2000};

static void stop_and_ask(grove *self, hand_state *st, grove_status why)
{
  scene *s = scene_role(st)->s;
  long got;
  char *mine = scene_hold(s);
  (void)why;
  (void)!grove_get(self, scene_ask(s, self, 0, scene_nap), 50, &got, sizeof got, NULL);
  scene_let(s, mine);
}

static grove_status start_and_nap(grove *self, hand_state *st, void *user, long *reply)
{
  long unused;
  (void)reply;
  return scene_nap(self, st, user, &unused);
}

// The parent's children are roles 2 to 5; one is temporary, one expendable, and role 0 is somebody else.
static grove_status job_have_children(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  (void)st;
  for (int i = 2; i < 6; i++) {
    grove_spawn_options o = again;
    o.restart = i == 3 ? GROVE_TEMPORARY : i == 5 ? GROVE_PERMANENT : GROVE_TRANSIENT;
    o.flags = i == 4 ? GROVE_SPAWN_EXPENDABLE : 0;
    o.max_restarts = i == 4 ? 1 : 20;
    scene_spawn_as(s, self, i, &hand_class, &hand_run_method, &o, start_and_nap, stop_and_ask);
  }
  *reply = 1;
  return GROVE_OK;
}

static grove_status job_fall_down(grove *self, hand_state *st, void *user, long *reply)
{
  grove_status status = scene_nap(self, st, user, reply);
  return status ? status : grove_crash(self, GROVE_EUSER, "it fell");
}

static grove_status job_leave(grove *self, hand_state *st, void *user, long *reply)
{
  grove_drop(self, grove_exit(self, grove_self(self), 20));
  return scene_nap(self, st, user, reply);
}

static void play_family(scene *s, const grove_class *c, const grove_method *run)
{
  bool careful = s->careful;
  long got;
  scene_spawn(s, s->g, 0, &hand_class, &hand_run_method, NULL);
  scene_spawn(s, s->g, 1, c, run, &again);
  (void)scene_do(s, 1, job_have_children);
  s->careful = false; // they fall, and calls with them
  for (int round = 0; round < 3 && !atomic_load(&s->over); round++) {
    grove_future f[4] = {scene_ask(s, s->g, 2 + round, job_fall_down),
        scene_ask(s, s->g, 5, scene_nap),
        scene_ask(s, s->g, 4, round == 1 ? job_fall_down : scene_nap),
        scene_ask(s, s->g, 5, job_leave)};
    for (int i = 0; i < 4; i++) {
      (void)scene_get(s, f[i], &got, sizeof got);
    }
  }
  s->careful = careful;
  (void)scene_do(s, 0, scene_nap);
}

static void play_all(scene *s)
{
  play_family(s, &team_class, &team_run_method);
}

static void play_rest(scene *s)
{
  play_family(s, &queue_class, &queue_run_method);
}

// ---- lazily made items --------------------------------------------------------------------------------------------
typedef struct lazy {
  scene *s;
  size_t most, given, taken;
} lazy;

static grove_status make_item(void *user, size_t index, void *arg)
{
  lazy *l = user;
  if (index >= l->most) {
    return GROVE_ENOENT;
  }
  l->given++;
  *(hand_job *)arg = (hand_job){scene_nap, l->s};
  return GROVE_OK;
}

static grove_status take_result(
    void *user, size_t index, grove_status status, const void *reply, const grove_error *err)
{
  lazy *l = user;
  (void)reply, (void)err;
  scene_expect(l->s, index < l->given, "a result is of an item that was given");
  l->taken++;
  return status == GROVE_ETIMEDOUT ? GROVE_EINTERNAL : GROVE_OK;
}

static grove_status map_lazily(scene *s, grove *g, uint32_t flags)
{
  lazy l = {.s = s, .most = 8};
  hand_plan plan = scene_plan(s, 9);
  grove_pool *p = grove_pool_spawn(g, &hand_class, &plan,
      &(grove_pool_options){
          GROVE_POOL, .members = 2, .window = 3, .member = &again, .destroy_ms = 1000});
  grove_status status = grove_pool_map_lazy(g, p,
      &(grove_lazy_map){GROVE_LAZY_MAP, .flags = flags, .method = &hand_run_method,
          .item = make_item, .result = take_result, .user = &l});
  scene_expect(s, status || l.taken == l.most, "each item has its result");
  grove_pool_destroy(p);
  return status;
}

static grove_status job_map(grove *self, hand_state *st, void *user, long *reply)
{
  (void)st;
  *reply = 1;
  return map_lazily(user, self, GROVE_LAZY_ORDERED);
}

static void play_lazy(scene *s)
{
  long got;
  scene_spawn(s, s->g, 0, &hand_class, &hand_run_method, NULL);
  grove_future inside = scene_ask(s, s->g, 0, job_map);
  grove_status status = map_lazily(s, s->g, 0);
  scene_expect(s, !s->careful || !status, "a map whose items are made as it goes goes through");
  (void)scene_get(s, inside, &got, sizeof got);
}

// ---- memory of an actor's own ---------------------------------------------------------------------------------------
static grove_status job_take_memory(grove *self, hand_state *st, void *user, long *reply)
{
  const grove_allocator *a = grove_actor_allocator(self);
  grove_status status = GROVE_OK;
  for (long i = 0; i < 10 && !status; i++) {
    void *p = a->realloc_fn(a->user, NULL, 0, 300);
    if (!p) {
      return GROVE_ENOMEM;
    }
    status = i == 5 ? scene_nap(self, st, user, reply) : GROVE_OK;
    (void)a->realloc_fn(a->user, p, 300, 0);
  }
  *reply = 1;
  return status;
}

static void play_memory(scene *s)
{
  grove_spawn_options o = {GROVE_SPAWN, .memory_bytes = 20000};
  scene_spawn(s, s->g, 0, &hand_class, &hand_run_method, &o);
  (void)scene_do(s, 0, job_take_memory);
  (void)scene_do(s, 0, job_take_memory);
}

const scene_kind scenes_groups[] = {{"all", play_all, SCENE_BOTH}, {"rest", play_rest, SCENE_BOTH},
    {"lazy", play_lazy, SCENE_BOTH}, {"memory", play_memory, SCENE_BOTH}, {NULL, NULL, 0}};
