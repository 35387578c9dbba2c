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

static void knows_when_two_are_one(void **state)
{
  (void)state;
  static const struct {
    const char *a, *b;
    bool same;
  } cases[] = {
      {"/tmp", "/tmp/.", true},
      {"/tmp/../tmp//", "file:///tmp", true},
      {"file://localhost/%74mp", "/tmp", true},
      {"/tmp", "/", false},
      {"/tmp/not there", "/tmp/not there", false},
      {"s3://b/k", "s3://anonymous@b/k", true},
      {"S3://b/k", "s3://b/k", true},
      {"s3://b/k", "s3://b//k", false},
      {"s3://b/k", "s3://c/k", false},
      {"http://b/k", "s3://b/k", false},
      {"/tmp", "s3://b/k", false},
      {"mine://x", "mine://x", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(grove__url_same(cases[i].a, cases[i].b), cases[i].same);
    assert_int_equal(grove__url_same(cases[i].b, cases[i].a), cases[i].same);
  }
}

static void folders_end_without_slashes(void **state)
{
  (void)state;
  static const char *const cases[][2] = {{"a", "a"}, {"a/", "a"}, {"a/b//", "a/b"}, {"/", "/"}, {"//", "/"},
      {"s3://b/k/", "s3://b/k"}, {"s3://b/", "s3://b"}, {"file:///", "file:///"}, {"file:///a/", "file:///a"}, {"", ""}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[40];
    snprintf(folder, sizeof folder, "%.*s", (int)grove__url_folder(cases[i][0]), cases[i][0]);
    assert_string_equal(folder, cases[i][1]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shows_no_secrets),
      cmocka_unit_test(knows_when_two_are_one),
      cmocka_unit_test(folders_end_without_slashes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
