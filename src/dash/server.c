// The thread, the daemon and its connections.
//
// libmicrohttpd is driven from outside (epoll, no thread of its own): so the thread is ours, with signals blocked as on
// all of grove's, and nothing here needs a lock. The library bounds what one connection may hold and how long it may be
// silent; how long a request may take to arrive, and who goes when all places are taken, is decided here, by shutting
// the socket down, which the library sees as a peer that went.
#include "dash/dash.h"
#include "plat/clock.h"
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICK_MS = 1000, CONNECTION_BYTES = 32 * 1024 };

int64_t grove__dash_now_ms(void)
{
  return grove__clock_ns() / 1000000;
}

// ---- connections ----------------------------------------------------------------------------------------------

static void unlink_peer(grove__dash *d, grove__dash_peer *p)
{
  *(p->prev ? &p->prev->next : &d->first) = p->next;
  *(p->next ? &p->next->prev : &d->last) = p->prev;
}

static void append_peer(grove__dash *d, grove__dash_peer *p)
{
  p->since_ms = grove__dash_now_ms();
  p->next = NULL;
  p->prev = d->last;
  *(d->last ? &d->last->next : &d->first) = p;
  d->last = p;
}

// Cuts the one that has been idle longest, so that idle ones never keep others out.
static void make_room(grove__dash *d)
{
  for (grove__dash_peer *p = d->first; p; p = p->next) {
    if (!p->asked && p->fd >= 0) {
      shutdown(p->fd, SHUT_RDWR);
      p->fd = -1;
      return;
    }
  }
}

static void on_connection(
    void *dash, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode code)
{
  grove__dash *d = dash;
  grove__dash_peer *p = *context;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    d->look_again = true;
    if (p) {
      unlink_peer(d, p);
      d->peer_count--;
      grove__free(d->memory, p, sizeof *p);
    }
    return;
  }
  p = grove__alloc_zero(d->memory, sizeof *p);
  if (!p) {
    return; // it is bounded by the library's own limits alone
  }
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
  p->fd = info ? info->connect_fd : -1;
  append_peer(d, p);
  *context = p;
  if (++d->peer_count + d->connections / 8 > d->connections) {
    make_room(d);
  }
}

