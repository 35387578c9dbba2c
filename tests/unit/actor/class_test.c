// Classes of other versions: one whose struct ends where it ended before it had any option, and one of a later version.
// Each lies in memory of its own size, so that AddressSanitizer sees a look behind its end.
#include "actors.h"

typedef struct maker {
  grove_class *class;
  grove_method run;
} maker;

static grove_status old_start(grove *self, void *state, const void *arg, void *reply)
{
  (void)reply;
  return hand_do_start(self, state, arg);
}
static grove_status old_run(grove *self, void *state, const void *arg, void *reply)
{
  return hand_do(self, state, arg, reply);
}

static const grove_method *const no_methods[] = {NULL};

// A class of `bytes`; what is behind what this version knows is `tail`.
static void make(maker *m, size_t bytes, unsigned char tail)
{
  grove_class full = {.struct_size = (uint32_t)bytes,
      .state_bytes = sizeof(hand_state),
      .name = "old",
      .start_arg = &grove_type_of_hand_plan,
      .methods = no_methods,
      .start = old_start};
  m->class = malloc(bytes);
  assert_non_null(m->class);
  memset(m->class, tail, bytes);
  memcpy(m->class, &full, bytes < sizeof full ? bytes : sizeof full);
  m->run = (grove_method){sizeof(grove_method), 0, "run", m->class, old_run,
      &grove_type_of_hand_job, long_type};
}

static grove_status wait_for_itself(grove *self, hand_state *s, void *user, long *reply)
{
  maker *m = user;
  (void)s;
  return grove_get(self, ask_of(self, grove_self(self), &m->run, job_echo, NULL), GROVE_FOREVER,
      reply, sizeof *reply, NULL);
}

// All that looks at a class's options: spawn, full mailboxes, waits, turns, restarts, ends, looks from outside.
static void test_a_class_that_ends_behind_start(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  static maker m;
  make(&m, offsetof(grove_class, start) + sizeof(grove_method_fn *), 0);
  p = (pause_point){.begun = 0};
  grove_spawn_options o = {
      GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1, .queue_ms = 20000};
  grove_ref a = grove_spawn(r->g, m.class, &(hand_plan){.start = NULL}, &o);
  check_ok(grove_ref_status(a));
  grove_future busy = ask_of(r->g, a, &m.run, job_pause, &p);
  rig_until(r, &p.begun, 1);
  grove_info info = {.struct_size = sizeof info};
  check_ok(grove_inspect(r->g, a, &info));
  assert_string_equal(info.class_name, "old");
  pause_end(r->g, &p, 3);
  long n = 0;
  check_ok(grove_get(r->g, busy, 20000, &n, sizeof n, NULL));
  assert_int_equal(n, 3);
  grove_future circle = ask_of(r->g, a, &m.run, wait_for_itself, &m); // no second activation
  check_status(grove_get(r->g, circle, 20000, NULL, 0, NULL), GROVE_EDEADLK);
  grove_future crash = ask_of(r->g, a, &m.run, job_crash, NULL);
  check_status(grove_get(r->g, crash, 20000, NULL, 0, NULL), GROVE_EDEAD);
  check_ok(grove_get(
      r->g, ask_of(r->g, a, &m.run, job_echo, (void *)5), 20000, &n, sizeof n, NULL));
  assert_int_equal(n, 5);
  o = (grove_spawn_options){GROVE_SPAWN, .stands_for = &hand_class}; // it has no `receive`
  check_status(grove_ref_status(grove_spawn(r->g, m.class, &(hand_plan){.start = NULL}, &o)),
      GROVE_EINVAL);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  rig_stop(r);
  free(m.class);
}

static void test_classes_that_are_not_understood(void **state)
{
  struct rig *r = *state;
  maker m;
  hand_plan plan = {.start = NULL};
  make(&m, sizeof(grove_class) + 24, 0); // a later version, at its defaults
  grove_ref a = grove_spawn(r->g, m.class, &plan, NULL);
  long n = 0;
  check_ok(grove_get(
      r->g, ask_of(r->g, a, &m.run, job_echo, (void *)5), 20000, &n, sizeof n, NULL));
  assert_int_equal(n, 5);
  check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  m.class->full = GROVE_FULL_DROP_OLD + 1;
  check_status(grove_ref_status(grove_spawn(r->g, m.class, &plan, NULL)), GROVE_EINVAL);
  m.class->full = GROVE_FULL_FAIL;
  m.class->strategy = GROVE_REST_FOR_ONE + 1;
  check_status(grove_ref_status(grove_spawn(r->g, m.class, &plan, NULL)), GROVE_EINVAL);
  free(m.class);
  make(&m, sizeof(grove_class) + 24, 1); // one that says what this one does not know
  check_status(grove_ref_status(grove_spawn(r->g, m.class, &plan, NULL)), GROVE_ENOTSUP);
  free(m.class);
  make(&m, offsetof(grove_class, start), 0); // one that was never published
  check_status(grove_ref_status(grove_spawn(r->g, m.class, &plan, NULL)), GROVE_EINVAL);
  free(m.class);
}

// Code that was unloaded, and other code in its stead, at the same place and of the same name: it runs as it says, and the one
// before as that one said.
static void test_another_at_the_same_place(void **state)
{
  struct rig *r = *state;
  maker m;
  hand_plan plan = {NULL, NULL, NULL, NULL};
  make(&m, sizeof(grove_class), 0);
  for (int i = 0; i < 8; i++) {
    m.class->own_thread = (i & 3) == 1;
    m.class->blocking = (i & 3) == 2;
    m.class->concurrency = (i & 3) == 3 ? 4 : 0;
    m.class->stack_bytes = i < 4 ? 0 : 1 << 20;
    grove_ref a = grove_spawn(r->g, m.class, &plan, NULL);
    long n = 0;
    check_ok(grove_get(r->g, ask_of(r->g, a, &m.run, job_echo, (void *)5), 20000, &n, sizeof n, NULL));
    assert_int_equal(n, 5);
    check_ok(grove_get(r->g, grove_exit(r->g, a, 20000), 20000, NULL, 0, NULL));
  }
  free(m.class);
}

static const rig_test tests[] = {
    EVERYWHERE(test_a_class_that_ends_behind_start),
    EVERYWHERE(test_classes_that_are_not_understood),
    EVERYWHERE(test_another_at_the_same_place),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
