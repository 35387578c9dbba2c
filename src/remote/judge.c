// How an attempt ended: done, failed, or worth another; and the words for it.
#include "base/error.h"
#include "remote/transfer.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
  char url[180], range[64] = "";
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
      x->ask.span == GROVE__SPAN_BYTES ? (int64_t)x->ask.from : -1, "%s: %.170s, attempt %u of %u",
      what, why, x->attempts, o->retries + 1);
  return again ? GROVE__VERDICT_RETRY : GROVE__VERDICT_FAILED;
}

void grove__transfer_late(grove__exchange *x, const grove_store_options *o)
{
  char why[160];
  snprintf(why, sizeof why, "the time for one file is over: %u ms (file_ms)", o->file_ms);
  (void)fail(x, o, GROVE_ETIMEDOUT, false, why);
}

// One sign that XML writes by a name or a number, at `from`; gives how far it goes, 0: none that we know.
static size_t decode_sign(const char *from, char *out)
{
  static const struct {
    const char *name;
    char sign;
  } known[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!strncmp(from, known[i].name, strlen(known[i].name))) {
      *out = known[i].sign;
      return strlen(known[i].name);
    }
  }
  unsigned code;
  int n = 0;
  bool good = sscanf(from, "&#x%2x;%n", &code, &n) == 1 || sscanf(from, "&#%3u;%n", &code, &n) == 1;
  *out = (char)code;
  return good && n && code < 128 ? (size_t)n : 0;
}

static void decode_signs(char *text)
{
  char *to = text;
  for (const char *from = text; *from;) {
    size_t n = *from == '&' ? decode_sign(from, to) : 0;
    if (!n) {
      *to = *from;
      n = 1;
    }
    from += n;
    to++;
  }
  *to = '\0';
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
  decode_signs(out);
  for (char *p = out; *p; p++) {
    *p = (unsigned char)*p < ' ' ? ' ' : *p;
  }
}

