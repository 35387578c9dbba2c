// Writing to s3 what is not there yet: what has come there by the end stays.
#include "remote_world.h"
#include "store/folder.h"

enum { PART = 5 << 20 }; // the least

typedef struct shelf {
  bool there;          // an object
  const char *refuses; // what is said of a condition, whatever is there; NULL: it is minded
  unsigned refusals;   // how often; 0: always
  atomic_uint refused;
} shelf;

static bool refuses(shelf *s, web_peer *p, const web_request *r)
{
  char condition[64];
  if (!web_header(r, "If-None-Match", condition, sizeof condition)) {
    return false;
  }
  assert_string_equal(condition, "*");
  bool told = s->refuses && (!s->refusals || atomic_fetch_add(&s->refused, 1) < s->refusals);
  if (told) {
    web_say_text(p, s->refuses, NULL, strstr(s->refuses, "409") ? "<Error><Code>ConditionalRequestConflict</Code></Error>"
                                                               : "<Error><Code>NotImplemented</Code></Error>");
  } else if (s->there) {
    web_say_text(p, "412 Precondition Failed", NULL, "<Error><Code>PreconditionFailed</Code></Error>");
  }
  return told || s->there;
}

static void serve(void *user, web_peer *p, const web_request *r)
{
  shelf *s = user;
  if (!strcmp(r->method, "GET")) {
    web_say(p, s->there ? "206 OK" : "404 Not Found", s->there ? "Content-Range: bytes 0-0/1\r\n" : NULL, "x", s->there);
  } else if (!strcmp(r->method, "DELETE")) {
    web_say(p, "204 No Content", NULL, "", 0);
  } else if (!strcmp(r->query, "uploads=")) {
    web_say_text(p, "200 OK", NULL, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>");
  } else if (!refuses(s, p, r)) {
    web_say_text(p, "200 OK", "ETag: \"e\"\r\n", !strcmp(r->method, "POST") ? "<R><ETag>\"e\"</ETag></R>" : "");
  }
}

static grove_status write_object(remote_world *w, size_t n, bool fresh)
{
  char *bytes = world_bytes(n);
  grove_writer *out;
  memset(&w->err, 0, sizeof w->err);
  check_ok_err((fresh ? grove__store_write_new : grove_store_write)(w->store, "s3://b/k", &out, &w->err), &w->err);
  grove_status s = grove_writer_put(out, bytes, n, &w->err);
  free(bytes);
  grove_status closed = grove_writer_close(out, !s, s ? NULL : &w->err);
  return s ? s : closed;
}

static size_t count_conditions(remote_world *w)
{
  size_t n = 0;
  char condition[64];
  for (size_t i = 0; i < web_count(w->web); i++) {
    n += web_header(web_nth(w->web, i), "If-None-Match", condition, sizeof condition);
  }
  return n;
}

static void start(remote_world *w, shelf *s)
{
  world_start_s3(w, serve, s, (grove_store_options){.part_bytes = 1, .key = "k", .secret = "s"});
}

static void only_the_last_request_of_new_ones_has_a_condition(void **state)
{
  (void)state;
  static const size_t sizes[] = {0, 10, PART + 1};
  for (size_t i = 0; i < 3; i++) {
    for (int fresh = 0; fresh < 2; fresh++) {
      remote_world w;
      shelf s = {0};
      start(&w, &s);
      check_ok_err(write_object(&w, sizes[i], fresh), &w.err);
      assert_int_equal(count_conditions(&w), fresh);
      check_header(web_nth(w.web, web_count(w.web) - 1), "If-None-Match", fresh ? "*" : NULL);
      world_stop(&w);
    }
  }
}

static void what_is_there_stays(void **state)
{
  (void)state;
  static const size_t sizes[] = {10, PART + 1};
  for (size_t i = 0; i < 2; i++) {
    remote_world w;
    shelf s = {.there = true};
    start(&w, &s);
    check_status(write_object(&w, sizes[i], true), GROVE_EEXIST);
    check_contains(w.err.text, "HTTP 412 Precondition Failed: it is there already (PreconditionFailed), attempt 1 of 3");
    assert_int_equal(count_conditions(&w), 1);
    assert_int_equal(!strcmp(web_nth(w.web, web_count(w.web) - 1)->method, "DELETE"), i); // the parts are taken back
    check_ok_err(write_object(&w, sizes[i], false), &w.err); // who may replace it does
    world_stop(&w);
  }
}

// A server without conditions says so: then it is looked at.
static void servers_without_conditions_are_looked_at(void **state)
{
  (void)state;
  static const size_t sizes[] = {10, PART + 1};
  for (size_t i = 0; i < 2; i++) {
    for (int there = 0; there < 2; there++) {
      remote_world w;
      shelf s = {.there = there, .refuses = "501 Not Implemented"};
      start(&w, &s);
      check_status(write_object(&w, sizes[i], true), there ? GROVE_EEXIST : GROVE_OK);
      assert_int_equal(count_conditions(&w), 1);
      if (there) {
        check_contains(w.err.text, "s3://b/k: it is there already");
      } else {
        size_t n = web_count(w.web);
        assert_string_equal(web_nth(w.web, n - 2)->method, "GET");
        assert_string_equal(web_nth(w.web, n - 1)->method, i ? "POST" : "PUT");
      }
      world_stop(&w);
    }
  }
}

// Another's request is under way: a PUT is asked again; of an upload that met one the parts are gone.
static void conflicts_are_tried_again(void **state)
{
  (void)state;
  remote_world w;
  shelf s = {.refuses = "409 Conflict", .refusals = 1};
  start(&w, &s);
  check_ok_err(write_object(&w, 10, true), &w.err);
  assert_int_equal(count_conditions(&w), 2);
  world_stop(&w);
  s = (shelf){.refuses = "409 Conflict"};
  start(&w, &s);
  check_status(write_object(&w, PART + 1, true), GROVE_EIO);
  check_contains(w.err.text, "HTTP 409 Conflict (ConditionalRequestConflict), attempt 1 of 3");
  assert_int_equal(count_conditions(&w), 1);
  world_stop(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_the_last_request_of_new_ones_has_a_condition),
      cmocka_unit_test(what_is_there_stays),
      cmocka_unit_test(servers_without_conditions_are_looked_at),
      cmocka_unit_test(conflicts_are_tried_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
