// Children of those that are given up, whom nobody else would end.
//
// A stop that gives up who is left, while one of those still spawns: grove__cell_give_up is wrapped (CMakeLists.txt), and
// the child comes just before its parent is given up, in a slot that the walk over all actors has passed. Nobody would
// end it, and its parent would wait for it: so it is refused.
//
// And one that is given up before the turn in which it would have told its children, as those deep in a tree do: they are
// told all the same, and a stop leaves none of them behind.
#include "actor/cell.h"
#include "actors.h"

enum { DEPTH = 18 }; // further down than a stop tells at once: the rest is told in turns, which no worker has time for

static struct {
  grove_ref parent; // who is about to be given up; nobody: not armed
  uv_sem_t go, born, time_goes_on;
  atomic_int begun;
  grove_ref child;
} last_minute;

bool __real_grove__cell_give_up(grove__cell *c, uint64_t life);
bool __wrap_grove__cell_give_up(grove__cell *c, uint64_t life);
bool __wrap_grove__cell_give_up(grove__cell *c, uint64_t life)
{
  if (last_minute.parent.where && life == last_minute.parent.which) {
    last_minute.parent = GROVE_NOBODY;
    uv_sem_post(&last_minute.go);
    uv_sem_wait(&last_minute.born);
    uv_sem_post(&last_minute.time_goes_on);
  }
  return __real_grove__cell_give_up(c, life);
}

// Keeps the only worker until it is to be given up, and then has a child.
static grove_status job_spawn_late(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  atomic_fetch_add(&last_minute.begun, 1);
  uv_sem_wait(&last_minute.go);
  last_minute.child = spawn_hand(self);
  uv_sem_post(&last_minute.born);
  *reply = 1;
  return GROVE_OK;
}

// Nor does the thread of the timers, which would tell them at the stop's deadline: it is as late as a busy machine's.
static void hold_timers(void *user, const char *name)
{
  rig_thread_start(user, name);
  if (strcmp(name, "grove-clock") == 0) {
    uv_sem_wait(&last_minute.time_goes_on);
  }
}

static void begin(rig *r)
{
  rig_stop(r);
  atomic_store(&r->freed, 0);
  atomic_store(&last_minute.begun, 0);
  assert_int_equal(uv_sem_init(&last_minute.go, 0), 0);
  assert_int_equal(uv_sem_init(&last_minute.born, 0), 0);
  assert_int_equal(uv_sem_init(&last_minute.time_goes_on, 0), 0);
  r->used = (grove_options){GROVE_OPTIONS,
      .workers = 1,
      .turn_warn_ms = 100000,
      .allocator = &r->allocator,
      .freed = rig_freed,
      .thread_start = hold_timers,
      .thread_stop = rig_thread_stop,
      .user = r};
  check_ok(grove_start(&r->used, &r->g));
}

static void until_begun(void)
{
  for (int i = 0; i < 20000 && !atomic_load(&last_minute.begun); i++) {
    check_pause();
  }
  assert_int_equal(atomic_load(&last_minute.begun), 1);
}

static void test_a_child_of_the_last_minute(void **state)
{
  struct rig *r = *state;
  grove_stop_report report = {.struct_size = sizeof report};
  begin(r);
  grove_ref early = spawn_hand(r->g), parent = GROVE_NOBODY;
  for (int i = 0; i < DEPTH; i++) {
    parent = grove_spawn(r->g, &hand_class, &(hand_plan){.start = NULL},
        &(grove_spawn_options){GROVE_SPAWN, .parent = parent});
    check_ok(grove_ref_status(parent));
  }
  check_ok(grove_get(r->g, ask(r->g, parent, job_echo, NULL), GROVE_FOREVER, NULL, 0, NULL));
  check_ok(grove_get(r->g, grove_exit(r->g, early, 0), GROVE_FOREVER, NULL, 0, NULL));
  grove_future f = ask(r->g, parent, job_spawn_late, NULL);
  (void)f; // the stop drops it
  until_begun();
  last_minute.parent = parent;
  check_status(rig_end(r, 0, &report), GROVE_ETIMEDOUT);
  check_status(grove_ref_status(last_minute.child), GROVE_ECLOSED);
  rig_until_freed(r); // all of it
  uv_sem_destroy(&last_minute.go);
  uv_sem_destroy(&last_minute.born);
  uv_sem_destroy(&last_minute.time_goes_on);
}

