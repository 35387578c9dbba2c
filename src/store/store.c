#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "store/folder.h"
#include "store/local.h"
#include "store/url.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

enum { MOST_SCHEMES = 16 };

// A scheme that was opened with the store. The first is the local files', which have nothing to open.
typedef struct opened_scheme {
  const grove_store_scheme *scheme;
  void *opened;
} opened_scheme;

struct grove_store {
  grove_allocator allocator;
  _Atomic(size_t) uses; // by whoever retains or closes it; the last one frees
  size_t count;
  opened_scheme schemes[MOST_SCHEMES];
};

struct grove_writer {
  grove_allocator allocator;
  grove_sink sink;
};

// ---- local files, as a scheme ---------------------------------------------------------------------

// All urls that no other scheme takes come here.
static grove_status find_path(const grove_store *s, const char *url, char **out, grove_error *err)
{
  grove_status status = grove__url_path(&s->allocator, url, out, err);
  if (status != GROVE_ENOTSUP || s->count == 1) {
    return status;
  }
  char shown[201], known[121] = "";
  grove__url_show(url, shown, sizeof shown);
  for (size_t i = 1, at = 0; i < s->count && at < sizeof known; i++) {
    at += (size_t)snprintf(known + at, sizeof known - at, " %s", s->schemes[i].scheme->names);
  }
  return grove__error(err, status, -1, "\"%s\": the store knows no scheme %.*s://; it knows plain paths, file%s", shown,
      (int)grove__url_scheme(url), url, known);
}

static grove_status list_local(void *opened, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err)
{
  const grove_store *s = opened;
  char *path;
  GROVE__TRY(find_path(s, url, &path, err));
  grove_status status = grove__local_list(&s->allocator, path, fn, user, err);
  grove__free_text(&s->allocator, path);
  return status;
}

static grove_status source_local(
    void *opened, const char *url, grove_source *out, grove_error *err)
{
  const grove_store *s = opened;
  char *path;
  GROVE__TRY(find_path(s, url, &path, err));
  grove_status status = grove__local_source(&s->allocator, path, out, err);
  grove__free_text(&s->allocator, path);
  return status;
}

static grove_status open_local(const grove_store *s, const char *url, bool fresh, grove_sink *out, grove_error *err)
{
  char *path;
  GROVE__TRY(find_path(s, url, &path, err));
  grove_status status = grove__local_write(&s->allocator, path, fresh, out, err);
  grove__free_text(&s->allocator, path);
  return status;
}

static grove_status write_local(void *opened, const char *url, grove_sink *out, grove_error *err)
{
  return open_local(opened, url, false, out, err);
}

static grove_status write_new_local(void *opened, const char *url, grove_sink *out, grove_error *err)
{
  return open_local(opened, url, true, out, err);
}

static const grove_store_scheme local_scheme = {.struct_size = sizeof local_scheme,
    .names = "file",
    .list = list_local,
    .source = source_local,
    .write = write_local,
    .write_new = write_new_local};

// ---- open and close -------------------------------------------------------------------------------

static grove_status open_schemes(
    grove_store *store, const grove_store_options *o, grove_error *err)
{
  store->schemes[store->count++] = (opened_scheme){&local_scheme, store};
  for (size_t i = 0; o->schemes && o->schemes[i]; i++) {
    const grove_store_scheme *scheme = o->schemes[i];
    if (scheme->struct_size < offsetof(grove_store_scheme, interrupt) || !scheme->names) {
      return grove__error(err, GROVE_EINVAL, -1,
          "grove_store_options: scheme %zu has struct_size %u, or no names", i,
          scheme->struct_size);
    }
    if (store->count == MOST_SCHEMES) {
      return grove__error(
          err, GROVE_ELIMIT, -1, "a store has at most %d schemes", MOST_SCHEMES - 1);
    }
    void *opened = NULL;
    if (scheme->open) {
      GROVE__TRY(scheme->open(o, &opened, err));
    }
    store->schemes[store->count++] = (opened_scheme){scheme, opened};
  }
  return GROVE_OK;
}

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
  full.struct_size = sizeof full;
  grove_allocator a = grove__allocator_of(full.allocator);
  grove_store *store = grove__alloc_zero(&a, sizeof *store);
  if (!store) {
    return grove__error_memory(err, "a store", sizeof *store);
  }
  store->allocator = a;
  atomic_init(&store->uses, 1);
  s = open_schemes(store, &full, err);
  if (s) {
    grove_store_close(store);
    return s;
  }
  *out = store;
  return GROVE_OK;
}

grove_store *grove_store_retain(grove_store *s)
{
  // Relaxed: whoever takes a count has one already.
  atomic_fetch_add_explicit(&s->uses, 1, memory_order_relaxed);
  return s;
}

void grove_store_close(grove_store *s)
{
  // ORDER acquire-release: all uses by this holder come before the end by the last one. PAIRS itself, by the others.
  if (!s || atomic_fetch_sub_explicit(&s->uses, 1, memory_order_acq_rel) != 1) {
    return;
  }
  while (s->count) {
    const opened_scheme *o = &s->schemes[--s->count];
    if (o->scheme->close) {
      o->scheme->close(o->opened);
    }
  }
  grove_allocator a = s->allocator;
  grove__free(&a, s, sizeof *s);
}

