// Lists a path, a folder or a pattern. Names are gathered first and sorted by their bytes, so that the order is
// the same on every file system and in every locale.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "store/glob.h"
#include "store/local.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 64 }; // folders in folders; deeper is taken for a mistake

typedef struct found {
  char *path;
  uint64_t bytes;
} found;

typedef struct listing {
  const grove_allocator *a;
  found *items;
  size_t n, capacity;
  grove_error *err;
} listing;

static grove_status out_of_memory(listing *l)
{
  return grove__error_memory(l->err, "a list of files", (l->n + 1) * sizeof(found));
}

static grove_status add(listing *l, const char *path, uint64_t bytes)
{
  if (l->n == l->capacity) {
    size_t more = l->capacity ? 2 * l->capacity : 16;
    found *items =
        grove__realloc(l->a, l->items, l->capacity * sizeof *items, more * sizeof *items);
    if (!items) {
      return out_of_memory(l);
    }
    l->items = items;
    l->capacity = more;
  }
  char *copy = grove__copy_text(l->a, path);
  if (!copy) {
    return out_of_memory(l);
  }
  l->items[l->n++] = (found){copy, bytes};
  return GROVE_OK;
}

static void drop(listing *l)
{
  for (size_t i = 0; i < l->n; i++) {
    grove__free_text(l->a, l->items[i].path);
  }
  grove__free(l->a, l->items, l->capacity * sizeof *l->items);
}

// folder + "/" + name; a folder of "" is the current one and stays unwritten. Freed by grove__free_text.
static char *join(const grove_allocator *a, const char *folder, const char *name)
{
  size_t f = strlen(folder), n = strlen(name);
  bool slash = f && folder[f - 1] != '/';
  char *path = grove__alloc(a, f + slash + n + 1);
  if (path) {
    memcpy(path, folder, f);
    path[f] = '/';
    memcpy(path + f + slash, name, n + 1);
  }
  return path;
}

// Calls fn(context, path, name, whether a folder, bytes) for what a folder holds. A link to a folder is not
// followed: links can go in circles.
typedef grove_status entry_fn(
    void *context, const char *path, const char *name, const struct stat *st);

static grove_status visit(
    listing *l, const char *folder, const char *name, entry_fn *fn, void *context)
{
  struct stat st, link;
  char *path = join(l->a, folder, name);
  if (!path) {
    return out_of_memory(l);
  }
  grove_status s = GROVE_OK;
  bool there = lstat(path, &link) == 0 && stat(path, &st) == 0;
  if (there && !(S_ISLNK(link.st_mode) && S_ISDIR(st.st_mode))) {
    s = fn(context, path, name, &st);
  } // else it went away meanwhile, or is a link to nothing
  grove__free_text(l->a, path);
  return s;
}

static grove_status each_entry(listing *l, const char *folder, entry_fn *fn, void *context)
{
  DIR *d = opendir(*folder ? folder : ".");
  if (!d) {
    return grove__local_error(l->err, errno, -1, "list", folder);
  }
  grove_status s = GROVE_OK;
  struct dirent *e;
  // readdir is safe here: the DIR is this call's own
  while (!s && (errno = 0, e = readdir(d)) != NULL) {
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
      s = visit(l, folder, e->d_name, fn, context);
    }
  }
  if (!s && errno) {
    s = grove__local_error(l->err, errno, -1, "list", folder);
  }
  closedir(d);
  return s;
}

typedef struct walk {
  listing *l;
  unsigned depth;
  const char *pattern; // what is left of it
} walk;

static bool is_shard(const char *name)
{
  size_t n = strlen(name);
  return n > 8 && strcmp(name + n - 8, ".parquet") == 0;
}

static grove_status list_folder(listing *l, const char *folder, unsigned depth);

static grove_status folder_entry(
    void *context, const char *path, const char *name, const struct stat *st)
{
  walk *w = context;
  if (*name == '.' || *name == '_') { // marks, checksums and temporary files of other programs
    return GROVE_OK;
  }
  if (S_ISDIR(st->st_mode)) {
    return list_folder(w->l, path, w->depth + 1);
  }
  return S_ISREG(st->st_mode) && is_shard(name) ? add(w->l, path, (uint64_t)st->st_size) : GROVE_OK;
}

static grove_status list_folder(listing *l, const char *folder, unsigned depth)
{
  if (depth > DEPTH_MAX) {
    return grove__error(
        l->err, GROVE_ELIMIT, -1, "\"%.200s\": more than %d folders deep", folder, DEPTH_MAX);
  }
  walk w = {l, depth, NULL};
  return each_entry(l, folder, folder_entry, &w);
}

static grove_status expand(listing *l, const char *folder, const char *pattern, unsigned depth);

static grove_status add_any(listing *l, const char *path, const struct stat *st)
{
  if (S_ISDIR(st->st_mode)) {
    return list_folder(l, path, 0);
  }
  return S_ISREG(st->st_mode) ? add(l, path, (uint64_t)st->st_size) : GROVE_OK;
}

