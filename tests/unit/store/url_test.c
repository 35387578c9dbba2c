// What of a url may be said to anybody, and what its file is called.
#include "check.h"
#include "store/url.h"

static void shows_no_secrets(void **state)
{
  (void)state;
  static const char *const urls[][3] = {
      {"https://h/a/b.csv?X-Amz-Signature=secret/x.csv", "https://h/a/b.csv", "b.csv"},
      {"http://me:secret@h:80/a#secret", "http://h:80/a", "a"},
      {"HTTPS://me:sec@ret@h/a@b", "HTTPS://h/a@b", "a@b"},
      {"http://h?x@y/z", "http://h", "h"},
      {"s3://anonymous@bucket/d/what?.parquet", "s3://anonymous@bucket/d/what?.parquet", "what?.parquet"},
      {"s3://bucket/a#b/c@d", "s3://bucket/a#b/c@d", "c@d"},
      {"mine://key@host/a?b", "mine://host/a", "a"},
      {"file:///d/a?b#c@d", "file:///d/a?b#c@d", "a?b#c@d"},
      {"d/a?b#c@d", "d/a?b#c@d", "a?b#c@d"},
      {"", "", ""},
  };
  char out[60], name[60];
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    size_t n;
    grove__url_show(urls[i][0], out, sizeof out);
    assert_string_equal(out, urls[i][1]);
    const char *at = grove__url_name(urls[i][0], &n);
    snprintf(name, sizeof name, "%.*s", (int)n, at);
    assert_string_equal(name, urls[i][2]);
  }
  grove__url_show("http://h/a/long/long/long/long/long/long/name", out, 20); // cut
  assert_string_equal(out, "http://h/a/long/lon");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shows_no_secrets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
