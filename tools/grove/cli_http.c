#include "cli_http.h"
#include <curl/curl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A document of 10,000 actors' numbers has a tenth of that.
enum { USUAL_MS = 10000, CONNECT_MS = 5000, BYTES_MOST = 64 << 20, SCHEMA = 1, MOST_FDS = 4 };

struct cli_http {
  CURLM *multi;
  CURL *easy;
  struct curl_slist *headers, *action; // what is sent with a question, and with what acts
  char *name, *base;
  bool has_token, asking, reached;
  CURLcode ended;
  int64_t limit_ms;
  char *bytes;
  size_t used, room;
};

static size_t take_bytes(char *bytes, size_t one, size_t n, void *http)
{
  cli_http *h = http;
  (void)one;
  if (n > BYTES_MOST - h->used) {
    return 0; // libcurl ends it then
  }
  if (n > h->room - h->used) {
    h->room = 2 * (h->used + n);
    h->bytes = cli_grow(h->bytes, h->room, 1);
  }
  memcpy(h->bytes + h->used, bytes, n);
  h->used += n;
  return n;
}

static void set_headers(cli_http *h, const char *token)
{
  if (token && *token) {
    char *line = cli_format("Authorization: Bearer %s", token);
    h->headers = curl_slist_append(NULL, line);
    h->action = curl_slist_append(NULL, line);
    memset(line, 0, strlen(line));
    free(line);
    h->has_token = true;
  }
  h->action = curl_slist_append(h->action, "X-Grove-Action: 1");
}

static void set_up(cli_http *h, const char *address)
{
  bool is_unix = strncmp(address, "unix:", 5) == 0;
  curl_easy_setopt(h->easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(h->easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(h->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
  curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
  if (is_unix) {
    curl_easy_setopt(h->easy, CURLOPT_UNIX_SOCKET_PATH, address + 5);
  }
  h->base = is_unix                  ? cli_format("http://localhost")
            : strstr(address, "://") ? cli_format("%s", address)
                                     : cli_format("http://%s", address);
  for (size_t n = strlen(h->base); n && h->base[n - 1] == '/'; n--) {
    h->base[n - 1] = '\0';
  }
}

cli_http *cli_http_create(const char *address, const char *token)
{
  cli_http *h = cli_alloc(1, sizeof *h);
  bool begun = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  h->multi = begun ? curl_multi_init() : NULL;
  h->easy = begun ? curl_easy_init() : NULL;
  h->name = cli_format("%s", address);
  if (!h->multi || !h->easy) {
    (void)cli_fail(EXIT_RUN, "libcurl can't be used: it has no memory, or does not begin");
    cli_http_destroy(h);
    return NULL;
  }
  set_headers(h, token);
  set_up(h, address);
  return h;
}

void cli_http_destroy(cli_http *h)
{
  if (!h) {
    return;
  }
  if (h->asking) {
    curl_multi_remove_handle(h->multi, h->easy);
  }
  curl_easy_cleanup(h->easy);
  if (h->multi) {
    curl_multi_cleanup(h->multi);
  }
  curl_slist_free_all(h->headers);
  curl_slist_free_all(h->action);
  free(h->name);
  free(h->base);
  free(h->bytes);
  free(h);
}

const char *cli_http_name(const cli_http *h)
{
  return h->name;
}

bool cli_http_is_asking(const cli_http *h)
{
  return h->asking;
}

// ---- one request ------------------------------------------------------------------------------------------------

void cli_http_begin(cli_http *h, const char *path, bool acts, int64_t limit_ms)
{
  char *url = cli_format("%s/api/1/%s", h->base, path);
  h->limit_ms = limit_ms ? limit_ms : USUAL_MS;
  h->used = 0;
  curl_easy_setopt(h->easy, CURLOPT_URL, url);
  curl_easy_setopt(h->easy, CURLOPT_TIMEOUT_MS, (long)h->limit_ms);
  curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, acts ? h->action : h->headers);
  if (acts) {
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE, 0L);
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(h->easy, CURLOPT_POST, 1L);
  } else {
    curl_easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
  }
  free(url);
  curl_multi_add_handle(h->multi, h->easy);
  h->asking = true;
  h->ended = CURLE_AGAIN; // no request ends with it
}

static bool is_done(cli_http *h)
{
  int running = 0, left = 0;
  const CURLMsg *m;
  CURLMcode failed = curl_multi_perform(h->multi, &running);
  while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
    if (m->msg == CURLMSG_DONE) {
      h->ended = m->data.result;
      return true;
    }
  }
  if (failed) {
    h->ended = CURLE_OUT_OF_MEMORY;
  }
  return failed != CURLM_OK;
}

bool cli_http_work(cli_http *h, const int *fds, size_t n, int ms)
{
  struct curl_waitfd extra[MOST_FDS];
  n = n < MOST_FDS ? n : MOST_FDS;
  for (size_t i = 0; i < n; i++) {
    extra[i] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
  }
  if (h->asking && is_done(h)) {
    return true;
  }
  // A signal ends the waiting; what it means is its handler's to say.
  (void)curl_multi_poll(h->multi, extra, (unsigned)n, ms, NULL);
  return h->asking && is_done(h);
}

