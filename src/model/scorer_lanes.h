// The top of a tree as byte lanes walk it: 64 rows at once, each at a node of its own, whose bytes are looked up in
// tables by the path that the row has taken. Bit l of a path is the side at level l, the first lowest; the nodes of
// level l stand at 2^l + path. A leaf above the last level goes on to the left.
//
// A small tree that is deep, or has few leaves, is walked by the numbers of its nodes instead: a byte a row, and a table
// more, of left children. All its levels are as level 0.
#ifndef GROVE_MODEL_SCORER_LANES_H
#define GROVE_MODEL_SCORER_LANES_H
#include "model/scorer.h"

enum {
  GROVE__LANE_COLUMNS = 64,  // that a level may look at: their place has 6 bits of a node's byte
  GROVE__LANE_MISSING = 128, // in a node's byte: sends the missing left
  GROVE__LANE_SET = 64       // splits by a set, whose number is where the threshold is
};

typedef struct grove__lane_level {
  uint16_t columns;  // how many it looks at; 0: none splits here
  uint16_t list;     // where they begin in `lists`
  uint8_t missing;   // some node sends the missing left
  uint8_t set_shift; // sets have 1 << set_shift bytes
  uint16_t sets;     // of each half of the paths (bit 8); 0: no node has one
  uint32_t table;    // where the sets are
} grove__lane_level;

/// Offsets are from the beginning of this.
typedef struct grove__lane_tree {
  uint32_t depth;
  uint32_t by_number;
  uint32_t bits;  // of a path's, or a node's, number
  uint32_t whole; // all paths end at leaves
  uint32_t child; // by number
  uint32_t threshold, column, lists;
  uint32_t leaf;  // floats or doubles by path, if whole
  uint32_t plane; // bytes of floats by path, if planes are wanted; a plane has plane_bytes
  uint32_t plane_bytes;
  uint32_t exit; // node by path, if not whole
  grove__lane_level level[GROVE__LANE_DEPTH];
} grove__lane_tree;

// The tables are known to the compiler only if everything is in one function.
#if defined(__GNUC__)
#define GROVE__INLINE static inline __attribute__((always_inline))
#else
#define GROVE__INLINE static inline
#endif

static inline const grove__lane_tree *grove__lane_tree_of(
    const grove__scorer *s, const grove__score_tree *t)
{
  return (const grove__lane_tree *)(const void *)(s->lanes + t->lanes);
}

/// Sums of floats that are added from planes stand in another order: the two middle pairs of a row's bits exchanged.
static inline size_t grove__lane_place(const grove__scorer *s, size_t row)
{
  return s->planes ? (row & ~(size_t)60) | (row & 12) << 2 | (row & 48) >> 2 : row;
}
#endif