static const char *name_code(long code, bool reads)
{
  switch (code) {
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 412: return reads ? "Precondition Failed: it changed while it was read" : "Precondition Failed: it is there already";
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
  char why[240], name[48], message[140];
  x->problem[x->problem_bytes] = '\0';
  find_tag(x->problem, "Code", name, sizeof name);
  find_tag(x->problem, "Message", message, sizeof message);
  bool reads = !strcmp(x->ask.method, "GET");
  const char *text = name_code(x->code, reads);
  int n = snprintf(why, sizeof why, "HTTP %ld%s%s", x->code, *text ? " " : "", text);
  if (x->code >= 300 && x->code < 400 && x->region[0]) {
    n += snprintf(why + n, sizeof why - (size_t)n, ": the bucket is in region \"%s\"", x->region);
  }
  if (*name && (size_t)n < sizeof why) {
    snprintf(why + n, sizeof why - (size_t)n, " (%s%s%s)", name, *message ? ": " : "", message);
  }
  bool again = x->code == 408 || x->code == 429 || (x->code >= 500 && x->code != 501 && x->code != 505) ||
               !strcmp(name, "SlowDown") || !strcmp(name, "RequestTimeout") ||
               !strcmp(name, "InternalError") || !strcmp(name, "ServiceUnavailable") ||
               (!strcmp(name, "ConditionalRequestConflict") && !strcmp(x->ask.method, "PUT")); // of parts, they are gone
  x->keys_ended = !strcmp(name, "ExpiredToken") || !strcmp(name, "ExpiredTokenException");
  grove_status status = x->code == 404   ? GROVE_ENOENT
                        : x->code == 412 ? (reads ? GROVE_ECORRUPT : GROVE_EEXIST)
                                         : GROVE_EIO;
  return fail(x, o, status, again, why);
}

static grove__verdict fail_unsaid(grove__exchange *x, const grove_store_options *o)
{
  return fail(
      x, o, GROVE_EIO, true, "a part came that does not say which it is (Content-Range)");
}

static grove__verdict judge_refused(grove__exchange *x, const grove_store_options *o)
{
  char why[160];
  if (x->encoded) {
    return fail(x, o, GROVE_ENOTSUP, false,
        "the server packed it (Content-Encoding), though it was asked not to");
  }
  if (x->partial && !x->ranged) {
    return fail_unsaid(x, o);
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

// Of an empty object no byte can be the first of a range. S3 itself says so in the body alone.
static bool is_empty(grove__exchange *x)
{
  char actual[24];
  x->problem[x->problem_bytes] = '\0';
  find_tag(x->problem, "ActualObjectSize", actual, sizeof actual);
  return (x->ask.span == GROVE__SPAN_TAIL || x->ask.span == GROVE__SPAN_PEEK) &&
         (x->lengthy ? x->total == 0 : !strcmp(actual, "0"));
}

// What begins an error: S3 sends blanks until it knows how its work ended.
static bool is_late_error(const grove__exchange *x)
{
  size_t at = 0;
  while (at < x->bytes && strchr(" \t\r\n", x->body[at])) {
    at++;
  }
  if (at + 5 < x->bytes && !memcmp(x->body + at, "<?xml", 5)) {
    const char *end = memchr(x->body + at, '>', x->bytes - at);
    at = end ? (size_t)(end + 1 - x->body) : x->bytes;
  }
  while (at < x->bytes && strchr(" \t\r\n", x->body[at])) {
    at++;
  }
  return at + 6 < x->bytes && !memcmp(x->body + at, "<Error", 6);
}

static grove__verdict judge_answer(grove__exchange *x, const grove_store_options *o)
{
  char why[160];
  if (x->code == 416 && is_empty(x)) {
    x->total = x->bytes = 0;
    return GROVE__VERDICT_DONE;
  }
  if (x->code < 200 || x->code > 299) {
    return judge_code(x, o);
  }
  if (x->partial && !x->ranged) {
    return fail_unsaid(x, o);
  }
  if (x->ask.fails_late && is_late_error(x)) {
    x->problem_bytes = x->bytes < sizeof x->problem ? x->bytes : sizeof x->problem - 1;
    memcpy(x->problem, x->body, x->problem_bytes);
    return judge_code(x, o);
  }
  if (x->ask.span == GROVE__SPAN_BYTES && x->bytes != x->ask.n) {
    return fail(x, o, GROVE_EIO, true, "the answer is shorter than the range");
  }
  if (x->ask.span == GROVE__SPAN_TAIL && x->ranged && x->total != UINT64_MAX &&
      (x->bytes > x->total || x->answer_from != x->total - x->bytes)) {
    snprintf(why, sizeof why, "the end was asked for, and %zu bytes at %" PRIu64 " of %" PRIu64 " came",
        x->bytes, x->answer_from, x->total);
    return fail(x, o, GROVE_EIO, true, why);
  }
  bool whole = x->ask.span == GROVE__SPAN_TAIL || x->ask.span == GROVE__SPAN_WHOLE;
  if (whole && !x->ranged && x->total != UINT64_MAX && x->bytes != x->total) {
    snprintf(why, sizeof why, "%zu bytes came, and its header says %" PRIu64, x->bytes, x->total);
    return fail(x, o, GROVE_EIO, true, why);
  }
  if (x->total == UINT64_MAX && !x->ranged && x->ask.span == GROVE__SPAN_PEEK) {
    x->total = x->bytes;
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
  // What went wrong on the server has been said by its code, whether or not all words of it came.
  bool told = (x->code >= 400 && code != CURLE_OUT_OF_MEMORY) ||
              (x->code >= 300 && code == CURLE_WRITE_ERROR);
  if (code == CURLE_OK || peeked || told) {
    return judge_answer(x, o);
  }
  grove_status status = code == CURLE_OPERATION_TIMEDOUT ? GROVE_ETIMEDOUT
                        : code == CURLE_URL_MALFORMAT ? GROVE_EINVAL
                        : code == CURLE_OUT_OF_MEMORY ? GROVE_ENOMEM
                                                      : GROVE_EIO;
  const char *words = code == CURLE_OUT_OF_MEMORY ? "out of memory, or a line of the header is too long"
                      : x->words[0]               ? x->words
                                                  : curl_easy_strerror(code);
  // Its words for this differ from version to version.
  return fail(x, o, status, passes(code),
      code == CURLE_PARTIAL_FILE ? "the answer was cut short" : words);
}
