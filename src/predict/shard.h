// One shard: a Parquet file, read group by group; a CSV, or a table, which is one group. Any number of threads may read it.
#ifndef GROVE_PREDICT_SHARD_H
#define GROVE_PREDICT_SHARD_H
#include <grove/parquet.h>

typedef struct grove__shard grove__shard;

/// Opens `url`, and reads nothing of it yet but what opening brings along: its size and version are known. `names` (n of them) are the columns that are wanted: found exactly, else without regard to case
/// if just one matches. `read` gives limits and the rule by which groups are left out; its columns and work are not
/// looked at, its formats are by column as grove_parquet_options has them.
/// Ownership: `store`, `names` and formats must outlive the shard.
/// Returns:   GROVE_ENOENT: no such file
grove_status grove__shard_open(grove_store *store, const char *url,
    const grove_parquet_options *read, const char *const *names, size_t n, grove__shard **out,
    grove_error *err);
/// Its columns: a file's footer, all of a CSV. Before it nothing but bytes and version may be asked. Once.
/// Returns:   GROVE_ENOENT: no such column (err names it and lists the ones there are)
grove_status grove__shard_load(grove__shard *s, const grove_parquet_options *read, grove_error *err);
/// About what a load holds meanwhile, in bytes; of a file little: 0.
uint64_t grove__shard_load_bytes(const grove__shard *s);
/// Bytes that stay in memory while it is open: a CSV's table.
uint64_t grove__shard_resident_bytes(const grove__shard *s);
/// A table as a shard of one group; it gets a count.
/// Ownership: `names` must outlive the shard. Returns: GROVE_ENOENT
grove_status grove__shard_of_table(
    grove_table *t, const char *const *names, size_t n, grove__shard **out, grove_error *err);
/// Other columns of a shard that is one of a file (grove__shard_streams): the source stays open.
grove_status grove__shard_reopen(grove__shard *s, const grove_parquet_options *read, const char *const *names,
    size_t n, grove_error *err);
/// The wanted columns' types, of such a shard; released by the caller.
grove_status grove__shard_schema(const grove__shard *s, struct ArrowSchema *out, grove_error *err);
void grove__shard_close(grove__shard *s); ///< NULL: nothing
/// Size of the file; rows it says it has (a CSV is read whole to know).
uint64_t grove__shard_bytes(const grove__shard *s);
uint64_t grove__shard_rows(const grove__shard *s);
size_t grove__shard_groups(const grove__shard *s);
/// Tells the source that groups from `group` on will be read: some at once if they are small, so that a server is asked once
/// for them. Gives the first that was not told of. The source may have no ear for it.
size_t grove__shard_will_read(const grove__shard *s, size_t group);
/// About what scoring its largest row group costs: rows, bytes that are held while it is read, and bytes of some of its columns,
/// kept[0..n_kept) of the names.
typedef struct grove__shard_size {
  uint64_t rows, reads, holds;
} grove__shard_size;
grove_status grove__shard_measure(
    const grove__shard *s, const size_t *kept, size_t n_kept, grove__shard_size *out, grove_error *err);
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
/// The next batch, one count, the caller's; NULL at the end. By name, its columns are at grove__shard_places.
grove_status grove__cursor_next(grove__cursor *c, grove_table **out, grove_error *err);
const size_t *grove__shard_places(const grove__shard *s);
/// Whether a group comes in any number of batches, each of which is gone with the next; else it is one, the shard's own.
bool grove__shard_streams(const grove__shard *s);
/// A batch without rows.
grove_status grove__shard_no_rows(const grove__shard *s, grove_table **out, grove_error *err);
#endif
