#include "plat/notify.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#if defined(__linux__) && !defined(GROVE_NOTIFY_PIPE)
#include <sys/eventfd.h>
#endif

static grove_status status_of_errno(int e)
{
  switch (e) {
  case EMFILE:
  case ENFILE: return GROVE_ELIMIT;
  case ENOMEM: return GROVE_ENOMEM;
  default: return GROVE_EIO;
  }
}

#if defined(__linux__) && !defined(GROVE_NOTIFY_PIPE)

static grove_status open_both(grove__notify *n)
{
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    return status_of_errno(errno);
  }
  n->read_fd = fd;
  n->write_fd = fd;
  return GROVE_OK;
}

#else

static bool set_flags(int fd)
{
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
         fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static grove_status open_both(grove__notify *n)
{
  int fds[2];
  if (pipe(fds)) {
    return status_of_errno(errno);
  }
  if (!set_flags(fds[0]) || !set_flags(fds[1])) {
    grove_status status = status_of_errno(errno);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return status;
  }
  n->read_fd = fds[0];
  n->write_fd = fds[1];
  return GROVE_OK;
}

#endif

grove_status grove__notify_init(grove__notify *n)
{
  n->read_fd = -1;
  n->write_fd = -1;
  return open_both(n);
}

void grove__notify_deinit(grove__notify *n)
{
  if (n->write_fd != n->read_fd) {
    (void)close(n->write_fd);
  }
  if (n->read_fd >= 0) {
    (void)close(n->read_fd);
  }
  n->read_fd = -1;
  n->write_fd = -1;
}

void grove__notify_raise(grove__notify *n)
{
  // An eventfd wants exactly eight bytes, a pipe takes them as well. EAGAIN: it is full, so it is readable.
  const uint64_t one = 1;
  ssize_t rc;
  do {
    rc = write(n->write_fd, &one, sizeof(one));
  } while (rc < 0 && errno == EINTR);
}

void grove__notify_clear(grove__notify *n)
{
  uint64_t bytes[64];
  ssize_t rc;
  do {
    rc = read(n->read_fd, bytes, sizeof(bytes));
    // A full buffer: more may wait in a pipe. An eventfd gives eight bytes once.
  } while (rc == (ssize_t)sizeof(bytes) || (rc < 0 && errno == EINTR));
}
