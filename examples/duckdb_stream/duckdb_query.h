// A query of DuckDB as an Arrow stream. DuckDB's C library is loaded while the program runs, so that it builds without.
#ifndef DUCKDB_QUERY_H
#define DUCKDB_QUERY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Arrow's own structs, under Arrow's own guards: a program may have them from elsewhere.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
struct ArrowSchema {
  const char *format, *name, *metadata;
  int64_t flags, n_children;
  struct ArrowSchema **children, *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};
struct ArrowArray {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void **buffers;
  struct ArrowArray **children, *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
  int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
  const char *(*get_last_error)(struct ArrowArrayStream *);
  void (*release)(struct ArrowArrayStream *);
  void *private_data;
};
#endif

/// DuckDB's library and one connection to a database in memory.
typedef struct duckdb duckdb;

/// Loads `library`, or the usual names if it is NULL. NULL: it can't be had; why is in `why`.
duckdb *duckdb_load(const char *library, char *why, size_t room);
/// Runs the query; its chunks come out of the stream, each converted when it is asked for. false: why is in `why`.
bool duckdb_stream(duckdb *d, const char *sql, struct ArrowArrayStream *out, char *why, size_t room);
/// After its streams.
void duckdb_unload(duckdb *d);
#endif
