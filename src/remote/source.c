#include "remote/source.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "remote/ahead.h"
#include <stdio.h>

// TAIL: what is asked for at once with the length; most footers are shorter. WHOLE: the longest object that is taken
// from a server that gives no ranges, for it has to be kept.
enum { TAIL = 64 << 10, WHOLE = 64 << 20, VERSION_ROOM = GROVE__ETAG_ROOM + GROVE__DATE_ROOM + 32 };

typedef struct remote_source {
  grove__client *client;
  char *url;
  bool sign;
  uint64_t bytes;
  char *tail; // the last tail_bytes of it
  size_t tail_bytes, tail_room;
  grove__ahead ahead;
  bool looks_ahead; // `ahead` is there
  grove__spent spent;
  char condition[GROVE__ETAG_ROOM + 32]; // the header that makes a changed object an error; "": none
  char version[VERSION_ROOM];
  char etag[GROVE__ETAG_ROOM], modified[GROVE__DATE_ROOM]; // of the first answer, to hold against the later ones
} remote_source;

// ---- reading --------------------------------------------------------------------------------------

static grove__request request_of(remote_source *r)
{
  return (grove__request){.method = "GET",
      .url = r->url,
      .header = r->condition[0] ? r->condition : NULL,
      .span = GROVE__SPAN_BYTES,
      .sign = r->sign,
      .spent = &r->spent};
}

static void ask_span(remote_source *r, grove__exchange *x, uint64_t from, size_t n, void *into)
{
  grove__exchange_init(x);
  x->ask = request_of(r);
  x->ask.from = from;
  x->ask.n = n;
  x->ask.into = into;
}

static const char *name_version(const char *etag, const char *modified)
{
  return *etag ? etag : *modified ? modified : "a version";
}

// Not every server minds the condition: so each answer is held against the first, too.
static grove_status check_same(const void *user, const grove__exchange *x, grove_error *err)
{
  const remote_source *r = user;
  bool both = r->etag[0] && x->etag[0];
  bool same = both ? !strcmp(r->etag, x->etag)
                   : !r->modified[0] || !x->modified[0] || !strcmp(r->modified, x->modified);
  if (same && (x->total == r->bytes || x->total == UINT64_MAX)) {
    return GROVE_OK;
  }
  char url[220];
  grove__show_url(r->url, url, sizeof url);
  return grove__error(err, GROVE_ECORRUPT, (int64_t)x->ask.from,
      "%s: it changed while it was read: from %s with %llu bytes to %s with %llu", url, name_version(r->etag, r->modified),
      (unsigned long long)r->bytes, name_version(x->etag, x->modified), (unsigned long long)x->total);
}

// Long reads are cut into parts that come side by side: one connection seldom fills the line.
static grove_status read_parts(
    remote_source *r, uint64_t offset, char *out, size_t n, grove_error *err)
{
  size_t part = grove__client_options(r->client)->part_bytes;
  size_t count = n / part + (n % part != 0);
  const grove_allocator *a = grove__client_allocator(r->client);
  grove__exchange *parts = grove__alloc_array(a, count, sizeof *parts);
  if (!parts) {
    return grove__error_memory(err, "the parts of a read", count * sizeof *parts);
  }
  for (size_t i = 0; i < count; i++) {
    size_t length = i + 1 < count ? part : n - i * part;
    ask_span(r, &parts[i], offset + i * part, length, out + i * part);
    grove__client_begin(r->client, &parts[i]);
  }
  grove_status first = GROVE_OK;
  for (size_t i = 0; i < count; i++) {
    if (first) {
      grove__client_drop(r->client, &parts[i]);
    } else {
      first = grove__client_wait(r->client, &parts[i], err);
      first = first ? first : check_same(r, &parts[i], err);
    }
  }
  grove__free(a, parts, count * sizeof *parts);
  return first;
}

static grove_status read_remote(void *user, uint64_t offset, void *out, size_t n, grove_error *err)
{
  remote_source *r = user;
  if (offset > r->bytes || n > r->bytes - offset) {
    char url[220];
    grove__show_url(r->url, url, sizeof url);
    return grove__error(err, GROVE_EIO, (int64_t)offset,
        "%s: a read of %zu bytes at %llu goes past the end at %llu", url, n,
        (unsigned long long)offset, (unsigned long long)r->bytes);
  }
  uint64_t tail_from = r->bytes - r->tail_bytes;
  size_t before = offset >= tail_from ? 0 : tail_from - offset < n ? (size_t)(tail_from - offset) : n;
  for (size_t done = 0; done < before;) {
    uint64_t next;
    size_t got = grove__ahead_read(&r->ahead, offset + done, (char *)out + done, before - done, &next);
    if (!got) {
      got = (size_t)(next - (offset + done));
      GROVE__TRY(read_parts(r, offset + done, (char *)out + done, got, err));
    }
    done += got;
  }
  if (n > before) {
    memcpy((char *)out + before, r->tail + (offset + before - tail_from), n - before);
  }
  return GROVE_OK;
}

// What is in the tail is here already.
static void expect_reads(void *user, const grove_range *ranges, size_t n)
{
  remote_source *r = user;
  const grove__request like = request_of(r);
  uint64_t end = r->bytes - r->tail_bytes;
  for (size_t i = 0; i < n; i++) {
    if (ranges[i].offset < end) {
      uint64_t most = end - ranges[i].offset;
      grove__ahead_fetch(
          &r->ahead, &like, ranges[i].offset, ranges[i].bytes < most ? ranges[i].bytes : most);
    }
  }
}

// ---- opening --------------------------------------------------------------------------------------

