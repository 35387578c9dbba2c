// A stop that gives up who is left, while one of those still spawns: grove__cell_give_up is wrapped (CMakeLists.txt), and
// the child comes just before its parent is given up, in a slot that the walk over all actors has passed. Nobody would
// end it, and its parent would wait for it: so it is refused.
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

static const rig_test tests[] = {ON(WORKERS, test_a_child_of_the_last_minute)};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
