// Writing to s3: one request or many, and what goes wrong on the way.
#include "remote_world.h"

enum { PART = 5 << 20 }; // the least

typedef struct shelf {
  const char *complete; // the answers to the last request, "code\nbody", in turn, with \f between; "": cut
  const char *begin;    // the answer to the first, else a good one
  int bad_part;         // the number of the part that is refused; 0: none
  const char *bad_code;
  bool no_etag;
  size_t there; // bytes of the object that is there afterwards
  atomic_int completed;
} shelf;

static void say_complete(shelf *s, web_peer *p)
{
  char answer[1024];
  const char *from = s->complete;
  for (int i = atomic_fetch_add(&s->completed, 1); i && strchr(from, '\f'); i--) {
    from = strchr(from, '\f') + 1;
  }
  snprintf(answer, sizeof answer, "%.*s", (int)strcspn(from, "\f"), from);
  char *body = strchr(answer, '\n');
  if (!body) {
    web_cut(p);
    return;
  }
  *body = '\0';
  web_say_text(p, answer, NULL, body + 1);
}

static void serve(void *user, web_peer *p, const web_request *r)
{
  shelf *s = user;
  char etag[64];
  int part = 0;
  if (!strcmp(r->method, "POST") && !strcmp(r->query, "uploads=")) {
    web_say_text(p, "200 OK", NULL, s->begin ? s->begin
        : "<InitiateMultipartUploadResult><UploadId>a+b/c= &amp;d</UploadId></InitiateMultipartUploadResult>");
  } else if (!strcmp(r->method, "POST")) {
    say_complete(s, p);
  } else if (!strcmp(r->method, "DELETE")) {
    web_say(p, "204 No Content", NULL, "", 0);
  } else if (!strcmp(r->method, "PUT")) {
    (void)sscanf(r->query, "partNumber=%d", &part);
    if (s->bad_code && part == s->bad_part) {
      web_say_text(p, s->bad_code, NULL, "<Error><Code>Nope</Code></Error>");
      return;
    }
    snprintf(etag, sizeof etag, "ETag: \"p%d\"\r\n", part);
    web_say(p, "200 OK", s->no_etag ? NULL : etag, "", 0);
  } else if (s->there) {
    char range[64];
    snprintf(range, sizeof range, "Content-Range: bytes 0-0/%zu\r\n", s->there);
    web_say(p, "206 OK", range, "x", 1);
  } else {
    web_say(p, "404 Not Found", NULL, "", 0);
  }
}

static const char good[] = "200 OK\n<CompleteMultipartUploadResult><ETag>\"x-3\"</ETag></CompleteMultipartUploadResult>";
#define UPLOAD "uploadId=a%2Bb%2Fc%3D%20%26d"

// Writes n bytes in pieces, and closes. Gives the status of the first that failed.
static grove_status write_object(remote_world *w, const char *url, size_t n, size_t piece, int commit)
{
  char *bytes = world_bytes(n);
  grove_writer *out;
  memset(&w->err, 0, sizeof w->err);
  check_ok_err(grove_store_write(w->store, url, &out, &w->err), &w->err);
  grove_status s = GROVE_OK;
  for (size_t at = 0; at < n && !s; at += piece) {
    s = grove_writer_put(out, bytes + at, n - at < piece ? n - at : piece, &w->err);
  }
  if (s) {
    grove_error err = {0};
    check_status(grove_writer_put(out, "x", 1, &err), GROVE_EIO);
    check_contains(err.text, "an earlier write failed");
    check_status(grove_writer_close(out, commit, &err), commit ? GROVE_EIO : GROVE_OK);
    free(bytes);
    return s;
  }
  s = grove_writer_close(out, commit, &w->err);
  // What went up is what was written, in order.
  size_t at = 0;
  for (size_t i = 0; i < web_count(w->web); i++) {
    const web_request *r = web_nth(w->web, i);
    if (!strcmp(r->method, "PUT") && at < n) {
      assert_true(r->body_bytes <= n - at);
      assert_memory_equal(r->body, bytes + at, r->body_bytes);
      at += r->body_bytes;
    }
  }
  free(bytes);
  return s;
}

static void expect_request(remote_world *w, size_t i, const char *method, const char *target, size_t bytes)
{
  const web_request *r = web_nth(w->web, i);
  assert_non_null(r);
  assert_string_equal(r->method, method);
  assert_string_equal(r->target, target);
  if (bytes != SIZE_MAX) {
    assert_int_equal(r->body_bytes, bytes);
  }
}

