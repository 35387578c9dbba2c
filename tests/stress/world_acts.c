// What happens in the stress world, inside of actors and outside.
#include "base/random.h"
#include "world_parts.h"
#include <grove/host.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t world_random(uint64_t *random, uint64_t below)
{
  return grove__random_below(random, below);
}

bool world_chance(uint64_t *random, uint32_t of_1000)
{
  return world_random(random, 1000) < of_1000;
}

void world_tick(_Atomic uint64_t *counter)
{
  atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); // statistic
}

// Something may be done: takes it from the budget.
bool world_spend(world *w)
{
  world_tick(&w->progress);
  return atomic_fetch_sub_explicit(&w->budget, 1, memory_order_relaxed) > 0;
}

void world_note_outcome(world *w, grove_status s)
{
  world_tick(&w->n.outcome[s <= 0 && s > -63 ? -s : 63]);
}

// ---- shared data -------------------------------------------------------------------------------------------

static void destroy_shared(void *ptr, void *user)
{
  world *w = user;
  world_tick(&w->n.shared_destroyed);
  free(ptr);
}

grove_shared world_make_shared(grove *g, world *w, uint64_t *random)
{
  grove_shared s = {NULL, 0, NULL};
  if (world_chance(random, 500)) {
    return s;
  }
  size_t n = 1 + (size_t)world_random(random, 64);
  char *bytes = calloc(1, n);
  if (grove_share(g, bytes, n, destroy_shared, w, &s)) {
    free(bytes);
    return (grove_shared){NULL, 0, NULL};
  }
  world_tick(&w->n.shared_made);
  return s;
}

// ---- the tables --------------------------------------------------------------------------------------------

static void remember(world *w, grove_ref r, uint32_t kind, uint64_t *random)
{
  pthread_mutex_lock(&w->lock);
  uint64_t i = world_random(random, WORLD_REFS);
  w->ref[i].ref = r;
  w->ref[i].kind = kind;
  pthread_mutex_unlock(&w->lock);
}

grove_ref world_pick(world *w, uint64_t *random, uint32_t *kind)
{
  grove_ref r = GROVE_NOBODY;
  pthread_mutex_lock(&w->lock);
  uint64_t from = world_random(random, WORLD_REFS);
  for (uint64_t i = 0; i < WORLD_REFS && r.where == 0; i++) {
    r = w->ref[(from + i) % WORLD_REFS].ref;
    *kind = w->ref[(from + i) % WORLD_REFS].kind;
  }
  pthread_mutex_unlock(&w->lock);
  return r;
}

bool world_park_promise(world *w, grove_promise p)
{
  pthread_mutex_lock(&w->lock);
  bool room = w->promises < WORLD_PROMISES;
  if (room) {
    w->promise[w->promises++] = p;
  }
  pthread_mutex_unlock(&w->lock);
  return room;
}

static bool unpark_promise(world *w, uint64_t *random, grove_promise *out)
{
  pthread_mutex_lock(&w->lock);
  bool any = w->promises > 0;
  if (any) {
    uint64_t i = world_random(random, w->promises);
    *out = w->promise[i];
    w->promise[i] = w->promise[--w->promises];
  }
  pthread_mutex_unlock(&w->lock);
  return any;
}

void world_answer_promise(grove *g, world *w, uint64_t *random, grove_promise p)
{
  world_answer a = {.number = 7, .data = world_make_shared(g, w, random)};
  grove_status s = world_chance(random, 200) ? GROVE_EUSER : GROVE_OK;
  if (grove_promise_answer(g, p, s, s ? NULL : &a, s ? 0 : sizeof a) || s) {
    grove_release(a.data); // too late, or not given: still ours
  }
}

unsigned world_answer_some(world *w, uint64_t *random, unsigned most)
{
  unsigned n = 0;
  grove_promise p;
  while (n < most && unpark_promise(w, random, &p)) {
    world_answer_promise(w->g, w, random, p);
    n++;
  }
  return n;
}

