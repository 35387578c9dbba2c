#include "remote/address.h"
#include "base/alloc.h"
#include "check.h"
#include "remote/client.h"

static void taken_apart(void **state)
{
  (void)state;
  static const struct {
    const char *url, *bucket, *key;
    bool anonymous;
  } urls[] = {
      {"s3://bucket/key", "bucket", "key", false},
      {"S3://My_Old.Bucket-1/a/b c%20+&\xc3\xa9", "My_Old.Bucket-1", "a/b c%20+&\xc3\xa9", false},
      {"s3://bucket", "bucket", "", false},
      {"s3://bucket/", "bucket", "", false},
      {"s3://bucket//a//", "bucket", "/a//", false},
      {"s3://anonymous@bucket/a?b#c", "bucket", "a?b#c", true},
      {"s3://anonymous", "anonymous", "", false},
  };
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    grove__address d;
    grove_error err = {0};
    assert_true(grove__url_is_s3(urls[i].url));
    check_ok_err(grove__address_parse(&a, urls[i].url, &d, &err), &err);
    assert_string_equal(d.bucket, urls[i].bucket);
    assert_string_equal(d.key, urls[i].key);
    assert_int_equal(d.anonymous, urls[i].anonymous);
    grove__address_free(&a, &d);
  }
  assert_int_equal(m.live_blocks, 0);
  assert_false(grove__url_is_s3("s3:/bucket"));
  assert_false(grove__url_is_s3("http://s3://x"));
}

static void refused(void **state)
{
  (void)state;
  static const char *const urls[] = {"s3://", "s3:///key", "s3://anonymous@/key", "s3://me@bucket/key", "s3://b:80/key",
      "s3://b c/key", "s3://b%20/key", "s3://../key", "s3://.b/key", "s3://b?x/key", "s3://b\xc3\xa9/key"};
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  char lengthy[300] = "s3://";
  grove__address d;
  grove_error err;
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    memset(&err, 0, sizeof err);
    check_status(grove__address_parse(&a, urls[i], &d, &err), GROVE_EINVAL);
    check_contains(err.text, "an s3 url is s3://BUCKET/KEY or s3://anonymous@BUCKET/KEY");
    check_contains(err.text, urls[i]);
  }
  memset(lengthy + 5, 'b', 256);
  check_status(grove__address_parse(&a, lengthy, &d, &err), GROVE_EINVAL);
  lengthy[5 + 255] = '\0';
  check_ok_err(grove__address_parse(&a, lengthy, &d, &err), &err);
  grove__address_free(&a, &d);
  for (m.fail_at = 1; m.fail_at < 3; m.fail_at++) {
    m.allocations = 0;
    check_status(grove__address_parse(&a, "s3://b/k", &d, &err), GROVE_ENOMEM);
    assert_int_equal(m.live_blocks, 0);
  }
}

static void expect_url(grove_store_options o, const char *url, const char *query, const char *want)
{
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  grove__address d;
  check_ok(grove__address_parse(&a, url, &d, NULL));
  char *got = grove__address_url(&a, &o, &d, d.key, query);
  assert_string_equal(got, want);
  grove__free_text(&a, got);
  for (m.fail_at = 1; m.fail_at < 3; m.fail_at++) {
    m.allocations = 0;
    assert_null(grove__address_url(&a, &o, &d, d.key, query));
  }
  grove__address_free(&a, &d);
  assert_int_equal(m.live_blocks, 0);
}

static void asked_for(void **state)
{
  (void)state;
  expect_url((grove_store_options){0}, "s3://b/k", NULL, "https://b.s3.us-east-1.amazonaws.com/k");
  expect_url((grove_store_options){.region = "eu-west-3"}, "s3://b/d/k", "x=1", "https://b.s3.eu-west-3.amazonaws.com/d/k?x=1");
  // A certificate of one level does not hold for a bucket with a dot.
  expect_url((grove_store_options){0}, "s3://b.c/k", NULL, "https://s3.us-east-1.amazonaws.com/b.c/k");
  expect_url((grove_store_options){.s3_addressing = GROVE_S3_HOST}, "s3://b.c/k", NULL, "https://b.c.s3.us-east-1.amazonaws.com/k");
  expect_url((grove_store_options){.s3_addressing = GROVE_S3_PATH}, "s3://b/k", NULL, "https://s3.us-east-1.amazonaws.com/b/k");
  expect_url((grove_store_options){.endpoint = "http://[::1]:9000//"}, "s3://b/k", NULL, "http://[::1]:9000/b/k");
  expect_url((grove_store_options){.endpoint = "https://h/base"}, "s3://b/", "x", "https://h/base/b/?x");
  expect_url((grove_store_options){.endpoint = "https://h:1/", .s3_addressing = GROVE_S3_HOST}, "s3://b/k", NULL, "https://b.h:1/k");
  // Keys are taken as they are written.
  expect_url((grove_store_options){.endpoint = "http://h"}, "s3://b/a b+c&d=e?f#g%20/../h~.-_i", NULL,
      "http://h/b/a%20b%2Bc%26d%3De%3Ff%23g%2520/../h~.-_i");
  expect_url((grove_store_options){.endpoint = "http://h"}, "s3://b/\xc3\xa9\x01\xff", NULL, "http://h/b/%C3%A9%01%FF");
}

static void percent_signs(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  char *text = grove__percent_encode(&a, "a/b =*'()!", true);
  assert_string_equal(text, "a%2Fb%20%3D%2A%27%28%29%21");
  grove__free_text(&a, text);
  text = grove__percent_encode(&a, "", true);
  assert_string_equal(text, "");
  grove__free_text(&a, text);
  assert_int_equal(m.live_bytes, 0);
}

static void shown(void **state)
{
  (void)state;
  static const char *const urls[][2] = {
      {"https://h/a/b?X-Amz-Signature=secret", "https://h/a/b"},
      {"http://me:secret@h:80/a#secret", "http://h:80/a"},
      {"http://me:sec@ret@h/a@b", "http://h/a@b"},
      {"http://h?x@y", "http://h"},
      {"h/a", "h/a"},
  };
  char out[40];
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    grove__show_url(urls[i][0], out, sizeof out);
    assert_string_equal(out, urls[i][1]);
  }
  grove__show_url("http://h/a/long/long/long/long/long/long/name", out, 20); // cut
  assert_string_equal(out, "http://h/a/long/lon");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(taken_apart),
      cmocka_unit_test(refused),
      cmocka_unit_test(asked_for),
      cmocka_unit_test(percent_signs),
      cmocka_unit_test(shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
