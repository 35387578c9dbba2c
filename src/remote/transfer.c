#include "remote/transfer.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/letters.h"
#include "base/status.h"
#include "plat/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// EXPECT_MS: for a large body a server is asked first whether it wants it, and has that long to say so. libcurl before
// 8 would sign an "Expect:" that is to keep it from asking, though it is not sent.
enum { MOST_REDIRECTS = 10, FIRST_ROOM = 16384, MOST_PROBLEM = 65536, EXPECT_MS = 100 };

// ---- what comes -----------------------------------------------------------------------------------

// The value of a header line if it is called `name`; NULL: it is not.
static const char *value_of(const char *line, size_t n, const char *name, size_t *length)
{
  size_t m = strlen(name);
  if (n <= m || line[m] != ':' || !grove__same_start(line, name, m)) {
    return NULL;
  }
  const char *from = line + m + 1, *end = line + n;
  while (from < end && (*from == ' ' || *from == '\t')) {
    from++;
  }
  while (end > from && (unsigned char)end[-1] <= ' ') {
    end--;
  }
  *length = (size_t)(end - from);
  return from;
}

static bool take_text(const char *line, size_t n, const char *name, char *out, size_t room)
{
  size_t length;
  const char *value = value_of(line, n, name, &length);
  if (value) {
    // What does not fit is left out: half of an etag would match nothing.
    length = length < room ? length : 0;
    memcpy(out, value, length);
    out[length] = '\0';
  }
  return value != NULL;
}

static void take_range(grove__exchange *x, const char *text)
{
  uint64_t from, to, total;
  char star;
  if (!x->partial) {
    if (sscanf(text, "bytes */%" SCNu64, &total) == 1) { // with the code 416
      x->total = total;
      x->lengthy = true;
    }
  } else if (sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, &from, &to, &total) == 3) {
    x->answer_from = from;
    x->total = total;
    x->ranged = x->lengthy = from <= to && to < total;
  } else if (sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%c", &from, &to, &star) == 3 && star == '*') {
    x->answer_from = from; // a server may not know, or not say, how long the whole is
    x->total = UINT64_MAX;
    x->ranged = from <= to;
  }
}

// One that is too large for a number is no answer without a length: it stays a length that does not come.
static void take_length(grove__exchange *x, const char *text)
{
  if (x->total == UINT64_MAX && !x->ranged) {
    unsigned long long length = strtoull(text, NULL, 10);
    x->total = length < UINT64_MAX ? length : UINT64_MAX - 1;
  }
}

static void forget_answer(grove__exchange *x)
{
  x->ranged = x->partial = x->encoded = x->lengthy = false;
  x->total = UINT64_MAX;
  x->etag[0] = x->modified[0] = x->region[0] = '\0';
  x->retry_after_ms = 0;
}

static size_t take_header(char *line, size_t size, size_t count, void *user)
{
  grove__exchange *x = user;
  size_t n = size * count;
  char text[128];
  if (n > 5 && !strncmp(line, "HTTP/", 5)) { // another answer begins: after a redirect, say
    forget_answer(x);
    x->partial = n > 12 && !strncmp(line + 8, " 206", 4);
  } else if (take_text(line, n, "content-range", text, sizeof text)) {
    take_range(x, text);
  } else if (take_text(line, n, "content-length", text, sizeof text)) {
    take_length(x, text);
  } else if (take_text(line, n, "content-encoding", text, sizeof text)) {
    x->encoded = text[0] && !grove__same_letters(text, "identity") && !grove__same_letters(text, "aws-chunked");
  } else if (take_text(line, n, "retry-after", text, sizeof text)) {
    x->retry_after_ms = strtoull(text, NULL, 10) * 1000; // a date gives 0: our own backoff then
  } else if (!take_text(line, n, "etag", x->etag, sizeof x->etag) &&
             !take_text(line, n, "last-modified", x->modified, sizeof x->modified)) {
    (void)take_text(line, n, "x-amz-bucket-region", x->region, sizeof x->region);
  }
  return n;
}

static bool grow(grove__exchange *x, size_t n)
{
  const grove_allocator *a = grove__client_allocator(x->client);
  size_t wanted = x->bytes + n;
  if (wanted <= x->room) {
    return true;
  }
  size_t room = x->room ? 2 * x->room : FIRST_ROOM;
  room = room > x->ask.most ? x->ask.most : room;
  room = room < wanted ? wanted : room;
  char *grown = grove__realloc(a, x->body, x->room, room);
  if (!grown) {
    x->status = grove__error_memory(&x->error, "an answer", room);
    return false;
  }
  x->body = grown;
  x->room = room;
  return true;
}

