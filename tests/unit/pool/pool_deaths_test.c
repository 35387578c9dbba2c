// Members that die: their items go to others, up to a number of attempts; and nothing ever hangs.
#include "crew.h"

static const grove_spawn_options quick_restart = {GROVE_SPAWN, .restart = GROVE_TRANSIENT,
    .max_restarts = 1000, .backoff_min_ms = 1, .backoff_max_ms = 2};
static const grove_spawn_options never = {GROVE_SPAWN, .restart = GROVE_TEMPORARY};

static void a_dead_members_item_goes_to_another(grove *g, uint64_t seed)
{
  crew_log *log = &crew_counts;
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = log},
      &(grove_pool_options){
          GROVE_POOL, .members = 1 + (uint32_t)(seed % 3), .member = &quick_restart});
  long out = 0;
  check_ok(crew_die_submit(g, p, ((crew_job){.n = 7, .deaths = 2}), 1));
  check_ok(crew_die_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  assert_int_equal(out, 7);
  assert_int_equal(atomic_load(&log->deaths), 2);
  assert_int_equal(atomic_load(&log->done), 1);
  grove_pool_destroy(p);
}

static void attempts_end(grove *g, uint64_t seed)
{
  crew_log *log = &crew_counts;
  uint32_t attempts = (uint32_t)(seed % 3); // 0: the default, 3
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = log},
      &(grove_pool_options){
          GROVE_POOL, .members = 2, .attempts = attempts, .member = &quick_restart});
  grove_error err = {0};
  uint64_t tag = 0;
  long out = 1;
  check_ok(crew_die_submit(g, p, ((crew_job){.n = 5, .deaths = 1000}), 1));
  check_status(crew_die_get_next(g, p, GROVE_FOREVER, &tag, &out, &err), GROVE_EDEAD);
  assert_int_equal(tag, 1);
  assert_int_equal(out, 0);
  assert_int_equal(atomic_load(&log->deaths), attempts ? attempts : 3);
  check_contains(err.text, "fell overboard with item 5");
  check_ok(crew_square_submit(g, p, 3, 2)); // the pool goes on
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, &tag, &out, &err));
  assert_int_equal(out, 9);
  grove_pool_destroy(p);
}

static size_t list_members(grove *g, const grove_pool *p, grove_info *of, size_t room)
{
  size_t n = 0;
  check_ok(grove_snapshot(g, &(grove_snapshot_options){GROVE_SNAPSHOT, .under = grove_pool_ref(p)},
      of, sizeof *of, room, &n));
  return n;
}

// The members' own deaths, of others' messages, are not the item's: it is tried until one of them begins it.
static void deaths_of_idle_members_are_no_attempts(grove *g, uint64_t seed)
{
  (void)seed;
  grove_spawn_options slow = quick_restart;
  slow.backoff_min_ms = slow.backoff_max_ms = 200;
  for (uint32_t members = 1; members <= 3; members++) {
    grove_info of[4];
    long out = 0;
    int done = atomic_load(&crew_counts.done);
    grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = &crew_counts},
        &(grove_pool_options){GROVE_POOL, .members = members, .attempts = 1, .member = &slow});
    assert_true(grove_pool_has_free(p));
    assert_int_equal(list_members(g, p, of, 4), members);
    for (uint32_t i = 0; i < members; i++) {
      crew_die_future f = crew_die_call(g, crew__ref(of[i].ref), ((crew_job){.deaths = 1 << 30}));
      check_status(crew_die_get(g, f, GROVE_FOREVER, &out, NULL), GROVE_EDEAD);
    }
    check_ok(crew_square_submit(g, p, 6, 1)); // all of them are between two starts
    check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
    assert_int_equal(out, 36);
    assert_int_equal(atomic_load(&crew_counts.done), done + 1);
    grove_pool_destroy(p);
  }
}

// One that has started again since it had its last item is alive: what its method passes on from elsewhere is its item's end.
static void restarts_of_idle_members_are_no_deaths_of_items(grove *g, uint64_t seed)
{
  (void)seed;
  grove_info of[2];
  long out = 0;
  grove_ref gone = crew_spawn(g, (crew_plan){.log = NULL}, NULL).ref;
  check_ok(grove_get(g, grove_exit(g, gone, 0), GROVE_FOREVER, NULL, 0, NULL));
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = &crew_counts},
      &(grove_pool_options){GROVE_POOL, .members = 1, .member = &quick_restart});
  assert_true(grove_pool_has_free(p));
  assert_int_equal(list_members(g, p, of, 2), 1);
  crew_die_future f = crew_die_call(g, crew__ref(of[0].ref), ((crew_job){.deaths = 1 << 30}));
  check_status(crew_die_get(g, f, GROVE_FOREVER, &out, NULL), GROVE_EDEAD);
  for (int i = 0; i < 20000 && atomic_load(&crew_counts.starts) < 2; i++) {
    check_ok(grove_sleep(g, 1));
  }
  check_ok(grove_get(g, grove_ready(g, of[0].ref), GROVE_FOREVER, NULL, 0, NULL));
  check_ok(crew_relay_submit(g, p, gone, 1));
  check_status(crew_relay_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL), GROVE_ENOACTOR);
  assert_int_equal(atomic_load(&crew_counts.done), 1); // begun once
  grove_pool_destroy(p);
}