// ---- what can be done from anywhere ------------------------------------------------------------------------

static world_job make_job(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  return (world_job){w, grove__random_next(random), depth, world_make_shared(g, w, random)};
}

static const grove_method *pick_method(uint32_t kind, uint64_t *random)
{
  return world_kinds[kind].method[world_chance(random, 700) ? 0 : 1 + world_random(random, 2)];
}

void world_send_one(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  uint32_t kind = 0;
  grove_ref to = world_pick(w, random, &kind);
  world_job j = make_job(g, w, random, depth);
  world_note_outcome(w, grove_send(g, to, pick_method(kind, random), &j));
  grove_release(j.data);
}

grove_future world_call_one(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  uint32_t kind = 0;
  grove_ref to = world_pick(w, random, &kind);
  world_job j = make_job(g, w, random, depth);
  const grove_method *m = pick_method(kind, random);
  // Outside threads wait for room without an end unless the call has one.
  grove_future f = world_chance(random, 400)
                       ? grove_call(g, to, m, &j)
                       : grove_call_within(g, (int64_t)world_random(random, 30), to, m, &j);
  grove_release(j.data);
  return f;
}

int64_t world_pick_time(uint64_t *random)
{
  static const int64_t times[] = {0, 0, 1, 2, 5, 20};
  return times[world_random(random, 6)];
}

// Actors wait without an end, too, where a circle is found or their own end frees them; threads outside never do.
static int64_t pick_patience(grove *g, world *w, uint64_t *random)
{
  if (g == w->g || !world_chance(random, 80)) {
    return world_pick_time(random);
  }
  return w->simulated
             ? 1000
             : GROVE_FOREVER; // the one thread of a simulation may be the one that would free it
}

// Gets with a time limit, and drops what did not come.
void world_take(grove *g, world *w, grove_future f, int64_t ms)
{
  world_answer a;
  grove_error err;
  grove_status s = grove_get(g, f, ms, &a, sizeof a, &err);
  world_note_outcome(w, s);
  grove_release(a.data);
  if (s) {
    grove_drop(g, f);
  }
}

static void take_all(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  enum { MOST = 20 };
  grove_future f[MOST];
  world_answer a[MOST];
  size_t n = 1 + (size_t)world_random(random, world_chance(random, 100) ? MOST : 4);
  for (size_t i = 0; i < n; i++) {
    f[i] = world_call_one(g, w, random, depth);
  }
  memset(a, 0, sizeof a);
  grove_status s = grove_get_all(g, f, n, pick_patience(g, w, random), a, sizeof a[0], NULL);
  world_note_outcome(w, s);
  for (size_t i = 0; i < n; i++) {
    grove_release(a[i].data);
    grove_drop(g, f[i]);
  }
}

static void take_some(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  grove_future f[4];
  for (size_t i = 0; i < 4; i++) {
    f[i] = world_call_one(g, w, random, depth);
  }
  world_note_outcome(
      w, grove_wait(g, f, 4, (size_t)world_random(random, 5), world_pick_time(random)));
  for (int k = 0; k < 6; k++) {
    size_t i = 4;
    if (grove_next(g, f, 4, world_pick_time(random), &i) || i == 4) {
      break;
    }
    world_take(g, w, f[i], 0);
  }
  for (size_t i = 0; i < 4; i++) {
    grove_drop(g, f[i]);
  }
}

// An actor that ends first does not run its then-functions; an outside one runs exactly once.
static grove_status run_then(grove *g, void *user, grove_future f)
{
  world *w = user;
  world_tick(&w->progress);
  world_answer a;
  world_note_outcome(w, grove_get(g, f, 0, &a, sizeof a, NULL));
  grove_release(a.data);
  return GROVE_OK;
}

static grove_status run_then_outside(grove *g, void *user, grove_future f)
{
  world *w = user;
  world_tick(&w->n.thens_ran);
  return run_then(g, user, f);
}

