#include "train/save_file.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, TRIES = 16 };

typedef struct save_order {
  grove_shared bytes;
  grove_string path;
} save_order;
static const uint16_t save_order_holds[] = {
    (uint16_t)offsetof(save_order, bytes), (uint16_t)offsetof(save_order, path)};
GROVE__TYPE(save_order, 0, 2, save_order_holds)
GROVE_FUNCTION(save_file, save_order, grove_none)

static grove_status fail_errno(grove *g, const char *what, const char *path)
{
  char words[128];
  int code = errno;
  return grove_fail(g, code == ENOENT ? GROVE_ENOENT : GROVE_EIO, "can't %s \"%.300s\": %s", what,
      path, grove__errno_text(code, words, sizeof words));
}

static bool make_folders(char *path)
{
  for (char *p = path + 1; *p; p++) {
    if (*p == '/') {
      *p = '\0';
      int failed = mkdir(path, 0777) && errno != EEXIST;
      *p = '/';
      if (failed) {
        return false;
      }
    }
  }
  return true;
}

static bool put_all(int fd, const char *bytes, size_t n)
{
  while (n) {
    ssize_t done = write(fd, bytes, n);
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done < 0) {
      return false;
    }
    bytes += done;
    n -= (size_t)done;
  }
  return true;
}

// Makes the rename itself last over a power cut. A folder that can't be synced (some network file systems)
// is no failure: the file is there.
static void sync_folder_of(const char *path)
{
  char folder[PATH_BYTES];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
  int fd = open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)!fsync(fd);
    close(fd);
  }
}

static int open_temporary(grove *g, const char *path, char *temporary, size_t room)
{
  for (int i = 0; i < TRIES; i++) {
    int n = snprintf(temporary, room, "%s.%016llx.tmp", path, (unsigned long long)grove_random(g));
    if (n < 0 || (size_t)n >= room) {
      errno = ENAMETOOLONG;
      return -1;
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) {
      return fd;
    }
  }
  return -1;
}

// On an offload thread. What is written under another name is renamed only when it is whole and synced.
static grove_status save_file(grove *g, const save_order *order, grove_none *reply)
{
  char path[PATH_BYTES];
  char temporary[PATH_BYTES];
  (void)reply;
  int n = snprintf(path, sizeof path, "%s", grove_text(order->path));
  if (n < 0 || (size_t)n >= sizeof path) {
    return grove_fail(g, GROVE_ELIMIT, "a path of %d bytes is too long (limit %d)", n, PATH_BYTES);
  }
  if (!make_folders(path)) {
    return fail_errno(g, "make the folder of", path);
  }
  int fd = open_temporary(g, path, temporary, sizeof temporary);
  if (fd < 0) {
    return fail_errno(g, "write", path);
  }
  bool good = put_all(fd, order->bytes.ptr, order->bytes.bytes) && !fsync(fd);
  int code = errno;
  if (close(fd) && good) {
    good = false;
    code = errno;
  }
  if (good && rename(temporary, path)) {
    good = false;
    code = errno;
  }
  if (!good) {
    unlink(temporary);
    errno = code;
    return fail_errno(g, "write", path);
  }
  sync_folder_of(path);
  return GROVE_OK;
}

// The size travels in the pointer that sharing keeps for us.
static void free_bytes(void *ptr, void *size)
{
  grove__free(&grove__allocator_malloc, ptr, (size_t)(uintptr_t)size);
}

static grove_status share_bytes(
    grove *self, const grove_model *m, grove_shared *out, grove_error *err)
{
  void *bytes = NULL;
  size_t n = 0;
  GROVE__TRY(grove_model_save(m, NULL, &bytes, &n, err));
  grove_status s = grove_share(self, bytes, n, free_bytes, (void *)(uintptr_t)n, out);
  if (s) {
    grove__free(&grove__allocator_malloc, bytes, n);
    return grove__error(
        err, s, -1, "the bytes of a model (%zu) can't be shared: %s", n, grove_status_text(s));
  }
  return GROVE_OK;
}

grove_status grove__model_save_in(
    grove *self, const grove_model *m, const char *folder, grove_error *err)
{
  char path[PATH_BYTES];
  int n = snprintf(path, sizeof path, "%s/%s.grove", folder, grove_model_name(m));
  if (n < 0 || (size_t)n >= sizeof path) {
    return grove__error(err, GROVE_ELIMIT, -1, "folder \"%.100s…\" is too long (limit %d bytes)",
        folder, PATH_BYTES);
  }
  save_order order = {.path = grove_string_of(path)};
  GROVE__TRY(share_bytes(self, m, &order.bytes, err));
  save_file_future done = save_file_offload(self, order);
  grove_release(order.bytes);
  grove_none none;
  return save_file_get(self, done, GROVE_FOREVER, &none, err);
}
