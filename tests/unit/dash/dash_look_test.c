// What the pages are told beside the plain documents: what a row waits for, its times, methods; recordings that are fuller than
// what is kept; pages that take nothing.
#include "dash_rig.h"
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

// Of the first row; NULL: it is not there.
static json_t *member(json_t *j, const char *name)
{
  return json_object_get(json_at(j, "actors.rows.0"), name);
}

static void rows_with_waits_and_times(void **state)
{
  rig *r = *state;
  pause_point p;
  long reply;
  char target[100];
  atomic_init(&p.begun, 0);
  atomic_init(&p.ended, 0);
  grove_dashboard d = dash_start(r->g, (grove_dashboard_options){.actions = 0});
  grove_ref a = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .name = "anna"});
  json_t *j = dash_document(d.port, "/api/1/actors?q=anna");
  assert_null(member(j, "waits"));
  assert_null(member(j, "times"));
  json_decref(j);
  json_decref(dash_document(d.port, "/api/1/actors?q=anna&times=1")); // from here on
  for (int i = 0; i < 128; i++) {
    check_ok(ask_and_get(r->g, a, job_echo, NULL, &reply, NULL));
  }
  j = dash_document(d.port, "/api/1/actors?q=anna&times=1&waits=1");
  assert_true(dash_number(j, "actors.rows.0.times.timed") >= 3);
  assert_null(member(j, "waits")); // it waits for nothing
  json_decref(j);
  grove_future f = ask(r->g, a, job_pause, &p);
  rig_until(r, &p.begun, 1);
  j = NULL;
  for (int i = 0; i < 20000 && !j; i++) { // until it stands in its wait
    check_ok(grove_sleep(r->g, 1));
    j = dash_document(d.port, "/api/1/actors?q=anna&waits=1&sort=busy");
    if (!member(j, "waits")) {
      json_decref(j);
      j = NULL;
    }
  }
  assert_non_null(j);
  check_contains(dash_text(j, "actors.rows.0.waits.rows.0.text"), "an answer");
  json_decref(j);
  snprintf(target, sizeof target, "/api/1/actors/%llx-%llx", (unsigned long long)a.where, (unsigned long long)a.which);
  j = dash_document(d.port, target);
  assert_string_equal(dash_text(j, "methods.0.name"), "run");
  assert_string_equal(dash_text(j, "methods.0.argument"), "hand_job");
  assert_int_equal(dash_number(j, "methods.0.at_work"), 1);
  json_decref(j);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, &reply, sizeof reply, NULL));
  assert_int_equal(dash_status(d.port, "GET", "/api/1/actors?times=2", NULL), 400);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/actors?sort=time", NULL), 200);
}

// Records for so long, while messages are sent to the first, and at last one to the other. Each is a send, a time in the mailbox
// and a method.
static json_t *record(grove *g, unsigned port, int ms, int many, const grove_ref to[2])
{
  char request[200], c;
  long reply;
  int fd = http_connect(port, NULL);
  snprintf(request, sizeof request, "GET /api/1/timeline?ms=%d HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n", ms, port);
  http_send(fd, request);
  assert_int_equal(recv(fd, &c, 1, MSG_PEEK), 1); // its head comes when it has begun
  for (int i = 0; i < many; i++) {
    check_ok(tell(g, to[0], job_echo, NULL));
  }
  check_ok(ask_and_get(g, to[0], job_echo, NULL, &reply, NULL));
  check_ok(ask_and_get(g, to[1], job_echo, NULL, &reply, NULL));
  http_answer got = http_read(fd);
  close(fd);
  json_t *j = json_loads(got.body, 0, NULL);
  assert_non_null(j);
  http_free(&got);
  return j;
}

static size_t count_methods(json_t *j, grove_ref who)
{
  char id[40];
  size_t n = 0;
  snprintf(id, sizeof id, "%llx-%llx", (unsigned long long)who.where, (unsigned long long)who.which);
  for (size_t i = 0; i < json_array_size(json_at(j, "spans")); i++) {
    json_t *span = json_array_get(json_at(j, "spans"), i);
    n += strcmp(dash_text(span, "0"), "method") == 0 && strcmp(dash_text(span, "4"), id) == 0;
  }
  return n;
}

// More spans than an answer has: the last of all threads are kept, not all of the first ones, and it is said since when.
static void keeps_the_last_of_all(void **state)
{
  enum { MANY = 8000, KEPT = 20000 };
  grove *g = ((rig *)*state)->g;
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.actions = 0});
  grove_ref to[2] = {spawn_hand(g), spawn_hand(g)};
  json_t *j = NULL;
  for (int i = 0; i < 2; i++) { // a start is a span, too
    check_ok(grove_get(g, grove_ready(g, to[i]), 20000, NULL, 0, NULL));
  }
  for (int ms = 1000; ms <= 10000; ms *= 3) { // where all of it takes longer, for longer
    json_decref(j);
    j = record(g, d.port, ms, MANY, to);
    if (count_methods(j, to[1])) {
      break;
    }
  }
  assert_int_equal(json_array_size(json_at(j, "spans")), KEPT);
  assert_in_range(dash_number(j, "from_ns"), 1, dash_number(j, "recorded_ns"));
  assert_true(dash_number(j, "lost") >= 3 * MANY - KEPT);
  assert_int_equal(count_methods(j, to[1]), 1);
  json_decref(j);
}

