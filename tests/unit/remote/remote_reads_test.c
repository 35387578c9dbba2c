// Objects of http: what is asked for, and what is made of the answers.
#include "remote_world.h"
#include <unistd.h>

enum { TAIL = 65536, LONG = 200000 };

typedef struct thing {
  const char *lines; // of the header
  char *bytes;
  size_t n;
} thing;

static void serve(void *user, web_peer *p, const web_request *r)
{
  const thing *t = user;
  web_say_object(p, r, t->lines, t->bytes, t->n);
}

static void asks_for_the_end_then_for_ranges(void **state)
{
  (void)state;
  remote_world w;
  thing t = {"ETag: \"v1\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n", world_bytes(LONG), LONG};
  world_start(&w, serve, &t, (grove_store_options){0});
  grove_source f = world_source(&w, world_url(&w, "/a?b=c"));
  assert_int_equal(f.bytes, LONG);
  assert_string_equal(f.version, "\"v1\" 200000");
  assert_int_equal(web_count(w.web), 1);
  const web_request *r = web_nth(w.web, 0);
  assert_string_equal(r->method, "GET");
  assert_string_equal(r->target, "/a?b=c");
  check_header(r, "Range", "bytes=-65536");
  check_header(r, "Accept-Encoding", "identity");
  check_header(r, "If-Match", NULL);
  check_header(r, "Authorization", NULL);
  check_header(r, "Expect", NULL);
  check_header(r, "User-Agent", "grove");

  world_read(&w, &f, 0, 100, t.bytes);
  check_header(web_nth(w.web, 1), "Range", "bytes=0-99");
  check_header(web_nth(w.web, 1), "If-Match", "\"v1\"");
  check_header(web_nth(w.web, 1), "If-Unmodified-Since", NULL);
  world_read(&w, &f, LONG - TAIL - 10, 20, t.bytes + LONG - TAIL - 10); // ten of them are there
  check_header(web_nth(w.web, 2), "Range", "bytes=134454-134463");
  world_read(&w, &f, LONG - TAIL, TAIL, t.bytes + LONG - TAIL);
  world_read(&w, &f, LONG - 1, 1, t.bytes + LONG - 1);
  world_read(&w, &f, 0, 0, "");
  world_read(&w, &f, LONG, 0, "");
  assert_int_equal(web_count(w.web), 3);
  world_read(&w, &f, 0, LONG, t.bytes);
  world_read_fails(&w, &f, LONG - 1, 2, GROVE_EIO, "/a: a read of 2 bytes at 199999 goes past the end at 200000");
  world_read_fails(&w, &f, LONG + 1, 1, GROVE_EIO, "goes past the end");
  world_read_fails(&w, &f, UINT64_MAX, 2, GROVE_EIO, "goes past the end");
  assert_int_equal(web_count(w.web), 4);
  for (size_t i = 0; i < web_count(w.web); i++) {
    assert_int_equal(web_nth(w.web, i)->connection, 0); // it was kept
  }
  f.close(f.user);
  world_stop(&w);
  free(t.bytes);
}

static void cuts_long_reads_into_parts(void **state)
{
  (void)state;
  remote_world w;
  const size_t part = 5 << 20, n = 12 << 20;
  thing t = {"ETag: \"v1\"\r\n", world_bytes(n), n};
  world_start(&w, serve, &t, (grove_store_options){.part_bytes = 1}); // 5 MiB are the least
  grove_source f = world_source(&w, world_url(&w, "/big"));
  world_read(&w, &f, 1000, 2 * part + 1, t.bytes + 1000);
  assert_int_equal(web_count(w.web), 4);
  unsigned seen = 0;
  for (size_t i = 1; i < 4; i++) { // side by side, so in any order
    char range[64] = "";
    assert_true(web_header(web_nth(w.web, i), "Range", range, sizeof range));
    seen |= !strcmp(range, "bytes=1000-5243879") ? 1u
            : !strcmp(range, "bytes=5243880-10486759") ? 2u
            : !strcmp(range, "bytes=10486760-10486760") ? 4u : 8u;
  }
  assert_int_equal(seen, 7);
  f.close(f.user);
  world_stop(&w);
  free(t.bytes);
}

// ---- servers without ranges -------------------------------------------------------------------------

