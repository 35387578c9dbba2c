#include "model/tree.h"
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
  grove__free(a, e->gain, e->features * sizeof *e->gain);
  grove__free(a, e->trees, e->room * sizeof *e->trees);
  *e = (grove__ensemble){.divide = 1, .scale = 1};
}

void grove__tree_free(const grove_allocator *a, grove__tree *t)
{
  grove__free(a, t->nodes, t->count * sizeof *t->nodes);
  grove__free(a, t->facts, t->count * sizeof *t->facts);
  if (t->word_count) {
    grove__free(a, t->words, t->word_count * sizeof *t->words);
  }
  *t = (grove__tree){0};
}

grove_status grove__tree_copy(const grove_allocator *a, const grove__node *nodes,
    const grove__node_fact *facts, size_t count, grove__tree *out)
{
  grove__tree tree = {.count = count};
  grove__node *to = tree.nodes = grove__alloc_array(a, count, sizeof *to);
  tree.facts = facts ? grove__alloc_array(a, count, sizeof *facts) : NULL;
  if (!to || (facts && !tree.facts)) {
    grove__tree_free(a, &tree);
    return GROVE_ENOMEM;
  }
  size_t used = 1;
  to[0] = nodes[0];
  if (facts) {
    tree.facts[0] = facts[0];
  }
  // Each pair of children is copied when its parent is met; the copies are met in their turn. So the new
  // numbers depend on the tree's shape only, not on who grew which part of it.
  for (size_t i = 0; i < used; i++) {
    if (to[i].left) {
      memcpy(to + used, nodes + to[i].left, 2 * sizeof *to);
      if (facts) {
        memcpy(tree.facts + used, facts + to[i].left, 2 * sizeof *facts);
      }
      to[i].left = (uint32_t)used;
      used += 2;
    }
  }
  for (size_t i = 0; facts && i < used; i++) {
    to[i] = to[i].left ? to[i] : grove__node_leaf(to[i].value, (double)tree.facts[i].cover);
  }
  GROVE__ASSERT(used == count);
  *out = tree;
  return GROVE_OK;
}
