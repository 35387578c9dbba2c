// What an actor weighs: its cell alone, until it needs what few do, and again when another has its slot. And what becomes of it
// where there is no memory for that: grove__slab_take_by is wrapped (CMakeLists.txt).
#include "actor/cell.h"
#include "actors.h"

enum { IDLE_BYTES = 256 };
static _Atomic(grove__slab *) without; // whose slots there is no memory for; NULL: for all there is
static atomic_int refused;

void *__real_grove__slab_take_by(grove__slab *s, grove__slab_cache *c, uint32_t *index, bool *limit);
void *__wrap_grove__slab_take_by(grove__slab *s, grove__slab_cache *c, uint32_t *index, bool *limit);
void *__wrap_grove__slab_take_by(grove__slab *s, grove__slab_cache *c, uint32_t *index, bool *limit)
{
  if (atomic_load(&without) == s) {
    atomic_fetch_add(&refused, 1);
    *limit = false;
    return NULL;
  }
  return __real_grove__slab_take_by(s, c, index, limit);
}

static grove_info info_of(grove *g, grove_ref who)
{
  grove_info i = {.struct_size = sizeof i};
  check_ok(grove_inspect(g, who, &i));
  return i;
}

static uint32_t annexes(grove *g)
{
  return grove__slab_in_use(&grove__system_of(g)->annexes);
}

// Its annex is given back when all have been told that it is gone.
static void until_gone(rig *r, grove_ref who, grove_error *down, uint32_t left)
{
  check_ok(grove_get(r->g, grove_exit(r->g, who, GROVE_FOREVER), 20000, down, sizeof *down, NULL));
  for (int i = 0; i < 20000 && annexes(r->g) > left; i++) {
    check_ok(grove_sleep(r->g, 1));
  }
  assert_int_equal(annexes(r->g), left);
}

static grove_status job_show(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  grove_state(self, "%s", (const char *)user);
  return GROVE_OK;
}

// It waits for another's answer, with a deadline.
static grove_status job_ask_another(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  grove_future f = grove_call_within(self, 20000, *(grove_ref *)user, &hand_run_method, &(hand_job){job_echo, (void *)3});
  return grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
}

// ---- what it weighs --------------------------------------------------------------------------------------
static void test_an_idle_one_is_its_cell(void **state)
{
  struct rig *r = *state;
  grove_error down;
  uint32_t before = annexes(r->g);
  grove_ref a = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  uint64_t state_bytes = sizeof(struct hand) + sizeof(hand_plan), idle = info_of(r->g, a).state_bytes;
  assert_true(idle <= IDLE_BYTES + state_bytes);
  assert_int_equal(grove__system_of(r->g)->cells.each, IDLE_BYTES); // and there is nothing between two of them
  // Also when it has had messages, calls, waits and a monitor.
  grove_ref other = spawn_hand(r->g);
  grove_future watch = grove_monitor(r->g, a);
  for (int i = 0; i < 20; i++) {
    long n = 0;
    check_ok(tell(r->g, a, job_echo, NULL));
    check_ok(ask_and_get(r->g, a, job_ask_another, &other, &n, NULL));
    assert_int_equal(n, 3);
  }
  assert_true(info_of(r->g, a).state_bytes == idle);
  grove_drop(r->g, watch);
  assert_int_equal(annexes(r->g), before);
  check_ok(ask_and_get(r->g, a, job_show, "at rest", NULL, NULL));
  assert_int_equal(annexes(r->g), before + 1);
  assert_string_equal(info_of(r->g, a).state, "at rest");
  assert_true(info_of(r->g, a).state_bytes > idle);
  until_gone(r, a, &down, before);
  // The next in its slot has nothing of that.
  for (int i = 0; i < 3; i++) {
    grove_ref b = spawn_hand(r->g);
    check_ok(ask_and_get(r->g, b, job_echo, NULL, NULL, NULL));
    assert_string_equal(info_of(r->g, b).state, "");
    assert_int_equal(annexes(r->g), before);
    until_gone(r, b, &down, before);
  }
}

// A small state is a part of the cell, with an argument that says nothing, or one that is small, too.
struct small {
  long number[3];
};
#define SMALL(START, METHOD) START(small, grove_none) METHOD(small, give, long, long)
GROVE_ACTOR(SMALL, small)
static grove_status small_start(grove *self, struct small *s, const grove_none *none)
{
  (void)self, (void)none;
  bool zero = s->number[0] == 0 && s->number[1] == 0 && s->number[2] == 0;
  s->number[2] = 7;
  return zero ? GROVE_OK : GROVE_EINTERNAL;
}
static grove_status small_give(grove *self, struct small *s, const long *more, long *out)
{
  (void)self;
  s->number[2] += *more;
  *out = s->number[2];
  return GROVE_OK;
}
struct told {
  long number[2];
};
typedef struct two_longs {
  long first, second;
} two_longs;
GROVE_TYPE(two_longs)
#define TOLD(START, METHOD) START(told, two_longs) METHOD(told, sum, grove_none, long)
GROVE_ACTOR(TOLD, told)
static grove_status told_start(grove *self, struct told *t, const two_longs *of)
{
  (void)self;
  t->number[0] = of->first;
  t->number[1] = of->second;
  return GROVE_OK;
}
static grove_status told_sum(grove *self, struct told *t, const grove_none *none, long *out)
{
  (void)self, (void)none;
  *out = t->number[0] + t->number[1];
  return GROVE_OK;
}

