#include "dash/listen.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static grove_status wrong(grove_error *err, const char *address)
{
  return grove__error(err, GROVE_EINVAL, -1,
      "%.100s is no address to serve on; ADDRESS:PORT with an address in numbers (127.0.0.1:8265, "
      "[::1]:8265) or unix:PATH is",
      address);
}

static grove_status refused(grove_error *err, const char *address, int code)
{
  char words[128];
  grove_status s = code == EADDRINUSE ? GROVE_EEXIST : GROVE_EIO;
  return grove__error(err, s, -1, "%.100s: %s%s", address,
      grove__errno_text(code, words, sizeof words),
      code == EADDRINUSE ? "; another port, or 0 for any, would do" : "");
}

static bool read_port(const char *text, uint16_t *out)
{
  unsigned n = 0;
  if (!*text || strlen(text) > 5) {
    return false;
  }
  for (; *text; text++) {
    if (*text < '0' || *text > '9') {
      return false;
    }
    n = n * 10 + (unsigned)(*text - '0');
  }
  *out = (uint16_t)n;
  return n <= 65535;
}

// "ADDRESS:PORT" as a socket address; false: it is none.
static bool read_address(
    const char *text, struct sockaddr_storage *out, socklen_t *bytes, grove__listener *l)
{
  const char *colon = strrchr(text, ':');
  size_t n = colon ? (size_t)(colon - text) : 0;
  char host[64];
  uint16_t port;
  if (!n || n >= sizeof host || !read_port(colon + 1, &port)) {
    return false;
  }
  memcpy(host, text, n);
  host[n] = '\0';
  memset(out, 0, sizeof *out);
  if (host[0] == '[' && host[n - 1] == ']') {
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    host[n - 1] = '\0';
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    *bytes = sizeof *six;
    l->is_loopback = inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1 &&
                     IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    snprintf(l->where, sizeof l->where, "[%s]", host + 1);
    return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1;
  }
  struct sockaddr_in *four = (struct sockaddr_in *)out;
  four->sin_family = AF_INET;
  four->sin_port = htons(port);
  *bytes = sizeof *four;
  snprintf(l->where, sizeof l->where, "%s", host);
  if (inet_pton(AF_INET, host, &four->sin_addr) != 1) {
    return false;
  }
  l->is_loopback = ntohl(four->sin_addr.s_addr) >> 24 == 127;
  return true;
}

static int open_socket(int family)
{
  int fd = socket(family, SOCK_STREAM, 0);
  if (fd >= 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)) {
    close(fd);
    return -1;
  }
  return fd;
}

static grove_status listen_on(grove__listener *l, const struct sockaddr *to, socklen_t bytes,
    const char *address, grove_error *err)
{
  int on = 1;
  if (to->sa_family != AF_UNIX) {
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (bind(l->fd, to, bytes) != 0 || listen(l->fd, BACKLOG) != 0) {
    int code = errno;
    close(l->fd);
    l->fd = -1;
    return refused(err, address, code);
  }
  return GROVE_OK;
}

static grove_status listen_tcp(const char *address, grove__listener *l, grove_error *err)
{
  struct sockaddr_storage to;
  socklen_t bytes;
  if (!read_address(address, &to, &bytes, l)) {
    return wrong(err, address);
  }
  l->fd = open_socket(to.ss_family);
  if (l->fd < 0) {
    return refused(err, address, errno);
  }
  GROVE__TRY(listen_on(l, (struct sockaddr *)&to, bytes, address, err));
  bytes = sizeof to;
  if (getsockname(l->fd, (struct sockaddr *)&to, &bytes) != 0) {
    int code = errno;
    close(l->fd);
    l->fd = -1;
    return refused(err, address, code);
  }
  l->port = ntohs(to.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&to)->sin6_port
                                           : ((struct sockaddr_in *)&to)->sin_port);
  return GROVE_OK;
}

