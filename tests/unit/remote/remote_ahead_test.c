// What a source was told will be read: fetched ahead, once, and never instead of what is right.
#include "remote_world.h"
#include <pthread.h>

enum { LONG = 1 << 20, TAIL = 65536, PART = 5 << 20 };

typedef struct thing {
  char *bytes;
  size_t n;
  atomic_uint wrong; // so many answers of ranges that are not the tail are of another version
  bool holds;        // ranges are never answered
} thing;

static void serve(void *user, web_peer *p, const web_request *r)
{
  thing *t = user;
  char range[64] = "";
  bool tail = web_header(r, "Range", range, sizeof range) && strstr(range, "=-");
  if (t->holds && !tail) {
    web_hold(p);
    return;
  }
  unsigned left = tail ? 0 : atomic_load(&t->wrong);
  if (left && atomic_compare_exchange_strong(&t->wrong, &left, left - 1)) {
    web_say_object(p, r, "ETag: \"other\"\r\n", t->bytes, t->n);
    return;
  }
  web_say_object(p, r, "ETag: \"v1\"\r\n", t->bytes, t->n);
}

static void start(remote_world *w, thing *t, size_t n)
{
  memset(t, 0, sizeof *t);
  t->bytes = world_bytes(n);
  t->n = n;
  world_start(w, serve, t, (grove_store_options){.part_bytes = PART});
}

static void stop(remote_world *w, thing *t, grove_source *f)
{
  f->close(f->user);
  world_stop(w);
  free(t->bytes);
}

static void reads_what_was_fetched(void **state)
{
  (void)state;
  remote_world w;
  thing t;
  start(&w, &t, LONG);
  grove_source f = world_source(&w, world_url(&w, "/a"));
  const grove_range ranges[] = {{4, 1000}, {200000, 50000}, {LONG - TAIL - 100, 5000}};
  f.will_read(f.user, ranges, 3);
  f.will_read(f.user, ranges, 3); // once more: nothing is asked for twice
  world_read(&w, &f, 4, 1000, t.bytes + 4);
  world_read(&w, &f, 200000, 20000, t.bytes + 200000);
  world_read(&w, &f, 220000, 30000, t.bytes + 220000);
  world_read(&w, &f, LONG - TAIL - 100, 200, t.bytes + LONG - TAIL - 100); // half of it is the tail
  assert_int_equal(web_count(w.web), 4);
  for (size_t i = 1; i < 4; i++) {
    check_header(web_nth(w.web, i), "If-Match", "\"v1\"");
  }
  world_read(&w, &f, 4, 1000, t.bytes + 4); // it was read, so it is gone
  assert_int_equal(web_count(w.web), 5);
  stop(&w, &t, &f);
}

static void reads_across_blocks_and_gaps(void **state)
{
  (void)state;
  remote_world w;
  thing t;
  start(&w, &t, LONG);
  grove_source f = world_source(&w, world_url(&w, "/a"));
  const grove_range ranges[] = {{1000, 1000}, {5000, 1000}, {5500, 2000}};
  f.will_read(f.user, ranges, 3);
  world_read(&w, &f, 0, 10000, t.bytes); // two gaps before, between and one behind
  assert_int_equal(web_count(w.web), 1 + 3 + 3);
  stop(&w, &t, &f);
}

static void keeps_to_its_room(void **state)
{
  (void)state;
  remote_world w;
  thing t;
  const size_t n = 7 * (size_t)PART;
  start(&w, &t, n);
  grove_source f = world_source(&w, world_url(&w, "/a"));
  f.will_read(f.user, &(grove_range){0, n}, 1);
  assert_true(atomic_load(&w.bytes) < 5ll * PART); // four parts, and what else there is
  world_read(&w, &f, 0, n, t.bytes);
  // Blocks that nobody reads make room once they are here, however many are told.
  for (size_t i = 0; i < 6; i++) {
    f.will_read(f.user, &(grove_range){i * PART, PART}, 1);
    world_read(&w, &f, i * PART, 10, t.bytes + i * PART);
    assert_true(atomic_load(&w.bytes) < 5ll * PART);
  }
  stop(&w, &t, &f);
}

static void another_version_is_not_read(void **state)
{
  (void)state;
  remote_world w;
  thing t;
  start(&w, &t, LONG);
  grove_source f = world_source(&w, world_url(&w, "/a"));
  atomic_store(&t.wrong, 1); // what is fetched ahead; the read itself then finds the right one
  f.will_read(f.user, &(grove_range){0, 1000}, 1);
  world_read(&w, &f, 0, 1000, t.bytes);
  assert_int_equal(web_count(w.web), 3);
  atomic_store(&t.wrong, 2);
  f.will_read(f.user, &(grove_range){2000, 1000}, 1);
  world_read_fails(&w, &f, 2000, 1000, GROVE_ECORRUPT, "it changed while it was read");
  stop(&w, &t, &f);
}

static void closes_with_blocks_on_their_way(void **state)
{
  (void)state;
  remote_world w;
  thing t;
  start(&w, &t, LONG);
  grove_source f = world_source(&w, world_url(&w, "/a"));
  t.holds = true;
  f.will_read(f.user, (const grove_range[]){{0, 1000}, {100000, 1000}}, 2);
  stop(&w, &t, &f);
}

typedef struct reader {
  remote_world *w;
  const grove_source *f;
  const thing *t;
  size_t from;
} reader;

static void *read_all(void *user)
{
  const reader *r = user;
  for (size_t at = r->from; at < LONG; at += 8 * 4096) {
    char got[4096];
    grove_error err = {0};
    r->f->will_read(r->f->user, &(grove_range){at, 3 * 4096}, 1);
    check_ok_err(r->f->read_at(r->f->user, at, got, sizeof got, &err), &err);
    assert_memory_equal(got, r->t->bytes + at, sizeof got);
  }
  return NULL;
}

static void many_threads_share_blocks(void **state)
{
  (void)state;
  remote_world w;
  thing t;
  pthread_t threads[8];
  reader readers[8];
  start(&w, &t, LONG);
  grove_source f = world_source(&w, world_url(&w, "/a"));
  for (size_t i = 0; i < 8; i++) {
    readers[i] = (reader){&w, &f, &t, i * 4096};
    assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
  }
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  stop(&w, &t, &f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_was_fetched),
      cmocka_unit_test(reads_across_blocks_and_gaps),
      cmocka_unit_test(keeps_to_its_room),
      cmocka_unit_test(another_version_is_not_read),
      cmocka_unit_test(closes_with_blocks_on_their_way),
      cmocka_unit_test(many_threads_share_blocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
