// What the dashboard serves: documents, filters, metrics, the page, the stream, actions.
#include "dash_rig.h"
#include <math.h>
#include <sys/socket.h>

static void gives_documents(void **state)
{
  grove *g = ((rig *)*state)->g;
  long reply;
  grove_ref a = spawn_plan(
      g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .name = "anna"});
  grove_ref b = spawn_hand(g);
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.actions = 0});
  check_ok(ask_and_get(g, a, job_echo, NULL, &reply, NULL));
  check_status(ask_and_get(g, b, job_crash, "it burns", &reply, NULL), GROVE_EDEAD);
  check_ok(grove_get(g, grove_monitor(g, b), 20000, NULL, 0, NULL));
  json_t *j = dash_document(d.port, "/api/1/overview");
  assert_int_equal(dash_number(j, "runtime.handled"), 1);
  assert_int_equal(dash_number(j, "runtime.actors"), 2); // anna and the dashboard
  assert_false(json_is_true(json_at(j, "actions")));
  assert_true(json_array_size(json_at(j, "history.columns")) == 13);
  char root[64];
  snprintf(root, sizeof root, "%s", dash_text(j, "root"));
  json_decref(j);
  char target[200];
  snprintf(target, sizeof target, "/api/1/actors?parent=%s&sort=name&ended=1", root);
  j = dash_document(d.port, target);
  assert_int_equal(dash_number(j, "actors.total"), 3);
  assert_string_equal(dash_text(j, "actors.rows.0.name"), "anna");
  assert_string_equal(dash_text(j, "actors.rows.1.class"), "grove.dashboard");
  assert_string_equal(dash_text(j, "actors.rows.2.phase"), "ended");
  snprintf(target, sizeof target, "/api/1/actors/%s", dash_text(j, "actors.rows.2.id"));
  json_decref(j);
  j = dash_document(d.port, target); // of one that is gone: its cause of death
  check_contains(dash_text(j, "deaths.rows.0.text"), "it burns");
  assert_string_equal(dash_text(j, "classes.0.class"), "hand");
  assert_int_equal(json_array_size(json_at(j, "classes")), 1);
  json_decref(j);
  j = dash_document(d.port, "/api/1/actors?q=ann&rows=10");
  assert_int_equal(dash_number(j, "actors.total"), 1);
  json_decref(j);
  j = dash_document(d.port, "/api/1/actors?class=hand&phase=idle,running,queued&offset=0");
  assert_int_equal(dash_number(j, "actors.total"), 1);
  json_decref(j);
  j = dash_document(d.port, "/api/1/deaths");
  assert_int_equal(dash_number(j, "deaths.total"), 1);
  json_decref(j);
  static const char *const wrong[] = {"rows=501", "rows=x", "rows=-1",
      "offset=99999999999999999999", "sort=colour", "phase=dreaming", "under=1", "parent=x-y",
      "ended=2", "depth=5000000000"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    snprintf(target, sizeof target, "/api/1/actors?%s", wrong[i]);
    assert_int_equal(dash_status(d.port, "GET", target, NULL), 400);
  }
  assert_int_equal(dash_status(d.port, "GET", "/api/1/actors/zz", NULL), 400);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/actors/1-1", NULL), 404);
}

