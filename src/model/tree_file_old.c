// Trees of model files of version 1: they had no weights of leaves, and one form for our own and one for others.
//   Own:      u32 features, u32 trees, double base, double divide, u64 nodes of each tree, the nodes
//   Imported: u32 version of the part (1), u32 arithmetic, u32 link, u32 features, u32 trees, u32 words, double base,
//             double divide, double scale, u64 nodes of each tree, the nodes, u32 words
// Nodes as today's, but for leaves, whose feature was zero.
#include "base/error.h"
#include "base/status.h"
#include "model/tree_file.h"

static grove_status read_trees(grove__ensemble *e, grove__reader *r)
{
  grove__reader sizes = *r;
  if (!grove__read_bytes(r, e->room * 8)) {
    return GROVE_ECORRUPT;
  }
  for (; e->count < e->room; e->count++) {
    grove__tree *tree = &e->trees[e->count];
    GROVE__TRY(grove__tree_read(e, r, grove__read_u64(&sizes), tree));
    for (size_t i = 0; i < tree->count; i++) {
      tree->nodes[i].feature = tree->nodes[i].left ? tree->nodes[i].feature : 0;
    }
  }
  e->words = grove__alloc_array(&e->allocator, e->word_count, sizeof *e->words);
  if (!e->words) {
    return GROVE_ENOMEM;
  }
  for (size_t i = 0; i < e->word_count; i++) {
    e->words[i] = grove__read_u32(r);
  }
  return r->failed || r->left ? GROVE_ECORRUPT : GROVE_OK;
}

grove_status grove__ensemble_load_old(
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
  return grove__ensemble_load_end(out, read_trees(out, &r), trees, err);
}

grove_status grove__imported_load_old(
    const grove_allocator *a, const void *bytes, size_t n, grove__ensemble *out, grove_error *err)
{
  enum { VERSION = 1 };
  grove__reader r = {.at = bytes, .left = n};
  uint32_t version = grove__read_u32(&r), arithmetic = grove__read_u32(&r);
  uint32_t link = grove__read_u32(&r), features = grove__read_u32(&r);
  uint32_t trees = grove__read_u32(&r), words = grove__read_u32(&r);
  double base = grove__read_double(&r), divide = grove__read_double(&r);
  double scale = grove__read_double(&r);
  if (!r.failed && version != VERSION) {
    return grove__error(err, GROVE_ENOTSUP, 0,
        "trees of another library, in form %u, which this library does not know", version);
  }
  bool library =
      arithmetic == GROVE__ARITHMETIC_XGBOOST || arithmetic == GROVE__ARITHMETIC_LIGHTGBM;
  if (r.failed || !library || link >= GROVE__LINK_COUNT || features == 0 || trees > r.left / 8 ||
      words > r.left / 4) {
    return grove__error(err, GROVE_ECORRUPT, 0, "the head of the trees is damaged");
  }
  if (grove__ensemble_init(out, a, trees)) {
    return grove__error_memory(err, "trees", (uint64_t)trees * sizeof(grove__tree));
  }
  out->arithmetic = arithmetic;
  out->link = link;
  out->features = features;
  out->word_count = words;
  out->base = base;
  out->divide = divide;
  out->scale = scale;
  return grove__ensemble_load_end(out, read_trees(out, &r), trees, err);
}