static void close_remote(void *user)
{
  remote_source *r = user;
  const grove_allocator *a = grove__client_allocator(r->client);
  if (r->looks_ahead) {
    grove__ahead_deinit(&r->ahead);
  }
  grove__free(a, r->tail, r->tail_room);
  grove__free_text(a, r->url);
  grove__free(a, r, sizeof *r);
}

static grove_status say_unsized(const char *url, grove_error *err)
{
  char shown[220];
  grove__show_url(url, shown, sizeof shown);
  return grove__error(err, GROVE_ENOTSUP, -1,
      "%s: the server does not say how long it is, so it can't be read by ranges", shown);
}

// A weak etag promises no equal bytes, and If-Match refuses it: then, over http, the time of the last change has to do.
static void set_version(remote_source *r, const grove__exchange *x)
{
  bool strong = x->etag[0] == '"' && x->etag[1] != '"'; // some servers give an empty one where they know none
  if (strong) {
    snprintf(r->condition, sizeof r->condition, "If-Match: %s", x->etag);
  } else if (x->modified[0] && !r->sign) { // gateways compare finer times than they say
    snprintf(r->condition, sizeof r->condition, "If-Unmodified-Since: %s", x->modified);
  }
  memcpy(r->etag, x->etag, sizeof r->etag);
  memcpy(r->modified, x->modified, sizeof r->modified);
  const char *said = x->etag[0] ? x->etag : x->modified;
  if (*said) {
    snprintf(r->version, sizeof r->version, "%s %llu", said, (unsigned long long)r->bytes);
  }
}

static grove_status take_tail(remote_source *r, grove__exchange *x, grove_error *err)
{
  if (!x->ranged && x->code >= 200 && x->code < 300) {
    x->total = x->bytes; // all of it came
  }
  if (x->total == UINT64_MAX) {
    return say_unsized(r->url, err);
  }
  r->bytes = x->total;
  r->tail = x->body;
  r->tail_bytes = x->bytes;
  r->tail_room = x->room;
  x->body = NULL;
  x->room = 0;
  set_version(r, x);
  return GROVE_OK;
}

// Some servers know ranges, but none that are counted from the end: they refuse it, or send all there is.
// Of a signed request that is no news: s3 has it.
static bool knows_no_end(const grove__exchange *x, grove_status s)
{
  static const long codes[] = {400, 405, 416, 501};
  bool refused = s == GROVE_ELIMIT;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    refused = refused || x->code == codes[i];
  }
  return refused && !x->ask.sign;
}

// Then its first byte tells how long it is. false: it gives no ranges at all.
static bool open_start(remote_source *r, grove__exchange *x)
{
  grove__exchange_clear(r->client, x);
  grove__exchange_init(x);
  x->ask.url = r->url;
  x->ask.span = GROVE__SPAN_PEEK;
  x->ask.most = WHOLE;
  x->ask.spent = &r->spent;
  if (grove__client_run(r->client, x, NULL) || !x->ranged || x->total == UINT64_MAX) {
    return false;
  }
  r->bytes = x->total;
  set_version(r, x);
  return true;
}

static grove_status open_tail(remote_source *r, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(r->client);
  grove__exchange *x = grove__alloc(a, sizeof *x); // too big for some stacks
  if (!x) {
    return grove__error_memory(err, "a request", sizeof *x);
  }
  grove__exchange_init(x);
  x->ask.url = r->url;
  x->ask.span = GROVE__SPAN_TAIL;
  x->ask.n = TAIL;
  x->ask.most = WHOLE;
  x->ask.sign = r->sign;
  x->ask.spent = &r->spent;
  grove_status s = grove__client_run(r->client, x, err);
  if (!s) {
    s = take_tail(r, x, err);
  } else if (knows_no_end(x, s) && open_start(r, x)) {
    s = GROVE_OK;
  }
  grove__exchange_clear(r->client, x);
  grove__free(a, x, sizeof *x);
  return s;
}

grove_status grove__remote_source(
    grove__client *c, const char *url, bool sign, grove_source *out, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(c);
  remote_source *r = grove__alloc_zero(a, sizeof *r);
  if (!r || !(r->url = grove__copy_text(a, url))) {
    grove__free(a, r, sizeof *r);
    return grove__error_memory(err, "an open object", sizeof *r + strlen(url));
  }
  r->client = c;
  r->sign = sign;
  grove_status s = grove__ahead_init(&r->ahead, c, check_same, r);
  r->looks_ahead = !s;
  s = s ? grove__error(err, s, -1, "no lock for an open object") : open_tail(r, err);
  if (s) {
    close_remote(r);
    return s;
  }
  *out = (grove_source){.struct_size = (uint32_t)sizeof *out,
      .bytes = r->bytes,
      .user = r,
      .read_at = read_remote,
      .close = close_remote,
      .version = r->version[0] ? r->version : NULL,
      .will_read = expect_reads};
  return GROVE_OK;
}

grove_status grove__remote_size(
    grove__client *c, const char *url, bool sign, uint64_t *bytes, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(c);
  grove__exchange *x = grove__alloc(a, sizeof *x);
  if (!x) {
    return grove__error_memory(err, "a request", sizeof *x);
  }
  grove__exchange_init(x);
  x->ask.url = url;
  x->ask.span = GROVE__SPAN_PEEK;
  x->ask.most = WHOLE;
  x->ask.sign = sign;
  grove_status s = grove__client_run(c, x, err);
  if (!s && x->total == UINT64_MAX) {
    s = say_unsized(url, err);
  }
  if (!s) {
    *bytes = x->total;
  }
  grove__exchange_clear(c, x);
  grove__free(a, x, sizeof *x);
  return s;
}
