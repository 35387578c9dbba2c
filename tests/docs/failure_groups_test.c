// The table in docs/guide/failure.md, row by row: children that are restarted together, and ends of one's own.
#include "failure.h"

// A parent with a strategy, that hires workers.
typedef struct hire {
  worker_ref *out;
  grove_spawn_options o;
} hire;
GROVE_TYPE(hire)
#define BOSS(START, METHOD, C) START(C, grove_none) METHOD(C, take, hire, grove_none)
#define BOSS_CLASS(C, STRATEGY)                                                                    \
  struct C {                                                                                       \
    char none;                                                                                     \
  };                                                                                               \
  GROVE_ACTOR_WITH(C##_LIST, C, .strategy = STRATEGY)                                              \
  static grove_status C##_start(grove *self, struct C *c, const grove_none *none)                  \
  {                                                                                                \
    (void)self, (void)c, (void)none;                                                               \
    return GROVE_OK;                                                                               \
  }                                                                                                \
  static grove_status C##_take(grove *self, struct C *c, const hire *h, grove_none *reply)         \
  {                                                                                                \
    (void)c, (void)reply;                                                                          \
    *h->out = worker_spawn(self, GROVE_NONE, &h->o);                                               \
    return grove_ref_status(h->out->ref);                                                          \
  }
#define boss_LIST(S, M) BOSS(S, M, boss)
BOSS_CLASS(boss, GROVE_ONE_FOR_ALL)
#define chief_LIST(S, M) BOSS(S, M, chief)
BOSS_CLASS(chief, GROVE_REST_FOR_ONE)

// Three workers under one boss; each is a row of its own, with the same runtime.
enum { A, B, C, TEAM };
typedef struct team {
  grove *g;
  boss_ref boss;
  grove_future down; // the boss's
  row m[TEAM];
} team;

static void hire_one(team *t, int i, const grove_spawn_options *o)
{
  grove_error err;
  grove_none none;
  t->m[i].g = t->g;
  assert_grove_ok(
      boss_take_ask(t->g, t->boss, (hire){&t->m[i].w, *o}, GROVE_FOREVER, &none, &err), &err);
  t->m[i].down = grove_monitor(t->g, t->m[i].w.ref);
}
static team begin_team(
    const grove_spawn_options *a, const grove_spawn_options *b, const grove_spawn_options *c)
{
  memset(&seen, 0, sizeof seen);
  team t = {.g = grove_test_start(NULL)};
  t.boss = boss_spawn(t.g, GROVE_NONE, NULL);
  t.down = grove_monitor(t.g, t.boss.ref);
  hire_one(&t, A, a);
  hire_one(&t, B, b);
  hire_one(&t, C, c);
  for (int i = 0; i < TEAM; i++) {
    assert_grove_ok(get(&t.m[i], ask(&t.m[i], count, NULL)), &t.m[i].err);
  }
  return t;
}
// What was got before is spent, and dropping it does nothing.
static void end_team(team *t)
{
  for (int i = 0; i < TEAM; i++) {
    grove_drop(t->g, t->m[i].down);
  }
  grove_drop(t->g, t->down);
  grove_test_stop(t->g);
}
static uint32_t restarts(grove *g, const row *r)
{
  grove_info info = {.struct_size = sizeof info};
  assert_grove_ok(grove_inspect(g, r->w.ref, &info), NULL);
  return info.restarts;
}
static void crashes(row *r)
{
  assert_grove_status(get(r, ask(r, crash, NULL)), GROVE_EDEAD, &r->err);
  assert_grove_words(&r->err, "the heap is wrong");
}

// ---- the rows -----------------------------------------------------------------------------------------
static void a_sibling_crashes(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    team t = begin_team(&transient, &queueing, &forgetful);
    worker_run_future running = ask(&t.m[B], nap, &ms_long), behind = ask(&t.m[B], count, NULL);
    worker_run_future dropped[2] = {ask(&t.m[C], nap, &ms_long), ask(&t.m[C], count, NULL)};
    grove_sim_run(t.g, 0);
    crashes(&t.m[A]);
    grove_sim_run(t.g, 0); // all are between two lives
    assert_int_equal(seen.canceled, 2);
    assert_int_equal(seen.stops, 2); // of the siblings
    assert_int_equal(seen.why, GROVE_EDEAD);
    assert_int_equal(seen.destroys, 3);
    assert_grove_status(get(&t.m[B], running), GROVE_EDEAD, &t.m[B].err);
    assert_grove_status(get(&t.m[C], dropped[0]), GROVE_EDEAD, &t.m[C].err);
    assert_grove_status(get(&t.m[C], dropped[1]), GROVE_EDEAD, &t.m[C].err);
    assert_grove_words(&t.m[C].err, "in one group with worker, which failed");
    worker_run_future made = ask(&t.m[B], count, NULL); // it has queue_ms
    assert_grove_status(get(&t.m[C], ask(&t.m[C], count, NULL)), GROVE_EDEAD, &t.m[C].err);
    assert_grove_words(&t.m[C].err, "it is being restarted: in one group with");
    int64_t from = grove_now_ns(t.g);
    assert_grove_ok(get(&t.m[B], behind), &t.m[B].err);
    assert_in_range((grove_now_ns(t.g) - from) / 1000000, 80, 100); // the pause of who failed
    assert_int_equal(t.m[B].reply, 5);                              // the second to start again
    assert_grove_ok(get(&t.m[B], made), &t.m[B].err);
    grove_sim_run(t.g, 0);
    for (int i = 0; i < TEAM; i++) {
      assert_int_equal(restarts(t.g, &t.m[i]), 1);
      lives(&t.m[i]);
      assert_int_equal(t.m[i].reply, 4 + i); // they started in the order of spawning
    }
    end_team(&t);
  }
}