static grove_status compute(grove *self, void *state, const void *arg, void *reply)
{
  const world_job *j = arg;
  world_answer *a = reply;
  uint64_t random = j->seed;
  (void)state;
  world_tick(&j->w->n.begun);
  a->data = world_make_shared(self, j->w, &random);
  if (j->depth && world_chance(&random, 300)) {
    world_take(
        self, j->w, world_call_one(self, j->w, &random, j->depth - 1), world_pick_time(&random));
  }
  return world_chance(&random, 900) ? GROVE_OK : grove_fail(self, GROVE_EUSER, "a task that fails");
}

static grove_status block(grove *g, void *state, const void *arg, void *reply)
{
  const world_job *j = arg;
  world_answer *a = reply;
  uint64_t random = j->seed;
  (void)state;
  a->data = world_make_shared(g, j->w, &random);
  return world_chance(&random, 900) ? GROVE_OK : grove_fail(g, GROVE_EUSER, "one that fails");
}

static const grove_method compute_method = {sizeof(grove_method), 0, "compute", NULL, compute,
    &grove_type_of_world_job, &grove_type_of_world_answer};
static const grove_method block_method = {sizeof(grove_method), 0, "block", NULL, block,
    &grove_type_of_world_job, &grove_type_of_world_answer};

grove_ref world_give_birth(
    grove *g, world *w, uint64_t *random, uint32_t depth, const char *name, uint32_t kind)
{
  world_birth b = {w, kind, depth, grove__random_next(random), world_make_shared(g, w, random)};
  grove_spawn_options o = {GROVE_SPAWN, .name = name, .restart = (uint32_t)world_random(random, 3),
      .flags = world_chance(random, 300) ? GROVE_SPAWN_DROP_MAILBOX : 0,
      .max_restarts = 1 + (uint32_t)world_random(random, 4), .backoff_min_ms = 1,
      .backoff_max_ms = 3, .stop_ms = 2000, .queue_ms = (uint32_t)world_random(random, 2) * 10};
  bool created = true;
  grove_ref r = name ? grove_spawn_or_find(g, world_kinds[kind].class, &b, &o, &created)
                     : grove_spawn(g, world_kinds[kind].class, &b, &o);
  grove_release(b.data);
  if (grove_ref_status(r) == GROVE_OK) {
    if (created) {
      world_tick(&w->n.spawned);
    }
    remember(w, r, kind, random);
  }
  return r;
}

static grove_ref give_name(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  static const char *const names[] = {"ada", "bob", "cyd", "dot"};
  uint32_t i = (uint32_t)world_random(random, 4);
  return world_give_birth(g, w, random, depth, names[i], i * 3); // a name has one class
}

static void run_function(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  world_job j = make_job(g, w, random, depth);
  if (world_chance(random, 500)) {
    grove_future f = grove_task(g, &compute_method, &j);
    world_take(g, w, f, world_pick_time(random));
  } else {
    world_take(g, w, grove_offload(g, &block_method, &j), world_pick_time(random));
  }
  grove_release(j.data);
}

static void end_one(grove *g, world *w, uint64_t *random)
{
  uint32_t kind;
  grove_ref who = world_pick(w, random, &kind);
  static const int64_t graces[] = {0, 0, 3, 1000};
  grove_future f = grove_exit(g, who, graces[world_random(random, 4)]);
  grove_error down;
  if (world_chance(random, 300) &&
      grove_get(g, f, world_pick_time(random), &down, sizeof down, NULL)) {
    grove_drop(g, f);
  } else {
    grove_drop(g, f);
  }
}

static void look(grove *g, world *w, uint64_t *random)
{
  uint32_t kind;
  grove_info info = {.struct_size = sizeof info}, all[8];
  size_t total;
  grove_ref who = world_pick(w, random, &kind);
  (void)!grove_inspect(g, who, &info);
  if (world_chance(random, 100)) {
    grove_snapshot_options o = {GROVE_SNAPSHOT, .ended = 1};
    o.under = world_chance(random, 500) ? who : GROVE_NOBODY;
    (void)!grove_snapshot(g, &o, all, sizeof all[0], 8, &total);
  }
}

