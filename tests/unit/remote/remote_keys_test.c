// Keys that end while a store is open: who is asked for others, when, and what waits for them.
#include "remote_world.h"
#include "remote/keys.h"
#include <pthread.h>
#include <time.h>

enum { LONG = 300000 };

// Who gives keys.
typedef struct giver {
  atomic_uint calls;
  const char *token; // NULL: there is none to give
  int64_t end;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool held; // guarded by lock: it waits
  atomic_bool woken;
} giver;

static grove_status give(void *user, grove_store_keys *out, grove_error *err)
{
  giver *g = user;
  assert_int_equal(out->struct_size, sizeof *out);
  atomic_fetch_add(&g->calls, 1);
  pthread_mutex_lock(&g->lock);
  while (g->held) {
    pthread_cond_wait(&g->changed, &g->lock);
  }
  pthread_mutex_unlock(&g->lock);
  if (!g->token) {
    err->status = GROVE_EUSER;
    (void)snprintf(err->text, sizeof err->text, "the giver is out");
    return GROVE_EUSER;
  }
  *out = (grove_store_keys){sizeof *out, "new", "geheim", g->token, g->end};
  return GROVE_OK;
}

static void init_giver(giver *g, const char *token, bool held)
{
  memset(g, 0, sizeof *g);
  g->token = token;
  g->held = held;
  pthread_mutex_init(&g->lock, NULL);
  pthread_cond_init(&g->changed, NULL);
}

static void let_go(giver *g)
{
  pthread_mutex_lock(&g->lock);
  g->held = false;
  pthread_cond_broadcast(&g->changed);
  pthread_mutex_unlock(&g->lock);
}

static void serve(void *user, web_peer *p, const web_request *r)
{
  char token[64] = "";
  (void)web_header(r, "x-amz-security-token", token, sizeof token);
  if (!strcmp(token, "over")) {
    web_say_text(p, "400 Bad Request", NULL, "<Error><Code>ExpiredToken</Code><Message>It has expired.</Message></Error>");
    return;
  }
  web_say_object(p, r, "ETag: \"1\"\r\n", user, LONG);
}

static void start(remote_world *w, char *bytes, giver *g, const char *token)
{
  world_start_s3(w, serve, bytes,
      (grove_store_options){.key = "old", .secret = "geheim", .token = token, .renew = g ? give : NULL, .renew_user = g});
}

static void check_token(remote_world *w, size_t i, const char *token)
{
  check_header(web_nth(w->web, i), "x-amz-security-token", token);
}

// A request that is refused is asked once more, with others; and all that follow have these.
static void asks_once_when_they_have_ended(void **state)
{
  (void)state;
  remote_world w;
  giver g;
  char key[100] = "", *bytes = world_bytes(LONG);
  init_giver(&g, "good", false);
  start(&w, bytes, &g, "over");
  grove_source f = world_source(&w, "s3://b/k");
  world_read(&w, &f, 5, 100, bytes + 5);
  assert_int_equal(web_count(w.web), 3);
  check_token(&w, 0, "over");
  check_token(&w, 1, "good");
  check_token(&w, 2, "good");
  assert_true(web_header(web_nth(w.web, 2), "Authorization", key, sizeof key));
  check_contains(key, "Credential=new/");
  assert_int_equal(atomic_load(&g.calls), 1);
  f.close(f.user);
  world_stop(&w);
  free(bytes);
}

static void others_that_have_ended_too_are_the_end(void **state)
{
  (void)state;
  remote_world w;
  giver g;
  char *bytes = world_bytes(LONG);
  init_giver(&g, "over", false);
  start(&w, bytes, &g, "over");
  world_source_fails(&w, "s3://b/k", GROVE_EIO, "HTTP 400 Bad Request (ExpiredToken: It has expired.), attempt 2 of 3");
  assert_int_equal(web_count(w.web), 2);
  assert_int_equal(atomic_load(&g.calls), 1);
  world_stop(&w);
  init_giver(&g, NULL, false);
  start(&w, bytes, &g, "over");
  world_source_fails(&w, "s3://b/k", GROVE_EIO,
      "HTTP 400 Bad Request (ExpiredToken: It has expired.), attempt 1 of 3; and no new keys came: the giver is out");
  assert_int_equal(web_count(w.web), 1);
  world_stop(&w);
  start(&w, bytes, NULL, "over"); // nobody to ask
  world_source_fails(&w, "s3://b/k", GROVE_EIO, "(ExpiredToken: It has expired.), attempt 1 of 3");
  assert_int_equal(web_count(w.web), 1);
  world_stop(&w);
  grove_store_options o = {.struct_size = sizeof o, .schemes = grove_remote_schemes(), .renew = give, .renew_user = &g};
  grove_store *s = NULL;
  grove_error err = {0};
  check_status(grove_store_open(&o, &s, &err), GROVE_EINVAL);
  check_contains(err.text, "but has no key");
  free(bytes);
}

typedef struct reader {
  remote_world *w;
  const char *url;
  atomic_bool done;
  grove_status status;
} reader;