// What an actor waits for, and its times.
static void tells_of_waits(void **state)
{
  rig *r = *state;
  pause_point p;
  long reply;
  char target[100];
  atomic_init(&p.begun, 0);
  atomic_init(&p.ended, 0);
  grove_dashboard d = dash_start(r->g, (grove_dashboard_options){.actions = 0});
  grove_ref a = spawn_hand(r->g);
  snprintf(target, sizeof target, "/api/1/actors/%llx-%llx", (unsigned long long)a.where, (unsigned long long)a.which);
  json_decref(dash_document(d.port, target)); // from here on its messages are timed
  for (int i = 0; i < 128; i++) {
    check_ok(ask_and_get(r->g, a, job_echo, NULL, &reply, NULL));
  }
  grove_future f = ask(r->g, a, job_pause, &p);
  rig_until(r, &p.begun, 1);
  json_t *j = NULL;
  for (int i = 0; i < 20000 && !j; i++) { // until it stands in its wait
    check_ok(grove_sleep(r->g, 1));
    j = dash_document(d.port, target);
    if (dash_number(j, "waits.total") == 0) {
      json_decref(j);
      j = NULL;
    }
  }
  assert_non_null(j);
  assert_string_equal(dash_text(j, "waits.rows.0.kind"), "futures");
  assert_string_equal(dash_text(j, "waits.rows.0.method"), "run");
  check_contains(dash_text(j, "waits.rows.0.text"), "an answer");
  assert_true(dash_number(j, "times.timed") >= 3);
  assert_true(dash_number(j, "times.run_p99_ns") >= dash_number(j, "times.run_p50_ns"));
  json_decref(j);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, &reply, sizeof reply, NULL));
}

static void gives_runs(void **state)
{
  grove *g = ((rig *)*state)->g;
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.actions = 0});
  json_t *j = dash_document(d.port, "/api/1/runs");
  assert_int_equal(json_array_size(json_at(j, "runs")), 0);
  json_decref(j);
  uint64_t run = grove_run_begin(g, &(grove_run_options){GROVE_RUN, .kind = GROVE_RUN_TRAINING, .title = "<b>two</b>", .items = 2});
  for (uint64_t i = 0; i < 2; i++) {
    grove_run_item item = {GROVE_RUN_ITEM, .index = i, .state = GROVE_RUN_DONE, .result = i ? 0.000012345 : 7, .r2 = (double)NAN};
    snprintf(item.name, sizeof item.name, "model %d", (int)i);
    grove_run_put(g, run, &item);
    grove_run_step(g, run, i, 0.5, "half", 3, 0.25);
  }
  j = dash_document(d.port, "/api/1/runs");
  assert_string_equal(dash_text(j, "runs.0.title"), "<b>two</b>");
  assert_string_equal(dash_text(j, "runs.0.kind"), "training");
  assert_int_equal(dash_number(j, "runs.0.done"), 2);
  json_decref(j);
  char target[100];
  snprintf(target, sizeof target, "/api/1/runs/%llu?order=result&rows=1", (unsigned long long)run);
  j = dash_document(d.port, target);
  assert_string_equal(dash_text(j, "run.state"), "running");
  assert_int_equal(dash_number(j, "items.total"), 2);
  assert_int_equal(json_array_size(json_at(j, "items.rows")), 1);
  assert_string_equal(dash_text(j, "items.rows.0.name"), "model 1");
  assert_true(json_real_value(json_at(j, "items.rows.0.result")) == 0.000012345);
  assert_true(json_is_null(json_at(j, "items.rows.0.r2")));
  assert_int_equal(dash_number(j, "items.rows.0.curve.0.0"), 3);
  json_decref(j);
  static const char *const wrong[] = {"runs/1?order=luck", "runs/1?rows=501", "runs/1?offset=x", "runs/x", "runs/", "runs/1x"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    snprintf(target, sizeof target, "/api/1/%s", wrong[i]);
    assert_int_equal(dash_status(d.port, "GET", target, NULL), 400);
  }
  assert_int_equal(dash_status(d.port, "GET", "/api/1/runs/77", NULL), 404);
}

