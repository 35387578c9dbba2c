#include "model/tree.h"
#include "base/status.h"

grove_status grove__ensemble_init(grove__ensemble *e, const grove_allocator *a, size_t room)
{
  *e = (grove__ensemble){.allocator = *a, .room = room, .divide = 1};
  size_t bytes;
  if (!grove__multiply(room, sizeof *e->trees, &bytes) ||
      !(e->trees = grove__alloc_zero(a, bytes))) {
    return GROVE_ENOMEM;
  }
  return GROVE_OK;
}

void grove__ensemble_deinit(grove__ensemble *e)
{
  if (e->trees) {
    for (size_t t = 0; t < e->room; t++) {
      grove__free(&e->allocator, e->trees[t].nodes, e->trees[t].count * sizeof(grove__node));
    }
    grove__free(&e->allocator, e->trees, e->room * sizeof *e->trees);
    *e = (grove__ensemble){.divide = 1};
  }
}

grove_status grove__tree_copy(
    const grove_allocator *a, const grove__node *nodes, size_t count, grove__tree *out)
{
  grove__node *to = grove__alloc_array(a, count, sizeof *to);
  if (!to) {
    return GROVE_ENOMEM;
  }
  size_t used = 1;
  to[0] = nodes[0];
  // Each pair of children is copied when its parent is met; the copies are met in their turn. So the new
  // numbers depend on the tree's shape only, not on who grew which part of it.
  for (size_t i = 0; i < used; i++) {
    if (to[i].left) {
      memcpy(to + used, nodes + to[i].left, 2 * sizeof *to);
      to[i].left = (uint32_t)used;
      used += 2;
    }
  }
  GROVE__ASSERT(used == count);
  *out = (grove__tree){to, count};
  return GROVE_OK;
}