static void gone_members_are_no_attempts_and_there_is_an_end(grove *g, uint64_t seed)
{
  (void)seed;
  for (size_t left = 0; left <= 1; left++) {
    grove_info of[4];
    long out = 0;
    grove_error err = {0};
    int done = atomic_load(&crew_counts.done);
    grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = &crew_counts},
        &(grove_pool_options){GROVE_POOL, .members = 4, .attempts = 1, .member = &never});
    assert_true(grove_pool_has_free(p));
    assert_int_equal(list_members(g, p, of, 4), 4);
    for (size_t i = left; i < 4; i++) {
      grove_drop(g, grove_exit(g, of[i].ref, 0));
    }
    check_ok(crew_square_submit(g, p, 6, 1)); // whether or not the pool has been told
    grove_status s = crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, &err);
    if (left || !s) { // one may have been faster than its end
      check_ok(s);
      assert_int_equal(out, 36);
    } else {
      check_status(s, GROVE_EDEAD);
      check_contains(err.text, "the pool has no member left");
    }
    assert_int_equal(atomic_load(&crew_counts.done), s ? done : done + 1);
    grove_pool_destroy(p);
  }
}

static void a_failed_start_ends_the_items_with_its_words(grove *g, uint64_t seed)
{
  crew_log *log = &crew_counts;
  grove_spawn_options bad = seed % 2 ? quick_restart : never;
  bad.max_restarts = 2;
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = log, .bad_starts = 1 << 30},
      &(grove_pool_options){GROVE_POOL, .members = 2, .member = &bad});
  for (long i = 0; i < 4; i++) {
    check_ok(crew_square_submit(g, p, i, (uint64_t)i));
  }
  for (uint64_t i = 0; i < 4; i++) {
    grove_error err = {0};
    uint64_t tag = 9;
    long out;
    check_status(crew_square_get_next(g, p, GROVE_FOREVER, &tag, &out, &err), GROVE_EDEAD);
    assert_int_equal(tag, i);
    check_contains(err.text, "no oars in the boat");
  }
  check_ok(crew_square_submit(g, p, 1, 1)); // also later
  grove_error err = {0};
  long out;
  grove_status s = crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, &err);
  assert_true(s == GROVE_EDEAD || s == GROVE_ENOACTOR);
  grove_pool_destroy(p);
}

static void a_start_that_fails_once_is_tried_again(grove *g, uint64_t seed)
{
  crew_log *log = &crew_counts;
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = log, .bad_starts = 1 + (int)(seed % 2)},
      &(grove_pool_options){GROVE_POOL, .members = 1, .member = &quick_restart});
  long out;
  check_ok(crew_square_submit(g, p, 4, 1));
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  assert_int_equal(out, 16);
  grove_pool_destroy(p);
}

static void the_last_member_gone_ends_what_is_queued(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.gate = gate},
      &(grove_pool_options){GROVE_POOL, .members = 2, .window = 10, .member = &never});
  grove_info of[4];
  size_t n = 0;
  for (long i = 0; i < 6; i++) {
    check_ok(crew_held_submit(g, p, i, (uint64_t)i));
  }
  assert_false(grove_pool_has_free(p));
  check_ok(grove_snapshot(g, &(grove_snapshot_options){GROVE_SNAPSHOT, .under = grove_pool_ref(p)},
      of, sizeof *of, 4, &n));
  assert_int_equal(n, 2);
  grove_drop(g, grove_exit(g, of[0].ref, 0));
  grove_drop(g, grove_exit(g, of[1].ref, 0));
  for (uint64_t i = 0; i < 6; i++) {
    grove_error err = {0};
    uint64_t tag = 9;
    long out;
    check_status(crew_held_get_next(g, p, GROVE_FOREVER, &tag, &out, &err), GROVE_EDEAD);
    assert_int_equal(tag, i);
    assert_true(err.text[0]);
  }
  crew_ref help = crew_spawn(g, (crew_plan){.gate = gate}, NULL);
  check_ok(grove_pool_push(p, help.ref)); // and help can come
  long out;
  check_ok(crew_square_submit(g, p, 3, 0));
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  assert_int_equal(out, 9);
  grove_pool_destroy(p);
}