static void small_ones_are_one_request(void **state)
{
  (void)state;
  static const size_t sizes[] = {0, 1, 1000, PART - 1, PART};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    remote_world w;
    shelf s = {.complete = good};
    world_start_s3(&w, serve, &s, (grove_store_options){.part_bytes = 1});
    check_ok_err(write_object(&w, "s3://b/d/o k+1.parquet", sizes[i], 1 << 20, 1), &w.err);
    assert_int_equal(web_count(w.web), 1);
    expect_request(&w, 0, "PUT", "/b/d/o%20k%2B1.parquet", sizes[i]);
    check_header(web_nth(w.web, 0), "Content-Type", "application/octet-stream");
    world_stop(&w);
  }
}

static void larger_ones_go_up_in_parts(void **state)
{
  (void)state;
  static const size_t sizes[] = {PART + 1, 2 * PART - 1, 2 * PART, 2 * PART + 1};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    remote_world w;
    shelf s = {.complete = good};
    size_t n = sizes[i], parts = n > 2 * PART ? 3 : 2;
    world_start_s3(&w, serve, &s, (grove_store_options){.part_bytes = 1});
    check_ok_err(write_object(&w, "s3://b/k", n, 999999, 1), &w.err);
    assert_int_equal(web_count(w.web), parts + 2);
    expect_request(&w, 0, "POST", "/b/k?uploads=", 0);
    for (size_t part = 1; part <= parts; part++) {
      char target[100];
      snprintf(target, sizeof target, "/b/k?partNumber=%zu&%s", part, UPLOAD);
      expect_request(&w, part, "PUT", target, part < parts ? PART : n - (parts - 1) * PART);
    }
    expect_request(&w, parts + 1, "POST", "/b/k?" UPLOAD, SIZE_MAX);
    assert_string_equal(web_nth(w.web, parts + 1)->body,
        parts == 2 ? "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"p1\"</ETag></Part>"
                     "<Part><PartNumber>2</PartNumber><ETag>\"p2\"</ETag></Part></CompleteMultipartUpload>"
                   : "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"p1\"</ETag></Part>"
                     "<Part><PartNumber>2</PartNumber><ETag>\"p2\"</ETag></Part>"
                     "<Part><PartNumber>3</PartNumber><ETag>\"p3\"</ETag></Part></CompleteMultipartUpload>");
    world_stop(&w);
  }
}

// The connection goes while a body is on its way: it is sent again, whole.
static void cut_on_the_way_up(void **state)
{
  (void)state;
  static const struct {
    size_t bytes, after;
  } bodies[] = {{100, 0}, {3 << 20, 1}, {3 << 20, (3 << 20) - 1}, {PART + 10, 2 << 20}, {2 * PART + 1, 4 << 20}};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    remote_world w;
    shelf s = {.complete = good};
    bool parts = bodies[i].bytes > PART;
    world_start_s3(&w, serve, &s, (grove_store_options){.part_bytes = 1});
    web_cut_bodies(w.web, 1, bodies[i].after);
    check_ok_err(write_object(&w, "s3://b/k", bodies[i].bytes, 1 << 20, 1), &w.err);
    assert_int_equal(atomic_load(&s.completed), parts);
    world_stop(&w);
    world_start_s3(&w, serve, &s, (grove_store_options){.part_bytes = 1});
    web_cut_bodies(w.web, 1000, bodies[i].after);
    check_status(write_object(&w, "s3://b/k", bodies[i].bytes, 1 << 20, 1), GROVE_EIO);
    check_contains(w.err.text, "attempt 3 of 3");
    bool aborted = false;
    for (size_t k = 0; k < web_count(w.web); k++) {
      aborted = aborted || !strcmp(web_nth(w.web, k)->method, "DELETE");
    }
    assert_int_equal(aborted, parts); // what went up before is not left to be paid for
    world_stop(&w);
  }
}

static void given_up_leaves_nothing(void **state)
{
  (void)state;
  remote_world w;
  shelf s = {.complete = good};
  world_start_s3(&w, serve, &s, (grove_store_options){.part_bytes = 1});
  check_ok_err(write_object(&w, "s3://b/k", 10, 10, 0), &w.err);
  assert_int_equal(web_count(w.web), 0); // nothing was sent
  check_ok_err(write_object(&w, "s3://b/k", PART + 1, PART + 1, 0), &w.err);
  assert_int_equal(web_count(w.web), 3);
  expect_request(&w, 2, "DELETE", "/b/k?" UPLOAD, 0);
  world_stop(&w);
}

// An upload of PART + 1 bytes that fails; its last request is the one that takes it back.
static void fails(shelf s, grove_status want, const char *words, size_t requests)
{
  remote_world w;
  world_start_s3(&w, serve, &s, (grove_store_options){.part_bytes = 1});
  check_status(write_object(&w, "s3://b/k", PART + 1, PART + 1, 1), want);
  check_contains(w.err.text, words);
  check_contains(w.err.text, "/k");
  assert_int_equal(web_count(w.web), requests);
  if (!s.begin) {
    expect_request(&w, requests - 1, "DELETE", "/b/k?" UPLOAD, 0);
  }
  world_stop(&w);
}

