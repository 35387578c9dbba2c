// What else happens while children are restarted together: calls, spawns, failures, kills, ends.
#include "family.h"

static void test_calls_meanwhile(void **state)
{
  struct rig *r = *state;
  grove_error err;
  long n;
  draw(3);
  for (int i = 0; i < 3; i++) {
    fam.m[i].options.backoff_min_ms = fam.m[i].options.backoff_max_ms = 500;
  }
  fam.m[1].options.queue_ms = 5000;
  fam.m[2].options.flags = GROVE_SPAWN_DROP_MAILBOX;
  begin(r, &all_class);
  static pause_point p[3];
  memset(p, 0, sizeof p);
  grove_future busy[3], behind[3];
  for (int i = 1; i < 3; i++) {
    busy[i] = ask(r->g, fam.m[i].ref, job_pause, &p[i]);
    rig_until(r, &p[i].begun, 1);
    behind[i] = ask(r->g, fam.m[i].ref, job_echo, (void *)8);
  }
  crash(r, 0);
  (void)grove_sim_run(r->g, 0);
  assert_string_equal(fam.trace, "!a-c!c-b!b"); // what they were at was cancelled
  check_status(ask_and_get(r->g, fam.m[0].ref, job_echo, NULL, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "it is being restarted: hand.run: it fell");
  check_status(ask_and_get(r->g, fam.m[2].ref, job_echo, NULL, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "it is being restarted: in one group with hand, which failed");
  check_ok(ask_and_get(r->g, fam.m[1].ref, job_echo, (void *)5, &n, &err)); // has queue_ms
  assert_int_equal(n, 5);
  check_status(grove_get(r->g, busy[1], 20000, NULL, 0, &err), GROVE_EDEAD);
  check_status(grove_get(r->g, busy[2], 20000, NULL, 0, &err), GROVE_EDEAD);
  check_ok(grove_get(r->g, behind[1], 20000, &n, sizeof n, &err));
  check_status(grove_get(r->g, behind[2], 20000, NULL, 0, &err), GROVE_EDEAD);
  check_contains(err.text, "in one group with");
}

static grove_status job_spawn(grove *self, hand_state *s, void *user, long *reply)
{
  member *m = user;
  (void)s, (void)reply;
  return spawn_member(self, m);
}
static void test_a_child_spawned_meanwhile_starts_in_its_turn(void **state)
{
  struct rig *r = *state;
  draw(2);
  atomic_store(&fam.m[0].slow_stop, 20);
  begin(r, &all_class);
  for (int when = 0; when < 3; when++) { // while they stop, pause, start
    forget();
    atomic_store(&fam.m[0].slow_start, when == 2 ? 20 : 0);
    crash(r, 1);
    (void)grove_sim_advance(r->g, when == 0 ? 5 : when == 1 ? 25 : 35);
    member *m = &fam.m[2 + when];
    grove_future f = grove_call(r->g, fam.parent, &all_run_method, &(hand_job){job_spawn, m});
    check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
    assert_int_equal(m->starts, 0);
    grove_future early = ask(r->g, m->ref, job_echo, (void *)4); // waits for its start, as ever
    long n;
    check_ok(grove_get(r->g, early, 20000, &n, sizeof n, NULL));
    assert_int_equal(n, 4);
    assert_int_equal(look(r, m->ref).restarts, 0);
    static const char *const want[] = {
        "!b-a!a+a*a+b*b+c*c", "!b-c!c-a!a+a*a+b*b+c*c+d*d", "!b-d!d-c!c-a!a+a*a+b*b+c*c+d*d+e*e"};
    assert_string_equal(fam.trace, want[when]);
  }
}

static void test_a_start_that_fails_begins_again(void **state)
{
  struct rig *r = *state;
  draw(3);
  begin(r, &all_class);
  atomic_store(&fam.m[1].bad_starts, 2);
  crash(r, 2);
  until(r, "*c");
  assert_string_equal(fam.trace, "!c-b!b-a!a+a*a+b!b-a!a+a*a+b!b-a!a+a*a+b*b+c*c");
  assert_int_equal(look(r, fam.m[2].ref).restarts, 1); // one that had not begun is not stopped
  // the later ones only
  draw(3);
  begin(r, &rest_class);
  atomic_store(&fam.m[1].bad_starts, 1);
  crash(r, 0);
  until(r, "*c");
  assert_string_equal(fam.trace, "!a-c!c-b!b+a*a+b!b+b*b+c*c");
}

static grove_status job_crash_at_the_end(grove *self, hand_state *s, void *user, long *reply)
{
  long n;
  (void)!job_pause(self, s, user, &n);
  return job_crash(self, s, NULL, reply);
}
static void test_a_failure_on_the_way_is_not_charged(void **state)
{
  struct rig *r = *state;
  draw(2);
  fam.m[0].options.max_restarts = 1;
  begin(r, &all_class);
  for (int i = 0; i < 4; i++) {
    static pause_point p;
    memset(&p, 0, sizeof p);
    forget();
    grove_future f = ask(r->g, fam.m[0].ref, job_crash_at_the_end, &p);
    rig_until(r, &p.begun, 1);
    crash(r, 1);
    check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EDEAD);
    until(r, "*b");
    assert_string_equal(fam.trace, "!b!a+a*a+b*b"); // it failed: no stop
  }
}

// Both fail at once, in either order: one round for both.
static void test_two_failures_are_one_round(void **state)
{
  struct rig *r = *state;
  draw(4);
  atomic_store(&fam.m[3].slow_stop, 20);
  begin(r, &rest_class);
  crash(r, 2);
  (void)grove_sim_advance(r->g, 5);
  crash(r, 0); // while the last one still stops
  until(r, "*d");
  assert_string_equal(fam.trace, "!c-d!a!d-b!b+a*a+b*b+c*c+d*d");
  assert_int_equal(look(r, fam.m[1].ref).restarts, 1);
}

// ---- ends in the middle of it --------------------------------------------------------------------------
static void test_kills_in_the_middle(void **state)
{
  struct rig *r = *state;
  for (int who = 0; who < 4; who++) { // the third has failed
    for (int64_t ms = 0; ms <= 60; ms += 4) {
      for (int64_t grace = 0; grace <= 20000; grace += 20000) {
        draw(4);
        for (int i = 0; i < 4; i++) {
          atomic_store(&fam.m[i].slow_stop, 5);
        }
        begin(r, &all_class);
        for (int i = 0; i < 4; i++) {
          atomic_store(&fam.m[i].slow_start, 7);
        }
        crash(r, 2);
        (void)grove_sim_advance(r->g, ms);
        grove_future gone = grove_exit(r->g, fam.m[who].ref, grace);
        (void)grove_sim_advance(r->g, 200);
        grove_error down;
        check_ok(grove_get(r->g, gone, 0, &down, sizeof down, NULL));
        if (who != 2) { // whatever else it was about to do
          check_status(down.status, grace ? GROVE_OK : GROVE_ECANCELED);
          check_contains(down.text, grace ? "ended in an orderly way" : "was killed");
        }
        for (int i = 0; i < 4; i++) {
          grove_status s = ask_and_get(r->g, fam.m[i].ref, job_echo, NULL, NULL, NULL);
          check_status(s, i == who ? GROVE_ENOACTOR : GROVE_OK);
        }
        exits(r, fam.parent, 20000);
      }
    }
  }
}

static void test_the_parent_ends_in_the_middle(void **state)
{
  struct rig *r = *state;
  for (int64_t ms = 0; ms <= 60; ms += 2) {
    for (int64_t grace = 0; grace <= 20000; grace += 20000) {
      draw(4);
      begin(r, &all_class);
      for (int i = 0; i < 4; i++) {
        atomic_store(&fam.m[i].slow_start, 7);
        atomic_store(&fam.m[i].slow_stop, 5);
      }
      crash(r, 2);
      (void)grove_sim_advance(r->g, ms);
      exits(r, fam.parent, grace);
      int starts = 0, destroys = 0;
      for (const char *t = fam.trace; *t; t += 2) {
        starts += t[0] == '+';
        destroys += t[0] == '!' && t[1] != '^';
      }
      assert_int_equal(destroys, starts + 4); // each life once
      for (int i = 0; i < 4; i++) {
        check_status(ask_and_get(r->g, fam.m[i].ref, job_echo, NULL, NULL, NULL), GROVE_ENOACTOR);
      }
    }
  }
}

// One that does not return is given up, and the others go on without it.
static void test_a_stuck_member(void **state)
{
  struct rig *r = *state;
  static hold h;
  hold_init(&h);
  draw(3);
  fam.m[2].options.stop_ms = 1;
  begin(r, &all_class);
  grove_future f = ask(r->g, fam.m[2].ref, job_hold, &h);
  rig_until(r, &h.begun, 1);
  crash(r, 0);
  until(r, "*b");
  assert_string_equal(fam.trace, "!a-b!b+a*a+b*b");
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_ESTUCK);
  is_down(r, fam.m[2].ref, GROVE_ESTUCK, "in one group with");
  hold_let_go(&h);
  until(r, "!c");
  uv_sem_destroy(&h.sem);
}

