#include "check.h"
#include "base/error.h"
#include <errno.h>

static void fills_everything(void **state)
{
  (void)state;
  grove_error err;
  memset(&err, 0x5a, sizeof(err));
  check_status(grove__error(&err, GROVE_ECORRUPT, 17, "page %d of \"%s\"", 3, "a"), GROVE_ECORRUPT);
  assert_int_equal(err.status, GROVE_ECORRUPT);
  assert_int_equal(err.at, 17);
  assert_int_equal(err.restarts, 0);
  assert_true(grove_ref_equal(err.who, GROVE_NOBODY));
  assert_string_equal(err.method, "");
  assert_string_equal(err.text, "page 3 of \"a\"");
}

static void takes_no_object(void **state)
{
  (void)state;
  check_status(grove__error(NULL, GROVE_EIO, 1, "%s", "x"), GROVE_EIO);
  check_status(grove__error_memory(NULL, "a table", 10), GROVE_ENOMEM);
  check_status(grove__error_prefix(NULL, GROVE_EIO, "%s", "x"), GROVE_EIO);
}

static void cuts_what_is_too_long(void **state)
{
  (void)state;
  grove_error err = {0};
  char words[1000];
  memset(words, 'x', sizeof(words) - 1);
  words[sizeof(words) - 1] = '\0';
  grove__error(&err, GROVE_EIO, -1, "%s", words);
  assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
  grove__error_prefix(&err, GROVE_EIO, "%s", words);
  assert_true(strlen(err.text) < sizeof(err.text));
  assert_memory_equal(err.text, "xxxx", 4);
}

static void says_how_much_memory(void **state)
{
  (void)state;
  grove_error err = {0};
  grove__error_memory(&err, "a table", UINT64_MAX);
  assert_string_equal(err.text, "no memory for a table (18446744073709551615 bytes)");
}

static void prefix_says_where(void **state)
{
  (void)state;
  grove_error err = {0};
  grove__error(&err, GROVE_EIO, 5, "no such file");
  check_status(grove__error_prefix(&err, GROVE_EIO, "shard %d", 2), GROVE_EIO);
  assert_string_equal(err.text, "shard 2: no such file");
  assert_int_equal(err.at, 5);
}

static void an_errno_has_words(void **state)
{
  (void)state;
  char room[64];
  assert_string_equal(grove__errno_text(ENOENT, room, sizeof room), "No such file or directory");
  assert_non_null(strstr(grove__errno_text(123456, room, sizeof room), "123456"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fills_everything),
      cmocka_unit_test(takes_no_object),
      cmocka_unit_test(cuts_what_is_too_long),
      cmocka_unit_test(says_how_much_memory),
      cmocka_unit_test(prefix_says_where),
      cmocka_unit_test(an_errno_has_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