static grove_status pattern_entry(
    void *context, const char *path, const char *name, const struct stat *st)
{
  walk *w = context;
  size_t n = strcspn(w->pattern, "/");
  const char *rest = w->pattern + n + strspn(w->pattern + n, "/");
  if (n == 2 && strncmp(w->pattern, "**", 2) == 0) {
    bool deeper = S_ISDIR(st->st_mode) && *name != '.';
    return deeper ? expand(w->l, path, w->pattern, w->depth + 1) : GROVE_OK;
  }
  if (!grove__glob_match(w->pattern, n, name)) {
    return GROVE_OK;
  }
  if (!*rest) {
    return add_any(w->l, path, st);
  }
  return S_ISDIR(st->st_mode) ? expand(w->l, path, rest, w->depth + 1) : GROVE_OK;
}

// A part without signs: no need to read the folder, which may not even be allowed.
static grove_status expand_plain(
    listing *l, const char *folder, const char *pattern, unsigned depth)
{
  size_t n = strcspn(pattern, "/");
  const char *rest = pattern + n + strspn(pattern + n, "/");
  struct stat st;
  char *name = grove__alloc(l->a, n + 1);
  if (!name) {
    return out_of_memory(l);
  }
  memcpy(name, pattern, n);
  name[n] = 0;
  char *path = join(l->a, folder, name);
  grove__free(l->a, name, n + 1);
  if (!path) {
    return out_of_memory(l);
  }
  grove_status s = GROVE_OK;
  if (stat(path, &st) == 0) {
    s = !*rest                ? add_any(l, path, &st)
        : S_ISDIR(st.st_mode) ? expand(l, path, rest, depth + 1)
                              : GROVE_OK;
  }
  grove__free_text(l->a, path);
  return s;
}

// Adds what `pattern` matches below `folder`.
static grove_status expand(listing *l, const char *folder, const char *pattern, unsigned depth)
{
  size_t n = strcspn(pattern, "/");
  walk w = {l, depth, pattern};
  if (depth > DEPTH_MAX) {
    return grove__error(
        l->err, GROVE_ELIMIT, -1, "\"%.200s\": more than %d folders deep", folder, DEPTH_MAX);
  }
  if (!grove__glob_is(pattern, n)) {
    return expand_plain(l, folder, pattern, depth);
  }
  if (n == 2 && strncmp(pattern, "**", 2) == 0) { // no folder at all is a match too
    const char *rest = pattern + n + strspn(pattern + n, "/");
    GROVE__TRY(
        *rest ? expand(l, folder, rest, depth + 1) : list_folder(l, *folder ? folder : ".", 0));
    return *rest ? each_entry(l, folder, pattern_entry, &w) : GROVE_OK;
  }
  return each_entry(l, folder, pattern_entry, &w);
}

static int by_name(const void *a, const void *b)
{
  return strcmp(((const found *)a)->path, ((const found *)b)->path);
}

static grove_status hand_out(listing *l, grove__list_fn *fn, void *user)
{
  if (l->n) {
    qsort(l->items, l->n, sizeof *l->items, by_name);
  }
  for (size_t i = 0; i < l->n; i++) {
    // "a/**/*.parquet" can reach a file by two ways
    if (i == 0 || strcmp(l->items[i - 1].path, l->items[i].path) != 0) {
      GROVE__TRY(fn(user, l->items[i].path, l->items[i].bytes));
    }
  }
  return GROVE_OK;
}

static grove_status gather(listing *l, const char *path)
{
  struct stat st;
  grove_status s;
  if (stat(path, &st) == 0) { // also a name that happens to hold the signs of a pattern
    s = S_ISDIR(st.st_mode) ? list_folder(l, path, 0) : add(l, path, (uint64_t)st.st_size);
    if (!s && l->n == 0) {
      return grove__error(
          l->err, GROVE_ENOENT, -1, "folder \"%.300s\" holds no .parquet files", path);
    }
    return s;
  }
  int code = errno;
  if (!grove__glob_is(path, strlen(path))) {
    return code == ENOENT || code == ENOTDIR ? grove__error(l->err, GROVE_ENOENT, -1,
                                                   "there is no file or folder \"%.300s\"", path)
                                             : grove__local_error(l->err, code, -1, "find", path);
  }
  size_t slashes = strspn(path, "/");
  GROVE__TRY(expand(l, slashes ? "/" : "", path + slashes, 0));
  return l->n ? GROVE_OK
              : grove__error(l->err, GROVE_ENOENT, -1, "no file matches \"%.300s\"", path);
}

grove_status grove__local_list(
    const grove_allocator *a, const char *path, grove__list_fn *fn, void *user, grove_error *err)
{
  listing l = {a, NULL, 0, 0, err};
  grove_status s = gather(&l, path);
  if (!s) {
    s = hand_out(&l, fn, user);
  }
  drop(&l);
  return s;
}
