// The table in docs/guide/failure.md, row by row: what the caller, the actor and a monitor see when actors fail and end.
// In simulation, with several schedules each.
#include "failure.h"

// ---- the rows -----------------------------------------------------------------------------------------
static void an_error_fails_the_call_alone(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(NULL, 0);
    worker_run_future f = ask(&r, give_an_error, NULL), next = ask(&r, count, NULL);
    assert_grove_status(get(&r, f), GROVE_EUSER, &r.err);
    assert_grove_words(&r.err, "worker.run: no such account");
    assert_grove_ok(get(&r, next), &r.err);
    lives(&r);
    assert_int_equal(seen.starts, 1);
    grove_test_stop(r.g);
  }
}

static void a_crash_of_a_temporary_one_ends_it(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(NULL, 0);
    worker_run_future f = ask(&r, crash, NULL), queued = ask(&r, count, NULL);
    assert_grove_status(get(&r, f), GROVE_EDEAD, &r.err);
    assert_grove_words(&r.err, "the heap is wrong");
    assert_grove_status(get(&r, queued), GROVE_EDEAD, &r.err);
    assert_grove_words(&r.err, "the heap is wrong");
    ends(&r, GROVE_EUSER, 0);
    assert_grove_words(&r.err, "the heap is wrong"); // who calls later learns it, too
    assert_int_equal(seen.stops, 0);
    assert_int_equal(seen.destroys, 1);
    grove_test_stop(r.g);
  }
}

static void after_a_crash_the_mailbox_is_kept(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(&transient, 0);
    worker_run_future f = ask(&r, crash, NULL), queued = ask(&r, count, NULL);
    assert_grove_status(get(&r, f), GROVE_EDEAD, &r.err);
    assert_grove_ok(get(&r, queued), &r.err); // made before the crash: any queue_ms
    assert_int_equal(r.reply, 2);
    lives(&r);
    assert_int_equal(seen.destroys, 1);
    grove_test_stop(r.g);
  }
}

static void after_a_crash_the_mailbox_can_be_dropped(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(&forgetful, 0);
    worker_run_future f = ask(&r, crash, NULL), queued = ask(&r, count, NULL);
    assert_grove_status(get(&r, f), GROVE_EDEAD, &r.err);
    assert_grove_status(get(&r, queued), GROVE_EDEAD, &r.err);
    assert_grove_words(&r.err, "the heap is wrong");
    grove_sim_advance(r.g, 1000);
    lives(&r);
    grove_test_stop(r.g);
  }
}

// Nobody waits for a send that kills: it is dropped, and the log and grove_deaths tell.
static void a_send_that_kills_is_reported(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    for (uint32_t kind = GROVE_TEMPORARY; kind <= GROVE_TRANSIENT; kind++) {
      row r = begin(&(grove_spawn_options){GROVE_SPAWN, .restart = kind, .queue_ms = 5000}, 0);
      grove_death death[2];
      size_t n = 0;
      assert_grove_ok(worker_run_send(r.g, r.w, (act){crash, NULL}), NULL);
      grove_sim_advance(r.g, 1000);
      assert_grove_ok(grove_deaths(r.g, GROVE_NOBODY, death, sizeof death[0], 2, &n), NULL);
      assert_int_equal(n, 1);
      assert_int_equal(death[0].again, kind == GROVE_TRANSIENT);
      assert_true(grove_ref_equal(death[0].who, r.w.ref));
      assert_grove_status(death[0].error.status, GROVE_EUSER, &death[0].error);
      assert_grove_words(&death[0].error, "worker.run: the heap is wrong");
      assert_string_equal(death[0].error.method, "worker.run");
      if (kind == GROVE_TRANSIENT) {
        lives(&r); // it does not come again
        assert_int_equal(seen.starts, 2);
      } else {
        ends(&r, GROVE_EUSER, 0);
      }
      grove_test_stop(r.g);
    }
  }
}

// Crashes, and steps on until it is between two lives.
static void crash_and_wait(row *r)
{
  grove_info info = {.struct_size = sizeof info};
  assert_grove_status(get(r, ask(r, crash, NULL)), GROVE_EDEAD, &r->err);
  do {
    assert_grove_ok(grove_inspect(r->g, r->w.ref, &info), NULL);
  } while (info.phase != GROVE_PHASE_RESTARTING && grove_sim_step(r->g));
  assert_int_equal(info.phase, GROVE_PHASE_RESTARTING);
}

