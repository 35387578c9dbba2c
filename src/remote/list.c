#include "remote/list.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "remote/listing.h"
#include "remote/source.h"
#include "store/glob.h"
#include <stdio.h>

enum { PAGE_KEYS = 1000, MOST_PAGE = 16 << 20 };

typedef struct s3_list {
  grove__client *client;
  const grove__address *address;
  grove_status (*fn)(void *user, const char *url, uint64_t bytes);
  void *user;
  const char *pattern; // NULL: a folder, whose name is `folder` bytes of the keys
  bool folders;        // the pattern names folders, whose shards are wanted
  size_t folder;
  uint64_t told;
  bool first; // only the first key is wanted, and whether it is the address's own
  bool found;
  uint64_t found_bytes;
  grove_status told_status; // what fn gave, to be given back without other words
} s3_list;

static grove_status tell(s3_list *l, const char *key, uint64_t bytes)
{
  const grove_allocator *a = grove__client_allocator(l->client);
  const char *who = l->address->anonymous ? "anonymous@" : "";
  size_t room = sizeof "s3:///" + strlen(who) + strlen(l->address->bucket) + strlen(key);
  char *url = grove__alloc(a, room);
  if (!url) {
    return GROVE_ENOMEM;
  }
  snprintf(url, room, "s3://%s%s/%s", who, l->address->bucket, key);
  l->told++;
  l->told_status = l->fn(l->user, url, bytes);
  grove__free(a, url, room);
  return l->told_status;
}

// As the local files' folders: *.parquet, in it and in its folders, none of them with a leading . or _.
static bool is_shard(const char *key)
{
  size_t n = strlen(key);
  for (const char *part = key; part; part = strchr(part, '/'), part = part ? part + 1 : NULL) {
    if (*part == '.' || *part == '_') {
      return false;
    }
  }
  return n > 8 && !strcmp(key + n - 8, ".parquet");
}

// Whether a folder that the key is in matches, and the key is one of its shards: as local patterns list folders.
static bool is_shard_of(char *key, const char *pattern)
{
  bool found = !*pattern && is_shard(key); // the bucket
  for (char *slash = strchr(key, '/'); slash && !found; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    found = grove__glob_match_path(pattern, key) && is_shard(slash + 1);
    *slash = '/';
  }
  return found;
}

static grove_status match_object(s3_list *l, const char *key, bool *wanted)
{
  *wanted = !l->folders && grove__glob_match_path(l->pattern, key);
  if (!*wanted) {
    const grove_allocator *a = grove__client_allocator(l->client);
    char *copy = grove__copy_text(a, key);
    if (!copy) {
      return GROVE_ENOMEM;
    }
    *wanted = is_shard_of(copy, l->pattern);
    grove__free_text(a, copy);
  }
  return GROVE_OK;
}

static grove_status take_object(void *user, const char *key, uint64_t bytes)
{
  s3_list *l = user;
  if (l->first) {
    l->found = l->found || !strcmp(key, l->address->key);
    l->found_bytes = l->found ? bytes : 0;
    return GROVE_OK;
  }
  size_t n = strlen(key);
  bool marks_folder = !n || key[n - 1] == '/'; // other tools keep empty objects for empty folders
  bool wanted = !l->pattern && n > l->folder && is_shard(key + l->folder);
  if (l->pattern && !marks_folder) {
    GROVE__TRY(match_object(l, key, &wanted));
  }
  return wanted ? tell(l, key, bytes) : GROVE_OK;
}

// The queries stand in the order of their names, for the signature.
static char *page_query(
    const grove_allocator *a, const char *prefix, const char *token, uint32_t keys)
{
  char *p = grove__percent_encode(a, prefix, true);
  char *t = token ? grove__percent_encode(a, token, true) : NULL;
  char *out = NULL;
  if (p && (t || !token)) {
    size_t room = strlen(p) + (t ? strlen(t) : 0) + 128;
    out = grove__alloc(a, room);
    if (out) {
      // Encoded, because a key may have characters that XML has no words for.
      snprintf(out, room, "%s%s%sencoding-type=url&list-type=2&max-keys=%u&prefix=%s",
          t ? "continuation-token=" : "", t ? t : "", t ? "&" : "", keys, p);
      char *fitted = grove__realloc(a, out, room, strlen(out) + 1);
      if (!fitted) {
        grove__free(a, out, room);
      }
      out = fitted;
    }
  }
  grove__free_text(a, p);
  grove__free_text(a, t);
  return out;
}

static grove_status ask_page(s3_list *l, const char *url, grove__exchange *x,
    grove__listing_page *page, grove_error *err)
{
  grove__exchange_init(x);
  x->ask.url = url;
  x->ask.most = MOST_PAGE;
  x->ask.sign = !l->address->anonymous;
  GROVE__TRY(grove__client_run(l->client, x, err));
  grove_status s = grove__listing_parse(
      grove__client_allocator(l->client), x->body ? x->body : "", x->bytes, page, err);
  return s == GROVE_ECORRUPT ? grove__error_prefix(err, s, "s3://%.200s", l->address->bucket) : s;
}

