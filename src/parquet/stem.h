// The schema that is written: a tree of stems, the ways to its leaves, and what a leaf's page is of a nested column.
#ifndef GROVE_PARQUET_STEM_H
#define GROVE_PARQUET_STEM_H
#include "columnar/build.h"
#include "parquet/arena.h"
#include "parquet/out.h"
#include "parquet/target.h"

#define GROVE__LIST_GROUP "list"
#define GROVE__MAP_GROUP "key_value"

typedef enum grove__stem_kind {
  GROVE__STEM_LEAF,
  GROVE__STEM_STRUCT,
  GROVE__STEM_LIST, // one child
  GROVE__STEM_MAP   // one child, its entries: a struct of key and value
} grove__stem_kind;

typedef struct grove__stem {
  const char *name; ///< in the file; that of a list's item is "element", whatever Arrow calls it
  const char *path; ///< dotted, from the column on: what errors call it
  const char *format;
  uint8_t kind;
  bool optional;
  uint8_t def; ///< definition level from which on it is not null
  uint8_t rep; ///< how many lists and maps it is in, itself included: the repetition level of a further item
  size_t n;
  struct grove__stem *children;
  grove__target target; ///< of a leaf
} grove__stem;

/// From a column to one of its leaves.
typedef struct grove__way {
  size_t column, depth; ///< depth 1: the column is flat
  const grove__stem **stems; ///< the last is the leaf
} grove__way;

static inline const grove__stem *grove__way_leaf(const grove__way *w)
{
  return w->stems[w->depth - 1];
}

/// Makes a column's stem, named as in the view. All of it is in the arena.
/// Returns: GROVE_ENOTSUP: a format that has no place in a file, or a struct of nothing; GROVE_ELIMIT: too deep
grove_status grove__stem_make(
    grove__arena *a, const grove__column_view *v, grove__stem *out, grove_error *err);
size_t grove__stem_leaves(const grove__stem *s);
/// The ways to a stem's leaves, in order. false: no memory
bool grove__stem_ways(grove__arena *a, const grove__stem *s, size_t column, grove__way *out);
/// Whether a column has the stem's formats and the names of its structs' fields.
bool grove__stem_fits(const grove__stem *s, const grove__column_view *v);
/// Views of the way's stems, of a column that fits it: `depth` of them.
void grove__way_views(const grove__way *w, const grove_table *t, grove__column_view *out);

/// Levels of some rows of a leaf, and which of its rows have a place: pairs of the first and how many.
typedef struct grove__shreds {
  grove__out reps, defs; ///< uint32_t each, one an entry
  grove__out ranges;     ///< grove__leaf_range
} grove__shreds;
typedef struct grove__leaf_range {
  uint64_t from, n;
} grove__leaf_range;

/// Takes rows [from, from + n) of a way's column apart (Melnik and others 2010).
/// Returns: GROVE_EINVAL: a null where the column says there is none
grove_status grove__shred(const grove__way *w, const grove__column_view *views, uint64_t from,
    uint64_t n, grove__shreds *out, grove_error *err);
/// The leaf's rows that rows [from, from + n) of the column take, at most.
grove__leaf_range grove__shred_range(
    const grove__way *w, const grove__column_view *views, uint64_t from, uint64_t n);
#endif
