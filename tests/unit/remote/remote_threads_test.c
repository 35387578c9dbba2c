// Many threads, requests that are given up, and the store's own thread.
#include "plat/thread.h"
#include "remote/client.h"
#include "remote_world.h"
#include <dirent.h>

enum { LONG = 300000, THREADS = 8, READS = 40 };

typedef struct stage {
  remote_world w;
  char *bytes;
  grove_source f;
  atomic_uint busy, most, failed, turn;
} stage;

static void serve(void *user, web_peer *p, const web_request *r)
{
  stage *s = user;
  unsigned busy = atomic_fetch_add(&s->busy, 1) + 1, most = atomic_load(&s->most);
  while (busy > most && !atomic_compare_exchange_weak(&s->most, &most, busy)) {
  }
  if (!strcmp(r->path, "/busy") && r->n % 5 == 4) {
    web_say_text(p, "503 Slow Down", NULL, "");
  } else if (!strcmp(r->path, "/busy") && r->n % 7 == 6) {
    atomic_fetch_sub(&s->busy, 1);
    web_cut(p);
    return;
  } else {
    web_say_object(p, r, "ETag: \"v1\"\r\n", s->bytes, LONG);
  }
  atomic_fetch_sub(&s->busy, 1);
}

static void read_spans(void *user)
{
  stage *s = user;
  char to[2000];
  uint64_t random = atomic_fetch_add(&s->turn, 1) + 1;
  for (int i = 0; i < READS; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint64_t at = (random >> 33) % (LONG - sizeof to);
    size_t n = 1 + (random >> 20) % sizeof to;
    grove_error err = {0};
    if (s->f.read_at(s->f.user, at, to, n, &err) || memcmp(to, s->bytes + at, n)) {
      print_error("%s\n", err.text);
      atomic_fetch_add(&s->failed, 1);
    }
  }
}

static void open_and_close(void *user)
{
  stage *s = user;
  for (int i = 0; i < READS / 4; i++) {
    grove_source f;
    char to[10];
    grove_error err = {0};
    if (grove_store_source(s->w.store, world_url(&s->w, "/x"), &f, &err) || f.bytes != LONG ||
        f.read_at(f.user, 10, to, sizeof to, &err) || memcmp(to, s->bytes + 10, sizeof to)) {
      print_error("%s\n", err.text);
      atomic_fetch_add(&s->failed, 1);
    }
    if (f.close) {
      f.close(f.user);
    }
  }
}

static void with_threads(const char *path, uint32_t connections, void (*run)(void *user))
{
  static stage s;
  grove__thread threads[THREADS];
  memset(&s, 0, sizeof s);
  s.bytes = world_bytes(LONG);
  world_start(&s.w, serve, &s, (grove_store_options){.connections = connections, .retries = 100});
  s.f = world_source(&s.w, world_url(&s.w, path));
  for (int i = 0; i < THREADS; i++) {
    check_ok(grove__thread_create(&threads[i], 0, "reader", run, &s));
  }
  for (int i = 0; i < THREADS; i++) {
    grove__thread_join(&threads[i]);
  }
  assert_int_equal(atomic_load(&s.failed), 0);
  s.f.close(s.f.user);
  if (connections) {
    assert_true(atomic_load(&s.most) <= connections);
  }
  world_stop(&s.w);
  free(s.bytes);
}

static void many_read_one_source(void **state)
{
  (void)state;
  with_threads("/x", 0, read_spans);
  with_threads("/busy", 0, read_spans);
}

static void keeps_the_limit_on_connections(void **state)
{
  (void)state;
  with_threads("/x", 2, read_spans);
  with_threads("/x", 1, read_spans);
}

static void many_open_and_close(void **state)
{
  (void)state;
  with_threads("/x", 3, open_and_close);
}

// ---- given up ---------------------------------------------------------------------------------------

static void hold(void *user, web_peer *p, const web_request *r)
{
  (void)user, (void)r;
  web_hold(p);
}

static void requests_can_be_dropped(void **state)
{
  (void)state;
  enum { N = 6 };
  remote_world w;
  grove__client *c;
  static grove__exchange x[N];
  char url[80];
  world_start(&w, hold, NULL, (grove_store_options){0});
  grove_store_options o = world_options(&w, (grove_store_options){.connections = 2});
  check_ok_err(grove__client_create(&o, &c, &w.err), &w.err);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/x", web_port(w.web));
  for (int i = 0; i < N; i++) {
    grove__exchange_init(&x[i]);
    x[i].ask.url = url;
    x[i].ask.most = 100;
    grove__client_begin(c, &x[i]);
  }
  while (web_count(w.web) < 2) { // two are under way, the others wait
    check_pause();
  }
  static const int order[N] = {4, 0, 5, 1, 3, 2};
  for (int i = 0; i < N; i++) {
    grove__client_drop(c, &x[order[i]]);
    check_status(grove__client_wait(c, &x[order[i]], &w.err), GROVE_ECANCELED);
    assert_string_equal(w.err.text, "the request was given up");
    grove__client_drop(c, &x[order[i]]); // of one that is done: nothing
    grove__exchange_clear(c, &x[order[i]]);
  }
  grove__client_destroy(c);
  world_stop(&w);
}

