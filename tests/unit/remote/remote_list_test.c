// Listings of s3 against a bucket in the test: pages, patterns, odd keys, and answers that are none.
#include "remote_world.h"

typedef struct bucket {
  const char *const *keys; // in order, NULL-ended
  size_t page;             // keys in one answer
  const char *answer;      // instead of a listing
} bucket;

// The value of a name in a query, percent signs decoded; false: it is not there.
static bool query_value(const char *query, const char *name, char *out, size_t room)
{
  size_t n = strlen(name), at = 0;
  for (const char *p = query; *p; p += strcspn(p, "&"), p += *p == '&') {
    if (strncmp(p, name, n) != 0 || p[n] != '=') {
      continue;
    }
    for (p += n + 1; *p && *p != '&' && at + 1 < room; p++) {
      unsigned code;
      out[at++] = *p == '%' && sscanf(p + 1, "%2x", &code) == 1 ? (p += 2, (char)code) : *p;
    }
    out[at] = '\0';
    return true;
  }
  return false;
}

static size_t escape(char *out, const char *text)
{
  size_t n = 0;
  for (; *text; text++) {
    const char *as = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '"' ? "&quot;" : NULL;
    if (as) {
      n += (size_t)sprintf(out + n, "%s", as);
    } else if (*text == '\'') {
      n += (size_t)sprintf(out + n, "&#39;");
    } else {
      out[n++] = *text;
    }
  }
  out[n] = '\0';
  return n;
}

static void serve(void *user, web_peer *p, const web_request *r)
{
  const bucket *b = user;
  char prefix[200] = "", token[200] = "", most[20] = "", xml[8192];
  size_t n = 0, told = 0;
  if (b->answer) {
    web_say_text(p, "200 OK", NULL, b->answer);
    return;
  }
  if (strcmp(r->path, "/b/") != 0 || !query_value(r->query, "list-type", most, sizeof most) ||
      !query_value(r->query, "prefix", prefix, sizeof prefix) ||
      !query_value(r->query, "max-keys", most, sizeof most)) {
    web_say_text(p, "400 Bad Request", NULL, "");
    return;
  }
  bool more = query_value(r->query, "continuation-token", token, sizeof token), truncated = false;
  size_t page = strtoull(most, NULL, 10);
  page = page < b->page ? page : b->page;
  n += (size_t)sprintf(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
                            "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix>");
  n += escape(xml + n, prefix);
  n += (size_t)sprintf(xml + n, "</Prefix>");
  for (const char *const *k = b->keys; *k && !truncated; k++) {
    if (strncmp(*k, prefix, strlen(prefix)) != 0 || (more && strcmp(*k, token + 4) <= 0)) {
      continue;
    }
    n += (size_t)sprintf(xml + n, "<Contents><Owner><ID>Key</ID></Owner><Key>");
    n += escape(xml + n, *k);
    n += (size_t)sprintf(xml + n, "</Key><ETag>&quot;e&quot;</ETag><Size>%zu</Size></Contents>\n", strlen(*k));
    truncated = ++told == page && k[1] && !strncmp(k[1], prefix, strlen(prefix));
    if (truncated) { // the token is what the server likes
      n += (size_t)sprintf(xml + n, "<NextContinuationToken>+/= ");
      n += escape(xml + n, *k);
      n += (size_t)sprintf(xml + n, "</NextContinuationToken>");
    }
  }
  sprintf(xml + n, "<IsTruncated>%s</IsTruncated></ListBucketResult>", truncated ? "true" : "false");
  web_say_text(p, "200 OK", "Content-Type: application/xml\r\n", xml);
}

typedef struct seen {
  char urls[2048];
  uint64_t bytes;
  int stop_after;
} seen;

static grove_status note(void *user, const char *url, uint64_t bytes)
{
  seen *s = user;
  size_t n = strlen(s->urls);
  snprintf(s->urls + n, sizeof s->urls - n, "%s\n", url);
  s->bytes += bytes;
  return s->stop_after && --s->stop_after == 0 ? GROVE_EUSER : GROVE_OK;
}

static const char *const keys[] = {".hidden.parquet", "a.parquet", "a.parquet.crc", "d/", "d/.git/x.parquet",
    "d/_tmp/x.parquet", "d/a 1.parquet", "d/b+2.parquet", "d/c&3.parquet", "d/deep/e.csv", "d/deep/er/f.parquet",
    "d/e=4.parquet", "d/read.me", "d/x<y>'\"z.parquet", "d/\xc3\xa9\xe4\xb8\xad.parquet", "data.csv", "dd/g.parquet",
    "m[1].parquet", "q?.txt", "q[a].txt", "qa.txt", NULL};

static void expect(remote_world *w, const char *url, const char *urls, size_t requests)
{
  seen s = {{0}, 0, 0};
  size_t before = web_count(w->web);
  check_ok_err(grove_store_list(w->store, url, note, &s, &w->err), &w->err);
  assert_string_equal(s.urls, urls);
  if (requests) {
    assert_int_equal(web_count(w->web) - before, requests);
  }
}

