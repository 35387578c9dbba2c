// The actors of the stress world.
#include "base/random.h"
#include "world_parts.h"
#include <stdio.h>
#include <stdlib.h>

// ---- classes -----------------------------------------------------------------------------------------------

static grove_status being_start(grove *self, void *state, const void *arg, void *reply);
static void being_stop(grove *self, void *state, grove_status why);
static void being_destroy(void *state);
static grove_status being_work(grove *self, void *state, const void *arg, void *reply);
static grove_status being_tick(grove *self, void *state, const void *arg, void *reply);

#define KIND(NAME, ...)                                                                            \
  static const grove_class NAME;                                                                   \
  static const grove_method NAME##_work = {sizeof(grove_method), 0, "work", &NAME, being_work,     \
      &grove_type_of_world_job, &grove_type_of_world_answer};                                      \
  static const grove_method NAME##_urgent = {sizeof(grove_method), GROVE_METHOD_HIGH, "urgent",    \
      &NAME, being_work, &grove_type_of_world_job, &grove_type_of_world_answer};                   \
  static const grove_method NAME##_finish = {sizeof(grove_method), GROVE_METHOD_FINISH, "finish",  \
      &NAME, being_work, &grove_type_of_world_job, &grove_type_of_world_answer};                   \
  static const grove_method NAME##_tick = {sizeof(grove_method), 0, "tick", &NAME, being_tick,     \
      &grove_type_of_world_job, &grove_type_of_grove_none};                                        \
  static const grove_method *const NAME##_methods[] = {                                            \
      &NAME##_work, &NAME##_urgent, &NAME##_finish, &NAME##_tick, NULL};                           \
  static const grove_class NAME = {.struct_size = sizeof(grove_class),                             \
      .state_bytes = sizeof(struct being),                                                         \
      .name = #NAME,                                                                               \
      .start_arg = &grove_type_of_world_birth,                                                     \
      .methods = NAME##_methods,                                                                   \
      .start = being_start,                                                                        \
      .stop = being_stop,                                                                          \
      .destroy = being_destroy,                                                                    \
      __VA_ARGS__};

KIND(plain, .mailbox = 0)
KIND(migrant, .migratable = 1, .strategy = GROVE_ONE_FOR_ALL)
KIND(several, .concurrency = 3, .strategy = GROVE_REST_FOR_ONE)
KIND(several_migrants, .concurrency = 3, .migratable = 1)
KIND(small_fail, .mailbox = 3, .full = GROVE_FULL_FAIL, .strategy = GROVE_ONE_FOR_ALL)
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
const struct world_kind world_kinds[] = {METHODS(plain), METHODS(migrant), METHODS(several),
    METHODS(several_migrants), METHODS(small_fail), METHODS(small_wait), METHODS(small_bytes),
    METHODS(small_new), METHODS(small_old), METHODS(large_stack), METHODS(blocker), METHODS(loner)};
_Static_assert(
    sizeof world_kinds / sizeof world_kinds[0] == WORLD_KINDS, "the header says how many");

// A random kind; threads of their own are dear.
uint32_t world_pick_kind(uint64_t *random)
{
  uint32_t k = (uint32_t)world_random(random, WORLD_KINDS);
  return k == WORLD_KINDS - 1 && world_chance(random, 700) ? 0 : k;
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
    world_take(self, w, f, world_pick_time(random));
  } else {
    grove_future f = world_call_one(self, w, random, 0);
    if (!slot->generation) { // another activation may have come between
      *slot = f;
    }
    grove_keep(self, f);
  }
}

