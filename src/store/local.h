// Local files: what store.c sends here once it knows that a url names one. `path` is always a plain path.
#ifndef GROVE_STORE_LOCAL_H
#define GROVE_STORE_LOCAL_H
#include <grove/store.h>

typedef grove_status grove__list_fn(void *user, const char *url, uint64_t bytes);

/// A file, a folder (its *.parquet files and those of the folders in it) or a pattern.
grove_status grove__local_list(
    const grove_allocator *a, const char *path, grove__list_fn *fn, void *user, grove_error *err);
grove_status grove__local_source(
    const grove_allocator *a, const char *path, grove_source *out, grove_error *err);
/// `fresh`: only where nothing is by the commit, which else is GROVE_EEXIST.
grove_status grove__local_write(
    const grove_allocator *a, const char *path, bool fresh, grove_sink *out, grove_error *err);
/// Fills *err from an errno: ENOENT and ENOTDIR become GROVE_ENOENT, ENOMEM its own, the rest GROVE_EIO.
grove_status grove__local_error(
    grove_error *err, int code, int64_t at, const char *doing, const char *path);
#endif
