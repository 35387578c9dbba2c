// Reading trees: what the readers of the forms share.
#ifndef GROVE_MODEL_TREE_FILE_H
#define GROVE_MODEL_TREE_FILE_H
#include "model/model_bytes.h"
#include "model/tree.h"

/// Children must be in the tree and behind their parent: then every walk ends.
bool grove__node_is_good(const grove__ensemble *e, const grove__tree *tree, size_t i);
/// Reads and checks the nodes of one tree. Returns: GROVE_ECORRUPT, GROVE_ENOMEM; the tree may be freed then
grove_status grove__tree_read(
    const grove__ensemble *e, grove__reader *r, uint64_t count, grove__tree *tree);
/// Ends a load: on failure nothing is left to free, and `err` says at which of `room` trees.
grove_status grove__ensemble_load_end(
    grove__ensemble *e, grove_status s, size_t room, grove_error *err);
/// The forms of version 1: our own trees'. Returns: GROVE_ECORRUPT
grove_status grove__ensemble_load_old(
    const grove_allocator *a, const void *bytes, size_t n, grove__ensemble *out, grove_error *err);
/// And those of an imported model.
grove_status grove__imported_load_old(
    const grove_allocator *a, const void *bytes, size_t n, grove__ensemble *out, grove_error *err);
#endif