static bool has_hung_up(int fd)
{
  struct pollfd p = {.fd = fd, .events = POLLRDHUP};
  return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// A page that takes nothing of what it is told has its place for a while only; one that does keeps it.
static void lets_go_of_who_takes_nothing(void **state)
{
  rig *r = *state;
  char address[100], path[90], drained[8192];
  snprintf(path, sizeof path, "/tmp/grove-look-%ld", (long)getpid());
  snprintf(address, sizeof address, "unix:%s", path);
  (void)dash_start(r->g, (grove_dashboard_options){.address = address, .idle_ms = 250});
  static const char request[] = "GET /api/1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
  int deaf = http_connect(0, path), good = http_connect(0, path);
  http_send(deaf, request);
  http_send(good, request);
  bool gone = false;
  for (int i = 0; i < 30000 && !gone; i++) {
    for (int k = 0; i % 50 == 0 && k < 200; k++) {
      grove_log(r->g, GROVE_LOG_WARN, "line %d of many that fill what there is of room between the two <<<<<<<<<<<<<<<<<<<<<<", i + k);
    }
    check_ok(grove_sleep(r->g, 1));
    while (recv(good, drained, sizeof drained, MSG_DONTWAIT) > 0) {}
    gone = has_hung_up(deaf);
  }
  assert_true(gone);
  assert_false(has_hung_up(good));
  close(deaf);
  close(good);
}

// The parent's name in each row, where it is asked for.
static grove_status job_spawn_child(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)reply;
  grove_ref child = spawn_plan(self, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .label = user});
  return grove_ref_status(child);
}

static void rows_with_parents(void **state)
{
  rig *r = *state;
  long reply;
  grove_dashboard d = dash_start(r->g, (grove_dashboard_options){.actions = 0});
  grove_ref boss = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .label = "the boss"});
  check_ok(ask_and_get(r->g, boss, job_spawn_child, "a clerk", &reply, NULL));
  json_t *j = dash_document(d.port, "/api/1/actors?q=clerk");
  assert_null(member(j, "parent_name"));
  json_decref(j);
  j = dash_document(d.port, "/api/1/actors?q=clerk&parents=1");
  assert_string_equal(json_string_value(member(j, "parent_name")), "the boss");
  json_decref(j);
  j = dash_document(d.port, "/api/1/actors?q=boss&parents=1");
  assert_null(member(j, "parent_name")); // the root's
  json_decref(j);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/actors?parents=yes", NULL), 400);
}

// ---- slow methods ----------------------------------------------------------------------------------------------------
// How many of the slow ones before the mark are news: the first, each that is twice as slow as the last that was, and one after
// ten seconds.
static int count_news(grove_feed *feed, int *all)
{
  grove_event e, told = {.value = 0};
  uint64_t lost;
  size_t n;
  int news = 0;
  for (*all = 0; !grove_feed_events(feed, &e, sizeof e, 1, &n, &lost) && n && strcmp(e.name, "the mark") != 0;) {
    if (e.kind == GROVE_EVENT_SLOW) {
      ++*all;
      if (!told.value || e.value >= 2 * told.value || e.at_ns - told.at_ns >= INT64_C(10000000000)) {
        told = e;
        news++;
      }
    }
  }
  return news;
}

// The slow ones in the logs before the mark; -1: it is not there yet.
static int count_slow(unsigned port)
{
  json_t *j = dash_document(port, "/api/1/logs"), *e;
  size_t i;
  int n = 0;
  bool marked = false;
  json_array_foreach(json_object_get(j, "events"), i, e)
  {
    marked = marked || strcmp(dash_text(e, "name"), "the mark") == 0;
    n += !marked && strcmp(dash_text(e, "kind"), "slow") == 0;
  }
  json_decref(j);
  return marked ? n : -1;
}

// One that holds its worker again and again does not fill the logs.
static void slow_ones_once(void **state)
{
  enum { TIMES = 12 };
  rig *r = *state;
  grove_feed *feed;
  static hold h;
  int all, seen = -1;
  rig_restart(r, &(grove_options){.workers = 1, .turn_warn_ms = 10});
  grove_dashboard d = dash_start(r->g, (grove_dashboard_options){.actions = 0});
  check_ok(grove_feed_open(r->g, &(grove_feed_options){GROVE_FEED, .events = GROVE_EVENTS_ALL}, &feed));
  grove_ref a = spawn_hand(r->g);
  for (int i = 0; i < TIMES; i++) {
    hold_init(&h);
    atomic_store(&r->lines, 0);
    grove_future f = ask(r->g, a, job_hold, &h);
    rig_until(r, &h.begun, 1);
    rig_until(r, &r->lines, 1); // the watch has named it
    hold_let_go(&h);
    check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
    uv_sem_destroy(&h.sem);
  }
  (void)spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .label = "the mark"});
  for (int i = 0; i < 20000 && seen < 0; i++) {
    check_ok(grove_sleep(r->g, 1));
    seen = count_slow(d.port);
  }
  int news = count_news(feed, &all);
  grove_feed_close(feed);
  assert_true(all > news); // or there was nothing to leave out
  assert_int_equal(seen, news);
}

int main(int argc, char **argv)
{
  static const rig_test tests[] = {
      THREADED(rows_with_waits_and_times), THREADED(rows_with_parents), ON(WORKERS, slow_ones_once), THREADED(keeps_the_last_of_all), ON(WORKERS, lets_go_of_who_takes_nothing)};
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
