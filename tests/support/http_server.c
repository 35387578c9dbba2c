// http_server DIR CONNECTIONS: a tiny web server on the loopback address, for tests of the downloader.
// Says its port on standard output, answers that many connections (or 30 seconds without one), then ends by itself.
//   /good/NAME   the file DIR/NAME
//   /wrong/NAME  with its last byte changed
//   /cut/NAME    promises all of it and closes after half
//   /other       404
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_BYTES = 8 << 20, PATIENCE_MS = 30000 };

static int listen_on_loopback(void)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof(a);
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 16) ||
      getsockname(s, (struct sockaddr *)&a, &n)) {
    perror("http_server");
    exit(1);
  }
  printf("%d\n", (int)ntohs(a.sin_port));
  fflush(stdout);
  return s;
}

static int send_all(int c, const char *p, size_t n)
{
  while (n) {
    ssize_t sent = send(c, p, n, MSG_NOSIGNAL);
    if (sent <= 0) {
      return -1;
    }
    p += sent;
    n -= (size_t)sent;
  }
  return 0;
}

/// Reads up to the empty line; gives the length, 0 if there is none.
static size_t read_request(int c, char *request, size_t room)
{
  size_t n = 0;
  while (n + 1 < room) {
    struct pollfd p = {.fd = c, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) <= 0) {
      return 0;
    }
    ssize_t got = recv(c, request + n, room - 1 - n, 0);
    if (got <= 0) {
      return 0;
    }
    n += (size_t)got;
    request[n] = '\0';
    if (strstr(request, "\r\n\r\n")) {
      return n;
    }
  }
  return 0;
}

static size_t load(const char *dir, const char *name, char *bytes)
{
  char path[4096];
  if (strstr(name, "..") || snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path)) {
    return 0;
  }
  FILE *f = fopen(path, "rb");
  if (!f) {
    return 0;
  }
  size_t n = fread(bytes, 1, MOST_BYTES, f);
  fclose(f);
  return n;
}

static void answer(int c, const char *dir, char *bytes)
{
  char request[8192];
  char kind[16];
  char name[256];
  char head[256];
  size_t n = 0;
  if (!read_request(c, request, sizeof(request))) {
    return;
  }
  if (sscanf(request, "GET /%15[a-z]/%255[^ ?]", kind, name) == 2 &&
      (!strcmp(kind, "good") || !strcmp(kind, "wrong") || !strcmp(kind, "cut"))) {
    n = load(dir, name, bytes);
  }
  if (!n) {
    static const char none[] =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    (void)send_all(c, none, sizeof(none) - 1);
    return;
  }
  int length = snprintf(head, sizeof(head),
      "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: "
      "%zu\r\nConnection: close\r\n\r\n",
      n);
  if (!strcmp(kind, "wrong")) {
    bytes[n - 1] = (char)(bytes[n - 1] ^ 1);
  }
  if (!send_all(c, head, (size_t)length)) {
    (void)send_all(c, bytes, strcmp(kind, "cut") ? n : n / 2);
  }
}

int main(int argc, char **argv)
{
  if (argc != 3) {
    fprintf(stderr, "usage: http_server DIR CONNECTIONS\n");
    return 2;
  }
  char *bytes = malloc(MOST_BYTES);
  int s = listen_on_loopback();
  for (long left = strtol(argv[2], NULL, 10); bytes && left > 0; left--) {
    struct pollfd p = {.fd = s, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) <= 0) {
      break;
    }
    int c = accept(s, NULL, NULL);
    if (c >= 0) {
      answer(c, argv[1], bytes);
      shutdown(c, SHUT_WR);
      close(c);
    }
  }
  close(s);
  free(bytes);
  return 0;
}
