// Letters without case: ASCII's alone, in any locale that the host may have set.
#include "base/letters.h"
#include "check.h"
#include <locale.h>

static void look(void)
{
  assert_true(grove__same_letters("PassengerID", "passengerid"));
  assert_true(grove__same_letters("", ""));
  assert_false(grove__same_letters("id", "ids"));
  assert_false(grove__same_letters("ids", "id"));
  assert_false(grove__same_letters("a[", "A{")); // the bit of case means nothing in these
  assert_false(grove__same_letters("@", "`"));
  assert_false(grove__same_letters("\xc3\x84", "\xc3\xa4")); // Ä and ä
  assert_false(grove__same_letters("\xc4", "\xe4"));         // so they are in Latin-1
  assert_true(grove__same_start("S3://bucket", "s3://", 5));
  assert_true(grove__same_start("ab", "AB", 9)); // both end before
  assert_false(grove__same_start("ab", "abc", 3));
  assert_true(grove__is_letter('z') && grove__is_letter('A'));
  assert_false(grove__is_letter('[') || grove__is_letter('0') || grove__is_letter('\xe4') ||
               grove__is_letter(0));
}

static void whatever_the_locale_says(void **state)
{
  static const char *const locales[] = {"C", "tr_TR.UTF-8", "tr_TR", "de_DE.ISO-8859-1", "C.UTF-8"};
  (void)state;
  for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
    (void)setlocale(LC_ALL, locales[i]); // those that are installed here
    look();
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_the_locale_says)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
