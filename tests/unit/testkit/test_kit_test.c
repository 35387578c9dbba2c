// grove/test.h as a user's test has it: what passes. What fails is in failing.c.
#include "teller.h"

static void loops_give_each_seed_once(void **state)
{
  uint64_t sum = 0, n = 0;
  (void)state;
  GROVE_TEST_SEEDS(5, 20)
  {
    if (n == 0 && grove_test_seed() != 5 && grove_test_seed() != grove_test__now.only) {
      fail_msg("the first seed is %llu", (unsigned long long)grove_test_seed());
    }
    assert_int_equal(grove_test_seed(), teller_seed()); // the other file sees the same
    sum += grove_test_seed();
    n++;
    if (n % 2) {
      continue;
    }
  }
  if (!grove_test__now.only && !grove_test__now.seeds) {
    assert_int_equal(n, 20);
    assert_int_equal(sum, (5 + 24) * 10);
  }
  assert_int_equal(grove_test_seed(), grove_test__now.only ? grove_test__now.only : 1);
}

static void the_same_seed_is_the_same_schedule(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, 20)
  {
    uint64_t seen[2] = {0, 0};
    for (int run = 0; run < 2; run++) {
      grove *g = grove_test_start(NULL);
      bank_ref bank = bank_spawn(g, GROVE_NONE, NULL);
      enum { N = 6 };
      teller_ref t[N];
      teller_take_future f[N];
      for (long i = 0; i < N; i++) {
        t[i] = teller_spawn(g, (teller_plan){bank, i}, NULL);
        f[i] = teller_take_call(g, t[i], i + 1);
      }
      for (size_t i = 0; i < N; i++) { // the totals tell who was served when
        long total;
        assert_grove_ok(teller_take_get(g, f[i], 1000, &total, NULL), NULL);
        seen[run] = seen[run] * 31 + (uint64_t)total;
      }
      grove_test_stop(g);
    }
    assert_int_equal(seen[0], seen[1]);
  }
}

static void schedules_differ(void **state)
{
  long first = 0;
  bool differ = false;
  (void)state;
  GROVE_TEST_SEEDS(1, 30)
  {
    grove *g = grove_test_start(NULL);
    long total;
    bank_ref bank = bank_spawn(g, GROVE_NONE, NULL);
    teller_ref a = teller_spawn(g, (teller_plan){bank, 1}, NULL);
    teller_ref b = teller_spawn(g, (teller_plan){bank, 2}, NULL);
    teller_take_future fa = teller_take_call(g, a, 1), fb = teller_take_call(g, b, 2);
    assert_grove_ok(teller_take_get(g, fa, 1000, &total, NULL), NULL);
    differ = differ || (first && first != total);
    first = total;
    assert_grove_ok(teller_take_get(g, fb, 1000, &total, NULL), NULL);
    grove_test_stop(g);
  }
  assert_true(differ || grove_test__now.only || grove_test__now.seeds == 1);
}

static void a_probe_takes_the_place_of_a_class(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, 50)
  {
    grove *g = grove_test_start(NULL);
    grove_error err;
    bank_ref bank = PROBE_SPAWN(g, bank, NULL);
    teller_ref t = teller_spawn(g, (teller_plan){bank, 7}, NULL);
    teller_take_future f = teller_take_call(g, t, 30);
    grove_string text;
    payment p;
    long total = 130;
    PROBE_EXPECT(g, bank, 100, bank, note, &text);
    assert_string_equal(grove_text(text), "a payment");
    grove_probed pay = PROBE_EXPECT(g, bank, 100, bank, pay, &p);
    assert_int_equal(p.account, 7);
    assert_int_equal(p.amount, 30);
    PROBE_EXPECT_NONE(g, bank, 100);
    PROBE_ANSWER(g, pay, bank, pay, &total);
    total = 0;
    assert_grove_ok(teller_take_get(g, f, 100, &total, &err), &err);
    assert_int_equal(total, 130);

    f = teller_take_call(g, t, 5);
    PROBE_EXPECT(g, bank, 100, bank, note, &text);
    pay = PROBE_EXPECT(g, bank, 100, bank, pay, &p);
    PROBE_FAIL(g, pay, GROVE_EUSER - 3, "the till is shut");
    assert_grove_status(teller_take_get(g, f, 100, &total, &err), GROVE_EUSER - 3, &err);
    assert_grove_words(&err, "the till is shut");
    grove_test_stop(g);
  }
}