// ---- children that were not told ------------------------------------------------------------------------

enum { TOLD_AT_ONCE = 16 }; // generations below the one that is ended: the next is told in a turn of its parent
#define apart_LIST(S, M) HAND_METHODS(S, M, apart)
HANDS(apart, .own_thread = 1)

static struct {
  uv_sem_t go;
  atomic_int begun;
} held;

static grove_status job_keep(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)s, (void)user;
  atomic_fetch_add(&held.begun, 1);
  uv_sem_wait(&held.go);
  *reply = 1;
  return GROVE_OK;
}

static grove_ref spawn_below(
    rig *r, const grove_class *k, grove_ref parent, uint32_t stop_ms)
{
  grove_ref child = grove_spawn(r->g, k, &(hand_plan){.start = NULL},
      &(grove_spawn_options){GROVE_SPAWN, .parent = parent, .stop_ms = stop_ms});
  check_ok(grove_ref_status(child));
  return child;
}

// So many generations below `parent`: the last of them.
static grove_ref spawn_line(rig *r, grove_ref parent, int generations)
{
  for (int i = 0; i < generations; i++) {
    parent = spawn_below(r, &hand_class, parent, 0);
  }
  return parent;
}

// Who is held in a method until `go` is posted.
static void keep(rig *r, grove_future call, int nth)
{
  (void)call; // the stop drops it
  rig_until(r, &held.begun, nth);
}

static void until_stuck(rig *r, grove_ref who)
{
  grove_error down;
  check_ok(grove_get(r->g, grove_monitor(r->g, who), 20000, &down, sizeof down, NULL));
  check_status(down.status, GROVE_ESTUCK);
}

static void test_children_are_told_by_one_that_is_given_up(void **state)
{
  struct rig *r = *state;
  grove_error down;
  assert_int_equal(uv_sem_init(&held.go, 0), 0);
  atomic_store(&held.begun, 0);
  grove_ref top = spawn_below(r, &hand_class, GROVE_NOBODY, 0);
  grove_ref deep = spawn_below(r, &hand_class, spawn_line(r, top, TOLD_AT_ONCE - 1), 1);
  grove_ref child = spawn_below(r, &hand_class, deep, 0);
  grove_future ended = grove_monitor(r->g, child);
  keep(r, ask(r->g, deep, job_keep, NULL), 1);
  grove_drop(r->g, grove_exit(r->g, top, 0));
  until_stuck(r, deep);
  check_ok(grove_get(r->g, ended, 20000, &down, sizeof down, NULL));
  check_status(down.status, GROVE_ECANCELED);
  uv_sem_post(&held.go);
  rig_stop(r);
  uv_sem_destroy(&held.go);
}

// The idle one with a thread of its own is to have ended before its parent's method returns, which tells it.
static void release_after_own(void *user, const char *name)
{
  rig_thread_stop(user, name);
  if (strcmp(name, "grove-own") == 0) {
    uv_sem_post(&held.go);
    uv_sem_post(&held.go);
  }
}

