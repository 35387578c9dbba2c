// The writer of lines from the inside: a tree of what is printed, and a buffer that goes to the caller's put.
#ifndef GROVE_COLUMNAR_LINES_H
#define GROVE_COLUMNAR_LINES_H
#include "columnar/value_text.h"

typedef enum grove__node_kind {
  GROVE__NODE_VALUE,
  GROVE__NODE_DICTIONARY, // one child: the values
  GROVE__NODE_STRUCT,
  GROVE__NODE_LIST,       // offsets of 4 bytes; one child
  GROVE__NODE_LARGE_LIST, // of 8
  GROVE__NODE_FIXED_LIST, // `size` items each
  GROVE__NODE_MAP         // one child: a struct of key and value
} grove__node_kind;

/// A column or what is in one.
typedef struct grove__node {
  grove__node_kind kind;
  grove__value_type type; ///< of a value, or of a dictionary's codes
  int64_t size;
  size_t name, name_bytes; ///< in grove_lines.names
  size_t first, n;         ///< children are nodes [first, first + n)
} grove__node;

struct grove_lines {
  grove_lines_options options;
  grove__budget budget;
  char delimiter, quote;
  grove__buffer names, nodes, out;
  size_t n; ///< columns: nodes [1, 1 + n); node 0 is the row
};

static inline const grove__node *grove__node_at(const grove_lines *l, size_t i)
{
  return (const grove__node *)(const void *)l->nodes.p + i;
}

/// Builds the tree of a table's schema (lines_tree.c).
grove_status grove__lines_plan(grove_lines *l, const struct ArrowSchema *schema, grove_error *err);
/// Whether an array has the buffers and children that the tree says (lines_tree.c).
grove_status grove__lines_check(
    const grove_lines *l, const struct ArrowArray *batch, grove_error *err);
/// Appends bytes to the buffer.
grove_status grove__lines_put(grove_lines *l, const void *bytes, size_t n);
#endif
