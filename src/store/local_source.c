#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "store/local.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct local_file {
  grove_allocator allocator;
  int fd;
  uint64_t bytes;
  char *path; // for errors
  char version[64];
} local_file;

grove_status grove__local_error(
    grove_error *err, int code, int64_t at, const char *doing, const char *path)
{
  char words[128];
  grove_status s = code == ENOENT || code == ENOTDIR ? GROVE_ENOENT
                   : code == ENOMEM                  ? GROVE_ENOMEM
                                                     : GROVE_EIO;
  return grove__error(err, s, at, "can't %s \"%.250s\": %s", doing, path,
      grove__errno_text(code, words, sizeof words));
}

static grove_status read_local(void *user, uint64_t offset, void *out, size_t n, grove_error *err)
{
  local_file *f = user;
  if (offset > f->bytes || n > f->bytes - offset) {
    return grove__error(err, GROVE_EIO, (int64_t)offset,
        "\"%.200s\": a read of %zu bytes at %llu goes past the end at %llu", f->path, n,
        (unsigned long long)offset, (unsigned long long)f->bytes);
  }
  for (size_t done = 0; done < n;) {
    ssize_t got = pread(f->fd, (char *)out + done, n - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return grove__local_error(err, errno, (int64_t)(offset + done), "read", f->path);
    }
    if (got == 0) {
      return grove__error(err, GROVE_EIO, (int64_t)(offset + done),
          "\"%.200s\" ended at byte %llu; it had %llu when it was opened", f->path,
          (unsigned long long)(offset + done), (unsigned long long)f->bytes);
    }
    done += (size_t)got;
  }
  return GROVE_OK;
}

static void close_local(void *user)
{
  local_file *f = user;
  grove_allocator a = f->allocator;
  close(f->fd);
  grove__free_text(&a, f->path);
  grove__free(&a, f, sizeof *f);
}

// Opens for reading and proves that it is a file. Non-blocking, or a named pipe would hang us.
static grove_status open_file(const char *path, int *fd, struct stat *st, grove_error *err)
{
  do {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  } while (*fd < 0 && errno == EINTR);
  if (*fd < 0) {
    return grove__local_error(err, errno, -1, "open", path);
  }
  if (fstat(*fd, st) != 0) {
    return grove__local_error(err, errno, -1, "look at", path);
  }
  if (S_ISDIR(st->st_mode)) {
    return grove__error(err, GROVE_EINVAL, -1, "\"%.300s\" is a folder; a file is wanted", path);
  }
  if (!S_ISREG(st->st_mode)) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "\"%.300s\" is a pipe or a device; only a regular file can be read at any place", path);
  }
  return GROVE_OK;
}

grove_status grove__local_source(
    const grove_allocator *a, const char *path, grove_source *out, grove_error *err)
{
  int fd = -1;
  struct stat st;
  local_file *f = NULL;
  grove_status s = open_file(path, &fd, &st, err);
  if (s) {
    goto failed;
  }
  f = grove__alloc_zero(a, sizeof *f);
  if (!f || !(f->path = grove__copy_text(a, path))) {
    s = grove__error_memory(err, "an open file", sizeof *f + strlen(path) + 1);
    goto failed;
  }
  f->allocator = *a;
  f->fd = fd;
  f->bytes = (uint64_t)st.st_size;
  snprintf(f->version, sizeof f->version, "%lld.%09ld %lld", (long long)st.st_mtim.tv_sec,
      (long)st.st_mtim.tv_nsec, (long long)st.st_size);
  *out = (grove_source){.struct_size = (uint32_t)sizeof *out,
      .bytes = f->bytes,
      .user = f,
      .read_at = read_local,
      .close = close_local,
      .version = f->version};
  return GROVE_OK;
failed:
  if (fd >= 0) {
    close(fd);
  }
  grove__free(a, f, sizeof *f);
  return s;
}