static void gives_pages_and_metrics(void **state)
{
  grove *g = ((rig *)*state)->g;
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.actions = 0});
  char value[400], lines[200];
  char want[64];
  snprintf(want, sizeof want, "http://127.0.0.1:%u/", d.port);
  assert_string_equal(d.url, want);
  http_answer a = http_ask(d.port, "GET", "/metrics", NULL);
  assert_int_equal(a.status, 200);
  assert_true(http_header(&a, "Content-Type", value, sizeof value));
  assert_string_equal(value, "text/plain; version=0.0.4; charset=utf-8");
  check_contains(a.body, "grove_class_actors{class=\"grove.dashboard\"} 1\n");
  assert_null(strstr(a.body, "grove_actor_bytes"));
  http_free(&a);
  a = http_ask(d.port, "GET", "/metrics?actors=5", NULL);
  check_contains(a.body, "grove_actor_bytes{class=\"grove.dashboard\",name=\"dashboard\"");
  http_free(&a);
  assert_int_equal(dash_status(d.port, "GET", "/metrics?actors=10001", NULL), 400);
  a = http_ask(d.port, "GET", "/", "Accept-Encoding: gzip\r\n");
  assert_int_equal(a.status, 200);
  assert_memory_equal(a.body, "\x1f\x8b", 2);
  assert_true(http_header(&a, "Content-Encoding", value, sizeof value));
  assert_string_equal(value, "gzip");
  assert_true(http_header(&a, "Content-Security-Policy", value, sizeof value));
  check_contains(value, "default-src 'none'");
  assert_true(http_header(&a, "X-Content-Type-Options", value, sizeof value));
  assert_true(http_header(&a, "X-Frame-Options", value, sizeof value));
  assert_true(http_header(&a, "Referrer-Policy", value, sizeof value));
  assert_true(http_header(&a, "ETag", value, sizeof value));
  http_free(&a);
  snprintf(lines, sizeof lines, "If-None-Match: %.100s\r\n", value);
  assert_int_equal(dash_status(d.port, "GET", "/", lines), 304);
  assert_int_equal(dash_status(d.port, "GET", "/main.js", NULL), 200);
  assert_int_equal(dash_status(d.port, "GET", "/", "Accept-Encoding: identity\r\n"), 406);
  a = http_ask(d.port, "HEAD", "/api/1/overview", NULL);
  assert_int_equal(a.status, 200);
  assert_int_equal(a.body_bytes, 0);
  http_free(&a);
}

// Reads from the stream until `part` has come.
static void until(int fd, char *all, size_t room, const char *part)
{
  size_t used = strlen(all);
  while (!strstr(all, part)) {
    ssize_t n = recv(fd, all + used, room - used - 1, 0);
    if (n <= 0) {
      fail_msg("the stream ended before %s", part);
    }
    used += (size_t)n;
    all[used] = '\0';
  }
}

static void tells_as_it_happens(void **state)
{
  rig *r = *state;
  grove *g = r->g;
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.actions = 0});
  static char all[1 << 20];
  char request[200];
  long reply;
  all[0] = '\0';
  int fd = http_connect(d.port, NULL);
  snprintf(
      request, sizeof request, "GET /api/1/stream HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", d.port);
  http_send(fd, request);
  until(fd, all, sizeof all, "event: tick\ndata: {\"schema\":1,");
  grove_ref a = spawn_plan(
      g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .name = "zoe"});
  check_status(ask_and_get(g, a, job_crash, "a fire", &reply, NULL), GROVE_EDEAD);
  until(fd, all, sizeof all, "event: log\ndata: ");
  until(fd, all, sizeof all, "a fire");
  check_contains(all, "\"kind\":\"spawned\"");
  check_contains(all, "\"name\":\"zoe\"");
  json_t *j = dash_document(d.port, "/api/1/logs"); // for a page that is opened later
  assert_true(json_array_size(json_at(j, "events")) >= 3);
  json_decref(j);
  grove_log(g, GROVE_LOG_WARN, "a line for the page");
  until(fd, all, sizeof all, "\"text\":\"a line for the page\"");
  // the runtime ends while the page is open: rig_stop checks that nothing is left
  rig_stop(r);
  while (recv(fd, all, sizeof all, 0) > 0) {}
  close(fd);
}