// A socket's file stays when its program is killed: one that refuses to be connected to is nobody's.
static void remove_stale(const struct sockaddr_un *to, const char *path)
{
  struct stat is;
  int fd = open_socket(AF_UNIX);
  if (fd < 0) {
    return;
  }
  if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno == ECONNREFUSED &&
      lstat(path, &is) == 0 && S_ISSOCK(is.st_mode)) {
    unlink(path);
  }
  close(fd);
}

// The socket of one path. GROVE_EEXIST: somebody serves there, or a file of another kind stands there.
static grove_status listen_path(
    const char *path, const char *address, grove__listener *l, grove_error *err)
{
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t n = strlen(path);
  if (!n || n >= sizeof to.sun_path || n >= sizeof l->where) {
    return grove__error(err, GROVE_EINVAL, -1, "%.120s: a socket's path has 1 to %d bytes", address,
        (int)sizeof to.sun_path - 1);
  }
  memcpy(to.sun_path, path, n);
  memcpy(l->where, path, n + 1);
  l->is_loopback = true;
  remove_stale(&to, path);
  l->fd = open_socket(AF_UNIX);
  // The mode is set before there is a file, so that at no moment others may connect.
  if (l->fd < 0 || fchmod(l->fd, S_IRUSR | S_IWUSR) != 0) {
    int code = errno;
    if (l->fd >= 0) {
      close(l->fd);
      l->fd = -1;
    }
    return refused(err, address, code);
  }
  return listen_on(l, (struct sockaddr *)&to, sizeof to, address, err);
}

// A folder that others could write to is none to be found in: they could put a socket of theirs in our place.
static grove_status take_folder(const char *folder, grove_error *err)
{
  struct stat is;
  char words[128];
  if ((mkdir(folder, S_IRWXU) != 0 && errno != EEXIST) || lstat(folder, &is) != 0) {
    return grove__error(err, GROVE_EIO, -1, "the folder %.140s can't be made: %s", folder,
        grove__errno_text(errno, words, sizeof words));
  }
  if (!S_ISDIR(is.st_mode) || is.st_uid != geteuid() || (is.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return grove__error(err, GROVE_EIO, -1,
        "%.140s is not this user's own folder (mode 0700), so no socket is made in it", folder);
  }
  return GROVE_OK;
}

// "DIR/": a socket of a name of its own in the folder, PID.sock, or PID-2.sock for the process's second.
static grove_status listen_folder(
    const char *path, const char *address, grove__listener *l, grove_error *err)
{
  enum { MOST = 99 };
  char name[sizeof l->where];
  size_t n = strlen(path);
  grove_status s = GROVE_EEXIST;
  if (n > 1 && n < sizeof name) { // without the "/" behind, or a link would be followed
    memcpy(name, path, n - 1);
    name[n - 1] = '\0';
    GROVE__TRY(take_folder(name, err));
  }
  for (int i = 1; i <= MOST && s == GROVE_EEXIST; i++) {
    int used = i == 1 ? snprintf(name, sizeof name, "%s%ld.sock", path, (long)getpid())
                      : snprintf(name, sizeof name, "%s%ld-%d.sock", path, (long)getpid(), i);
    // What is cut off is too long for a socket, too.
    s = listen_path(used < (int)sizeof name ? name : path, address, l, err);
  }
  return s;
}

static grove_status listen_unix(const char *address, grove__listener *l, grove_error *err)
{
  const char *path = address + sizeof "unix:" - 1;
  size_t n = strlen(path);
  return n && path[n - 1] == '/' ? listen_folder(path, address, l, err)
                                 : listen_path(path, address, l, err);
}

grove_status grove__listen(const char *address, grove__listener *out, grove_error *err)
{
  *out = (grove__listener){.fd = -1};
  const char *to = address ? address : "127.0.0.1:8265";
  return strncmp(to, "unix:", 5) == 0 ? listen_unix(to, out, err) : listen_tcp(to, out, err);
}

void grove__listen_forget(const grove__listener *l)
{
  if (l->port == 0 && l->where[0]) {
    unlink(l->where);
  }
}