// One page: its objects go to take_object; *token is replaced by that of the next.
static grove_status list_page(
    s3_list *l, const char *prefix, char **token, uint32_t keys, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(l->client);
  grove__listing_page page = {.object = take_object, .user = l};
  grove__exchange *x = grove__alloc_zero(a, sizeof *x);
  char *query = page_query(a, prefix, *token, keys);
  char *url = query ? grove__address_url(
                          a, grove__client_options(l->client), l->address, NULL, query)
                    : NULL;
  grove_status s = x && url ? ask_page(l, url, x, &page, err)
                            : grove__error_memory(err, "a listing", sizeof *x);
  if (x) {
    grove__exchange_clear(l->client, x);
  }
  grove__free(a, x, sizeof *x);
  grove__free_text(a, query);
  grove__free_text(a, url);
  if (page.next && *token && !strcmp(page.next, *token)) { // or it would go on for ever
    s = grove__error(err, GROVE_ECORRUPT, -1, "s3://%.200s: the listing's next page is the same one again",
        l->address->bucket);
  }
  grove__free_text(a, *token);
  *token = page.next;
  return s;
}

static grove_status list_prefix(s3_list *l, const char *prefix, grove_error *err)
{
  char *token = NULL;
  do {
    grove_status s = list_page(l, prefix, &token, PAGE_KEYS, err);
    if (s) {
      grove__free_text(grove__client_allocator(l->client), token);
      return l->told_status ? l->told_status : s;
    }
  } while (token);
  return GROVE_OK;
}

static grove_status say_none(const char *url, const char *what, grove_error *err)
{
  return grove__error(err, GROVE_ENOENT, -1, "\"%.300s\": %s", url, what);
}

// Whether there is an object of that very name: the first of all that begin with it.
static grove_status find_exact(s3_list *l, grove_error *err)
{
  char *token = NULL;
  l->first = true;
  grove_status s = list_page(l, l->address->key, &token, 1, err);
  l->first = false;
  grove__free_text(grove__client_allocator(l->client), token);
  return s;
}

static grove_status tell_exact(s3_list *l, grove_error *err)
{
  grove_status s = tell(l, l->address->key, l->found_bytes);
  return l->told_status ? l->told_status
         : s            ? grove__error_memory(err, "a url", strlen(l->address->key))
                        : GROVE_OK;
}

static void cut_slashes(char *pattern)
{
  for (size_t n = strlen(pattern); n && pattern[n - 1] == '/'; n--) {
    pattern[n - 1] = '\0';
  }
}

// "a/" and "a/**" are what is in the folders that "a" matches: ** is any number of folders, and none.
static void split_pattern(s3_list *l, char *pattern)
{
  size_t all = strlen(pattern);
  cut_slashes(pattern);
  size_t n = strlen(pattern);
  l->folders = n < all;
  if (n >= 2 && !strcmp(pattern + n - 2, "**") && (n == 2 || pattern[n - 3] == '/')) {
    l->folders = true;
    pattern[n - 2] = '\0';
    cut_slashes(pattern);
  }
  l->pattern = pattern;
}

static grove_status list_pattern(s3_list *l, const char *url, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(l->client);
  const char *key = l->address->key;
  size_t n = strcspn(key, "*?[\\"), room = strlen(key) + 1;
  char *prefix = grove__copy_text(a, key), *pattern = grove__copy_text(a, key);
  if (!prefix || !pattern) {
    grove__free_text(a, prefix);
    grove__free_text(a, pattern);
    return grove__error_memory(err, "a pattern", room);
  }
  prefix[n] = '\0';
  split_pattern(l, pattern);
  grove_status s = list_prefix(l, prefix, err);
  grove__free(a, prefix, room);
  grove__free(a, pattern, room);
  if (s || l->told) {
    return s;
  }
  GROVE__TRY(find_exact(l, err)); // a name that happens to hold the signs of a pattern
  return l->found ? tell_exact(l, err) : say_none(url, "no key matches", err);
}

static grove_status list_folder(s3_list *l, const char *url, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(l->client);
  const char *key = l->address->key;
  size_t n = strlen(key), room = n + 2;
  char *prefix = grove__alloc(a, room);
  if (!prefix) {
    return grove__error_memory(err, "a prefix", room);
  }
  snprintf(prefix, room, "%s%s", key, n && key[n - 1] != '/' ? "/" : "");
  l->folder = strlen(prefix);
  grove_status s = list_prefix(l, prefix, err);
  grove__free(a, prefix, room);
  return s         ? s
         : l->told ? GROVE_OK
                   : say_none(url, "no such object, and no key under it ends in .parquet", err);
}

grove_status grove__s3_list(grove__client *c, const grove__address *d, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err)
{
  s3_list l = {.client = c, .address = d, .fn = fn, .user = user};
  size_t n = strlen(d->key);
  if (grove__glob_is(d->key, n)) {
    return list_pattern(&l, url, err);
  }
  if (n && d->key[n - 1] != '/') {
    GROVE__TRY(find_exact(&l, err));
    if (l.found) {
      return tell_exact(&l, err);
    }
  }
  return list_folder(&l, url, err);
}

grove_status grove__http_list(grove__client *c, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err)
{
  uint64_t bytes = 0;
  if (memchr(url, '*', strcspn(url, "?#"))) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "\"%.300s\": http has no listings, so there are no patterns: name each file", url);
  }
  GROVE__TRY(grove__remote_size(c, url, false, &bytes, err));
  return fn(user, url, bytes);
}
