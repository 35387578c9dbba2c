#include "store/glob.h"
#include <string.h>

bool grove__glob_is(const char *text, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    if (text[i] == '*' || text[i] == '?' || text[i] == '[') {
      return true;
    }
  }
  return false;
}

// One character of `name`: a byte and the UTF-8 bytes that continue it.
static size_t step(const char *name)
{
  size_t n = 1;
  while (((unsigned char)name[n] & 0xc0) == 0x80) {
    n++;
  }
  return n;
}

// A set after its '['. Gives its length with the ']', or 0: not closed, so the '[' is an ordinary sign.
static size_t match_set(const char *set, size_t n, unsigned char c, bool *hit)
{
  size_t i = n && (set[0] == '!' || set[0] == '^');
  bool negated = i == 1, found = false;
  for (size_t first = i; i < n && (set[i] != ']' || i == first); i++) {
    unsigned char low = (unsigned char)set[i], high = low;
    if (i + 2 < n && set[i + 1] == '-' && set[i + 2] != ']') {
      high = (unsigned char)set[i + 2];
      i += 2;
    }
    found = found || (low <= c && c <= high);
  }
  *hit = found != negated;
  return i < n ? i + 1 : 0;
}

// Matches one element that is not a star. Gives how far the pattern goes on, 0: no match.
static size_t match_one(const char *p, size_t n, const char *name, size_t *eaten)
{
  bool hit;
  *eaten = 1;
  if (!*name) {
    return 0;
  }
  if (*p == '?') {
    *eaten = step(name);
    return 1;
  }
  if (*p == '[') {
    size_t set = match_set(p + 1, n - 1, (unsigned char)*name, &hit);
    if (set) {
      return hit ? set + 1 : 0;
    }
  }
  size_t escape = *p == '\\' && n > 1;
  return p[escape] == *name ? 1 + escape : 0;
}

bool grove__glob_match(const char *pattern, size_t n, const char *name)
{
  const char *p = pattern, *end = pattern + n, *star = NULL, *retry = NULL;
  if (*name == '.' && !(n && (*p == '.' || (*p == '\\' && n > 1 && p[1] == '.')))) {
    return false;
  }
  while (*name || p < end) {
    size_t eaten = 0, part = 0;
    if (p < end && *p == '*') {
      star = p++; // matches nothing at first, then one character more each time what follows fails
      retry = name;
      continue;
    }
    part = p < end ? match_one(p, (size_t)(end - p), name, &eaten) : 0;
    if (part) {
      p += part;
      name += eaten;
    } else if (star && *retry) {
      retry += step(retry);
      name = retry;
      p = star + 1;
    } else {
      return false;
    }
  }
  return true;
}

// The part that `path` begins with, as a text of its own where it is short; names of parts are short nearly always.
static bool match_part(const char *pattern, size_t n, const char *path, size_t length)
{
  char name[1024];
  if (length >= sizeof name) {
    return false; // longer than a file system's names; keys of stores have 1024 bytes in all
  }
  memcpy(name, path, length);
  name[length] = '\0';
  return grove__glob_match(pattern, n, name);
}

bool grove__glob_match_path(const char *pattern, const char *path)
{
  const char *star = NULL, *retry = NULL; // behind the last ** part, and where it took up to
  for (;;) {
    size_t n = strcspn(pattern, "/"), length = strcspn(path, "/");
    if (n == 2 && !memcmp(pattern, "**", 2) && pattern[2] == '/') {
      pattern += 3;
      star = pattern;
      retry = path;
      continue;
    }
    bool last = !pattern[n], last_name = !path[length];
    if (last == last_name && match_part(pattern, n, path, length)) {
      if (last) {
        return true;
      }
      pattern += n + 1;
      path += length + 1;
      continue;
    }
    if (!star) {
      return false;
    }
    size_t taken = strcspn(retry, "/");
    if (!retry[taken] || *retry == '.') {
      return false;
    }
    retry += taken + 1;
    path = retry;
    pattern = star;
  }
}