// ---- its answer --------------------------------------------------------------------------------------------------

static cli_answer without(int code, bool over, const char *format, ...) GROVE_PRINTF(3, 4);
static cli_answer without(int code, bool over, const char *format, ...)
{
  cli_answer a = {.code = code, .over = over};
  va_list args;
  va_start(args, format);
  vsnprintf(a.words, sizeof a.words, format, args);
  va_end(args);
  cli_clean_text(a.words);
  return a;
}

static cli_answer judge_end(const cli_http *h)
{
  switch (h->ended) {
  case CURLE_OPERATION_TIMEDOUT:
    return without(EXIT_LIMIT, false,
        "%s has not answered within %lld ms: its process is stopped, or very busy", h->name,
        (long long)h->limit_ms);
  case CURLE_COULDNT_CONNECT:
  case CURLE_GOT_NOTHING:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR:
  case CURLE_PARTIAL_FILE:
    return h->reached ? without(EXIT_RUN, true,
                            "the connection to %s is lost: its process has ended, or its dashboard "
                            "was stopped",
                            h->name)
                      : without(EXIT_INPUT, true,
                            "nobody serves at %s: has its process ended? Without --at, what runs "
                            "is listed",
                            h->name);
  case CURLE_WRITE_ERROR:
    return without(EXIT_LIMIT, false, "%s gives more than %d MiB at once: ask for fewer", h->name,
        BYTES_MOST >> 20);
  default: return without(EXIT_INPUT, true, "%s: %s", h->name, curl_easy_strerror(h->ended));
  }
}

static json_t *read_document(const cli_http *h)
{
  json_t *d = json_loadb(h->bytes ? h->bytes : "", h->used, 0, NULL);
  // A number above 2^63 - 1, of which there is hardly any: better without its last digits than not at all.
  return d ? d : json_loadb(h->bytes ? h->bytes : "", h->used, JSON_DECODE_INT_AS_REAL, NULL);
}

static cli_answer judge_status(const cli_http *h, long status, const char *error)
{
  const char *words = error ? error : "it does not say why";
  switch (status) {
  case 401:
    return h->has_token
               ? without(EXIT_INPUT, true,
                     "%s refuses the token: it is not the one that its dashboard has", h->name)
               : without(EXIT_INPUT, true,
                     "%s wants a token: --token-file FILE, or GROVE_TOKEN in the environment",
                     h->name);
  case 404: return without(EXIT_INPUT, false, "%s: %s", h->name, words);
  case 400: return without(EXIT_USAGE, false, "%s: %s", h->name, words);
  default: return without(EXIT_RUN, false, "%s: %s (status %ld)", h->name, words, status);
  }
}

static cli_answer judge_document(cli_http *h, long status, json_t *d)
{
  const json_t *schema = json_object_get(d, "schema");
  if (!json_is_integer(schema)) {
    return without(EXIT_DATA, true,
        "%s answers, but not as grove's dashboard does (status %ld): is this its address?", h->name,
        status);
  }
  if (json_integer_value(schema) != SCHEMA) {
    return without(EXIT_DATA, true,
        "%s speaks schema %lld, and this grove (%s) knows schema %d: use the grove that the "
        "process was built with",
        h->name, (long long)json_integer_value(schema), grove_version(), SCHEMA);
  }
  h->reached = true;
  if (status != 200) {
    return judge_status(h, status, json_string_value(json_object_get(d, "error")));
  }
  return (cli_answer){.document = json_incref(d)};
}

cli_answer cli_http_take(cli_http *h)
{
  long status = 0;
  if (h->asking) {
    curl_multi_remove_handle(h->multi, h->easy);
    h->asking = false;
  }
  if (h->ended != CURLE_OK) {
    return judge_end(h);
  }
  curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
  json_t *d = read_document(h);
  cli_answer a = judge_document(h, status, d);
  json_decref(d);
  return a;
}

cli_answer cli_http_answer(cli_http *h, const char *path, bool acts, int64_t limit_ms)
{
  cli_http_begin(h, path, acts, limit_ms);
  while (!cli_http_work(h, NULL, 0, 1000)) {}
  return cli_http_take(h);
}

int cli_http_ask(cli_http *h, const char *path, bool acts, int64_t limit_ms, json_t **out)
{
  cli_answer a = cli_http_answer(h, path, acts, limit_ms);
  *out = a.document;
  return a.document ? EXIT_GOOD : cli_fail(a.code, "%s", a.words);
}

char *cli_http_add(char *path, const char *key, const char *value)
{
  char *escaped = curl_easy_escape(NULL, value, 0);
  if (!escaped) {
    exit(cli_fail(EXIT_RUN, "out of memory for an address"));
  }
  char *longer = cli_format("%s%c%s=%s", path, strchr(path, '?') ? '&' : '?', key, escaped);
  curl_free(escaped);
  free(path);
  return longer;
}
