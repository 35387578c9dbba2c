#include "base/suggest.h"
#include "base/error.h"
#include "base/letters.h"
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
      char x = grove__lower(a[i - 1]), y = grove__lower(b[j - 1]);
      now[j] = least(least(before[j] + 1, now[j - 1] + 1), before[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == grove__lower(b[j - 2]) && y == grove__lower(a[i - 2])) {
        now[j] = least(now[j], two[j - 2] + 1);
      }
    }
  }
  return row[n % 3][m];
}

// Names must be nearer than this.
static unsigned limit(const char *wanted)
{
  return (unsigned)(strlen(wanted) + 2) / 3 + 1;
}

const char *grove__suggest(const char *wanted, grove__name_at *at, const void *user)
{
  const char *best = NULL, *name;
  unsigned most = limit(wanted);
  for (size_t i = 0; (name = at(user, i)); i++) {
    unsigned d = distance(wanted, name);
    if (d < most) {
      most = d;
      best = name;
    }
  }
  return best;
}

// Cuts the next word off a list with blanks between. false: none is left.
static bool take_word(const char **list, char word[LONGEST + 1])
{
  size_t n;
  do {
    *list += strspn(*list, " ");
    n = strcspn(*list, " ");
    *list += n;
  } while (n > LONGEST); // those are near to nothing
  memcpy(word, *list - n, n);
  word[n] = '\0';
  return n > 0;
}

// The nearest of all names and other names, a name before an other one as near; "": none is near.
static void suggest_any(const char *wanted, grove__name_at *at, grove__name_at *others,
    const void *user, char best[LONGEST + 1])
{
  const char *near = grove__suggest(wanted, at, user);
  unsigned most = near ? distance(wanted, near) : limit(wanted);
  char word[LONGEST + 1];
  snprintf(best, LONGEST + 1, "%s", near ? near : "");
  for (size_t i = 0; others && at(user, i); i++) {
    const char *list = others(user, i);
    while (list && take_word(&list, word)) {
      unsigned d = distance(wanted, word);
      if (d < most) {
        most = d;
        memcpy(best, word, sizeof word);
      }
    }
  }
}

// Names that have no room are counted, so that a list never looks whole when it is not.
static void add_known(grove_error *err, grove__name_at *at, const void *user)
{
  enum { TAIL = 24 }; // ", and 1234567890 more"
  const char *name;
  size_t used = strlen(err->text), shown = 0;
  while ((name = at(user, shown)) &&
         used + strlen(name) + 2 < sizeof err->text - (at(user, shown + 1) ? TAIL : 0)) {
    used += (size_t)snprintf(
        err->text + used, sizeof err->text - used, "%s %s", shown ? "," : "", name);
    shown++;
  }
  size_t n = shown;
  while (at(user, n)) {
    n++;
  }
  if (n > shown) {
    snprintf(
        err->text + used, sizeof err->text - used, "%s %zu more", shown ? ", and" : "", n - shown);
  }
}

grove_status grove__error_unknown_of(grove_error *err, grove_status s, const char *kind,
    const char *wanted, grove__name_at *at, grove__name_at *others, const void *user)
{
  char near[LONGEST + 1];
  if (!err) {
    return s;
  }
  if (!at(user, 0)) {
    return grove__error(err, s, -1, "unknown %s \"%.60s\": there is none", kind, wanted);
  }
  suggest_any(wanted, at, others, user, near);
  grove__error(err, s, -1, "unknown %s \"%.60s\"%s%s%s known:", kind, wanted,
      *near ? "; did you mean \"" : ";", near, *near ? "\"?" : "");
  add_known(err, at, user);
  return s;
}

grove_status grove__error_unknown(grove_error *err, grove_status s, const char *kind,
    const char *wanted, grove__name_at *at, const void *user)
{
  return grove__error_unknown_of(err, s, kind, wanted, at, NULL, user);
}
