// Those that are made by a short way (src/actor/birth.c): plain actors and tasks of an actor's method. What they are and how they end is
// the same as of all others, also where somebody looks at them, tells them to end or waits for that meanwhile.
#include "actors.h"

enum { CHILDREN = 24, ROUNDS = 60 };
static atomic_int begun, gone;

// ---- an actor with a start and a destroy, and what it is born with ------------------------------------------
typedef struct pair {
  long first, second;
} pair;
GROVE_TYPE(pair)
struct child {
  long sum;
};
#define CHILD(START, METHOD) START(child, pair) METHOD(child, add, long, long)
static void child_destroy(void *state)
{
  (void)state;
  atomic_fetch_add(&gone, 1);
}
GROVE_INTERFACE(CHILD, child)
GROVE_CLASS_WITH(CHILD, child, .destroy = child_destroy)
static grove_status child_start(grove *self, struct child *c, const pair *of)
{
  (void)self;
  atomic_fetch_add(&begun, 1);
  bool zero = c->sum == 0;
  c->sum = of->first * of->second;
  return zero ? GROVE_OK : GROVE_EINTERNAL;
}
static grove_status child_add(grove *self, struct child *c, const long *more, long *out)
{
  (void)self;
  c->sum += *more;
  *out = c->sum;
  return GROVE_OK;
}

static grove_status job_rear(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  for (long i = 0; i < ROUNDS; i++) {
    child_ref c[CHILDREN];
    child_add_future f[CHILDREN];
    for (long k = 0; k < CHILDREN; k++) {
      c[k] = child_spawn(self, ((pair){i, k}), NULL);
      f[k] = child_add_call(self, c[k], 1);
    }
    for (long k = 0; k < CHILDREN; k++) {
      long sum = 0;
      grove_status status = child_add_get(self, f[k], GROVE_FOREVER, &sum, NULL);
      grove_error down;
      status = status ? status : grove_get(self, grove_exit(self, c[k].ref, GROVE_FOREVER), GROVE_FOREVER, &down, sizeof down, NULL);
      if (status || down.status || sum != i * k + 1) {
        return grove_fail(self, GROVE_EINTERNAL, "%ld of %ld: %ld", k, i, sum);
      }
    }
  }
  *reply = ROUNDS;
  return GROVE_OK;
}

static void test_each_is_as_it_was_born(void **state)
{
  struct rig *r = *state;
  long n;
  atomic_store(&begun, 0);
  atomic_store(&gone, 0);
  check_ok(ask_and_get(r->g, spawn_hand(r->g), job_rear, NULL, &n, NULL));
  assert_int_equal(n, ROUNDS);
  assert_int_equal(begun, ROUNDS * CHILDREN);
  assert_int_equal(gone, ROUNDS * CHILDREN);
}

// ---- ended by its parent's end before it has begun -----------------------------------------------------------
static grove_status job_leave_behind(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  for (long i = 0; i < CHILDREN; i++) {
    child_ref c = child_spawn(self, ((pair){i, 1}), NULL);
    grove_status status = grove_ref_status(c.ref);
    if (status) {
      return status;
    }
    if (i == 0 && user) { // it begins, whatever comes of the others
      long sum;
      status = child_add_ask(self, c, 1, GROVE_FOREVER, &sum, NULL);
      if (status) {
        return status;
      }
    }
  }
  return grove_crash(self, GROVE_EDEAD, "with all that it has");
}

static void test_who_never_began_is_not_destroyed(void **state)
{
  struct rig *r = *state;
  for (int i = 0; i < ROUNDS; i++) {
    atomic_store(&begun, 0);
    atomic_store(&gone, 0);
    grove_ref parent = spawn_hand(r->g);
    grove_future down = grove_monitor(r->g, parent);
    grove_error why;
    check_status(ask_and_get(r->g, parent, job_leave_behind, i % 2 ? &why : NULL, NULL, NULL), GROVE_EDEAD);
    check_ok(grove_get(r->g, down, 20000, &why, sizeof why, NULL)); // its children have ended before
    assert_int_equal(begun, gone);
    assert_in_range(begun, i % 2, CHILDREN);
  }
}

// ---- the same of a class without a start ---------------------------------------------------------------------
static atomic_int stopped;
static void bare_stop(grove *self, void *state, grove_status why)
{
  (void)self, (void)state, (void)why;
  atomic_fetch_add(&stopped, 1);
}
static grove_status bare_hit(grove *self, void *state, const void *arg, void *reply)
{
  (void)self, (void)state, (void)arg, (void)reply;
  return GROVE_OK;
}
extern const grove_class bare_class;
static const grove_method bare_hit_method = {
    sizeof(grove_method), 0, "hit", &bare_class, bare_hit, &grove_type_of_grove_none, &grove_type_of_grove_none};