static void serve_whole(void *user, web_peer *p, const web_request *r)
{
  const thing *t = user;
  char head[200];
  if (!strcmp(r->path, "/plain")) {
    web_say(p, "200 OK", t->lines, t->bytes, t->n);
  } else if (!strcmp(r->path, "/chunked")) {
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", t->n);
    web_send_text(p, head);
    web_send(p, t->bytes, t->n);
    web_send_text(p, "\r\n0\r\n\r\n");
  } else if (!strcmp(r->path, "/closing")) { // as long as the connection is open
    web_send_text(p, "HTTP/1.0 200 OK\r\n\r\n");
    web_send(p, t->bytes, t->n);
    web_cut(p);
  } else if (!strcmp(r->path, "/huge")) {
    web_send_text(p, "HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n");
    web_send(p, t->bytes, t->n);
    web_hold(p);
  } else {
    web_send_text(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    snprintf(head, sizeof head, "%zx\r\n", t->n);
    while (!web_is_cut(p)) {
      web_send_text(p, head);
      web_send(p, t->bytes, t->n);
      web_send_text(p, "\r\n");
    }
  }
}

static grove_status note_size(void *user, const char *url, uint64_t bytes)
{
  (void)url;
  *(uint64_t *)user = bytes;
  return GROVE_OK;
}

static void takes_whole_objects_where_there_are_no_ranges(void **state)
{
  (void)state;
  static const char *const paths[] = {"/plain", "/chunked", "/closing"};
  remote_world w;
  thing t = {"ETag: \"v1\"\r\n", world_bytes(LONG), LONG};
  world_start(&w, serve_whole, &t, (grove_store_options){0});
  for (size_t i = 0; i < 3; i++) {
    size_t before = web_count(w.web);
    grove_source f = world_source(&w, world_url(&w, paths[i]));
    assert_int_equal(f.bytes, LONG);
    world_read(&w, &f, 0, LONG, t.bytes);
    world_read(&w, &f, 5, 10, t.bytes + 5);
    assert_int_equal(web_count(w.web), before + 1);
    f.close(f.user);
    uint64_t bytes = 0; // without a length in the header it is counted
    check_ok_err(grove_store_list(w.store, world_url(&w, paths[i]), note_size, &bytes, &w.err), &w.err);
    assert_int_equal(bytes, LONG);
  }
  world_source_fails(&w, world_url(&w, "/huge"), GROVE_ELIMIT,
      "/huge last 65536 bytes: the answer is longer than 67108864 bytes, the most that is taken without ranges, attempt 1 of 3");
  world_stop(&w);
  free(t.bytes);
}

// Ranges, but none that are counted from the end; and what such servers say to one.
static void serve_from_start(void *user, web_peer *p, const web_request *r)
{
  const thing *t = user;
  char range[64] = "";
  (void)web_header(r, "Range", range, sizeof range);
  if (strncmp(range, "bytes=-", 7) != 0) {
    web_say_object(p, r, t->lines, t->bytes, t->n);
  } else if (!strcmp(r->path, "/huge")) {
    web_send_text(p, "HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n");
    web_send(p, t->bytes, t->n);
    web_cut(p);
  } else {
    web_say_text(p, r->path + 1, NULL, "no");
  }
}

static void knows_servers_that_count_from_the_start(void **state)
{
  (void)state;
  static const char *const paths[] = {"/400", "/405", "/416", "/501", "/huge"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    remote_world w;
    thing t = {"ETag: \"v1\"\r\n", world_bytes(LONG), LONG};
    world_start(&w, serve_from_start, &t, (grove_store_options){0});
    grove_source f = world_source(&w, world_url(&w, paths[i]));
    assert_int_equal(f.bytes, LONG);
    assert_string_equal(f.version, "\"v1\" 200000");
    world_read(&w, &f, LONG - 100, 100, t.bytes + LONG - 100);
    world_read(&w, &f, 0, LONG, t.bytes);
    check_header(web_nth(w.web, web_count(w.web) - 1), "If-Match", "\"v1\"");
    f.close(f.user);
    world_stop(&w);
    free(t.bytes);
  }
  remote_world w; // one that refuses all: its first words are told
  thing t = {"", world_bytes(10), 10};
  world_start(&w, serve_whole, &t, (grove_store_options){0});
  world_source_fails(&w, world_url(&w, "/huge"), GROVE_ELIMIT, "the answer is longer than 67108864 bytes");
  world_stop(&w);
  free(t.bytes);
}

static void refuses_endless_answers(void **state)
{
  (void)state;
  remote_world w;
  uint64_t bytes = 0;
  thing t = {"", world_bytes(1 << 20), 1 << 20};
  world_start(&w, serve_whole, &t, (grove_store_options){0});
  world_source_fails(&w, world_url(&w, "/endless"), GROVE_ELIMIT, "the answer is longer than 67108864 bytes");
  check_status(grove_store_list(w.store, world_url(&w, "/endless"), note_size, &bytes, &w.err), GROVE_ELIMIT);
  assert_int_equal(web_count(w.web), 3); // and once whether there are ranges, but none from the end
  world_stop(&w);
  free(t.bytes);
}

// ---- empty objects ----------------------------------------------------------------------------------

static void serve_empty(void *user, web_peer *p, const web_request *r)
{
  (void)user;
  if (!strcmp(r->path, "/whole")) {
    web_say(p, "200 OK", "ETag: \"none\"\r\n", "", 0);
  } else if (!strcmp(r->path, "/416")) {
    web_say_text(p, "416 Range Not Satisfiable", "Content-Range: bytes */0\r\n", "<h1>no</h1>");
  } else if (!strcmp(r->path, "/s3")) {
    web_say_text(p, "416 Requested Range Not Satisfiable", NULL,
        "<Error><Code>InvalidRange</Code><Message>no</Message><ActualObjectSize>0</ActualObjectSize></Error>");
  } else if (!strcmp(r->path, "/silent")) {
    web_say(p, "416 Range Not Satisfiable", NULL, "", 0);
  } else {
    web_say_text(p, "416 Range Not Satisfiable", "Content-Range: bytes */77\r\n", "");
  }
}

static void knows_empty_objects(void **state)
{
  (void)state;
  static const char *const paths[] = {"/whole", "/416", "/s3"};
  remote_world w;
  world_start(&w, serve_empty, NULL, (grove_store_options){0});
  for (size_t i = 0; i < 3; i++) {
    uint64_t bytes = 7;
    grove_source f = world_source(&w, world_url(&w, paths[i]));
    assert_int_equal(f.bytes, 0);
    world_read(&w, &f, 0, 0, "");
    world_read_fails(&w, &f, 0, 1, GROVE_EIO, "goes past the end at 0");
    f.close(f.user);
    check_ok_err(grove_store_list(w.store, world_url(&w, paths[i]), note_size, &bytes, &w.err), &w.err);
    assert_int_equal(bytes, 0);
  }
  world_source_fails(&w, world_url(&w, "/silent"), GROVE_EIO, "HTTP 416 Range Not Satisfiable");
  world_source_fails(&w, world_url(&w, "/other"), GROVE_EIO, "HTTP 416 Range Not Satisfiable");
  world_stop(&w);
}

// ---- versions ---------------------------------------------------------------------------------------

typedef struct changing {
  char *bytes;
  const char *before, *after; // lines of the header
  size_t n_after;
  const char *code; // NULL: answers as if nothing had been asked
} changing;

static void serve_changing(void *user, web_peer *p, const web_request *r)
{
  const changing *c = user;
  if (r->n == 0) {
    web_say_object(p, r, c->before, c->bytes, LONG);
  } else if (c->code) {
    web_say_text(p, c->code, NULL, "<Error><Code>PreconditionFailed</Code></Error>");
  } else {
    web_say_object(p, r, c->after, c->bytes, c->n_after);
  }
}

static void expect_change(const changing *c, const char *header, const char *value, const char *words)
{
  remote_world w;
  world_start(&w, serve_changing, (void *)(uintptr_t)c, (grove_store_options){0});
  grove_source f = world_source(&w, world_url(&w, "/x"));
  if (words) {
    world_read_fails(&w, &f, 3, 5, GROVE_ECORRUPT, words);
    assert_int_equal(w.err.at, 3);
  } else {
    world_read(&w, &f, 3, 5, c->bytes + 3);
  }
  check_header(web_nth(w.web, 1), header, value);
  assert_int_equal(web_count(w.web), 2); // no other attempt
  f.close(f.user);
  world_stop(&w);
}

static void an_object_that_changes_is_an_error(void **state)
{
  (void)state;
  static const char dated[] = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n";
  static const char later[] = "Last-Modified: Mon, 01 Jan 2024 00:00:01 GMT\r\n";
  char *bytes = world_bytes(LONG + 1);
  expect_change(&(changing){bytes, "ETag: \"a\"\r\n", NULL, 0, "412 Precondition Failed"}, "If-Match", "\"a\"",
      "/x bytes 3-7: HTTP 412 Precondition Failed: it changed while it was read");
  expect_change(&(changing){bytes, dated, NULL, 0, "412 Precondition Failed"}, "If-Unmodified-Since",
      "Mon, 01 Jan 2024 00:00:00 GMT", "412");
  // Servers that don't mind the condition:
  expect_change(&(changing){bytes, "ETag: \"a\"\r\n", "ETag: \"b\"\r\n", LONG, NULL}, "If-Match", "\"a\"",
      "it changed while it was read: from \"a\" with 200000 bytes to \"b\" with 200000");
  expect_change(&(changing){bytes, "ETag: W/\"a\"\r\n", "ETag: W/\"b\"\r\n", LONG, NULL}, "If-Match", NULL, "it changed");
  expect_change(&(changing){bytes, dated, later, LONG, NULL}, "If-Match", NULL, "it changed");
  expect_change(&(changing){bytes, "", "", LONG + 1, NULL}, "If-Match", NULL,
      "it changed while it was read: from a version with 200000 bytes to a version with 200001");
  // No change:
  expect_change(&(changing){bytes, "", "", LONG, NULL}, "If-Match", NULL, NULL);
  expect_change(&(changing){bytes, "ETag: \"a\"\r\n", "", LONG, NULL}, "If-Match", "\"a\"", NULL);
  expect_change(&(changing){bytes, "ETag: W/\"a\"\r\nLast-Modified: yesterday\r\n", "ETag: W/\"a\"\r\n", LONG, NULL},
      "If-Unmodified-Since", "yesterday", NULL);
  free(bytes);
}

static void tells_versions(void **state)
{
  (void)state;
  static const char *const lines[] = {"ETag: \"a\"\r\n", "ETag: W/\"a\"\r\n", "Last-Modified: then\r\n", ""};
  static const char *const versions[] = {"\"a\" 5", "W/\"a\" 5", "then 5", NULL};
  for (size_t i = 0; i < 4; i++) {
    remote_world w;
    thing t = {lines[i], world_bytes(5), 5};
    world_start(&w, serve, &t, (grove_store_options){0});
    grove_source f = world_source(&w, world_url(&w, "/x"));
    if (versions[i]) {
      assert_string_equal(f.version, versions[i]);
    } else {
      assert_null(f.version);
    }
    f.close(f.user);
    world_stop(&w);
    free(t.bytes);
  }
}

// ---- redirects and packing --------------------------------------------------------------------------

static void serve_elsewhere(void *user, web_peer *p, const web_request *r)
{
  const thing *t = user;
  if (!strcmp(r->path, "/here")) {
    web_say_text(p, "302 Found", "Location: /there?x=1\r\nETag: \"of the redirect\"\r\nContent-Encoding: gzip\r\n", "moved");
  } else if (!strcmp(r->path, "/round")) {
    web_say_text(p, "301 Moved Permanently", "Location: /round\r\n", "");
  } else if (!strcmp(r->path, "/file")) {
    web_say_text(p, "302 Found", "Location: file:///etc/hostname\r\n", "");
  } else if (!strcmp(r->path, "/packed")) {
    web_say_object(p, r, "Content-Encoding: gzip\r\n", t->bytes, t->n);
  } else if (!strcmp(r->path, "/unpacked")) {
    web_say_object(p, r, "Content-Encoding: identity\r\n", t->bytes, t->n);
  } else {
    web_say_object(p, r, t->lines, t->bytes, t->n);
  }
}

static void follows_redirects(void **state)
{
  (void)state;
  remote_world w;
  thing t = {"ETag: \"v1\"\r\n", world_bytes(LONG), LONG};
  world_start(&w, serve_elsewhere, &t, (grove_store_options){0});
  grove_source f = world_source(&w, world_url(&w, "/here"));
  assert_string_equal(f.version, "\"v1\" 200000");
  world_read(&w, &f, 7, 70, t.bytes + 7);
  assert_string_equal(web_nth(w.web, 3)->target, "/there?x=1");
  check_header(web_nth(w.web, 3), "Range", "bytes=7-76");
  f.close(f.user);
  world_source_fails(&w, world_url(&w, "/round"), GROVE_EIO, "Maximum (10) redirects followed");
  world_source_fails(&w, world_url(&w, "/file"), GROVE_EIO, "attempt 1 of 3");
  world_stop(&w);
  free(t.bytes);
}

static void refuses_packed_bytes(void **state)
{
  (void)state;
  remote_world w;
  uint64_t bytes = 0;
  thing t = {"", world_bytes(50), 50};
  world_start(&w, serve_elsewhere, &t, (grove_store_options){0});
  world_source_fails(&w, world_url(&w, "/packed"), GROVE_ENOTSUP,
      "the server packed it (Content-Encoding), though it was asked not to, attempt 1 of 3");
  check_status(grove_store_list(w.store, world_url(&w, "/packed"), note_size, &bytes, &w.err), GROVE_ENOTSUP);
  grove_source f = world_source(&w, world_url(&w, "/unpacked"));
  world_read(&w, &f, 0, 50, t.bytes);
  f.close(f.user);
  world_stop(&w);
  free(t.bytes);
}

// ---- lists, writes, urls ----------------------------------------------------------------------------

static void http_stands_for_itself(void **state)
{
  (void)state;
  remote_world w;
  uint64_t bytes = 0;
  grove_writer *out = (grove_writer *)1;
  thing t = {"", world_bytes(LONG), LONG};
  world_start(&w, serve, &t, (grove_store_options){0});
  check_ok_err(grove_store_list(w.store, world_url(&w, "/x?y=*"), note_size, &bytes, &w.err), &w.err);
  assert_int_equal(bytes, LONG);
  check_header(web_nth(w.web, 0), "Range", "bytes=0-0");
  check_status(grove_store_list(w.store, world_url(&w, "/*.parquet"), note_size, &bytes, &w.err), GROVE_ENOTSUP);
  check_contains(w.err.text, "http has no listings");
  check_status(grove_store_write(w.store, world_url(&w, "/x"), &out, &w.err), GROVE_ENOTSUP);
  check_contains(w.err.text, "http can be read, not written");
  assert_null(out);
  world_source_fails(&w, "http://127.0.0.1:99999/x", GROVE_EINVAL, "attempt 1 of 3");
  world_source_fails(&w, world_url(&w, "/a b"), GROVE_EINVAL, "attempt 1 of 3");
  assert_int_equal(web_count(w.web), 1);
  world_stop(&w);
  free(t.bytes);
}

static void serve_locked(void *user, web_peer *p, const web_request *r)
{
  (void)user, (void)r;
  web_say_text(p, "403 Forbidden", NULL, "no");
}

static void errors_keep_secrets(void **state)
{
  (void)state;
  remote_world w;
  char url[200];
  world_start(&w, serve_locked, NULL, (grove_store_options){0});
  snprintf(url, sizeof url, "http://who:secret@127.0.0.1:%d/a/b?sig=secret", web_port(w.web));
  world_source_fails(&w, url, GROVE_EIO, "/a/b last 65536 bytes: HTTP 403 Forbidden, attempt 1 of 3");
  check_contains(w.err.text, "GET http://127.0.0.1:");
  assert_null(strstr(w.err.text, "secret"));
  check_header(web_nth(w.web, 0), "Authorization", "Basic d2hvOnNlY3JldA=="); // who:secret
  world_stop(&w);
}

static void wrong_options(void **state)
{
  (void)state;
  static const struct {
    grove_store_options o;
    const char *words;
  } wrong[] = {
      {{.key = "k"}, "a store has a key, but no secret"},
      {{.secret = "s"}, "a store has a secret, but no key"},
      {{.endpoint = "localhost:9000"}, "the endpoint \"localhost:9000\" must begin with http:// or https://"},
      {{.endpoint = "ftp://h"}, "must begin with http:// or https://"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    remote_world w;
    memset(&w, 0, sizeof w);
    atomic_store(&w.until, -1);
    grove_store_options o = world_options(&w, wrong[i].o);
    check_status(grove_store_open(&o, &w.store, &w.err), GROVE_EINVAL);
    check_contains(w.err.text, wrong[i].words);
    assert_null(w.store);
    world_stop(&w);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_options),
      cmocka_unit_test(asks_for_the_end_then_for_ranges),
      cmocka_unit_test(cuts_long_reads_into_parts),
      cmocka_unit_test(takes_whole_objects_where_there_are_no_ranges),
      cmocka_unit_test(knows_servers_that_count_from_the_start),
      cmocka_unit_test(refuses_endless_answers),
      cmocka_unit_test(knows_empty_objects),
      cmocka_unit_test(an_object_that_changes_is_an_error),
      cmocka_unit_test(tells_versions),
      cmocka_unit_test(follows_redirects),
      cmocka_unit_test(refuses_packed_bytes),
      cmocka_unit_test(http_stands_for_itself),
      cmocka_unit_test(errors_keep_secrets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
