// What a rule lets a reader leave out: row groups by statistics and bloom filters, pages by the page index, and batches
// by the rule's own columns, which are decoded first. Nothing is left out that might match; rows are not filtered.
#ifndef GROVE_PARQUET_PRUNE_H
#define GROVE_PARQUET_PRUNE_H
#include "columnar/build.h"
#include "columnar/rule.h"
#include "parquet/cast.h"
#include "parquet/file.h"

/// Rows of a group in pieces between the borders of the pages of the rule's columns. n 0: nothing is known.
typedef struct grove__pieces {
  grove__block block;
  uint64_t *ends; ///< row after the last of each piece; ascending, the last is the group's rows
  bool *may;      ///< whether a row of it may match
  size_t n;
} grove__pieces;

/// Parses the rule and finds its columns; those that were not asked for are read, too, behind the others.
/// Returns: GROVE_EINVAL: the rule; GROVE_ENOENT: its column; GROVE_ENOTSUP: a comparison with what is no number
grove_status grove__prune_open(grove_parquet *p, const char *rule, grove_error *err);
void grove__prune_close(grove_parquet *p);
/// Whether a row of the group may match, by what the footer says and by bloom filters. *may is true in doubt.
grove_status grove__prune_group(
    const grove_parquet *p, grove__budget *b, size_t group, bool *may, grove_error *err);
/// The same by the footer alone: nothing is read.
bool grove__prune_may(const grove_parquet *p, size_t group);
/// Fills the pieces of a group. A page index that is missing or damaged gives none: it is a help, not the data.
grove_status grove__prune_pieces(
    const grove_parquet *p, grove__budget *b, size_t group, grove__pieces *out, grove_error *err);
bool grove__pieces_may(const grove__pieces *pieces, uint64_t from, uint64_t rows);
/// Whether a row of a batch matches. `columns` are all that are read; the rule's are there.
bool grove__prune_matches(const grove_parquet *p, const grove__column *columns, size_t rows);

/// The rows [*first, …) of page i of an index, and what it says of them.
typedef struct grove__page_index {
  size_t n;
  uint64_t *first;
  grove__bounds *bounds;
} grove__page_index;

/// Reads a chunk's page index into blocks of `block`; n 0: there is none, or it is damaged.
grove_status grove__page_index_read(const grove_parquet *p, grove__budget *b, size_t group,
    size_t leaf, grove__block *block, grove__page_index *out, grove_error *err);
/// Whether the chunk's bloom filter lets the number, which `units` made of a value, be among its values; true in doubt.
grove_status grove__bloom_may_have(const grove_parquet *p, grove__budget *b, const grove__chunk *c,
    const grove__leaf *leaf, grove__units units, double number, bool *may, grove_error *err);
#endif
