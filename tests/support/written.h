// What is written piece by piece, gathered for a look: a grove_write_fn.
#ifndef GROVE_TESTS_WRITTEN_H
#define GROVE_TESTS_WRITTEN_H
#include "check.h"
#include <grove/metrics.h>

typedef struct written {
  size_t used, pieces;
  char bytes[1 << 20]; // ends with a zero
} written;

GROVE_MAYBE_UNUSED static grove_status written_put(void *user, const char *bytes, size_t n)
{
  written *w = user;
  assert_true(w->used + n < sizeof w->bytes);
  memcpy(w->bytes + w->used, bytes, n);
  w->used += n;
  w->bytes[w->used] = '\0';
  w->pieces++;
  return GROVE_OK;
}

/// Empty; the caller frees it.
GROVE_MAYBE_UNUSED static written *written_new(void)
{
  written *w = calloc(1, sizeof *w);
  assert_non_null(w);
  return w;
}
#endif
