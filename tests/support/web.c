#include "web.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_HEAD = 65536, MOST_PEERS = 4096, MOST_REQUESTS = 65536 };

struct web_peer {
  web *web;
  pthread_t thread;
  int fd;
  unsigned n;
  bool cut; // the connection's thread only
};

struct web {
  web_fn *fn;
  void *user;
  pthread_t thread;
  int fd, port;
  pthread_mutex_t lock;
  // Guarded by lock.
  bool stopped;
  web_peer *peers[MOST_PEERS];
  size_t n_peers;
  web_request *requests[MOST_REQUESTS];
  size_t n_requests;
  unsigned cuts; // of connections, in the midst of a body
  size_t cut_after;
};

static void give_up(const char *what)
{
  perror(what); // a test machine without sockets or memory
  exit(1);
}

// ---- what comes -------------------------------------------------------------------------------------

bool web_header(const web_request *r, const char *name, char *out, size_t room)
{
  size_t n = strlen(name);
  for (const char *line = r->head; *line;) {
    size_t length = strcspn(line, "\r\n");
    if (length > n && line[n] == ':' && !strncasecmp(line, name, n)) {
      const char *value = line + n + 1;
      value += strspn(value, " ");
      snprintf(out, room, "%.*s", (int)(length - (size_t)(value - line)), value);
      return true;
    }
    line += length;
    line += strspn(line, "\r\n");
  }
  return false;
}

static bool receive(int fd, char *to, size_t n)
{
  while (n) {
    ssize_t got = recv(fd, to, n, 0);
    if (got <= 0) {
      return false;
    }
    to += got;
    n -= (size_t)got;
  }
  return true;
}

// The head up to its empty line, byte by byte over a peek, so that nothing of what follows is taken.
static char *receive_head(int fd)
{
  char *head = malloc(MOST_HEAD);
  size_t n = 0;
  while (head && n < MOST_HEAD - 1) {
    ssize_t seen = recv(fd, head + n, MOST_HEAD - 1 - n, MSG_PEEK);
    if (seen <= 0) {
      break;
    }
    head[n + (size_t)seen] = '\0';
    const char *end = strstr(head + (n < 3 ? 0 : n - 3), "\r\n\r\n");
    size_t taken = end ? (size_t)(end + 4 - head) - n : (size_t)seen;
    if (!receive(fd, head + n, taken)) {
      break;
    }
    n += taken;
    head[n] = '\0';
    if (end) {
      return head;
    }
  }
  free(head);
  return NULL;
}

static void split_line(web_request *r, char *head)
{
  char *line_end = strstr(head, "\r\n");
  *line_end = '\0';
  r->method = head;
  r->head = line_end + 2;
  char *blank = strchr(head, ' ');
  char *target = blank ? blank + 1 : head + strlen(head);
  if (blank) {
    *blank = '\0';
  }
  target[strcspn(target, " ")] = '\0';
  r->target = target;
  char *path = strdup(target);
  if (!path) {
    give_up("web");
  }
  char *query = strchr(path, '?');
  if (query) {
    *query = '\0';
  }
  r->path = path;
  r->query = query ? query + 1 : "";
}

static bool takes_cut(web *w)
{
  pthread_mutex_lock(&w->lock);
  bool cut = w->cuts > 0;
  w->cuts -= cut;
  pthread_mutex_unlock(&w->lock);
  return cut;
}

