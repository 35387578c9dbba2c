// Trees in a model file: the form is in tree_form.h, older ones are read by tree_file_old.c.
#include "model/tree_file.h"
#include "base/error.h"
#include "base/status.h"
#include "model/tree_form.h"

// ---- save ---------------------------------------------------------------------------------------------
// Whether nodes lie in memory as they do in the file.
static bool is_little(void)
{
  const union {
    uint32_t word;
    unsigned char first;
  } order = {1};
  return order.first == 1;
}

// Sets of a tree that has words of its own are behind those of the trees before it.
static void write_nodes(grove__writer *w, const grove__tree *t, size_t words)
{
  if (is_little() && words == 0) {
    grove__write_bytes(w, t->nodes, t->count * sizeof *t->nodes);
    return;
  }
  for (size_t i = 0; i < t->count; i++) {
    grove__node n = t->nodes[i];
    if (n.left && n.feature & GROVE__NODE_CATEGORY) {
      grove__set s = grove__node_set(&n);
      s.first += (uint32_t)words;
      grove__node_set_put(&n, s);
    }
    grove__write_double(w, n.value);
    grove__write_u32(w, n.feature);
    grove__write_u32(w, n.left);
  }
}

static void write_words(grove__writer *w, const uint32_t *words, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    grove__write_u32(w, words[i]);
  }
}

static size_t count_words(const grove__ensemble *e)
{
  size_t n = e->word_count;
  for (size_t t = 0; t < e->count; t++) {
    n += e->trees[t].word_count;
  }
  return n;
}

bool grove__ensemble_knows_gains(const grove__ensemble *e)
{
  size_t t = 0;
  while (t < e->count && (e->trees[t].facts || e->trees[t].gains)) {
    t++;
  }
  return e->gain || t == e->count;
}

enum { NODES = 1024 }; // whose splits are listed at a time

// The splits of the nodes [from, end): their features and their gains. Whether a node splits can't be foretold, so there is no branch on
// it. *next: of the tree's gains. Gives how many.
static size_t list_splits(const grove__tree *t, size_t from, size_t end, size_t *next,
    uint32_t feature[NODES], float gain[NODES])
{
  size_t n = 0;
  for (size_t i = from; i < end; i++) {
    feature[n] = t->nodes[i].feature & GROVE__NODE_FEATURE;
    gain[n] = t->facts ? t->facts[i].gain : 0;
    n += t->nodes[i].left != 0;
  }
  if (!t->facts) {
    memcpy(gain, t->gains + *next, n * sizeof *gain);
    *next += n;
  }
  return n;
}

void grove__ensemble_gains(const grove__ensemble *e, double *out)
{
  uint32_t feature[NODES];
  float gain[NODES];
  for (uint32_t f = 0; f < e->features; f++) {
    out[f] = e->gain ? e->gain[f] : 0;
  }
  for (size_t t = 0; t < e->count; t++) {
    const grove__tree *tree = &e->trees[t];
    size_t next = 0, count = tree->facts || tree->gains ? tree->count : 0;
    for (size_t from = 0; from < count; from += NODES) {
      size_t end = count - from < NODES ? count : from + NODES;
      size_t n = list_splits(tree, from, end, &next, feature, gain);
      for (size_t i = 0; i < n; i++) {
        out[feature[i]] += (double)gain[i];
      }
    }
  }
}

static grove_status write_gains(const grove__ensemble *e, grove__writer *w)
{
  double *gain = grove__alloc_array(&e->allocator, e->features, sizeof *gain);
  if (!gain) {
    return GROVE_ENOMEM;
  }
  grove__ensemble_gains(e, gain);
  for (uint32_t f = 0; f < e->features; f++) {
    grove__write_double(w, gain[f]);
  }
  grove__free(&e->allocator, gain, e->features * sizeof *gain);
  return GROVE_OK;
}

