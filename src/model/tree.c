#include "model/tree.h"
#include "base/pages.h"
#include "base/prefetch.h"
#include "base/status.h"
#include "model/scorer.h"

grove_status grove__ensemble_init(grove__ensemble *e, const grove_allocator *a, size_t room)
{
  *e = (grove__ensemble){.allocator = *a, .room = room, .divide = 1, .scale = 1};
  size_t bytes;
  if (!grove__multiply(room, sizeof *e->trees, &bytes) ||
      !(e->trees = grove__alloc_zero(a, bytes))) {
    return GROVE_ENOMEM;
  }
  return GROVE_OK;
}

static void free_blocks(const grove_allocator *a, grove__tree_block *b)
{
  while (b) {
    grove__tree_block *next = b->next;
    grove__free(a, b, b->bytes);
    b = next;
  }
}

void grove__ensemble_deinit(grove__ensemble *e)
{
  const grove_allocator *a = &e->allocator;
  grove__scorer_free(e->scorer);
  for (size_t t = 0; e->trees && !e->borrowed && t < e->room; t++) {
    grove__tree_free(a, &e->trees[t]);
  }
  if (!e->borrowed) {
    grove__free(a, e->words, e->word_count * sizeof *e->words);
  }
  free_blocks(a, e->blocks);
  grove__free(a, e->gain, e->features * sizeof *e->gain);
  grove__free(a, e->trees, e->room * sizeof *e->trees);
  *e = (grove__ensemble){.divide = 1, .scale = 1};
}

void grove__tree_free(const grove_allocator *a, grove__tree *t)
{
  if (!t->placed) {
    grove__free(a, t->nodes, t->count * sizeof *t->nodes);
    grove__free(a, t->facts, t->count * sizeof *t->facts);
  }
  if (t->word_count) {
    grove__free(a, t->words, t->word_count * sizeof *t->words);
  }
  *t = (grove__tree){0};
}

// ---- placing ------------------------------------------------------------------------------------------
enum {
  LINE = 64,           // where trees begin
  BLOCK_MOST = 1 << 24 // bytes of a block, unless one tree takes more
};

void grove__ensemble_keep(grove__ensemble *e, grove__tree_room *room)
{
  while (room->blocks) {
    grove__tree_block *next = room->blocks->next;
    room->blocks->next = e->blocks;
    e->blocks = room->blocks;
    room->blocks = next;
  }
}

// A block for as many trees like this one as are expected, and half of one, for they are not all of a size.
static bool add_block(const grove_allocator *a, grove__tree_room *room, size_t bytes)
{
  size_t all, most = bytes > BLOCK_MOST ? bytes : BLOCK_MOST;
  if (!grove__multiply(bytes, room->expected, &all) || !grove__add(all, bytes / 2, &all)) {
    all = most;
  }
  all = all < bytes ? bytes : all > most ? most : all;
  grove__tree_block *b = grove__add(all, LINE, &all) ? grove__alloc(a, all) : NULL;
  if (!b) {
    return false;
  }
  grove__pages_large(b, all);
  *b = (grove__tree_block){.next = room->blocks, .bytes = all};
  room->blocks = b;
  room->used = LINE;
  return true;
}

// How many gains there is room for: those of the splits, and one that is written and means nothing.
static size_t gain_room(const grove__tree *t)
{
  return t->count / 2 + 1;
}

// Memory for t->count nodes, and for gains. On failure there is nothing to free.
static bool place(const grove_allocator *a, grove__tree_room *room, bool facts, grove__tree *t)
{
  size_t nodes = t->count * sizeof *t->nodes;
  size_t bytes = nodes + (facts ? gain_room(t) * sizeof *t->gains : 0);
  bytes = (bytes + LINE - 1) / LINE * LINE; // no overflow: there is a larger tree behind it
  if ((!room->blocks || room->blocks->bytes - room->used < bytes) && !add_block(a, room, bytes)) {
    return false;
  }
  char *at = (char *)room->blocks + room->used;
  room->used += bytes;
  t->nodes = (grove__node *)(void *)at;
  t->gains = facts ? (float *)(void *)(at + nodes) : NULL;
  t->placed = true;
  return true;
}

static bool make(const grove_allocator *a, grove__tree_room *room, bool facts, grove__tree *t)
{
  if (room) {
    return place(a, room, facts, t);
  }
  t->nodes = grove__alloc_array(a, t->count, sizeof *t->nodes);
  t->facts = facts ? grove__alloc_array(a, t->count, sizeof *t->facts) : NULL;
  return t->nodes && (t->facts || !facts);
}

enum { AHEAD = 16 }; // nodes whose children are asked of memory before they are needed

// ---- copying ------------------------------------------------------------------------------------------
struct naming {
  const uint32_t *words;
  const double *name; // NULL: ids are categories
  size_t stride;
};