static void one_gone_member_is_dropped(grove *g, uint64_t seed)
{
  crew_log *log = &crew_counts;
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = log},
      &(grove_pool_options){GROVE_POOL, .members = 3, .member = &never});
  long out;
  check_ok(crew_die_submit(g, p, ((crew_job){.n = 1, .deaths = 2}), 0));
  check_ok(crew_die_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  for (long i = 0; i < 20; i++) {
    check_ok(crew_square_submit(g, p, i, 0));
  }
  for (long i = 0; i < 20; i++) {
    check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
    assert_int_equal(out, i * i);
  }
  check_ok(grove_pool_resize(p, 2 + (uint32_t)(seed % 2)));
  check_ok(crew_square_submit(g, p, 2, 0));
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  grove_pool_destroy(p);
}

static size_t members_of(grove *g, const grove_pool *p)
{
  grove_info of[4];
  size_t n = 0;
  check_ok(grove_snapshot(g, &(grove_snapshot_options){GROVE_SNAPSHOT, .under = grove_pool_ref(p)},
      of, sizeof *of, 4, &n));
  return n;
}

// A member whose restarts are used up takes neither the others nor the pool along; with the last one, the cause is told.
static void a_member_that_dies_too_often_goes_alone(grove *g, uint64_t seed)
{
  (void)seed;
  crew_log *log = &crew_counts;
  grove_spawn_options once = {
      GROVE_SPAWN, .restart = GROVE_TRANSIENT, .max_restarts = 1, .backoff_min_ms = 1};
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = log},
      &(grove_pool_options){GROVE_POOL, .members = 2, .attempts = 10, .member = &once});
  grove_error err = {0};
  long out;
  check_ok(
      crew_die_submit(g, p, ((crew_job){.n = 1, .deaths = 3}), 0)); // one of the two dies twice
  for (long i = 0; i < 20; i++) {
    check_ok(crew_square_submit(g, p, i, 0));
  }
  check_ok(crew_die_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
  for (long i = 0; i < 20; i++) {
    check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, NULL));
    assert_int_equal(out, i * i);
  }
  assert_int_equal(members_of(g, p), 1);
  check_ok(crew_die_submit(g, p, ((crew_job){.n = 7, .deaths = 1 << 30}), 0));
  check_ok(crew_square_submit(g, p, 2, 0));
  check_status(crew_die_get_next(g, p, GROVE_FOREVER, NULL, &out, &err), GROVE_EDEAD);
  check_contains(err.text, "fell overboard with item 7");
  check_status(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, &err), GROVE_EDEAD);
  check_contains(err.text, "the pool has no member left");
  check_contains(err.text, "fell overboard with item 7");
  check_ok(grove_pool_resize(p, 1)); // and new ones can come
  check_ok(crew_square_submit(g, p, 3, 0));
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &out, &err));
  grove_pool_destroy(p);
}

static void somebody_elses_death_is_no_reason_to_try_again(grove *g, uint64_t seed)
{
  (void)seed;
  crew_log *log = &crew_counts;
  grove_error err = {0};
  long out;
  crew_ref gone = crew_spawn(g, (crew_plan){.log = NULL}, NULL);
  check_ok(grove_get(g, grove_exit(g, gone.ref, 1000), GROVE_FOREVER, &err, sizeof err, NULL));
  grove_pool *p =
      crew_pool_spawn(g, (crew_plan){.log = log}, &(grove_pool_options){GROVE_POOL, .members = 2});
  check_ok(crew_relay_submit(g, p, gone.ref, 1));
  grove_status s = crew_relay_get_next(g, p, GROVE_FOREVER, NULL, &out, &err);
  assert_true(s == GROVE_EDEAD || s == GROVE_ENOACTOR);
  assert_int_equal(atomic_load(&log->done), 1);
  grove_pool_destroy(p);
}

static void a_pool_that_is_killed_ends_its_items(grove *g, uint64_t seed)
{
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = crew_pool_spawn(
      g, (crew_plan){.gate = gate}, &(grove_pool_options){GROVE_POOL, .members = 2, .window = 20});
  for (long i = 0; i < 8; i++) {
    check_ok(crew_held_submit(g, p, i, (uint64_t)i));
  }
  if (seed % 2) {
    assert_false(grove_pool_has_free(p));
  }
  grove_drop(g, grove_exit(g, grove_pool_ref(p), 0));
  for (int i = 0; i < 8; i++) {
    long out;
    grove_status s = crew_held_get_next_unordered(g, p, GROVE_FOREVER, NULL, &out, NULL);
    assert_true(s == GROVE_EDEAD || s == GROVE_ENOACTOR || s == GROVE_ECANCELED);
  }
  grove_pool_destroy(p);
}