// A member that waits for the round to end, of which it is a part, is told to end as any other.
static atomic_int asked;
static grove_status job_ask_sibling(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  grove_future f = ask(self, ((member *)user)->ref, job_take, NULL);
  atomic_fetch_add(&asked, 1);
  return grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
}
static void test_members_that_wait_for_each_other(void **state)
{
  struct rig *r = *state;
  draw(3);
  begin(r, &all_class);
  atomic_store(&asked, 0);
  grove_future f = ask(r->g, fam.m[0].ref, job_ask_sibling, &fam.m[1]);
  grove_future g = ask(r->g, fam.m[2].ref, job_ask_sibling, &fam.m[1]);
  rig_until(r, &asked, 2);
  crash(r, 1);
  check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EDEAD);
  check_status(grove_get(r->g, g, 20000, NULL, 0, NULL), GROVE_EDEAD);
  until(r, "*c");
}

// A start that asks the parent, who waits for a sibling that is held until that start is through: a circle, and said so.
static grove_status start_asking(grove *self, hand_state *s, void *user, long *reply)
{
  member *m = user;
  grove_status status = start_member(self, s, user, reply);
  if (!status && atomic_load(&m->starts) > 1 && m->name == 'a') {
    grove_future f =
        grove_call(self, fam.parent, &all_run_method, &(hand_job){job_echo, (void *)1});
    status = grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, NULL);
  }
  return status == GROVE_EDEADLK ? GROVE_OK : status; // the victim goes on
}
static grove_status job_hire_and_wait(grove *self, hand_state *s, void *user, long *reply)
{
  member *m = user;
  (void)s;
  m->ref = spawn_plan(self, (hand_plan){start_asking, NULL, destroy_member, m}, &m->options);
  return grove_get(
      self, ask(self, m->ref, job_echo, (void *)6), GROVE_FOREVER, reply, sizeof *reply, NULL);
}
static void test_a_circle_through_a_held_sibling(void **state)
{
  struct rig *r = *state;
  grove_error err;
  long n = 0;
  draw(0);
  begin(r, &all_class);
  for (int i = 0; i < 2; i++) {
    grove_future f =
        grove_call(r->g, fam.parent, &all_run_method, &(hand_job){job_hire_and_wait, &fam.m[i]});
    check_ok(grove_get(r->g, f, 20000, &n, sizeof n, NULL));
  }
  crash(r, 0);
  (void)grove_sim_run(r->g, 0); // all are held
  grove_future f =
      grove_call(r->g, fam.parent, &all_run_method, &(hand_job){job_hire_and_wait, &fam.m[2]});
  grove_status s = grove_get(r->g, f, 20000, &n, sizeof n, &err);
  assert_true(s == GROVE_EDEADLK || s == GROVE_OK); // one of the two is the victim
  if (s) {
    check_contains(err.text, "waits in a circle");
  }
  until(r, "*a");
}