void world_set_then(grove *g, world *w, uint64_t *random, bool outside)
{
  grove_future f = world_call_one(g, w, random, 0);
  if (grove_then(g, f, outside ? run_then_outside : run_then, w)) {
    grove_drop(g, f);
  } else if (outside) {
    world_tick(&w->n.thens_set);
  }
}

// What may be done inside of a method and outside of them. False: not this one.
bool world_act_anywhere(grove *g, world *w, uint64_t *random, uint32_t depth, uint64_t what)
{
  switch (what) {
  case 0:
  case 1: world_send_one(g, w, random, depth); return true;
  case 2:
  case 3:
    world_take(g, w, world_call_one(g, w, random, depth), pick_patience(g, w, random));
    return true;
  case 4: take_all(g, w, random, depth); return true;
  case 5: take_some(g, w, random, depth); return true;
  case 6: {
    grove_future f = world_call_one(g, w, random, depth);
    grove_cancel(g, f);
    world_take(g, w, f, pick_patience(g, w, random));
    return true;
  }
  case 7: grove_drop(g, world_call_one(g, w, random, depth)); return true;
  case 8: run_function(g, w, random, depth); return true;
  case 9: end_one(g, w, random); return true;
  case 10: {
    grove_promise p;
    if (unpark_promise(w, random, &p)) {
      world_answer_promise(g, w, random, p);
    }
    return true;
  }
  case 11: look(g, w, random); return true;
  case 12: {
    grove_ref r = world_chance(random, 300)
                      ? give_name(g, w, random, depth)
                      : world_give_birth(g, w, random, depth, NULL, world_pick_kind(random));
    grove_future f = grove_ready(g, r);
    if (grove_get(g, f, world_pick_time(random), NULL, 0, NULL)) {
      grove_drop(g, f);
    }
    return true;
  }
  case 13: {
    grove_promise p;
    grove_future f;
    if (grove_promise_create(g, &grove_type_of_world_answer, &p, &f) == GROVE_OK) {
      world_park_promise(w, p);
      world_take(g, w, f, pick_patience(g, w, random));
    }
    return true;
  }
  default: return false;
  }
}

// ---- outside -----------------------------------------------------------------------------------------------

static void watch_one(world *w, uint64_t *random)
{
  uint32_t kind;
  grove_ref who = world_pick(w, random, &kind);
  grove_future f = grove_monitor(w->g, who);
  grove_error down;
  world_tick(&w->n.monitors_set);
  if (world_chance(random, 500)) {
    grove_drop(w->g, grove_exit(w->g, who, 2));
  }
  if (grove_get(w->g, f, world_pick_time(random), &down, sizeof down, NULL) == GROVE_OK) {
    world_tick(&w->n.monitors_fired);
    if (grove_get(w->g, f, 0, &down, sizeof down, NULL) != GROVE_ESPENT) {
      fprintf(stderr, "a monitor fired twice\n");
      abort();
    }
  }
  grove_drop(w->g, f);
}

void world_act_outside(world *w, uint64_t *random)
{
  uint64_t what = world_random(random, 16);
  if (what == 14) {
    watch_one(w, random);
  } else if (what == 15) {
    world_set_then(w->g, w, random, true);
    (void)grove_dispatch(w->g, 0);
  } else {
    world_act_anywhere(w->g, w, random, 3, what);
  }
}

void world_populate(world *w, unsigned n)
{
  uint64_t random = w->seed ^ 0x9e37;
  for (unsigned i = 0; i < n; i++) {
    world_give_birth(w->g, w, &random, 3, NULL, i < WORLD_KINDS ? i : world_pick_kind(&random));
  }
}