static void *read_one(void *user)
{
  reader *r = user;
  grove_source f;
  r->status = grove_store_source(r->w->store, r->url, &f, NULL);
  if (!r->status) {
    f.close(f.user);
  }
  atomic_store(&r->done, true);
  return NULL;
}

// Many that are refused at once wait for one answer; who wants no keys does not.
static void many_wait_for_one_answer(void **state)
{
  (void)state;
  enum { MANY = 8 };
  remote_world w;
  giver g;
  reader readers[MANY];
  pthread_t threads[MANY];
  char *bytes = world_bytes(LONG);
  init_giver(&g, "good", true);
  start(&w, bytes, &g, "over");
  for (size_t i = 0; i < MANY; i++) {
    readers[i] = (reader){.w = &w, .url = "s3://b/k"};
    assert_int_equal(pthread_create(&threads[i], NULL, read_one, &readers[i]), 0);
  }
  while (web_count(w.web) < MANY || !atomic_load(&g.calls)) {
    check_pause();
  }
  grove_source f = world_source(&w, "s3://anonymous@b/k");
  f.close(f.user);
  for (size_t i = 0; i < MANY; i++) {
    assert_false(atomic_load(&readers[i].done));
  }
  assert_int_equal(web_count(w.web), MANY + 1);
  let_go(&g);
  for (size_t i = 0; i < MANY; i++) {
    pthread_join(threads[i], NULL);
    check_status(readers[i].status, GROVE_OK);
  }
  assert_int_equal(web_count(w.web), 2 * MANY + 1);
  assert_int_equal(atomic_load(&g.calls), 1);
  world_stop(&w);
  free(bytes);
}

// Who interrupts its reads does not wait for keys.
static void who_waits_for_keys_can_be_interrupted(void **state)
{
  (void)state;
  remote_world w;
  giver g;
  pthread_t thread;
  char *bytes = world_bytes(LONG);
  init_giver(&g, "good", true);
  start(&w, bytes, &g, "over");
  reader r = {.w = &w, .url = "s3://b/k"};
  assert_int_equal(pthread_create(&thread, NULL, read_one, &r), 0);
  while (!atomic_load(&g.calls)) {
    check_pause();
  }
  grove_store_interrupt(w.store);
  pthread_join(thread, NULL);
  check_status(r.status, GROVE_ECANCELED);
  let_go(&g);
  world_stop(&w);
  free(bytes);
}

// ---- writing --------------------------------------------------------------------------------------

enum { PART = 5 << 20 }; // the least

// A server whose keys "first" end with its request `user`.
static void take_upload(void *user, web_peer *p, const web_request *r)
{
  const unsigned *from = user;
  char token[64] = "";
  (void)web_header(r, "x-amz-security-token", token, sizeof token);
  if (r->n >= *from && !strcmp(token, "first")) {
    web_say_text(p, "400 Bad Request", NULL, "<Error><Code>ExpiredToken</Code></Error>");
  } else if (!strcmp(r->query, "uploads=")) {
    web_say_text(p, "200 OK", NULL, "<R><UploadId>u</UploadId></R>");
  } else {
    web_say_text(p, "200 OK", "ETag: \"e\"\r\n", !strcmp(r->method, "POST") ? "<R><ETag>\"e\"</ETag></R>" : "");
  }
}

// Whichever of its requests is refused, it is sent again, whole.
static void an_upload_goes_on_with_new_keys(void **state)
{
  (void)state;
  enum { REQUESTS = 4 }; // to begin, two parts, to complete
  char *bytes = world_bytes(PART + 10);
  for (unsigned from = 0; from < REQUESTS; from++) {
    remote_world w;
    giver g;
    grove_writer *out;
    init_giver(&g, "second", false);
    world_start_s3(&w, take_upload, &from,
        (grove_store_options){.key = "k", .secret = "s", .token = "first", .part_bytes = 1, .renew = give, .renew_user = &g});
    check_ok_err(grove_store_write(w.store, "s3://b/k", &out, &w.err), &w.err);
    check_ok_err(grove_writer_put(out, bytes, PART + 10, &w.err), &w.err);
    check_ok_err(grove_writer_close(out, 1, &w.err), &w.err);
    assert_int_equal(web_count(w.web), REQUESTS + 1);
    assert_int_equal(atomic_load(&g.calls), 1);
    const web_request *refused = web_nth(w.web, from), *again = web_nth(w.web, from + 1);
    assert_string_equal(refused->target, again->target);
    assert_int_equal(refused->body_bytes, again->body_bytes);
    assert_memory_equal(refused->body, again->body, again->body_bytes);
    check_token(&w, from, "first");
    check_token(&w, from + 1, "second");
    world_stop(&w);
  }
  free(bytes);
}

// ---- by the clock, which is the test's own --------------------------------------------------------

static void note_wake(void *user)
{
  giver *g = user;
  atomic_store(&g->woken, true);
}

static void wait_answer(giver *g)
{
  while (!atomic_load(&g->woken)) {
    check_pause();
  }
  atomic_store(&g->woken, false);
}

static const int64_t second = 1000000000;

