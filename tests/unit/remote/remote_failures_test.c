// What a server or the line can do wrong, and how often it is tried again.
#include "remote_world.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG = 200000 };

typedef struct bad_days bad_days;
struct bad_days {
  char *bytes;
  void (*bad)(const bad_days *b, web_peer *p, const web_request *r);
  unsigned from, until; // the requests that get a bad answer
  const char *text;
};

static void serve(void *user, web_peer *p, const web_request *r)
{
  const bad_days *b = user;
  if (r->n >= b->from && r->n < b->until) {
    b->bad(b, p, r);
  } else {
    web_say_object(p, r, "ETag: \"v1\"\r\n", b->bytes, LONG);
  }
}

static void say_raw(const bad_days *b, web_peer *p, const web_request *r)
{
  (void)r;
  web_send_text(p, b->text);
  web_cut(p);
}

static void say_code(const bad_days *b, web_peer *p, const web_request *r)
{
  (void)r;
  web_say_text(p, b->text, NULL,
      "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce\nyour rate.</Message></Error>");
}

// The header of a good answer, and a part of its body.
static void cut_body(const bad_days *b, web_peer *p, const web_request *r)
{
  char head[200];
  size_t first, last;
  assert_true(web_range(r, LONG, &first, &last));
  int n = snprintf(head, sizeof head,
      "HTTP/1.1 206 Partial Content\r\nContent-Length: %zu\r\nContent-Range: bytes %zu-%zu/%d\r\nETag: \"v1\"\r\n\r\n",
      last - first + 1, first, last, LONG);
  web_send(p, head, (size_t)n);
  web_send(p, "not these bytes", 10 < last - first ? 10 : last - first);
  (void)b;
  web_cut(p);
}

static void hold(const bad_days *b, web_peer *p, const web_request *r)
{
  (void)b, (void)r;
  web_hold(p);
}

// A good object is opened; then a read of [5, 15) meets bad answers, and comes right with attempt `attempts`.
static void passes_after(bad_days b, unsigned bad)
{
  remote_world w;
  b.bytes = world_bytes(LONG);
  b.from = 1;
  b.until = 1 + bad;
  world_start(&w, serve, &b, (grove_store_options){.retries = bad});
  grove_source f = world_source(&w, world_url(&w, "/x"));
  world_read(&w, &f, 5, 10, b.bytes + 5);
  assert_int_equal(web_count(w.web), bad + 2);
  f.close(f.user);
  world_stop(&w);
  // The same at the opening.
  b.from = 0;
  b.until = bad;
  world_start(&w, serve, &b, (grove_store_options){.retries = bad});
  f = world_source(&w, world_url(&w, "/x"));
  assert_int_equal(web_count(w.web), bad + 1);
  world_read(&w, &f, LONG - 10, 10, b.bytes + LONG - 10);
  f.close(f.user);
  world_stop(&w);
  free(b.bytes);
}

// With bad answers for ever; `attempts` of them are made.
static void fails(bad_days b, unsigned attempts, grove_status want, const char *words)
{
  remote_world w;
  char often[40];
  b.bytes = world_bytes(LONG);
  b.from = 1;
  b.until = UINT32_MAX;
  world_start(&w, serve, &b, (grove_store_options){.retries = 2});
  grove_source f = world_source(&w, world_url(&w, "/x?secret"));
  world_read_fails(&w, &f, 5, 10, want, words);
  check_contains(w.err.text, "/x bytes 5-14: ");
  snprintf(often, sizeof often, ", attempt %u of 3", attempts);
  check_contains(w.err.text, often);
  assert_null(strstr(w.err.text, "secret"));
  assert_int_equal(w.err.at, 5);
  assert_int_equal(web_count(w.web), 1 + attempts);
  f.close(f.user);
  world_stop(&w);
  free(b.bytes);
}

