#include "base/suggest.h"
#include "base/error.h"
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 63 };

static unsigned least(unsigned a, unsigned b)
{
  return a < b ? a : b;
}

// Restricted Damerau-Levenshtein distance without regard to case, on three rows.
static unsigned distance(const char *a, const char *b)
{
  size_t n = strlen(a), m = strlen(b);
  unsigned row[3][LONGEST + 1];
  if (n > LONGEST || m > LONGEST) {
    return UINT_MAX; // not compared, so not near
  }
  for (size_t j = 0; j <= m; j++) {
    row[0][j] = (unsigned)j;
  }
  for (size_t i = 1; i <= n; i++) {
    unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *two = row[(i + 1) % 3];
    now[0] = (unsigned)i;
    for (size_t j = 1; j <= m; j++) {
      int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
      now[j] = least(least(before[j] + 1, now[j - 1] + 1), before[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
          y == tolower((unsigned char)a[i - 2])) {
        now[j] = least(now[j], two[j - 2] + 1);
      }
    }
  }
  return row[n % 3][m];
}

const char *grove__suggest(const char *wanted, grove__name_at *at, const void *user)
{
  const char *best = NULL, *name;
  unsigned most = (unsigned)(strlen(wanted) + 2) / 3 + 1;
  for (size_t i = 0; (name = at(user, i)); i++) {
    unsigned d = distance(wanted, name);
    if (d < most) {
      most = d;
      best = name;
    }
  }
  return best;
}

grove_status grove__error_unknown(grove_error *err, grove_status s, const char *kind,
    const char *wanted, grove__name_at *at, const void *user)
{
  if (!err) {
    return s;
  }
  const char *near = grove__suggest(wanted, at, user), *name;
  grove__error(err, s, -1, "unknown %s \"%.60s\"%s%s%s known:", kind, wanted,
      near ? "; did you mean \"" : ";", near ? near : "", near ? "\"?" : "");
  size_t used = strlen(err->text);
  for (size_t i = 0; (name = at(user, i)) && used < sizeof err->text; i++) {
    int n = snprintf(err->text + used, sizeof err->text - used, "%s %s", i ? "," : "", name);
    used += n > 0 ? (size_t)n : 0;
  }
  return s;
}