static void the_rest_of_a_chain(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    memset(&seen, 0, sizeof seen);
    team t = {.g = grove_test_start(NULL)};
    chief_ref chief = chief_spawn(t.g, GROVE_NONE, NULL);
    t.boss.ref = chief.ref;
    for (int i = 0; i < TEAM; i++) {
      grove_error err;
      grove_none none;
      t.m[i].g = t.g;
      assert_grove_ok(
          chief_take_ask(t.g, chief, (hire){&t.m[i].w, queueing}, GROVE_FOREVER, &none, &err),
          &err);
      t.m[i].down = grove_monitor(t.g, t.m[i].w.ref);
      assert_grove_ok(get(&t.m[i], ask(&t.m[i], count, NULL)), &t.m[i].err);
    }
    crashes(&t.m[B]);
    grove_sim_advance(t.g, 1000);
    for (int i = 0; i < TEAM; i++) {
      assert_int_equal(restarts(t.g, &t.m[i]), i != A);
      lives(&t.m[i]);
    }
    end_team(&t);
  }
}

static void temporary_members_go_with_the_others_or_alone(void **state)
{
  (void)state;
  static const grove_spawn_options temporary = {GROVE_SPAWN};
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    team t = begin_team(&queueing, &temporary, &queueing);
    crashes(&t.m[B]); // alone
    ends(&t.m[B], GROVE_EUSER, 0);
    assert_int_equal(restarts(t.g, &t.m[A]) + restarts(t.g, &t.m[C]), 0);
    hire_one(&t, B, &temporary);
    crashes(&t.m[A]);
    ends(&t.m[B], GROVE_EDEAD, 0);
    assert_grove_words(&t.m[B].err, "in one group with worker, which failed");
    lives(&t.m[A]);
    lives(&t.m[C]);
    end_team(&t);
  }
}

static void an_exit_leaves_the_siblings_alone(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    team t = begin_team(&transient, &transient, &transient);
    grove_drop(t.g, grove_exit(t.g, t.m[A].w.ref, 1000));
    grove_drop(t.g, grove_exit(t.g, t.m[B].w.ref, 0));
    ends(&t.m[A], GROVE_OK, 0);
    ends(&t.m[B], GROVE_ECANCELED, 0);
    lives(&t.m[C]);
    assert_int_equal(restarts(t.g, &t.m[C]), 0);
    end_team(&t);
  }
}

static void an_exit_while_the_group_is_held(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    for (int how = 0; how < 3; how++) { // one is asked, killed; the boss ends
      team t = begin_team(&queueing, &queueing, &queueing);
      crashes(&t.m[A]);
      grove_sim_run(t.g, 0);
      worker_run_future queued = ask(&t.m[B], count, NULL);
      grove_drop(t.g, how < 2 ? grove_exit(t.g, t.m[B].w.ref, how ? 0 : 1000)
                              : grove_exit(t.g, t.boss.ref, 1000));
      assert_grove_status(get(&t.m[B], queued), GROVE_EDEAD, &t.m[B].err);
      ends(&t.m[B], how == 1 ? GROVE_ECANCELED : GROVE_OK, 1);
      for (int i = 0; i < TEAM; i += 2) {
        if (how < 2) {
          lives(&t.m[i]);
        } else {
          ends(&t.m[i], GROVE_OK, 1);
        }
      }
      assert_int_equal(seen.starts, how < 2 ? 5 : 3);
      assert_int_equal(seen.destroys, 3);
      end_team(&t);
    }
  }
}

