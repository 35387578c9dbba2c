// A status goes through a stream as a number, and comes back as what it was.
#include "base/errnos.h"
#include "check.h"
#include <errno.h>

static void statuses_come_back(void **state)
{
  static const grove_status kept[] = {GROVE_OK, GROVE_ENOMEM, GROVE_EIO, GROVE_ENOTSUP, GROVE_ECANCELED,
      GROVE_ELIMIT, GROVE_ETIMEDOUT, GROVE_ENOENT, GROVE_ECORRUPT};
  (void)state;
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    assert_int_equal(grove__errno_of(kept[i]) != 0, i != 0);
    check_status(grove__status_of_errno(grove__errno_of(kept[i])), kept[i]);
  }
}

static void numbers_of_others(void **state)
{
  (void)state;
  check_status(grove__status_of_errno(ENOTSUP), GROVE_ENOTSUP); // Arrow's word for it, beside ENOSYS
  check_status(grove__status_of_errno(ENOSYS), GROVE_ENOTSUP);
  check_status(grove__status_of_errno(EPIPE), GROVE_EIO);
  assert_int_equal(grove__errno_of(GROVE_EINVAL), EINVAL);
  assert_int_equal(grove__errno_of(GROVE_EDEADLK), EINVAL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statuses_come_back),
      cmocka_unit_test(numbers_of_others),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
