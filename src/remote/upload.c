#include "remote/upload.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "remote/listing.h"
#include "remote/source.h"
#include <stdio.h>

enum { MOST_PARTS = 10000, MOST_ANSWER = 1 << 20, PART_TEXT = GROVE__ETAG_ROOM + 96 };

typedef struct s3_upload {
  grove__client *client;
  grove__address address;
  bool sign;
  bool fresh; // nothing is replaced
  bool failed;
  char *id; // of the multipart upload, percent-encoded; NULL: not begun
  char *part;
  size_t part_bytes, filled;
  uint64_t bytes;
  grove__spent spent;
  char (*etags)[GROVE__ETAG_ROOM]; // of the parts that are up
  size_t parts, etag_room;
} s3_upload;

// ---- one request ----------------------------------------------------------------------------------

static grove_status ask_with(s3_upload *u, const char *header, const char *method, const char *query, const void *body,
    size_t n, grove__exchange *x, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(u->client);
  char *url = grove__address_url(
      a, grove__client_options(u->client), &u->address, u->address.key, query);
  if (!url) {
    return grove__error_memory(err, "a url", strlen(u->address.key));
  }
  grove__exchange_init(x);
  x->ask.method = method;
  x->ask.url = url;
  x->ask.header = header;
  x->ask.body = body;
  x->ask.body_bytes = n;
  x->ask.most = MOST_ANSWER;
  x->ask.sign = u->sign;
  x->ask.fails_late = true;
  x->ask.spent = strcmp(method, "DELETE") ? &u->spent : NULL; // what is given up is to be cleaned up even so
  x->ask.once = !strcmp(method, "POST"); // or an upload could end twice, and the second time be gone
  grove_status s = grove__client_run(u->client, x, err);
  grove__free_text(a, url);
  return s;
}

static grove_status ask(s3_upload *u, const char *method, const char *query, const void *body,
    size_t n, grove__exchange *x, grove_error *err)
{
  return ask_with(u, NULL, method, query, body, n, x, err);
}

static grove__exchange *alloc_exchange(s3_upload *u, grove_error *err)
{
  grove__exchange *x = grove__alloc_zero(grove__client_allocator(u->client), sizeof *x);
  if (!x) {
    (void)grove__error_memory(err, "a request", sizeof *x);
  }
  return x;
}

static void free_exchange(s3_upload *u, grove__exchange *x)
{
  grove__exchange_clear(u->client, x);
  grove__free(grove__client_allocator(u->client), x, sizeof *x);
}

static grove_status say(const s3_upload *u, grove_status s, grove_error *err, const char *what)
{
  return grove__error(
      err, s, -1, "s3://%.100s/%.200s: %s", u->address.bucket, u->address.key, what);
}

// ---- parts ----------------------------------------------------------------------------------------

static grove_status begin(s3_upload *u, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(u->client);
  grove__exchange *x = alloc_exchange(u, err);
  if (!x) {
    return GROVE_ENOMEM;
  }
  grove_status s = ask(u, "POST", "uploads=", NULL, 0, x, err);
  char *id = NULL;
  if (!s && x->body) {
    s = grove__xml_text(a, x->body, x->bytes, "UploadId", &id);
    s = s ? grove__error_memory(err, "an upload's name", x->bytes) : GROVE_OK;
  }
  free_exchange(u, x);
  GROVE__TRY(s);
  if (!id || !*id) {
    grove__free_text(a, id);
    return say(u, GROVE_EIO, err, "the server began no multipart upload");
  }
  u->id = grove__percent_encode(a, id, true);
  grove__free_text(a, id);
  return u->id ? GROVE_OK : grove__error_memory(err, "an upload's name", 0);
}

static grove_status make_etag_room(s3_upload *u, grove_error *err)
{
  if (u->parts < u->etag_room) {
    return GROVE_OK;
  }
  if (u->parts == MOST_PARTS) {
    return grove__error(err, GROVE_ELIMIT, -1,
        "s3://%.100s/%.200s: more than %d parts of %zu bytes, the most that S3 takes: set a larger "
        "part_bytes",
        u->address.bucket, u->address.key, MOST_PARTS, u->part_bytes);
  }
  size_t room = u->etag_room ? 2 * u->etag_room : 16;
  void *grown = grove__realloc(grove__client_allocator(u->client), u->etags,
      u->etag_room * sizeof *u->etags, room * sizeof *u->etags);
  if (!grown) {
    return grove__error_memory(err, "the parts of an upload", room * sizeof *u->etags);
  }
  u->etags = grown;
  u->etag_room = room;
  return GROVE_OK;
}

