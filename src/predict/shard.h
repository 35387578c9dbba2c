// One shard: a Parquet file, read group by group; a CSV, or a table, which is one group. Any number of threads may read it.
#ifndef GROVE_PREDICT_SHARD_H
#define GROVE_PREDICT_SHARD_H
#include <grove/parquet.h>

typedef struct grove__shard grove__shard;

/// Opens `url`. `names` (n of them) are the columns that are wanted: found exactly, else without regard to case
/// if just one matches. `read` gives limits and the rule by which groups are left out; its columns and work are not
/// looked at, its formats are by column as grove_parquet_options has them.
/// Ownership: `store`, `names` and formats must outlive the shard.
/// Returns:   GROVE_ENOENT: no such file, or no such column (err names it and lists the ones there are)
grove_status grove__shard_open(grove_store *store, const char *url,
    const grove_parquet_options *read, const char *const *names, size_t n, grove__shard **out,
    grove_error *err);
/// Other columns of a shard that is open, and outlives this one: it is not opened once more.
grove_status grove__shard_open_beside(const grove__shard *of, const grove_parquet_options *read,
    const char *const *names, size_t n, grove__shard **out, grove_error *err);
/// A table as a shard of one group; it gets a count.
/// Ownership: `names` and `formats` (may be NULL) must outlive the shard. Returns: GROVE_ENOENT
grove_status grove__shard_of_table(grove_table *t, const char *const *names,
    const char *const *formats, size_t n, grove__shard **out, grove_error *err);
void grove__shard_close(grove__shard *s); ///< NULL: nothing
/// Size of the file; rows it says it has (a CSV is read whole to know).
uint64_t grove__shard_bytes(const grove__shard *s);
uint64_t grove__shard_rows(const grove__shard *s);
size_t grove__shard_groups(const grove__shard *s);
/// Tells the source that groups from `group` on will be read: some at once if they are small, so that a server is asked once
/// for them. Gives the first that was not told of. The source may have no ear for it.
size_t grove__shard_will_read(const grove__shard *s, size_t group);
/// About what scoring its largest row group costs: rows, bytes that are held while it is read, and bytes of its columns.
typedef struct grove__shard_size {
  uint64_t rows, reads, holds;
} grove__shard_size;
grove_status grove__shard_measure(const grove__shard *s, grove__shard_size *out, grove_error *err);
/// All columns that the file has, also those that are not wanted: lines "NAME TAB FORMAT", to be freed as a copied text.
grove_status grove__shard_columns(
    const grove__shard *s, const grove_parquet_options *read, char **out, grove_error *err);
/// What the store says of its version; "": nothing.
const char *grove__shard_version(const grove__shard *s);

/// One walk over a group, batch by batch. The shard must outlive it.
typedef struct grove__cursor grove__cursor;
grove_status grove__cursor_open(
    const grove__shard *s, size_t group, grove__cursor **out, grove_error *err);
void grove__cursor_close(grove__cursor *c); ///< NULL: nothing
/// The next batch, one count, the caller's; NULL at the end. columns[i] (n of them) is where names[i] is in it.
grove_status grove__cursor_next(
    grove__cursor *c, grove_table **out, size_t *columns, grove_error *err);
/// A whole group at once: the columns that were wanted, called names[i]. `group` of SIZE_MAX: the columns without rows, of a
/// CSV or table with them. Returns: GROVE_ENOTSUP: of a CSV or table, another format than is wanted
grove_status grove__shard_read(
    const grove__shard *s, size_t group, grove_table **out, grove_error *err);
#endif
