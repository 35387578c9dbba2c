#include "duckdb_query.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// As duckdb.h has it (1.4 and newer): only the last member means something, and it is passed by value.
typedef struct duckdb_result {
  uint64_t old_columns, old_rows, old_changed;
  void *old_column_list;
  char *old_error;
  void *internal;
} duckdb_result;

// The functions that are wanted: result, name, parameters.
#define FUNCTIONS(F)                                                                               \
  F(int, open, (const char *path, void **database))                                                \
  F(void, close, (void **database))                                                                \
  F(int, connect, (void *database, void **connection))                                             \
  F(void, disconnect, (void **connection))                                                         \
  F(int, query, (void *connection, const char *sql, duckdb_result *out))                           \
  F(const char *, result_error, (duckdb_result *))                                                 \
  F(void, destroy_result, (duckdb_result *))                                                       \
  F(uint64_t, column_count, (duckdb_result *))                                                     \
  F(const char *, column_name, (duckdb_result *, uint64_t column))                                 \
  F(void *, column_logical_type, (duckdb_result *, uint64_t column))                               \
  F(void, destroy_logical_type, (void **type))                                                     \
  F(void *, result_get_arrow_options, (duckdb_result *))                                           \
  F(void, destroy_arrow_options, (void **options))                                                 \
  F(void *, to_arrow_schema,                                                                       \
      (void *options, void **types, const char **names, uint64_t n, struct ArrowSchema *out))      \
  F(void *, fetch_chunk, (duckdb_result))                                                          \
  F(void, destroy_data_chunk, (void **chunk))                                                      \
  F(void *, data_chunk_to_arrow, (void *options, void *chunk, struct ArrowArray *out))             \
  F(bool, error_data_has_error, (void *error))                                                     \
  F(const char *, error_data_message, (void *error))                                               \
  F(void, destroy_error_data, (void **error))

struct duckdb {
  void *library, *database, *connection;
#define MEMBER(result, name, parameters) result(*name) parameters;
  FUNCTIONS(MEMBER)
};

// ---- the library ----------------------------------------------------------------------------------

// A function's address, by way of memory: C knows no cast from an object's pointer.
static bool find(void *library, const char *name, void *function, char *why, size_t room)
{
  void *address = dlsym(library, name);
  memcpy(function, &address, sizeof address);
  if (!address) {
    snprintf(why, room, "it has no %s: DuckDB 1.4 or newer is wanted", name);
  }
  return address != NULL;
}

static bool find_all(duckdb *d, char *why, size_t room)
{
#define FIND(result, name, parameters)                                                             \
  if (!find(d->library, "duckdb_" #name, &d->name, why, room)) {                                   \
    return false;                                                                                  \
  }
  FUNCTIONS(FIND)
  return true;
}

duckdb *duckdb_load(const char *library, char *why, size_t room)
{
  static const char *const usual[] = {"libduckdb.so", "libduckdb.dylib"};
  duckdb *d = calloc(1, sizeof *d);
  if (!d) {
    snprintf(why, room, "no memory");
    return NULL;
  }
  for (size_t i = 0; !d->library && i < (library ? 1 : 2); i++) {
    d->library = dlopen(library ? library : usual[i], RTLD_LAZY | RTLD_LOCAL);
  }
  if (!d->library) {
    const char *words = dlerror();
    snprintf(why, room, "%s", library && words ? words : "libduckdb.so is not among the libraries");
  } else if (find_all(d, why, room)) {
    if (d->open(NULL, &d->database) == 0 && d->connect(d->database, &d->connection) == 0) {
      return d;
    }
    snprintf(why, room, "a database in memory can't be opened");
  }
  duckdb_unload(d);
  return NULL;
}

void duckdb_unload(duckdb *d)
{
  if (!d) {
    return;
  }
  if (d->connection) {
    d->disconnect(&d->connection);
  }
  if (d->database) {
    d->close(&d->database);
  }
  if (d->library) {
    dlclose(d->library);
  }
  free(d);
}

// ---- the stream -----------------------------------------------------------------------------------

typedef struct query {
  duckdb *d;
  duckdb_result result;
  void *options; // how DuckDB's types become Arrow's
  char error[256];
} query;

// Takes DuckDB's error, if it is one. Gives an errno.
static int settle(query *q, void *error)
{
  int code = 0;
  if (error && q->d->error_data_has_error(error)) {
    snprintf(q->error, sizeof q->error, "%s", q->d->error_data_message(error));
    code = EIO;
  }
  if (error) {
    q->d->destroy_error_data(&error);
  }
  return code;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
  query *q = stream->private_data;
  uint64_t n = q->d->column_count(&q->result);
  void **types = calloc(n ? n : 1, sizeof *types);
  const char **names = calloc(n ? n : 1, sizeof *names);
  int code = ENOMEM;
  if (types && names) {
    for (uint64_t i = 0; i < n; i++) {
      types[i] = q->d->column_logical_type(&q->result, i);
      names[i] = q->d->column_name(&q->result, i);
    }
    code = settle(q, q->d->to_arrow_schema(q->options, types, names, n, out));
    for (uint64_t i = 0; i < n; i++) {
      q->d->destroy_logical_type(&types[i]);
    }
  }
  free(types);
  free(names);
  return code;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
  query *q = stream->private_data;
  void *chunk = q->d->fetch_chunk(q->result);
  memset(out, 0, sizeof *out); // the end, unless there is more
  if (!chunk) {
    return 0;
  }
  int code = settle(q, q->d->data_chunk_to_arrow(q->options, chunk, out));
  q->d->destroy_data_chunk(&chunk);
  return code;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
  query *q = stream->private_data;
  return q->error[0] ? q->error : NULL;
}

static void release(struct ArrowArrayStream *stream)
{
  query *q = stream->private_data;
  q->d->destroy_arrow_options(&q->options);
  q->d->destroy_result(&q->result);
  free(q);
  memset(stream, 0, sizeof *stream);
}

bool duckdb_stream(duckdb *d, const char *sql, struct ArrowArrayStream *out, char *why, size_t room)
{
  query *q = calloc(1, sizeof *q);
  if (!q) {
    snprintf(why, room, "no memory");
    return false;
  }
  q->d = d;
  if (d->query(d->connection, sql, &q->result) != 0) {
    snprintf(why, room, "%s", d->result_error(&q->result));
    d->destroy_result(&q->result);
    free(q);
    return false;
  }
  q->options = d->result_get_arrow_options(&q->result);
  *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, q};
  return true;
}
