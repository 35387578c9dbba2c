#include "plat/process.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#elif defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

// ---- start and end --------------------------------------------------------------------------------
// Handed on to a program, never read.
extern char **environ;

static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int fd)
{
  // Threads of ours have their signals blocked; a program begins with none blocked.
  sigset_t none;
  (void)sigemptyset(&none);
  // In this order: where the host has closed its stdin, `fd` may be that.
  int rc = posix_spawn_file_actions_adddup2(actions, fd, GROVE__PROCESS_FD);
  rc = rc ? rc : posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  rc = rc ? rc : posix_spawnattr_setsigmask(attributes, &none);
  // A group of its own, so that what it starts can be ended with it, and an interrupt at the terminal is the host's alone.
  rc = rc ? rc : posix_spawnattr_setpgroup(attributes, 0);
  return rc ? rc
            : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

static int spawn(const char *program, const char *const *argument, int fd, pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int rc = posix_spawn_file_actions_init(&actions);
  if (rc) {
    return rc;
  }
  rc = posix_spawnattr_init(&attributes);
  if (!rc) {
    rc = prepare(&actions, &attributes, fd);
    // The arguments are not written to, whatever the prototype says.
    rc = rc ? rc
            : posix_spawn(
                  pid, program, &actions, &attributes, (char *const *)(uintptr_t)argument, environ);
    (void)posix_spawnattr_destroy(&attributes);
  }
  (void)posix_spawn_file_actions_destroy(&actions);
  return rc;
}

grove_status grove__process_start(
    const char *program, const char *const *argument, int fd, grove__process *out, int *code)
{
  pid_t pid = 0;
  *code = spawn(program, argument, fd, &pid);
  if (*code) {
    return GROVE_EIO;
  }
  *out = (grove__process){.pid = (int)pid, .exit_fd = -1};
#if defined(__linux__) && defined(SYS_pidfd_open)
  out->exit_fd = (int)syscall(SYS_pidfd_open, pid, 0); // close-on-exec by itself
#endif
  return GROVE_OK;
}

// Which process is meant: by its descriptor, for where the host waits for all children, or ignores SIGCHLD, its number may be
// another's by now, even that of another child. EINVAL: a kernel that has the
// descriptor, but not this.
static int wait_for(const grove__process *p, siginfo_t *info, int flags)
{
  int rc = -1;
  memset(info, 0, sizeof *info);
#if defined(__linux__)
  enum { BY_DESCRIPTOR = 3 }; // P_PIDFD, which older headers lack
  if (p->exit_fd >= 0) {
    do {
      rc = waitid((idtype_t)BY_DESCRIPTOR, (id_t)p->exit_fd, info, WEXITED | flags);
    } while (rc && errno == EINTR);
    if (!rc || errno != EINVAL) {
      return rc;
    }
  }
#endif
  do {
    rc = waitid(P_PID, (id_t)p->pid, info, WEXITED | flags);
  } while (rc && errno == EINTR);
  return rc;
}

bool grove__process_has_ended(const grove__process *p)
{
  siginfo_t info;
  return wait_for(p, &info, WNOHANG | WNOWAIT) || info.si_pid != 0;
}

// Gives false where that is not to be had.
static bool kill_by_descriptor(const grove__process *p)
{
#if defined(__linux__) && defined(SYS_pidfd_send_signal)
  enum { GROUP = 4 }; // PIDFD_SIGNAL_PROCESS_GROUP, of Linux 6.9
  if (p->exit_fd < 0) {
    return false;
  }
  bool group = !syscall(SYS_pidfd_send_signal, p->exit_fd, SIGKILL, NULL, GROUP) || errno == ESRCH;
  bool alone = !syscall(SYS_pidfd_send_signal, p->exit_fd, SIGKILL, NULL, 0) || errno == ESRCH;
  return group && alone;
#else
  (void)p;
  return false;
#endif
}

void grove__process_kill(const grove__process *p)
{
  siginfo_t info;
  // By number only while it is its own: nobody has waited for it.
  if (!kill_by_descriptor(p) && !wait_for(p, &info, WNOHANG | WNOWAIT)) {
    (void)kill(-p->pid, SIGKILL);
    (void)kill(p->pid, SIGKILL);
  }
}

grove__process_end grove__process_wait(grove__process *p)
{
  siginfo_t info;
  grove__process_end end = {.known = !wait_for(p, &info, 0)};
  if (end.known && (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)) {
    end.signal = info.si_status;
  } else if (end.known) {
    end.code = info.si_status;
  }
  if (p->exit_fd >= 0) {
    (void)close(p->exit_fd);
  }
  *p = (grove__process){.pid = 0, .exit_fd = -1};
  return end;
}

void grove__process_end_self(void)
{
  (void)kill(getpgrp() == getpid() ? 0 : getpid(), SIGKILL);
}

const char *grove__signal_name(int number)
{
  switch (number) {
  case SIGABRT: return "SIGABRT";
  case SIGBUS: return "SIGBUS";
  case SIGFPE: return "SIGFPE";
  case SIGHUP: return "SIGHUP";
  case SIGILL: return "SIGILL";
  case SIGINT: return "SIGINT";
  case SIGKILL: return "SIGKILL";
  case SIGPIPE: return "SIGPIPE";
  case SIGSEGV: return "SIGSEGV";
  case SIGSYS: return "SIGSYS";
  case SIGTERM: return "SIGTERM";
  case SIGTRAP: return "SIGTRAP";
  case SIGXCPU: return "SIGXCPU";
  default: return NULL;
  }
}

// ---- this process ---------------------------------------------------------------------------------
grove_status grove__process_program(char *out, size_t room)
{
#if defined(__linux__)
  ssize_t n = readlink("/proc/self/exe", out, room);
  if (n < 0) {
    return GROVE_ENOTSUP;
  }
  if ((size_t)n >= room) {
    return GROVE_ELIMIT;
  }
  out[n] = 0;
  // The link follows the file: what was replaced since is no path any more, but the link itself can still be run.
  static const char gone[] = " (deleted)";
  size_t tail = sizeof gone - 1;
  if ((size_t)n > tail && memcmp(out + n - tail, gone, tail) == 0 &&
      room > sizeof "/proc/self/exe") {
    memcpy(out, "/proc/self/exe", sizeof "/proc/self/exe");
  }
  return GROVE_OK;
#elif defined(__APPLE__)
  uint32_t bytes = room > UINT32_MAX ? UINT32_MAX : (uint32_t)room;
  return _NSGetExecutablePath(out, &bytes) ? GROVE_ELIMIT : GROVE_OK;
#else
  (void)out, (void)room;
  return GROVE_ENOTSUP;
#endif
}

bool grove__process_was_given(const char *argument)
{
#if defined(__linux__)
  char text[4096 + 64]; // a path, and the argument
  int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  ssize_t n = read(fd, text, sizeof text - 1);
  (void)close(fd);
  if (n <= 0) {
    return false;
  }
  text[n] = 0;
  size_t first = strlen(text) + 1;
  return first < (size_t)n && strcmp(text + first, argument) == 0;
#else
  (void)argument;
  return false;
#endif
}

// ---- descriptors ----------------------------------------------------------------------------------
bool grove__set_nonblocking(int fd)
{
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool grove__set_cloexec(int fd)
{
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

grove_status grove__socket_pair(int end[2])
{
#if defined(SOCK_CLOEXEC)
  int type = SOCK_STREAM | SOCK_CLOEXEC;
#else
  int type = SOCK_STREAM;
#endif
  if (socketpair(AF_UNIX, type, 0, end)) {
    return errno == EMFILE || errno == ENFILE ? GROVE_ELIMIT : GROVE_EIO;
  }
#if !defined(SOCK_CLOEXEC)
  (void)grove__set_cloexec(end[0]);
  (void)grove__set_cloexec(end[1]);
#endif
  return GROVE_OK;
}

ssize_t grove__socket_write(int fd, const void *bytes, size_t n)
{
#if defined(MSG_NOSIGNAL)
  return send(fd, bytes, n, MSG_NOSIGNAL);
#else
  int on = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
  return send(fd, bytes, n, 0);
#endif
}

bool grove__open_standard(void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    // The lowest that is free is given, which is this one.
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
      return false;
    }
  }
  return true;
}

void grove__close_from(int first)
{
#if defined(__linux__) && defined(SYS_close_range)
  if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0) {
    return;
  }
#endif
  long most = sysconf(_SC_OPEN_MAX);
  int end = most > 0 && most < 65536 ? (int)most : 65536;
  for (int fd = first; fd < end; fd++) {
    (void)close(fd);
  }
}

grove_status grove__limit_address_space(uint64_t bytes)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit)) {
    return GROVE_EIO;
  }
  limit.rlim_cur =
      limit.rlim_max == RLIM_INFINITY || bytes < limit.rlim_max ? (rlim_t)bytes : limit.rlim_max;
  return setrlimit(RLIMIT_AS, &limit) ? GROVE_EIO : GROVE_OK;
}
