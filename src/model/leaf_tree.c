// Best-first growing: of all leaves the one is split whose split gains most, until there are enough leaves.
#include "model/boost_tree.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"

enum {
  BUDGET = 400000, // row-features that take about a millisecond
  ALONE = 1 << 18, // words of a node that one lane splits
  WORTH =
      1
      << 13, // words of a node that takes longer to split than to hand over, and to fetch from another cache
  APART = 1 << 18,               // words of a table that no cache near by holds: there
  LEAST = 1 << 10,               // words of such a node
  MANY = 1 << 17,                // rows of a tree whose leaves are worth sharing
  AHEAD = GROVE__LEAF_LANES - 1, // leaves that may be parted and wait
  BATCH = GROVE__LEAF_LANES
};

// What came of a split: the children, and how they are split in turn (gain < 0: not at all).
struct parted {
  grove__pending child[2];
  grove__split next[2];
};

// A leaf that can be split, and how. It may be parted ahead of its turn: should it become a leaf after all, only the order
// of its rows has changed, which sums of whole numbers do not show.
struct candidate {
  grove__pending node;
  grove__split split;
  struct parted *ahead; // NULL: it is not
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

// Of the leaves that wait no more are split than are still wanted: the histograms of half as many would always do. Those of a
// quarter do nearly always, for the worst of them hardly ever get their turn. A leaf that is parted ahead has two, and those
// being parted one more.
static size_t slots_of(size_t leaves)
{
  return leaves / 4 + 2 + 2 * AHEAD;
}

// But no more histograms than fit into what a large cache holds, and a few at least: more would only cost page faults.
grove_status grove__leaf_heap_make(
    const grove_allocator *a, size_t leaves, size_t words, grove__leaf_heap *out)
{
  size_t most = ((size_t)1 << 26) / (words * sizeof(int64_t)) + 4, all = slots_of(leaves);
  *out = (grove__leaf_heap){.room = leaves + 1, .slots = all < most ? all : most};
  out->at = grove__alloc_array(a, out->room, sizeof(struct candidate));
  out->pool = grove__alloc_lines(a, out->slots * words, sizeof *out->pool);
  out->free = grove__alloc_array(a, out->slots, sizeof *out->free);
  out->parted = grove__alloc_array(a, AHEAD, sizeof(struct parted));
  return out->at && out->pool && out->free && out->parted ? GROVE_OK : GROVE_ENOMEM;
}

void grove__leaf_heap_free(const grove_allocator *a, size_t words, grove__leaf_heap *h)
{
  grove__free(a, h->at, h->room * sizeof(struct candidate));
  grove__free_lines(a, h->pool, h->slots * words * sizeof *h->pool);
  grove__free(a, h->free, h->slots * sizeof *h->free);
  grove__free(a, h->parted, AHEAD * sizeof(struct parted));
}

// ---- histograms -------------------------------------------------------------------------------------
// There are only so many. The worst leaf that has one gives it back; should it be split after all, it is built from its
// rows again.
static int64_t *take_slot(grove__leaf_heap *h, size_t words)
{
  if (h->free_count == 0) {
    struct candidate *last = NULL;
    for (size_t i = 0; i < h->count; i++) {
      struct candidate *one = (struct candidate *)h->at + i;
      if (one->node.histogram && (!last || is_better(last, one))) {
        last = one;
      }
    }
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
static bool may_split(const grove__job *job, const grove__pending *p)
{
  return p->depth < job->max_depth && p->count > 1 && (double)p->all.weight >= job->least_split;
}

// A leaf that waits, if there is a split for it; else it is a leaf for good.
static void judge_leaf(grove__boost_tree *t, grove__pending *p, const grove__split *s)
{
  grove__grower *g = &t->growers[0];
  if (s->gain >= 0) {
    push(&t->heap, &(struct candidate){.node = *p, .split = *s});
    return;
  }
  give_slot(&t->heap, t->words, p);
  grove__grow_leaf(g, p, g->rows + p->from);
}

static grove__split choose(grove__grower *g, const grove__pending *p)
{
  return p->histogram ? grove__grow_choose(g, p) : (grove__split){.gain = -1};
}

static void drop_histograms(grove__boost_tree *t, const grove__job *job, struct parted *p)
{
  for (int k = 0; k < 2; k++) {
    if (!may_split(job, &p->child[k])) {
      give_slot(&t->heap, t->words, &p->child[k]);
    }
  }
}

// Splits a leaf's rows, and finds its children's splits.
static grove_status split_rows(grove__boost_tree *t, const grove__job *job, size_t leaves,
    const grove_work *work, struct candidate *c, struct parted *p)
{
  grove__grow_apply(&t->growers[0], &c->node, &c->split, p->child);
  int small = p->child[1].count < p->child[0].count;
  grove__pending *less = &p->child[small], *more = &p->child[1 - small];
  // The last split needs no more histograms.
  bool wanted = leaves < job->max_leaves && (may_split(job, less) || may_split(job, more));
  if (wanted && c->node.histogram) {
    more->histogram = c->node.histogram;
    GROVE__TRY(build_one(t, job, less, work));
    job->kernels->histogram_subtract(more->histogram, less->histogram, t->words);
  } else if (wanted) {
    GROVE__TRY(build_one(t, job, less, work));
    GROVE__TRY(build_one(t, job, more, work));
  } else {
    give_slot(&t->heap, t->words, &c->node);
  }
  drop_histograms(t, job, p);
  p->next[0] = choose(&t->growers[0], &p->child[0]);
  p->next[1] = choose(&t->growers[0], &p->child[1]);
  return GROVE_OK;
}

// ---- side by side -------------------------------------------------------------------------------------
// The best leaf and some of those behind it, each split by one lane. Those are likely to be split soon.
struct batch {
  grove__boost_tree *t;
  const grove__job *job;
  size_t count;
  struct candidate *of[BATCH]; // the best, then leaves on the heap
  uint8_t
      turn[BATCH]; // which is split when: the largest first, so that none waits for long in the end
  struct parted *to[BATCH];
  int64_t *whole[BATCH]; // their histograms, which nobody may take back now
  int64_t *slot[BATCH];
};

static void part_alone(void *user, size_t turn)
{
  const struct batch *d = user;
  const size_t i = d->turn[turn];
  const struct candidate *c = d->of[i];
  const grove__job *job = d->job;
  struct parted *p = d->to[i];
  grove__grower *g = &d->t->growers[i];
  grove__grow_apply(g, &c->node, &c->split, p->child);
  int small = p->child[1].count < p->child[0].count;
  grove__pending *less = &p->child[small], *more = &p->child[1 - small];
  less->histogram = d->slot[i];
  more->histogram = d->whole[i];
  if (may_split(job, less) || may_split(job, more)) {
    grove__histogram_build(job, g->rows + less->from, less->count, g->tile, less->histogram);
    job->kernels->histogram_subtract(more->histogram, less->histogram, d->t->words);
  }
  for (int k = 0; k < 2; k++) {
    p->next[k] = may_split(job, &p->child[k]) ? grove__grow_choose(g, &p->child[k])
                                              : (grove__split){.gain = -1};
  }
}

static size_t words_of(const grove__boost_tree *t, const struct candidate *c)
{
  return c->node.count * t->bins->blocks * (t->wide ? 2 : 1);
}

static bool fits_a_lane(const grove__boost_tree *t, const struct candidate *c)
{
  size_t words = words_of(t, c), all = t->bins->rows * t->bins->blocks;
  size_t least = all >= APART ? LEAST : WORTH;
  return !c->ahead && c->node.histogram && words >= least;
}

// Leaves that are quantiles depend on the order of their rows, so nothing is parted ahead there.
static bool may_go_ahead(
    const grove__boost_tree *t, const grove__job *job, const struct candidate *c, size_t leaves)
{
  const grove__leaf_heap *h = &t->heap;
  return t->lanes > 1 && h->count && !job->renew && leaves < job->max_leaves &&
         h->ahead_count < AHEAD && h->slots >= slots_of(job->max_leaves) && fits_a_lane(t, c);
}

// The best ones of the heap behind the leaf c, which is off it; no more than will be split if nothing better comes.
static void collect(grove__boost_tree *t, struct candidate *c, size_t left, struct batch *d)
{
  grove__leaf_heap *h = &t->heap;
  size_t most = AHEAD - h->ahead_count, n = 1;
  most = 1 + (most < left ? most : left);
  most = most < t->lanes ? most : t->lanes;
  d->of[0] = c;
  for (size_t i = 0; i < h->count; i++) {
    struct candidate *one = (struct candidate *)h->at + i;
    size_t at = n;
    while (at > 1 && is_better(one, d->of[at - 1])) {
      at--;
    }
    if (at < most && fits_a_lane(t, one)) {
      n += n < most;
      memmove(&d->of[at + 1], &d->of[at], (n - 1 - at) * sizeof d->of[0]);
      d->of[at] = one;
    }
  }
  d->count = n;
}

// A leaf that is large beside all others together would keep its lane when the others have ended: its rows are shared instead.
static void leave_out_large(const grove__boost_tree *t, struct batch *d, size_t width)
{
  for (;;) {
    size_t at = 0, all = 0;
    for (size_t i = 0; i < d->count; i++) {
      all += words_of(t, d->of[i]);
      at = d->of[i]->node.count > d->of[at]->node.count ? i : at;
    }
    size_t most = words_of(t, d->of[at]);
    if (d->count == 1 || most < ALONE || most * width <= all) {
      return;
    }
    if (at == 0) { // it is the best leaf's turn now
      d->count = 1;
      return;
    }
    d->count--;
    memmove(&d->of[at], &d->of[at + 1], (d->count - at) * sizeof d->of[0]);
  }
}

static struct parted *take_place(grove__leaf_heap *h)
{
  uint32_t place = 0;
  while (h->ahead >> place & 1) {
    place++;
  }
  h->ahead |= 1u << place;
  h->ahead_count++;
  return (struct parted *)h->parted + place;
}

static void take_turns(struct batch *d)
{
  for (size_t i = 0; i < d->count; i++) {
    size_t at = i;
    for (; at > 0 && d->of[d->turn[at - 1]]->node.count < d->of[i]->node.count; at--) {
      d->turn[at] = d->turn[at - 1];
    }
    d->turn[at] = (uint8_t)i;
  }
}

static void part_batch(struct batch *d, struct parted *p, const grove_work *work)
{
  grove__boost_tree *t = d->t;
  for (size_t i = 0; i < d->count; i++) {
    d->whole[i] = d->of[i]->node.histogram;
    d->of[i]->node.histogram = NULL;
  }
  for (size_t i = 0; i < d->count; i++) {
    d->to[i] = i ? take_place(&t->heap) : p;
    d->slot[i] = take_slot(&t->heap, t->words);
    t->growers[i].work = NULL; // a lane has no lanes
    t->growers[i].used = t->growers[0].used + 2 * (uint32_t)i;
  }
  take_turns(d);
  work->parallel_for(work->user, d->count, part_alone, d);
  t->growers[0].used += 2 * (uint32_t)(d->count - 1); // those of the others, too
  t->growers[0].work = work;
  for (size_t i = 0; i < d->count; i++) {
    d->of[i]->ahead = i ? d->to[i] : NULL;
    drop_histograms(t, d->job, d->to[i]);
  }
}

static grove_status split_best(grove__boost_tree *t, const grove__job *job, size_t leaves,
    const grove_work *work, size_t *done)
{
  grove__leaf_heap *h = &t->heap;
  struct candidate c = pop(h);
  struct parted p;
  struct batch d = {.t = t, .job = job};
  if (!c.ahead && may_go_ahead(t, job, &c, leaves)) {
    collect(t, &c, job->max_leaves - leaves, &d);
    leave_out_large(t, &d, grove__work_width(work));
  }
  if (c.ahead) {
    p = *c.ahead;
    h->ahead &= ~(1u << (size_t)(c.ahead - (struct parted *)h->parted));
    h->ahead_count--;
  } else if (d.count > 1) {
    part_batch(&d, &p, work);
  } else {
    GROVE__TRY(split_rows(t, job, leaves, work, &c, &p));
  }
  h->splits++;
  *done += c.node.count * t->bins->features;
  judge_leaf(t, &p.child[0], &p.next[0]);
  judge_leaf(t, &p.child[1], &p.next[1]);
  return GROVE_OK;
}

static void make_one_leaf(void *user, size_t i)
{
  grove__boost_tree *t = user;
  grove__pending *p = &((struct candidate *)t->heap.at)[i].node;
  grove__grow_leaf(&t->growers[0], p, t->growers[0].rows + p->from);
}

// What waits still becomes leaves: each has its own rows. Quantiles share the room that they are found in.
static grove_status make_leaves(
    grove__boost_tree *t, const grove__job *job, size_t rows, const grove_work *work)
{
  if (rows >= MANY && !job->renew) {
    return grove__work_run(work, t->heap.count, t->heap.count, make_one_leaf, t);
  }
  for (size_t i = 0; i < t->heap.count; i++) {
    make_one_leaf(t, i);
  }
  return GROVE_OK;
}

grove_status grove__leaf_tree_grow(
    grove__boost_tree *t, const grove__job *job, grove__pending *root, const grove_work *work)
{
  grove__leaf_heap *h = &t->heap;
  size_t done = 0, leaves = 1, rows = root->count;
  h->count = h->free_count = h->ahead_count = h->splits = 0;
  h->ahead = 0;
  for (size_t i = h->slots; i > 0; i--) {
    h->free[h->free_count++] = (uint32_t)(i - 1);
  }
  if (may_split(job, root) && job->max_leaves > 1) {
    GROVE__TRY(build_one(t, job, root, work));
  }
  grove__split first = choose(&t->growers[0], root);
  judge_leaf(t, root, &first);
  while (h->count && leaves < job->max_leaves) {
    leaves++;
    GROVE__TRY(split_best(t, job, leaves, work, &done));
    if (done >= BUDGET) {
      done = 0;
      GROVE__TRY(grove__work_yield(work));
    }
  }
  return make_leaves(t, job, rows, work);
}