static void write_trees(const grove__ensemble *e, grove__writer *w)
{
  size_t words = e->word_count;
  for (size_t t = 0; t < e->count; t++) {
    grove__write_u64(w, e->trees[t].count);
  }
  if (e->count % 2) {
    grove__write_u64(w, 0);
  }
  for (size_t t = 0; t < e->count; t++) {
    write_nodes(w, &e->trees[t], e->trees[t].word_count ? words : 0);
    words += e->trees[t].word_count;
  }
}

grove_status grove__ensemble_save(
    const grove__ensemble *e, void *sink, grove_status (*put)(void *sink, const void *, size_t))
{
  grove__writer w = {.sink = sink, .put = put};
  uint32_t gains = grove__ensemble_knows_gains(e) ? e->features : 0;
  const uint32_t head[] = {GROVE__TREES_TAG, e->arithmetic, e->link, e->features,
      (uint32_t)e->count, (uint32_t)count_words(e), gains, 0};
  for (size_t i = 0; i < GROVE__COUNT(head); i++) {
    grove__write_u32(&w, head[i]);
  }
  grove__write_double(&w, e->base);
  grove__write_double(&w, e->divide);
  grove__write_double(&w, e->scale);
  grove__write_u64(&w, 0);
  write_trees(e, &w);
  if (gains) {
    GROVE__TRY(write_gains(e, &w));
  }
  write_words(&w, e->words, e->word_count);
  for (size_t t = 0; t < e->count; t++) {
    write_words(&w, e->trees[t].words, e->trees[t].word_count);
  }
  return grove__write_end(&w);
}

// ---- load ---------------------------------------------------------------------------------------------
bool grove__node_is_good(const grove__ensemble *e, const grove__tree *tree, size_t i)
{
  const grove__node *n = &tree->nodes[i];
  if (!n->left) {
    return true;
  }
  grove__set s = grove__node_set(n);
  return (n->feature & GROVE__NODE_FEATURE) < e->features && n->left > i &&
         n->left < tree->count - 1 &&
         (!(n->feature & GROVE__NODE_CATEGORY) || (uint64_t)s.first + s.count <= e->word_count);
}

grove_status grove__tree_read(
    const grove__ensemble *e, grove__reader *r, uint64_t count, grove__tree *tree)
{
  if (count == 0 || count > UINT32_MAX || count > r->left / sizeof *tree->nodes) {
    return GROVE_ECORRUPT;
  }
  tree->nodes = grove__alloc_array(&e->allocator, (size_t)count, sizeof *tree->nodes);
  if (!tree->nodes) {
    return GROVE_ENOMEM;
  }
  tree->count = (size_t)count;
  for (size_t i = 0; i < tree->count; i++) {
    tree->nodes[i].value = grove__read_double(r);
    tree->nodes[i].feature = grove__read_u32(r);
    tree->nodes[i].left = grove__read_u32(r);
    if (!grove__node_is_good(e, tree, i)) {
      return GROVE_ECORRUPT;
    }
  }
  return GROVE_OK;
}

static bool can_borrow(const void *bytes)
{
  return is_little() && (uintptr_t)bytes % GROVE__TREES_ALIGN == 0;
}

static grove_status borrow_tree(
    const grove__ensemble *e, grove__reader *r, uint64_t count, grove__tree *tree)
{
  if (count == 0 || count > UINT32_MAX || count > r->left / sizeof *tree->nodes) {
    return GROVE_ECORRUPT;
  }
  const void *at = grove__read_bytes(r, (size_t)count * sizeof *tree->nodes);
  tree->nodes = (grove__node *)(uintptr_t)at;
  tree->count = (size_t)count;
  for (size_t i = 0; i < tree->count; i++) {
    if (!grove__node_is_good(e, tree, i)) {
      return GROVE_ECORRUPT;
    }
  }
  return GROVE_OK;
}