static grove__dash_peer *peer_of(struct MHD_Connection *c)
{
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

static void mark(grove__dash *d, struct MHD_Connection *c, bool asked)
{
  grove__dash_peer *p = peer_of(c);
  if (p && p->asked != asked) {
    unlink_peer(d, p);
    p->asked = asked;
    append_peer(d, p);
  }
}

static void on_completed(
    void *dash, struct MHD_Connection *c, void **request, enum MHD_RequestTerminationCode why)
{
  (void)request, (void)why;
  mark(dash, c, false);
}

// A zero that is written %00 would end a text before its end: such a text stays as it is, and is no name of anything.
static size_t unescape(void *dash, struct MHD_Connection *c, char *text)
{
  (void)dash, (void)c;
  return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

static enum MHD_Result on_request(void *dash, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_bytes,
    void **request)
{
  mark(dash, c, true);
  return grove__dash_answer(dash, c, url, method, version, upload, upload_bytes, request);
}

static const grove__dash_stream *stream_of(const grove__dash *d, const grove__dash_peer *p)
{
  const grove__dash_stream *s = p->asked ? d->streams : NULL;
  while (s && peer_of(s->connection) != p) {
    s = s->next;
  }
  return s;
}

// A stream lasts as long as its page takes what it is told: there are few places, and who sleeps behind a tunnel keeps none.
static bool is_late(const grove__dash *d, const grove__dash_peer *p, int64_t now_ms)
{
  enum { PATIENCE = 4 };
  const grove__dash_stream *s = stream_of(d, p);
  return s          ? s->pending.used > s->taken && now_ms - s->taken_ms > PATIENCE * (int64_t)d->idle_ms
         : p->asked ? now_ms - p->since_ms > GROVE__DASH_ANSWER_MS
                    : now_ms - p->since_ms > (int64_t)d->idle_ms;
}

static void cut_late(grove__dash *d, int64_t now_ms)
{
  for (grove__dash_peer *p = d->first; p; p = p->next) {
    if (p->fd >= 0 && is_late(d, p, now_ms)) {
      shutdown(p->fd, SHUT_RDWR);
      p->fd = -1;
    }
  }
}

// ---- the thread ---------------------------------------------------------------------------------------------------

// A method that holds its worker does so again and again: told each time, it would push all else out of the logs. So it is
// told again after a while, or when it has become twice as slow.
static bool is_told(const grove__dash *d, const grove_event *e)
{
  enum { BACK = 200 };
  static const int64_t again_ns = 10 * INT64_C(1000000000);
  uint64_t kept = d->log_count < BACK ? d->log_count : BACK;
  for (uint64_t i = 1; e->kind == GROVE_EVENT_SLOW && i <= kept; i++) {
    const grove_event *before = &d->logs[(d->log_count - i) % GROVE__DASH_LOGS];
    if (before->kind == GROVE_EVENT_SLOW && grove_ref_equal(before->who, e->who) && strcmp(before->method, e->method) == 0) {
      return e->at_ns - before->at_ns < again_ns && e->value < 2 * before->value;
    }
  }
  return false;
}

static void read_logs(grove__dash *d)
{
  grove_event *next = &d->logs[d->log_count % GROVE__DASH_LOGS];
  size_t n = 0;
  while (!grove_feed_events(d->feed, next, sizeof *next, 1, &n, &d->log_lost) && n) {
    if (!is_told(d, next)) {
      next = &d->logs[++d->log_count % GROVE__DASH_LOGS];
    }
  }
}

static void tick(grove__dash *d, int64_t now_ms)
{
  grove_stats s = {.struct_size = sizeof s};
  if (!grove_stats_get(d->g, &s)) {
    grove__history_add(&d->history, &s);
  }
  read_logs(d);
  grove__dash_streams_tell(d);
  cut_late(d, now_ms);
}

static int wait_ms(grove__dash *d, int64_t now_ms)
{
  MHD_UNSIGNED_LONG_LONG within;
  int64_t due = grove__dash_recording_due(d);
  due = due < d->next_tick_ms ? due : d->next_tick_ms;
  int64_t left = due > now_ms ? due - now_ms : 0;
  if (MHD_get_timeout(d->daemon, &within) == MHD_YES && within < (MHD_UNSIGNED_LONG_LONG)left) {
    left = (int64_t)within;
  }
  return (int)left;
}

static void run(void *dash)
{
  grove__dash *d = dash;
  d->next_tick_ms = grove__dash_now_ms();
  // Relaxed: `wake` orders it.
  while (!atomic_load_explicit(&d->closing, memory_order_relaxed)) {
    struct pollfd fds[] = {{d->epoll_fd, POLLIN, 0}, {d->wake.read_fd, POLLIN, 0}};
    (void)poll(fds, 2, d->look_again ? 0 : wait_ms(d, grove__dash_now_ms()));
    d->look_again = false;
    MHD_run(d->daemon);
    grove__dash_recording_look(d);
    int64_t now_ms = grove__dash_now_ms();
    if (now_ms >= d->next_tick_ms) {
      tick(d, now_ms);
      d->next_tick_ms = now_ms + TICK_MS;
    }
  }
  grove__dash_streams_end(d);
  grove__dash_recording_look(d);
  MHD_run(d->daemon);
  grove_feed_close(d->feed); // here, where grove may be called
  d->feed = NULL;
}

grove_status grove__dash_run(grove__dash *d)
{
  grove_status s = grove__thread_create(&d->thread, 256 * 1024, "grove-dash", run, d);
  d->has_thread = s == GROVE_OK;
  return s;
}

// ---- beginning and end ------------------------------------------------------------------------------------------------

static grove_status start_daemon(grove__dash *d, grove_error *err)
{
  unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
  d->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, d, MHD_OPTION_LISTEN_SOCKET,
      d->listener.fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)d->connections,
      MHD_OPTION_CONNECTION_TIMEOUT, grove__guard_silence_s(d->idle_ms), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_connection, d,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, d, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
      MHD_OPTION_END);
  if (!d->daemon) {
    return grove__error(err, GROVE_EIO, -1,
        "%.100s: the web server does not start; are there descriptors left?", d->listener.where);
  }
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(d->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (!info || info->epoll_fd < 0) {
    return grove__error(err, GROVE_ENOTSUP, -1, "this libmicrohttpd has no epoll");
  }
  d->epoll_fd = info->epoll_fd;
  return GROVE_OK;
}

grove_status grove__dash_serve(grove__dash *d, grove_error *err)
{
  grove_status s = grove__fork_mark_init(&d->fork_mark);
  d->has_mark = !s;
  if (!s) {
    s = grove__notify_init(&d->wake);
    d->has_wake = !s;
  }
  if (!s) {
    return start_daemon(d, err);
  }
  return grove__error(err, s, -1, "the dashboard has no descriptor or no memory to begin with");
}

bool grove__dash_close(grove__dash *d)
{
  if (d->has_mark && grove__fork_mark_is_child(&d->fork_mark)) {
    return false;
  }
  if (d->has_thread) {
    atomic_store_explicit(&d->closing, true, memory_order_relaxed); // relaxed: `wake` orders it
    grove__notify_raise(&d->wake);
    grove__thread_join(&d->thread);
  }
  if (d->daemon) {
    MHD_stop_daemon(d->daemon); // closes the listener, too
    d->daemon = NULL;
    grove__listen_forget(&d->listener);
  } else if (d->listener.fd >= 0) {
    close(d->listener.fd);
    grove__listen_forget(&d->listener);
  }
  d->listener.fd = -1;
  if (d->has_wake) {
    grove__notify_deinit(&d->wake);
  }
  if (d->has_mark) {
    grove__fork_mark_deinit(&d->fork_mark);
  }
  return true;
}