static grove_status send_part(s3_upload *u, grove_error *err)
{
  char *query = NULL;
  if (!u->id) {
    GROVE__TRY(begin(u, err));
  }
  GROVE__TRY(make_etag_room(u, err));
  const grove_allocator *a = grove__client_allocator(u->client);
  size_t room = strlen(u->id) + 64;
  grove__exchange *x = alloc_exchange(u, err);
  query = grove__alloc(a, room);
  grove_status s;
  if (x && query) {
    snprintf(query, room, "partNumber=%zu&uploadId=%s", u->parts + 1, u->id);
    s = ask(u, "PUT", query, u->part, u->filled, x, err);
  } else {
    s = grove__error_memory(err, "a part's request", room);
  }
  if (!s && !x->etag[0]) {
    s = say(u, GROVE_EIO, err, "the server gave a part no etag");
  }
  if (!s) {
    memcpy(u->etags[u->parts++], x->etag, sizeof x->etag);
    u->filled = 0;
  }
  if (x) {
    free_exchange(u, x);
  }
  grove__free(a, query, room);
  return s;
}

static grove_status put_s3(void *user, const void *bytes, size_t n, grove_error *err)
{
  s3_upload *u = user;
  const char *from = bytes;
  if (u->failed) {
    return say(u, GROVE_EIO, err, "an earlier write failed");
  }
  while (n) {
    // A part goes up when the next byte comes, so that what fits into one is one request.
    grove_status s = u->filled == u->part_bytes ? send_part(u, err) : GROVE_OK;
    if (s) {
      u->failed = true;
      return s;
    }
    size_t room = u->part_bytes - u->filled, taken = n < room ? n : room;
    memcpy(u->part + u->filled, from, taken);
    u->filled += taken;
    u->bytes += taken;
    from += taken;
    n -= taken;
  }
  return GROVE_OK;
}

// ---- the end --------------------------------------------------------------------------------------

static grove_status find_size(s3_upload *u, uint64_t *bytes, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(u->client);
  char *url = grove__address_url(
      a, grove__client_options(u->client), &u->address, u->address.key, NULL);
  grove_status s = url ? grove__remote_size(u->client, url, u->sign, bytes, err)
                       : grove__error_memory(err, "a url", strlen(u->address.key));
  grove__free_text(a, url);
  return s;
}

// The request that makes it visible. A server that says it knows no condition is looked at instead, right before: then only what
// comes between the two is replaced.
static grove_status ask_last(s3_upload *u, const char *method, const char *query, const void *body,
    size_t n, grove__exchange *x, grove_error *err)
{
  uint64_t bytes;
  grove_status s = ask_with(u, u->fresh ? "If-None-Match: *" : NULL, method, query, body, n, x, err);
  if (!s || !u->fresh || x->code != 501) {
    return s;
  }
  grove__exchange_clear(u->client, x);
  u->fresh = false;
  s = find_size(u, &bytes, err);
  return !s                   ? say(u, GROVE_EEXIST, err, "it is there already")
         : s == GROVE_ENOENT ? ask(u, method, query, body, n, x, err)
                             : s;
}

static grove_status put_whole(s3_upload *u, grove_error *err)
{
  grove__exchange *x = alloc_exchange(u, err);
  if (!x) {
    return GROVE_ENOMEM;
  }
  grove_status s = ask_last(u, "PUT", NULL, u->part, u->filled, x, err);
  free_exchange(u, x);
  return s;
}