static bool take_growing(grove__exchange *x, const char *bytes, size_t n)
{
  if (n > x->ask.most - x->bytes || (x->bytes == 0 && !x->ranged && x->total != UINT64_MAX &&
                                        x->total > x->ask.most)) {
    x->refused = true;
    return false;
  }
  if (!grow(x, n)) {
    return false;
  }
  memcpy(x->body + x->bytes, bytes, n);
  x->bytes += n;
  return true;
}

// Bytes of the range go to their place.
static bool take_span(grove__exchange *x, const char *bytes, size_t n)
{
  bool whole = !x->ranged && x->ask.from == 0 && x->total == x->ask.n; // as good as the range
  if ((!whole && (!x->ranged || x->answer_from != x->ask.from)) || n > x->ask.n - x->bytes) {
    x->refused = true;
    return false;
  }
  memcpy((char *)x->ask.into + x->bytes, bytes, n);
  x->bytes += n;
  return true;
}

static void keep_problem(grove__exchange *x, const char *bytes, size_t n)
{
  size_t room = sizeof x->problem - 1 - x->problem_bytes;
  size_t kept = n < room ? n : room;
  memcpy(x->problem + x->problem_bytes, bytes, kept);
  x->problem_bytes += kept;
}

// Only the length is wanted. A whole object is let go where the header has said it; else its bytes are counted.
static bool take_peeked(grove__exchange *x, size_t n)
{
  if (x->ranged || x->total != UINT64_MAX) {
    return x->ranged;
  }
  x->bytes += n;
  x->refused = x->bytes > x->ask.most;
  return !x->refused;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *user)
{
  grove__exchange *x = user;
  size_t n = size * count;
  long code = 0;
  (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &code);
  if (code < 200 || code > 299) {
    keep_problem(x, bytes, n);
    x->bytes += n;
    return x->bytes <= MOST_PROBLEM ? n : 0; // the code says enough
  }
  if (x->encoded) {
    x->refused = true;
    return 0;
  }
  if (x->ask.span == GROVE__SPAN_PEEK) {
    return take_peeked(x, n) ? n : 0;
  }
  bool good =
      x->ask.span == GROVE__SPAN_BYTES ? take_span(x, bytes, n) : take_growing(x, bytes, n);
  return good ? n : 0;
}

static int note_progress(
    void *user, curl_off_t to_come, curl_off_t came, curl_off_t to_go, curl_off_t went)
{
  grove__exchange *x = user;
  (void)to_come;
  (void)to_go;
  if (came + went != x->moved) {
    x->moved = came + went;
    x->progress_ns = grove__clock_ns();
  }
  return 0;
}

// ---- setting up -----------------------------------------------------------------------------------

static bool add_header(grove__exchange *x, const char *line)
{
  struct curl_slist *longer = curl_slist_append(x->headers, line);
  x->headers = longer ? longer : x->headers;
  return longer != NULL;
}

static bool is_signed(const grove__exchange *x, const grove_store_options *o)
{
  return x->ask.sign && o->key;
}

static bool add_token(grove__exchange *x, const grove_store_options *o)
{
  const grove_allocator *a = grove__client_allocator(x->client);
  size_t room = strlen(o->token) + sizeof "x-amz-security-token: ";
  char *line = grove__alloc(a, room);
  if (!line) {
    return false;
  }
  snprintf(line, room, "x-amz-security-token: %s", o->token);
  bool good = add_header(x, line);
  grove__free(a, line, room);
  return good;
}

// What the body's hash is said to be. libcurl before 8.0 signs such a header if it is there, and makes none; without
// it some servers refuse. A body goes unhashed: TLS keeps it whole on its way, and S3 allows it.
static const char *content_hash(const grove__exchange *x)
{
  return x->ask.body ? "x-amz-content-sha256: UNSIGNED-PAYLOAD"
                     : "x-amz-content-sha256: "
                       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
}