static void while_restarting_calls_fail_fast_and_sends_wait(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(&transient, 0);
    crash_and_wait(&r);
    assert_grove_status(get(&r, ask(&r, count, NULL)), GROVE_EDEAD, &r.err);
    assert_grove_words(&r.err, "it is being restarted");
    assert_grove_ok(worker_run_send(r.g, r.w, (act){count, NULL}), NULL);
    assert_int_equal(seen.ran, 0);
    grove_sim_advance(r.g, 1000);
    assert_int_equal(seen.ran, 1);
    lives(&r);
    grove_test_stop(r.g);
  }
}

static void while_restarting_calls_can_be_queued(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(&queueing, 0);
    crash_and_wait(&r);
    assert_grove_ok(get(&r, ask(&r, count, NULL)), &r.err);
    assert_int_equal(r.reply, 2);
    lives(&r);
    grove_test_stop(r.g);

    r = begin(&impatient, 0);
    crash_and_wait(&r);
    assert_grove_status(get(&r, ask(&r, count, NULL)), GROVE_EDEAD, &r.err);
    assert_grove_words(&r.err, "queue_ms");
    grove_sim_advance(r.g, 10000);
    lives(&r);
    grove_test_stop(r.g);
  }
}

static void a_failed_start_ends_or_is_tried_again(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(NULL, 1);
    grove_future ready = grove_ready(r.g, r.w.ref);
    worker_run_future queued = ask(&r, count, NULL);
    assert_grove_status(
        grove_get(r.g, ready, GROVE_FOREVER, NULL, 0, &r.err), GROVE_ENOENT, &r.err);
    assert_grove_words(&r.err, "no database");
    assert_grove_status(get(&r, queued), GROVE_EDEAD, &r.err);
    assert_grove_words(&r.err, "no database");
    ends(&r, GROVE_ENOENT, 0);
    assert_int_equal(seen.destroys, 1); // also after a failed start
    grove_test_stop(r.g);

    r = begin(&transient, 2);
    ready = grove_ready(r.g, r.w.ref);
    queued = ask(&r, count, NULL);
    assert_grove_ok(grove_get(r.g, ready, GROVE_FOREVER, NULL, 0, &r.err), &r.err);
    assert_grove_ok(get(&r, queued), &r.err);
    assert_int_equal(seen.starts, 3);
    lives(&r);
    grove_test_stop(r.g);
  }
}

static void an_exit_with_grace_handles_what_came_before(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(&transient, 0);
    worker_run_future before = ask(&r, nap, &ms_1000);
    grove_future gone = grove_exit(r.g, r.w.ref, 5000);
    worker_run_future after = ask(&r, count, NULL);
    assert_grove_ok(get(&r, before), &r.err);
    assert_grove_status(get(&r, after), GROVE_EDEAD, &r.err);
    ends(&r, GROVE_OK, 0);
    assert_int_equal(seen.stops, 1);
    assert_int_equal(seen.why, GROVE_OK);
    assert_int_equal(seen.destroys, 1);
    assert_int_equal(seen.ran, 0);
    assert_grove_ok(grove_get(r.g, gone, 0, NULL, 0, NULL), NULL);
    grove_test_stop(r.g);
  }
}

static void an_exit_ends_by_force_when_the_grace_is_over(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(&transient, 0);
    worker_run_future before = ask(&r, nap, &ms_long);
    grove_drop(r.g, grove_exit(r.g, r.w.ref, 500));
    assert_grove_status(get(&r, before), GROVE_EDEAD, &r.err);
    assert_int_equal(grove_now_ns(r.g) / 1000000, 500);
    ends(&r, GROVE_ECANCELED, 0);
    assert_int_equal(seen.canceled, 1);
    assert_int_equal(seen.stops, 0);
    assert_int_equal(seen.destroys, 1);
    grove_test_stop(r.g);
  }
}

static void an_exit_between_two_lives_is_the_end(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    for (int64_t grace = 0; grace <= 1000; grace += 1000) {
      row r = begin(&queueing, 0);
      crash_and_wait(&r);
      worker_run_future queued = ask(&r, count, NULL);
      grove_drop(r.g, grove_exit(r.g, r.w.ref, grace));
      assert_grove_status(get(&r, queued), GROVE_EDEAD, &r.err);
      ends(&r, grace ? GROVE_OK : GROVE_ECANCELED, 1);
      assert_int_equal(seen.starts, 1);
      assert_int_equal(seen.destroys, 1);
      assert_int_equal(seen.stops, 0);
      grove_test_stop(r.g);
    }
  }
}