static void test_a_stop_leaves_none_behind(void **state)
{
  struct rig *r = *state;
  rig_stop(r);
  atomic_store(&r->freed, 0);
  assert_int_equal(uv_sem_init(&held.go, 0), 0);
  atomic_store(&held.begun, 0);
  r->used = (grove_options){GROVE_OPTIONS,
      .workers = 2,
      .turn_warn_ms = 100000,
      .allocator = &r->allocator,
      .freed = rig_freed,
      .thread_start = rig_thread_start,
      .thread_stop = release_after_own,
      .user = r};
  check_ok(grove_start(&r->used, &r->g));
  grove_ref top = spawn_below(r, &apart_class, GROVE_NOBODY, 1);
  grove_ref below = spawn_below(r, &hand_class, top, 0), deep = spawn_line(r, below, TOLD_AT_ONCE);
  grove_ref idle = spawn_below(r, &apart_class, deep, 0);
  check_ok(grove_get(r->g, grove_ready(r->g, idle), 20000, NULL, 0, NULL));
  keep(r, ask_of(r->g, top, &apart_run_method, job_keep, NULL), 1);
  keep(r, ask(r->g, deep, job_keep, NULL), 2);
  grove_drop(r->g, grove_exit(r->g, below, 0)); // first, so that the other's deadline is not theirs
  grove_drop(r->g, grove_exit(r->g, top, 0));
  until_stuck(r, top); // the root has no other child: it can end
  check_ok(rig_end(r, 20000, NULL)); // both return in time, after all
  rig_until_freed(r);
  uv_sem_destroy(&held.go);
}

// ---- a parent on a thread of its own, and a child that is late ------------------------------------------------

#define lent_LIST(S, M) HAND_METHODS(S, M, lent)
HANDS(lent, .blocking = 1)

struct bearer {
  char none;
};
#define BEARER(START, METHOD)                                                                      \
  START(bearer, grove_shared) METHOD(bearer, nothing, grove_none, grove_none)
GROVE_ACTOR(BEARER, bearer)
static grove_status bearer_start(grove *self, struct bearer *b, const grove_shared *load)
{
  (void)self, (void)b, (void)load;
  return GROVE_OK;
}
static grove_status bearer_nothing(
    grove *self, struct bearer *b, const grove_none *in, grove_none *out)
{
  (void)self, (void)b, (void)in, (void)out;
  return GROVE_OK;
}

// Of what the child bears: runs when it leaves the world, and takes its time.
static void put_down_slowly(void *load, void *user)
{
  (void)load, (void)user;
  atomic_fetch_add(&held.begun, 1);
  uv_sem_wait(&held.go);
}

static atomic_int destroyed;
static void count_destroy(hand_state *s)
{
  (void)s;
  atomic_fetch_add(&destroyed, 1);
}

// When the child has left at last, its parent's memory is given back, though the stop has long returned.
static void stop_before_child(rig *r, const grove_class *parents)
{
  static char load;
  grove_stop_report report = {.struct_size = sizeof report};
  grove_shared s;
  assert_int_equal(uv_sem_init(&held.go, 0), 0);
  atomic_store(&held.begun, 0);
  atomic_store(&destroyed, 0);
  grove_ref parent = grove_spawn(r->g, parents, &(hand_plan){.destroy = count_destroy}, NULL);
  check_ok(grove_get(r->g, grove_ready(r->g, parent), 20000, NULL, 0, NULL));
  check_ok(grove_share(r->g, &load, 1, put_down_slowly, NULL, &s));
  bearer_ref child = bearer_spawn(r->g, s, &(grove_spawn_options){GROVE_SPAWN, .parent = parent});
  grove_release(s);
  check_ok(grove_get(r->g, grove_ready(r->g, child.ref), 20000, NULL, 0, NULL));
  grove_drop(r->g, grove_exit(r->g, child.ref, 0));
  rig_until(r, &held.begun, 1);
  check_status(rig_end(r, 0, &report), GROVE_ETIMEDOUT);
  uv_sem_post(&held.go);
  rig_until_freed(r);
  assert_int_equal(atomic_load(&destroyed), 1);
  uv_sem_destroy(&held.go);
}

static void test_a_parent_on_its_own_thread_waits_for_a_late_child(void **state)
{
  stop_before_child(*state, &apart_class);
}

static void test_a_parent_that_may_block_waits_for_a_late_child(void **state)
{
  stop_before_child(*state, &lent_class);
}

static const rig_test tests[] = {ON(WORKERS, test_a_parent_on_its_own_thread_waits_for_a_late_child),
    ON(WORKERS, test_a_parent_that_may_block_waits_for_a_late_child),
    ON(WORKERS, test_a_child_of_the_last_minute),
    ON(WORKERS, test_children_are_told_by_one_that_is_given_up),
    ON(WORKERS, test_a_stop_leaves_none_behind)};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
