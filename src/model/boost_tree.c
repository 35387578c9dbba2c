#include "model/boost_tree.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"
#include <stdatomic.h>
#include <stdlib.h>

enum {
  CHUNKS = 8, // of rows at most, so that their histograms stay few
  WORDS = GROVE__BIN_COUNT * GROVE__BLOCK,
  WORTH_HANDING = 1 << 14, // words that take much longer than to hand them over
  BUDGET = 400000,         // row-features that take about a millisecond
  YIELDING = 1 << 15,      // rows of a tree whose splits take a part of a millisecond
  WORTH_SHARING = 4096     // rows of a node
};

// As many as a row's words are brought together of.
static size_t groups_of(const grove__bins *b)
{
  return (b->blocks + GROVE__TILE_BLOCKS - 1) / GROVE__TILE_BLOCKS;
}

// Whether there are histograms large enough to be shared.
static bool shares(const grove__bins *b, size_t width)
{
  return width > 1 && b->rows * b->blocks >= 2 * (size_t)WORTH_HANDING;
}

grove_status grove__boost_tree_make(const grove_allocator *a, const grove__bins *bins, bool wide,
    size_t leaves, bool renews, size_t width, grove__boost_tree *out)
{
  size_t lanes = width < GROVE__FRONTIER ? width : GROVE__FRONTIER;
  lanes = leaves && lanes > 1 ? GROVE__LEAF_LANES : lanes;
  lanes = bins->rows < 2 * WORTH_SHARING || (leaves && renews) ? 1 : lanes;
  *out = (grove__boost_tree){.allocator = *a, .bins = bins, .wide = wide, .lanes = lanes};
  out->words = grove__histogram_words(bins, wide);
  out->spare = grove__alloc_array(a, bins->rows, sizeof *out->spare);
  out->nodes = grove__alloc_array(a, 2 * bins->rows + 4 * GROVE__FRONTIER, sizeof *out->nodes);
  out->facts = grove__alloc_array(a, 2 * bins->rows + 4 * GROVE__FRONTIER, sizeof *out->facts);
  out->histograms = grove__alloc_lines(a, GROVE__FRONTIER * out->words, sizeof(int64_t));
  if (bins->category &&
      !(out->sets = grove__alloc_array(a, bins->rows, GROVE__SET_WORDS * sizeof *out->sets))) {
    return GROVE_ENOMEM;
  }
  if (shares(bins, width)) {
    out->partial = grove__alloc_lines(a, (CHUNKS - 1) * out->words, sizeof(int64_t));
    out->tiles = grove__alloc_lines(a, CHUNKS * groups_of(bins), sizeof *out->tiles);
  }
  out->growers = grove__alloc_zero(a, lanes * sizeof *out->growers);
  if (!out->spare || !out->nodes || !out->facts || !out->histograms || !out->growers ||
      (shares(bins, width) && (!out->partial || !out->tiles))) {
    return GROVE_ENOMEM;
  }
  for (size_t i = 0; i < lanes; i++) {
    GROVE__TRY(grove__grower_make(a, bins, wide, leaves ? 0 : bins->rows, &out->growers[i]));
  }
  if (renews && !(out->renew_spare = grove__alloc_array(a, lanes * bins->rows, 16))) {
    return GROVE_ENOMEM;
  }
  return leaves ? grove__leaf_heap_make(a, leaves, out->words, &out->heap) : GROVE_OK;
}

void grove__boost_tree_free(grove__boost_tree *t)
{
  const grove_allocator *a = &t->allocator;
  for (size_t i = 0; t->growers && i < t->lanes; i++) {
    if (t->growers[i].small) {
      grove__grower_free(&t->growers[i]);
    }
  }
  if (t->bins) {
    grove__free(a, t->growers, t->lanes * sizeof *t->growers);
    grove__free(a, t->spare, t->bins->rows * sizeof *t->spare);
    grove__free(a, t->nodes, (2 * t->bins->rows + 4 * GROVE__FRONTIER) * sizeof *t->nodes);
    grove__free(a, t->facts, (2 * t->bins->rows + 4 * GROVE__FRONTIER) * sizeof *t->facts);
    grove__free(a, t->renew_spare, t->lanes * t->bins->rows * 16);
    grove__free(a, t->sets, t->bins->rows * GROVE__SET_WORDS * sizeof *t->sets);
    grove__leaf_heap_free(a, t->words, &t->heap);
    grove__free_lines(a, t->histograms, GROVE__FRONTIER * t->words * sizeof(int64_t));
    grove__free_lines(a, t->partial, (CHUNKS - 1) * t->words * sizeof(int64_t));
    grove__free_lines(a, t->tiles, CHUNKS * groups_of(t->bins) * sizeof *t->tiles);
  }
}