static void test_a_small_state_is_in_the_cell(void **state)
{
  struct rig *r = *state;
  long got;
  grove__cell *c;
  small_ref a = small_spawn(r->g, GROVE_NONE, NULL);
  check_ok(small_give_ask(r->g, a, 1, GROVE_FOREVER, &got, NULL));
  assert_int_equal(got, 8);
  told_ref b = told_spawn(r->g, (two_longs){40, 2}, NULL);
  check_ok(told_sum_ask(r->g, b, GROVE_NONE, GROVE_FOREVER, &got, NULL));
  assert_int_equal(got, 42);
  check_ok(grove__cell_find(grove__system_of(r->g), a.ref, &c));
  assert_int_equal(c->body == GROVE__BODY_APART, GROVE__ASAN != 0);
  check_ok(grove__cell_find(grove__system_of(r->g), b.ref, &c));
  assert_int_equal(c->body == GROVE__BODY_APART, GROVE__ASAN != 0);
}

static void test_what_all_others_do_is_no_options(void **state)
{
  struct rig *r = *state;
  grove_error down;
  uint32_t before = annexes(r->g);
  grove_spawn_options usual = {GROVE_SPAWN, .stop_ms = 5000, .window_ms = 60000}, other = {GROVE_SPAWN, .stop_ms = 5001};
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &usual);
  assert_int_equal(annexes(r->g), before);
  grove_ref b = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &other);
  assert_int_equal(annexes(r->g), before + 1);
  until_gone(r, a, &down, before + 1);
  until_gone(r, b, &down, before);
}

// How often children were told to end goes round, and each is told all the same: one that is new, and one that was told before.
static grove_status start_children(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user, (void)reply;
  for (int i = 0; i < 3; i++) {
    grove_ref c = spawn_hand(self);
    if (grove_ref_status(c)) {
      return grove_ref_status(c);
    }
  }
  return GROVE_OK;
}
static void test_children_are_told_however_often(void **state)
{
  struct rig *r = *state;
  for (uint16_t wave = UINT16_MAX - 2; wave; wave++) {
    grove__cell *c;
    grove_error down;
    uint32_t before = annexes(r->g);
    grove_ref a = spawn_plan(r->g, (hand_plan){.start = start_children}, NULL);
    check_ok(grove_get(r->g, grove_ready(r->g, a), 20000, NULL, 0, NULL));
    check_ok(grove__cell_find(grove__system_of(r->g), a, &c));
    grove__mutex_lock(&c->lock);
    grove__annex_of(c)->spread_wave = wave;
    grove__mutex_unlock(&c->lock);
    until_gone(r, a, &down, before);
  }
}

// ---- without memory ----------------------------------------------------------------------------------------
// Its deadline has no timer.
static void test_an_end_comes_all_the_same(void **state)
{
  struct rig *r = *state;
  static hold h;
  grove_error down;
  grove__cell *c;
  hold_init(&h);
  grove_ref a = spawn_hand(r->g);
  grove_future f = ask(r->g, a, job_hold, &h);
  rig_until(r, &h.begun, 1);
  check_ok(grove__cell_find(grove__system_of(r->g), a, &c));
  grove_future gone = grove_monitor(r->g, a);
  atomic_store(&without, &grove__system_of(r->g)->annexes);
  atomic_store(&refused, 0);
  grove__cell_end(c, a.which, GROVE__END_KILL, NULL, grove__deadline_in(grove__cell_system(c), 10));
  assert_true(atomic_load(&refused) > 0);
  check_ok(grove_get(r->g, gone, 20000, &down, sizeof down, NULL));
  check_status(down.status, GROVE_ESTUCK);
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_ESTUCK);
  atomic_store(&without, NULL);
  hold_let_go(&h);
}

// What can say so does.
static grove_status job_need(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  const grove_allocator *a = grove_actor_allocator(self);
  assert_null(a->realloc_fn(a->user, NULL, 0, 1));
  grove_state(self, "nobody sees it");
  check_status(grove_link(self, *(grove_ref *)user), GROVE_ENOMEM);
  check_status(grove_label(self, "x"), GROVE_ENOMEM);
  check_status(grove_timer_set(self, 1, 0, 0, &hand_run_method, &(hand_job){job_echo, NULL}), GROVE_ENOMEM);
  return grove_defer(self);
}

static void test_what_needs_more_fails(void **state)
{
  struct rig *r = *state;
  grove_error down, err;
  uint32_t before = annexes(r->g);
  grove_ref a = spawn_hand(r->g), b = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, a, job_echo, NULL, NULL, NULL));
  check_ok(ask_and_get(r->g, b, job_echo, NULL, NULL, NULL));
  atomic_store(&without, &grove__system_of(r->g)->annexes);
  check_status(ask_and_get(r->g, a, job_need, &b, NULL, &err), GROVE_ENOMEM);
  check_contains(err.text, "no memory to put a message back");
  grove_spawn_options o = {GROVE_SPAWN, .name = "unnamed"};
  check_status(grove_ref_status(spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &o)), GROVE_ENOMEM);
  atomic_store(&without, NULL);
  assert_string_equal(info_of(r->g, a).state, "");
  until_gone(r, a, &down, before);
  until_gone(r, b, &down, before);
}

int main(int argc, char **argv)
{
  // The host has a value of its own for this thread, under the number that a runtime's key has before it is made: nothing that is
  // done before that may take it for a worker.
  uv_key_t key;
  if (uv_key_create(&key)) {
    return 1;
  }
  uv_key_set(&key, &key);
  const rig_test tests[] = {
      EVERYWHERE(test_an_idle_one_is_its_cell),
      EVERYWHERE(test_a_small_state_is_in_the_cell),
      EVERYWHERE(test_what_all_others_do_is_no_options),
      EVERYWHERE(test_children_are_told_however_often),
      THREADED(test_an_end_comes_all_the_same),
      EVERYWHERE(test_what_needs_more_fails),
  };
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
