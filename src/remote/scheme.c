// http, https and s3 as one scheme of a store: they share its connections.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "remote/address.h"
#include "remote/client.h"
#include "remote/list.h"
#include "remote/source.h"
#include "remote/sweep.h"
#include "remote/upload.h"
#include <grove/remote.h>

static grove_status open_remote(const grove_store_options *o, void **out, grove_error *err)
{
  grove__client *c;
  GROVE__TRY(grove__client_create(o, &c, err));
  *out = c;
  return GROVE_OK;
}

static void close_remote(void *opened)
{
  grove__client_destroy(opened);
}

static void interrupt_remote(void *opened)
{
  grove__client_interrupt(opened);
}

static grove_status list_remote(void *opened, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err)
{
  grove__client *c = opened;
  grove__address d;
  if (!grove__url_is_s3(url)) {
    return grove__http_list(c, url, fn, user, err);
  }
  GROVE__TRY(grove__address_parse(grove__client_allocator(c), url, &d, err));
  grove_status s = grove__s3_list(c, &d, url, fn, user, err);
  grove__address_free(grove__client_allocator(c), &d);
  return s;
}

// A part "." or "..", which libcurl takes out of a path that it signs.
static bool has_dots(const char *key)
{
  for (const char *part = key; part; part = strchr(part, '/'), part = part ? part + 1 : NULL) {
    size_t n = strcspn(part, "/");
    if ((n == 1 && part[0] == '.') || (n == 2 && !strncmp(part, "..", 2))) {
      return true;
    }
  }
  return false;
}

// What a folder's url names is no object.
static grove_status check_key(const grove__address *d, const char *url, grove_error *err)
{
  size_t n = strlen(d->key);
  if (!d->anonymous && has_dots(d->key)) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "\"%.300s\": a key with a part \".\" or \"..\" can't be signed", url);
  }
  return n && d->key[n - 1] != '/'
             ? GROVE_OK
             : grove__error(err, GROVE_EINVAL, -1,
                   "\"%.300s\" names a %s; an object is wanted", url, n ? "folder" : "bucket");
}

static grove_status source_s3(grove__client *c, const grove__address *d, const char *url,
    grove_source *out, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(c);
  GROVE__TRY(check_key(d, url, err));
  char *asked = grove__address_url(a, grove__client_options(c), d, d->key, NULL);
  if (!asked) {
    return grove__error_memory(err, "a url", strlen(url));
  }
  grove_status s = grove__remote_source(c, asked, !d->anonymous, out, err);
  grove__free_text(a, asked);
  return s;
}

static grove_status source_remote(
    void *opened, const char *url, grove_source *out, grove_error *err)
{
  grove__client *c = opened;
  grove__address d;
  if (!grove__url_is_s3(url)) {
    return grove__remote_source(c, url, false, out, err);
  }
  GROVE__TRY(grove__address_parse(grove__client_allocator(c), url, &d, err));
  grove_status s = source_s3(c, &d, url, out, err);
  grove__address_free(grove__client_allocator(c), &d);
  return s;
}

static grove_status open_upload(grove__client *c, const char *url, bool fresh, grove_sink *out, grove_error *err)
{
  grove__address d;
  if (!grove__url_is_s3(url)) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "\"%.300s\": http can be read, not written: write to a file or to s3://", url);
  }
  GROVE__TRY(grove__address_parse(grove__client_allocator(c), url, &d, err));
  grove_status s = check_key(&d, url, err);
  if (!s) {
    s = grove__s3_write(c, &d, fresh, out, err);
  }
  grove__address_free(grove__client_allocator(c), &d);
  return s;
}

static grove_status write_remote(void *opened, const char *url, grove_sink *out, grove_error *err)
{
  return open_upload(opened, url, false, out, err);
}

static grove_status write_new_remote(void *opened, const char *url, grove_sink *out, grove_error *err)
{
  return open_upload(opened, url, true, out, err);
}

static void sweep_remote(void *opened, const char *url)
{
  grove__client *c = opened;
  grove__address d;
  if (grove__url_is_s3(url) && !grove__address_parse(grove__client_allocator(c), url, &d, NULL)) {
    grove__s3_sweep(c, &d);
    grove__address_free(grove__client_allocator(c), &d);
  }
}

static const grove_store_scheme remote_scheme = {
    .struct_size = sizeof remote_scheme,
    .names = "http https s3",
    .open = open_remote,
    .close = close_remote,
    .list = list_remote,
    .source = source_remote,
    .write = write_remote,
    .interrupt = interrupt_remote,
    .sweep = sweep_remote,
    .write_new = write_new_remote,
};

const grove_store_scheme *const *grove_remote_schemes(void)
{
  static const grove_store_scheme *const schemes[] = {&remote_scheme, NULL};
  return schemes;
}