// ---- a large histogram, by groups of blocks and chunks of rows ----------------------------------------
struct adding {
  const grove__boost_tree *t;
  const grove__job *job;
  const uint32_t *rows;
  size_t n;
  size_t chunks;
  size_t groups;
  int64_t *to;
};

// Chunk c of a group of blocks goes to a histogram of its own; the first chunk's is the result's.
static void add_chunk(void *user, size_t i)
{
  const struct adding *s = user;
  const grove__boost_tree *t = s->t;
  size_t group = i % s->groups, c = i / s->groups, blocks = t->bins->blocks;
  size_t from = s->n * c / s->chunks, end = s->n * (c + 1) / s->chunks;
  s->job->kernels->histogram_add(t->bins, s->rows + from, end - from, s->job->value, s->job->weight,
      blocks * group / s->groups, blocks * (group + 1) / s->groups, &t->tiles[i],
      c ? t->partial + (c - 1) * t->words : s->to);
}

static void merge_block(void *user, size_t block)
{
  const struct adding *s = user;
  int64_t *to = s->to + block * WORDS;
  for (size_t c = 1; c < s->chunks; c++) {
    const int64_t *from = s->t->partial + (c - 1) * s->t->words + block * WORDS;
    for (size_t i = 0; i < WORDS; i++) {
      to[i] += from[i];
    }
  }
}

// In chunks of rows, each of which reads all of a row at once, and of groups of blocks where there are many.
grove_status grove__boost_tree_histogram(const grove__boost_tree *t, const grove__job *job,
    const uint32_t *rows, size_t n, const grove_work *work, int64_t *h)
{
  size_t words = n * t->bins->blocks * (t->wide ? 2 : 1), chunks = words / WORTH_HANDING;
  size_t groups = groups_of(t->bins), most = 2 * grove__work_width(work);
  chunks = chunks / groups < CHUNKS ? chunks / groups : CHUNKS;
  chunks = chunks < most ? chunks : most;
  chunks = chunks ? chunks : 1;
  if (!t->tiles || chunks * groups < 2 || words < 2 * WORTH_HANDING) {
    grove__histogram_build(job, rows, n, t->growers[0].tile, h);
    return GROVE_OK;
  }
  struct adding s = {t, job, rows, n, chunks, groups, h};
  size_t all = chunks * groups, batch = 1 + WORTH_HANDING * 8 / (words / all + 1);
  GROVE__TRY(grove__work_run(work, all, batch, add_chunk, &s));
  size_t planes = t->words / WORDS;
  return chunks == 1 ? GROVE_OK : grove__work_run(work, planes, 64, merge_block, &s);
}

// ---- the top ----------------------------------------------------------------------------------------
struct top {
  grove__pending node[GROVE__FRONTIER];
  size_t count;
};

static size_t largest_of(const struct top *top)
{
  size_t at = 0;
  for (size_t i = 1; i < top->count; i++) {
    at = top->node[i].count > top->node[at].count ? i : at;
  }
  return at;
}

// Splits the largest waiting node until no node is much of the whole. Which nodes are split depends on the data
// only; the histogram of the i-th waiting node lies in place i or in a place that a node before it had.
static grove_status grow_top(
    grove__boost_tree *t, const grove__job *job, size_t n, const grove_work *work, struct top *top)
{
  grove__grower *g = &t->growers[0];
  size_t limit = n / 8 > WORTH_SHARING ? n / 8 : WORTH_SHARING;
  size_t places = 1;
  while (top->count && top->count < GROVE__FRONTIER && places < GROVE__FRONTIER) {
    size_t at = largest_of(top);
    grove__pending p = top->node[at], child[2];
    if (p.count <= limit || !p.histogram) {
      break;
    }
    if (!grove__grow_split(g, &p, child)) {
      top->node[at] = top->node[--top->count];
      continue;
    }
    int small = child[1].count < child[0].count;
    grove__pending *less = &child[small], *more = &child[1 - small];
    if (grove__grow_wants_histogram(job, more)) {
      less->histogram = t->histograms + places++ * t->words;
      GROVE__TRY(grove__boost_tree_histogram(
          t, job, g->rows + less->from, less->count, work, less->histogram));
      job->kernels->histogram_subtract(p.histogram, less->histogram, t->words);
      more->histogram = p.histogram;
    }
    top->node[at] = *more;
    top->node[top->count++] = *less;
    GROVE__TRY(n >= YIELDING ? grove__work_yield(work) : GROVE_OK);
  }
  return GROVE_OK;
}