static void an_exit_while_it_starts_is_the_end(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    for (int64_t grace = 0; grace <= 500; grace += 500) {
      row r = begin(&transient, 0);
      slow_start = 100000;
      worker_run_future queued = ask(&r, count, NULL);
      grove_sim_run(r.g, 0);
      slow_start = 0;
      grove_drop(r.g, grove_exit(r.g, r.w.ref, grace));
      assert_grove_status(get(&r, queued), GROVE_EDEAD, &r.err);
      ends(&r, GROVE_ECANCELED, 0);
      assert_int_equal(seen.starts, 1);
      assert_int_equal(seen.destroys, 1);
      assert_int_equal(seen.stops, 0);
      assert_int_equal(grove_now_ns(r.g) / 1000000, grace);
      grove_test_stop(r.g);
    }
  }
}

static void a_stop_may_call_and_wait(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(NULL, 0);
    call_in_stop = worker_spawn(r.g, GROVE_NONE, NULL);
    assert_grove_ok(get(&r, ask(&r, count, NULL)), &r.err);
    grove_drop(r.g, grove_exit(r.g, r.w.ref, 2000));
    ends(&r, GROVE_OK, 0);
    assert_int_equal(seen.ran, 2);
    assert_int_equal(seen.why, GROVE_OK);
    call_in_stop = (worker_ref){GROVE_NOBODY};
    grove_test_stop(r.g);
  }
}

static void a_kill_ends_it_at_once(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(&transient, 0);
    worker_run_future running = ask(&r, nap, &ms_long), queued = ask(&r, count, NULL);
    grove_sim_run(r.g, 0);
    grove_drop(r.g, grove_exit(r.g, r.w.ref, 0));
    assert_grove_status(get(&r, running), GROVE_EDEAD, &r.err);
    assert_grove_status(get(&r, queued), GROVE_EDEAD, &r.err);
    ends(&r, GROVE_ECANCELED, 0);
    assert_int_equal(seen.canceled, 1);
    assert_int_equal(seen.stops, 0);
    assert_int_equal(seen.destroys, 1);
    grove_test_stop(r.g);
  }
}

// Whatever ends it, what its method says in the end is what the caller is told; but "cancelled", which is "dead" to others.
static void one_that_is_ended_may_answer_all_the_same(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    for (int how = 0; how < 6; how++) { // killed, the grace passes, the parent exits; a value, an error
      bool complains = how >= 3;
      row boss = begin(NULL, 0), r = boss;
      r.w = worker_spawn(r.g, GROVE_NONE,
          &(grove_spawn_options){
              GROVE_SPAWN, .parent = boss.w.ref, .restart = GROVE_PERMANENT, .backoff_min_ms = 1});
      r.down = grove_monitor(r.g, r.w.ref);
      worker_run_future running =
          ask(&r, complains ? nap_and_complain : nap_and_answer, &ms_long);
      grove_sim_run(r.g, 0);
      switch (how % 3) {
      case 0: grove_drop(r.g, grove_exit(r.g, r.w.ref, 0)); break;
      case 1: grove_drop(r.g, grove_exit(r.g, r.w.ref, 100)); break;
      default: grove_drop(r.g, grove_exit(r.g, boss.w.ref, 100)); break;
      }
      assert_grove_status(get(&r, running), complains ? GROVE_EUSER : GROVE_OK, &r.err);
      if (complains) {
        assert_grove_words(&r.err, "worker.run: half of it is written");
      } else {
        assert_in_range(r.reply, 1, 2); // which of the two started first is the schedule's
      }
      ends(&r, how % 3 == 2 ? GROVE_OK : GROVE_ECANCELED, 0);
      assert_int_equal(seen.canceled, 1);
      grove_drop(r.g, boss.down);
      grove_test_stop(r.g);
    }
  }
}