// ---- calls go to the url's scheme -----------------------------------------------------------------

// A url that none of the schemes takes goes to the local files, which say what they know.
static const opened_scheme *find_scheme(const grove_store *s, const char *url)
{
  size_t n = url ? grove__url_scheme(url) : 0;
  for (size_t i = 1; n && i < s->count; i++) {
    if (grove__url_scheme_is(url, n, s->schemes[i].scheme->names)) {
      return &s->schemes[i];
    }
  }
  return &s->schemes[0];
}

static grove_status refuse(const char *url, const char *what, grove_error *err)
{
  char shown[201];
  grove__url_show(url, shown, sizeof shown);
  return grove__error(
      err, GROVE_ENOTSUP, -1, "\"%s\": what this scheme names can't be %s", shown, what);
}

void grove_store_interrupt(grove_store *s)
{
  for (size_t i = 0; s && i < s->count; i++) {
    const grove_store_scheme *scheme = s->schemes[i].scheme;
    bool has = scheme->struct_size >= offsetof(grove_store_scheme, interrupt) + sizeof scheme->interrupt;
    if (has && scheme->interrupt) {
      scheme->interrupt(s->schemes[i].opened);
    }
  }
}

void grove__store_sweep(grove_store *s, const char *url)
{
  const opened_scheme *o = find_scheme(s, url);
  const grove_store_scheme *scheme = o->scheme;
  bool has = scheme->struct_size >= offsetof(grove_store_scheme, sweep) + sizeof scheme->sweep;
  if (has && scheme->sweep) {
    scheme->sweep(o->opened, url);
  }
}

grove_status grove_store_list(grove_store *s, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err)
{
  if (!s || !fn) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_store_list: the %s is NULL", s ? "function" : "store");
  }
  const opened_scheme *o = find_scheme(s, url);
  return o->scheme->list ? o->scheme->list(o->opened, url, fn, user, err)
                         : refuse(url, "listed", err);
}

grove_status grove_store_source(
    grove_store *s, const char *url, grove_source *out, grove_error *err)
{
  if (!s || !out) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_store_source: the %s is NULL", s ? "source" : "store");
  }
  memset(out, 0, sizeof *out);
  const opened_scheme *o = find_scheme(s, url);
  return o->scheme->source ? o->scheme->source(o->opened, url, out, err)
                           : refuse(url, "read", err);
}

static grove_status write_by(grove_store *s, const char *url, bool fresh, grove_writer **out, grove_error *err)
{
  const opened_scheme *o = find_scheme(s, url);
  const grove_store_scheme *scheme = o->scheme;
  bool has = scheme->struct_size >= offsetof(grove_store_scheme, write_new) + sizeof scheme->write_new && scheme->write_new;
  if (!scheme->write) {
    return refuse(url, "written", err);
  }
  grove_writer *w = grove__alloc_zero(&s->allocator, sizeof *w);
  if (!w) {
    return grove__error_memory(err, "a writer", sizeof *w);
  }
  w->allocator = s->allocator;
  grove_status status = (fresh && has ? scheme->write_new : scheme->write)(o->opened, url, &w->sink, err);
  if (status) {
    grove__free(&s->allocator, w, sizeof *w);
    return status;
  }
  *out = w;
  return GROVE_OK;
}

grove_status grove_store_write(
    grove_store *s, const char *url, grove_writer **out, grove_error *err)
{
  if (!s || !out) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_store_write: the %s is NULL", s ? "out" : "store");
  }
  *out = NULL;
  return write_by(s, url, false, out, err);
}

grove_status grove__store_write_new(grove_store *s, const char *url, grove_writer **out, grove_error *err)
{
  *out = NULL;
  return write_by(s, url, true, out, err);
}

grove_status grove_writer_of_sink(
    const grove_sink *sink, const grove_allocator *a, grove_writer **out, grove_error *err)
{
  if (!sink || sink->struct_size < sizeof *sink || !sink->put || !sink->close || !out) {
    return grove__error(err, GROVE_EINVAL, -1,
        "grove_writer_of_sink wants a sink with its struct_size, put and close, and a place");
  }
  grove_allocator own = grove__allocator_of(a);
  grove_writer *w = grove__alloc_zero(&own, sizeof *w);
  *out = w;
  if (!w) {
    return grove__error_memory(err, "a writer", sizeof *w);
  }
  w->allocator = own;
  w->sink = *sink;
  return GROVE_OK;
}

grove_status grove_writer_put(grove_writer *w, const void *bytes, size_t n, grove_error *err)
{
  if (!w || (!bytes && n)) {
    return grove__error(
        err, GROVE_EINVAL, -1, "grove_writer_put: the %s is NULL", w ? "text" : "writer");
  }
  return w->sink.put(w->sink.user, bytes, n, err);
}

grove_status grove_writer_close(grove_writer *w, int commit, grove_error *err)
{
  if (!w) {
    return GROVE_OK;
  }
  grove_status s = w->sink.close(w->sink.user, commit, err);
  grove_allocator a = w->allocator;
  grove__free(&a, w, sizeof *w);
  return s;
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
