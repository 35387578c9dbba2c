// Memory: whose it is, limits, and that all comes back. Every rig checks the latter by its own allocator, too.
#include "actors.h"

static grove_stats stats_of(grove *g)
{
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(g, &s));
  return s;
}

static grove_info info_of(grove *g, grove_ref who)
{
  grove_info i = {.struct_size = sizeof i};
  check_ok(grove_inspect(g, who, &i));
  return i;
}

static void test_every_byte_is_somebodys(void **state)
{
  struct rig *r = *state;
  grove_stats s = stats_of(r->g);
  long long host = atomic_load(&r->bytes);
  if (r->kind != ON_LOOP) { // a loop's threads allocate on their way
    assert_int_equal(s.memory_bytes, host);
  }
  uint64_t sum = 0;
  for (int i = 0; i < 8; i++) {
    sum += s.memory_of[i];
  }
  assert_int_equal(sum, s.memory_bytes);
  assert_true(s.memory_of[GROVE_MEMORY_RUNTIME] > 0);
  assert_int_equal(s.memory_of[GROVE_MEMORY_USER], 0);
  const grove_allocator *a = grove_runtime_allocator(r->g);
  void *p = a->realloc_fn(a->user, NULL, 0, 1000);
  assert_int_equal(stats_of(r->g).memory_of[GROVE_MEMORY_USER], 1000);
  a->realloc_fn(a->user, p, 1000, 0);
  grove_shared data;
  check_ok(grove_share_copy(r->g, "0123456789", 10, &data));
  assert_true(stats_of(r->g).memory_of[GROVE_MEMORY_SHARED] > 10);
  assert_int_equal(stats_of(r->g).shared_bytes, 10);
  grove_release(data);
  assert_int_equal(stats_of(r->g).memory_of[GROVE_MEMORY_SHARED], 0);
}

// Methods that allocate from their actor's own.
typedef struct want {
  size_t bytes;
  grove_status status;
} want;
static grove_status job_allocate(grove *self, hand_state *s, void *user, long *reply)
{
  want *w = user;
  const grove_allocator *a = grove_actor_allocator(self);
  void *p = a->realloc_fn(a->user, s->memory, (size_t)s->number, w->bytes);
  *reply = p != NULL;
  if (w->bytes && !p) {
    return w->status;
  }
  memset(p ? p : "", 0, 0);
  s->memory = p;
  s->number = (long)w->bytes;
  return GROVE_OK;
}
static grove_status job_give_back(grove *self, hand_state *s, void *user, long *reply)
{
  (void)user, (void)reply;
  const grove_allocator *a = grove_actor_allocator(self);
  s->memory = a->realloc_fn(a->user, s->memory, (size_t)s->number, 0);
  s->number = 0;
  return GROVE_OK;
}
static grove_status job_wait_deep(grove *self, hand_state *s, void *user, long *reply)
{
  char frame[8192];
  memset(frame, 1, sizeof frame);
  grove_status status = job_pause(self, s, user, reply);
  *reply += frame[*reply & 1023] - 1;
  return status;
}

static void test_an_actors_bytes(void **state)
{
  struct rig *r = *state;
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "holder", .label = "of much"});
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  grove_info before = info_of(r->g, a);
  assert_true(before.state_bytes > sizeof(hand_state) + sizeof(hand_plan) + 15);
  assert_int_equal(before.own_bytes, 0);
  assert_int_equal(before.bytes, before.state_bytes);
  want w = {5000, GROVE_ENOMEM};
  check_ok(ask_and_get(r->g, a, job_allocate, &w, NULL, NULL));
  assert_int_equal(info_of(r->g, a).own_bytes, 5000);
  assert_true(stats_of(r->g).memory_of[GROVE_MEMORY_USER] >= 5000);
  w.bytes = 300;
  check_ok(ask_and_get(r->g, a, job_allocate, &w, NULL, NULL));
  assert_int_equal(info_of(r->g, a).own_bytes, 300);
  // while it waits: a stack, a future, a letter
  pause_point p;
  memset(&p, 0, sizeof p);
  grove_future f = ask(r->g, a, job_wait_deep, &p);
  rig_until(r, &p.begun, 1);
  check_ok(tell(r->g, a, job_echo, NULL));
  grove_info i = info_of(r->g, a);
  for (int tries = 0; tries < 10000 && i.phase != GROVE_PHASE_WAITING; tries++) {
    check_ok(grove_sleep(r->g, 1));
    i = info_of(r->g, a);
  }
  assert_int_equal(i.futures, 1);
  assert_true(i.future_bytes > 0);
  assert_true(i.mailbox_bytes > 0);
  assert_int_equal(i.bytes, i.state_bytes + i.future_bytes + i.own_bytes + i.mailbox_bytes);
  assert_in_range(i.stack_used_bytes, 8192, i.stack_bytes);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  check_ok(ask_and_get(r->g, a, job_give_back, NULL, NULL, NULL));
  i = info_of(r->g, a);
  assert_int_equal(i.own_bytes, 0);
  assert_int_equal(i.futures, 0);
  assert_int_equal(i.bytes, before.bytes);
}