static void a_parent_takes_its_children_along(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    for (int how = 0; how < 3; how++) { // the parent exits, is killed, crashes
      row r = begin(NULL, 0);
      row child = r;
      assert_grove_ok(get(&r, ask(&r, spawn_child, &child.w)), &r.err);
      child.down = grove_monitor(r.g, child.w.ref);
      worker_run_future running = ask(&child, nap, &ms_long), queued = ask(&child, count, NULL);
      grove_sim_run(r.g, 0);
      if (how < 2) {
        grove_drop(r.g, grove_exit(r.g, r.w.ref, how ? 0 : 1000));
      } else {
        assert_grove_status(get(&r, ask(&r, crash, NULL)), GROVE_EDEAD, &r.err);
      }
      assert_grove_status(get(&child, running), GROVE_EDEAD, &r.err);
      assert_grove_status(get(&child, queued), GROVE_EDEAD, &r.err);
      ends(&child, how == 1 ? GROVE_ECANCELED : GROVE_OK, 0);
      ends(&r, how == 0 ? GROVE_OK : how == 1 ? GROVE_ECANCELED : GROVE_EUSER, 0);
      assert_int_equal(seen.stops, how == 0 ? 2 : how == 1 ? 0 : 1);
      assert_int_equal(seen.destroys, 2);
      grove_test_stop(r.g);
    }
  }
}

static void one_restart_too_many_fails_the_parent(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    row r = begin(NULL, 0), child = r;
    assert_grove_ok(get(&r, ask(&r, spawn_child, &child.w)), &r.err);
    child.down = grove_monitor(r.g, child.w.ref);
    assert_grove_status(get(&child, ask(&child, crash, NULL)), GROVE_EDEAD, &r.err);
    assert_grove_ok(get(&child, ask(&child, count, NULL)), &r.err);
    assert_grove_status(get(&child, ask(&child, crash, NULL)), GROVE_EDEAD, &r.err);
    ends(&child, GROVE_EUSER, 1);
    grove_error down;
    assert_grove_ok(grove_get(r.g, r.down, GROVE_FOREVER, &down, sizeof down, NULL), NULL);
    assert_grove_status(down.status, GROVE_EUSER, &down);
    assert_grove_words(&down, "a child failed too often: ");
    assert_grove_words(&down, "the heap is wrong");
    grove_test_stop(r.g);
  }
}

static void links_fail_together(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, SEEDS)
  {
    for (int orderly = 0; orderly < 2; orderly++) {
      row r = begin(NULL, 0), other = r;
      other.w = worker_spawn(r.g, GROVE_NONE, NULL);
      other.down = grove_monitor(r.g, other.w.ref);
      assert_grove_ok(get(&r, ask(&r, link_with, &other.w.ref)), &r.err);
      if (orderly) {
        grove_drop(r.g, grove_exit(r.g, r.w.ref, 100));
        ends(&r, GROVE_OK, 0);
        lives(&other);
      } else {
        grove_drop(r.g, ask(&r, count, NULL).future);
        assert_grove_status(get(&r, ask(&r, crash, NULL)), GROVE_EDEAD, &r.err);
        ends(&r, GROVE_EUSER, 0);
        ends(&other, GROVE_EDEAD, 0);
      }
      grove_test_stop(r.g);
    }
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      GROVE_TEST(an_error_fails_the_call_alone),
      GROVE_TEST(a_crash_of_a_temporary_one_ends_it),
      GROVE_TEST(after_a_crash_the_mailbox_is_kept),
      GROVE_TEST(after_a_crash_the_mailbox_can_be_dropped),
      GROVE_TEST(a_send_that_kills_is_reported),
      GROVE_TEST(while_restarting_calls_fail_fast_and_sends_wait),
      GROVE_TEST(while_restarting_calls_can_be_queued),
      GROVE_TEST(a_failed_start_ends_or_is_tried_again),
      GROVE_TEST(an_exit_with_grace_handles_what_came_before),
      GROVE_TEST(an_exit_ends_by_force_when_the_grace_is_over),
      GROVE_TEST(an_exit_between_two_lives_is_the_end),
      GROVE_TEST(an_exit_while_it_starts_is_the_end),
      GROVE_TEST(a_stop_may_call_and_wait),
      GROVE_TEST(a_kill_ends_it_at_once),
      GROVE_TEST(one_that_is_ended_may_answer_all_the_same),
      GROVE_TEST(a_parent_takes_its_children_along),
      GROVE_TEST(one_restart_too_many_fails_the_parent),
      GROVE_TEST(links_fail_together),
  };
  return GROVE_TEST_RUN(argc, argv, tests);
}
