#include "model/boost_help.h"
#include "base/pause.h"
#include "base/status.h"
#include "model/fit_work.h"
#include "model/grow_kernels.h"
#include <stdatomic.h>

enum {
  LANES = 16,  // that add to a histogram at most, so that theirs stay few
  PIECES = 64, // of its rows at most
  WORDS = GROVE__BIN_COUNT * GROVE__BLOCK,
  PLANES = 64,             // blocks of histograms that are worth handing over
  WORTH_HANDING = 1 << 14, // words that take much longer than to hand them over
  ROUND = 1 << 19,         // words that take about a millisecond
  BUDGET = 400000,         // row-features that do
  YIELDING = 1 << 15,      // rows of a tree whose splits take a part of a millisecond
  WORTH_SHARING = 4096,    // rows of a node
  STEP = 4000,             // row-features between two looks at who is hungry
  WORTH_GIVING = 384,      // rows of a node that takes longer to grow than to hand on
  GIVEN = 1 << 18,         // rows of all nodes that are handed on in a tree, at most
  PATIENCE = 5000          // looks for a node that is handed on: a part of a millisecond
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

static size_t adding_lanes(size_t width)
{
  return width < LANES ? width : LANES;
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
  // A node that is handed on has numbers of its own, beside those of its rows' place; and may be so several times, in parts.
  size_t given = leaves || lanes == 1 ? 0 : 4 * bins->rows < GIVEN ? 4 * bins->rows : GIVEN;
  out->node_room = 2 * bins->rows + 4 * GROVE__FRONTIER + 2 * given;
  out->nodes = grove__alloc_array(a, out->node_room, sizeof *out->nodes);
  out->facts = grove__alloc_array(a, out->node_room, sizeof *out->facts);
  out->histograms = grove__alloc_lines(a, GROVE__FRONTIER * out->words, sizeof(int64_t));
  if (bins->category &&
      !(out->sets = grove__alloc_array(a, bins->rows, GROVE__SET_WORDS * sizeof *out->sets))) {
    return GROVE_ENOMEM;
  }
  if (shares(bins, width)) {
    out->adding = adding_lanes(width);
    out->partial = grove__alloc_lines(a, (out->adding - 1) * out->words, sizeof(int64_t));
    out->tiles = grove__alloc_lines(a, out->adding, sizeof *out->tiles);
  }
  bool helps = lanes > 1 && !leaves;
  out->helped = helps ? grove__alloc_lines(a, lanes * out->words, sizeof(int64_t)) : NULL;
  out->growers = grove__alloc_zero(a, lanes * sizeof *out->growers);
  if (!out->spare || !out->nodes || !out->facts || !out->histograms || !out->growers ||
      (helps && !out->helped) ||
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
    if (t->growers[i].use) {
      grove__grower_free(&t->growers[i]);
    }
  }
  if (t->bins) {
    grove__free(a, t->growers, t->lanes * sizeof *t->growers);
    grove__free(a, t->spare, t->bins->rows * sizeof *t->spare);
    grove__free(a, t->nodes, t->node_room * sizeof *t->nodes);
    grove__free(a, t->facts, t->node_room * sizeof *t->facts);
    grove__free(a, t->renew_spare, t->lanes * t->bins->rows * 16);
    grove__free(a, t->sets, t->bins->rows * GROVE__SET_WORDS * sizeof *t->sets);
    grove__leaf_heap_free(a, t->words, &t->heap);
    grove__free_lines(a, t->histograms, GROVE__FRONTIER * t->words * sizeof(int64_t));
    grove__free_lines(a, t->partial, (t->adding - 1) * t->words * sizeof(int64_t));
    grove__free_lines(a, t->helped, t->lanes * t->words * sizeof(int64_t));
    grove__free_lines(a, t->tiles, t->adding * sizeof *t->tiles);
  }
}

// ---- a large histogram, by pieces ---------------------------------------------------------------------
// Lanes take pieces of rows, of one group of blocks after the other, with a ticket, until there are none: so none waits for the other
// for longer than a piece takes, nor for one that comes late. Each adds to a histogram of its own; the first one's is the result's.
struct adding {
  const grove__boost_tree *t;
  const grove__job *job;
  const uint32_t *rows;
  size_t n;
  size_t pieces; // of a group
  size_t groups;
  size_t most; // pieces that a lane takes between two yields
  int64_t *to;
  atomic_size_t next; // what lanes have written is read when parallel_for has ended
  bool added[LANES];
};

static int64_t *sums_of(const struct adding *s, size_t lane)
{
  return lane ? s->t->partial + (lane - 1) * s->t->words : s->to;
}

static void add_pieces(void *user, size_t lane)
{
  struct adding *s = user;
  const grove__boost_tree *t = s->t;
  size_t blocks = t->bins->blocks;
  for (size_t i = 0; i < s->most; i++) {
    size_t piece = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed); // only a ticket
    if (piece >= s->pieces * s->groups) {
      return;
    }
    if (!s->added[lane]) {
      memset(sums_of(s, lane), 0, t->words * sizeof *s->to);
      s->added[lane] = true;
    }
    size_t group = piece / s->pieces, at = piece % s->pieces;
    size_t from = s->n * at / s->pieces, end = s->n * (at + 1) / s->pieces;
    s->job->kernels->histogram_more(t->bins, s->rows + from, end - from, s->job->value,
        s->job->weight, blocks * group / s->groups, blocks * (group + 1) / s->groups,
        &t->tiles[lane], sums_of(s, lane));
  }
}

