#include "columnar/csv.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 18 }; // stays in the second-level cache while it is parsed

static grove_status fail_file(grove__csv *c, const char *what, int code)
{
  char words[128];
  const char *text = grove__errno_text(code, words, sizeof words);
  grove_status s = code == ENOENT || code == ENOTDIR ? GROVE_ENOENT : GROVE_EIO;
  return grove__error(c->err, s, -1, "can't %s: %s", what, text);
}

// Up to `room` bytes. *got 0: the end.
static grove_status read_some(grove__csv *c, void *to, size_t room, size_t *got)
{
  ssize_t n;
  do {
    n = read(c->source.fd, to, room);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return fail_file(c, "read", errno);
  }
  *got = (size_t)n;
  return GROVE_OK;
}

// What can't be rewound (a pipe) is read to its end, and is memory from then on.
static grove_status read_whole(grove__csv *c)
{
  grove__csv_source *s = &c->source;
  for (;;) {
    size_t got = 0;
    grove_status status = grove__buffer_reserve(&c->budget, &s->window, BLOCK_BYTES);
    if (status) {
      return grove__csv_fail_memory(c, status);
    }
    GROVE__TRY(read_some(c, s->window.p + s->window.used, BLOCK_BYTES, &got));
    if (!got) {
      break;
    }
    s->window.used += got;
  }
  s->text = (const char *)s->window.p;
  s->bytes = s->window.used;
  return GROVE_OK;
}

grove_status grove__csv_open(grove__csv *c, const char *path)
{
  struct stat about;
  c->source.fd = open(path, O_RDONLY | O_CLOEXEC);
  if (c->source.fd < 0) {
    return fail_file(c, "open", errno);
  }
  if (fstat(c->source.fd, &about)) {
    return fail_file(c, "stat", errno);
  }
  if (S_ISDIR(about.st_mode)) {
    return fail_file(c, "read", EISDIR);
  }
  if (!S_ISREG(about.st_mode)) {
    return read_whole(c);
  }
  c->source.bytes = (size_t)about.st_size; // a hint only: files under /proc say 0, others may grow
  return GROVE_OK;
}

void grove__csv_close(grove__csv *c)
{
  if (c->source.fd >= 0) {
    close(c->source.fd);
  }
  grove__buffer_free(&c->budget, &c->source.window);
}

static grove_status skip_mark(grove__csv *c)
{
  grove__csv_source *s = &c->source;
  while (s->end - s->p < 3 && !s->last) {
    GROVE__TRY(grove__csv_refill(c));
  }
  if (s->end - s->p >= 2 &&
      (memcmp(s->p, "\xff\xfe", 2) == 0 || memcmp(s->p, "\xfe\xff", 2) == 0)) {
    return grove__csv_fail(c, GROVE_ECORRUPT, SIZE_MAX, "this is UTF-16; convert it to UTF-8");
  }
  if (s->end - s->p >= 3 && memcmp(s->p, "\xef\xbb\xbf", 3) == 0) {
    s->p += 3;
  }
  return GROVE_OK;
}

grove_status grove__csv_rewind(grove__csv *c)
{
  grove__csv_source *s = &c->source;
  c->line = 1;
  c->row = 0;
  s->last = s->text != NULL;
  if (s->text) {
    s->p = s->text;
    s->end = s->text + s->bytes;
  } else {
    s->window.used = 0;
    s->p = s->end = ""; // not NULL, of which no offset may be taken
    if (lseek(s->fd, 0, SEEK_SET) < 0) {
      return fail_file(c, "rewind", errno);
    }
  }
  return skip_mark(c);
}

grove_status grove__csv_refill(grove__csv *c)
{
  grove__csv_source *s = &c->source;
  grove__buffer *w = &s->window;
  size_t left = (size_t)(s->end - s->p);
  size_t got = 0;
  if (left) {
    memmove(w->p, s->p, left);
  }
  w->used = left;
  // A field longer than a block at least doubles the window, so that it is scanned again few times.
  size_t room = left > BLOCK_BYTES ? left : BLOCK_BYTES;
  if (s->bytes && s->bytes < BLOCK_BYTES && left <= s->bytes) {
    room = s->bytes + 1; // the one more meets the end
  }
  grove_status status = grove__buffer_reserve(&c->budget, w, room);
  if (status) {
    return grove__csv_fail_memory(c, status);
  }
  GROVE__TRY(read_some(c, w->p + left, room, &got));
  w->used = left + got;
  s->last = got == 0;
  s->p = (const char *)w->p;
  s->end = s->p + w->used;
  return GROVE_OK;
}
