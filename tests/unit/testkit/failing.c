// Tests that fail, each in a way that grove/test.h has to report. CTest runs each alone and reads what it says.
#include "teller.h"

static void fails_at_seed_7(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(1, 100)
  {
    grove *g = grove_test_start(NULL);
    grove_log(g, GROVE_LOG_WARN, "the seed is %d", (int)grove_test_seed());
    assert_int_not_equal(grove_test_seed(), 7);
    grove_test_stop(g);
  }
}

static void forgets_a_future(void **state)
{
  (void)state;
  grove *g = grove_test_start(NULL);
  bank_ref bank = bank_spawn(g, GROVE_NONE, NULL);
  (void)bank_pay_call(g, bank, (payment){1, 1});
  grove_test_stop(g);
}

static void forgets_shared_data(void **state)
{
  grove_shared s;
  (void)state;
  grove *g = grove_test_start(NULL);
  assert_grove_ok(grove_share_copy(g, "abc", 3, &s), NULL);
  grove_test_stop(g);
}

static void shows_the_words_of_an_error(void **state)
{
  grove_error err;
  long total;
  (void)state;
  grove *g = grove_test_start(NULL);
  bank_ref bank = bank_spawn(g, GROVE_NONE, NULL);
  assert_grove_ok(bank_pay_ask(g, bank, (payment){12, -5}, 100, &total, &err), &err);
}

static void wants_other_words(void **state)
{
  grove_error err = {.text = "the till is shut"};
  (void)state;
  assert_grove_words(&err, "the till is open");
}

static void a_probe_gets_another_message(void **state)
{
  payment p;
  (void)state;
  grove *g = grove_test_start(NULL);
  bank_ref bank = PROBE_SPAWN(g, bank, NULL);
  assert_grove_ok(bank_note_send(g, bank, grove_string_of("first")), NULL);
  PROBE_EXPECT(g, bank, 100, bank, pay, &p);
}

static void a_probe_gets_nothing(void **state)
{
  payment p;
  (void)state;
  grove *g = grove_test_start(NULL);
  bank_ref bank = PROBE_SPAWN(g, bank, NULL);
  PROBE_EXPECT(g, bank, 100, bank, pay, &p);
}

static void a_probe_gets_what_is_denied(void **state)
{
  (void)state;
  grove *g = grove_test_start(NULL);
  bank_ref bank = PROBE_SPAWN(g, bank, NULL);
  assert_grove_ok(bank_note_send(g, bank, grove_string_of("first")), NULL);
  PROBE_DENY(g, bank, 100, bank, note);
}

static void begins_at_seed_0(void **state)
{
  (void)state;
  GROVE_TEST_SEEDS(0, 10) {}
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      GROVE_TEST(fails_at_seed_7),
      GROVE_TEST(forgets_a_future),
      GROVE_TEST(forgets_shared_data),
      GROVE_TEST(shows_the_words_of_an_error),
      GROVE_TEST(wants_other_words),
      GROVE_TEST(a_probe_gets_another_message),
      GROVE_TEST(a_probe_gets_nothing),
      GROVE_TEST(a_probe_gets_what_is_denied),
      GROVE_TEST(begins_at_seed_0),
  };
  return GROVE_TEST_RUN(argc, argv, tests);
}
