// An open file.
#ifndef GROVE_PARQUET_FILE_H
#define GROVE_PARQUET_FILE_H
#include "columnar/build.h"
#include "columnar/rule.h"
#include "parquet/footer.h"
#include "parquet/nest.h"
#include "parquet/scan.h"
#include <grove/parquet.h>

struct grove_parquet {
  grove_allocator allocator;
  grove_source source;
  grove_parquet_options
      options; ///< its pointers are not kept, but for `work`, which is &work or NULL
  grove_work work;
  grove__footer footer;
  uint64_t footer_at;
  size_t *selected;     ///< numbers of leaves; of a nested column, its first
  const grove__branch **nests; ///< of the selected ones: what they are if they are nested, else NULL
  const char **formats; ///< NULL, or what the selected ones are cast to; NULL in it: nothing
  const char **names;   ///< what the selected ones are called in tables
  size_t n_selected;
  size_t read_ahead;    ///< bytes that one look of a scan at the file brings at least
  size_t n_read;        ///< the selected ones, and behind them those that only the rule wants
  grove__rule *rule;    ///< NULL: none
  size_t *rule_columns; ///< where in `selected` the rule's columns are
};

/// What `columns` asks for (NULL: all) to `selected`, `nests` and `names`, and what `formats` wants of them (select.c);
/// only while the file is opened.
/// Returns: GROVE_ENOENT: no column of that name, or more than one; GROVE_ENOTSUP: not read by itself, or not cast
grove_status grove__parquet_select(
    grove_parquet *p, const char *const *columns, grove_error *err);
grove_status grove__parquet_formats(
    grove_parquet *p, const char *const *formats, grove_error *err);
/// The leaf that a rule calls so, likewise. GROVE_ENOTSUP: it is nested
grove_status grove__parquet_find(
    const grove_parquet *p, const char *name, size_t *out, grove_error *err);
/// Checks [first, first + n) against the row groups; n 0: to the end. *end gets the group after the last.
grove_status grove__parquet_range(
    const grove_parquet *p, size_t first, size_t n, size_t *end, grove_error *err);
/// How many leaves the i-th selected column has: one, unless it is nested.
static inline size_t grove__parquet_leaves(const grove_parquet *p, size_t i)
{
  return p->nests[i] ? p->nests[i]->n_leaves : 1;
}
/// How many scans all columns that are read take: one a leaf.
size_t grove__parquet_scans(const grove_parquet *p);
/// Turns a scan to its chunk in a row group. Returns: what is wrong with it, if open was not to say so (salvage)
grove_status grove__parquet_start(
    const grove_parquet *p, grove__scan *s, size_t group, grove_error *err);
/// A scan of the k-th leaf of the i-th selected column, with the file's options.
void grove__parquet_scan(
    const grove_parquet *p, size_t i, size_t k, grove__budget *b, grove__scan *s);
const grove__leaf *grove__parquet_leaf(const grove_parquet *p, size_t i);
/// The format that the i-th of the columns that are read is given out in: the declared one, else the file's.
const char *grove__parquet_format(const grove_parquet *p, size_t i);
/// The format that its values have when they were read: the file's, but of INT96 in the unit that is declared. A cast
/// makes the declared one of it.
const char *grove__parquet_read_format(const grove_parquet *p, size_t i);
/// Moves what is in the sinks of a column's leaves to a column of `rows` rows. What was moved is in *out also on
/// failure, for grove__columns_free, and counts in `b` as before (grove__column_held) until that is given back.
/// Returns: GROVE_ECORRUPT; GROVE_ELIMIT
grove_status grove__parquet_build(const grove_parquet *p, size_t i, grove__sink *sinks,
    grove__budget *b, uint64_t rows, grove__column *out, grove_error *err);
/// Casts the i-th column, which was built, to what is declared of it, if that fits memory_bytes beside what `b` counts. Returns: as grove__column_cast; GROVE_ELIMIT
grove_status grove__parquet_cast(const grove_parquet *p, const grove_allocator *a, grove__budget *b,
    grove__column *c, size_t i, uint64_t rows, grove_error *err);
/// The bytes of its buffers and of what is in it.
uint64_t grove__column_held(const grove__column *c);
/// About what a column takes beside its buffers and its scan, with the structs of its export and the heads of its blocks.
uint64_t grove__parquet_frame(const grove_parquet *p, size_t i);
/// Moves what is in a sink to a column of the table to be; the memory counts on.
void grove__sink_give(grove__budget *b, const char *name, const grove__leaf *leaf,
    grove__sink *sink, grove__column *out);
/// A table with the chosen columns and no rows: what their schema is made of.
grove_status grove__parquet_empty(const grove_parquet *p, grove_table **out, grove_error *err);
#endif
