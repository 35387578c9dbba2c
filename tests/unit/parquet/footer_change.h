// Files whose footers say something else than was written.
#ifndef GROVE_TESTS_FOOTER_CHANGE_H
#define GROVE_TESTS_FOOTER_CHANGE_H
#include "parquet_fixture.h"
#include "thrift_rewrite.h"

typedef int64_t change_fn(void *user, const rewriting *r, int64_t value);

// The file with `gap` zeros and then a footer that is changed.
GROVE_MAYBE_UNUSED static bytes change_footer(bytes file, change_fn *fn, void *user, size_t gap)
{
  uint32_t n;
  memcpy(&n, file.p + file.n - 8, 4);
  size_t at = file.n - 8 - n;
  bytes out = {calloc(1, file.n + gap + 20 * (size_t)n), 0};
  assert_non_null(out.p);
  rewriting r = {.every = true, .change = fn, .user = user};
  memcpy(out.p, file.p, at);
  uint32_t now = (uint32_t)rewrite(&r, file.p + at, n, out.p + at + gap);
  memcpy(out.p + at + gap + now, &now, 4);
  memcpy(out.p + at + gap + now + 4, "PAR1", 4);
  out.n = at + gap + now + 8;
  return out;
}
#endif
