// Atomic files: everything goes to a hidden temporary file beside the target, which is synced and renamed over
// it. A crash leaves at worst a file ".NAME.….tmp", which listings skip, and which is no longer locked: grove__folder_sweep takes it away.
#include "base/alloc.h"
#include "base/error.h"
#include "base/random.h"
#include "base/status.h"
#include "store/local.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

enum { TRIES = 100, SUFFIX = 32 };

typedef struct local_writer {
  grove_allocator allocator;
  int fd;
  bool fresh, failed; // fresh: nothing is replaced
  uint64_t bytes;
  char *path, *temporary;
} local_writer;

static size_t folder_length(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

// A random name, so that two writers of one target don't meet; open says if they do.
static char *temporary_name(const grove_allocator *a, const char *path, uint64_t *state)
{
  size_t folder = folder_length(path), n = strlen(path) + SUFFIX;
  char *text = grove__alloc(a, n);
  if (text) {
    snprintf(text, n, "%.*s.%s.%016llx.tmp", (int)folder, path, path + folder,
        (unsigned long long)grove__random_next(state));
    char *fitted = grove__realloc(a, text, n, strlen(text) + 1);
    if (!fitted) {
      grove__free(a, text, n);
    }
    text = fitted;
  }
  return text;
}

// Says that a living writer has it. false: who sweeps the folder was faster. Where there are no locks, nobody sweeps.
static bool hold(int fd)
{
  struct stat st;
  if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
    return false;
  }
  return fstat(fd, &st) || st.st_nlink > 0;
}

static grove_status make_temporary(local_writer *w, grove_error *err)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t state = grove__mix64((uint64_t)now.tv_nsec ^ ((uint64_t)now.tv_sec << 30)) ^
                   grove__mix64((uint64_t)getpid()) ^ (uint64_t)(uintptr_t)w;
  for (int i = 0; i < TRIES; i++) {
    w->temporary = temporary_name(&w->allocator, w->path, &state);
    if (!w->temporary) {
      return grove__error_memory(err, "a path", strlen(w->path) + SUFFIX);
    }
    w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
    if (w->fd >= 0 && hold(w->fd)) {
      return GROVE_OK;
    }
    int code = w->fd >= 0 ? EEXIST : errno;
    if (w->fd >= 0) {
      close(w->fd);
      w->fd = -1;
    }
    if (code != EEXIST && code != EINTR) {
      grove_status s = grove__local_error(err, code, -1, "create", w->temporary);
      grove__free_text(&w->allocator, w->temporary);
      w->temporary = NULL;
      return s;
    }
    grove__free_text(&w->allocator, w->temporary);
    w->temporary = NULL;
  }
  return grove__error(err, GROVE_EIO, -1, "no free temporary name beside \"%.300s\"", w->path);
}

// Closes, removes and frees whatever there is.
static void abandon(local_writer *w)
{
  grove_allocator a = w->allocator;
  if (w->fd >= 0) {
    close(w->fd);
  }
  if (w->temporary) {
    unlink(w->temporary);
  }
  grove__free_text(&a, w->temporary);
  grove__free_text(&a, w->path);
  grove__free(&a, w, sizeof *w);
}

static grove_status put_local(void *user, const void *bytes, size_t n, grove_error *err)
{
  local_writer *w = user;
  if (w->failed) {
    return grove__error(
        err, GROVE_EIO, (int64_t)w->bytes, "\"%.300s\": an earlier write failed", w->path);
  }
  for (size_t done = 0; done < n;) {
    ssize_t put = write(w->fd, (const char *)bytes + done, n - done);
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put <= 0) {
      w->failed = true;
      return grove__local_error(err, put ? errno : ENOSPC, (int64_t)w->bytes, "write", w->path);
    }
    done += (size_t)put;
    w->bytes += (uint64_t)put;
  }
  return GROVE_OK;
}

