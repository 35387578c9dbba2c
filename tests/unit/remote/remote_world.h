// What the tests of remote stores share: a web server in the test, a store that knows http and s3 with everything
// counted that it allocates, and words of errors to look at.
#ifndef GROVE_TESTS_REMOTE_WORLD_H
#define GROVE_TESTS_REMOTE_WORLD_H
#include "check.h"
#include "web.h"
#include <grove/remote.h>
#include <stdatomic.h>

typedef struct remote_world {
  web *web;
  grove_store *store;
  grove_allocator allocator;
  atomic_llong bytes, blocks;
  atomic_long until; // the allocation that fails, and all after it; negative: none
  grove_error err;
} remote_world;

static void *world_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  remote_world *w = user;
  if (!new_bytes) {
    atomic_fetch_sub(&w->bytes, (long long)old_bytes);
    atomic_fetch_sub(&w->blocks, p != NULL);
    free(p);
    return NULL;
  }
  if (new_bytes > old_bytes && atomic_load(&w->until) >= 0 &&
      atomic_fetch_sub(&w->until, 1) <= 0) {
    atomic_store(&w->until, 0);
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  if (q) {
    atomic_fetch_add(&w->bytes, (long long)new_bytes - (long long)old_bytes);
    atomic_fetch_add(&w->blocks, p == NULL);
  }
  return q;
}

/// The test's options with what all have alike: short pauses, few attempts.
GROVE_MAYBE_UNUSED static grove_store_options world_options(
    remote_world *w, grove_store_options o)
{
  w->allocator = (grove_allocator){world_realloc, w};
  o.struct_size = sizeof o;
  o.schemes = grove_remote_schemes();
  o.allocator = &w->allocator;
  o.retries = o.retries ? o.retries : 2;
  o.backoff_ms = o.backoff_ms ? o.backoff_ms : 1;
  o.backoff_most_ms = o.backoff_most_ms ? o.backoff_most_ms : 1;
  return o;
}

GROVE_MAYBE_UNUSED static void world_start(
    remote_world *w, web_fn *fn, void *user, grove_store_options o)
{
  memset(w, 0, sizeof *w);
  atomic_store(&w->until, -1);
  w->web = fn ? web_start(fn, user) : NULL;
  o = world_options(w, o);
  check_ok_err(grove_store_open(&o, &w->store, &w->err), &w->err);
}

/// The same, with the server as the endpoint of s3.
GROVE_MAYBE_UNUSED static void world_start_s3(
    remote_world *w, web_fn *fn, void *user, grove_store_options o)
{
  char endpoint[64];
  memset(w, 0, sizeof *w);
  atomic_store(&w->until, -1);
  w->web = web_start(fn, user);
  snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", web_port(w->web));
  o.endpoint = endpoint;
  o = world_options(w, o);
  check_ok_err(grove_store_open(&o, &w->store, &w->err), &w->err);
}

GROVE_MAYBE_UNUSED static void world_stop(remote_world *w)
{
  grove_store_close(w->store);
  web_stop(w->web);
  assert_int_equal(atomic_load(&w->blocks), 0);
  assert_int_equal(atomic_load(&w->bytes), 0);
}

/// http://127.0.0.1:PORT and the path. One of a few buffers, in turn.
GROVE_MAYBE_UNUSED static const char *world_url(const remote_world *w, const char *path)
{
  static _Thread_local char urls[8][512];
  static _Thread_local unsigned turn;
  char *url = urls[turn++ % 8];
  snprintf(url, sizeof urls[0], "http://127.0.0.1:%d%s", web_port(w->web), path);
  return url;
}

GROVE_MAYBE_UNUSED static grove_source world_source(remote_world *w, const char *url)
{
  grove_source f;
  check_ok_err(grove_store_source(w->store, url, &f, &w->err), &w->err);
  return f;
}

GROVE_MAYBE_UNUSED static void world_source_fails(
    remote_world *w, const char *url, grove_status want, const char *words)
{
  grove_source f;
  memset(&w->err, 0, sizeof w->err);
  grove_status s = grove_store_source(w->store, url, &f, &w->err);
  if (s != want) {
    print_error("%s: is %d, should be %d: %s\n", url, (int)s, (int)want, w->err.text);
    fail();
  }
  assert_int_equal(w->err.status, want);
  check_contains(w->err.text, words);
  assert_null(f.read_at);
}

GROVE_MAYBE_UNUSED static void world_read_fails(remote_world *w, const grove_source *f,
    uint64_t offset, size_t n, grove_status want, const char *words)
{
  char *to = malloc(n);
  memset(&w->err, 0, sizeof w->err);
  grove_status s = f->read_at(f->user, offset, to, n, &w->err);
  free(to);
  if (s != want) {
    print_error("is %d, should be %d: %s\n", (int)s, (int)want, w->err.text);
    fail();
  }
  assert_int_equal(w->err.status, want);
  check_contains(w->err.text, words);
}

/// Reads [offset, offset + n) and compares it with `want`.
GROVE_MAYBE_UNUSED static void world_read(
    remote_world *w, const grove_source *f, uint64_t offset, size_t n, const char *want)
{
  char *to = calloc(1, n + 1);
  check_ok_err(f->read_at(f->user, offset, to, n, &w->err), &w->err);
  assert_memory_equal(to, want, n);
  free(to);
}

GROVE_MAYBE_UNUSED static void check_header(
    const web_request *r, const char *name, const char *want)
{
  char got[512] = "";
  bool there = web_header(r, name, got, sizeof got);
  if (there != (want != NULL) || (want && strcmp(got, want) != 0)) {
    print_error("%s %s: \"%s: %s\", should be \"%s\"\n", r->method, r->target, name,
        there ? got : "(none)", want ? want : "(none)");
    fail();
  }
}

/// Bytes that differ from place to place.
GROVE_MAYBE_UNUSED static char *world_bytes(size_t n)
{
  char *bytes = malloc(n + 1);
  assert_non_null(bytes);
  for (size_t i = 0; i < n; i++) {
    bytes[i] = (char)((i * 2654435761u) >> 13);
  }
  return bytes;
}
#endif