// A reset. The number stays taken, for web_stop to close.
static void cut_for_good(int fd)
{
  struct linger at_once = {1, 0};
  (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  int none = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (none < 0 || dup2(none, fd) < 0) {
    give_up("web");
  }
  close(none);
}

static web_request *receive_request(web_peer *p)
{
  char length[32];
  char *head = receive_head(p->fd);
  if (!head) {
    return NULL;
  }
  web_request *r = calloc(1, sizeof *r);
  if (!r) {
    give_up("web");
  }
  split_line(r, head);
  r->connection = p->n;
  r->body_bytes =
      web_header(r, "content-length", length, sizeof length) ? strtoull(length, NULL, 10) : 0;
  char *body = malloc(r->body_bytes + 1);
  if (!body) {
    give_up("web");
  }
  r->body = body;
  if (r->body_bytes && web_header(r, "expect", length, sizeof length)) {
    web_send_text(p, "HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (r->body_bytes && takes_cut(p->web)) {
    (void)receive(p->fd, body, p->web->cut_after < r->body_bytes ? p->web->cut_after : r->body_bytes);
    cut_for_good(p->fd);
    p->cut = true;
  }
  if (p->cut || !receive(p->fd, body, r->body_bytes)) {
    free((void *)r->method);
    free((void *)r->path);
    free(body);
    free(r);
    return NULL;
  }
  body[r->body_bytes] = '\0';
  return r;
}

static void record(web *w, web_request *r)
{
  pthread_mutex_lock(&w->lock);
  if (w->n_requests == MOST_REQUESTS) {
    give_up("web: too many requests");
  }
  r->n = (unsigned)w->n_requests;
  w->requests[w->n_requests++] = r;
  pthread_mutex_unlock(&w->lock);
}

static void *run_peer(void *user)
{
  web_peer *p = user;
  web_request *r;
  while (!p->cut && (r = receive_request(p)) != NULL) {
    record(p->web, r);
    p->web->fn(p->web->user, p, r);
  }
  (void)shutdown(p->fd, SHUT_RDWR); // closed by web_stop, which may look at it at the same time
  return NULL;
}

static void *run_server(void *user)
{
  web *w = user;
  for (int fd; (fd = accept(w->fd, NULL, NULL)) >= 0;) {
    web_peer *p = calloc(1, sizeof *p);
    pthread_mutex_lock(&w->lock);
    bool stopped = w->stopped;
    if (!p || w->n_peers == MOST_PEERS) {
      give_up("web: too many connections");
    }
    int at_once = 1; // a head and its body are two sends: the second must not wait for an answer to the first
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    p->web = w;
    p->fd = fd;
    p->n = (unsigned)w->n_peers;
    if (stopped || pthread_create(&p->thread, NULL, run_peer, p)) {
      close(fd);
      free(p);
    } else {
      w->peers[w->n_peers++] = p;
    }
    pthread_mutex_unlock(&w->lock);
  }
  return NULL;
}

web *web_start(web_fn *fn, void *user)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  web *w = calloc(1, sizeof *w);
  if (!w) {
    give_up("web");
  }
  w->fn = fn;
  w->user = user;
  pthread_mutex_init(&w->lock, NULL);
  w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (w->fd < 0 || bind(w->fd, (struct sockaddr *)&a, sizeof a) || listen(w->fd, 128) ||
      getsockname(w->fd, (struct sockaddr *)&a, &n) ||
      pthread_create(&w->thread, NULL, run_server, w)) {
    give_up("web");
  }
  w->port = (int)ntohs(a.sin_port);
  return w;
}

void web_stop(web *w)
{
  if (!w) {
    return;
  }
  pthread_mutex_lock(&w->lock);
  w->stopped = true;
  (void)shutdown(w->fd, SHUT_RDWR); // ends accept
  for (size_t i = 0; i < w->n_peers; i++) {
    (void)shutdown(w->peers[i]->fd, SHUT_RDWR);
  }
  pthread_mutex_unlock(&w->lock);
  pthread_join(w->thread, NULL);
  for (size_t i = 0; i < w->n_peers; i++) {
    pthread_join(w->peers[i]->thread, NULL);
    close(w->peers[i]->fd);
    free(w->peers[i]);
  }
  for (size_t i = 0; i < w->n_requests; i++) {
    free((void *)w->requests[i]->method);
    free((void *)w->requests[i]->path);
    free((void *)w->requests[i]->body);
    free(w->requests[i]);
  }
  close(w->fd);
  pthread_mutex_destroy(&w->lock);
  free(w);
}

void web_cut_bodies(web *w, unsigned n, size_t after)
{
  pthread_mutex_lock(&w->lock);
  w->cuts = n;
  w->cut_after = after;
  pthread_mutex_unlock(&w->lock);
}

int web_port(const web *w)
{
  return w->port;
}

size_t web_count(web *w)
{
  pthread_mutex_lock(&w->lock);
  size_t n = w->n_requests;
  pthread_mutex_unlock(&w->lock);
  return n;
}

const web_request *web_nth(web *w, size_t n)
{
  pthread_mutex_lock(&w->lock);
  const web_request *r = n < w->n_requests ? w->requests[n] : NULL;
  pthread_mutex_unlock(&w->lock);
  return r;
}

// ---- what goes --------------------------------------------------------------------------------------

void web_send(web_peer *p, const void *bytes, size_t n)
{
  const char *from = bytes;
  while (n && !p->cut) {
    ssize_t sent = send(p->fd, from, n, MSG_NOSIGNAL);
    if (sent <= 0) {
      p->cut = true;
      return;
    }
    from += sent;
    n -= (size_t)sent;
  }
}

void web_send_text(web_peer *p, const char *text)
{
  web_send(p, text, strlen(text));
}

void web_say(web_peer *p, const char *code, const char *lines, const void *body, size_t n)
{
  char head[2048];
  int length = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", code, n,
      lines ? lines : "");
  web_send(p, head, (size_t)length);
  web_send(p, body, n);
}

void web_say_text(web_peer *p, const char *code, const char *lines, const char *body)
{
  web_say(p, code, lines, body, strlen(body));
}

bool web_range(const web_request *r, size_t n, size_t *first, size_t *last)
{
  char range[64];
  size_t from, to;
  if (!web_header(r, "range", range, sizeof range)) {
    *first = 0;
    *last = n - 1;
    return n > 0;
  }
  if (sscanf(range, "bytes=-%zu", &to) == 1) {
    from = to < n ? n - to : 0;
    to = n - 1;
  } else if (sscanf(range, "bytes=%zu-%zu", &from, &to) != 2 || to < from) {
    return false;
  }
  *first = from;
  *last = to < n ? to : n - 1;
  return from < n;
}

void web_say_object(
    web_peer *p, const web_request *r, const char *lines, const void *bytes, size_t n)
{
  char more[1024], range[64];
  size_t first, last;
  if (!web_header(r, "range", range, sizeof range)) {
    web_say(p, "200 OK", lines, bytes, n);
  } else if (web_range(r, n, &first, &last)) {
    snprintf(more, sizeof more, "Content-Range: bytes %zu-%zu/%zu\r\n%s", first, last, n,
        lines ? lines : "");
    web_say(p, "206 Partial Content", more, (const char *)bytes + first, last - first + 1);
  } else {
    snprintf(more, sizeof more, "Content-Range: bytes */%zu\r\n%s", n, lines ? lines : "");
    web_say(p, "416 Range Not Satisfiable", more, "", 0);
  }
}

void web_cut(web_peer *p)
{
  p->cut = true;
  (void)shutdown(p->fd, SHUT_RDWR);
}

void web_hold(web_peer *p)
{
  struct pollfd f = {.fd = p->fd, .events = POLLIN};
  (void)poll(&f, 1, -1); // what comes can only be the end
  p->cut = true;
}

bool web_is_cut(const web_peer *p)
{
  return p->cut;
}
