// A web server of a folder's files on the loopback address that waits before each answer, as one that is far away
// does; answers on several connections wait side by side. By sendfile, so that it takes little of the machine that is
// measured.
// usage: slow_server FOLDER MILLISECONDS
// Prints its port, and ends when its standard input does.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *folder;
static long delay_ms;

// Reads up to the empty line; false: the client is gone.
static bool read_head(int c, char *head, size_t room)
{
  size_t n = 0;
  while (n + 1 < room) {
    ssize_t got = recv(c, head + n, room - 1 - n, 0);
    if (got <= 0) {
      return false;
    }
    n += (size_t)got;
    head[n] = '\0';
    if (strstr(head, "\r\n\r\n")) {
      return true;
    }
  }
  return false;
}

static bool send_text(int c, const char *text, size_t n)
{
  return send(c, text, n, MSG_NOSIGNAL | MSG_MORE) == (ssize_t)n;
}

// The bytes [*from, *end) that a Range header wants of `size`; false: all of them.
static bool find_range(const char *head, int64_t size, int64_t *from, int64_t *end)
{
  const char *line = strcasestr(head, "\r\nRange: bytes=");
  long long first = 0, last = -1;
  *from = 0;
  *end = size;
  if (!line) {
    return false;
  }
  line += strlen("\r\nRange: bytes=");
  if (*line == '-') {
    first = atoll(line + 1);
    *from = size > first ? size - first : 0;
  } else {
    int n = sscanf(line, "%lld-%lld", &first, &last);
    *from = first;
    *end = n == 2 && last + 1 < size ? last + 1 : size;
  }
  return true;
}

static bool answer_file(int c, const char *head, bool body, int file)
{
  struct stat s;
  int64_t from, end;
  char text[400];
  if (fstat(file, &s)) {
    return false;
  }
  bool ranged = find_range(head, s.st_size, &from, &end);
  int n = snprintf(text, sizeof text,
      "HTTP/1.1 %s\r\nContent-Length: %lld\r\nAccept-Ranges: bytes\r\nETag: \"%llx-%llx\"\r\n",
      ranged ? "206 Partial Content" : "200 OK", (long long)(end - from),
      (unsigned long long)s.st_size, (unsigned long long)s.st_mtime);
  if (ranged) {
    n += snprintf(text + n, sizeof text - (size_t)n, "Content-Range: bytes %lld-%lld/%lld\r\n",
        (long long)from, (long long)end - 1, (long long)s.st_size);
  }
  n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
  if (from >= end || !send_text(c, text, (size_t)n)) {
    return false;
  }
  off_t at = from;
  while (body && at < end) {
    if (sendfile(c, file, &at, (size_t)(end - at)) <= 0) {
      return false;
    }
  }
  return true;
}

static bool answer(int c)
{
  static const char none[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
  char head[16384], method[8], name[300], path[4096];
  struct timespec wait = {delay_ms / 1000, delay_ms % 1000 * 1000000};
  if (!read_head(c, head, sizeof head) || sscanf(head, "%7s /%299[^ ?]", method, name) != 2) {
    return false;
  }
  nanosleep(&wait, NULL);
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int file = strstr(name, "..") ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  bool good = file < 0 ? send_text(c, none, sizeof none - 1)
                       : answer_file(c, head, strcmp(method, "HEAD") != 0, file);
  if (file >= 0) {
    close(file);
  }
  int off = 0, on = 1; // sends what MSG_MORE held back
  setsockopt(c, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
  setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return good;
}

static void *serve(void *user)
{
  int c = (int)(intptr_t)user;
  while (answer(c)) {}
  close(c);
  return NULL;
}

static void *accept_all(void *user)
{
  int s = (int)(intptr_t)user;
  for (;;) {
    pthread_t thread;
    int c = accept(s, NULL, NULL);
    if (c < 0 && errno != EINTR && errno != ECONNABORTED) {
      return NULL;
    }
    if (c >= 0 && !pthread_create(&thread, NULL, serve, (void *)(intptr_t)c)) {
      pthread_detach(thread);
    }
  }
}

int main(int argc, char **argv)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  pthread_t thread;
  char byte;
  if (argc != 3) {
    fprintf(stderr, "usage: slow_server FOLDER MILLISECONDS\n");
    return 2;
  }
  folder = argv[1];
  delay_ms = atol(argv[2]);
  signal(SIGPIPE, SIG_IGN);
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 128) ||
      getsockname(s, (struct sockaddr *)&a, &n) ||
      pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)s)) {
    perror("slow_server");
    return 1;
  }
  printf("%d\n", (int)ntohs(a.sin_port));
  fflush(stdout);
  while (read(0, &byte, 1) > 0) {}
  return 0;
}