static void failures_take_it_back(void **state)
{
  (void)state;
  fails((shelf){.complete = good, .begin = "<A/>"}, GROVE_EIO, "the server began no multipart upload", 1);
  fails((shelf){.complete = good, .begin = ""}, GROVE_EIO, "the server began no multipart upload", 1);
  fails((shelf){.complete = good, .begin = "<R><UploadId></UploadId></R>"}, GROVE_EIO, "began no", 1);
  fails((shelf){.complete = good, .bad_part = 1, .bad_code = "403 Forbidden"}, GROVE_EIO, "HTTP 403 Forbidden (Nope)", 3);
  fails((shelf){.complete = good, .bad_part = 2, .bad_code = "500 Oh"}, GROVE_EIO,
      "HTTP 500 Internal Server Error (Nope), attempt 3 of 3", 6);
  fails((shelf){.complete = good, .no_etag = true}, GROVE_EIO, "the server gave a part no etag", 3);
  fails((shelf){.complete = "400 Bad Request\n<Error><Code>InvalidPart</Code></Error>"}, GROVE_EIO,
      "HTTP 400 Bad Request (InvalidPart), attempt 1 of 3", 5);
  fails((shelf){.complete = "404 Not Found\n<Error><Code>NoSuchUpload</Code></Error>", .there = PART + 1}, GROVE_ENOENT,
      "NoSuchUpload", 5); // the first attempt: somebody else ended it
  fails((shelf){.complete = "200 OK\n"}, GROVE_EIO, "does not say that it was", 5);
  fails((shelf){.complete = "200 OK\n<html>hello</html>"}, GROVE_EIO, "does not say that it was", 5);
}

static void success_with_an_error_in_it(void **state)
{
  (void)state;
  static const char inside[] = "200 OK\n  \r\n<?xml version=\"1.0\"?>\n <Error><Code>InternalError</Code><Message>Try again.</Message></Error>";
  char again[1024];
  fails((shelf){.complete = inside}, GROVE_EIO, "HTTP 200 (InternalError: Try again.), attempt 3 of 3", 7);
  fails((shelf){.complete = "200 OK\n<Error><Code>AccessDenied</Code></Error>"}, GROVE_EIO,
      "HTTP 200 (AccessDenied), attempt 1 of 3", 5);
  remote_world w;
  snprintf(again, sizeof again, "%s\f%s", inside, good);
  shelf s = {.complete = again};
  world_start_s3(&w, serve, &s, (grove_store_options){.part_bytes = 1});
  check_ok_err(write_object(&w, "s3://b/k", PART + 1, PART + 1, 1), &w.err);
  assert_int_equal(web_count(w.web), 5);
  world_stop(&w);
}

static void an_answer_that_was_lost(void **state)
{
  (void)state;
  static const char gone[] = "\f404 Not Found\n<Error><Code>NoSuchUpload</Code></Error>";
  remote_world w;
  shelf s = {.complete = gone, .there = PART + 1};
  world_start_s3(&w, serve, &s, (grove_store_options){.part_bytes = 1});
  check_ok_err(write_object(&w, "s3://b/k", PART + 1, PART + 1, 1), &w.err);
  expect_request(&w, web_count(w.web) - 1, "GET", "/b/k", 0); // it looked, and aborted nothing
  check_header(web_nth(w.web, web_count(w.web) - 1), "Range", "bytes=0-0");
  world_stop(&w);
  // It is not there, or is another.
  static const size_t others[] = {0, PART};
  for (size_t i = 0; i < 2; i++) {
    shelf t = {.complete = gone, .there = others[i]};
    world_start_s3(&w, serve, &t, (grove_store_options){.part_bytes = 1});
    check_status(write_object(&w, "s3://b/k", PART + 1, PART + 1, 1), GROVE_ENOENT);
    check_contains(w.err.text, "HTTP 404 Not Found (NoSuchUpload)");
    expect_request(&w, web_count(w.web) - 1, "DELETE", "/b/k?" UPLOAD, 0);
    world_stop(&w);
  }
}

