// Status codes are frozen: these numbers are in files and other people's programs.
#include "check.h"
#include "base/status.h"

static void values_are_frozen(void **state)
{
  (void)state;
  static const struct {
    grove_status status;
    int value;
    const char *name, *text;
  } frozen[] = {
      {GROVE_OK, 0, "GROVE_OK", "ok"},
      {GROVE_ENOMEM, -1, "GROVE_ENOMEM", "out of memory"},
      {GROVE_EINVAL, -2, "GROVE_EINVAL", "bad argument"},
      {GROVE_ENOTSUP, -3, "GROVE_ENOTSUP", "not supported"},
      {GROVE_EFORKED, -4, "GROVE_EFORKED", "not usable in a forked child"},
      {GROVE_EINTERNAL, -5, "GROVE_EINTERNAL", "an internal invariant failed"},
      {GROVE_EAGAIN, -10, "GROVE_EAGAIN", "full"},
      {GROVE_ETIMEDOUT, -11, "GROVE_ETIMEDOUT", "timed out"},
      {GROVE_ECANCELED, -12, "GROVE_ECANCELED", "cancelled"},
      {GROVE_ECLOSED, -13, "GROVE_ECLOSED", "the runtime is stopping"},
      {GROVE_EEXPIRED, -14, "GROVE_EEXPIRED", "the call's deadline passed"},
      {GROVE_ENOACTOR, -20, "GROVE_ENOACTOR", "no such actor"},
      {GROVE_EDEAD, -21, "GROVE_EDEAD", "the actor died"},
      {GROVE_ESPENT, -22, "GROVE_ESPENT", "future already spent"},
      {GROVE_EDEADLK, -23, "GROVE_EDEADLK", "waits in a circle"},
      {GROVE_EEXIST, -24, "GROVE_EEXIST", "name taken"},
      {GROVE_ESTUCK, -25, "GROVE_ESTUCK", "did not end in time"},
      {GROVE_ENOENT, -30, "GROVE_ENOENT", "not found"},
      {GROVE_EIO, -31, "GROVE_EIO", "input or output failed"},
      {GROVE_ECORRUPT, -32, "GROVE_ECORRUPT", "damaged data"},
      {GROVE_ELIMIT, -33, "GROVE_ELIMIT", "over a limit"},
      {GROVE_EUSER, -1000, "GROVE_EUSER", NULL},
  };
  size_t in_map = 0;
#define COUNT_ONE(name, value, text) in_map++;
  GROVE_STATUS_MAP(COUNT_ONE)
#undef COUNT_ONE
  assert_int_equal(in_map, GROVE__COUNT(frozen));
  for (size_t i = 0; i < GROVE__COUNT(frozen); i++) {
    assert_int_equal(frozen[i].status, frozen[i].value);
    assert_string_equal(grove__status_name(frozen[i].status), frozen[i].name);
    if (frozen[i].text) {
      assert_string_equal(grove_status_text(frozen[i].status), frozen[i].text);
    }
  }
}

static void every_number_has_words(void **state)
{
  (void)state;
  for (int i = -1100; i < 100; i++) {
    assert_non_null(grove_status_text((grove_status)i));
    assert_true(strlen(grove_status_text((grove_status)i)) > 1);
  }
  assert_string_equal(grove_status_text((grove_status)-1001), "an error of the application");
  assert_string_equal(grove_status_text((grove_status)-7), "unknown status");
}

static void version_agrees_with_its_parts(void **state)
{
  (void)state;
  char parts[32];
  snprintf(parts, sizeof(parts), "%d.%d.%d", GROVE_VERSION_MAJOR, GROVE_VERSION_MINOR,
      GROVE_VERSION_PATCH);
  assert_string_equal(grove_version(), parts);
  assert_string_equal(grove_version(), GROVE_VERSION_TEXT);
}

static grove_status second(int *reached)
{
  GROVE__TRY(GROVE_OK);
  GROVE__TRY(GROVE_EIO);
  *reached = 1;
  return GROVE_OK;
}

static void try_passes_failures_on(void **state)
{
  (void)state;
  int reached = 0;
  check_status(second(&reached), GROVE_EIO);
  assert_int_equal(reached, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_frozen),
      cmocka_unit_test(every_number_has_words),
      cmocka_unit_test(version_agrees_with_its_parts),
      cmocka_unit_test(try_passes_failures_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
