// Option structs of older and newer callers.
#include "check.h"
#include "base/options.h"

struct first {
  uint32_t struct_size, a;
};
struct now {
  uint32_t struct_size, a;
  uint64_t b;
};
struct later {
  uint32_t struct_size, a;
  uint64_t b, c;
};

static void null_is_all_defaults(void **state)
{
  (void)state;
  struct now out = {1, 2, 3};
  check_ok(grove__options_read(&out, sizeof(out), NULL));
  assert_int_equal(out.struct_size, 0);
  assert_int_equal(out.a, 0);
  assert_int_equal(out.b, 0);
}

static void older_callers_get_defaults(void **state)
{
  (void)state;
  struct now out = {1, 2, 3};
  struct first old = {sizeof(old), 7};
  check_ok(grove__options_read(&out, sizeof(out), &old));
  assert_int_equal(out.a, 7);
  assert_int_equal(out.b, 0);
}

static void newer_callers_may_not_mean_something(void **state)
{
  (void)state;
  struct now out = {0};
  struct later newer = {sizeof(newer), 7, 8, 0};
  check_ok(grove__options_read(&out, sizeof(out), &newer));
  assert_int_equal(out.a, 7);
  assert_int_equal(out.b, 8);
  newer.c = (uint64_t)1 << 63;
  check_status(grove__options_read(&out, sizeof(out), &newer), GROVE_ENOTSUP);
}

static void no_size_is_misuse(void **state)
{
  (void)state;
  struct now out = {0};
  struct now given = {0, 7, 8};
  check_status(grove__options_read(&out, sizeof(out), &given), GROVE_EINVAL);
  given.struct_size = 3;
  check_status(grove__options_read(&out, sizeof(out), &given), GROVE_EINVAL);
}

static void statistics_fit_their_reader(void **state)
{
  (void)state;
  struct now full = {sizeof(full), 7, 8};
  struct first old = {sizeof(old), 0};
  check_ok(grove__stats_write(&old, sizeof(full), &full));
  assert_int_equal(old.struct_size, sizeof(old));
  assert_int_equal(old.a, 7);
  struct later newer = {sizeof(newer), 0, 0, 99};
  check_ok(grove__stats_write(&newer, sizeof(full), &full));
  assert_int_equal(newer.struct_size, sizeof(newer));
  assert_int_equal(newer.b, 8);
  assert_int_equal(newer.c, 99);
  check_status(grove__stats_write(NULL, sizeof(full), &full), GROVE_EINVAL);
  old.struct_size = 0;
  check_status(grove__stats_write(&old, sizeof(full), &full), GROVE_EINVAL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(null_is_all_defaults),
      cmocka_unit_test(older_callers_get_defaults),
      cmocka_unit_test(newer_callers_may_not_mean_something),
      cmocka_unit_test(no_size_is_misuse),
      cmocka_unit_test(statistics_fit_their_reader),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
