#include "model/small_rows.h"
#include "base/prefetch.h"
#include "base/status.h"
#include "model/grow_kernels.h"

enum {
  N = GROVE__SMALL,
  LEVELS = GROVE__SMALL_LEVELS,
  NONE = GROVE__SMALL_NONE,
  FAR = 1 << 16 // rows of a table whose ranks no cache near by holds
};

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

// Row sums in a unit that lets the sum of all sizes stay below 2^30. Without a lambda gains do not change when
// all targets move, so they are taken around the node's mean, where floats have the most to say.
int64_t grove__small_pack(
    struct grove__small *s, const grove__job *job, const grove__pending *p, const uint32_t *rows)
{
  bool moves = job->lambda == 0 && job->alpha == 0 && job->category.smooth == 0 &&
               job->category.lambda == 0 && p->all.weight;
  int64_t center = moves ? p->all.q / p->all.weight : 0, most = 0;
  int64_t q[N], all = 0;
  int shift = 0;
  for (size_t i = 0; i < p->count; i++) {
    grove__sum one = grove__row_sum(job, rows[i]);
    q[i] = one.q - center * one.weight;
    s->row[i] = rows[i];
    s->target[i] = job->target ? job->target[rows[i]] : 0;
    s->packed[i] = one.weight;
    most += q[i] < 0 ? -q[i] : q[i];
  }
  while (most >> shift >= (int64_t)1 << 30) {
    shift++;
  }
  int64_t unit = (int64_t)1 << shift, half = unit / 2;
  for (size_t i = 0; i < p->count; i++) {
    int64_t coarse = q[i] < 0 ? -((half - q[i]) >> shift) : (q[i] + half) >> shift;
    s->packed[i] += coarse * ((int64_t)1 << 32);
    all += s->packed[i];
  }
  s->unit2 = (double)unit * (double)unit * job->gain_unit;
  s->alpha = job->alpha / (double)unit;
  s->unit = (double)unit;
  s->center = (double)center;
  s->bounds = p->bounds;
  return all;
}

// Sorts one feature by its keys; false: it is constant here.
static bool sort_feature(
    struct grove__small *s, const grove__job *job, uint32_t f, const uint32_t *key, size_t n)
{
  const grove__bins *b = job->bins;
  uint8_t *order = s->order[0] + (size_t)f * N, *rank = s->rank + (size_t)f * N;
  job->kernels->sort_small(key, order, n, b->rank ? (uint32_t)b->rows : GROVE__BIN_MISSING);
  uint8_t r = 0;
  rank[order[0]] = 0;
  for (size_t i = 1; i < n; i++) {
    r = (uint8_t)(r + (key[order[i]] != key[order[i - 1]]));
    rank[order[i]] = r;
  }
  bool missing = b->missing[f] && grove__bin_of(b, f, s->row[order[n - 1]]) == GROVE__BIN_MISSING;
  s->missing[f] = missing ? r : NONE;
  return r > 0;
}

static void read_keys(struct grove__small *s, const grove__bins *b, size_t block, size_t n)
{
  const uint64_t *code = b->code + block;
  for (size_t i = 0; i < n; i++) {
    uint64_t word = code[s->row[i] * b->blocks];
    for (int k = 0; k < GROVE__BLOCK; k++) {
      s->key[k][i] = (uint8_t)(word >> (8 * k));
    }
  }
}

static void read_ranks(struct grove__small *s, const grove__bins *b, size_t block, size_t n)
{
  size_t width = grove__bins_width(b, block);
  const uint32_t *rank = grove__bins_ranks(b, block * GROVE__BLOCK);
  for (size_t i = 0; i < n; i++) {
    const uint32_t *one = rank + s->row[i] * width;
    for (size_t k = 0; k < width; k++) {
      s->key[k][i] = one[k];
    }
  }
}

// The ranks of the next block are asked of memory while this one is sorted.
static void ask_ranks(const struct grove__small *s, const grove__bins *b, size_t block, size_t n)
{
  if (b->rank && block < b->blocks && b->rows >= FAR) {
    size_t width = grove__bins_width(b, block);
    const uint32_t *rank = grove__bins_ranks(b, block * GROVE__BLOCK);
    for (size_t i = 0; i < n; i++) {
      grove__prefetch(rank + s->row[i] * width);
    }
  }
}

static void read_block(struct grove__small *s, const grove__bins *b, size_t block, size_t n)
{
  if (b->rank) {
    read_ranks(s, b, block, n);
    ask_ranks(s, b, block + 1, n);
  } else {
    read_keys(s, b, block, n);
  }
}

size_t grove__small_sort(struct grove__small *s, const grove__job *job, size_t n)
{
  const grove__bins *b = job->bins;
  size_t live = 0;
  s->any_missing = s->any_category = false;
  ask_ranks(s, b, 0, n);
  for (uint32_t f = 0; f < b->features; f++) {
    uint32_t *key = s->key[f % GROVE__BLOCK];
    if (f % GROVE__BLOCK == 0) {
      read_block(s, b, f / GROVE__BLOCK, n);
    }
    if (job->use && !job->use[f]) {
      continue;
    }
    if (sort_feature(s, job, f, key, n)) {
      s->live[live++] = f;
      s->any_missing |= s->missing[f] != NONE;
      s->any_category |= grove__bins_are_categories(b, f);
    }
  }
  return live;
}