static void test_a_limit_of_an_actor(void **state)
{
  struct rig *r = *state;
  grove_error err;
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "small", .memory_bytes = 10000});
  assert_int_equal(info_of(r->g, a).memory_limit, 10000);
  want w = {9000, GROVE_ENOMEM};
  check_ok(ask_and_get(r->g, a, job_allocate, &w, NULL, NULL));
  w.bytes = 11000;
  check_status(ask_and_get(r->g, a, job_allocate, &w, NULL, &err), GROVE_ENOMEM);
  check_contains(err.text, "no memory for 2000 bytes more: hand \"small\" holds ");
  check_contains(err.text, "9000 of its allocator; its limit is 10000 (memory_bytes)");
  assert_int_equal(info_of(r->g, a).own_bytes, 9000);
  // letters have the rest
  pause_point p;
  memset(&p, 0, sizeof p);
  grove_future f = ask(r->g, a, job_pause, &p);
  rig_until(r, &p.begun, 1);
  int fit = 0;
  while (fit < 100 && !tell(r->g, a, job_echo, NULL)) {
    fit++;
  }
  assert_in_range(fit, 2, 20);
  check_status(ask_and_get(r->g, a, job_echo, NULL, NULL, &err), GROVE_EAGAIN);
  check_contains(err.text, "its limit is 10000 (memory_bytes)");
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  for (int tries = 0; tries < 10000 && info_of(r->g, a).mailbox_depth; tries++) {
    check_ok(grove_sleep(r->g, 1));
  }
  check_ok(ask_and_get(r->g, a, job_give_back, NULL, NULL, NULL));
  w.bytes = 9000;
  check_ok(ask_and_get(r->g, a, job_allocate, &w, NULL, NULL));
  check_ok(ask_and_get(r->g, a, job_give_back, NULL, NULL, NULL));
}

#define tight_LIST(S, M) HAND_METHODS(S, M, tight)
HANDS(tight, .memory_bytes = 3000, .full = GROVE_FULL_WAIT)

static grove_status job_tell_many(grove *self, hand_state *s, void *user, long *reply)
{
  const grove_ref *to = user;
  (void)s;
  for (*reply = 0; *reply < 200; ++*reply) {
    grove_status status = grove_send(self, *to, &tight_run_method, &(hand_job){job_echo, NULL});
    if (status) {
      return status;
    }
  }
  return GROVE_OK;
}
// A class's limit, with senders that wait for room: nothing is lost.
static void test_waiting_for_memory(void **state)
{
  struct rig *r = *state;
  grove_ref to = spawn_of(r->g, &tight_class);
  assert_int_equal(info_of(r->g, to).memory_limit, 3000);
  grove_future f[3];
  for (int i = 0; i < 3; i++) {
    f[i] = ask(r->g, spawn_hand(r->g), job_tell_many, &to);
  }
  long sent[3];
  check_ok(grove_get_all(r->g, f, 3, 20000, sent, sizeof *sent, NULL));
  check_ok(
      grove_get(r->g, ask_of(r->g, to, &tight_run_method, job_echo, NULL), 20000, NULL, 0, NULL));
  assert_int_equal(info_of(r->g, to).handled, 601);
}