static void a_probe_allows_and_denies(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, 20)
  {
    grove *g = grove_test_start(NULL);
    bank_ref bank = PROBE_SPAWN(g, bank, (&(grove_spawn_options){GROVE_SPAWN, .name = "bank"}));
    assert_true(grove_ref_equal(bank_find(g, "bank").ref, bank.ref));
    teller_ref t = teller_spawn(g, (teller_plan){bank, 7}, NULL);
    teller_take_future f = teller_take_call(g, t, 1);
    grove_none none = GROVE_NONE;
    long total = 1;
    PROBE_DENY(g, bank, 100, bank, pay); // the note comes first
    assert_false(PROBE_ALLOW(g, bank, 100, bank, pay, &total));
    assert_true(PROBE_ALLOW(g, bank, 100, bank, note, &none));
    assert_true(PROBE_ALLOW(g, bank, 100, bank, pay, &total));
    assert_false(PROBE_ALLOW(g, bank, 100, bank, pay, &total));
    assert_grove_ok(teller_take_get(g, f, 100, &total, NULL), NULL);
    grove_test_stop(g);
  }
}

static void options_and_log_are_at_hand(void **state)
{
  (void)state;
  grove *g = grove_test_start(
      &(grove_options){GROVE_OPTIONS, .max_outside = 2, .log_level = GROVE_LOG_INFO});
  bank_ref bank = bank_spawn(g, GROVE_NONE, NULL);
  long total;
  assert_true(grove_test_bytes() > 0);
  bank_pay_future f[3];
  for (int i = 0; i < 3; i++) {
    f[i] = bank_pay_call(g, bank, (payment){1, 1});
  }
  assert_grove_status(bank_pay_get(g, f[2], 100, &total, NULL), GROVE_ELIMIT, NULL);
  grove_drop(g, f[0].future);
  grove_drop(g, f[1].future);
  assert_grove_ok(bank_note_send(g, bank, grove_string_of("three payments")), NULL);
  grove_sim_run(g, 0);
  assert_true(grove_test_logged("noted: three payments"));
  assert_false(grove_test_logged("noted: four payments"));
  grove_test_stop(g);
}

// A fault sweep as a user would write it: the one that dies is chosen by the seed.
static void a_killed_bank_fails_the_call_and_nothing_leaks(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, 100)
  {
    grove *g = grove_test_start(NULL);
    grove_error err;
    long total;
    bank_ref bank = bank_spawn(g, GROVE_NONE,
        &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_TRANSIENT, .queue_ms = 60000});
    teller_ref t = teller_spawn(g, (teller_plan){bank, 1}, NULL);
    assert_grove_ok(grove_sim_fault(g, &(grove_fault){GROVE_FAULT, .kind = GROVE_FAULT_KILL,
                                           .who = bank.ref, .method = &bank_pay_method,
                                           .after = (uint32_t)(grove_test_seed() % 3)}),
        NULL);
    int dead = 0;
    for (int i = 0; i < 4; i++) {
      grove_status s = teller_take_ask(g, t, 1, 100000, &total, &err);
      dead += s == GROVE_EDEAD;
      assert_true(s == GROVE_OK || s == GROVE_EDEAD);
    }
    assert_int_equal(dead, 1);
    grove_test_stop(g);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      GROVE_TEST(loops_give_each_seed_once),
      GROVE_TEST(the_same_seed_is_the_same_schedule),
      GROVE_TEST(schedules_differ),
      GROVE_TEST(a_probe_takes_the_place_of_a_class),
      GROVE_TEST(a_probe_allows_and_denies),
      GROVE_TEST(options_and_log_are_at_hand),
      GROVE_TEST(a_killed_bank_fails_the_call_and_nothing_leaks),
  };
  return GROVE_TEST_RUN(argc, argv, tests);
}
