#include "model/small_rows.h"
#include "base/status.h"

enum { N = GROVE__SMALL, LEVELS = GROVE__SMALL_LEVELS };

static size_t tiny_bytes(size_t features)
{
  return (features + GROVE__BLOCK - 1) / GROVE__BLOCK * 2 * GROVE__TINY_BYTES;
}

grove_status grove__small_make(const grove_allocator *a, size_t features, struct grove__small **out)
{
  struct grove__small *s = grove__alloc_zero(a, sizeof *s);
  *out = s;
  if (!s) {
    return GROVE_ENOMEM;
  }
  s->order[0] = grove__alloc_zero(a, features * N + GROVE__SMALL_SLACK);
  s->order[1] = grove__alloc_zero(a, features * N + GROVE__SMALL_SLACK);
  s->tiny = grove__alloc(a, tiny_bytes(features));
  s->rank = grove__alloc_array(a, features, N);
  s->missing = grove__alloc_array(a, features, sizeof *s->missing);
  s->live = grove__alloc_array(a, features, LEVELS * sizeof *s->live);
  bool all = s->order[0] && s->order[1] && s->tiny && s->rank && s->missing && s->live;
  return all ? GROVE_OK : GROVE_ENOMEM;
}

void grove__small_free(const grove_allocator *a, size_t features, struct grove__small *s)
{
  if (s) {
    grove__free(a, s->order[0], features * N + GROVE__SMALL_SLACK);
    grove__free(a, s->order[1], features * N + GROVE__SMALL_SLACK);
    grove__free(a, s->tiny, tiny_bytes(features));
    grove__free(a, s->rank, features * N);
    grove__free(a, s->missing, features * sizeof *s->missing);
    grove__free(a, s->live, features * LEVELS * sizeof *s->live);
    grove__free(a, s, sizeof *s);
  }
}
