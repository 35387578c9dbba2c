// Without memory: an error each time, and nothing is kept.
#include "remote_world.h"

enum { LONG = 120000 };

// A bucket with one object, "d/a.parquet", and place for others.
static void serve(void *user, web_peer *p, const web_request *r)
{
  const char *bytes = user;
  if (!strcmp(r->method, "DELETE")) {
    web_say(p, "204 No Content", NULL, "", 0);
  } else if (!strcmp(r->method, "POST") && !strcmp(r->query, "uploads=")) {
    web_say_text(p, "200 OK", NULL, "<R><UploadId>1</UploadId></R>");
  } else if (!strcmp(r->method, "POST")) {
    web_say_text(p, "200 OK", NULL, "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>");
  } else if (!strcmp(r->method, "PUT")) {
    web_say(p, "200 OK", "ETag: \"e\"\r\n", "", 0);
  } else if (strstr(r->query, "list-type=2")) {
    web_say_text(p, "200 OK", NULL,
        strstr(r->query, "continuation-token")
            ? "<ListBucketResult><Contents><Key>d/b.parquet</Key><Size>9</Size></Contents></ListBucketResult>"
            : "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
              "<Contents><Key>d/a.parquet</Key><Size>120000</Size></Contents></ListBucketResult>");
  } else {
    web_say_object(p, r, "ETag: \"v1\"\r\n", bytes, LONG);
  }
}

static grove_status count(void *user, const char *url, uint64_t bytes)
{
  (void)url, (void)bytes;
  (*(int *)user)++;
  return GROVE_OK;
}

static grove_status lists(grove_store *s, grove_error *err)
{
  int n = 0, m = 0;
  grove_status status = grove_store_list(s, "s3://bucket/d", count, &n, err);
  if (!status) {
    status = grove_store_list(s, "s3://bucket/**/*.parquet", count, &m, err);
  }
  if (!status) {
    assert_int_equal(n, 2);
    assert_int_equal(m, 2);
  }
  return status;
}

static grove_status reads(grove_store *s, grove_error *err)
{
  grove_source f;
  char *to = malloc(LONG);
  grove_status status = grove_store_source(s, "s3://bucket/d/a.parquet", &f, err);
  if (!status) {
    status = f.read_at(f.user, 0, to, LONG, err);
    f.close(f.user);
  }
  free(to);
  return status;
}

static grove_status writes(grove_store *s, grove_error *err)
{
  static char bytes[(5 << 20) + 1];
  grove_writer *out;
  grove_status status = grove_store_write(s, "s3://bucket/o", &out, err);
  if (!status) {
    status = grove_writer_put(out, bytes, sizeof bytes, err);
    grove_status closed = grove_writer_close(out, !status, status ? NULL : err);
    status = status ? status : closed;
  }
  return status;
}

static void sweep(grove_status (*scene)(grove_store *s, grove_error *err))
{
  char *bytes = world_bytes(LONG);
  bool passed = false;
  for (long n = 0; !passed; n++) {
    remote_world w;
    char endpoint[64];
    memset(&w, 0, sizeof w);
    w.web = web_start(serve, bytes);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", web_port(w.web));
    grove_store_options o = world_options(&w, (grove_store_options){.endpoint = endpoint, .key = "k",
        .secret = "s", .token = "t", .region = "r", .part_bytes = 1, .connections = 1});
    atomic_store(&w.until, n);
    grove_status s = grove_store_open(&o, &w.store, &w.err);
    if (!s) {
      s = scene(w.store, &w.err);
    }
    passed = !s;
    if (s) {
      check_status(s, GROVE_ENOMEM);
      check_status(w.err.status, GROVE_ENOMEM);
      assert_true(w.err.text[0] != '\0');
    }
    world_stop(&w);
    assert_true(n < 1000);
  }
  free(bytes);
}

static void sweeps_lists(void **state)
{
  (void)state;
  sweep(lists);
}

static void sweeps_reads(void **state)
{
  (void)state;
  sweep(reads);
}

static void sweeps_writes(void **state)
{
  (void)state;
  sweep(writes);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sweeps_lists),
      cmocka_unit_test(sweeps_reads),
      cmocka_unit_test(sweeps_writes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
