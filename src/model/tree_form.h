// The trees' part of a model file, as this version writes it (2). All numbers little-endian; the file puts it on a
// multiple of 16 bytes, so that a mapped file's nodes can be used where they are.
//   u32 tag "GRT2", u32 arithmetic, u32 link, u32 features, u32 trees, u32 words, u32 gains (0, or as features),
//   u32 zero, double base, double divide, double scale, u64 zero; 64 bytes so far
//   u64 nodes of each tree, and one zero more if their number is odd
//   the nodes, 16 bytes each (tree.h): double value, u32 feature and flags, of a leaf its weight, u32 left child
//   double gain of each feature; u32 words of the sets of categories
#ifndef GROVE_MODEL_TREE_FORM_H
#define GROVE_MODEL_TREE_FORM_H
#include <grove/base.h>

enum { GROVE__TREES_TAG = 0x32545247, GROVE__TREES_HEAD = 64, GROVE__TREES_ALIGN = 16 };
#endif