static const grove_method *const bare_methods[] = {&bare_hit_method, NULL};
const grove_class bare_class = {.struct_size = sizeof(grove_class),
    .state_bytes = 8,
    .name = "bare",
    .start_arg = &grove_type_of_grove_none,
    .methods = bare_methods,
    .stop = bare_stop,
    .destroy = child_destroy};

static grove_status job_leave_bare_behind(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply, (void)user;
  for (long i = 0; i < CHILDREN; i++) {
    grove_status status = grove_ref_status(grove_spawn(self, &bare_class, &GROVE_NONE, NULL));
    if (status) {
      return status;
    }
  }
  return grove_crash(self, GROVE_EDEAD, "before any of them has had its turn");
}
static void test_who_never_began_is_not_stopped(void **state)
{
  struct rig *r = *state;
  rig_restart(r, &(grove_options){.workers = 1, .seed = 1});
  atomic_store(&gone, 0);
  atomic_store(&stopped, 0);
  for (int i = 0; i < ROUNDS; i++) {
    grove_error why;
    grove_ref parent = spawn_hand(r->g);
    grove_future down = grove_monitor(r->g, parent);
    check_status(ask_and_get(r->g, parent, job_leave_bare_behind, NULL, NULL, NULL), GROVE_EDEAD);
    check_ok(grove_get(r->g, down, 20000, &why, sizeof why, NULL)); // its children have ended before
  }
  assert_int_equal(gone, 0);
  assert_int_equal(stopped, 0);
}

// ---- tasks that others know, watch and tell to end -----------------------------------------------------------
static _Atomic uint64_t known_where[CHILDREN], known_which[CHILDREN];
static atomic_int ran;

GROVE_FUNCTION(known, long, long)
static grove_status known(grove *self, const long *n, long *out)
{
  grove_ref me = grove_self(self);
  atomic_store(&known_which[*n % CHILDREN], me.which);
  atomic_store(&known_where[*n % CHILDREN], me.where);
  atomic_fetch_add(&ran, 1);
  *out = *n;
  return *n % 3 ? GROVE_OK : grove_yield(self);
}

static grove_status job_breed(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  *reply = 0;
  for (long i = 0; i < 20 * ROUNDS; i++) {
    known_future f[CHILDREN];
    for (long k = 0; k < CHILDREN; k++) {
      f[k] = known_task(self, i + k);
    }
    for (long k = 0; k < CHILDREN; k++) {
      long got = -1;
      grove_status status = known_get(self, f[k], GROVE_FOREVER, &got, NULL);
      if (status == GROVE_OK && got != i + k) {
        return GROVE_EINTERNAL;
      }
      if (status && status != GROVE_EDEAD && status != GROVE_ECANCELED) {
        return status;
      }
      ++*reply;
    }
  }
  return GROVE_OK;
}

static void test_tasks_end_under_all_eyes(void **state)
{
  struct rig *r = *state;
  long n = 0;
  grove_future all = ask(r->g, spawn_hand(r->g), job_breed, NULL);
  size_t total;
  for (int i = 0; !grove_ended(r->g, all) && i < 100000; i++) {
    grove_ref one = {atomic_load(&known_where[i % CHILDREN]), atomic_load(&known_which[i % CHILDREN])};
    grove_info info = {.struct_size = sizeof info};
    (void)!grove_inspect(r->g, one, &info); // it may have ended
    grove_future down = i % 2 ? grove_monitor(r->g, one) : grove_exit(r->g, one, i % 4 ? 1000 : 0);
    if (i % 16 == 0) {
      check_ok(grove_snapshot(r->g, NULL, NULL, 0, 0, &total));
    }
    grove_error why;
    grove_status status = grove_get(r->g, down, 20000, &why, sizeof why, NULL);
    assert_true(status == GROVE_OK || status == GROVE_ENOACTOR || status == GROVE_EINVAL);
  }
  check_ok(grove_get(r->g, all, 60000, &n, sizeof n, NULL));
  assert_int_equal(n, 20 * ROUNDS * CHILDREN);
}

int main(int argc, char **argv)
{
  const rig_test tests[] = {
      EVERYWHERE(test_each_is_as_it_was_born),
      EVERYWHERE(test_who_never_began_is_not_destroyed),
      EVERYWHERE(test_who_never_began_is_not_stopped),
      THREADED(test_tasks_end_under_all_eyes),
  };
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
