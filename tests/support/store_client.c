// store_client [OPTION=VALUE...] list|cat|put|new|drop URL: a store's calls for tests that are scripts. Options are those of
// grove_store_options: key secret token region endpoint addressing(host|path) ca_file part_bytes retries proxy.
//   list   a line for each object: its bytes, a blank, its url
//   cat    the object, to standard output: its middle first, then its ends, as a reader of Parquet files does
//   put    standard input, into the object
//   new    the same, of one that is not there, as jobs write
//   drop   the same, and then not
// Exit code 1: the error's text is on standard error.
#include "store/folder.h"
#include <grove/remote.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const grove_error *err)
{
  fprintf(stderr, "%s: %s\n", grove_status_text(err->status), err->text);
  return 1;
}

static grove_status say(void *user, const char *url, uint64_t bytes)
{
  (void)user;
  printf("%llu %s\n", (unsigned long long)bytes, url);
  return GROVE_OK;
}

static int list(grove_store *s, const char *url)
{
  grove_error err = {0};
  return grove_store_list(s, url, say, NULL, &err) ? complain(&err) : 0;
}

static int cat(grove_store *s, const char *url)
{
  grove_error err = {0};
  grove_source f;
  if (grove_store_source(s, url, &f, &err)) {
    return complain(&err);
  }
  size_t n = (size_t)f.bytes, third = n / 3;
  char *bytes = malloc(n + 1);
  grove_status status = bytes ? f.read_at(f.user, third, bytes + third, third, &err) : GROVE_ENOMEM;
  if (!status) {
    status = f.read_at(f.user, 0, bytes, third, &err);
  }
  if (!status) {
    status = f.read_at(f.user, 2 * third, bytes + 2 * third, n - 2 * third, &err);
  }
  f.close(f.user);
  int code = status ? complain(&err) : fwrite(bytes, 1, n, stdout) != n;
  free(bytes);
  return code;
}

static int put(grove_store *s, const char *url, int commit, bool fresh)
{
  grove_error err = {0};
  grove_writer *out;
  static char bytes[100000];
  size_t n;
  if ((fresh ? grove__store_write_new : grove_store_write)(s, url, &out, &err)) {
    return complain(&err);
  }
  grove_status status = GROVE_OK;
  while (!status && (n = fread(bytes, 1, sizeof bytes, stdin)) > 0) {
    status = grove_writer_put(out, bytes, n, &err);
  }
  grove_status closed = grove_writer_close(out, commit && !status, status ? NULL : &err);
  return status || closed ? complain(&err) : 0;
}

static int take_option(grove_store_options *o, const char *argument)
{
  const struct {
    const char *name;
    const char **to;
  } texts[] = {{"key", &o->key}, {"secret", &o->secret}, {"token", &o->token}, {"region", &o->region},
      {"endpoint", &o->endpoint}, {"ca_file", &o->ca_file}, {"proxy", &o->proxy}};
  const char *equals = strchr(argument, '=');
  size_t n = equals ? (size_t)(equals - argument) : 0;
  for (size_t i = 0; n && i < sizeof texts / sizeof *texts; i++) {
    if (strlen(texts[i].name) == n && !strncmp(argument, texts[i].name, n)) {
      *texts[i].to = equals + 1;
      return 1;
    }
  }
  if (n == 10 && !strncmp(argument, "addressing", n)) {
    o->s3_addressing = strcmp(equals + 1, "host") ? GROVE_S3_PATH : GROVE_S3_HOST;
  } else if (n == 10 && !strncmp(argument, "part_bytes", n)) {
    o->part_bytes = (uint32_t)strtoul(equals + 1, NULL, 10);
  } else if (n == 7 && !strncmp(argument, "retries", n)) {
    o->retries = (uint32_t)strtoul(equals + 1, NULL, 10);
  } else {
    return 0;
  }
  return 1;
}

int main(int argc, char **argv)
{
  grove_store_options o = {.struct_size = sizeof o, .schemes = grove_remote_schemes(), .retries = 1};
  grove_error err = {0};
  grove_store *s;
  int i = 1, code = 2;
  while (i < argc && take_option(&o, argv[i])) {
    i++;
  }
  if (argc - i != 2) {
    fprintf(stderr, "usage: store_client [OPTION=VALUE...] list|cat|put|new|drop URL\n");
    return 2;
  }
  if (grove_store_open(&o, &s, &err)) {
    return complain(&err);
  }
  const char *verb = argv[i], *url = argv[i + 1];
  code = !strcmp(verb, "list") ? list(s, url)
         : !strcmp(verb, "cat") ? cat(s, url)
         : !strcmp(verb, "put") ? put(s, url, 1, false)
         : !strcmp(verb, "new") ? put(s, url, 1, true)
         : !strcmp(verb, "drop") ? put(s, url, 0, false) : 2;
  grove_store_close(s);
  return code;
}