static void what_is_no_object(void **state)
{
  (void)state;
  remote_world w;
  grove_writer *out;
  shelf s = {.complete = good};
  world_start_s3(&w, serve, &s, (grove_store_options){0});
  check_status(grove_store_write(w.store, "s3://b", &out, &w.err), GROVE_EINVAL);
  check_contains(w.err.text, "\"s3://b\" names a bucket; an object is wanted");
  assert_null(out);
  check_status(grove_store_write(w.store, "s3://b/d/", &out, &w.err), GROVE_EINVAL);
  check_contains(w.err.text, "names a folder");
  world_source_fails(&w, "s3://b/", GROVE_EINVAL, "names a bucket");
  world_source_fails(&w, "s3://b/d/", GROVE_EINVAL, "names a folder");
  check_status(grove_store_write(w.store, "s3://.b/d", &out, &w.err), GROVE_EINVAL);
  world_stop(&w);
}

// ---- who asks ---------------------------------------------------------------------------------------

static void moved(void *user, web_peer *p, const web_request *r)
{
  (void)user;
  if (!strcmp(r->path, "/b/k")) {
    web_say_text(p, "307 Temporary Redirect", "Location: /elsewhere\r\n", "<Error><Code>TemporaryRedirect</Code></Error>");
  } else {
    web_say_object(p, r, NULL, "hello", 5);
  }
}

static void signs_with_a_key(void **state)
{
  (void)state;
  static const char nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  remote_world w;
  char got[512] = "", date[32] = "", scope[100];
  world_start_s3(&w, moved, NULL,
      (grove_store_options){.key = "AKID", .secret = "geheim", .token = "to/ken==", .region = "eu-west-3"});
  world_source_fails(&w, "s3://b/k", GROVE_EIO, "HTTP 307 (TemporaryRedirect), attempt 1 of 3");
  assert_int_equal(web_count(w.web), 1); // not followed: the signature names the host
  const web_request *r = web_nth(w.web, 0);
  assert_true(web_header(r, "Authorization", got, sizeof got));
  assert_true(web_header(r, "X-Amz-Date", date, sizeof date));
  snprintf(scope, sizeof scope, "AWS4-HMAC-SHA256 Credential=AKID/%.8s/eu-west-3/s3/aws4_request, SignedHeaders=", date);
  check_contains(got, scope);
  check_contains(got, "host;");
  check_contains(got, "x-amz-content-sha256;x-amz-date;x-amz-security-token");
  check_contains(got, ", Signature=");
  check_header(r, "x-amz-security-token", "to/ken==");
  check_header(r, "x-amz-content-sha256", nothing);
  for (const char *p = r->head; (p = strstr(p, "geheim")) != NULL;) {
    fail_msg("the secret was sent");
  }
  grove_source f = world_source(&w, "s3://anonymous@b/k"); // unsigned, so it goes where it is sent
  check_header(web_nth(w.web, 1), "Authorization", NULL);
  check_header(web_nth(w.web, 1), "x-amz-security-token", NULL);
  assert_string_equal(web_nth(w.web, 2)->path, "/elsewhere");
  f.close(f.user);
  world_stop(&w);
  world_start_s3(&w, moved, NULL, (grove_store_options){0}); // no key: anonymous
  f = world_source(&w, "s3://b/k");
  check_header(web_nth(w.web, 0), "Authorization", NULL);
  f.close(f.user);
  world_stop(&w);
}

static void writes_are_signed_too(void **state)
{
  (void)state;
  remote_world w;
  shelf s = {.complete = good};
  world_start_s3(&w, serve, &s, (grove_store_options){.key = "k", .secret = "s", .part_bytes = 1});
  check_ok_err(write_object(&w, "s3://b/k", PART + 1, PART + 1, 1), &w.err);
  for (size_t i = 0; i < web_count(w.web); i++) {
    char got[512] = "";
    assert_true(web_header(web_nth(w.web, i), "Authorization", got, sizeof got));
    const char *listed = strstr(got, "SignedHeaders=");
    assert_non_null(listed);
    for (const char *name = listed + 14; *name && *name != ',';) { // all that is signed was sent
      char header[64], value[512];
      size_t n = strcspn(name, ";,");
      snprintf(header, sizeof header, "%.*s", (int)n, name);
      if (!web_header(web_nth(w.web, i), header, value, sizeof value)) {
        fail_msg("%s is signed, and was not sent", header);
      }
      name += n + (name[n] == ';');
    }
    check_header(web_nth(w.web, i), "x-amz-content-sha256",
        i ? "UNSIGNED-PAYLOAD" : "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  }
  world_stop(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_ones_are_one_request),
      cmocka_unit_test(larger_ones_go_up_in_parts),
      cmocka_unit_test(cut_on_the_way_up),
      cmocka_unit_test(given_up_leaves_nothing),
      cmocka_unit_test(failures_take_it_back),
      cmocka_unit_test(success_with_an_error_in_it),
      cmocka_unit_test(an_answer_that_was_lost),
      cmocka_unit_test(what_is_no_object),
      cmocka_unit_test(signs_with_a_key),
      cmocka_unit_test(writes_are_signed_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
