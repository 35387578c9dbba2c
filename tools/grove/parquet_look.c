#include "parquet_look.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_columns(parquet_look *l, const char *text)
{
  size_t n = 0;
  free(l->column_text);
  l->column_text = cli_format("%s", text);
  l->columns = cli_grow(l->columns, strlen(text) + 2, sizeof *l->columns);
  char *rest = NULL;
  for (char *p = strtok_r(l->column_text, ",", &rest); p; p = strtok_r(NULL, ",", &rest)) {
    l->columns[n++] = p;
  }
  l->columns[n] = NULL;
}

static int take_option(parquet_look *l, int option, const char *value)
{
  switch (option) {
  case LOOK_COLUMNS:
    take_columns(l, value);
    return l->columns[0] ? EXIT_GOOD : cli_fail(EXIT_USAGE, "--columns names no column");
  case LOOK_CSV: l->csv = true; return EXIT_GOOD;
  case LOOK_JSONL: l->jsonl = true; return EXIT_GOOD;
  case LOOK_ROWS: return cli_parse_count("rows", value, 0, INT64_MAX, &l->rows) ? EXIT_GOOD : EXIT_USAGE;
  case LOOK_JSON: l->json = true; return EXIT_GOOD;
  default: l->no_crc = true; return EXIT_GOOD;
  }
}

int look_options(parquet_look *l, const cli_command *c, const int *which, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  int option;
  while ((option = cli_next(&walk)) >= 0) {
    int code = take_option(l, which[option], walk.value);
    if (code) {
      return code;
    }
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (argc == walk.first) {
    return cli_fail(EXIT_USAGE, "a FILE is needed");
  }
  if (l->csv && l->jsonl) {
    return cli_fail(EXIT_USAGE, "--csv and --jsonl are given: one of them is wanted");
  }
  l->paths = argv + walk.first;
  l->n_paths = (size_t)(argc - walk.first);
  return EXIT_GOOD;
}

// ---- files ----------------------------------------------------------------------------------------

int look_fail(const parquet_look *l, grove_status s, grove_error *err)
{
  char text[sizeof err->text];
  // A file that is there and has no such column: the name is wrong, not the file.
  bool usage = s == GROVE_ENOENT && l->in.read_at;
  if (!strstr(err->text, l->path)) {
    snprintf(text, sizeof text, "%.150s: %.280s", l->path,
        err->text[0] ? err->text : grove_status_text(s));
    memcpy(err->text, text, sizeof text);
  }
  return usage ? cli_fail(EXIT_USAGE, "%s", err->text) : cli_fail_with(s, err);
}

static grove_status open_look(parquet_look *l, grove_error *err)
{
  grove_parquet_options o = {
      GROVE_PARQUET, .columns = l->columns, .no_crc = l->no_crc, .salvage = l->salvage};
  l->in.struct_size = sizeof l->in;
  grove_status s = cli_store_open(NULL, &l->store, err);
  if (!s) {
    s = grove_store_source(l->store, l->paths[l->at], &l->in, err);
  }
  return s ? s : grove_parquet_open(&l->in, &o, &l->file, err);
}

static void close_look(parquet_look *l)
{
  grove_parquet_close(l->file);
  if (l->in.close) {
    l->in.close(l->in.user);
  }
  grove_store_close(l->store);
  free(l->path);
  l->path = NULL;
  l->file = NULL;
  l->in = (grove_source){0};
  l->store = NULL;
}

int look_each(parquet_look *l, bool go_on, int (*fn)(parquet_look *l, void *user), void *user)
{
  int first = EXIT_GOOD;
  for (l->at = 0; l->at < l->n_paths && (go_on || !first); l->at++) {
    l->error = (grove_error){0};
    l->path = cli_shown_url(l->paths[l->at]);
    l->failed = open_look(l, &l->error);
    int code = l->failed && !l->salvage ? look_fail(l, l->failed, &l->error) : fn(l, user);
    close_look(l);
    first = first ? first : code;
  }
  return first;
}

void look_drop(parquet_look *l)
{
  free(l->columns);
  free(l->column_text);
}
