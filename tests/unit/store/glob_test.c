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

static void paths(void **state)
{
  (void)state;
  static const struct {
    const char *pattern, *path;
    bool hit;
  } cases[] = {
      {"a/*.parquet", "a/b.parquet", true},
      {"a/*.parquet", "a/c/b.parquet", false}, // a star stays in its part
      {"a/*", "a", false},
      {"a", "a/b", false},
      {"a/b", "a/b", true},
      {"*/b?/[a-c]*", "x/b1/cat", true},
      {"*/b?/[a-c]*", "x/b1/dog", false},
      {"**/b", "b", true},
      {"**/b", "a/b", true},
      {"**/b", "a/c/d/b", true},
      {"**/b", "a/c/d/bb", false},
      {"**/b", "a/.git/b", false},
      {"a/**/b", "a/b", true},
      {"a/**/b", "a/x/y/b", true},
      {"a/**/b", "ab", false},
      {"a/**/b", "c/a/b", false},
      {"**/a/**/b", "x/a/y/a/b", true},
      {"**/a/**/b", "x/a/y/c/d", false},
      {"**/a/b", "a/a/a/b", true},
      {"**/*.csv", "a.csv", true},
      {"**/*.csv", "a/.b.csv", false},
      {"**/**/x", "a/x", true},
      {"a**/b", "axx/b", true}, // not a whole part: a star like another
      {"a**/b", "axx/c/b", false},
      {"a//b", "a//b", true},
      {"a/*/b", "a//b", true}, // an empty part is a part: keys of stores have them
      {"a/b", "a//b", false},
      {"*/x", ".a/x", false},
      {".*/x", ".a/x", true},
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (grove__glob_match_path(cases[i].pattern, cases[i].path) != cases[i].hit) {
      fail_msg("\"%s\" and \"%s\": should be %d", cases[i].pattern, cases[i].path, cases[i].hit);
    }
  }
}

static void long_paths(void **state)
{
  (void)state;
  char path[2100] = "", part[1200];
  for (int i = 0; i < 500; i++) {
    strcat(path, "a/");
  }
  strcat(path, "c");
  assert_true(grove__glob_match_path("**/c", path));
  // Would take for ever if each ** were tried with all others.
  assert_false(grove__glob_match_path("**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b", path));
  memset(part, 'p', sizeof part - 1);
  part[sizeof part - 1] = 0;
  assert_false(grove__glob_match_path("p*", part)); // no name is that long
  part[1023] = 0;
  assert_true(grove__glob_match_path("p*", part));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(paths),
      cmocka_unit_test(long_paths),
      cmocka_unit_test(stars_and_questions),
      cmocka_unit_test(sets),
      cmocka_unit_test(hidden_and_escaped),
      cmocka_unit_test(stays_quick),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