static void a_pool_name_is_taken_once(grove *g, uint64_t seed)
{
  (void)seed;
  grove_spawn_options named = quick_restart;
  named.name = "rowers";
  const grove_pool_options o = {GROVE_POOL, .members = 2, .member = &named};
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = NULL}, &o);
  grove_pool *q = crew_pool_spawn(g, (crew_plan){.log = NULL}, &o);
  long out;
  assert_true(grove_ref_equal(grove_find(g, "rowers"), grove_pool_ref(p)));
  check_ok(crew_square_ask(g, crew_pool_ref(p), 3, 10000, &out, NULL));
  check_ok(crew_square_submit(g, q, 3, 0));
  check_status(crew_square_get_next(g, q, GROVE_FOREVER, NULL, &out, NULL), GROVE_EEXIST);
  grove_pool_destroy(q);
  grove_pool_destroy(p);
}

// ---- conservation ---------------------------------------------------------------------------------
static uint64_t next_random(uint64_t *x)
{
  *x = *x * 6364136223846793005u + 1442695040888963407u;
  return *x >> 33;
}

static void kill_one(grove *g, const grove_pool *p, uint64_t pick)
{
  grove_info of[8];
  size_t n = 0;
  grove_snapshot_options under = {
      GROVE_SNAPSHOT, .under = grove_pool_ref(p), .of_class = &crew_class};
  check_ok(grove_snapshot(g, &under, of, sizeof *of, 8, &n));
  if (n) {
    grove_drop(g, grove_exit(g, of[pick % (n < 8 ? n : 8)].ref, (int64_t)(pick % 3) * 10));
  }
}

static void every_item_is_taken_once_whatever_dies(grove *g, uint64_t seed)
{
  enum { N = 120 };
  crew_log *log = &crew_counts;
  uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
  uint8_t taken[N] = {0};
  int submitted = 0, got = 0, failed = 0, kills = 0;
  grove_pool *p = crew_pool_spawn(g, (crew_plan){.log = log},
      &(grove_pool_options){GROVE_POOL, .members = 4,
          .window = 1 + (uint32_t)(next_random(&x) % 16), .queue = 8, .member = &quick_restart});
  while (got + failed < N) {
    uint64_t what = next_random(&x) % 10;
    if (submitted < N && what < 5) {
      crew_job job = {.n = submitted, .deaths = what == 0 ? 1 << 30 : 0};
      check_ok(crew_die_submit(g, p, job, (uint64_t)submitted));
      submitted++;
    } else if (what == 9 && kills < 6) {
      kill_one(g, p, next_random(&x));
      check_ok(grove_pool_resize(p, 4)); // who was asked to end does not come back by itself
      kills++;
    } else if (grove_pool_has_next(p)) {
      uint64_t tag = N;
      grove_error err = {0};
      long out = -1;
      grove_status s = what % 2
                           ? crew_die_get_next(g, p, GROVE_FOREVER, &tag, &out, &err)
                           : crew_die_get_next_unordered(g, p, GROVE_FOREVER, &tag, &out, &err);
      if (tag >= N) {
        fail_msg("no tag: %s: %s", grove_status_text(s), err.text);
      }
      assert_int_equal(taken[tag]++, 0);
      if (s) {
        if (s != GROVE_EDEAD && s != GROVE_EAGAIN) {
          fail_msg("item %d: %s: %s", (int)tag, grove_status_text(s), err.text);
        }
        assert_true(err.text[0]);
        failed++;
      } else {
        assert_int_equal(out, (long)tag);
        got++;
      }
    }
  }
  assert_int_equal(submitted, N);
  assert_false(grove_pool_has_next(p));
  grove_pool_destroy(p);
}

int main(int argc, char **argv)
{
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      BOTH(a_dead_members_item_goes_to_another),
      BOTH(attempts_end),
      BOTH(deaths_of_idle_members_are_no_attempts),
      BOTH(restarts_of_idle_members_are_no_deaths_of_items),
      BOTH(gone_members_are_no_attempts_and_there_is_an_end),
      BOTH(a_failed_start_ends_the_items_with_its_words),
      BOTH(a_start_that_fails_once_is_tried_again),
      BOTH(the_last_member_gone_ends_what_is_queued),
      BOTH(one_gone_member_is_dropped),
      BOTH(a_member_that_dies_too_often_goes_alone),
      BOTH(somebody_elses_death_is_no_reason_to_try_again),
      BOTH(a_pool_that_is_killed_ends_its_items),
      BOTH(a_pool_name_is_taken_once),
      BOTH(every_item_is_taken_once_whatever_dies),
  };
  return cmocka_run_group_tests_name("pool deaths", tests, NULL, NULL);
}
