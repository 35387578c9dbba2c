// A tree model between the forms: what all readers make and all writers take. The meaning of a node is that of
// model/imported.h.
#ifndef GROVE_EXCHANGE_FOREIGN_H
#define GROVE_EXCHANGE_FOREIGN_H
#include "exchange/output.h"
#include "model/imported.h"

typedef struct grove__foreign_tree {
  grove__foreign_node *nodes;
  size_t count;
} grove__foreign_tree;

typedef struct grove__foreign {
  grove_allocator allocator;
  uint32_t library;    // GROVE__ARITHMETIC_*; grove's own trees are as LightGBM's
  uint32_t arithmetic; // the same, but grove's own are as they are; of what a saved form was
  uint32_t link;       // GROVE__LINK_*
  uint32_t features;
  double version; // of the library, 3.002 for 3.2
  double base;    // (base + t0 + t1 ...) / divide
  double divide;
  double scale;
  char **names; // of the features
  grove__foreign_tree *trees;
  size_t tree_count;
  size_t tree_room;
  double *gain; // of each feature, over its splits; NULL: not known
  uint32_t *words;
  size_t word_count;
  size_t word_room;
} grove__foreign;

/// A node as files have them, with children anywhere. left < 0: a leaf.
typedef struct grove__loose_node {
  uint64_t bits;
  uint32_t feature; // with flags
  int64_t left;
  int64_t right;
  double weight; // of a leaf: rows, or whatever they counted as; 0: not known
  double gain;   // of a split
} grove__loose_node;

void grove__foreign_init(grove__foreign *f, const grove_allocator *a);
void grove__foreign_deinit(grove__foreign *f);
/// Room for `n` features, named "f0" and on; `features` is set. Returns: GROVE_ENOMEM
grove_status grove__foreign_features(grove__foreign *f, size_t n, grove_error *err);
grove_status grove__foreign_name(
    grove__foreign *f, size_t feature, const char *name, size_t length, grove_error *err);
/// Adds a tree whose root is node 0, its nodes renumbered level by level. Nodes that can't be reached are left out.
/// Gains are added to the features' if `f->gain` is there.
/// Returns: GROVE_ECORRUPT: a node is its own ancestor or has two parents, or a child or feature is not there
grove_status grove__foreign_add(
    grove__foreign *f, const grove__loose_node *nodes, size_t count, grove_error *err);
/// Adds a set of `count` words, all zero; *first is its place. Returns: GROVE_ELIMIT
grove_status grove__foreign_set(
    grove__foreign *f, size_t count, uint64_t *bits, uint32_t **words, grove_error *err);

/// For each feature whether there is a split by a set of its categories. NULL: no memory; the caller frees it.
bool *grove__foreign_categorical(const grove__foreign *f);
/// The saved form of the model of kind "imported".
grove_status grove__foreign_encode(const grove__foreign *f, grove__output *out, grove_error *err);
/// From a model's saved form: grove's tree learners and what was imported.
/// Returns: GROVE_ENOTSUP: a kind without trees
grove_status grove__foreign_decode(
    const void *bytes, size_t n, grove__foreign *f, grove_error *err);

/// The readers and writers. `f` is initialised, and deinitialised by the caller in any case.
grove_status grove__xgboost_read_json(
    const char *bytes, size_t n, grove__foreign *f, grove_error *err);
grove_status grove__xgboost_read_ubjson(
    const unsigned char *bytes, size_t n, grove__foreign *f, grove_error *err);
grove_status grove__lightgbm_read(const char *bytes, size_t n, grove__foreign *f, grove_error *err);
grove_status grove__xgboost_write(
    const grove__foreign *f, bool binary, grove__output *out, grove_error *err);
grove_status grove__c_write(const grove__foreign *f, grove__output *out, grove_error *err);
grove_status grove__lightgbm_write(const grove__foreign *f, grove__output *out, grove_error *err);

/// What of `f` weighs each node: leaves by their weight, splits by those of their leaves. `weight` has a place a node.
void grove__foreign_weights(const grove__foreign_tree *tree, double *weight);

static inline uint64_t grove__bits_of(double v)
{
  union {
    double v;
    uint64_t bits;
  } u = {.v = v};
  return u.bits;
}
static inline double grove__double_of(uint64_t bits)
{
  union {
    uint64_t bits;
    double v;
  } u = {.bits = bits};
  return u.v;
}
#endif
