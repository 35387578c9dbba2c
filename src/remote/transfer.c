#include "remote/transfer.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "plat/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { MOST_REDIRECTS = 10, FIRST_ROOM = 16384 };

// ---- what comes -----------------------------------------------------------------------------------

// The value of a header line if it is called `name`; NULL: it is not.
static const char *value_of(const char *line, size_t n, const char *name, size_t *length)
{
  size_t m = strlen(name);
  if (n <= m || line[m] != ':' || strncasecmp(line, name, m) != 0) {
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
  if (sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, &from, &to, &total) == 3) {
    x->answer_from = from;
    x->total = total;
    x->ranged = true;
  } else if (sscanf(text, "bytes */%" SCNu64, &total) == 1) {
    x->total = total;
  }
}

static size_t take_header(char *line, size_t size, size_t count, void *user)
{
  grove__exchange *x = user;
  size_t n = size * count;
  char text[128];
  if (n > 5 && !strncmp(line, "HTTP/", 5)) { // another answer begins: after a redirect, say
    x->ranged = x->encoded = false;
    x->total = UINT64_MAX;
    x->etag[0] = x->modified[0] = '\0';
    x->retry_after_ms = 0;
  } else if (take_text(line, n, "content-range", text, sizeof text)) {
    take_range(x, text);
  } else if (take_text(line, n, "content-length", text, sizeof text)) {
    x->total = x->total == UINT64_MAX ? strtoull(text, NULL, 10) : x->total;
  } else if (take_text(line, n, "content-encoding", text, sizeof text)) {
    x->encoded = text[0] && strcasecmp(text, "identity") != 0 && strcasecmp(text, "aws-chunked") != 0;
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

static size_t take_body(char *bytes, size_t size, size_t count, void *user)
{
  grove__exchange *x = user;
  size_t n = size * count;
  long code = 0;
  (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &code);
  if (code < 200 || code > 299) {
    size_t room = sizeof x->problem - 1 - x->problem_bytes;
    size_t kept = n < room ? n : room;
    memcpy(x->problem + x->problem_bytes, bytes, kept);
    x->problem_bytes += kept;
    return n;
  }
  if (x->encoded) {
    x->refused = true;
    return 0;
  }
  if (x->ask.span == GROVE__SPAN_PEEK) {
    return x->ranged ? n : 0; // a whole object that nobody wants: the headers said all
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
  bool signs = x->ask.sign && o->key;
  // Packed bytes would have other places than the ones that are asked for.
  return add_header(x, "Accept-Encoding: identity") && add_header(x, "Expect:") &&
         (!x->ask.header || add_header(x, x->ask.header)) &&
         (!x->ask.body || add_header(x, "Content-Type: application/octet-stream")) &&
         (!signs || add_header(x, content_hash(x))) && (!signs || !o->token || add_token(x, o)) &&
         !curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static bool set_signature(grove__exchange *x, const grove_store_options *o)
{
  if (!x->ask.sign || !o->key) {
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
             strncasecmp(x->ask.url, "https:", 6) ? "http,https" : "https") &&
         !curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, x->ask.sign ? 0L : 1L) &&
         !curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS) &&
         !curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L) &&
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
  x->refused = x->encoded = x->ranged = false;
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

// ---- judging --------------------------------------------------------------------------------------

void grove__show_url(const char *url, char *out, size_t room)
{
  const char *start = strstr(url, "://");
  start = start ? start + 3 : url;
  size_t host = strcspn(start, "/?#");
  const char *at = start;
  for (const char *p = start; p < start + host; p++) {
    at = *p == '@' ? p + 1 : at; // who and the password end at the last one
  }
  size_t n = strcspn(at, "?#");
  snprintf(out, room, "%.*s%.*s", (int)(start - url), url, (int)(n < 4096 ? n : 4096), at);
}

static void describe(const grove__exchange *x, char *out, size_t room)
{
  char url[220], range[64] = "";
  grove__show_url(x->ask.url, url, sizeof url);
  if (x->ask.span == GROVE__SPAN_BYTES) {
    snprintf(range, sizeof range, " bytes %" PRIu64 "-%" PRIu64, x->ask.from,
        x->ask.from + x->ask.n - 1);
  } else if (x->ask.span == GROVE__SPAN_TAIL) {
    snprintf(range, sizeof range, " last %zu bytes", x->ask.n);
  }
  snprintf(out, room, "%s %s%s", x->ask.method, url, range);
}

static grove__verdict fail(grove__exchange *x, const grove_store_options *o, grove_status status,
    bool again, const char *why)
{
  char what[320];
  describe(x, what, sizeof what);
  x->status = grove__error(&x->error, status,
      x->ask.span == GROVE__SPAN_BYTES ? (int64_t)x->ask.from : -1, "%s: %.160s, attempt %u of %u",
      what, why, x->attempts, o->retries + 1);
  return again ? GROVE__VERDICT_RETRY : GROVE__VERDICT_FAILED;
}

// The text between <tag> and </tag> of a server's error; "": there is none. Only for words that a person reads.
static void find_tag(const char *xml, const char *tag, char *out, size_t room)
{
  char open[32];
  int n = snprintf(open, sizeof open, "<%s>", tag);
  const char *from = strstr(xml, open);
  size_t length = from ? strcspn(from + n, "<") : 0;
  length = length < room ? length : room - 1;
  memcpy(out, from ? from + n : "", length);
  out[length] = '\0';
  for (char *p = out; *p; p++) {
    *p = (unsigned char)*p < ' ' ? ' ' : *p;
  }
}

static const char *name_code(long code)
{
  switch (code) {
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 408: return "Request Timeout";
  case 412: return "Precondition Failed: it changed while it was read";
  case 416: return "Range Not Satisfiable";
  case 429: return "Too Many Requests";
  case 500: return "Internal Server Error";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  default: return "";
  }
}

static grove__verdict judge_code(grove__exchange *x, const grove_store_options *o)
{
  char why[200], name[48], message[100];
  x->problem[x->problem_bytes] = '\0';
  find_tag(x->problem, "Code", name, sizeof name);
  find_tag(x->problem, "Message", message, sizeof message);
  const char *text = name_code(x->code);
  int n = snprintf(why, sizeof why, "HTTP %ld%s%s", x->code, *text ? " " : "", text);
  if (x->code >= 300 && x->code < 400 && x->region[0]) {
    n += snprintf(why + n, sizeof why - (size_t)n, ": the bucket is in region \"%s\"", x->region);
  }
  if (*name && (size_t)n < sizeof why) {
    snprintf(why + n, sizeof why - (size_t)n, " (%s%s%s)", name, *message ? ": " : "", message);
  }
  bool again = x->code == 408 || x->code == 429 || (x->code >= 500 && x->code != 501 && x->code != 505) ||
               !strcmp(name, "SlowDown") || !strcmp(name, "RequestTimeout");
  grove_status status = x->code == 404   ? GROVE_ENOENT
                        : x->code == 412 ? GROVE_ECORRUPT
                                         : GROVE_EIO;
  return fail(x, o, status, again, why);
}

static grove__verdict judge_refused(grove__exchange *x, const grove_store_options *o)
{
  char why[160];
  if (x->encoded) {
    return fail(x, o, GROVE_ENOTSUP, false,
        "the server packed it (Content-Encoding), though it was asked not to");
  }
  if (x->ask.span == GROVE__SPAN_BYTES) {
    return fail(x, o, x->ranged ? GROVE_EIO : GROVE_ENOTSUP, x->ranged,
        x->ranged ? "another range came than the one that was asked for"
                  : "the server gives no ranges, only whole files");
  }
  snprintf(why, sizeof why,
      "the answer is longer than %zu bytes, the most that is taken without ranges", x->ask.most);
  return fail(x, o, GROVE_ELIMIT, false, why);
}

static grove__verdict judge_answer(grove__exchange *x, const grove_store_options *o)
{
  bool empty_tail = x->code == 416 && x->total == 0 &&
                    (x->ask.span == GROVE__SPAN_TAIL || x->ask.span == GROVE__SPAN_PEEK);
  if (empty_tail) {
    return GROVE__VERDICT_DONE; // no byte can be the first of a range
  }
  if (x->code < 200 || x->code > 299) {
    return judge_code(x, o);
  }
  if (x->ask.span == GROVE__SPAN_BYTES && x->bytes != x->ask.n) {
    return fail(x, o, GROVE_EIO, true, "the answer is shorter than the range");
  }
  return GROVE__VERDICT_DONE;
}

static bool passes(CURLcode code)
{
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_CONNECT:
  case CURLE_PARTIAL_FILE:
  case CURLE_OPERATION_TIMEDOUT:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_WEIRD_SERVER_REPLY: return true;
  default: return false;
  }
}

grove__verdict grove__transfer_judge(
    grove__exchange *x, CURLcode code, bool stalled, const grove_store_options *o)
{
  char why[160];
  (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->code);
  if (stalled) {
    snprintf(why, sizeof why, "nothing moved for %u ms", o->timeout_ms);
    return fail(x, o, GROVE_ETIMEDOUT, true, why);
  }
  if (x->status) {
    return GROVE__VERDICT_FAILED; // no memory for what came
  }
  if (x->refused) {
    return judge_refused(x, o);
  }
  bool peeked = x->ask.span == GROVE__SPAN_PEEK && code == CURLE_WRITE_ERROR;
  if (code == CURLE_OK || peeked) {
    return judge_answer(x, o);
  }
  grove_status status = code == CURLE_OPERATION_TIMEDOUT ? GROVE_ETIMEDOUT
                        : code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL
                            ? GROVE_EINVAL
                        : code == CURLE_OUT_OF_MEMORY ? GROVE_ENOMEM
                                                      : GROVE_EIO;
  return fail(
      x, o, status, passes(code), x->words[0] ? x->words : curl_easy_strerror(code));
}