// The rename lasts only once the folder is on disk too. Some file systems can't sync a folder: no failure.
static grove_status sync_folder(const local_writer *w, grove_error *err)
{
  char here[] = ".";
  size_t n = folder_length(w->path);
  char *folder = here;
  if (n) {
    folder = grove__alloc(&w->allocator, n + 1);
    if (!folder) {
      return grove__error_memory(err, "a path", n + 1);
    }
    memcpy(folder, w->path, n);
    folder[n] = 0;
  }
  grove_status s = GROVE_OK;
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) {
    s = grove__local_error(err, errno, -1, "sync the folder of", w->path);
  }
  if (fd >= 0) {
    close(fd);
  }
  if (n) {
    grove__free(&w->allocator, folder, n + 1);
  }
  return s;
}

// Gives the file a name that no other has. File systems that can't do that in one are looked at right before.
static int name_new(const char *from, const char *to)
{
#if defined(__linux__) && defined(SYS_renameat2)
  enum { NO_REPLACE = 1 }; // RENAME_NOREPLACE; not all C libraries have the call
  if (!syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, NO_REPLACE)) {
    return 0;
  }
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) {
    return -1;
  }
#endif
  struct stat st;
  if (!lstat(to, &st)) {
    errno = EEXIST;
    return -1;
  }
  return rename(from, to);
}

static grove_status publish(local_writer *w, grove_error *err)
{
  if (w->failed) {
    return grove__error(
        err, GROVE_EIO, (int64_t)w->bytes, "\"%.300s\": an earlier write failed", w->path);
  }
  struct stat old;
  if (stat(w->path, &old) == 0) {
    // A replaced file keeps its permissions; where that is not allowed, the new one's stand.
    int ignored = fchmod(w->fd, old.st_mode & 07777);
    (void)ignored;
  }
  if (fsync(w->fd) != 0) {
    return grove__local_error(err, errno, -1, "sync", w->path);
  }
  int fd = w->fd;
  w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0); // holds it until it has its name; abandon closes it
  if (close(fd) != 0 && errno != EINTR) {
    return grove__local_error(err, errno, -1, "close", w->path);
  }
  if ((w->fresh ? name_new : rename)(w->temporary, w->path) != 0) {
    return w->fresh && errno == EEXIST
               ? grove__error(err, GROVE_EEXIST, -1, "\"%.300s\" is there already: it came while this one was written", w->path)
               : grove__local_error(err, errno, -1, "rename to", w->path);
  }
  grove__free_text(&w->allocator, w->temporary);
  w->temporary = NULL;
  return sync_folder(w, err);
}

static grove_status close_local(void *user, int commit, grove_error *err)
{
  local_writer *w = user;
  grove_status s = commit ? publish(w, err) : GROVE_OK;
  abandon(w);
  return s;
}

grove_status grove__local_write(
    const grove_allocator *a, const char *path, bool fresh, grove_sink *out, grove_error *err)
{
  struct stat st;
  if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
    return grove__error(err, GROVE_EINVAL, -1, "\"%.300s\" is %s; a file is wanted", path,
        S_ISDIR(st.st_mode) ? "a folder" : "a pipe or a device, which can't be replaced");
  }
  if (!path[folder_length(path)]) {
    return grove__error(err, GROVE_EINVAL, -1, "\"%.300s\" names a folder; a file is wanted", path);
  }
  local_writer *w = grove__alloc_zero(a, sizeof *w);
  if (!w) {
    return grove__error_memory(err, "a writer", sizeof *w);
  }
  w->allocator = *a;
  w->fd = -1;
  w->fresh = fresh;
  w->path = grove__copy_text(a, path);
  grove_status s =
      w->path ? make_temporary(w, err) : grove__error_memory(err, "a path", strlen(path) + 1);
  if (s) {
    abandon(w);
    return s;
  }
  *out = (grove_sink){(uint32_t)sizeof *out, w, put_local, close_local};
  return GROVE_OK;
}