static grove_store_options options_of(giver *g, const grove_allocator *a, int64_t left)
{
  grove_store_options o = {.struct_size = sizeof o, .renew = give, .renew_user = g};
  char *key = a->realloc_fn(a->user, NULL, 0, 4), *secret = a->realloc_fn(a->user, NULL, 0, 4);
  o.key = memcpy(key, "old", 4);
  o.secret = memcpy(secret, "old", 4);
  o.keys_end = left ? (int64_t)time(NULL) + left : 0;
  return o;
}

static void free_options(grove_store_options *o, const grove_allocator *a)
{
  const char *const texts[] = {o->key, o->secret, o->token};
  for (size_t i = 0; i < 3; i++) {
    if (texts[i]) {
      a->realloc_fn(a->user, (char *)(uintptr_t)texts[i], strlen(texts[i]) + 1, 0);
    }
  }
}

static void asks_before_they_end(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  grove__keyring k;
  giver g;
  grove__exchange x = {.ask = {.sign = true}}, nobodys = {.ask = {.sign = false}};
  int64_t now = 77 * second;
  init_giver(&g, "good", true);
  g.end = (int64_t)time(NULL) + 100;
  grove_store_options o = options_of(&g, &a, 3600);
  check_ok(grove__keyring_init(&k, &o, &a, note_wake, &g));
  assert_true(grove__keyring_lets(&k, &x, now));
  assert_true(grove__keyring_lets(&k, &x, now + 3250 * second));
  assert_true(grove__keyring_lets(&k, &nobodys, now + 3301 * second));
  assert_false(k.asking);
  assert_true(grove__keyring_lets(&k, &x, now + 3301 * second)); // five minutes before: it goes on with what is there
  assert_true(k.asking);
  assert_int_equal(x.keys_nth, 1);
  assert_true(grove__keyring_lets(&k, &nobodys, now + 3601 * second));
  assert_false(grove__keyring_lets(&k, &x, now + 3601 * second)); // they have ended
  check_ok(grove__keyring_take(&k, now + 3602 * second));
  assert_false(grove__keyring_lets(&k, &x, now + 3602 * second));
  let_go(&g);
  wait_answer(&g);
  now += 3603 * second;
  check_ok(grove__keyring_take(&k, now));
  assert_true(grove__keyring_lets(&k, &x, now));
  assert_int_equal(x.keys_nth, 2);
  assert_string_equal(o.key, "new");
  assert_string_equal(o.token, "good");
  assert_int_equal(atomic_load(&g.calls), 1);
  assert_true(grove__keyring_lets(&k, &x, now + 70 * second));
  assert_false(k.asking);
  g.token = NULL;
  assert_true(grove__keyring_lets(&k, &x, now + 76 * second)); // of short-lived ones in the last quarter
  assert_true(k.asking);
  wait_answer(&g);
  check_status(grove__keyring_take(&k, now + 77 * second), GROVE_EUSER);
  assert_string_equal(k.error.text, "the giver is out");
  assert_true(grove__keyring_lets(&k, &x, now + 106 * second)); // what is there is tried, and half a minute later it is asked again
  assert_false(k.asking);
  assert_true(grove__keyring_lets(&k, &x, now + 108 * second));
  assert_true(k.asking);
  grove__keyring_deinit(&k); // waits for who is asked
  assert_int_equal(atomic_load(&g.calls), 3);
  free_options(&o, &a);
  assert_int_equal(m.live_blocks + m.live_bytes, 0);
}

// Keys whose end is not known, or is over when they come, are good until the server says that they are not.
static void unknown_ends_are_the_servers(void **state)
{
  (void)state;
  static const int64_t ends[] = {0, -5, INT64_MAX / 2};
  for (size_t i = 0; i < 3; i++) {
    check_memory m = {0};
    grove_allocator a = check_allocator(&m);
    grove__keyring k;
    giver g;
    grove__exchange x = {.ask = {.sign = true}};
    init_giver(&g, "good", false);
    grove_store_options o = options_of(&g, &a, ends[i]);
    check_ok(grove__keyring_init(&k, &o, &a, note_wake, &g));
    assert_true(grove__keyring_lets(&k, &x, second));
    assert_true(grove__keyring_lets(&k, &x, INT64_MAX / 4));
    assert_false(k.asking);
    x.keys_ended = true;
    assert_true(grove__keyring_refused(&k, &x, INT64_MAX / 4));
    assert_false(grove__keyring_refused(&k, &x, INT64_MAX / 4)); // once
    wait_answer(&g);
    grove__keyring_deinit(&k); // what was answered, and not taken, is freed
    free_options(&o, &a);
    assert_int_equal(m.live_blocks + m.live_bytes, 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(asks_once_when_they_have_ended),
      cmocka_unit_test(others_that_have_ended_too_are_the_end),
      cmocka_unit_test(many_wait_for_one_answer),
      cmocka_unit_test(who_waits_for_keys_can_be_interrupted),
      cmocka_unit_test(an_upload_goes_on_with_new_keys),
      cmocka_unit_test(asks_before_they_end),
      cmocka_unit_test(unknown_ends_are_the_servers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
