// One shard, read batch by batch: a Parquet file by its stream, a CSV as a single batch.
#ifndef GROVE_PREDICT_SHARD_H
#define GROVE_PREDICT_SHARD_H
#include <grove/parquet.h>

typedef struct grove__shard grove__shard;

/// Opens `url`. `names` (n of them) are the columns that are wanted: found exactly, else without regard to case
/// if just one matches. `read` gives limits; its columns, rule and work are not looked at.
/// Ownership: `store` and `names` must outlive the shard.
/// Returns:   GROVE_ENOENT: no such file, or no such column (err names it and lists the ones there are)
grove_status grove__shard_open(grove_store *store, const char *url,
    const grove_parquet_options *read, const char *const *names, size_t n, grove__shard **out,
    grove_error *err);
void grove__shard_close(grove__shard *s); ///< NULL: nothing
/// Size of the file; rows it says it has (a CSV is read whole to know).
uint64_t grove__shard_bytes(const grove__shard *s);
uint64_t grove__shard_rows(const grove__shard *s);
/// The next batch, one count, the caller's; NULL at the end. columns[i] (n of them) is where names[i] is in it.
grove_status grove__shard_next(
    grove__shard *s, grove_table **out, size_t *columns, grove_error *err);
#endif
