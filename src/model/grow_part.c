// Parting the rows of a node.
#include "base/prefetch.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"

enum {
  PART = 1 << 14, // rows that are worth a part of a partition
  PARTS = 8,
  AHEAD = 256 // rows asked of memory before they are needed
};

// By ranks alone, of a table that no cache near by holds: the rank of the missing is the highest.
static uint32_t part_by_rank(uint32_t *rows, uint32_t *spare, size_t n, const uint32_t *rank,
    size_t width, uint32_t last)
{
  grove__parted d = {0, 0};
  for (size_t i = 0; i < n; i++) {
    grove__prefetch_far(&rank[rows[i + AHEAD < n ? i + AHEAD : i] * width]);
    uint32_t row = rows[i];
    grove__part_row(rows, spare, row, rank[row * width] <= last, &d);
  }
  return d.left;
}

// By a set of bins, or by ranks: in their order, as the kernels do it.
static uint32_t part_slowly(uint32_t *rows, uint32_t *spare, size_t n, const grove__job *job,
    const grove__split *s)
{
  const grove__bins *b = job->bins;
  grove__parted d = {0, 0};
  const uint32_t *rank = s->by_rank ? grove__bins_ranks(b, s->feature) : NULL;
  size_t width = grove__bins_width(b, s->feature / GROVE__BLOCK);
  if (rank && !(s->missing_left && b->missing[s->feature])) {
    d.left = b->column ? job->kernels->partition_rank(rows, spare, n,
                             b->column + s->feature * b->rows, s->bin, rank, width, s->rank)
                       : part_by_rank(rows, spare, n, rank, width, s->rank);
  } else {
    for (size_t i = 0; i < n; i++) {
      uint32_t row = rows[i], bin = grove__bin_of(b, s->feature, row);
      bool l = bin == GROVE__BIN_MISSING ? s->missing_left
               : rank                    ? rank[row * width] <= s->rank
                                         : s->set[bin / 32] >> bin % 32 & 1;
      grove__part_row(rows, spare, row, l, &d);
    }
  }
  memcpy(rows + d.left, spare, (n - d.left) * sizeof *rows);
  return d.left;
}

// Parts of a large node's rows, each parted in its place, and then put together in their order.
struct parting {
  const grove__grower *g;
  const grove__split *s;
  uint32_t *rows;
  uint32_t *spare;
  size_t n;
  size_t parts;
  size_t left_rows; // of all parts
  uint32_t left[PARTS];
};

static size_t start_of(const struct parting *d, size_t part)
{
  return d->n * part / d->parts;
}

static void part_some(void *user, size_t i)
{
  struct parting *d = user;
  const grove__bins *b = d->g->job->bins;
  const grove__split *s = d->s;
  size_t from = start_of(d, i), end = start_of(d, i + 1);
  if (b->column) {
    d->left[i] = d->g->job->kernels->partition_column(d->rows + from, d->spare + from, end - from,
        b->column + s->feature * b->rows, s->bin, s->missing_left);
    return;
  }
  d->left[i] = d->g->job->kernels->partition(d->rows + from, d->spare + from, end - from,
      b->code + s->feature / GROVE__BLOCK, b->blocks, s->feature % GROVE__BLOCK * 8, s->bin,
      s->missing_left);
}

// The right ones of a part go behind all left ones.
static void put_right(void *user, size_t i)
{
  const struct parting *d = user;
  size_t to = d->left_rows, from = start_of(d, i);
  for (size_t k = 0; k < i; k++) {
    to += start_of(d, k + 1) - start_of(d, k) - d->left[k];
  }
  memcpy(d->rows + to, d->spare + from, (start_of(d, i + 1) - from - d->left[i]) * sizeof *d->rows);
}

static void part_side_by_side(struct parting *d, const grove_work *work)
{
  work->parallel_for(work->user, d->parts, part_some, d);
  // The left ones close up first, each part being behind where it goes to: then there is room for the right ones.
  for (size_t i = 0; i < d->parts; i++) {
    memmove(d->rows + d->left_rows, d->rows + start_of(d, i), d->left[i] * sizeof *d->rows);
    d->left_rows += d->left[i];
  }
  work->parallel_for(work->user, d->parts, put_right, d);
}

uint32_t grove__grow_part(grove__grower *g, const grove__pending *p, const grove__split *s)
{
  if (s->by_set || s->by_rank) {
    return part_slowly(g->rows + p->from, g->spare + p->from, p->count, g->job, s);
  }
  struct parting d = {g, s, g->rows + p->from, g->spare + p->from, p->count, 1, 0, {0}};
  size_t width = grove__work_width(g->work);
  if (width > 1 && p->count >= 2 * PART) {
    size_t parts = p->count / PART;
    d.parts = parts < PARTS ? parts : PARTS;
    part_side_by_side(&d, g->work);
    return (uint32_t)d.left_rows;
  }
  part_some(&d, 0);
  memcpy(d.rows + d.left[0], d.spare, (d.n - d.left[0]) * sizeof *d.rows);
  return d.left[0];
}