static void tries_busy_servers_again(void **state)
{
  (void)state;
  passes_after((bad_days){.bad = say_code, .text = "503 Slow Down"}, 1);
  passes_after((bad_days){.bad = say_code, .text = "503 Slow Down"}, 4);
  passes_after((bad_days){.bad = say_code, .text = "400 Bad Request"}, 2); // by what it says in its body
  passes_after((bad_days){.bad = say_raw, .text = "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"}, 2);
  passes_after((bad_days){.bad = say_raw, .text = "HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n"}, 2);
  passes_after((bad_days){.bad = say_raw, .text = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"}, 2);
  fails((bad_days){.bad = say_code, .text = "503 Slow Down"}, 3, GROVE_EIO,
      "HTTP 503 Service Unavailable (SlowDown: Please reduce your rate.)");
}

static void gives_up_at_once_what_will_not_change(void **state)
{
  (void)state;
  static const struct {
    const char *answer;
    grove_status status;
    const char *words;
  } answers[] = {
      {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", GROVE_ENOENT, "HTTP 404 Not Found"},
      {"HTTP/1.1 404 No\r\nContent-Length: 1000\r\n\r\nwe are so", GROVE_ENOENT, "HTTP 404 Not Found"},
      {"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\nzzz", GROVE_ENOENT, "HTTP 404 Not Found"},
      {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", GROVE_EIO, "HTTP 401 Unauthorized"},
      {"HTTP/1.1 403 No\r\nContent-Length: 54\r\n\r\n<Error><Code>AccessDenied</Code><Message>no</Message></Error>", GROVE_EIO,
          "HTTP 403 Forbidden (AccessDenied: no)"},
      {"HTTP/1.1 400 No\r\nContent-Length: 96\r\n\r\n"
       "<Error><Code>A</Code><Message>the &#34;&#x6f;ne&quot; &amp;lt; &lt;b&gt; &apos;&unknown;</Message></Error>",
          GROVE_EIO, "HTTP 400 Bad Request (A: the \"one\" &lt; <b> '&unknown;)"},
      {"HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n", GROVE_EIO, "HTTP 416 Range Not Satisfiable"},
      {"HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n", GROVE_EIO, "HTTP 501"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\nwhole", GROVE_ENOTSUP, "the server gives no ranges, only whole files"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\nContent-Range: bytes 5-14/200000\r\n\r\nwhole", GROVE_ENOTSUP,
          "the server gives no ranges"},
  };
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    fails((bad_days){.bad = say_raw, .text = answers[i].answer}, 1, answers[i].status, answers[i].words);
  }
}

static void tries_broken_answers_again(void **state)
{
  (void)state;
  static const struct {
    const char *answer, *words;
  } answers[] = {
      {"HTTP/1.1 206 OK\r\nContent-Length: 10\r\nContent-Range: bytes 6-15/200000\r\n\r\n0123456789",
          "another range came than the one that was asked for"},
      {"HTTP/1.1 206 OK\r\nContent-Length: 9\r\nContent-Range: bytes 5-13/200000\r\n\r\n012345678",
          "the answer is shorter than the range"},
      {"HTTP/1.1 206 OK\r\nContent-Length: 11\r\nContent-Range: bytes 5-15/200000\r\n\r\n01234567890", "another range came"},
      {"HTTP/1.1 206 OK\r\nContent-Length: 10\r\nContent-Range: bytes x-y/z\r\n\r\n0123456789", "Content-Range"},
      {"HTTP/1.1 206 OK\r\nContent-Length: 0\r\n\r\n", "Content-Range"},
      {"HTTP/1.1 206 OK\r\nContent-Range: bytes 5-14/200000\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n", ""},
      {"HTTP/1.1 206 OK\r\nContent-Length: many\r\nContent-Range: bytes 5-14/200000\r\n\r\n0123456789", ""},
  };
  passes_after((bad_days){.bad = cut_body}, 1);
  passes_after((bad_days){.bad = cut_body}, 3);
  fails((bad_days){.bad = cut_body}, 3, GROVE_EIO, "the answer was cut short, attempt 3 of 3");
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    fails((bad_days){.bad = say_raw, .text = answers[i].answer}, 3, GROVE_EIO, answers[i].words);
  }
}

// A length that is not said is no fault: the range is known.
static void serve_starred(void *user, web_peer *p, const web_request *r)
{
  const bad_days *b = user;
  if (r->n == 0) {
    web_say_object(p, r, NULL, b->bytes, LONG);
  } else {
    web_say(p, "206 OK", "Content-Range: bytes 5-14/*\r\n", b->bytes + 5, 10);
  }
}

static void takes_ranges_of_an_unsaid_whole(void **state)
{
  (void)state;
  remote_world w;
  bad_days b = {.bytes = world_bytes(LONG)};
  world_start(&w, serve_starred, &b, (grove_store_options){0});
  grove_source f = world_source(&w, world_url(&w, "/x"));
  world_read(&w, &f, 5, 10, b.bytes + 5);
  f.close(f.user);
  world_stop(&w);
  free(b.bytes);
}

static void open_fails(const char *answer, unsigned attempts, grove_status want, const char *words)
{
  remote_world w;
  bad_days b = {.bad = say_raw, .until = UINT32_MAX, .text = answer};
  world_start(&w, serve, &b, (grove_store_options){.retries = 1});
  world_source_fails(&w, world_url(&w, "/x"), want, words);
  assert_int_equal(web_count(w.web), attempts);
  world_stop(&w);
}

static void garbage_opens_nothing(void **state)
{
  (void)state;
  open_fails("", 2, GROVE_EIO, "attempt 2 of 2");
  open_fails("garbage\r\n\r\n", 1, GROVE_EIO, "attempt 1 of 2");
  open_fails("\x16\x03\x01\x02garbage", 1, GROVE_EIO, "attempt 1 of 2");
  open_fails("HTTP/1.1 206 OK\r\nContent-Length: 3\r\n\r\nabc", 2, GROVE_EIO, "a part came that does not say which");
  open_fails("HTTP/1.1 206 OK\r\nContent-Length: 3\r\nContent-Range: bytes 0-2/9\r\n\r\nabc", 2, GROVE_EIO,
      "the end was asked for, and 3 bytes at 0 of 9 came");
  open_fails("HTTP/1.1 206 OK\r\nContent-Length: 3\r\nContent-Range: bytes 6-8/*\r\n\r\nabc", 1, GROVE_ENOTSUP,
      "the server does not say how long it is");
  open_fails("HTTP/1.1 206 OK\r\nContent-Length: 3\r\nContent-Range: bytes 0-2/2\r\n\r\nabc", 2, GROVE_EIO, "came");
  open_fails("HTTP/1.1 206 OK\r\nContent-Length: 3\r\nContent-Range: bytes 18446744073709551614-1/1\r\n\r\nabc", 2, GROVE_EIO, "");
  open_fails("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nabc", 2, GROVE_ELIMIT, "the answer is longer than");
  open_fails("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", 1, GROVE_EIO, "HTTP 301");
  open_fails("HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", 2, GROVE_EIO, "HTTP 999");
  open_fails("HTTP/1.1 404 Not Found\r\nContent-Length: 18446744073709551\r\n\r\nabc", 1, GROVE_ENOENT, "HTTP 404");
}

static void say_at_length(const bad_days *b, web_peer *p, const web_request *r)
{
  (void)r;
  web_send_text(p, b->text);
  while (!web_is_cut(p)) {
    web_send_text(p, "and so on, and so on, and so on, and so on, and so on, and so on, and so on, and so on, and so on");
  }
}

static void does_not_listen_for_ever(void **state)
{
  (void)state;
  remote_world w;
  bad_days b = {.bad = say_at_length, .until = UINT32_MAX, .text = "HTTP/1.1 404 No\r\n\r\n"};
  world_start(&w, serve, &b, (grove_store_options){0});
  world_source_fails(&w, world_url(&w, "/x"), GROVE_ENOENT, "HTTP 404 Not Found, attempt 1 of 3");
  world_stop(&w);
  b.text = "HTTP/1.1 200 OK\r\nX: "; // a header without end
  world_start(&w, serve, &b, (grove_store_options){0});
  grove_source f;
  grove_status s = grove_store_source(w.store, world_url(&w, "/x"), &f, &w.err);
  assert_true(s == GROVE_EIO || s == GROVE_ENOMEM); // older versions of libcurl have no code of their own for it
  check_contains(w.err.text, "attempt");
  world_stop(&w);
}

// ---- time -------------------------------------------------------------------------------------------

static void ends_what_stands_still(void **state)
{
  (void)state;
  remote_world w;
  bad_days b = {.bad = hold, .until = UINT32_MAX};
  world_start(&w, serve, &b, (grove_store_options){.timeout_ms = 40, .retries = 1});
  world_source_fails(&w, world_url(&w, "/x"), GROVE_ETIMEDOUT, "attempt 2 of 2");
  world_stop(&w);
}

static void goes_on_after_a_stand(void **state)
{
  (void)state;
  remote_world w;
  bad_days b = {.bytes = world_bytes(LONG), .bad = hold, .until = 1};
  // One that holds on; those after it answer. On a busy machine some of these may be too late as well.
  world_start(&w, serve, &b, (grove_store_options){.timeout_ms = 500, .retries = 40});
  grove_source f = world_source(&w, world_url(&w, "/x"));
  assert_int_equal(f.bytes, LONG);
  assert_true(web_count(w.web) >= 2);
  f.close(f.user);
  world_stop(&w);
  free(b.bytes);
}

static int64_t now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// A byte now and then, until as much time has passed as b->text says (0: until nobody takes any).
static void trickle(const bad_days *b, web_peer *p, const web_request *r)
{
  int64_t until = now_ms() + strtoll(b->text, NULL, 10);
  bool ends = *b->text != '0';
  (void)r;
  web_send_text(p, "HTTP/1.1 200 OK\r\n\r\n");
  while (!web_is_cut(p) && (!ends || now_ms() < until)) {
    web_send_text(p, ".");
    check_pause();
  }
  web_cut(p);
}

static void lets_slow_answers_come(void **state)
{
  (void)state;
  remote_world w;
  bad_days b = {.bad = trickle, .until = UINT32_MAX, .text = "2200"}; // longer than may pass without a byte
  world_start(&w, serve, &b, (grove_store_options){.timeout_ms = 2000});
  grove_source f = world_source(&w, world_url(&w, "/x"));
  assert_true(f.bytes > 0);
  assert_int_equal(web_count(w.web), 1);
  f.close(f.user);
  world_stop(&w);
}

static void ends_requests_at_their_limit(void **state)
{
  (void)state;
  remote_world w;
  bad_days b = {.bad = trickle, .until = UINT32_MAX, .text = "0"};
  world_start(&w, serve, &b, (grove_store_options){.request_ms = 60, .retries = 1});
  world_source_fails(&w, world_url(&w, "/x"), GROVE_ETIMEDOUT, "attempt 2 of 2");
  world_stop(&w);
}

// Whatever the server does, and however often it would be tried again; then no more of that object is read. Another has its
// own time.
static void ends_files_at_their_limit(void **state)
{
  (void)state;
  const bad_days all[] = {{.bad = hold}, {.bad = say_code, .text = "503 Slow Down"}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    remote_world w;
    bad_days b = all[i];
    b.bytes = world_bytes(LONG);
    b.from = 1;
    b.until = UINT32_MAX;
    world_start(&w, serve, &b, (grove_store_options){.file_ms = 400, .retries = 1000000000, .backoff_most_ms = 10});
    grove_source f = world_source(&w, world_url(&w, "/x"));
    world_read_fails(&w, &f, 5, 10, GROVE_ETIMEDOUT, "the time for one file is over: 400 ms (file_ms), attempt ");
    check_contains(w.err.text, "/x bytes 5-14: ");
    world_read_fails(&w, &f, 5, 10, GROVE_ETIMEDOUT, "file_ms");
    world_source_fails(&w, world_url(&w, "/y"), GROVE_ETIMEDOUT, "file_ms");
    f.close(f.user);
    world_stop(&w);
    free(b.bytes);
  }
}

// ---- interrupts -------------------------------------------------------------------------------------

static void serve_held(void *user, web_peer *p, const web_request *r)
{
  const bad_days *b = user;
  if (strstr(r->path, "/held")) {
    web_hold(p);
  } else {
    web_say_object(p, r, "ETag: \"v1\"\r\n", b->bytes, LONG);
  }
}

typedef struct waiter {
  remote_world *w;
  atomic_bool done;
  grove_status status;
  grove_error err;
} waiter;

static void *open_held(void *user)
{
  waiter *v = user;
  grove_source f;
  v->status = grove_store_source(v->w->store, world_url(v->w, "/held"), &f, &v->err);
  atomic_store(&v->done, true);
  return NULL;
}

// What waits is ended, in whatever thread and with attempts left; what is asked afterwards is not.
static void an_interrupt_ends_what_waits(void **state)
{
  (void)state;
  remote_world w;
  pthread_t threads[3];
  waiter v[3];
  bad_days b = {.bytes = world_bytes(LONG)};
  world_start(&w, serve_held, &b, (grove_store_options){.retries = 100});
  grove_store_interrupt(w.store); // before anything was asked
  for (int i = 0; i < 3; i++) {
    v[i] = (waiter){.w = &w};
    assert_int_equal(pthread_create(&threads[i], NULL, open_held, &v[i]), 0);
  }
  while (web_count(w.web) < 3) {
    check_pause();
  }
  grove_store_interrupt(w.store);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    check_status(v[i].status, GROVE_ECANCELED);
  }
  grove_source f = world_source(&w, world_url(&w, "/x"));
  world_read(&w, &f, 5, 10, b.bytes + 5);
  f.close(f.user);
  world_stop(&w);
  free(b.bytes);
}

typedef struct spaced {
  char *bytes;
  int64_t at[3];
} spaced;

static void serve_spaced(void *user, web_peer *p, const web_request *r)
{
  spaced *s = user;
  s->at[r->n % 3] = now_ms();
  if (r->n < 1) {
    web_say(p, "503 Busy", "Retry-After: 3600\r\n", "", 0);
  } else {
    web_say_object(p, r, NULL, s->bytes, LONG);
  }
}

static void waits_as_long_as_it_is_asked_to(void **state)
{
  (void)state;
  remote_world w;
  spaced s = {.bytes = world_bytes(LONG)};
  world_start(&w, serve_spaced, &s, (grove_store_options){.backoff_ms = 1, .backoff_most_ms = 120});
  grove_source f = world_source(&w, world_url(&w, "/x"));
  f.close(f.user);
  assert_int_equal(web_count(w.web), 2);
  assert_true(s.at[1] - s.at[0] >= 119); // an hour, cut to the most
  world_stop(&w);
  free(s.bytes);
}

static void says_who_is_not_there(void **state)
{
  (void)state;
  remote_world w;
  char url[60], words[100];
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  int taken = socket(AF_INET, SOCK_STREAM, 0); // bound, and nobody listens
  assert_int_equal(bind(taken, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(getsockname(taken, (struct sockaddr *)&a, &n), 0);
  world_start(&w, NULL, NULL, (grove_store_options){.retries = 3});
  snprintf(url, sizeof url, "http://127.0.0.1:%d/x", (int)ntohs(a.sin_port));
  snprintf(words, sizeof words, "GET %s last 65536 bytes: ", url);
  world_source_fails(&w, url, GROVE_EIO, words);
  check_contains(w.err.text, "attempt 4 of 4");
  close(taken);
  world_stop(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tries_busy_servers_again),
      cmocka_unit_test(gives_up_at_once_what_will_not_change),
      cmocka_unit_test(tries_broken_answers_again),
      cmocka_unit_test(takes_ranges_of_an_unsaid_whole),
      cmocka_unit_test(garbage_opens_nothing),
      cmocka_unit_test(does_not_listen_for_ever),
      cmocka_unit_test(ends_what_stands_still),
      cmocka_unit_test(goes_on_after_a_stand),
      cmocka_unit_test(lets_slow_answers_come),
      cmocka_unit_test(ends_requests_at_their_limit),
      cmocka_unit_test(ends_files_at_their_limit),
      cmocka_unit_test(an_interrupt_ends_what_waits),
      cmocka_unit_test(waits_as_long_as_it_is_asked_to),
      cmocka_unit_test(says_who_is_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
