// Error texts, word for word: a test says each case with what came of it, and the whole is compared with a file of
// tests/data/errors. `test_NAME update` writes the file anew, for changes that are meant.
#ifndef GROVE_TESTS_GOLDEN_H
#define GROVE_TESTS_GOLDEN_H
#include "check.h"

enum { GOLDEN_ROOM = 1 << 18 };

typedef struct golden {
  char path[512];
  char said[GOLDEN_ROOM];
  size_t n;
} golden;

GROVE_MAYBE_UNUSED static void golden_open(golden *g, const char *name)
{
  g->n = 0;
  g->said[0] = 0;
  snprintf(g->path, sizeof g->path, "%s/errors/%s.txt", GROVE_TEST_DATA_DIR, name);
}

/// One case: its name, and the status, text and place of its error.
GROVE_MAYBE_UNUSED static void golden_say(
    golden *g, const char *name, grove_status s, const grove_error *err)
{
  int n = snprintf(g->said + g->n, sizeof g->said - g->n, "%s: %s: %s (at %lld)\n", name,
      grove_status_text(s), err->text, (long long)err->at);
  assert_true(n > 0 && (size_t)n < sizeof g->said - g->n);
  assert_int_equal(err->status, s);
  for (char *p = g->said + g->n; p < g->said + g->n + n - 1; p++) {
    *p = *p == '\n' ? ' ' : *p; // one line a case
  }
  g->n += (size_t)n;
}

/// The same, and it has to be an error.
#define golden_fails(g, name, call)                                                                \
  do {                                                                                             \
    grove_error golden_err = {0};                                                                  \
    grove_error *err = &golden_err;                                                                \
    grove_status golden_status = (call);                                                           \
    if (!golden_status) {                                                                          \
      fail_msg("%s: no error", name);                                                              \
    }                                                                                              \
    golden_say(g, name, golden_status, err);                                                       \
  } while (0)

GROVE_MAYBE_UNUSED static void golden_update(const golden *g)
{
  FILE *f = fopen(g->path, "w");
  assert_non_null(f);
  fwrite(g->said, 1, g->n, f);
  assert_int_equal(fclose(f), 0);
}

GROVE_MAYBE_UNUSED static void golden_close(const golden *g)
{
  static char want[GOLDEN_ROOM];
  FILE *f = fopen(g->path, "r");
  if (!f) {
    fail_msg("no %s; write it by the argument update", g->path);
  }
  size_t n = fread(want, 1, sizeof want - 1, f);
  fclose(f);
  want[n] = 0;
  const char *a = g->said, *b = want;
  while (*a || *b) {
    size_t i = strcspn(a, "\n"), k = strcspn(b, "\n");
    if (i != k || memcmp(a, b, i) != 0) {
      fail_msg("%s:\nis        %.*s\nshould be %.*s", g->path, (int)i, a, (int)k, b);
    }
    a += i + (a[i] == '\n');
    b += k + (b[k] == '\n');
  }
}
#endif
