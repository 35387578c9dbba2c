// Lists, maps and what is in them: the schema's tree as Arrow has it, and arrays from levels (Melnik and others 2010).
#ifndef GROVE_PARQUET_NEST_H
#define GROVE_PARQUET_NEST_H
#include "columnar/build.h"
#include "parquet/footer.h"
#include "parquet/scan.h"

typedef enum grove__branch_kind {
  GROVE__BRANCH_LEAF,
  GROVE__BRANCH_STRUCT,
  GROVE__BRANCH_LIST, // one child
  GROVE__BRANCH_MAP   // a list of structs of key and value
} grove__branch_kind;

/// An entry of a leaf's levels has a place in a branch's array if its definition level is slot_def at least (what the
/// branch stands in has an item there) and its repetition level slot_rep at most (it begins that item).
struct grove__branch {
  const char *name;
  uint8_t kind;
  bool optional; ///< can be null
  bool required; ///< a map's entries and keys
  uint8_t def;   ///< definition level from which on it is not null
  uint8_t slot_def, slot_rep;
  size_t leaf; ///< the first leaf in it
  size_t n_leaves;
  size_t n;
  struct grove__branch *children;
};

/// Makes the trees of all columns that have something repeated in them, in footer.nests. false: no memory
bool grove__nests_plan(grove__footer *f, const grove__element *elements, size_t n);
/// The array of a branch with `rows` rows, from the sinks of its leaves; sinks[0] is that of leaf branch->leaf. What was built is in *out also on failure, for grove__columns_free.
/// Returns: GROVE_ECORRUPT: the leaves' levels don't fit each other; GROVE_ELIMIT
grove_status grove__nest_build(const grove__branch *b, const grove__footer *f, grove__sink *sinks,
    grove__budget *budget, uint64_t rows, grove__column *out, grove_error *err);
#endif
