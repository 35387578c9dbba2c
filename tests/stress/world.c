#include "world.h"
#include "base/random.h"
#include <grove/host.h>
#include <grove/typed.h>
#include <stdio.h>
#include <stdlib.h>

// ---- memory ------------------------------------------------------------------------------------------------

enum { HEADER = 16 };

static void count_bytes(world_memory *m, int64_t bytes, int64_t blocks)
{
  atomic_fetch_add_explicit(&m->live_bytes, bytes, memory_order_relaxed); // statistics
  atomic_fetch_add_explicit(&m->live_blocks, blocks, memory_order_relaxed);
}

static bool is_to_fail(world_memory *m)
{
  uint64_t n = atomic_fetch_add_explicit(&m->allocations, 1, memory_order_relaxed) + 1;
  uint64_t at = atomic_load_explicit(&m->fail_at, memory_order_relaxed);
  return at && (m->fails_on ? n >= at : n == at);
}

void *world_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  world_memory *m = user;
  char *block = p ? (char *)p - HEADER : NULL;
  size_t was = 0;
  if (block) {
    memcpy(&was, block, sizeof was);
  }
  if (was != old_bytes) {
    fprintf(stderr, "a block of %zu bytes comes back as one of %zu\n", was, old_bytes);
    abort();
  }
  if (new_bytes == 0) {
    count_bytes(m, -(int64_t)old_bytes, -(block != NULL));
    free(block);
    return NULL;
  }
  if (new_bytes > old_bytes && is_to_fail(m)) {
    return NULL;
  }
  char *q = realloc(block, new_bytes + HEADER);
  if (!q) {
    return NULL;
  }
  count_bytes(m, (int64_t)new_bytes - (int64_t)old_bytes, block == NULL);
  memcpy(q, &new_bytes, sizeof new_bytes);
  return q + HEADER;
}

// ---- types -------------------------------------------------------------------------------------------------

typedef struct job {
  world *w;
  uint64_t seed;
  uint32_t depth;
  grove_shared data;
} job;
typedef struct answer {
  uint64_t number;
  grove_shared data;
  char filler[48]; // so that some replies live outside of their future's slot
} answer;
typedef struct birth {
  world *w;
  uint32_t kind, depth;
  uint64_t seed;
  grove_shared data;
} birth;
GROVE_TYPE_HOLDING(job, data)
GROVE_TYPE_HOLDING(answer, data)
GROVE_TYPE_HOLDING(birth, data)

struct being {
  world *w;
  uint32_t kind, depth;
  grove_future kept[3];
  char *heap;
};

uint64_t world_random(uint64_t *random, uint64_t below)
{
  return grove__random_below(random, below);
}

static bool chance(uint64_t *random, uint32_t of_1000)
{
  return world_random(random, 1000) < of_1000;
}

static void tick(_Atomic uint64_t *counter)
{
  atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); // statistic
}

// Something may be done: takes it from the budget.
static bool spend(world *w)
{
  tick(&w->progress);
  return atomic_fetch_sub_explicit(&w->budget, 1, memory_order_relaxed) > 0;
}

static void note_outcome(world *w, grove_status s)
{
  tick(&w->n.outcome[s <= 0 && s > -63 ? -s : 63]);
}

// ---- shared data -------------------------------------------------------------------------------------------

static void destroy_shared(void *ptr, void *user)
{
  world *w = user;
  tick(&w->n.shared_destroyed);
  free(ptr);
}

