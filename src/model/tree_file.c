// Trees in a model file: all numbers little-endian.
//   u32 features, u32 trees, double base, double divide, u64 nodes of each tree, then the nodes, 16 bytes each:
//   double value, u32 feature and direction of the missing, u32 left child (0: a leaf)
#include "base/error.h"
#include "base/status.h"
#include "model/model_bytes.h"
#include "model/tree.h"

enum { NODE_BYTES = 16 };

grove_status grove__ensemble_save(
    const grove__ensemble *e, void *sink, grove_status (*put)(void *sink, const void *, size_t))
{
  grove__writer w = {.sink = sink, .put = put};
  grove__write_u32(&w, e->features);
  grove__write_u32(&w, (uint32_t)e->count);
  grove__write_double(&w, e->base);
  grove__write_double(&w, e->divide);
  for (size_t t = 0; t < e->count; t++) {
    grove__write_u64(&w, e->trees[t].count);
  }
  for (size_t t = 0; t < e->count; t++) {
    for (size_t i = 0; i < e->trees[t].count; i++) {
      const grove__node *n = &e->trees[t].nodes[i];
      grove__write_double(&w, n->value);
      grove__write_u32(&w, n->feature);
      grove__write_u32(&w, n->left);
    }
  }
  return grove__write_end(&w);
}

// Children must be in the tree and behind their parent: then every walk ends.
static bool read_nodes(grove__reader *r, uint32_t features, grove__tree *tree)
{
  for (size_t i = 0; i < tree->count; i++) {
    grove__node n;
    n.value = grove__read_double(r);
    n.feature = grove__read_u32(r);
    n.left = grove__read_u32(r);
    if ((n.feature & GROVE__NODE_FEATURE) >= features ||
        (n.left && (n.left <= i || n.left >= tree->count - 1))) {
      return false;
    }
    tree->nodes[i] = n;
  }
  return true;
}

static grove_status read_trees(const grove_allocator *a, grove__reader *r, grove__ensemble *e)
{
  grove__reader sizes = *r;
  if (!grove__read_bytes(r, e->room * 8)) {
    return GROVE_ECORRUPT;
  }
  for (size_t t = 0; t < e->room; t++) {
    uint64_t n = grove__read_u64(&sizes);
    if (n == 0 || n > UINT32_MAX || n > r->left / NODE_BYTES) {
      return GROVE_ECORRUPT;
    }
    grove__tree *tree = &e->trees[t];
    tree->nodes = grove__alloc_array(a, (size_t)n, sizeof *tree->nodes);
    if (!tree->nodes) {
      return GROVE_ENOMEM;
    }
    tree->count = (size_t)n;
    e->count++;
    if (!read_nodes(r, e->features, tree)) {
      return GROVE_ECORRUPT;
    }
  }
  return r->left ? GROVE_ECORRUPT : GROVE_OK;
}

grove_status grove__ensemble_load(
    const grove_allocator *a, const void *bytes, size_t n, grove__ensemble *out, grove_error *err)
{
  grove__reader r = {.at = bytes, .left = n};
  uint32_t features = grove__read_u32(&r), trees = grove__read_u32(&r);
  double base = grove__read_double(&r), divide = grove__read_double(&r);
  if (r.failed || features == 0 || trees == 0 || trees > r.left / 8) {
    return grove__error(err, GROVE_ECORRUPT, 0, "the head of the trees is damaged");
  }
  if (grove__ensemble_init(out, a, trees)) {
    return grove__error_memory(err, "trees", (uint64_t)trees * sizeof(grove__tree));
  }
  out->features = features;
  out->base = base;
  out->divide = divide;
  grove_status s = read_trees(a, &r, out);
  if (s) {
    size_t at = out->count;
    grove__ensemble_deinit(out);
    return grove__error(err, s, -1, "tree %zu of %u is damaged", at, trees);
  }
  return GROVE_OK;
}
