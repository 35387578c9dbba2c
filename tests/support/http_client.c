#include "http_client.h"
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int http_connect(unsigned port, const char *path)
{
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (path) {
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
  }
  const struct sockaddr *to = port ? (const struct sockaddr *)&in : (const struct sockaddr *)&un;
  int fd = socket(to->sa_family, SOCK_STREAM, 0);
  struct timeval patience = {.tv_sec = 20};
  assert_true(fd >= 0);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  if (connect(fd, to, port ? sizeof in : sizeof un) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

void http_send(int fd, const char *text)
{
  size_t n = strlen(text);
  while (n) {
    ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
    if (sent <= 0) {
      return; // it does not listen any more: its answer tells
    }
    text += sent;
    n -= (size_t)sent;
  }
}

static void undo_chunks(http_answer *a)
{
  size_t from = 0, to = 0;
  while (from < a->body_bytes) {
    char *end;
    size_t n = strtoul(a->body + from, &end, 16);
    from = (size_t)(end - a->body) + 2;
    if (!n || from + n > a->body_bytes) {
      break;
    }
    memmove(a->body + to, a->body + from, n);
    to += n;
    from += n + 2;
  }
  a->body_bytes = to;
  a->body[to] = '\0';
}

// Whether all of an answer of known length is here: a connection that is kept open has no other end.
static bool is_whole(const char *all, size_t used)
{
  const char *end = strstr(all, "\r\n\r\n"), *length = end ? strcasestr(all, "\r\nContent-Length:") : NULL;
  return length && length < end && used >= (size_t)(end + 4 - all) + strtoul(length + 17, NULL, 10);
}

http_answer http_read(int fd)
{
  http_answer a = {.status = 0};
  size_t room = 1 << 16, used = 0;
  char *all = malloc(room + 1), coding[40];
  for (;;) {
    assert_non_null(all);
    ssize_t n = recv(fd, all + used, room - used, 0);
    if (n <= 0) {
      break;
    }
    used += (size_t)n;
    all[used] = '\0';
    if (is_whole(all, used)) {
      break;
    }
    if (used == room) {
      room *= 2;
      all = realloc(all, room + 1);
    }
  }
  all[used] = '\0';
  char *end = strstr(all, "\r\n\r\n");
  if (end && sscanf(all, "HTTP/1.%*d %d", &a.status) == 1) {
    snprintf(a.head, sizeof a.head, "%.*s\r\n", (int)(end - all), all);
    a.body_bytes = used - (size_t)(end + 4 - all);
    memmove(all, end + 4, a.body_bytes + 1);
  }
  a.body = all;
  if (http_header(&a, "Transfer-Encoding", coding, sizeof coding) &&
      strcmp(coding, "chunked") == 0) {
    undo_chunks(&a);
  }
  return a;
}

http_answer http_ask(unsigned port, const char *method, const char *target, const char *lines)
{
  char request[1024];
  int fd = http_connect(port, NULL);
  assert_true(fd >= 0);
  snprintf(request, sizeof request,
      "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n%s\r\n", method, target, port,
      lines ? lines : "");
  http_send(fd, request);
  http_answer a = http_read(fd);
  close(fd);
  return a;
}

bool http_header(const http_answer *a, const char *name, char *out, size_t room)
{
  size_t n = strlen(name);
  for (const char *line = a->head; (line = strstr(line, "\r\n"));) {
    line += 2;
    if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
      const char *value = line + n + 1 + strspn(line + n + 1, " ");
      snprintf(out, room, "%.*s", (int)strcspn(value, "\r"), value);
      return true;
    }
  }
  return false;
}

void http_free(http_answer *a)
{
  free(a->body);
  a->body = NULL;
}
