// Inputs of the sub-commands: tables, models, folders.
#include "cli.h"
#include "cli_store.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static bool ends_in(const char *text, const char *end)
{
  size_t n = strlen(text), m = strlen(end);
  return n >= m && !strcasecmp(text + n - m, end);
}

static grove_status read_parquet(
    const char *path, const grove_work *work, grove_table **out, grove_error *err)
{
  grove_store *store = NULL;
  grove_parquet *file = NULL;
  grove_source in = {.struct_size = sizeof in};
  grove_parquet_options o = {GROVE_PARQUET, .work = work};
  grove_status s = cli_store_open(NULL, &store, err);
  if (!s) {
    s = grove_store_source(store, path, &in, err);
  }
  if (!s) {
    s = grove_parquet_open(&in, &o, &file, err);
  }
  if (!s) {
    s = grove_parquet_read(file, 0, 0, out, err);
  }
  grove_parquet_close(file);
  if (in.close) {
    in.close(in.user);
  }
  grove_store_close(store);
  return s;
}

// The library's words may name the file already.
static int fail_input(const char *path, grove_status s, grove_error *err)
{
  if (!err->text[0]) {
    snprintf(err->text, sizeof err->text, "%s", grove_status_text(s));
  }
  char *shown = cli_shown_url(path);
  if (!strstr(err->text, shown)) {
    char text[sizeof err->text];
    snprintf(text, sizeof text, "%.150s: %.280s", shown, err->text);
    memcpy(err->text, text, sizeof text);
  }
  free(shown);
  return cli_fail_with(s, err);
}

grove_table *cli_read_table(const char *path, const grove_work *work, int *code)
{
  grove_table *t = NULL;
  grove_error err = {0};
  grove_csv_options csv = {.struct_size = sizeof csv, .work = work};
  grove_status s = ends_in(path, ".parquet") ? read_parquet(path, work, &t, &err)
                                             : grove_csv_read(path, &csv, &t, &err);
  *code = s ? fail_input(path, s, &err) : EXIT_GOOD;
  return t;
}

static grove_status read_model(
    const char *path, grove_store *store, grove_model **out, grove_error *err)
{
  grove_source in = {.struct_size = sizeof in};
  char *bytes = NULL;
  grove_status s = grove_store_source(store, path, &in, err);
  if (!s) {
    bytes = cli_alloc(in.bytes ? (size_t)in.bytes : 1, 1);
    s = in.bytes ? in.read_at(in.user, 0, bytes, (size_t)in.bytes, err) : GROVE_OK;
  }
  if (!s) {
    s = grove_model_import(NULL, bytes, (size_t)in.bytes, out, err);
    s = s == GROVE_ENOENT ? GROVE_ENOTSUP
                          : s; // a kind of model that is not built in, not a missing file
  }
  free(bytes);
  if (in.close) {
    in.close(in.user);
  }
  return s;
}

grove_model *cli_read_model_from(grove_store *store, const char *path, int *code)
{
  grove_model *m = NULL;
  grove_error err = {0};
  grove_status s = read_model(path, store, &m, &err);
  *code = s ? fail_input(path, s, &err) : EXIT_GOOD;
  return m;
}

grove_model *cli_read_model(const char *path, int *code)
{
  grove_model *m = NULL;
  grove_store *store = NULL;
  grove_error err = {0};
  grove_status s = cli_store_open(NULL, &store, &err);
  if (s) {
    *code = fail_input(path, s, &err);
    return NULL;
  }
  m = cli_read_model_from(store, path, code);
  grove_store_close(store);
  return m;
}

static int hex_of(char c)
{
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) % 16 : -1;
}

char *cli_local_path(const char *path)
{
  if (strncasecmp(path, "file://", 7)) {
    return strstr(path, "://") ? NULL : cli_format("%s", path);
  }
  char *copy = cli_format("%s", path + (strncmp(path + 7, "localhost/", 10) ? 7 : 16)), *to = copy;
  for (const char *from = copy; *from; from++) {
    int high = *from == '%' ? hex_of(from[1]) : -1, low = high < 0 ? -1 : hex_of(from[2]);
    *to++ = low < 0 ? *from : (char)(high * 16 + low);
    from += low < 0 ? 0 : 2;
  }
  *to = '\0';
  return copy;
}

// What a server keeps has no folders to be made.
bool cli_make_folder(const char *path)
{
  char *local = cli_local_path(path);
  if (!local) {
    return true;
  }
  char *copy = cli_format("%s/", local);
  free(local);
  bool good = copy[1] != '\0'; // an empty name would be the root
  errno = good ? errno : ENOENT;
  for (char *p = copy + 1; *p && good; p++) {
    if (*p == '/') {
      *p = '\0';
      good = !mkdir(copy, 0777) || errno == EEXIST;
      *p = '/';
    }
  }
  struct stat st;
  good = good && !stat(copy, &st); // with its slash: ENOTDIR for what is no folder
  if (!good) {
    (void)cli_fail(EXIT_INPUT, "can't make the folder \"%s\": %s", path, strerror(errno));
  }
  free(copy);
  return good;
}
