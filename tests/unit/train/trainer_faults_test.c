// Training while things end: the caller gives up, the trainer is killed, the runtime stops; and in simulation.
#include "class_room.h"
#include <grove/sim.h>
#include <grove/watch.h>

static grove_registry *kinds;
static const char *const slow_and_mean[] = {"slow", "mean", NULL};

static grove_trainer_options options(void)
{
  return (grove_trainer_options){GROVE_TRAINER, .models = slow_and_mean, .registry = kinds};
}

static void wait_until_slow_trains(grove *g, grove_future work)
{
  for (bool found = false; !found;) {
    grove_info of[8];
    size_t n = 0;
    of[0].struct_size = sizeof *of;
    check_status(grove_wait(g, &work, 1, 1, 1), GROVE_ETIMEDOUT);
    check_ok(grove_snapshot(g, NULL, of, sizeof *of, 8, &n));
    for (size_t i = 0; i < n && i < 8; i++) {
      found |= !strcmp(of[i].label, "slow") && !strncmp(of[i].state, "TRAINING 37", 11);
    }
  }
}

static void stopping_ends_training(void **state)
{
  grove *g;
  (void)state;
  atomic_store(&slow_let_go, false);
  grove_table *t = ten_rows();
  grove_trainer_options o = options();
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &g));
  grove_trainer_work_future work =
      grove_trainer_work_call(g, grove_trainer_spawn(g, t, &o), GROVE_NONE);
  grove_table_release(t); // the trainer has its own count
  wait_until_slow_trains(g, work.future);
  check_ok(grove_stop(g, 5000, NULL));
}

static void a_caller_that_gives_up_ends_training(void **state)
{
  grove *g;
  grove_error err = {0};
  grove_trained_list list;
  (void)state;
  atomic_store(&slow_let_go, false);
  grove_table *t = ten_rows();
  grove_trainer_options o = options();
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 1}, &g));
  grove_trainer_ref trainer = grove_trainer_spawn(g, t, &o);
  grove_trainer_work_future work = grove_trainer_work_call(g, trainer, GROVE_NONE);
  wait_until_slow_trains(g, work.future);
  grove_cancel(g, work.future);
  check_status(grove_trainer_work_get(g, work, 5000, &list, &err), GROVE_ECANCELED);
  // The trainer lives on, and can do it again.
  atomic_store(&slow_let_go, true);
  check_ok_err(grove_trainer_work_ask(g, trainer, GROVE_NONE, 60000, &list, &err), &err);
  assert_int_equal(grove_trained_list_count(list), 2);
  grove_release(list.shared);
  grove_table_release(t);
  check_ok(grove_stop(g, 5000, NULL));
}

static void a_killed_model_is_a_failed_row(void **state)
{
  grove *g;
  grove_error err = {0};
  grove_trained_list list;
  grove_info of[8];
  size_t n = 0;
  (void)state;
  atomic_store(&slow_let_go, false);
  grove_table *t = ten_rows();
  grove_trainer_options o = options();
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &g));
  grove_trainer_ref trainer = grove_trainer_spawn(g, t, &o);
  grove_trainer_work_future work = grove_trainer_work_call(g, trainer, GROVE_NONE);
  wait_until_slow_trains(g, work.future);
  of[0].struct_size = sizeof *of;
  check_ok(grove_snapshot(g, NULL, of, sizeof *of, 8, &n));
  for (size_t i = 0; i < n && i < 8; i++) {
    if (!strcmp(of[i].label, "slow")) {
      check_ok_err(grove_get(g, grove_exit(g, of[i].ref, 0), 5000, NULL, 0, &err), &err);
    }
  }
  check_ok_err(grove_trainer_work_get(g, work, 5000, &list, &err), &err);
  assert_int_equal(grove_trained_list_count(list), 2);
  assert_string_equal(grove_trained_list_at(list, 0)->name, "mean");
  assert_string_equal(grove_trained_list_at(list, 0)->state, "DONE");
  assert_string_equal(grove_trained_list_at(list, 1)->state, "FAILED");
  assert_true(grove_trained_list_at(list, 1)->error[0] != 0);
  grove_release(list.shared);
  grove_table_release(t);
  check_ok(grove_stop(g, 5000, NULL));
}

// Kills one of the actors (0: the trainer, 1, 2: its models) after so many turns. Gives whether there was one.
static bool kill_after(grove *g, size_t turns, size_t which)
{
  grove_info of[8];
  size_t n = 0;
  of[0].struct_size = sizeof *of;
  (void)grove_sim_run(g, turns);
  check_ok(grove_snapshot(g, NULL, of, sizeof *of, 8, &n));
  if (which >= n) {
    return false;
  }
  grove_drop(g, grove_exit(g, of[which].ref, 0));
  return true;
}

// The same work on one thread with virtual time, and a kill at each turn: it ends in rows or in an error.
static void simulation_survives_a_kill_at_each_turn(void **state)
{
  (void)state;
  grove_table *t = ten_rows();
  atomic_store(&slow_let_go, true);
  size_t good = 0, rows_failed = 0, failed = 0;
  for (size_t round = 0; round < 400; round++) {
    grove *g;
    grove_error err = {0};
    grove_trained_list list = {{0}};
    grove_trainer_options o = options();
    check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .simulate = 1, .seed = round}, &g));
    grove_trainer_work_future work =
        grove_trainer_work_call(g, grove_trainer_spawn(g, t, &o), GROVE_NONE);
    bool killed = round % 4 && kill_after(g, 1 + round / 4 % 25, round % 4 - 1);
    grove_status s = grove_trainer_work_get(g, work, GROVE_FOREVER, &list, &err);
    if (s && !killed) {
      fail_msg("round %zu: %d %s", round, s, err.text);
    }
    for (size_t i = 0; i < grove_trained_list_count(list); i++) {
      rows_failed += !strcmp(grove_trained_list_at(list, i)->state, "FAILED");
    }
    good += !s;
    failed += s != GROVE_OK;
    grove_release(list.shared);
    check_ok(grove_stop(g, 5000, NULL));
  }
  grove_table_release(t);
  assert_true(good >= 100);
  assert_true(failed > 0 && rows_failed > 0); // the kills do hit, the trainer and its models
}

static int make_kinds(void **state)
{
  (void)state;
  kinds = registry_of((const grove_learner *const[]){&mean_learner, &slow_learner, NULL});
  return 0;
}

static int drop_kinds(void **state)
{
  (void)state;
  grove_registry_destroy(kinds);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stopping_ends_training),
      cmocka_unit_test(a_caller_that_gives_up_ends_training),
      cmocka_unit_test(a_killed_model_is_a_failed_row),
      cmocka_unit_test(simulation_survives_a_kill_at_each_turn),
  };
  return cmocka_run_group_tests(tests, make_kinds, drop_kinds);
}