static void test_limits_of_the_runtime(void **state)
{
  struct rig *r = *state;
  grove_error err;
  rig_restart(r, &(grove_options){.workers = 2, .memory_bytes = 4096});
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "hog"});
  pause_point p;
  memset(&p, 0, sizeof p);
  grove_future f = ask(r->g, a, job_pause, &p);
  rig_until(r, &p.begun, 1);
  int fit = 0;
  while (fit < 1000 && !tell(r->g, a, job_echo, NULL)) {
    fit++;
  }
  assert_in_range(fit, 10, 64);
  check_status(ask_and_get(r->g, a, job_echo, NULL, NULL, &err), GROVE_ELIMIT);
  check_contains(err.text, "memory_bytes is 4096; held: ");
  check_contains(err.text, "most: hand \"hog\" ");
  grove_shared data;
  check_status(grove_share_copy(r->g, err.text, 400, &data), GROVE_ELIMIT);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  for (int tries = 0; tries < 10000 && info_of(r->g, a).handled < (uint64_t)fit + 1; tries++) {
    check_ok(grove_sleep(r->g, 1));
  }
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_ok(grove_share_copy(r->g, err.text, 400, &data));
  grove_release(data);
  // all that is allocated
  rig_restart(r, &(grove_options){.workers = 1, .heap_bytes = 16 << 20});
  a = spawn_hand(r->g);
  want w = {1 << 20, GROVE_ENOMEM};
  check_ok(ask_and_get(r->g, a, job_allocate, &w, NULL, NULL));
  w.bytes = 16 << 20;
  check_status(ask_and_get(r->g, a, job_allocate, &w, NULL, NULL), GROVE_ENOMEM);
  assert_true(stats_of(r->g).memory_refused >= 1);
  assert_true(stats_of(r->g).memory_bytes < 16 << 20);
  check_ok(ask_and_get(r->g, a, job_give_back, NULL, NULL, NULL));
  rig_restart(r, NULL);
}

static grove_status job_forget(grove *self, hand_state *s, void *user, long *reply)
{
  void **kept = user;
  (void)reply;
  kept[0] = s->memory;
  kept[1] = (void *)(uintptr_t)grove_actor_allocator(self);
  s->memory = NULL;
  return GROVE_OK;
}
// What is not given back is told; given back later, it is nobody's, also when another actor is in its place.
static void test_leaks_are_told(void **state)
{
  struct rig *r = *state;
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "lossy"});
  static void *lost;
  static const grove_allocator *of;
  want w = {777, GROVE_ENOMEM};
  check_ok(ask_and_get(r->g, a, job_allocate, &w, NULL, NULL));
  void *kept[2];
  check_ok(ask_and_get(r->g, a, job_forget, kept, NULL, NULL));
  of = grove_runtime_allocator(r->g);
  lost = of->realloc_fn(of->user, NULL, 0, 333);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  rig_until(r, &r->lines, 1); // told when its memory goes, a little after DOWN
  grove_ref next = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, next, job_echo, NULL, NULL, NULL));
  w.bytes = 100;
  check_ok(ask_and_get(r->g, next, job_allocate, &w, NULL, NULL));
  const grove_allocator *late = kept[1];
  late->realloc_fn(late->user, kept[0], 777, 0);
  assert_int_equal(info_of(r->g, next).own_bytes, 100);
  check_ok(ask_and_get(r->g, next, job_give_back, NULL, NULL, NULL));
  grove_stop_report report = {.struct_size = sizeof report};
  check_ok(rig_end(r, 20000, &report));
  if (r->kind == ON_LOOP) {
    uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
  }
  check_contains(r->log, "hand \"lossy\" ended and did not give back 777 bytes of its allocator");
  check_contains(r->log, "333 bytes of the application were not given back");
  assert_int_equal(atomic_load(&r->blocks), 1);
  free(lost);
}

static const rig_test tests[] = {
    EVERYWHERE(test_every_byte_is_somebodys),
    EVERYWHERE(test_an_actors_bytes),
    EVERYWHERE(test_a_limit_of_an_actor),
    EVERYWHERE(test_waiting_for_memory),
    EVERYWHERE(test_limits_of_the_runtime),
    EVERYWHERE(test_leaks_are_told),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