static char *list_parts(const s3_upload *u, size_t *n)
{
  *n = u->parts * PART_TEXT + 128;
  char *xml = grove__alloc(grove__client_allocator(u->client), *n);
  size_t at = 0;
  if (xml) {
    at += (size_t)snprintf(xml, *n, "<CompleteMultipartUpload>");
  }
  for (size_t i = 0; xml && i < u->parts; i++) {
    at += (size_t)snprintf(xml + at, *n - at,
        "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1, u->etags[i]);
  }
  if (xml) {
    (void)snprintf(xml + at, *n - at, "</CompleteMultipartUpload>");
  }
  return xml;
}

// An attempt before the last may have been the one that did it, with its answer lost; then the upload is gone and the
// object is there, as long as ours.
static bool is_there(s3_upload *u)
{
  uint64_t bytes = 0;
  return !find_size(u, &bytes, NULL) && bytes == u->bytes;
}

// S3 begins its answer before it is done: what does not say what came of it is no success.
static grove_status judge_complete(s3_upload *u, const grove__exchange *x, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(u->client);
  char *etag = NULL;
  if (x->body && grove__xml_text(a, x->body, x->bytes, "ETag", &etag)) {
    return grove__error_memory(err, "an answer", x->bytes);
  }
  bool good = etag != NULL;
  grove__free_text(a, etag);
  return good ? GROVE_OK
              : say(u, GROVE_EIO, err,
                    "the upload was not completed: the server's answer does not say that it was");
}

static grove_status complete_once(s3_upload *u, const char *xml, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(u->client);
  size_t room = strlen(u->id) + 16;
  char *query = grove__alloc(a, room);
  grove__exchange *x = alloc_exchange(u, err);
  grove_status s;
  if (query && x) {
    snprintf(query, room, "uploadId=%s", u->id);
    s = ask_last(u, "POST", query, xml, strlen(xml), x, err);
    if (s == GROVE_ENOENT && x->attempts > 1 && is_there(u)) {
      s = GROVE_OK;
    } else if (!s) {
      s = judge_complete(u, x, err);
    }
  } else {
    s = grove__error_memory(err, "a request", room);
  }
  if (x) {
    free_exchange(u, x);
  }
  grove__free(a, query, room);
  return s;
}

static grove_status complete(s3_upload *u, grove_error *err)
{
  if (u->filled) {
    GROVE__TRY(send_part(u, err));
  }
  const grove_allocator *a = grove__client_allocator(u->client);
  size_t room;
  char *xml = list_parts(u, &room);
  if (!xml) {
    return grove__error_memory(err, "the parts of an upload", room);
  }
  grove_status s = complete_once(u, xml, err);
  grove__free(a, xml, room);
  if (!s) {
    grove__free_text(a, u->id);
    u->id = NULL; // nothing is left to abort
  }
  return s;
}

// What was sent costs until it is deleted. A failure here can only be passed over: there is an error to report already.
static void abort_upload(s3_upload *u)
{
  const grove_allocator *a = grove__client_allocator(u->client);
  size_t room = strlen(u->id) + 16;
  char *query = grove__alloc(a, room);
  grove__exchange *x = alloc_exchange(u, NULL);
  if (query && x) {
    snprintf(query, room, "uploadId=%s", u->id);
    grove_status ignored = ask(u, "DELETE", query, NULL, 0, x, NULL);
    (void)ignored;
  }
  if (x) {
    free_exchange(u, x);
  }
  grove__free(a, query, room);
}

static grove_status close_s3(void *user, int commit, grove_error *err)
{
  s3_upload *u = user;
  const grove_allocator *a = grove__client_allocator(u->client);
  grove_status s = GROVE_OK;
  if (commit) {
    s = u->failed ? say(u, GROVE_EIO, err, "an earlier write failed")
        : u->id   ? complete(u, err)
                  : put_whole(u, err);
  }
  if (u->id) {
    abort_upload(u);
  }
  grove__free_text(a, u->id);
  grove__free(a, u->part, u->part_bytes);
  grove__free(a, u->etags, u->etag_room * sizeof *u->etags);
  grove__address_free(a, &u->address);
  grove__free(a, u, sizeof *u);
  return s;
}

grove_status grove__s3_write(
    grove__client *c, const grove__address *d, bool fresh, grove_sink *out, grove_error *err)
{
  const grove_allocator *a = grove__client_allocator(c);
  size_t part = grove__client_options(c)->part_bytes;
  s3_upload *u = grove__alloc_zero(a, sizeof *u);
  char *buffer = grove__alloc(a, part);
  char *bucket = grove__copy_text(a, d->bucket), *key = grove__copy_text(a, d->key);
  if (!u || !buffer || !bucket || !key) {
    grove__free(a, u, sizeof *u);
    grove__free(a, buffer, part);
    grove__free_text(a, bucket);
    grove__free_text(a, key);
    return grove__error_memory(err, "an upload", sizeof *u + part);
  }
  u->client = c;
  u->address = (grove__address){bucket, key, d->anonymous};
  u->sign = !d->anonymous;
  u->fresh = fresh;
  u->part = buffer;
  u->part_bytes = part;
  *out = (grove_sink){(uint32_t)sizeof *out, u, put_s3, close_s3};
  return GROVE_OK;
}
