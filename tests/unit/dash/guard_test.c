// Who may ask, rule by rule.
#include "check.h"
#include "dash/guard.h"

static void hosts(void **state)
{
  static const char *const named[] = {"grove.example", NULL};
  static const char *const good[] = {"localhost", "LOCALHOST:8265", "127.0.0.1", "127.0.0.1:8265",
      "10.1.2.3:1", "[::1]", "[::1]:8265", "[fe80::1]:80"};
  static const char *const bad[] = {"", ":80", "evil.example", "evil.example:8265",
      "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1:8265.evil.example",
      "127.0.0.1@evil.example", "[::1", "[::1]x", "[evil]", "localhost:80:80", "0x7f.1",
      "grove.example", "localhost "};
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    if (!grove__guard_host(good[i], NULL)) {
      fail_msg("%s should be good", good[i]);
    }
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (grove__guard_host(bad[i], NULL)) {
      fail_msg("%s should be bad", bad[i]);
    }
  }
  assert_false(grove__guard_host(NULL, NULL));
  assert_true(grove__guard_host("grove.example:8265", named));
  assert_true(grove__guard_host("Grove.Example", named));
  assert_false(grove__guard_host("xgrove.example", named));
}

static void origins(void **state)
{
  (void)state;
  assert_true(grove__guard_origin(NULL, "localhost:1"));
  assert_true(grove__guard_origin("http://localhost:1", "localhost:1"));
  assert_true(grove__guard_origin("https://localhost:1", "localhost:1"));
  assert_false(grove__guard_origin("http://localhost:2", "localhost:1"));
  assert_false(grove__guard_origin("http://localhost", "localhost:1"));
  assert_false(grove__guard_origin("http://localhost:1.evil", "localhost:1"));
  assert_false(grove__guard_origin("null", "null"));
  assert_false(grove__guard_origin("file://", ""));
  assert_false(grove__guard_origin("", "localhost:1"));
  assert_false(grove__guard_origin("http://localhost:1", NULL));
  assert_true(grove__guard_site(NULL));
  assert_true(grove__guard_site("same-origin"));
  assert_true(grove__guard_site("none"));
  assert_false(grove__guard_site("same-site"));
  assert_false(grove__guard_site("cross-site"));
  assert_false(grove__guard_site(""));
}

static void tokens(void **state)
{
  char a[GROVE__TOKEN_MOST + 1], b[GROVE__TOKEN_MOST + 1], most[GROVE__TOKEN_MOST + 2];
  (void)state;
  check_ok(grove__guard_make_token(a));
  check_ok(grove__guard_make_token(b));
  assert_int_equal(strlen(a), 32);
  assert_string_not_equal(a, b);
  assert_true(grove__guard_is_token(a));
  assert_true(grove__guard_same(a, a));
  assert_false(grove__guard_same(a, b));
  assert_false(grove__guard_same("", a));
  for (size_t i = 0; i < 32; i++) { // each place counts
    memcpy(b, a, sizeof a);
    b[i] ^= 1;
    assert_false(grove__guard_same(a, b));
  }
  memcpy(b, a, 32);
  b[31] = '\0'; // a part is not the whole
  assert_false(grove__guard_same(a, b));
  memset(most, 'x', sizeof most);
  most[GROVE__TOKEN_MOST + 1] = '\0';
  assert_false(grove__guard_is_token(most));
  assert_false(grove__guard_same(most, most));
  most[GROVE__TOKEN_MOST] = '\0';
  assert_true(grove__guard_is_token(most));
  assert_true(grove__guard_same(most, most));
  assert_false(grove__guard_is_token("0123456789abcde"));
  assert_false(grove__guard_is_token("0123456789abcdef;"));
  assert_false(grove__guard_is_token("0123456789 abcdef"));
}

static void finds_them(void **state)
{
  char t[GROVE__TOKEN_MOST + 1], longer[400];
  (void)state;
  grove__guard_bearer("Bearer abc", t);
  assert_string_equal(t, "abc");
  grove__guard_bearer("bearer  abc", t);
  assert_string_equal(t, "abc");
  grove__guard_bearer("Basic abc", t);
  assert_string_equal(t, "");
  grove__guard_bearer(NULL, t);
  assert_string_equal(t, "");
  grove__guard_cookie("a=1; grove-dashboard-80=abc; b=2", "grove-dashboard-80", t);
  assert_string_equal(t, "abc");
  grove__guard_cookie("xgrove-dashboard-80=abc; grove-dashboard-8=d", "grove-dashboard-80", t);
  assert_string_equal(t, "");
  grove__guard_cookie("grove-dashboard-80", "grove-dashboard-80", t);
  assert_string_equal(t, "");
  grove__guard_cookie(NULL, "a", t);
  assert_string_equal(t, "");
  memset(longer, 'x', sizeof longer); // one that has no room is none, not a part of one
  memcpy(longer, "a=", 2);
  longer[sizeof longer - 1] = '\0';
  grove__guard_cookie(longer, "a", t);
  assert_string_equal(t, "");
}

// Who serves decides how long somebody may be silent, not the library.
static void silence(void **state)
{
  (void)state;
  assert_int_equal(grove__guard_silence_s(250), 15);
  assert_int_equal(grove__guard_silence_s(15000), 17);
  assert_true(grove__guard_silence_s(60000) > 60);
  assert_true(grove__guard_silence_s(UINT32_MAX) > UINT32_MAX / 1000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(hosts), cmocka_unit_test(origins),
      cmocka_unit_test(tokens), cmocka_unit_test(finds_them), cmocka_unit_test(silence)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