// ---- the rest, shared by lanes -----------------------------------------------------------------------
struct sharing {
  grove__boost_tree *t;
  const grove__job *job;
  const grove_work *work;
  struct top *top;
  atomic_size_t next; // waiting node to take; who takes which does not matter
  atomic_size_t finished;
  bool busy[GROVE__FRONTIER];      // by lane
  uint32_t begun[GROVE__FRONTIER]; // by lane: where its node numbers began
  atomic_size_t used;              // nodes, in all
};

static void take_node(struct sharing *s, grove__grower *g, size_t lane, const grove__pending *p)
{
  // Node numbers from the place of the rows: a node of n rows needs less than 2n below it.
  g->used = 4 * GROVE__FRONTIER + 2 * p->from;
  s->begun[lane] = g->used;
  s->busy[lane] = true;
  grove__grow_begin(g, s->job, p);
}

static void go_on(void *user, size_t lane)
{
  struct sharing *s = user;
  grove__grower *g = &s->t->growers[lane];
  size_t spent = 0;
  while (spent < BUDGET && !grove__work_cancelled(s->work)) {
    if (!s->busy[lane]) {
      size_t at = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed); // only a ticket
      if (at >= s->top->count) {
        return;
      }
      spent += (size_t)s->top->node[at].count * g->features;
      take_node(s, g, lane, &s->top->node[at]);
    }
    if (!grove__grow_some(g, BUDGET)) {
      return;
    }
    s->busy[lane] = false;
    // Sums that are read when parallel_for has ended.
    atomic_fetch_add_explicit(&s->used, g->used - s->begun[lane], memory_order_relaxed);
    atomic_fetch_add_explicit(&s->finished, 1, memory_order_relaxed);
  }
}

static int by_size(const void *a, const void *b)
{
  const grove__pending *x = a, *y = b;
  return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                              : (x->from > y->from) - (x->from < y->from);
}

static grove_status grow_rest(struct sharing *s)
{
  grove__boost_tree *t = s->t;
  size_t lanes = t->lanes < s->top->count ? t->lanes : s->top->count;
  qsort(s->top->node, s->top->count, sizeof *s->top->node, by_size);
  while (atomic_load_explicit(&s->finished, memory_order_relaxed) < s->top->count) {
    GROVE__TRY(grove__work_run(s->work, lanes, 1, go_on, s));
  }
  return GROVE_OK;
}

static grove_status copy_tree(const grove__boost_tree *t, size_t used, grove__tree *out)
{
  return grove__tree_copy(
      &t->allocator, t->nodes, t->facts, used, t->sets, t->bins->edge, GROVE__BIN_VALUES, out);
}

grove_status grove__boost_tree_grow(grove__boost_tree *t, const grove__job *job, uint32_t *rows,
    size_t n, const grove_work *work, grove__tree *out)
{
  struct top top = {.count = 1};
  for (size_t i = 0; i < t->lanes; i++) {
    t->growers[i].rows = rows;
    t->growers[i].spare = t->spare;
    t->growers[i].nodes = t->nodes;
    t->growers[i].facts = t->facts;
    t->growers[i].sets = t->sets;
    t->growers[i].job = job;
    t->growers[i].work = NULL;
    t->growers[i].renew_spare = t->renew_spare ? t->renew_spare + 2 * i * t->bins->rows : NULL;
  }
  t->growers[0].used = 1;
  t->growers[0].work = work;
  top.node[0] = grove__grow_root(job, rows, n);
  if (job->max_leaves) {
    GROVE__TRY(grove__leaf_tree_grow(t, job, &top.node[0], work));
    return copy_tree(t, 1 + 2 * t->heap.splits, out);
  }
  if (grove__grow_wants_histogram(job, &top.node[0])) {
    top.node[0].histogram = t->histograms;
    GROVE__TRY(grove__boost_tree_histogram(t, job, rows, n, work, t->histograms));
    GROVE__TRY(grow_top(t, job, n, work, &top));
  }
  t->growers[0].work = NULL; // lanes have each their own from here on
  struct sharing s = {.t = t, .job = job, .work = work, .top = &top};
  atomic_init(&s.used, t->growers[0].used);
  GROVE__TRY(grow_rest(&s));
  return copy_tree(t, atomic_load_explicit(&s.used, memory_order_relaxed), out);
}
