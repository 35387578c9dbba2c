// Scenes of what stands on actors: functions, names, shared data, pools, training, prediction, a host's loop.
#include "scenes.h"
#include <grove/host.h>
#include <grove/predict.h>
#include <grove/train.h>
#include <grove/uv.h>

// ---- functions: tasks, offloaded ones, loops in parallel -----------------------------------------------------------
typedef struct order {
  scene *s;
  long number;
} order;
GROVE_TYPE(order)

GROVE_FUNCTION(fetch, order, long)
static grove_status fetch(grove *g, const order *o, long *reply)
{
  char *mine = scene_hold(o->s);
  long got = 0;
  // It may wait; what it asks for may have ended.
  grove_status status =
      grove_get(g, scene_ask(o->s, g, 0, scene_nap), 5000, &got, sizeof got, NULL);
  *reply = o->number + got;
  scene_let(o->s, mine);
  return status;
}

GROVE_FUNCTION(stroll, order, long)
static grove_status stroll(grove *self, const order *o, long *reply)
{
  char *mine = scene_hold(o->s);
  grove_status status = grove_sleep(self, 1);
  status = status ? status : fetch_get(self, fetch_offload(self, *o), GROVE_FOREVER, reply, NULL);
  scene_let(o->s, mine);
  return status;
}

static void add_one(void *user, size_t i)
{
  (void)i;
  atomic_fetch_add((atomic_int *)user, 1);
}

static grove_status job_loop(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  grove_work work;
  atomic_int sum = 0;
  long got = 0;
  (void)st;
  grove_work_init(self, &work);
  work.parallel_for(work.user, 20, add_one, &sum);
  scene_expect(s, atomic_load(&sum) == 20, "each chunk has run once");
  grove_future f[2] = {
      fetch_offload(self, (order){s, 1}).future, stroll_task(self, (order){s, 2}).future};
  grove_status a = grove_get(self, f[0], 5000, &got, sizeof got, NULL);
  grove_status b = grove_get(self, f[1], GROVE_FOREVER, reply, sizeof *reply, NULL);
  return a ? a : b;
}

static void play_functions(scene *s)
{
  long got = 0;
  for (int i = 0; i < 2; i++) {
    scene_spawn(s, s->g, i, &hand_class, &hand_run_method, NULL);
  }
  grove_future f[4];
  for (int i = 0; i < 4; i++) {
    f[i] =
        i & 1 ? stroll_task(s->g, (order){s, i}).future : fetch_offload(s->g, (order){s, i}).future;
  }
  (void)scene_do(s, 1, job_loop);
  for (int i = 0; i < 4; i++) {
    if (!scene_get(s, f[i], &got, sizeof got)) {
      scene_expect(s, got == i, "a function gives what it computes");
    }
  }
}

// ---- names ------------------------------------------------------------------------------------------------------
static grove_ref find_or_spawn(scene *s, grove *g, int i)
{
  static const char *const names[] = {"ann", "ben"};
  hand_plan plan = scene_plan(s, 8); // always the same words: whoever spawns it
  return grove_spawn_or_find(
      g, &hand_class, &plan, &(grove_spawn_options){GROVE_SPAWN, .name = names[i & 1]}, NULL);
}

static grove_status job_name(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  long got = 0;
  grove_ref r = find_or_spawn(s, self, scene_role(st)->i);
  grove_status status = grove_ref_status(r);
  if (!status) {
    grove_future f = grove_call(self, r, &hand_run_method, &(hand_job){scene_nap, s});
    status = grove_get(self, f, 5000, &got, sizeof got, NULL);
  }
  grove_drop(self, grove_exit(self, grove_find(self, "ann"), 5));
  *reply = got;
  return status;
}

static void play_names(scene *s)
{
  bool careful = s->careful;
  long got;
  grove_future f[6];
  for (int i = 0; i < 3; i++) {
    scene_spawn(s, s->g, i, &hand_class, &hand_run_method, NULL);
  }
  s->careful = false; // a found one may end before it is asked
  for (int i = 0; i < 6; i++) {
    f[i] = scene_ask(s, s->g, i % 3, job_name);
  }
  if (!atomic_load(&s->over)) {
    (void)find_or_spawn(s, s->g, 1);
  }
  for (int i = 0; i < 6; i++) {
    (void)scene_get(s, f[i], &got, sizeof got);
  }
  s->careful = careful;
}

// ---- shared data in arguments, replies, starts --------------------------------------------------------------------
struct courier {
  scene *s;
  grove_shared kept;
};
typedef struct parcel {
  scene *s;
  grove_shared data;
} parcel;
GROVE_TYPE_HOLDING(parcel, data)
#define COURIER(START, METHOD)                                                                     \
  START(courier, parcel)                                                                           \
  METHOD(courier, carry, parcel, grove_string)                                                     \
  METHOD(courier, pass, parcel, grove_string)