static uint32_t name_of(const struct naming *w, const grove__node *n, uint32_t id)
{
  size_t feature = n->feature & GROVE__NODE_FEATURE;
  return w->name ? (uint32_t)w->name[feature * w->stride + id] : id;
}

// Calls for each category of a split's set; gives one more than the largest.
static uint32_t each_category(const struct naming *w, const grove__node *n, uint32_t *to)
{
  grove__set s = grove__node_set(n);
  const uint32_t *words = w->words + (size_t)s.first * (w->name ? s.count : 1);
  uint32_t end = 0;
  for (uint32_t id = 0; id < 32 * s.count; id++) {
    if (words[id / 32] >> id % 32 & 1) {
      uint32_t category = name_of(w, n, id);
      end = category >= end ? category + 1 : end;
      if (to) {
        to[category / 32] |= (uint32_t)1 << category % 32;
      }
    }
  }
  return end;
}

// Sets in the order of the nodes, each as long as its largest category asks.
static grove_status copy_sets(const grove_allocator *a, const struct naming *w, grove__tree *t)
{
  size_t words = 0;
  for (size_t i = 0; i < t->count; i++) {
    const grove__node *n = &t->nodes[i];
    words +=
        n->left && n->feature & GROVE__NODE_CATEGORY ? (each_category(w, n, NULL) + 31) / 32 : 0;
  }
  if (words == 0) {
    return GROVE_OK;
  }
  t->words = words < UINT32_MAX ? grove__alloc_zero(a, words * sizeof *t->words) : NULL;
  if (!t->words) {
    return GROVE_ENOMEM;
  }
  t->word_count = words;
  uint32_t first = 0;
  for (size_t i = 0; i < t->count; i++) {
    grove__node *n = &t->nodes[i];
    if (n->left && n->feature & GROVE__NODE_CATEGORY) {
      uint32_t count = (each_category(w, n, t->words + first) + 31) / 32;
      grove__node_set_put(n, (grove__set){first, count});
      first += count;
    }
  }
  return GROVE_OK;
}

// Each pair of children is copied when its parent is met; the copies are met in their turn. So the new numbers depend on the
// tree's shape only, not on who grew which part of it.
// Whether a node is a leaf can't be foretold, so there is no branch on it: behind a leaf two nodes are copied to a place that is
// written again, and so is a gain.
static void copy_nodes(const grove__node *nodes, const grove__node_fact *facts, grove__tree *t)
{
  grove__node *to = t->nodes;
  size_t used = 1;
  to[0] = nodes[0];
  if (facts) {
    t->facts[0] = facts[0];
  }
  for (size_t i = 0; used < t->count && i < used; i++) {
    const size_t left = to[i].left, splits = left != 0;
    memcpy(to + used, nodes + left, 2 * sizeof *to);
    if (facts) {
      memcpy(t->facts + used, facts + left, 2 * sizeof *facts);
    }
    to[i].left = (uint32_t)(used & (0 - splits));
    used += 2 * splits;
  }
  GROVE__ASSERT(used == t->count);
}

// The same, but of the facts only the gains of splits, in their turn.
static void copy_with_gains(const grove__node *nodes, const grove__node_fact *facts, grove__tree *t)
{
  grove__node *to = t->nodes;
  float *gain = t->gains;
  size_t used = 1, known = nodes[0].left != 0;
  to[0] = nodes[0];
  gain[0] = facts[0].gain;
  for (size_t i = 0; used < t->count && i < used; i++) {
    const size_t left = to[i].left, splits = left != 0;
    const size_t soon = to[i + AHEAD < used ? i + AHEAD : i].left;
    grove__prefetch(&nodes[soon]);
    grove__prefetch(&facts[soon]);
    memcpy(to + used, nodes + left, 2 * sizeof *to);
    gain[known] = facts[left].gain;
    known += splits & (nodes[left].left != 0);
    gain[known] = facts[left + 1].gain;
    known += splits & (nodes[left + 1].left != 0);
    to[i].left = (uint32_t)(used & (0 - splits));
    used += 2 * splits;
  }
  GROVE__ASSERT(used == t->count);
}

grove_status grove__tree_copy(const grove_allocator *a, grove__tree_room *room,
    const grove__node *nodes, const grove__node_fact *facts, size_t count, const uint32_t *words,
    const double *name, size_t stride, grove__tree *out)
{
  grove__tree tree = {.count = count};
  if (!make(a, room, facts != NULL, &tree)) {
    grove__tree_free(a, &tree);
    return GROVE_ENOMEM;
  }
  if (tree.gains) {
    copy_with_gains(nodes, facts, &tree);
  } else {
    copy_nodes(nodes, facts, &tree);
  }
  const struct naming w = {words, name, stride};
  if (words && copy_sets(a, &w, &tree)) {
    grove__tree_free(a, &tree);
    return GROVE_ENOMEM;
  }
  *out = tree;
  return GROVE_OK;
}
