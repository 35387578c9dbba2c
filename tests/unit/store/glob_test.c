#include "store/glob.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static bool match(const char *pattern, const char *name)
{
  return grove__glob_match(pattern, strlen(pattern), name);
}

static void stars_and_questions(void **state)
{
  (void)state;
  assert_true(match("*.parquet", "a.parquet"));
  assert_true(match("*.parquet", "2022-01.b.parquet"));
  assert_false(match("*.parquet", "a.parquet.crc"));
  assert_true(match("g*20??_*.parquet", "green_2022_01.parquet"));
  assert_false(match("g*20??_*.parquet", "green_202_01.parquet"));
  assert_true(match("*", "x"));
  assert_true(match("a*b*c", "aXbYbZc"));
  assert_false(match("a*b*c", "aXbYbZ"));
  assert_true(match("**a", "bca"));
  assert_false(match("", "x"));
  assert_true(match("?", "\xc3\xa9")); // one character, two bytes
  assert_false(match("?", "ab"));
}

static void sets(void **state)
{
  (void)state;
  assert_true(match("m[0-3]", "m2"));
  assert_false(match("m[0-3]", "m4"));
  assert_true(match("m[!0-3]", "m4"));
  assert_true(match("m[]x]", "m]"));
  assert_true(match("m[a-]", "m-"));
  assert_true(match("m[0", "m[0")); // not closed: an ordinary sign
  assert_false(match("m[0-3]", "m"));
}

static void hidden_and_escaped(void **state)
{
  (void)state;
  assert_false(match("*", ".hidden"));
  assert_true(match(".*", ".hidden"));
  assert_true(match("a\\*b", "a*b"));
  assert_false(match("a\\*b", "axb"));
}

static void stays_quick(void **state)
{
  (void)state;
  char name[2001];
  memset(name, 'a', sizeof name - 1);
  name[sizeof name - 1] = 0;
  assert_false(
      match("*a*a*a*a*a*a*a*a*a*a*a*a*b", name)); // would take for ever with full backtracking
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stars_and_questions),
      cmocka_unit_test(sets),
      cmocka_unit_test(hidden_and_escaped),
      cmocka_unit_test(stays_quick),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
