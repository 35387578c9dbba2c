// What the commands that look into Parquet files share: their options, and files one behind the other.
#ifndef GROVE_TOOL_PARQUET_LOOK_H
#define GROVE_TOOL_PARQUET_LOOK_H
#include "cli.h"
#include "cli_store.h"

// Options that several sub-commands have.
#define CRC_OPTION                                                                                 \
  {                                                                                                \
    "no-crc", NULL, "don't look at the checksums of pages", 0, false                               \
  }
#define JSON_OPTION                                                                                \
  {                                                                                                \
    "json", NULL, "one JSON document a file", 0, false                                      \
  }

/// The option's meaning, by what the sub-command has of them.
enum { LOOK_COLUMNS, LOOK_CSV, LOOK_JSONL, LOOK_ROWS, LOOK_JSON, LOOK_NO_CRC };

typedef struct parquet_look {
  char **paths;
  size_t n_paths;
  const char **columns; // NULL-ended; NULL: all
  char *column_text;    // what `columns` points into
  uint64_t rows;        // head: how many
  bool csv, jsonl, json, no_crc;
  bool salvage;         // files that can't be opened are handed over, too, and others also if chunks are known to be bad
  // the file at hand
  char *path; // as it may be said: paths[at] without secrets
  size_t at; // its place among the paths
  grove_store *store;
  grove_source in;
  grove_parquet *file; // NULL: it could not be opened (salvage)
  grove_status failed; // why
  grove_error error;
} parquet_look;

/// Reads a sub-command's options, of which `which` says the meanings, and the names of files. Gives an exit code.
int look_options(parquet_look *l, const cli_command *c, const int *which, int argc, char **argv);
/// Opens each file and hands it to `fn`, which gives an exit code. A failure ends it or, with go_on, is what is given in
/// the end; the first one is.
int look_each(parquet_look *l, bool go_on, int (*fn)(parquet_look *l, void *user), void *user);
/// Says what is wrong with the file at hand.
int look_fail(const parquet_look *l, grove_status s, grove_error *err);
/// Frees what the options took.
void look_drop(parquet_look *l);

/// schema, meta, stats (parquet_footer.c).
int run_parquet_schema(const cli_command *c, int argc, char **argv);
int run_parquet_meta(const cli_command *c, int argc, char **argv);
int run_parquet_stats(const cli_command *c, int argc, char **argv);
#endif