static void merge_block(void *user, size_t block)
{
  const struct adding *s = user;
  int64_t *restrict to = s->to + block * WORDS;
  for (size_t lane = 1; lane < s->t->adding; lane++) {
    const int64_t *restrict from = sums_of(s, lane) + block * WORDS;
    for (size_t i = 0; s->added[lane] && i < WORDS; i++) {
      to[i] += from[i];
    }
  }
}

static grove_status merge(struct adding *s, const grove_work *work)
{
  size_t planes = s->t->words / WORDS;
  if (planes * s->t->adding >= PLANES) {
    return grove__work_run(work, planes, PLANES, merge_block, s);
  }
  for (size_t i = 0; i < planes; i++) {
    merge_block(s, i);
  }
  return GROVE_OK;
}

grove_status grove__boost_tree_histogram(const grove__boost_tree *t, const grove__job *job,
    const uint32_t *rows, size_t n, const grove_work *work, int64_t *h)
{
  size_t words = n * t->bins->blocks * (t->wide ? 2 : 1), groups = groups_of(t->bins);
  size_t pieces = words / WORTH_HANDING / groups;
  pieces = pieces < 1 ? 1 : pieces < PIECES ? pieces : PIECES;
  size_t all = pieces * groups, most = (size_t)ROUND * all / (words + 1) + 1;
  if (!t->tiles || all < 2 || words < 2 * WORTH_HANDING) {
    grove__histogram_build(job, rows, n, t->growers[0].tile, h);
    return GROVE_OK;
  }
  struct adding s = {.t = t,
      .job = job,
      .rows = rows,
      .n = n,
      .pieces = pieces,
      .groups = groups,
      .most = most,
      .to = h};
  memset(h, 0, t->words * sizeof *h);
  s.added[0] = true;
  atomic_init(&s.next, 0);
  while (atomic_load_explicit(&s.next, memory_order_relaxed) < all) {
    GROVE__TRY(grove__work_run(work, t->adding, 1, add_pieces, &s));
  }
  return merge(&s, work);
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
// Where a node waits for a lane. The place's histogram is the node's, until it is grown to its end.
enum { EMPTY, HELD, FULL }; // of a place; from FULL on: how many rows more than that its node has

struct place {
  atomic_uint state;
  grove__pending node;
  uint32_t numbers; // of the nodes below it, from here on
};

// A lane that has nothing to do waits a little for a node that another one hands on. Who grows what does not matter.
struct sharing {
  grove__boost_tree *t;
  const grove__job *job;
  const grove_work *work;
  struct place place[GROVE__FRONTIER];
  grove__helping helping;
  atomic_size_t
      open; // nodes that wait in places or are grown; all sums are read when parallel_for has ended
  atomic_size_t hungry;  // lanes that wait: a hint
  atomic_size_t numbers; // of nodes below those that are handed on
  atomic_size_t used;    // nodes, in all
  struct {
    bool busy;
    size_t place;
    uint32_t begun; // where its node numbers began
  } lane[GROVE__FRONTIER];
};

// ORDER release: the node, its histogram and the order of its rows. PAIRS take_node.
static void put_node(struct sharing *s, size_t at, const grove__pending *p, uint32_t numbers)
{
  s->place[at].node = *p;
  s->place[at].numbers = numbers;
  atomic_store_explicit(&s->place[at].state, FULL + p->count, memory_order_release);
}

// The largest that waits; false: none.
static bool take_node(struct sharing *s, size_t lane)
{
  for (;;) {
    size_t at = 0;
    unsigned most = HELD;
    for (size_t i = 0; i < GROVE__FRONTIER; i++) {
      unsigned here = atomic_load_explicit(&s->place[i].state, memory_order_relaxed);
      at = here > most ? i : at;
      most = here > most ? here : most;
    }
    if (most == HELD) {
      return false;
    }
    // ORDER acquire: what whoever put it there had done. PAIRS put_node.
    if (atomic_compare_exchange_strong_explicit(
            &s->place[at].state, &most, HELD, memory_order_acquire, memory_order_relaxed)) {
      grove__grower *g = &s->t->growers[lane];
      g->used = s->place[at].numbers;
      s->lane[lane].begun = g->used;
      s->lane[lane].place = at;
      s->lane[lane].busy = true;
      grove__grow_begin(g, s->job, &s->place[at].node);
      return true;
    }
  }
}

static bool wait_for_node(struct sharing *s, size_t lane)
{
  bool found = take_node(s, lane);
  atomic_fetch_add_explicit(&s->hungry, 1, memory_order_relaxed);
  for (size_t i = 0; !found && i < PATIENCE; i++) {
    if (!atomic_load_explicit(&s->open, memory_order_relaxed)) {
      break;
    }
    if (grove__help(&s->helping, lane)) {
      i = 0;
    } else {
      grove__pause();
    }
    found = take_node(s, lane);
  }
  atomic_fetch_sub_explicit(&s->hungry, 1, memory_order_relaxed);
  return found;
}

static void end_node(struct sharing *s, size_t lane)
{
  size_t more = s->t->growers[lane].used - s->lane[lane].begun;
  s->lane[lane].busy = false;
  atomic_fetch_add_explicit(&s->used, more, memory_order_relaxed);
  // ORDER release: who takes the place writes to its histogram. PAIRS hand_on.
  atomic_store_explicit(&s->place[s->lane[lane].place].state, EMPTY, memory_order_release);
  atomic_fetch_sub_explicit(&s->open, 1, memory_order_relaxed);
}

// The largest node of a lane's stack, if there is another one, and it is worth it. NULL: none.
static grove__pending *spare_node(grove__grower *g)
{
  grove__pending *most = NULL;
  size_t live = 0;
  for (size_t i = 0; i < g->pending_count; i++) {
    grove__pending *p = &g->pending[i];
    live += p->count > 0;
    if (p->histogram && p->count >= WORTH_GIVING && (!most || p->count > most->count)) {
      most = p;
    }
  }
  return live > 1 ? most : NULL;
}

// Gives one of a lane's nodes to whoever is hungry; its place on the lane's stack stays, without rows.
static void hand_on(struct sharing *s, grove__grower *g)
{
  grove__pending *p = spare_node(g);
  for (size_t i = 0; p && i < GROVE__FRONTIER; i++) {
    unsigned empty = EMPTY;
    // ORDER acquire: the last one's writes to the histogram. PAIRS end_node.
    if (!atomic_compare_exchange_strong_explicit(
            &s->place[i].state, &empty, HELD, memory_order_acquire, memory_order_relaxed)) {
      continue;
    }
    size_t numbers =
        atomic_fetch_add_explicit(&s->numbers, 2 * (size_t)p->count, memory_order_relaxed);
    if (numbers + 2 * (size_t)p->count > s->t->node_room) {
      atomic_store_explicit(&s->place[i].state, EMPTY, memory_order_release); // see end_node
      return;
    }
    grove__pending node = *p;
    node.histogram = s->t->histograms + i * s->t->words;
    memcpy(node.histogram, p->histogram, s->t->words * sizeof *node.histogram);
    p->count = 0;
    atomic_fetch_add_explicit(&s->open, 1, memory_order_relaxed);
    put_node(s, i, &node, (uint32_t)numbers);
    return;
  }
}

static void go_on(void *user, size_t lane)
{
  struct sharing *s = user;
  grove__grower *g = &s->t->growers[lane];
  for (size_t spent = 0; spent < BUDGET && !grove__work_cancelled(s->work); spent += STEP) {
    if (!s->lane[lane].busy && !wait_for_node(s, lane)) {
      return;
    }
    if (grove__grow_some(g, STEP)) {
      end_node(s, lane);
    } else if (atomic_load_explicit(&s->hungry, memory_order_relaxed)) {
      hand_on(s, g);
    }
  }
}

// The nodes of the top, each in the place that has its histogram, the others in places that are left.
static void put_top(struct sharing *s, const struct top *top)
{
  bool taken[GROVE__FRONTIER] = {false};
  size_t next = 0;
  for (size_t i = 0; i < top->count; i++) {
    const grove__pending *p = &top->node[i];
    if (p->histogram) {
      taken[(size_t)(p->histogram - s->t->histograms) / s->t->words] = true;
    }
  }
  for (size_t i = 0; i < top->count; i++) {
    const grove__pending *p = &top->node[i];
    size_t at = p->histogram ? (size_t)(p->histogram - s->t->histograms) / s->t->words : 0;
    while (!p->histogram && taken[next]) {
      next++;
    }
    at = p->histogram ? at : next++;
    // Node numbers from the place of the rows: a node of n rows needs less than 2n below it.
    put_node(s, at, p, 4 * GROVE__FRONTIER + 2 * p->from);
  }
}

static grove_status grow_rest(struct sharing *s, const struct top *top, size_t rows)
{
  for (size_t i = 0; i < GROVE__FRONTIER; i++) {
    atomic_init(&s->place[i].state, EMPTY);
  }
  atomic_init(&s->open, top->count);
  atomic_init(&s->numbers, 4 * GROVE__FRONTIER + 2 * rows);
  put_top(s, top);
  grove__helping_init(&s->helping, s->t, s->job);
  for (size_t i = 0; i < s->t->lanes; i++) { // until the next tree, which has its own
    s->t->growers[i].build = grove__help_build;
    s->t->growers[i].build_user = &s->helping;
  }
  while (atomic_load_explicit(&s->open, memory_order_relaxed)) {
    GROVE__TRY(grove__work_run(s->work, s->t->lanes, 1, go_on, s));
  }
  return GROVE_OK;
}

static grove_status copy_tree(const grove__boost_tree *t, size_t used, grove__tree *out)
{
  return grove__tree_copy(&t->allocator, NULL, t->nodes, t->facts, used, t->sets, t->bins->edge,
      GROVE__BIN_VALUES, out);
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
  if (grove__grow_wants_histogram(job, &top.node[0]) && (t->tiles || t->lanes == 1)) {
    top.node[0].histogram = t->histograms;
    GROVE__TRY(grove__boost_tree_histogram(t, job, rows, n, work, t->histograms));
    GROVE__TRY(grow_top(t, job, n, work, &top));
  }
  t->growers[0].work = NULL; // lanes have each their own from here on
  struct sharing s = {.t = t, .job = job, .work = work};
  atomic_init(&s.used, t->growers[0].used);
  GROVE__TRY(grow_rest(&s, &top, n));
  return copy_tree(t, atomic_load_explicit(&s.used, memory_order_relaxed), out);
}
