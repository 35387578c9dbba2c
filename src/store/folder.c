// A local folder is held by a lock on a file in it, which the kernel takes away from who dies. The file goes with the lock; one that
// was left by a dead holder is taken over.
#include "store/folder.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "store/local.h"
#include "store/url.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100, HEX = 16 };
static const char lock_name[] = ".grove-job.lock", ending[] = ".tmp";

bool grove__url_is_local(const char *url)
{
  size_t n = grove__url_scheme(url);
  return !n || grove__url_scheme_is(url, n, "file");
}

// FOLDER/.grove-job.lock, freed by grove__free_text; NULL: none.
static char *lock_path(const char *url)
{
  const grove_allocator *a = &grove__allocator_malloc;
  char *folder = NULL, *path = NULL;
  if (grove__url_is_local(url) && !grove__url_path(a, url, &folder, NULL)) {
    size_t n = strlen(folder) + sizeof lock_name + 1;
    path = grove__alloc(a, n);
    if (path) {
      snprintf(path, n, "%s/%s", folder, lock_name);
    }
  }
  grove__free_text(a, folder);
  return path;
}

// Whether what is open there is still what the name says: its last holder may have taken the name away.
static bool is_named(int fd, const char *path)
{
  struct stat is, named;
  return !fstat(fd, &is) && !stat(path, &named) && is.st_dev == named.st_dev && is.st_ino == named.st_ino;
}

// A file that another user left can be locked, too: flock wants no right to write. Some folders that all may write to let nobody
// create what is another's, though it may be opened.
static int open_lock(const char *path)
{
  enum { FLAGS = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK };
  int fd = open(path, O_RDWR | O_CREAT | FLAGS, 0666);
  if (fd < 0 && (errno == EACCES || errno == EPERM)) {
    int code = errno;
    fd = open(path, O_RDONLY | FLAGS);
    errno = fd < 0 && errno == ENOENT ? code : errno;
  }
  return fd;
}

// What says that there is nothing to lock by: no such folder, which is told of when something is written, or no locks.
static bool is_lockless(int code)
{
  return code == ENOENT || code == ENOTDIR || code == ENOLCK || code == ENOSYS || code == ENOTSUP || code == EOPNOTSUPP ||
         code == EINVAL;
}

// -1: it can't be had, and *code says why; EWOULDBLOCK: another has it.
static int take(const char *path, int *code)
{
  for (int i = 0; i < TRIES; i++) {
    int fd = open_lock(path);
    if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB)) {
      if (is_named(fd, path)) {
        return fd;
      }
      close(fd);
      continue;
    }
    *code = errno;
    if (fd >= 0) {
      close(fd);
    }
    if (*code != EINTR) {
      return -1;
    }
  }
  *code = EWOULDBLOCK; // others come and go
  return -1;
}

static grove_status say_taken(int code, const char *url, const char *path, grove_error *err)
{
  char words[128];
  if (code == EWOULDBLOCK) {
    return grove__error(err, GROVE_EEXIST, -1,
        "another job writes to \"%.300s\" (it holds %s there): wait for its end, or write to another folder", url, lock_name);
  }
  return grove__error(err, GROVE_EIO, -1,
      "can't open \"%.200s\", by which one job at a time has its folder: %s: it wants the right to write to the folder, or to read "
      "that file; or write to another folder",
      path, grove__errno_text(code, words, sizeof words));
}

grove_status grove__folder_lock(const char *url, int *out, grove_error *err)
{
  int code = 0;
  char *path = lock_path(url);
  *out = path ? take(path, &code) : -1;
  grove_status s = *out >= 0 || !path || is_lockless(code) ? GROVE_OK : say_taken(code, url, path, err);
  grove__free_text(&grove__allocator_malloc, path);
  return s;
}

bool grove__folder_holds(const char *url, int lock)
{
  char *path = lock < 0 ? NULL : lock_path(url);
  bool holds = !path || is_named(lock, path);
  grove__free_text(&grove__allocator_malloc, path);
  return holds;
}

void grove__folder_unlock(const char *url, int lock)
{
  char *path = lock < 0 ? NULL : lock_path(url);
  if (path && is_named(lock, path)) {
    unlink(path); // before it is let go: who opens it now finds that it has no name any more
  }
  if (lock >= 0) {
    close(lock);
  }
  grove__free_text(&grove__allocator_malloc, path);
}

grove_status grove__folder_touch(const char *url, const char *text, size_t n, grove_error *err)
{
  char *path = NULL;
  GROVE__TRY(grove__url_path(&grove__allocator_malloc, url, &path, err));
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0666);
  ssize_t put = fd < 0 ? -1 : write(fd, text, n);
  int code = put < 0 ? errno : (size_t)put < n ? ENOSPC : 0;
  if (fd >= 0 && code) {
    unlink(path); // a half would be nobody's
  }
  if (fd >= 0) {
    close(fd);
  }
  grove_status s = !code ? GROVE_OK
                   : fd < 0 && code == EEXIST
                       ? grove__error(err, GROVE_EEXIST, -1, "\"%.300s\" is there already: it came meanwhile", path)
                       : grove__local_error(err, code, -1, "create", path);
  grove__free_text(&grove__allocator_malloc, path);
  return s;
}

// ---- what was left behind -------------------------------------------------------------------------

// ".NAME.0123456789abcdef.tmp": where NAME begins, and its length. NULL: it is none of ours.
static const char *find_target(const char *name, size_t *n)
{
  size_t all = strlen(name), tail = 1 + HEX + sizeof ending - 1;
  if (all < 2 + tail || name[0] != '.' || strcmp(name + all - (sizeof ending - 1), ending) != 0 || name[all - tail] != '.') {
    return NULL;
  }
  *n = all - tail - 1;
  return strspn(name + all - tail + 1, "0123456789abcdef") == HEX ? name + 1 : NULL;
}

// A writer holds its file as long as it may rename it.
static void remove_dead(int folder, const char *name)
{
  struct stat st;
  int fd = openat(folder, name, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
  if (fd < 0) {
    return;
  }
  if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_nlink == 1 && !flock(fd, LOCK_EX | LOCK_NB)) {
    unlinkat(folder, name, 0);
  }
  close(fd);
}

static void sweep(const char *path, bool (*ours)(void *user, const char *name), void *user)
{
  DIR *d = opendir(path);
  struct dirent *e;
  // readdir is safe here: the DIR is this call's own
  while (d && (e = readdir(d)) != NULL) {
    size_t n;
    const char *target = find_target(e->d_name, &n);
    char *copy = target ? grove__alloc(&grove__allocator_malloc, n + 1) : NULL;
    if (copy) {
      memcpy(copy, target, n);
      copy[n] = 0;
      if (ours(user, copy)) {
        remove_dead(dirfd(d), e->d_name);
      }
      grove__free(&grove__allocator_malloc, copy, n + 1);
    }
  }
  if (d) {
    closedir(d);
  }
}

void grove__folder_sweep(const char *url, bool (*ours)(void *user, const char *name), void *user)
{
  char *path = NULL;
  if (grove__url_is_local(url) && !grove__url_path(&grove__allocator_malloc, url, &path, NULL)) {
    sweep(path, ours, user);
    grove__free_text(&grove__allocator_malloc, path);
  }
}
