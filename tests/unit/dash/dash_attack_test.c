// What somebody else may try: other hosts' names, other sites' pages, paths, bodies, floods, patience.
#include "dash_rig.h"
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>

static int raw_status(unsigned port, const char *request)
{
  int fd = http_connect(port, NULL);
  assert_true(fd >= 0);
  http_send(fd, request);
  shutdown(fd, SHUT_WR);
  http_answer a = http_read(fd);
  close(fd);
  http_free(&a);
  return a.status;
}

static void hosts_and_origins(void **state)
{
  grove_dashboard d = dash_start(((rig *)*state)->g,
      (grove_dashboard_options){.hosts = (const char *const[]){"grove.example", NULL}});
  char own[100], other[100];
  assert_int_equal(
      raw_status(d.port, "GET /api/1/overview HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403);
  assert_int_equal(raw_status(d.port, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403);
  assert_int_equal(raw_status(d.port, "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403);
  assert_int_equal(
      raw_status(d.port, "GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n"), 403);
  assert_int_equal(raw_status(d.port, "GET / HTTP/1.1\r\nHost: GROVE.example:1\r\n\r\n"), 200);
  int s = raw_status(d.port, "GET / HTTP/1.1\r\n\r\n");
  assert_true(s == 400 || s == 403);
  assert_int_equal(raw_status(d.port, "GET / HTTP/1.0\r\n\r\n"), 403);
  snprintf(own, sizeof own, "Origin: http://127.0.0.1:%u\r\n", d.port);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", own), 200);
  snprintf(other, sizeof other, "Origin: http://127.0.0.1:%u\r\n", d.port ^ 1);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", other), 403);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", "Origin: null\r\n"), 403);
  assert_int_equal(
      dash_status(d.port, "GET", "/api/1/overview", "Sec-Fetch-Site: cross-site\r\n"), 403);
  assert_int_equal(dash_status(d.port, "GET", "/metrics", "Sec-Fetch-Site: same-site\r\n"), 403);
  assert_int_equal(
      dash_status(d.port, "GET", "/api/1/overview", "Sec-Fetch-Site: same-origin\r\n"), 200);
  http_answer a = http_ask(d.port, "GET", "/api/1/overview", own);
  char value[100];
  assert_false(http_header(&a, "Access-Control-Allow-Origin", value, sizeof value));
  http_free(&a);
}

// Two lines of which only the first would be judged; and a target that names a host, as proxies are asked.
static void said_twice(void **state)
{
  grove_dashboard d = dash_start(((rig *)*state)->g, (grove_dashboard_options){.actions = 1});
  static const char *const doubles[] = {"Host: localhost\r\nHost: evil.example", "Host: evil.example\r\nHost: localhost",
      "Host: localhost\r\nhOST: localhost", "Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://evil.example",
      "Host: localhost\r\nSec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site",
      "Host: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b", "Host: localhost\r\nCookie: a=b\r\nCookie: c=d",
      "Host: localhost\r\nContent-Length: 0\r\nContent-Length: 9",
      "Host: localhost\r\nX-Grove-Action: 1\r\nX-Grove-Action: 0"};
  static const char *const starts[] = {"GET /api/1/overview", "GET /", "POST /api/1/actors/1-1/stop"};
  char request[300];
  for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
      snprintf(request, sizeof request, "%s HTTP/1.1\r\n%s\r\n\r\n", starts[k], doubles[i]);
      int s = raw_status(d.port, request);
      if (s != 400) {
        fail_msg("%s: %d", request, s);
      }
    }
  }
  static const char *const targets[] = {"http://localhost/", "http://evil.example/api/1/overview", "https://localhost/main.js",
      "evil.example:80", "*"};
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", targets[i]);
    int s = raw_status(d.port, request);
    if (s != (targets[i][0] == '*' ? 404 : 400)) {
      fail_msg("%s: %d", request, s);
    }
  }
  assert_int_equal(raw_status(d.port, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: a\r\nAccept: */*\r\n\r\n"), 200);
}

static void paths_and_methods(void **state)
{
  grove_dashboard d = dash_start(((rig *)*state)->g, (grove_dashboard_options){.actions = 0});
  static const char *const paths[] = {"/../../../etc/passwd", "/..%2f..%2fetc/passwd",
      "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/dash.css/../../etc/passwd", "/./main.js",
      "/main.js%00.txt", "/api/1/../../etc/passwd", "/api/1/actors/../../../etc/passwd", "/api/1/",
      "/api/2/overview", "/index.html", "/api", "/MAIN.JS", "/main.js/"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    int s = dash_status(d.port, "GET", paths[i], NULL);
    if (s != 404 && s != 400) {
      fail_msg("%s: %d", paths[i], s);
    }
  }
  static const char *const methods[] = {
      "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST", "BREW"};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    assert_int_equal(dash_status(d.port, methods[i], "/api/1/overview", NULL), 405);
  }
  assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", "Content-Length: 5\r\n"), 413);
  assert_int_equal(
      dash_status(d.port, "POST", "/api/1/overview", "Content-Length: 99999999999\r\n"), 413);
  assert_int_equal(
      dash_status(d.port, "POST", "/api/1/overview", "Transfer-Encoding: chunked\r\n"), 413);
}

// Header, target and number of lines without end.
static void oversized(void **state)
{
  grove_dashboard d = dash_start(((rig *)*state)->g, (grove_dashboard_options){.actions = 0});
  enum { HUGE = 1 << 20 };
  char *big = malloc(HUGE + 100);
  assert_non_null(big);
  for (int kind = 0; kind < 3; kind++) {
    int n = sprintf(big, kind == 1 ? "GET /" : "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    for (int i = n; i < HUGE; i++) {
      big[i] = kind == 2 && i % 8 > 5 ? "\r\n"[i % 8 - 6] : kind == 2 && i % 8 == 1 ? ':' : 'a';
    }
    sprintf(big + HUGE, "%s", kind == 1 ? " HTTP/1.1\r\nHost: localhost\r\n\r\n" : "\r\n\r\n");
    int s = raw_status(d.port, big);
    if (s != 0 && (s < 400 || s > 499)) { // it may be cut before all of it was sent
      fail_msg("kind %d: %d", kind, s);
    }
    assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", NULL), 200);
  }
  assert_int_equal(raw_status(d.port, "\r\n\r\n\x01\x02\x03 nothing of the kind\r\n\r\n") / 100 % 4,
      0); // 400, or closed
  free(big);
}

static bool is_closed(int fd)
{
  char c;
  ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

// One that says nothing, and one that never stops: a byte now and then keeps nobody's place.
static void slow(void **state)
{
  grove_dashboard d = dash_start(((rig *)*state)->g, (grove_dashboard_options){.idle_ms = 1500});
  int silent = http_connect(d.port, NULL), dripping = http_connect(d.port, NULL);
  int64_t begun = grove_now_ns(((rig *)*state)->g);
  http_send(dripping, "GET / HTTP/1.1\r\n");
  bool one = false, two = false;
  for (int i = 0; i < 20000 && !(one && two); i++) {
    if (i % 50 == 0 && !two) {
      http_send(dripping, "X");
    }
    check_pause();
    one = one || is_closed(silent);
    two = two || is_closed(dripping);
  }
  assert_true(one);
  assert_true(two);
  int64_t took = grove_now_ns(((rig *)*state)->g) - begun;
  assert_true(took > 1000000000); // nobody in a hurry is cut
  assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", NULL), 200);
  close(silent);
  close(dripping);
}

// A thousand that are idle: who comes after them is served.
static void many_idle(void **state)
{
  enum { MANY = 1000 };
  static int fd[MANY];
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < MANY + 400) {
    limit.rlim_cur = limit.rlim_max < MANY + 400 ? limit.rlim_max : MANY + 400;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  size_t n = limit.rlim_cur < MANY + 400 ? (size_t)limit.rlim_cur - 400 : MANY;
  grove_dashboard d = dash_start(((rig *)*state)->g, (grove_dashboard_options){.connections = 64});
  for (size_t i = 0; i < n; i++) {
    fd[i] = http_connect(d.port, NULL);
    assert_true(fd[i] >= 0);
    if (i % 100 == 99) {
      assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", NULL), 200);
    }
  }
  assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", NULL), 200);
  for (size_t i = 0; i < n; i++) {
    close(fd[i]);
  }
}

static void wants_a_token(void **state)
{
  grove *g = ((rig *)*state)->g;
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.address = "0.0.0.0:0"});
  const char *token = strstr(d.url, "?token=");
  char line[300], target[200], cookie[300];
  assert_non_null(token);
  token += 7;
  assert_int_equal(strlen(token), 32);
  static const char *const closed[] = {
      "/", "/main.js", "/metrics", "/api/1/overview", "/api/1/stream", "/nothing"};
  for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
    assert_int_equal(dash_status(d.port, "GET", closed[i], NULL), 401);
  }
  assert_int_equal(dash_status(d.port, "GET", "/api/1/overview",
                       "Authorization: Bearer 00000000000000000000000000000000\r\n"),
      401);
  assert_int_equal(
      dash_status(d.port, "GET", "/?token=00000000000000000000000000000000", NULL), 401);
  snprintf(line, sizeof line, "Authorization: Bearer %s\r\n", token);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", line), 200);
  snprintf(target, sizeof target, "/?token=%s", token);
  http_answer a = http_ask(d.port, "GET", target, NULL);
  assert_int_equal(a.status, 303);
  assert_true(http_header(&a, "Set-Cookie", cookie, sizeof cookie));
  check_contains(cookie, "HttpOnly; SameSite=Strict");
  http_free(&a);
  cookie[strcspn(cookie, ";")] = '\0';
  snprintf(line, sizeof line, "Cookie: other=1; %.200s\r\n", cookie);
  assert_int_equal(dash_status(d.port, "GET", "/api/1/overview", line), 200);
  assert_int_equal(dash_status(d.port, "GET", "/", line), 200);
  assert_int_equal(
      dash_status(d.port, "GET", "/api/1/overview?token=00000000000000000000000000000000", line),
      200);
  // and one on a loopback address, if it is asked for
  grove_dashboard e = dash_start(g, (grove_dashboard_options){.token = "abcdefghijklmnop"});
  assert_int_equal(dash_status(e.port, "GET", "/api/1/overview", NULL), 401);
  assert_int_equal(dash_status(e.port, "GET", "/api/1/overview", line), 401); // the other's
  assert_int_equal(
      dash_status(e.port, "GET", "/api/1/overview", "Authorization: Bearer abcdefghijklmnop\r\n"),
      200);
}

int main(int argc, char **argv)
{
  static const rig_test tests[] = {ON(WORKERS, hosts_and_origins), ON(WORKERS, said_twice), ON(WORKERS, paths_and_methods),
      ON(WORKERS, oversized), ON(WORKERS, slow), ON(WORKERS, many_idle),
      ON(WORKERS, wants_a_token)};
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
