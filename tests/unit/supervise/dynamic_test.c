// Children that somebody else gives to a parent: outside threads, other actors.
#include "family.h"

static grove_spawn_options under(grove_ref parent)
{
  return (grove_spawn_options){
      GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1, .parent = parent};
}

static void test_a_child_from_outside(void **state)
{
  struct rig *r = *state;
  draw(2);
  begin(r, &all_class);
  fam.m[2].options = under(fam.parent);
  check_ok(spawn_member(r->g, &fam.m[2]));
  check_ok(ask_and_get(r->g, fam.m[2].ref, job_echo, NULL, NULL, NULL));
  assert_true(grove_ref_equal(look(r, fam.m[2].ref).parent, fam.parent));
  assert_string_equal(fam.trace, "+c*c");
  forget();
  crash(r, 0); // it is one of the group
  until(r, "*c");
  assert_string_equal(fam.trace, "!a-c!c-b!b+a*a+b*b+c*c");
  forget();
  exits(r, fam.parent, 20000); // and ends with it
  assert_string_equal(fam.trace, "~c!c~b!b~a!a~^!^");
}

// Who gave it away does not own it: it lives on.
static grove_status job_give(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  return spawn_member(self, user);
}
static void test_it_outlives_its_spawner(void **state)
{
  struct rig *r = *state;
  draw(1);
  begin(r, &rest_class);
  fam.m[1].options = under(fam.parent);
  grove_ref giver = spawn_hand(r->g);
  check_ok(ask_and_get(r->g, giver, job_give, &fam.m[1], NULL, NULL));
  exits(r, giver, 20000);
  check_ok(ask_and_get(r->g, fam.m[1].ref, job_echo, NULL, NULL, NULL));
  crash(r, 1);
  until(r, "!b+b*b");
}

static void test_too_many_failures_fail_that_parent(void **state)
{
  struct rig *r = *state;
  draw(1);
  begin(r, &all_class);
  fam.m[1].options = under(fam.parent);
  fam.m[1].options.restart = GROVE_PERMANENT;
  fam.m[1].options.max_restarts = 1;
  check_ok(spawn_member(r->g, &fam.m[1]));
  crash(r, 1);
  until(r, "*a+b*b");
  grove_future gone = grove_monitor(r->g, fam.parent);
  crash(r, 1);
  grove_error down;
  check_ok(grove_get(r->g, gone, 20000, &down, sizeof down, NULL));
  check_contains(down.text, "a child failed too often");
}

static void test_parents_that_are_none(void **state)
{
  struct rig *r = *state;
  draw(1);
  begin(r, &all_class);
  grove_ref gone = spawn_hand(r->g);
  exits(r, gone, 0);
  member *m = &fam.m[1];
  m->options = under(gone);
  check_status(spawn_member(r->g, m), GROVE_ENOACTOR);
  m->options.name = "heir"; // and no name is left behind
  check_status(spawn_member(r->g, m), GROVE_ENOACTOR);
  check_status(grove_ref_status(grove_find(r->g, "heir")), GROVE_ENOENT);
  m->options.parent = grove_find(r->g, "nobody"); // an address that carries a failure
  check_status(spawn_member(r->g, m), GROVE_ENOENT);
  grove *other;
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .simulate = 1, .seed = 77}, &other));
  m->options.parent = grove_self(other);
  check_status(spawn_member(r->g, m), GROVE_EINVAL);
  check_ok(grove_stop(other, 1000, NULL));
  m->options.parent = grove_self(r->g); // the root
  check_ok(spawn_member(r->g, m));
  exits(r, m->ref, 0);
  // one that is on its way out takes nobody
  atomic_store(&fam.m[0].slow_stop, 50);
  grove_future e = grove_exit(r->g, fam.parent, 20000);
  while (look(r, fam.parent).phase != GROVE_PHASE_ENDING) {
    check_ok(grove_sleep(r->g, 1));
  }
  m->options = under(fam.parent);
  check_status(spawn_member(r->g, m), GROVE_ECANCELED);
  check_ok(grove_get(r->g, e, 20000, NULL, 0, NULL));
}

// Threads that give children to parents that fail and end: each child ends with a parent, or was never there.
typedef struct giver {
  rig *r;
  grove_ref parents[4];
  atomic_int *ended, given;
} giver;
static void give_children(void *user)
{
  giver *v = user;
  for (int i = 0; i < 300; i++) {
    grove_spawn_options o = under(v->parents[i % 4]);
    grove_ref c = spawn_plan(v->r->g, (hand_plan){.start = NULL}, &o);
    grove_status s = grove_ref_status(c);
    if (!s) {
      atomic_fetch_add(&v->given, 1);
      (void)!tell(v->r->g, i % 3 ? c : v->parents[i % 4], i % 7 ? job_echo : job_crash, NULL);
    } else if (s != GROVE_ECANCELED && s != GROVE_ENOACTOR) {
      abort();
    }
  }
  atomic_fetch_add(v->ended, 1);
}
static void test_many_give_at_once(void **state)
{
  struct rig *r = *state;
  static giver v[3];
  rig_threads t = {.n = 3};
  draw(2);
  grove_ref parents[4];
  for (int i = 0; i < 4; i++) {
    begin_with(r, i % 2 ? &all_class : &rest_class,
        &(grove_spawn_options){
            GROVE_SPAWN, .restart = GROVE_TRANSIENT, .backoff_min_ms = 1, .max_restarts = 3});
    parents[i] = fam.parent;
  }
  for (int i = 0; i < 3; i++) {
    v[i] = (giver){.r = r, .ended = &t.ended};
    memcpy(v[i].parents, parents, sizeof parents);
    assert_int_equal(uv_thread_create(&t.id[i], give_children, &v[i]), 0);
  }
  rig_join(r, &t);
  for (int i = 0; i < 4; i++) {
    exits(r, parents[i], 20000);
  }
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(r->g, &s));
  assert_int_equal(s.actors, 0);
  assert_int_equal(s.spawned, s.ended);
  assert_true(v[0].given + v[1].given + v[2].given > 0);
}

static const rig_test tests[] = {
    EVERYWHERE(test_a_child_from_outside),
    EVERYWHERE(test_it_outlives_its_spawner),
    EVERYWHERE(test_too_many_failures_fail_that_parent),
    EVERYWHERE(test_parents_that_are_none),
    THREADED(test_many_give_at_once),
};

int main(int argc, char **argv)
{
  return run_family(argc, argv, tests, sizeof tests / sizeof *tests);
}
