// Whether two urls are one object: for who must not write where it reads.
#include "base/alloc.h"
#include "base/letters.h"
#include "base/status.h"
#include "store/url.h"
#include <string.h>
#include <sys/stat.h>

static bool is_local(const char *url, size_t scheme)
{
  return !scheme || grove__url_scheme_is(url, scheme, "file");
}

static bool find(const char *url, struct stat *out)
{
  char *path = NULL;
  if (grove__url_path(&grove__allocator_malloc, url, &path, NULL)) {
    return false;
  }
  bool there = !stat(path, out);
  grove__free_text(&grove__allocator_malloc, path);
  return there;
}

// By what the file system says: a path may go through links, and have dots in it.
static bool same_file(const char *a, const char *b)
{
  struct stat x, y;
  return find(a, &x) && find(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

// A bucket is the same for who asks as nobody.
static const char *find_bucket(const char *url, size_t scheme)
{
  static const char nobody[] = "anonymous@";
  const char *at = url + scheme + 3;
  bool anonymous = grove__url_scheme_is(url, scheme, "s3") && !strncmp(at, nobody, sizeof nobody - 1);
  return anonymous ? at + sizeof nobody - 1 : at;
}

bool grove__url_same(const char *a, const char *b)
{
  size_t n = grove__url_scheme(a), m = grove__url_scheme(b);
  if (is_local(a, n) || is_local(b, m)) {
    return is_local(a, n) && is_local(b, m) && same_file(a, b);
  }
  return n == m && grove__same_start(a, b, n) && !strcmp(find_bucket(a, n), find_bucket(b, m));
}

size_t grove__url_folder(const char *url)
{
  size_t scheme = grove__url_scheme(url), n = strlen(url), least = scheme ? scheme + 4 : 1;
  while (n > least && url[n - 1] == '/') {
    n--;
  }
  return n;
}

char *grove__url_copy_folder(const grove_allocator *a, const char *url)
{
  size_t n = url ? grove__url_folder(url) : 0;
  char *copy = url ? grove__alloc(a, n + 1) : NULL;
  if (copy) {
    memcpy(copy, url, n);
    copy[n] = '\0';
  }
  return copy;
}