static void expect_none(remote_world *w, const char *url, grove_status want, const char *words)
{
  seen s = {{0}, 0, 0};
  memset(&w->err, 0, sizeof w->err);
  check_status(grove_store_list(w->store, url, note, &s, &w->err), want);
  assert_string_equal(s.urls, "");
  check_contains(w->err.text, words);
}

static void folders_and_objects(void **state)
{
  (void)state;
  remote_world w;
  bucket b = {keys, 1000, NULL};
  world_start_s3(&w, serve, &b, (grove_store_options){0});
  expect(&w, "s3://b/a.parquet", "s3://b/a.parquet\n", 1); // not a.parquet.crc, too
  assert_string_equal(web_nth(w.web, 0)->target, "/b/?encoding-type=url&list-type=2&max-keys=1&prefix=a.parquet");
  static const char in_d[] =
      "s3://b/d/a 1.parquet\ns3://b/d/b+2.parquet\ns3://b/d/c&3.parquet\ns3://b/d/deep/er/f.parquet\n"
      "s3://b/d/e=4.parquet\ns3://b/d/x<y>'\"z.parquet\ns3://b/d/\xc3\xa9\xe4\xb8\xad.parquet\n";
  expect(&w, "s3://b/d", in_d, 2); // no such object, then the folder; not dd
  expect(&w, "s3://b/d/", in_d, 1);
  expect(&w, "s3://b/d/deep", "s3://b/d/deep/er/f.parquet\n", 2);
  expect(&w, "S3://anonymous@b/dd/", "s3://anonymous@b/dd/g.parquet\n", 1);
  expect(&w, "s3://b/data.csv", "s3://b/data.csv\n", 1);
  expect(&w, "s3://b/d/read.me", "s3://b/d/read.me\n", 1);
  seen s = {{0}, 0, 0};
  check_ok_err(grove_store_list(w.store, "s3://b", note, &s, &w.err), &w.err);
  assert_true(!strncmp(s.urls, "s3://b/a.parquet\ns3://b/d/a 1.parquet\n", 30));
  assert_null(strstr(s.urls, "hidden"));
  assert_null(strstr(s.urls, "_tmp"));
  assert_null(strstr(s.urls, ".git"));
  expect_none(&w, "s3://b/nothing", GROVE_ENOENT, "\"s3://b/nothing\": no such object, and no key under it ends in .parquet");
  expect_none(&w, "s3://b/d/read", GROVE_ENOENT, "no such object");
  world_stop(&w);
}

static void patterns(void **state)
{
  (void)state;
  remote_world w;
  bucket b = {keys, 1000, NULL};
  world_start_s3(&w, serve, &b, (grove_store_options){0});
  expect(&w, "s3://b/d/*.parquet",
      "s3://b/d/a 1.parquet\ns3://b/d/b+2.parquet\ns3://b/d/c&3.parquet\ns3://b/d/e=4.parquet\n"
      "s3://b/d/x<y>'\"z.parquet\ns3://b/d/\xc3\xa9\xe4\xb8\xad.parquet\n", 1);
  assert_string_equal(web_nth(w.web, 0)->target, "/b/?encoding-type=url&list-type=2&max-keys=1000&prefix=d%2F");
  expect(&w, "s3://b/d/[a-b]*", "s3://b/d/a 1.parquet\ns3://b/d/b+2.parquet\n", 1);
  expect_none(&w, "s3://b/d/[!a-d].parquet", GROVE_ENOENT, "no key matches");
  expect(&w, "s3://b/*.csv", "s3://b/data.csv\n", 1);
  expect(&w, "s3://b/d/**/*.csv", "s3://b/d/deep/e.csv\n", 1);
  expect(&w, "s3://b/**/[ef].*", "s3://b/d/deep/e.csv\ns3://b/d/deep/er/f.parquet\n", 1);
  expect(&w, "s3://b/d/??.parquet", "s3://b/d/\xc3\xa9\xe4\xb8\xad.parquet\n", 1);
  expect(&w, "s3://b/dd*", "s3://b/dd/g.parquet\n", 1);   // a folder that matches: its shards
  expect(&w, "s3://b/dd*/", "s3://b/dd/g.parquet\n", 1);
  expect(&w, "s3://b/d?/**", "s3://b/dd/g.parquet\n", 1);
  expect(&w, "s3://b/d/deep/**", "s3://b/d/deep/er/f.parquet\n", 1);
  expect(&w, "s3://b/q[a].txt", "s3://b/qa.txt\n", 1);
  expect(&w, "s3://b/q\\[a].txt", "s3://b/q[a].txt\n", 1);
  expect(&w, "s3://b/m[1].parquet", "s3://b/m[1].parquet\n", 2); // nothing matches: it is a name
  expect_none(&w, "s3://b/*.orc", GROVE_ENOENT, "\"s3://b/*.orc\": no key matches");
  world_stop(&w);
}