// Begun and dropped at once: wherever it is by then.
static void drops_race_with_answers(void **state)
{
  (void)state;
  static stage s;
  static grove__exchange x;
  grove__client *c;
  char url[80];
  memset(&s, 0, sizeof s);
  s.bytes = world_bytes(LONG);
  world_start(&s.w, serve, &s, (grove_store_options){0});
  grove_store_options o = world_options(&s.w, (grove_store_options){0});
  check_ok_err(grove__client_create(&o, &c, &s.w.err), &s.w.err);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/x", web_port(s.w.web));
  for (int i = 0; i < 60; i++) {
    grove__exchange_init(&x);
    x.ask.url = url;
    x.ask.most = LONG;
    grove__client_begin(c, &x);
    for (int j = 0; j < i % 20; j++) {
      grove__thread_relax();
    }
    grove__client_drop(c, &x);
    grove_status got = grove__client_wait(c, &x, NULL);
    assert_true(got == GROVE_ECANCELED || (got == GROVE_OK && x.bytes == LONG));
    grove__exchange_clear(c, &x);
  }
  grove__client_destroy(c);
  world_stop(&s.w);
  free(s.bytes);
}

// The first part is refused; the others would never come.
static void serve_first_part(void *user, web_peer *p, const web_request *r)
{
  char range[64] = "";
  (void)user;
  (void)web_header(r, "Range", range, sizeof range);
  if (!strcmp(range, "bytes=-65536")) {
    web_say(p, "206 OK", "Content-Range: bytes 104857599-104857599/104857600\r\n", "x", 1);
  } else if (!strncmp(range, "bytes=0-", 8)) {
    web_say_text(p, "403 Forbidden", NULL, "");
  } else {
    web_hold(p);
  }
}

static void a_read_that_fails_waits_for_no_other_part(void **state)
{
  (void)state;
  remote_world w;
  world_start(&w, serve_first_part, NULL, (grove_store_options){.connections = 4});
  grove_source f = world_source(&w, world_url(&w, "/x"));
  world_read_fails(&w, &f, 0, 40 << 20, GROVE_EIO, "/x bytes 0-8388607: HTTP 403 Forbidden");
  f.close(f.user);
  world_stop(&w);
}

// ---- the store's thread -----------------------------------------------------------------------------

static unsigned count_threads(const char *name)
{
  unsigned n = 0;
  DIR *d = opendir("/proc/self/task");
  for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
    char path[300], comm[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", e->d_name);
    FILE *f = fopen(path, "r");
    n += f && fgets(comm, sizeof comm, f) && !strncmp(comm, name, strlen(name));
    if (f) {
      fclose(f);
    }
  }
  if (d) {
    closedir(d);
  }
  return n;
}

static void a_store_that_is_not_used_has_no_thread(void **state)
{
  (void)state;
  static stage s;
  memset(&s, 0, sizeof s);
  s.bytes = world_bytes(LONG);
  world_start(&s.w, serve, &s, (grove_store_options){0});
  assert_int_equal(count_threads("grove-remote"), 0);
  grove_store_close(s.w.store);
  grove_store_options o = world_options(&s.w, (grove_store_options){0});
  check_ok_err(grove_store_open(&o, &s.w.store, &s.w.err), &s.w.err);
  s.f = world_source(&s.w, world_url(&s.w, "/x"));
  world_read(&s.w, &s.f, 0, 10, s.bytes);
#ifdef __linux__
  assert_int_equal(count_threads("grove-remote"), 1);
#endif
  s.f.close(s.f.user);
  world_stop(&s.w);
  free(s.bytes);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_store_that_is_not_used_has_no_thread),
      cmocka_unit_test(many_read_one_source),
      cmocka_unit_test(keeps_the_limit_on_connections),
      cmocka_unit_test(many_open_and_close),
      cmocka_unit_test(requests_can_be_dropped),
      cmocka_unit_test(drops_race_with_answers),
      cmocka_unit_test(a_read_that_fails_waits_for_no_other_part),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
