#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "store/local.h"
#include "store/url.h"

struct grove_store {
  grove_allocator allocator;
};

grove_status grove_store_open(const grove_store_options *o, grove_store **out, grove_error *err)
{
  grove_store_options full;
  if (!out) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_store_open: out is NULL");
  }
  *out = NULL;
  grove_status s = grove__options_read(&full, sizeof full, o);
  if (s) {
    return grove__error(err, s, -1, "grove_store_options: struct_size %u is not understood",
        o ? o->struct_size : 0);
  }
  grove_allocator a = grove__allocator_of(full.allocator);
  grove_store *store = grove__alloc(&a, sizeof *store);
  if (!store) {
    return grove__error_memory(err, "a store", sizeof *store);
  }
  store->allocator = a;
  *out = store;
  return GROVE_OK;
}

void grove_store_close(grove_store *s)
{
  if (s) {
    grove_allocator a = s->allocator;
    grove__free(&a, s, sizeof *s);
  }
}

grove_status grove_store_list(grove_store *s, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err)
{
  char *path;
  if (!s || !fn) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_store_list: the %s is NULL", s ? "function" : "store");
  }
  grove_status status = grove__url_path(&s->allocator, url, &path, err);
  if (status) {
    return status;
  }
  status = grove__local_list(&s->allocator, path, fn, user, err);
  grove__free_text(&s->allocator, path);
  return status;
}

grove_status grove_store_source(
    grove_store *s, const char *url, grove_source *out, grove_error *err)
{
  char *path;
  if (!s || !out) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_store_source: the %s is NULL", s ? "source" : "store");
  }
  memset(out, 0, sizeof *out);
  grove_status status = grove__url_path(&s->allocator, url, &path, err);
  if (status) {
    return status;
  }
  status = grove__local_source(&s->allocator, path, out, err);
  grove__free_text(&s->allocator, path);
  return status;
}

grove_status grove_store_write(
    grove_store *s, const char *url, grove_writer **out, grove_error *err)
{
  char *path;
  if (!s || !out) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_store_write: the %s is NULL", s ? "out" : "store");
  }
  *out = NULL;
  grove_status status = grove__url_path(&s->allocator, url, &path, err);
  if (status) {
    return status;
  }
  status = grove__local_write(&s->allocator, path, out, err);
  grove__free_text(&s->allocator, path);
  return status;
}

static grove_status read_memory(void *user, uint64_t offset, void *out, size_t n, grove_error *err)
{
  // Who reads has checked against `bytes`: that is a source's contract, and user is all we get here.
  (void)err;
  memcpy(out, (const char *)user + offset, n);
  return GROVE_OK;
}

void grove_source_of_memory(const void *bytes, size_t n, grove_source *out)
{
  memset(out, 0, sizeof *out);
  out->struct_size = (uint32_t)sizeof *out;
  out->bytes = n;
  out->user = (void *)(uintptr_t)bytes;
  out->read_at = read_memory;
}