static void a_child_spawned_meanwhile_waits_for_its_turn(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    team t = begin_team(&transient, &transient, &transient);
    crashes(&t.m[A]);
    grove_sim_run(t.g, 0);
    grove_drop(t.g, t.m[C].down);
    hire_one(&t, C, &transient); // a fourth one
    worker_run_future early = ask(&t.m[C], count, NULL);
    assert_int_equal(seen.starts, 3);
    assert_grove_ok(get(&t.m[C], early), &t.m[C].err);
    assert_int_equal(t.m[C].reply, 7); // the last of the four
    assert_int_equal(restarts(t.g, &t.m[C]), 0);
    end_team(&t);
  }
}

static void a_failed_start_begins_the_round_again(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    team t = begin_team(&queueing, &queueing, &queueing);
    crashes(&t.m[C]);
    grove_sim_run(t.g, 0);
    seen.starts_that_fail = 1; // that of A
    for (int i = 0; i < TEAM; i++) {
      lives(&t.m[i]);
    }
    assert_int_equal(seen.starts, 3 + 1 + 3);
    end_team(&t);
  }
}

static void one_restart_too_many_in_a_group(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    grove_spawn_options once = queueing;
    once.max_restarts = 1;
    team t = begin_team(&once, &once, &once);
    for (int i = 0; i < TEAM; i++) { // each may once: their siblings' restarts are not theirs
      crashes(&t.m[i]);
      grove_sim_advance(t.g, 1000);
    }
    crashes(&t.m[B]);
    ends(&t.m[B], GROVE_EUSER, 3);
    ends(&t.m[A], GROVE_OK, 3);
    ends(&t.m[C], GROVE_OK, 3);
    grove_error down;
    assert_grove_ok(grove_get(t.g, t.down, GROVE_FOREVER, &down, sizeof down, NULL), NULL);
    assert_grove_status(down.status, GROVE_EUSER, &down);
    assert_grove_words(&down, "a child failed too often: ");
    end_team(&t);
  }
}

static grove_status leave(grove *self, struct worker *w, void *user, long *reply)
{
  (void)w, (void)user, (void)reply;
  grove_drop(self, grove_exit(self, grove_self(self), 1000));
  return GROVE_OK;
}
static void an_end_of_ones_own(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    for (uint32_t kind = GROVE_TEMPORARY; kind <= GROVE_PERMANENT; kind++) {
      row r = begin(&(grove_spawn_options){GROVE_SPAWN, .restart = kind, .queue_ms = 5000}, 0);
      assert_grove_ok(get(&r, ask(&r, leave, NULL)), &r.err);
      if (kind == GROVE_PERMANENT) {
        grove_sim_advance(r.g, 1000);
        assert_int_equal(restarts(r.g, &r), 1);
        lives(&r);
      } else {
        ends(&r, GROVE_OK, 0);
      }
      assert_int_equal(seen.stops, 1);
      assert_int_equal(seen.why, GROVE_OK);
      assert_int_equal(seen.destroys, 1);
      grove_test_stop(r.g);
    }
  }
}

static void an_expendable_child_fails_alone(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    grove_spawn_options once = queueing;
    once.max_restarts = 1;
    once.flags = GROVE_SPAWN_EXPENDABLE;
    team t = begin_team(&queueing, &once, &queueing);
    crashes(&t.m[B]);
    assert_grove_ok(get(&t.m[B], ask(&t.m[B], count, NULL)), &t.m[B].err);
    crashes(&t.m[B]);
    ends(&t.m[B], GROVE_EUSER, 1);
    lives(&t.m[A]);
    lives(&t.m[C]);
    assert_false(grove_ended(t.g, t.down));
    end_team(&t);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      GROVE_TEST(a_sibling_crashes),
      GROVE_TEST(the_rest_of_a_chain),
      GROVE_TEST(temporary_members_go_with_the_others_or_alone),
      GROVE_TEST(an_exit_leaves_the_siblings_alone),
      GROVE_TEST(an_exit_while_the_group_is_held),
      GROVE_TEST(a_child_spawned_meanwhile_waits_for_its_turn),
      GROVE_TEST(a_failed_start_begins_the_round_again),
      GROVE_TEST(one_restart_too_many_in_a_group),
      GROVE_TEST(an_end_of_ones_own),
      GROVE_TEST(an_expendable_child_fails_alone),
  };
  return GROVE_TEST_RUN(argc, argv, tests);
}