static bool set_headers(grove__exchange *x, const grove_store_options *o)
{
  bool signs = is_signed(x, o);
  // Packed bytes would have other places than the ones that are asked for.
  return add_header(x, "Accept-Encoding: identity") &&
         (!x->ask.header || add_header(x, x->ask.header)) &&
         (!x->ask.body || add_header(x, "Content-Type: application/octet-stream")) &&
         (!signs || add_header(x, content_hash(x))) && (!signs || !o->token || add_token(x, o)) &&
         !curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static bool set_signature(grove__exchange *x, const grove_store_options *o)
{
  if (!is_signed(x, o)) {
    return true;
  }
  char provider[128];
  snprintf(provider, sizeof provider, "aws:amz:%.64s:s3", o->region ? o->region : "us-east-1");
  return !curl_easy_setopt(x->easy, CURLOPT_AWS_SIGV4, provider) &&
         !curl_easy_setopt(x->easy, CURLOPT_USERNAME, o->key) &&
         !curl_easy_setopt(x->easy, CURLOPT_PASSWORD, o->secret);
}

static bool set_span(grove__exchange *x)
{
  char range[64];
  switch (x->ask.span) {
  case GROVE__SPAN_WHOLE: return true;
  case GROVE__SPAN_TAIL: snprintf(range, sizeof range, "-%zu", x->ask.n); break;
  case GROVE__SPAN_PEEK: snprintf(range, sizeof range, "0-0"); break;
  case GROVE__SPAN_BYTES:
    snprintf(range, sizeof range, "%" PRIu64 "-%" PRIu64, x->ask.from,
        x->ask.from + (x->ask.n - 1));
    break;
  }
  return !curl_easy_setopt(x->easy, CURLOPT_RANGE, range);
}

static bool set_body(grove__exchange *x)
{
  bool posts = x->ask.body || !strcmp(x->ask.method, "POST");
  return (!posts || (!curl_easy_setopt(x->easy, CURLOPT_POST, 1L) &&
                        !curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                            (curl_off_t)x->ask.body_bytes) &&
                        !curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS,
                            x->ask.body ? x->ask.body : ""))) &&
         (!strcmp(x->ask.method, "GET") ||
             !curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, x->ask.method));
}

// No proxy, no signals, no other protocols, and nothing of the environment, but what the options say.
static bool set_rules(grove__exchange *x, const grove_store_options *o)
{
  CURL *e = x->easy;
  return !curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) &&
         !curl_easy_setopt(e, CURLOPT_PROXY, o->proxy ? o->proxy : "") &&
         !curl_easy_setopt(e, CURLOPT_NOPROXY, o->no_proxy ? o->no_proxy : "") &&
         !curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") &&
         !curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR,
             grove__same_start(x->ask.url, "https:", 6) ? "https" : "http,https") &&
         !curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, is_signed(x, o) ? 0L : 1L) &&
         !curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS) &&
         !curl_easy_setopt(e, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)EXPECT_MS) &&
         !curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, x->ask.once ? 1L : 0L) &&
         !curl_easy_setopt(e, CURLOPT_PATH_AS_IS, x->ask.sign && o->key ? 0L : 1L) &&
         !curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
         !curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout_ms) &&
         !curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)o->request_ms) &&
         (!o->ca_file || !curl_easy_setopt(e, CURLOPT_CAINFO, o->ca_file)) &&
         !curl_easy_setopt(e, CURLOPT_USERAGENT, "grove");
}

static bool set_callbacks(grove__exchange *x)
{
  CURL *e = x->easy;
  return !curl_easy_setopt(e, CURLOPT_PRIVATE, (void *)x) &&
         !curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->words) &&
         !curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header) &&
         !curl_easy_setopt(e, CURLOPT_HEADERDATA, (void *)x) &&
         !curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body) &&
         !curl_easy_setopt(e, CURLOPT_WRITEDATA, (void *)x) &&
         !curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, note_progress) &&
         !curl_easy_setopt(e, CURLOPT_XFERINFODATA, (void *)x) &&
         !curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L) &&
         !curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 262144L);
}

grove_status grove__transfer_set(grove__exchange *x, const grove_store_options *o)
{
  x->bytes = x->problem_bytes = 0;
  x->moved = 0;
  x->code = 0;
  x->words[0] = '\0';
  x->refused = x->keys_ended = false;
  forget_answer(x);
  x->status = GROVE_OK;
  x->easy = curl_easy_init();
  if (x->easy && set_callbacks(x) && set_rules(x, o) && set_span(x) && set_body(x) &&
      set_signature(x, o) && set_headers(x, o) &&
      !curl_easy_setopt(x->easy, CURLOPT_URL, x->ask.url)) {
    return GROVE_OK;
  }
  return grove__error_memory(&x->error, "a request", sizeof *x);
}

void grove__transfer_unset(grove__exchange *x)
{
  curl_slist_free_all(x->headers);
  curl_easy_cleanup(x->easy);
  x->headers = NULL;
  x->easy = NULL;
}