static void pages(void **state)
{
  (void)state;
  remote_world w;
  bucket b = {keys, 2, NULL};
  world_start_s3(&w, serve, &b, (grove_store_options){0});
  expect(&w, "s3://b/d/deep/**/*", "s3://b/d/deep/e.csv\ns3://b/d/deep/er/f.parquet\n", 1);
  expect(&w, "s3://b/d/**/*.csv", "s3://b/d/deep/e.csv\n", 6);
  assert_string_equal(web_nth(w.web, 2)->target,
      "/b/?continuation-token=%2B%2F%3D%20d%2F.git%2Fx.parquet&encoding-type=url&list-type=2&max-keys=1000&prefix=d%2F");
  seen s = {{0}, 0, 2}; // a callback that has enough ends it, and no other page is asked for
  size_t before = web_count(w.web);
  memset(&w.err, 0, sizeof w.err);
  check_status(grove_store_list(w.store, "s3://b/d/*.parquet", note, &s, &w.err), GROVE_EUSER);
  assert_string_equal(s.urls, "s3://b/d/a 1.parquet\ns3://b/d/b+2.parquet\n");
  assert_int_equal(s.bytes, 13 + 13);
  assert_int_equal(web_count(w.web) - before, 3);
  world_stop(&w);
}

static void answers_that_are_no_listing(void **state)
{
  (void)state;
#define BEGIN "<ListBucketResult>"
  static const char *const answers[] = {
      "",
      "garbage",
      "<html><body>welcome</body></html>",
      "<Error><Code>InternalThing</Code></Error>",
      BEGIN "<Contents><Key>a.orc</Key><Size>1</Size></Contents>",
      BEGIN "<IsTruncated>true</IsTruncated></ListBucketResult>",
      "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>" BEGIN
      "<Contents><Key>&b;&b;</Key></Contents></ListBucketResult>",
      "<!DOCTYPE r [<!ENTITY % x SYSTEM \"file:///etc/passwd\"> %x;]>" BEGIN "</ListBucketResult>",
      BEGIN "<Contents><Key>&nothing;</Key></Contents></ListBucketResult>",
      BEGIN "</ListBucketResult>more",
      BEGIN "<Contents><Key>\xff\xfe.parquet</Key></Contents></ListBucketResult>",
  };
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    remote_world w;
    bucket b = {NULL, 0, answers[i]};
    world_start_s3(&w, serve, &b, (grove_store_options){0});
    expect_none(&w, "s3://b/x*", GROVE_ECORRUPT, "the answer is no listing of a bucket (ListObjectsV2)");
    check_contains(w.err.text, "s3://b");
    world_stop(&w);
  }
  remote_world w;
  bucket b = {NULL, 0, BEGIN "<IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken></ListBucketResult>"};
  world_start_s3(&w, serve, &b, (grove_store_options){0});
  expect_none(&w, "s3://b/x*", GROVE_ECORRUPT, "s3://b: the listing's next page is the same one again");
  world_stop(&w);
  // Names with a prefix, and what we know nothing of.
  b.answer = "<s:ListBucketResult xmlns:s='x'><s:New><s:Key>no</s:Key></s:New><s:Contents><s:Key>x&#x31;</s:Key>"
             "<s:Size>12</s:Size></s:Contents></s:ListBucketResult>";
  world_start_s3(&w, serve, &b, (grove_store_options){0});
  expect(&w, "s3://b/x*", "s3://b/x1\n", 1);
  world_stop(&w);
}

static void refuse(void *user, web_peer *p, const web_request *r)
{
  const char *code = user;
  (void)r;
  if (*code == '3') {
    web_say_text(p, code, "x-amz-bucket-region: eu-west-1\r\n",
        "<Error><Code>PermanentRedirect</Code><Message>Use the right endpoint.</Message></Error>");
  } else {
    web_say_text(p, code, NULL,
        "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>");
  }
}

static void refusals(void **state)
{
  (void)state;
  remote_world w;
  world_start_s3(&w, refuse, "301 Moved Permanently", (grove_store_options){.key = "k", .secret = "s"});
  expect_none(&w, "s3://b/x", GROVE_EIO, "HTTP 301: the bucket is in region \"eu-west-1\" (PermanentRedirect: Use the right endpoint.)");
  assert_null(strstr(w.err.text, "list-type")); // no query
  expect_none(&w, "s3://anonymous@b/x", GROVE_EIO, "the bucket is in region \"eu-west-1\"");
  world_stop(&w);
  world_start_s3(&w, refuse, "404 Not Found", (grove_store_options){0});
  expect_none(&w, "s3://b/x", GROVE_ENOENT, "HTTP 404 Not Found (NoSuchBucket: The specified bucket does not exist)");
  expect_none(&w, "s3:///x", GROVE_EINVAL, "an s3 url is s3://BUCKET/KEY");
  expect_none(&w, "s3://", GROVE_EINVAL, "an s3 url is s3://BUCKET/KEY");
  expect_none(&w, "s3://who@b/x", GROVE_EINVAL, "\"who@b\" can't be a bucket's name");
  world_stop(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(folders_and_objects),
      cmocka_unit_test(patterns),
      cmocka_unit_test(pages),
      cmocka_unit_test(answers_that_are_no_listing),
      cmocka_unit_test(refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
