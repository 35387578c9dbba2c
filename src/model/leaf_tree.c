// Best-first growing: of all leaves the one is split whose split gains most, until there are enough leaves.
#include "model/boost_tree.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"

enum { BUDGET = 400000 }; // row-features that take about a millisecond

// A leaf that can be split, and how.
struct candidate {
  grove__pending node;
  grove__split split;
};

// A heap: the best is at 0. Of equals the one whose rows come first.
static bool is_better(const struct candidate *a, const struct candidate *b)
{
  return a->split.more != b->split.more ? a->split.more > b->split.more
                                        : a->node.from < b->node.from;
}

static void swap(struct candidate *a, struct candidate *b)
{
  struct candidate t = *a;
  *a = *b;
  *b = t;
}

static void push(grove__leaf_heap *h, const struct candidate *c)
{
  struct candidate *at = h->at;
  size_t i = h->count++;
  at[i] = *c;
  while (i && is_better(&at[i], &at[(i - 1) / 2])) {
    swap(&at[i], &at[(i - 1) / 2]);
    i = (i - 1) / 2;
  }
}

static struct candidate pop(grove__leaf_heap *h)
{
  struct candidate *at = h->at, best = at[0];
  size_t i = 0;
  at[0] = at[--h->count];
  for (;;) {
    size_t child = 2 * i + 1;
    child += child + 1 < h->count && is_better(&at[child + 1], &at[child]);
    if (child >= h->count || !is_better(&at[child], &at[i])) {
      return best;
    }
    swap(&at[i], &at[child]);
    i = child;
  }
}

// As many histograms as fit into what a large cache holds, and a few at least: more would only cost page faults.
grove_status grove__leaf_heap_make(
    const grove_allocator *a, size_t leaves, size_t words, grove__leaf_heap *out)
{
  size_t most = ((size_t)1 << 26) / (words * sizeof(int64_t)) + 4;
  *out = (grove__leaf_heap){.room = leaves + 1, .slots = leaves + 2 < most ? leaves + 2 : most};
  out->at = grove__alloc_array(a, out->room, sizeof(struct candidate));
  out->pool = grove__alloc_array(a, out->slots * words, sizeof *out->pool);
  out->free = grove__alloc_array(a, out->slots, sizeof *out->free);
  return out->at && out->pool && out->free ? GROVE_OK : GROVE_ENOMEM;
}

void grove__leaf_heap_free(const grove_allocator *a, size_t words, grove__leaf_heap *h)
{
  grove__free(a, h->at, h->room * sizeof(struct candidate));
  grove__free(a, h->pool, h->slots * words * sizeof *h->pool);
  grove__free(a, h->free, h->slots * sizeof *h->free);
}

// ---- histograms -------------------------------------------------------------------------------------
// There are only so many. A leaf that has to give its own back is built from its rows again if it is ever split.
static int64_t *take_slot(grove__leaf_heap *h, size_t words)
{
  if (h->free_count == 0) {
    struct candidate *last = (struct candidate *)h->at + h->count;
    while (!(--last)->node.histogram) {}
    h->free[h->free_count++] = (uint32_t)((size_t)(last->node.histogram - h->pool) / words);
    last->node.histogram = NULL;
  }
  return h->pool + h->free[--h->free_count] * words;
}

static void give_slot(grove__leaf_heap *h, size_t words, grove__pending *p)
{
  if (p->histogram) {
    h->free[h->free_count++] = (uint32_t)((size_t)(p->histogram - h->pool) / words);
    p->histogram = NULL;
  }
}

static grove_status build_one(
    grove__boost_tree *t, const grove__job *job, grove__pending *p, const grove_work *work)
{
  p->histogram = take_slot(&t->heap, t->words);
  return grove__boost_tree_histogram(
      t, job, t->growers[0].rows + p->from, p->count, work, p->histogram);
}

// ---- growing ----------------------------------------------------------------------------------------
// A leaf that waits, if there is a split for it; else it is a leaf for good.
static void judge_leaf(grove__boost_tree *t, grove__pending *p)
{
  grove__grower *g = &t->growers[0];
  struct candidate c = {*p, {.gain = -1}};
  if (p->histogram) {
    c.split = grove__grow_choose(g, p);
  }
  if (c.split.gain >= 0) {
    push(&t->heap, &c);
    return;
  }
  give_slot(&t->heap, t->words, p);
  grove__grow_leaf(g, p, g->rows + p->from);
}

static bool may_split(const grove__job *job, const grove__pending *p)
{
  return p->depth < job->max_depth && p->count > 1 && (double)p->all.weight >= job->least_split;
}

static grove_status split_best(grove__boost_tree *t, const grove__job *job, size_t leaves,
    const grove_work *work, size_t *done)
{
  struct candidate c = pop(&t->heap);
  grove__pending child[2];
  grove__grow_apply(&t->growers[0], &c.node, &c.split, child);
  int small = child[1].count < child[0].count;
  grove__pending *less = &child[small], *more = &child[1 - small];
  // The last split needs no more histograms.
  bool wanted = leaves < job->max_leaves && (may_split(job, less) || may_split(job, more));
  if (wanted && c.node.histogram) {
    more->histogram = c.node.histogram;
    GROVE__TRY(build_one(t, job, less, work));
    job->kernels->histogram_subtract(more->histogram, less->histogram, t->words);
  } else if (wanted) {
    GROVE__TRY(build_one(t, job, less, work));
    GROVE__TRY(build_one(t, job, more, work));
  } else {
    give_slot(&t->heap, t->words, &c.node);
  }
  for (int k = 0; k < 2; k++) {
    if (!may_split(job, &child[k])) {
      give_slot(&t->heap, t->words, &child[k]);
    }
  }
  *done += c.node.count * t->bins->features;
  judge_leaf(t, &child[0]);
  judge_leaf(t, &child[1]);
  return GROVE_OK;
}

grove_status grove__leaf_tree_grow(
    grove__boost_tree *t, const grove__job *job, grove__pending *root, const grove_work *work)
{
  grove__leaf_heap *h = &t->heap;
  size_t done = 0, leaves = 1;
  h->count = h->free_count = 0;
  for (size_t i = h->slots; i > 0; i--) {
    h->free[h->free_count++] = (uint32_t)(i - 1);
  }
  if (may_split(job, root) && job->max_leaves > 1) {
    GROVE__TRY(build_one(t, job, root, work));
  }
  judge_leaf(t, root);
  while (h->count && leaves < job->max_leaves) {
    leaves++;
    GROVE__TRY(split_best(t, job, leaves, work, &done));
    if (done >= BUDGET) {
      done = 0;
      GROVE__TRY(grove__work_yield(work));
    }
  }
  for (size_t i = 0; i < h->count; i++) {
    grove__pending *p = &((struct candidate *)h->at)[i].node;
    grove__grow_leaf(&t->growers[0], p, t->growers[0].rows + p->from);
  }
  return GROVE_OK;
}