static grove_shared make_shared(grove *g, world *w, uint64_t *random)
{
  grove_shared s = {NULL, 0, NULL};
  if (chance(random, 500)) {
    return s;
  }
  size_t n = 1 + (size_t)world_random(random, 64);
  char *bytes = calloc(1, n);
  if (grove_share(g, bytes, n, destroy_shared, w, &s)) {
    free(bytes);
    return (grove_shared){NULL, 0, NULL};
  }
  tick(&w->n.shared_made);
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

static grove_ref pick(world *w, uint64_t *random, uint32_t *kind)
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

static bool park_promise(world *w, grove_promise p)
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

static void answer_promise(grove *g, world *w, uint64_t *random, grove_promise p)
{
  answer a = {.number = 7, .data = make_shared(g, w, random)};
  grove_status s = chance(random, 200) ? GROVE_EUSER : GROVE_OK;
  if (grove_promise_answer(g, p, s, s ? NULL : &a, s ? 0 : sizeof a) || s) {
    grove_release(a.data); // too late, or not given: still ours
  }
}

unsigned world_answer_some(world *w, uint64_t *random, unsigned most)
{
  unsigned n = 0;
  grove_promise p;
  while (n < most && unpark_promise(w, random, &p)) {
    answer_promise(w->g, w, random, p);
    n++;
  }
  return n;
}

// ---- classes -----------------------------------------------------------------------------------------------

static grove_status being_start(grove *self, void *state, const void *arg, void *reply);
static void being_stop(grove *self, void *state, grove_status why);
static void being_destroy(void *state);
static grove_status being_work(grove *self, void *state, const void *arg, void *reply);
static grove_status being_tick(grove *self, void *state, const void *arg, void *reply);

#define KIND(NAME, ...)                                                                            \
  static const grove_class NAME;                                                                   \
  static const grove_method NAME##_work = {sizeof(grove_method), 0, "work", &NAME, being_work,     \
      &grove_type_of_job, &grove_type_of_answer};                                                  \
  static const grove_method NAME##_urgent = {sizeof(grove_method), GROVE_METHOD_HIGH, "urgent",    \
      &NAME, being_work, &grove_type_of_job, &grove_type_of_answer};                               \
  static const grove_method NAME##_finish = {sizeof(grove_method), GROVE_METHOD_FINISH, "finish",  \
      &NAME, being_work, &grove_type_of_job, &grove_type_of_answer};                               \
  static const grove_method NAME##_tick = {sizeof(grove_method), 0, "tick", &NAME, being_tick,     \
      &grove_type_of_job, &grove_type_of_grove_none};                                              \
  static const grove_method *const NAME##_methods[] = {                                            \
      &NAME##_work, &NAME##_urgent, &NAME##_finish, &NAME##_tick, NULL};                           \
  static const grove_class NAME = {.struct_size = sizeof(grove_class),                             \
      .state_bytes = sizeof(struct being),                                                         \
      .name = #NAME,                                                                               \
      .start_arg = &grove_type_of_birth,                                                           \
      .methods = NAME##_methods,                                                                   \
      .start = being_start,                                                                        \
      .stop = being_stop,                                                                          \
      .destroy = being_destroy,                                                                    \
      __VA_ARGS__};

KIND(plain, .mailbox = 0)
KIND(migrant, .migratable = 1)
KIND(several, .concurrency = 3)
KIND(several_migrants, .concurrency = 3, .migratable = 1)
KIND(small_fail, .mailbox = 3, .full = GROVE_FULL_FAIL)
KIND(small_wait, .mailbox = 3, .full = GROVE_FULL_WAIT)
KIND(small_bytes, .mailbox_bytes = 400, .full = GROVE_FULL_WAIT)
KIND(small_new, .mailbox = 3, .full = GROVE_FULL_DROP_NEW)
KIND(small_old, .mailbox = 3, .full = GROVE_FULL_DROP_OLD)
KIND(large_stack, .stack_bytes = 512 * 1024)
KIND(blocker, .blocking = 1)
KIND(loner, .own_thread = 1)