static grove_status read_tail(grove__ensemble *e, grove__reader *r, uint32_t gains)
{
  if (gains && !(e->gain = grove__alloc_array(&e->allocator, gains, sizeof *e->gain))) {
    return GROVE_ENOMEM;
  }
  for (uint32_t f = 0; f < gains; f++) {
    e->gain[f] = grove__read_double(r);
  }
  if (r->failed || r->left != e->word_count * sizeof *e->words) {
    return GROVE_ECORRUPT;
  }
  if (e->borrowed) {
    e->words = (uint32_t *)(uintptr_t)r->at;
    return GROVE_OK;
  }
  e->words = grove__alloc_array(&e->allocator, e->word_count, sizeof *e->words);
  if (!e->words) {
    return GROVE_ENOMEM;
  }
  for (size_t i = 0; i < e->word_count; i++) {
    e->words[i] = grove__read_u32(r);
  }
  return GROVE_OK;
}

static void share_words(grove__ensemble *e)
{
  for (size_t t = 0; t < e->count; t++) {
    e->trees[t].words = e->words;
  }
}

static grove_status read_trees(grove__ensemble *e, grove__reader *r, uint32_t gains)
{
  grove__reader sizes = *r;
  if (!grove__read_bytes(r, (e->room + e->room % 2) * 8)) {
    return GROVE_ECORRUPT;
  }
  for (; e->count < e->room; e->count++) {
    uint64_t n = grove__read_u64(&sizes);
    grove__tree *tree = &e->trees[e->count];
    GROVE__TRY(e->borrowed ? borrow_tree(e, r, n, tree) : grove__tree_read(e, r, n, tree));
  }
  return read_tail(e, r, gains);
}

grove_status grove__ensemble_load_end(
    grove__ensemble *e, grove_status s, size_t room, grove_error *err)
{
  size_t at = e->count;
  if (s) {
    grove__ensemble_deinit(e);
  } else {
    share_words(e);
  }
  return s == GROVE_OK       ? s
         : s == GROVE_ENOMEM ? grove__error_memory(err, "trees", room * sizeof(grove__tree))
         : at < room         ? grove__error(err, s, -1, "tree %zu of %zu is damaged", at, room)
                             : grove__error(err, s, -1, "what follows the trees is damaged");
}

grove_status grove__ensemble_load(const grove_allocator *a, const void *bytes, size_t n,
    bool borrow, grove__ensemble *out, grove_error *err)
{
  grove__reader r = {.at = bytes, .left = n};
  uint32_t tag = grove__read_u32(&r), head[7];
  if (tag != GROVE__TREES_TAG) {
    return grove__ensemble_load_old(a, bytes, n, out, err);
  }
  for (size_t i = 0; i < GROVE__COUNT(head); i++) {
    head[i] = grove__read_u32(&r);
  }
  double base = grove__read_double(&r), divide = grove__read_double(&r),
         scale = grove__read_double(&r);
  uint64_t zero = grove__read_u64(&r);
  if (r.failed || head[0] > GROVE__ARITHMETIC_LIGHTGBM || head[1] >= GROVE__LINK_COUNT ||
      head[2] == 0 || head[2] > GROVE__NODE_FEATURE || head[3] > r.left / 8 ||
      (head[5] && head[5] != head[2]) || head[6] || zero) {
    return grove__error(err, GROVE_ECORRUPT, 0, "the head of the trees is damaged");
  }
  if (grove__ensemble_init(out, a, head[3])) {
    return grove__error_memory(err, "trees", (uint64_t)head[3] * sizeof(grove__tree));
  }
  out->arithmetic = head[0];
  out->link = head[1];
  out->features = head[2];
  out->word_count = head[4];
  out->base = base;
  out->divide = divide;
  out->scale = scale;
  out->borrowed = borrow && can_borrow(bytes);
  return grove__ensemble_load_end(out, read_trees(out, &r, head[5]), head[3], err);
}
