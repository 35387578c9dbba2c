// Which shards are none: what an earlier run of the job wrote into a folder within the one that is listed.
#include "predict_ours.h"
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Whether a path begins with a folder's; slashes in a row are one.
static bool lies_in(const char *path, const char *folder)
{
  while (*folder) {
    if (*path++ != *folder) {
      return false;
    }
    if (*folder++ == '/') {
      folder += strspn(folder, "/");
      path += strspn(path, "/");
    }
  }
  return *path == '/';
}

static char *cut_slashes(char *path)
{
  for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) {
    path[n - 1] = '\0';
  }
  return path;
}

// Where the listing of an argument begins: a folder, or what of a pattern has no signs. "": here.
static char *root_of(const char *argument)
{
  char *root = cli_format("%s", argument);
  char *sign = strpbrk(root, "*?[\\");
  if (sign) {
    *sign = '\0';
    char *slash = strrchr(root, '/');
    *(slash ? slash + (slash == root) : root) = '\0';
  }
  return cut_slashes(root);
}

static char *real_path(const char *path)
{
  return realpath(*path ? path : ".", NULL);
}

// As the listing writes it: the real paths say where it is within, and the argument's words stand before that.
static char *find_local(const char *argument, const char *out)
{
  char *root = root_of(argument), *real_root = real_path(root), *real_out = real_path(out), *found = NULL;
  size_t n = real_root && strcmp(real_root, "/") ? strlen(real_root) : 0;
  if (real_root && real_out && !strncmp(real_out, real_root, n) && real_out[n] == '/' && real_out[n + 1]) {
    found = cli_format("%s%s%s", root, *root ? "/" : "", real_out + n + 1);
  }
  free(real_out);
  free(real_root);
  free(root);
  return found;
}

// Bucket and key: a bucket is the same for who asks as nobody.
static const char *bare(const char *url)
{
  static const char *const begins[] = {"s3://anonymous@", "s3://"};
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
    if (!strncmp(url, begins[i], strlen(begins[i]))) {
      return url + strlen(begins[i]);
    }
  }
  return url;
}

static char *find_remote(const char *argument, const char *out)
{
  char *root = root_of(bare(argument)), *folder = cut_slashes(cli_format("%s", bare(out)));
  bool inside = lies_in(folder, root);
  free(root);
  if (!inside) {
    free(folder);
    return NULL;
  }
  return folder;
}

char *predict_ours(const char *argument, const char *out)
{
  char *local = cli_local_path(argument), *local_out = out ? cli_local_path(out) : NULL, *found = NULL;
  if (local && local_out) {
    found = find_local(local, local_out);
  } else if (out && !local && !local_out && !strncmp(argument, "s3://", 5) && !strncmp(out, "s3://", 5)) {
    found = find_remote(argument, out);
  }
  free(local_out);
  free(local);
  return found;
}

bool predict_is_ours(const char *folder, const char *shard)
{
  return folder && lies_in(bare(shard), folder);
}