static void leave_courier(void *state);
GROVE_ACTOR_WITH(COURIER, courier, .destroy = leave_courier)

static grove_status courier_start(grove *self, struct courier *c, const parcel *p)
{
  (void)self;
  atomic_fetch_add(&p->s->lives, 1);
  c->s = p->s;
  c->kept = grove_retain(p->data);
  return GROVE_OK;
}

static void leave_courier(void *state)
{
  struct courier *c = state;
  grove_release(c->kept);
  atomic_fetch_sub(&c->s->lives, 1);
}

static grove_status courier_carry(
    grove *self, struct courier *c, const parcel *p, grove_string *reply)
{
  (void)c;
  grove_status status = grove_sleep(self, 1);
  return status ? status : grove_share_string(self, (const char *)p->data.ptr, reply);
}

static grove_status courier_pass(
    grove *self, struct courier *c, const parcel *p, grove_string *reply)
{
  parcel own = {c->s, c->kept};
  (void)p;
  courier_ref other = courier_spawn(self, own, NULL);
  return courier_carry_ask(self, other, own, 5000, reply, NULL);
}

static void play_shared(scene *s)
{
  parcel p = {s, {NULL, 0, NULL}};
  if (grove_share_copy(s->g, "a letter", 9, &p.data)) {
    return;
  }
  courier_ref a = courier_spawn(s->g, p, NULL);
  grove_future f[3] = {courier_carry_call(s->g, a, p).future, courier_pass_call(s->g, a, p).future,
      courier_carry_call(s->g, a, (parcel){s, grove_borrow("a letter", 9)}).future};
  grove_drop(s->g, courier_carry_call(s->g, a, p).future); // its reply goes nowhere
  grove_release(p.data);
  for (int i = 0; i < 3; i++) {
    grove_string got = {{NULL, 0, NULL}};
    if (!scene_get(s, f[i], &got, sizeof got)) {
      scene_expect(s, strcmp(grove_text(got), "a letter") == 0, "what is sent arrives");
      grove_release(got.shared);
    }
  }
}

// ---- pools ------------------------------------------------------------------------------------------------------
static grove_status job_dive(grove *self, hand_state *st, void *user, long *reply)
{
  scene *s = user;
  grove_status status = scene_nap(self, st, user, reply);
  if (!status && atomic_fetch_add(&s->counter[0], 1) % 5 == 2) {
    return grove_crash(self, GROVE_EUSER, "a member falls");
  }
  *reply = 1;
  return status;
}

static grove_pool *make_pool(scene *s, grove *g)
{
  hand_plan plan = scene_plan(s, 9);
  static const grove_spawn_options member = {GROVE_SPAWN, .restart = GROVE_TRANSIENT,
      .max_restarts = 50, .backoff_min_ms = 1, .backoff_max_ms = 2};
  return grove_pool_spawn(g, &hand_class, &plan,
      &(grove_pool_options){GROVE_POOL, .members = 2, .attempts = 5, .window = 3, .member = &member,
          .destroy_ms = 1000});
}

// The pool's calls wait by themselves; a wait that runs out is a hang.
static void note_wait(scene *s, grove_status status)
{
  if (status == GROVE_ETIMEDOUT || (status == GROVE_EDEADLK && !s->threads)) {
    atomic_fetch_add(&s->hung, 1);
    snprintf(s->what, sizeof s->what, "an item of a pool does not end");
  }
}

static grove_status use_pool(scene *s, grove *g, int items)
{
  grove_status worst = GROVE_OK;
  grove_pool *p = make_pool(s, g);
  hand_job job = {job_dive, s}, jobs[4] = {job, job, job, job};
  long got[4];
  for (int i = 0; i < items && !worst; i++) {
    worst = grove_pool_submit(g, p, &hand_run_method, &job, (uint64_t)i);
  }
  while (!worst && grove_pool_has_next(p)) {
    uint64_t tag;
    grove_status status =
        items & 1 ? grove_pool_get_next(g, p, 20000, &tag, got, sizeof *got, NULL)
                  : grove_pool_get_next_unordered(g, p, 20000, &tag, got, sizeof *got, NULL);
    note_wait(s, status);
    worst = status;
  }
  if (!worst) {
    worst = grove_pool_resize(p, 3);
  }
  if (!worst) {
    grove_map m = {.method = &hand_run_method, .args = jobs, .n = 4, .replies = got};
    worst = grove_pool_map(g, p, &m, NULL);
  }
  grove_pool_destroy(p);
  return worst;
}

static grove_status job_own_pool(grove *self, hand_state *st, void *user, long *reply)
{
  (void)st;
  *reply = 1;
  return use_pool(user, self, 4);
}

static void play_pool(scene *s)
{
  scene_spawn(s, s->g, 0, &hand_class, &hand_run_method, NULL);
  grove_future inside = scene_ask(s, s->g, 0, job_own_pool);
  grove_status status = use_pool(s, s->g, 5);
  long got;
  scene_expect(s, !s->careful || !status, "a pool whose members fall does its work");
  (void)scene_get(s, inside, &got, sizeof got);
}