#define METHODS(NAME)                                                                              \
  {                                                                                                \
    &NAME, {&NAME##_work, &NAME##_urgent, &NAME##_finish}, &NAME##_tick                            \
  }
static const struct kind {
  const grove_class *class;
  const grove_method *method[3];
  const grove_method *tick;
} kinds[] = {METHODS(plain), METHODS(migrant), METHODS(several), METHODS(several_migrants),
    METHODS(small_fail), METHODS(small_wait), METHODS(small_bytes), METHODS(small_new),
    METHODS(small_old), METHODS(large_stack), METHODS(blocker), METHODS(loner)};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

// A random kind; threads of their own are dear.
static uint32_t pick_kind(uint64_t *random)
{
  uint32_t k = (uint32_t)world_random(random, KINDS);
  return k == KINDS - 1 && chance(random, 700) ? 0 : k;
}

// ---- what can be done from anywhere ------------------------------------------------------------------------

static job make_job(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  return (job){w, grove__random_next(random), depth, make_shared(g, w, random)};
}

static const grove_method *pick_method(uint32_t kind, uint64_t *random)
{
  return kinds[kind].method[chance(random, 700) ? 0 : 1 + world_random(random, 2)];
}

static void send_one(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  uint32_t kind = 0;
  grove_ref to = pick(w, random, &kind);
  job j = make_job(g, w, random, depth);
  note_outcome(w, grove_send(g, to, pick_method(kind, random), &j));
  grove_release(j.data);
}

static grove_future call_one(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  uint32_t kind = 0;
  grove_ref to = pick(w, random, &kind);
  job j = make_job(g, w, random, depth);
  const grove_method *m = pick_method(kind, random);
  // Outside threads wait for room without an end unless the call has one.
  grove_future f = chance(random, 400)
                       ? grove_call(g, to, m, &j)
                       : grove_call_within(g, (int64_t)world_random(random, 30), to, m, &j);
  grove_release(j.data);
  return f;
}

static int64_t pick_time(uint64_t *random)
{
  static const int64_t times[] = {0, 0, 1, 2, 5, 20};
  return times[world_random(random, 6)];
}

// Gets with a time limit, and drops what did not come.
static void take(grove *g, world *w, grove_future f, int64_t ms)
{
  answer a;
  grove_error err;
  grove_status s = grove_get(g, f, ms, &a, sizeof a, &err);
  note_outcome(w, s);
  grove_release(a.data);
  if (s) {
    grove_drop(g, f);
  }
}

static void take_all(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  enum { MOST = 20 };
  grove_future f[MOST];
  answer a[MOST];
  size_t n = 1 + (size_t)world_random(random, chance(random, 100) ? MOST : 4);
  for (size_t i = 0; i < n; i++) {
    f[i] = call_one(g, w, random, depth);
  }
  memset(a, 0, sizeof a);
  grove_status s = grove_get_all(g, f, n, pick_time(random), a, sizeof a[0], NULL);
  note_outcome(w, s);
  for (size_t i = 0; i < n; i++) {
    grove_release(a[i].data);
    grove_drop(g, f[i]);
  }
}

static void take_some(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  grove_future f[4];
  for (size_t i = 0; i < 4; i++) {
    f[i] = call_one(g, w, random, depth);
  }
  note_outcome(w, grove_wait(g, f, 4, (size_t)world_random(random, 5), pick_time(random)));
  for (int k = 0; k < 6; k++) {
    size_t i = 4;
    if (grove_next(g, f, 4, pick_time(random), &i) || i == 4) {
      break;
    }
    take(g, w, f[i], 0);
  }
  for (size_t i = 0; i < 4; i++) {
    grove_drop(g, f[i]);
  }
}

// An actor that ends first does not run its then-functions; an outside one runs exactly once.
static grove_status run_then(grove *g, void *user, grove_future f)
{
  world *w = user;
  tick(&w->progress);
  answer a;
  note_outcome(w, grove_get(g, f, 0, &a, sizeof a, NULL));
  grove_release(a.data);
  return GROVE_OK;
}

static grove_status run_then_outside(grove *g, void *user, grove_future f)
{
  world *w = user;
  tick(&w->n.thens_ran);
  return run_then(g, user, f);
}

static grove_status compute(grove *self, void *state, const void *arg, void *reply)
{
  const job *j = arg;
  answer *a = reply;
  uint64_t random = j->seed;
  (void)state;
  tick(&j->w->n.begun);
  a->data = make_shared(self, j->w, &random);
  if (j->depth && chance(&random, 300)) {
    take(self, j->w, call_one(self, j->w, &random, j->depth - 1), pick_time(&random));
  }
  return chance(&random, 900) ? GROVE_OK : grove_fail(self, GROVE_EUSER, "a task that fails");
}

static grove_status block(grove *g, void *state, const void *arg, void *reply)
{
  const job *j = arg;
  answer *a = reply;
  uint64_t random = j->seed;
  (void)state;
  a->data = make_shared(g, j->w, &random);
  return chance(&random, 900) ? GROVE_OK : grove_fail(g, GROVE_EUSER, "one that fails");
}

static const grove_method compute_method = {
    sizeof(grove_method), 0, "compute", NULL, compute, &grove_type_of_job, &grove_type_of_answer};
static const grove_method block_method = {
    sizeof(grove_method), 0, "block", NULL, block, &grove_type_of_job, &grove_type_of_answer};

static grove_ref give_birth(
    grove *g, world *w, uint64_t *random, uint32_t depth, const char *name, uint32_t kind)
{
  birth b = {w, kind, depth, grove__random_next(random), make_shared(g, w, random)};
  grove_spawn_options o = {GROVE_SPAWN, .name = name, .restart = (uint32_t)world_random(random, 3),
      .flags = chance(random, 300) ? GROVE_SPAWN_DROP_MAILBOX : 0,
      .max_restarts = 1 + (uint32_t)world_random(random, 4), .backoff_min_ms = 1,
      .backoff_max_ms = 3, .stop_ms = 2000, .queue_ms = (uint32_t)world_random(random, 2) * 10};
  bool created = true;
  grove_ref r = name ? grove_spawn_or_find(g, kinds[kind].class, &b, &o, &created)
                     : grove_spawn(g, kinds[kind].class, &b, &o);
  grove_release(b.data);
  if (grove_ref_status(r) == GROVE_OK) {
    if (created) {
      tick(&w->n.spawned);
    }
    remember(w, r, kind, random);
  }
  return r;
}

static grove_ref give_name(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  static const char *const names[] = {"ada", "bob", "cyd", "dot"};
  uint32_t i = (uint32_t)world_random(random, 4);
  return give_birth(g, w, random, depth, names[i], i * 3); // a name has one class
}

static void run_function(grove *g, world *w, uint64_t *random, uint32_t depth)
{
  job j = make_job(g, w, random, depth);
  if (chance(random, 500)) {
    grove_future f = grove_task(g, &compute_method, &j);
    take(g, w, f, pick_time(random));
  } else {
    take(g, w, grove_offload(g, &block_method, &j), pick_time(random));
  }
  grove_release(j.data);
}

static void end_one(grove *g, world *w, uint64_t *random)
{
  uint32_t kind;
  grove_ref who = pick(w, random, &kind);
  static const int64_t graces[] = {0, 0, 3, 1000};
  grove_future f = grove_exit(g, who, graces[world_random(random, 4)]);
  grove_error down;
  if (chance(random, 300) && grove_get(g, f, pick_time(random), &down, sizeof down, NULL)) {
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
  grove_ref who = pick(w, random, &kind);
  (void)!grove_inspect(g, who, &info);
  if (chance(random, 100)) {
    grove_snapshot_options o = {GROVE_SNAPSHOT, .ended = 1};
    o.under = chance(random, 500) ? who : GROVE_NOBODY;
    (void)!grove_snapshot(g, &o, all, sizeof all[0], 8, &total);
  }
}

// What may be done inside of a method and outside of them. False: not this one.
static bool act_anywhere(grove *g, world *w, uint64_t *random, uint32_t depth, uint64_t what)
{
  switch (what) {
  case 0:
  case 1: send_one(g, w, random, depth); return true;
  case 2:
  case 3: take(g, w, call_one(g, w, random, depth), pick_time(random)); return true;
  case 4: take_all(g, w, random, depth); return true;
  case 5: take_some(g, w, random, depth); return true;
  case 6: {
    grove_future f = call_one(g, w, random, depth);
    grove_cancel(g, f);
    take(g, w, f, pick_time(random));
    return true;
  }
  case 7: grove_drop(g, call_one(g, w, random, depth)); return true;
  case 8: run_function(g, w, random, depth); return true;
  case 9: end_one(g, w, random); return true;
  case 10: {
    grove_promise p;
    if (unpark_promise(w, random, &p)) {
      answer_promise(g, w, random, p);
    }
    return true;
  }
  case 11: look(g, w, random); return true;
  case 12: {
    grove_ref r = chance(random, 300) ? give_name(g, w, random, depth)
                                      : give_birth(g, w, random, depth, NULL, pick_kind(random));
    grove_future f = grove_ready(g, r);
    if (grove_get(g, f, pick_time(random), NULL, 0, NULL)) {
      grove_drop(g, f);
    }
    return true;
  }
  case 13: {
    grove_promise p;
    grove_future f;
    if (grove_promise_create(g, &grove_type_of_answer, &p, &f) == GROVE_OK) {
      park_promise(w, p);
      take(g, w, f, pick_time(random));
    }
    return true;
  }
  default: return false;
  }
}

// ---- inside ------------------------------------------------------------------------------------------------

static void add_one(void *user, size_t i)
{
  _Atomic uint64_t *sum = user;
  atomic_fetch_add_explicit(sum, i, memory_order_relaxed); // a sum
}

static void loop_in_parallel(grove *self)
{
  grove_work work;
  _Atomic uint64_t sum = 0;
  grove_work_init(self, &work);
  work.parallel_for(work.user, 50, add_one, &sum);
  if (sum != 50 * 49 / 2) {
    fprintf(stderr, "a parallel loop did not do its part once\n");
    abort();
  }
}

static void handle_kept(grove *self, struct being *b, uint64_t *random)
{
  world *w = b->w;
  grove_future *slot = &b->kept[world_random(random, 3)];
  if (slot->generation) {
    grove_future f = *slot;
    *slot = (grove_future){0, 0};
    take(self, w, f, pick_time(random));
  } else {
    grove_future f = call_one(self, w, random, 0);
    if (!slot->generation) { // another activation may have come between
      *slot = f;
    }
    grove_keep(self, f);
  }
}

static void set_then(grove *g, world *w, uint64_t *random, bool outside)
{
  grove_future f = call_one(g, w, random, 0);
  if (grove_then(g, f, outside ? run_then_outside : run_then, w)) {
    grove_drop(g, f);
  } else if (outside) {
    tick(&w->n.thens_set);
  }
}

// What only a method can do. A status is what it is to return at once.
static grove_status act_inside(
    grove *self, struct being *b, const job *j, uint64_t *random, uint64_t what)
{
  world *w = b->w;
  uint32_t kind;
  switch (what) {
  case 14: handle_kept(self, b, random); return GROVE_OK;
  case 15: set_then(self, w, random, false); return GROVE_OK;
  case 16: {
    job tick_job = {w, j->seed, 0, j->data};
    uint64_t key = world_random(random, 2);
    if (chance(random, 300)) {
      grove_timer_clear(self, key);
      return GROVE_OK;
    }
    return grove_timer_set(self, key, (int64_t)world_random(random, 4),
        (int64_t)world_random(random, 3), kinds[b->kind].tick, &tick_job);
  }
  case 17: return grove_sleep(self, (int64_t)world_random(random, 3));
  case 18: return grove_yield(self);
  case 19: (void)!grove_link(self, pick(w, random, &kind)); return GROVE_OK;
  case 20: grove_state(self, "has %u left", (unsigned)j->depth); return GROVE_OK;
  case 21: grove_undefer(self); return GROVE_OK;
  case 22: loop_in_parallel(self); return GROVE_OK;
  case 23:
    return chance(random, 150)   ? grove_crash(self, GROVE_EUSER, "a crash that was drawn")
           : chance(random, 300) ? grove_fail(self, GROVE_EUSER, "a failure that was drawn")
                                 : GROVE_OK;
  default: return GROVE_OK;
  }
}

static void note_trace(world *w, grove *g, uint64_t what)
{
  if (w->simulated) {
    w->trace = grove__mix64(w->trace ^ what ^ (uint64_t)grove_now_ns(g));
  }
}

static grove_status being_work(grove *self, void *state, const void *arg, void *reply)
{
  struct being *b = state;
  const job *j = arg;
  answer *a = reply;
  world *w = b->w;
  uint64_t random = j->seed ^ grove_random(self);
  tick(&w->n.begun);
  note_trace(w, self, random);
  if (chance(&random, 30) && spend(w) && grove_defer(self) == GROVE_OK) {
    atomic_fetch_sub_explicit(&w->n.begun, 1, memory_order_relaxed); // it comes again
    return GROVE_OK;
  }
  if (chance(&random, 60)) {
    grove_promise p;
    if (grove_promise_take(self, &p) == GROVE_OK && !park_promise(w, p)) {
      answer_promise(self, w, &random, p);
    }
  }
  uint64_t acts = j->depth ? 1 + world_random(&random, 3) : world_random(&random, 2);
  for (uint64_t i = 0; i < acts && spend(w); i++) {
    uint64_t what = world_random(&random, 26);
    if (!act_anywhere(self, w, &random, j->depth ? j->depth - 1 : 0, what)) {
      grove_status s = act_inside(self, b, j, &random, what);
      if (s) {
        return s;
      }
    }
  }
  b->heap[0]++; // the state is still there
  a->data = chance(&random, 500) ? grove_retain(j->data) : make_shared(self, w, &random);
  if (!a->data.owner && a->data.ptr) {
    a->data = (grove_shared){NULL, 0, NULL};
  }
  return GROVE_OK;
}

static grove_status being_tick(grove *self, void *state, const void *arg, void *reply)
{
  struct being *b = state;
  const job *j = arg;
  (void)reply;
  note_trace(b->w, self, 1);
  if (!spend(b->w)) {
    grove_timer_clear(self, 0);
    grove_timer_clear(self, 1);
    return GROVE_OK;
  }
  uint64_t random = j->seed ^ grove_random(self);
  if (chance(&random, 200)) {
    send_one(self, b->w, &random, 0);
  }
  return GROVE_OK;
}

static grove_status being_start(grove *self, void *state, const void *arg, void *reply)
{
  struct being *b = state;
  const birth *from = arg;
  world *w = from->w;
  uint64_t random = from->seed ^ grove_random(self);
  (void)reply;
  tick(&w->n.starts);
  note_trace(w, self, 2);
  b->w = w;
  b->kind = from->kind;
  b->depth = from->depth;
  b->heap = calloc(1, 32);
  if (from->depth && chance(&random, 500) && spend(w)) {
    give_birth(self, w, &random, from->depth - 1, NULL, pick_kind(&random));
  }
  if (chance(&random, 100) && spend(w)) {
    take(self, w, call_one(self, w, &random, 0), pick_time(&random));
  }
  return chance(&random, 970) ? GROVE_OK : grove_fail(self, GROVE_EUSER, "a start that fails");
}

static void being_stop(grove *self, void *state, grove_status why)
{
  struct being *b = state;
  uint64_t random = (uint64_t)why ^ grove_random(self);
  tick(&b->w->n.stops);
  note_trace(b->w, self, 3);
  if (chance(&random, 100) && spend(b->w)) {
    take(self, b->w, call_one(self, b->w, &random, 0), pick_time(&random));
  }
}

static void being_destroy(void *state)
{
  struct being *b = state;
  if (b->w) {
    tick(&b->w->n.destroys);
    tick(&b->w->progress);
  }
  free(b->heap);
}

// ---- outside -----------------------------------------------------------------------------------------------

static void watch_one(world *w, uint64_t *random)
{
  uint32_t kind;
  grove_ref who = pick(w, random, &kind);
  grove_future f = grove_monitor(w->g, who);
  grove_error down;
  tick(&w->n.monitors_set);
  if (chance(random, 500)) {
    grove_drop(w->g, grove_exit(w->g, who, 2));
  }
  if (grove_get(w->g, f, pick_time(random), &down, sizeof down, NULL) == GROVE_OK) {
    tick(&w->n.monitors_fired);
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
    set_then(w->g, w, random, true);
    (void)grove_dispatch(w->g, 0);
  } else {
    act_anywhere(w->g, w, random, 3, what);
  }
}

void world_populate(world *w, unsigned n)
{
  uint64_t random = w->seed ^ 0x9e37;
  for (unsigned i = 0; i < n; i++) {
    give_birth(w->g, w, &random, 3, NULL, i < KINDS ? i : pick_kind(&random));
  }
}

static grove_info *snapshot(world *w, size_t *n)
{
  size_t total = 0, room = 4096;
  grove_info *all = calloc(room, sizeof *all);
  grove_snapshot_options o = {GROVE_SNAPSHOT};
  if (grove_snapshot(w->g, &o, all, sizeof *all, room, &total)) {
    total = 0;
  }
  *n = total < room ? total : room;
  return all;
}

void world_exit_all(world *w)
{
  size_t n;
  grove_info *all = snapshot(w, &n);
  grove_ref root = grove_self(w->g);
  for (size_t i = 0; i < n; i++) {
    if (grove_ref_equal(all[i].parent, root)) {
      grove_drop(w->g, grove_exit(w->g, all[i].ref, 1000));
    }
  }
  free(all);
}

void world_dump(world *w)
{
  static const char *const phases[] = {"?", "starting", "idle", "queued", "running", "waiting",
      "restarting", "ending", "stuck", "ended"};
  size_t n;
  grove_info *all = snapshot(w, &n);
  grove_stats s = {.struct_size = sizeof s};
  (void)!grove_stats_get(w->g, &s);
  fprintf(stderr,
      "seed %llu: %u actors, %u suspended, %u futures, %llu messages, %llu dropped, begun %llu, "
      "spawned %llu, ended %llu, budget %lld\n",
      (unsigned long long)w->seed, (unsigned)s.actors, (unsigned)s.suspended, (unsigned)s.futures,
      (unsigned long long)s.messages, (unsigned long long)s.dropped, (unsigned long long)w->n.begun,
      (unsigned long long)s.spawned, (unsigned long long)s.ended, (long long)w->budget);
  for (size_t i = 0; i < n && i < 100; i++) {
    fprintf(stderr, "  %llx under %llx %-16s %-10s method %s, mailbox %u, turn %lld us, %s\n",
        (unsigned long long)all[i].ref.which, (unsigned long long)all[i].parent.which,
        all[i].class_name, phases[all[i].phase % 10], all[i].method, (unsigned)all[i].mailbox_depth,
        (long long)all[i].turn_ns / 1000, all[i].last_error);
  }
  free(all);
}

// ---- the books ---------------------------------------------------------------------------------------------

static bool is_equal(world *w, const char *law, uint64_t a, uint64_t b)
{
  if (a != b) {
    fprintf(stderr, "seed %llu: %s: %llu is not %llu\n", (unsigned long long)w->seed, law,
        (unsigned long long)a, (unsigned long long)b);
  }
  return a == b;
}

bool world_check_quiet(world *w)
{
  grove_stats s = {.struct_size = sizeof s};
  bool good = grove_stats_get(w->g, &s) == GROVE_OK;
  good &= is_equal(w, "no future is open", s.futures, 0);
  good &= is_equal(w, "no actor is left", s.actors, 0);
  good &= is_equal(w, "nobody is suspended", s.suspended, 0);
  good &= is_equal(w, "spawned = ended", s.spawned, s.ended);
  good &= is_equal(w, "messages = begun + dropped", s.messages, w->n.begun + s.dropped);
  good &= is_equal(w, "no shared data is left", s.shared_bytes, 0);
  good &= is_equal(w, "starts = destroys", w->n.starts, w->n.destroys);
  return good;
}

bool world_check_after_stop(world *w, const grove_stop_report *r, grove_status s, bool counted)
{
  bool good = is_equal(w, "stop is in time", (uint64_t)-s, 0);
  good &= is_equal(w, "nobody is busy after the stop", r->busy, 0);
  good &= is_equal(w, "all memory came back", (uint64_t)w->memory.live_bytes, 0);
  good &= is_equal(w, "all blocks came back", (uint64_t)w->memory.live_blocks, 0);
  good &= is_equal(w, "freed was called once", w->freed, 1);
  good &= is_equal(w, "starts = destroys", w->n.starts, w->n.destroys);
  good &= is_equal(w, "shared data made = destroyed", w->n.shared_made, w->n.shared_destroyed);
  if (counted) {
    good &= is_equal(w, "then-functions set = run", w->n.thens_set, w->n.thens_ran);
  }
  return good;
}

// ---- beginning and end -------------------------------------------------------------------------------------

static void note_freed(void *user)
{
  world *w = user;
  atomic_fetch_add_explicit(&w->freed, 1, memory_order_relaxed); // a count
}

void world_init(world *w, uint64_t seed, int64_t budget)
{
  memset(w, 0, sizeof *w);
  w->seed = seed;
  atomic_init(&w->budget, budget);
  pthread_mutex_init(&w->lock, NULL);
}

grove_options world_options(world *w)
{
  static _Thread_local grove_allocator a;
  a = (grove_allocator){world_realloc, &w->memory};
  return (grove_options){GROVE_OPTIONS, .seed = w->seed, .allocator = &a, .freed = note_freed,
      .user = w, .turn_warn_ms = 10000};
}

void world_deinit(world *w)
{
  pthread_mutex_destroy(&w->lock);
}