// A recording has the spans of its time, is alone, and leaves no feed behind.
static void records_spans(void **state)
{
  rig *r = *state;
  grove *g = r->g;
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.actions = 0});
  static char answer[1 << 20];
  char request[200];
  long reply;
  grove_ref a = spawn_plan(g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .label = "anna"});
  int fd = http_connect(d.port, NULL);
  snprintf(request, sizeof request,
      "GET /api/1/timeline?ms=400 HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n",
      d.port);
  http_send(fd, request);
  assert_int_equal(recv(fd, answer, 1, MSG_PEEK), 1); // its head comes when it has begun
  assert_int_equal(dash_status(d.port, "GET", "/api/1/timeline", NULL), 503);
  for (int i = 0; i < 10; i++) {
    check_ok(ask_and_get(g, a, job_echo, NULL, &reply, NULL));
  }
  http_answer got = http_read(fd);
  close(fd);
  assert_int_equal(got.status, 200);
  json_t *j = json_loads(got.body, 0, NULL);
  assert_non_null(j);
  assert_in_range(dash_number(j, "recorded_ns"), 399000000, INT64_C(20000000000));
  assert_int_equal(dash_number(j, "lost"), 0);
  assert_string_equal(dash_text(j, "columns.0"), "kind");
  size_t methods = 0;
  for (size_t i = 0; i < json_array_size(json_at(j, "spans")); i++) {
    json_t *span = json_array_get(json_at(j, "spans"), i);
    methods += strcmp(dash_text(span, "0"), "method") == 0 &&
               strcmp(dash_text(span, "5"), "hand") == 0 &&
               strcmp(dash_text(span, "6"), "run") == 0;
    assert_true(dash_number(span, "2") >= 0);
  }
  assert_int_equal(methods, 10);
  char id[60];
  snprintf(id, sizeof id, "%llx-%llx", (unsigned long long)a.where, (unsigned long long)a.which);
  assert_string_equal(json_string_value(json_object_get(json_at(j, "names"), id)), "anna");
  json_decref(j);
  http_free(&got);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/timeline?ms=49", NULL), 400);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/timeline?ms=10001", NULL), 400);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/timeline?ms=x", NULL), 400);
  assert_int_equal(
      dash_status(d.port, "GET", "/api/1/timeline?ms=50", NULL), 200); // the place is free again
  // A method that goes on has told nothing, and is there all the same.
  pause_point p;
  atomic_init(&p.begun, 0);
  atomic_init(&p.ended, 0);
  grove_future f = ask(g, a, job_pause, &p);
  rig_until(r, &p.begun, 1);
  j = dash_document(d.port, "/api/1/timeline?ms=50");
  size_t open = 0;
  for (size_t i = 0; i < json_array_size(json_at(j, "spans")); i++) {
    json_t *span = json_array_get(json_at(j, "spans"), i);
    open += dash_number(span, "8") != 0 && strcmp(dash_text(span, "0"), "method") == 0 && strcmp(dash_text(span, "4"), id) == 0;
  }
  assert_int_equal(open, 1);
  json_decref(j);
  pause_end(g, &p, 1);
  check_ok(grove_get(g, f, 20000, &reply, sizeof reply, NULL));
  // one that is cut short by the end of the runtime; rig_stop checks that nothing is left
  fd = http_connect(d.port, NULL);
  snprintf(request, sizeof request,
      "GET /api/1/timeline?ms=10000 HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", d.port);
  http_send(fd, request);
  assert_int_equal(recv(fd, answer, 1, MSG_PEEK), 1);
  rig_stop(r);
  while (recv(fd, answer, sizeof answer, 0) > 0) {}
  close(fd);
}