// ---- training and prediction ---------------------------------------------------------------------------------------
static const char rows[] =
    "a,b,y\n1,2,3\n2,1,3\n3,5,8\n4,1,5\n5,2,7\n6,3,9\n7,1,8\n8,0,8\n9,4,13\n10,1,11\n";

static void play_training(scene *s)
{
  static const char *const models[] = {"linear", "decision_tree", NULL};
  grove_table *t = NULL;
  grove_trained_list list;
  memset(&list, 0, sizeof list);
  if (grove_csv_parse(rows, sizeof rows - 1, NULL, &t, NULL)) {
    return;
  }
  grove_trainer_options o = {GROVE_TRAINER, .models = models, .seed = 1};
  grove_trainer_ref trainer = grove_trainer_spawn(s->g, t, &o);
  s->who[0] = trainer.ref;
  grove_table_release(t);
  grove_trainer_work_future work = grove_trainer_work_call(s->g, trainer, GROVE_NONE);
  if (!scene_get(s, work.future, &list, sizeof list)) {
    scene_expect(s, grove_trained_list_count(list) == 2, "each model has its row");
    grove_release(list.shared);
  }
}

static char shard[64];
static void remove_shard(void)
{
  (void)unlink(shard);
  *strrchr(shard, '/') = '\0';
  (void)rmdir(shard);
}

static bool write_shard(void)
{
  if (!shard[0]) {
    strcpy(shard, "/tmp/grove_scene_XXXXXX");
    if (!mkdtemp(shard)) {
      return false;
    }
    strcat(shard, "/a.csv");
    atexit(remove_shard);
    FILE *f = fopen(shard, "wb");
    if (!f || fputs(rows, f) < 0 || fclose(f)) {
      return false;
    }
  }
  return true;
}

static void play_prediction(scene *s)
{
  if (!write_shard()) {
    scene_expect(s, false, "no folder for a shard");
    return;
  }
  grove_pool *p = grove_predictor_spawn(s->g, grove_borrow(NULL, 0),
      &(grove_predictor_options){GROVE_PREDICTOR, .rule = "a > 5",
          .pool = &(grove_pool_options){GROVE_POOL, .members = 2, .destroy_ms = 1000}});
  grove_status status = GROVE_OK;
  s->who[0] = grove_pool_ref(p);
  for (uint64_t i = 0; i < 3 && !status; i++) {
    status = grove_predictor_predict_submit(s->g, p, grove_string_of(shard), i);
  }
  while (!status && grove_pool_has_next(p)) {
    uint64_t tag;
    grove_shard_score score;
    status = grove_predictor_predict_get_next_unordered(s->g, p, 20000, &tag, &score, NULL);
    note_wait(s, status);
    scene_expect(s, status || (score.rows == 10 && score.score == 5), "a shard's score is its own");
  }
  scene_expect(s, !s->careful || !status, "three shards are scored");
  grove_pool_destroy(p);
}

// ---- a host with a loop --------------------------------------------------------------------------------------------
static grove_status on_loop(grove *g, void *user, grove_future f)
{
  scene *s = user;
  long got;
  atomic_fetch_add(&s->counter[0], 1);
  return grove_get(g, f, 0, &got, sizeof got, NULL);
}

static void play_loop(scene *s)
{
  uv_loop_t loop;
  int set = 0;
  if (uv_loop_init(&loop)) {
    return;
  }
  scene_spawn(s, s->g, 0, &hand_class, &hand_run_method, NULL);
  grove_status status = grove_uv_attach(s->g, &loop);
  for (int i = 0; i < 3 && !status; i++) {
    grove_future f = scene_ask(s, s->g, 0, scene_nap);
    if (grove_then(s->g, f, on_loop, s)) {
      grove_drop(s->g, f);
    } else {
      set++;
    }
  }
  for (int tries = 0; atomic_load(&s->counter[0]) < set && tries < 20000; tries++) {
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    if (!scene_breathe(s)) {
      break;
    }
  }
  scene_expect(s, atomic_load(&s->over) || atomic_load(&s->counter[0]) == set,
      "the loop runs each then-function");
  grove_uv_detach(s->g);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  scene_expect(s, uv_loop_close(&loop) == 0, "the loop is let go");
}

const scene_kind scenes_more[] = {{"functions", play_functions, SCENE_BOTH},
    {"names", play_names, SCENE_BOTH}, {"shared", play_shared, SCENE_BOTH},
    {"pool", play_pool, SCENE_BOTH}, {"training", play_training, SCENE_BOTH},
    {"prediction", play_prediction, SCENE_BOTH}, {"loop", play_loop, SCENE_THREADS},
    {NULL, NULL, 0}};