// Functions that the parent runs as tasks are its own work, not members.
static grove_status run_task(grove *self, void *state, const void *arg, void *reply)
{
  (void)state, (void)reply;
  atomic_fetch_add(*(atomic_int *const *)arg, 1);
  return grove_sleep(self, 50);
}
typedef atomic_int *counter_ref;
GROVE_TYPE(counter_ref)
static const grove_method task_method = {sizeof(grove_method), 0, "task", NULL, run_task,
    &grove_type_of_counter_ref, &grove_type_of_grove_none};
static grove_status job_task(grove *self, hand_state *s, void *user, long *reply)
{
  counter_ref n = user;
  (void)s, (void)reply;
  return grove_get(self, grove_task(self, &task_method, &n), GROVE_FOREVER, NULL, 0, NULL);
}
static void test_tasks_are_no_members(void **state)
{
  struct rig *r = *state;
  static atomic_int begun;
  atomic_store(&begun, 0);
  draw(2);
  begin(r, &all_class);
  grove_future f = grove_call(r->g, fam.parent, &all_run_method, &(hand_job){job_task, &begun});
  rig_until(r, &begun, 1);
  crash(r, 0);
  until(r, "*b");
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  f = grove_call(r->g, fam.parent, &all_run_method, &(hand_job){job_task, &begun});
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
}

static const rig_test tests[] = {
    ON(SIM, test_calls_meanwhile),
    ON(SIM, test_a_child_spawned_meanwhile_starts_in_its_turn),
    EVERYWHERE(test_a_start_that_fails_begins_again),
    EVERYWHERE(test_a_failure_on_the_way_is_not_charged),
    ON(SIM, test_two_failures_are_one_round),
    ON(SIM, test_kills_in_the_middle),
    ON(SIM, test_the_parent_ends_in_the_middle),
    THREADED(test_a_stuck_member),
    EVERYWHERE(test_members_that_wait_for_each_other),
    ON(SIM, test_a_circle_through_a_held_sibling),
    EVERYWHERE(test_tasks_are_no_members),
};

int main(int argc, char **argv)
{
  return run_family(argc, argv, tests, sizeof tests / sizeof *tests);
}