static void acts_if_allowed(void **state)
{
  grove *g = ((rig *)*state)->g;
  grove_ref a = spawn_hand(g);
  char target[100];
  check_ok(grove_get(g, grove_ready(g, a), 20000, NULL, 0, NULL));
  snprintf(target, sizeof target, "/api/1/actors/%llx-%llx/stop", (unsigned long long)a.where,
      (unsigned long long)a.which);
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.actions = 0});
  assert_int_equal(dash_status(d.port, "POST", target, "X-Grove-Action: 1\r\n"), 405);
  grove_dashboard e = dash_start(g, (grove_dashboard_options){.actions = 1});
  assert_int_equal(dash_status(e.port, "POST", target, NULL), 403);
  assert_int_equal(dash_status(e.port, "GET", target, "X-Grove-Action: 1\r\n"), 400);
  assert_int_equal(
      dash_status(e.port, "POST", target, "X-Grove-Action: 1\r\nOrigin: http://evil.example\r\n"),
      403);
  assert_int_equal(
      dash_status(e.port, "POST", "/api/1/actors/1-1/stop", "X-Grove-Action: 1\r\n"), 404);
  assert_int_equal(dash_status(e.port, "POST", "/api/1/overview", "X-Grove-Action: 1\r\n"), 404);
  assert_int_equal(dash_status(e.port, "POST", "/", "X-Grove-Action: 1\r\n"), 405);
  grove_ref root = grove_self(g);
  char at_root[100];
  snprintf(at_root, sizeof at_root, "/api/1/actors/%llx-%llx/stop", (unsigned long long)root.where,
      (unsigned long long)root.which);
  int s = dash_status(e.port, "POST", at_root, "X-Grove-Action: 1\r\n");
  assert_true(s == 403 || s == 404);
  grove_info info = {.struct_size = sizeof info};
  check_ok(grove_inspect(g, a, &info));
  assert_true(info.phase < GROVE_PHASE_ENDED); // nothing so far has ended it
  // One that its parent starts again, and one that it would not.
  char again[110];
  grove_ref lasting = spawn_plan(
      g, (hand_plan){NULL, NULL, NULL, NULL}, &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_PERMANENT});
  check_ok(grove_get(g, grove_ready(g, lasting), 20000, NULL, 0, NULL));
  snprintf(again, sizeof again, "/api/1/actors/%llx-%llx/restart", (unsigned long long)lasting.where,
      (unsigned long long)lasting.which);
  assert_int_equal(dash_status(d.port, "POST", again, "X-Grove-Action: 1\r\n"), 405);
  assert_int_equal(dash_status(e.port, "POST", again, NULL), 403);
  assert_int_equal(dash_status(e.port, "POST", again, "X-Grove-Action: 1\r\n"), 200);
  for (int i = 0; i < 20000 && info.restarts == 0; i++) {
    if (((rig *)*state)->kind == ON_LOOP) {
      uv_run(&((rig *)*state)->loop, UV_RUN_NOWAIT);
    }
    check_ok(grove_sleep(g, 1));
    check_ok(grove_inspect(g, lasting, &info));
  }
  assert_int_equal(info.restarts, 1);
  check_contains(info.last_error, "restarted from the dashboard");
  snprintf(again, sizeof again, "/api/1/actors/%llx-%llx/restart", (unsigned long long)a.where,
      (unsigned long long)a.which);
  assert_int_equal(dash_status(e.port, "POST", again, "X-Grove-Action: 1\r\n"), 409);
  assert_int_equal(dash_status(e.port, "POST", "/api/1/actors/1-1/restart", "X-Grove-Action: 1\r\n"), 404);
  assert_int_equal(dash_status(e.port, "POST", target, "X-Grove-Action: 1\r\n"), 200);
  check_ok(grove_get(g, grove_monitor(g, a), 20000, NULL, 0, NULL));
}

int main(int argc, char **argv)
{
  static const rig_test tests[] = {THREADED(gives_documents), THREADED(gives_runs), THREADED(tells_of_waits), THREADED(gives_pages_and_metrics),
      THREADED(tells_as_it_happens), THREADED(records_spans), THREADED(acts_if_allowed)};
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