// What only a method can do. A status is what it is to return at once.
static grove_status act_inside(
    grove *self, struct being *b, const world_job *j, uint64_t *random, uint64_t what)
{
  world *w = b->w;
  uint32_t kind;
  switch (what) {
  case 14: handle_kept(self, b, random); return GROVE_OK;
  case 15: world_set_then(self, w, random, false); return GROVE_OK;
  case 16: {
    world_job tick_job = {w, j->seed, 0, j->data};
    uint64_t key = world_random(random, 2);
    if (world_chance(random, 300)) {
      grove_timer_clear(self, key);
      return GROVE_OK;
    }
    return grove_timer_set(self, key, (int64_t)world_random(random, 4),
        (int64_t)world_random(random, 3), world_kinds[b->kind].tick, &tick_job);
  }
  case 17: return grove_sleep(self, (int64_t)world_random(random, 3));
  case 18: return grove_yield(self);
  case 19: (void)!grove_link(self, world_pick(w, random, &kind)); return GROVE_OK;
  case 20:
    grove_state(self, "has %u left", (unsigned)j->depth);
    (void)!grove_label(self, "%s", j->depth & 1 ? "at work" : "");
    return GROVE_OK;
  case 21: grove_undefer(self); return GROVE_OK;
  case 22: loop_in_parallel(self); return GROVE_OK;
  case 23:
    return world_chance(random, 150)   ? grove_crash(self, GROVE_EUSER, "a crash that was drawn")
           : world_chance(random, 300) ? grove_fail(self, GROVE_EUSER, "a failure that was drawn")
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
  const world_job *j = arg;
  world_answer *a = reply;
  world *w = b->w;
  uint64_t random = j->seed ^ grove_random(self);
  world_tick(&w->n.begun);
  note_trace(w, self, random);
  if (world_chance(&random, 30) && world_spend(w) && grove_defer(self) == GROVE_OK) {
    atomic_fetch_sub_explicit(&w->n.begun, 1, memory_order_relaxed); // it comes again
    return GROVE_OK;
  }
  if (world_chance(&random, 60)) {
    grove_promise p;
    if (grove_promise_take(self, &p) == GROVE_OK && !world_park_promise(w, p)) {
      world_answer_promise(self, w, &random, p);
    }
  }
  uint64_t acts = j->depth ? 1 + world_random(&random, 3) : world_random(&random, 2);
  for (uint64_t i = 0; i < acts && world_spend(w); i++) {
    uint64_t what = world_random(&random, 26);
    if (!world_act_anywhere(self, w, &random, j->depth ? j->depth - 1 : 0, what)) {
      grove_status s = act_inside(self, b, j, &random, what);
      if (s) {
        return s;
      }
    }
  }
  b->heap[0]++; // the state is still there
  a->data =
      world_chance(&random, 500) ? grove_retain(j->data) : world_make_shared(self, w, &random);
  if (!a->data.owner && a->data.ptr) {
    a->data = (grove_shared){NULL, 0, NULL};
  }
  return GROVE_OK;
}

static grove_status being_tick(grove *self, void *state, const void *arg, void *reply)
{
  struct being *b = state;
  const world_job *j = arg;
  (void)reply;
  note_trace(b->w, self, 1);
  if (!world_spend(b->w)) {
    grove_timer_clear(self, 0);
    grove_timer_clear(self, 1);
    return GROVE_OK;
  }
  uint64_t random = j->seed ^ grove_random(self);
  if (world_chance(&random, 200)) {
    world_send_one(self, b->w, &random, 0);
  }
  return GROVE_OK;
}

static grove_status being_start(grove *self, void *state, const void *arg, void *reply)
{
  struct being *b = state;
  const world_birth *from = arg;
  world *w = from->w;
  uint64_t random = from->seed ^ grove_random(self);
  (void)reply;
  world_tick(&w->n.starts);
  note_trace(w, self, 2);
  b->w = w;
  b->kind = from->kind;
  b->depth = from->depth;
  b->heap = calloc(1, 32);
  if (from->depth && world_chance(&random, 500) && world_spend(w)) {
    world_give_birth(self, w, &random, from->depth - 1, NULL, world_pick_kind(&random));
  }
  if (world_chance(&random, 100) && world_spend(w)) {
    world_take(self, w, world_call_one(self, w, &random, 0), world_pick_time(&random));
  }
  return world_chance(&random, 970) ? GROVE_OK
                                    : grove_fail(self, GROVE_EUSER, "a start that fails");
}

static void being_stop(grove *self, void *state, grove_status why)
{
  struct being *b = state;
  uint64_t random = (uint64_t)why ^ grove_random(self);
  world_tick(&b->w->n.stops);
  note_trace(b->w, self, 3);
  if (world_chance(&random, 100) && world_spend(b->w)) {
    world_take(self, b->w, world_call_one(self, b->w, &random, 0), world_pick_time(&random));
  }
}

static void being_destroy(void *state)
{
  struct being *b = state;
  if (b->w) {
    world_tick(&b->w->n.destroys);
    world_tick(&b->w->progress);
  }
  free(b->heap);
}
