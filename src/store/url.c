#include "store/url.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/letters.h"
#include <stdio.h>
#include <string.h>

static bool letter(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t grove__url_scheme(const char *url)
{
  size_t n = 0;
  while (letter(url[n]) ||
         (n && ((url[n] >= '0' && url[n] <= '9') || strchr("+-.", url[n]) != NULL))) {
    if (!url[n]) {
      return 0;
    }
    n++;
  }
  return n && strncmp(url + n, "://", 3) == 0 ? n : 0;
}

static int hex(char c)
{
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Decodes in place: the result is never longer.
static bool decode_percent(char *text)
{
  char *to = text;
  for (const char *from = text; *from; from++) {
    if (*from != '%') {
      *to++ = *from;
      continue;
    }
    int high = hex(from[1]), low = high < 0 ? -1 : hex(from[2]);
    if (low < 0 || high * 16 + low == 0) {
      return false;
    }
    *to++ = (char)(high * 16 + low);
    from += 2;
  }
  *to = 0;
  return true;
}

bool grove__url_scheme_is(const char *url, size_t n, const char *names)
{
  for (const char *p = names; *p;) {
    size_t length = strcspn(p, " ");
    if (length == n && grove__same_start(url, p, n)) {
      return true;
    }
    p += length + strspn(p + length, " ");
  }
  return false;
}

static bool is_local(const char *url, size_t scheme)
{
  return !scheme || grove__url_scheme_is(url, scheme, "file");
}

void grove__url_show(const char *url, char *out, size_t room)
{
  size_t scheme = grove__url_scheme(url);
  if (is_local(url, scheme)) {
    snprintf(out, room, "%s", url);
    return;
  }
  const char *start = url + scheme + 3, *at = start;
  size_t host = strcspn(start, "/?#");
  // Of s3 what stands there is no secret: it says that the bucket is anybody's.
  for (const char *p = start; p < start + host && !grove__url_scheme_is(url, scheme, "s3"); p++) {
    at = *p == '@' ? p + 1 : at; // who and the password end at the last one
  }
  // A key of s3 has no query: it is taken as it is written.
  size_t n = grove__url_scheme_is(url, scheme, "s3") ? strlen(at) : strcspn(at, "?#");
  snprintf(out, room, "%.*s%.*s", (int)(start - url), url, (int)(n < 65536 ? n : 65536), at);
}

const char *grove__url_name(const char *url, size_t *n)
{
  size_t scheme = grove__url_scheme(url);
  bool whole = is_local(url, scheme) || grove__url_scheme_is(url, scheme, "s3");
  size_t length = whole ? strlen(url) : strcspn(url, "?#");
  const char *name = url + length;
  while (name > url && name[-1] != '/') {
    name--;
  }
  *n = (size_t)(url + length - name);
  return name;
}

static grove_status refuse_scheme(const char *url, size_t n, grove_error *err)
{
  char shown[201];
  grove__url_show(url, shown, sizeof shown);
  if (grove__url_scheme_is(url, n, "http https s3")) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "\"%s\": %.*s:// needs grove_remote: give the store its schemes", shown, (int)n, url);
  }
  return grove__error(err, GROVE_ENOTSUP, -1,
      "\"%s\": the store knows no scheme %.*s://; file:// and plain paths it does", shown, (int)n, url);
}

grove_status grove__url_path(
    const grove_allocator *a, const char *url, char **out, grove_error *err)
{
  *out = NULL;
  if (!url || !*url) {
    return grove__error(err, GROVE_EINVAL, -1, "a path or url is wanted, and it is empty");
  }
  const char *path = url;
  size_t n = grove__url_scheme(url);
  if (n && !grove__url_scheme_is(url, n, "file")) {
    return refuse_scheme(url, n, err);
  }
  if (n) {
    path = url + n + 3;
    path += strncmp(path, "localhost/", 10) == 0 ? 9 : 0;
    if (*path != '/') {
      return grove__error(err, GROVE_EINVAL, -1,
          "\"%.200s\": a file url is file:///absolute/path; other hosts can't be reached", url);
    }
  }
  char *copy = grove__copy_text(a, path);
  if (!copy) {
    return grove__error_memory(err, "a path", strlen(path) + 1);
  }
  size_t bytes = strlen(copy) + 1;
  if (n && !decode_percent(copy)) {
    grove__free(a, copy, bytes);
    return grove__error(err, GROVE_EINVAL, -1,
        "\"%.200s\": a percent sign wants two hex digits that are not 00", url);
  }
  // Decoding may have shortened the text, and grove__free_text measures it.
  char *fitted =
      strlen(copy) + 1 == bytes ? copy : grove__realloc(a, copy, bytes, strlen(copy) + 1);
  if (!fitted) {
    grove__free(a, copy, bytes);
    return grove__error_memory(err, "a path", bytes);
  }
  *out = fitted;
  return GROVE_OK;
}
