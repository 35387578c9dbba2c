// A request, from its header to the room that answers it: who may ask, for what, and with which headers.
#include "base/letters.h"
#include "dash/dash.h"
#include <stdarg.h>
#include <stdio.h>

grove_status grove__dash_buffer_write(void *buffer, const char *bytes, size_t n)
{
  grove__dash_buffer *b = buffer;
  if (n > b->room - b->used) {
    size_t room = b->room ? b->room : 4096;
    while (room - b->used < n) {
      room *= 2;
    }
    char *more = grove__realloc(b->memory, b->bytes, b->room, room);
    if (!more) {
      return GROVE_ENOMEM;
    }
    b->bytes = more;
    b->room = room;
  }
  memcpy(b->bytes + b->used, bytes, n);
  b->used += n;
  return GROVE_OK;
}

void grove__dash_buffer_free(grove__dash_buffer *b)
{
  grove__free(b->memory, b->bytes, b->room);
  b->bytes = NULL;
  b->used = b->room = 0;
}

// ---- answers --------------------------------------------------------------------------------------------------

void grove__dash_headers(struct MHD_Response *r)
{
  static const char *const lines[][2] = {
      {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "
                                  "connect-src 'self'; img-src 'self'; "
                                  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"}, {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"}};
  for (size_t i = 0; i < GROVE__COUNT(lines); i++) {
    MHD_add_response_header(r, lines[i][0], lines[i][1]);
  }
}

static enum MHD_Result send_response(
    struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
  if (!r) {
    return MHD_NO; // no memory: the connection is closed
  }
  grove__dash_headers(r);
  enum MHD_Result queued = MHD_queue_response(c, status, r);
  MHD_destroy_response(r);
  return queued;
}

static struct MHD_Response *make(const char *type, const void *bytes, size_t n)
{
  struct MHD_Response *r =
      MHD_create_response_from_buffer(n, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);
  if (r) {
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  }
  return r;
}

enum MHD_Result grove__dash_reply(
    struct MHD_Connection *c, unsigned status, const char *type, const void *bytes, size_t n)
{
  return send_response(c, status, make(type, bytes, n));
}

typedef struct refusal {
  char text[768];
  size_t used;
} refusal;

static grove_status put(void *text, const char *bytes, size_t n)
{
  refusal *t = text;
  if (n > sizeof t->text - t->used) {
    return GROVE_ELIMIT;
  }
  memcpy(t->text + t->used, bytes, n);
  t->used += n;
  return GROVE_OK;
}

enum MHD_Result grove__dash_refuse(
    struct MHD_Connection *c, unsigned status, const char *format, ...)
{
  char words[200];
  refusal t = {.used = 0};
  grove__emitter e;
  grove__json j = {.to = &e};
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  grove__emit_init(&e, put, &t);
  grove__json_open(&j, NULL, '{');
  grove__json_number(&j, "schema", GROVE_JSON_SCHEMA);
  grove__json_number(&j, "status", status);
  grove__json_text(&j, "error", words);
  grove__json_close(&j, '}');
  grove__emit_text(&e, "\n");
  (void)!grove__emit_flush(&e);
  struct MHD_Response *r = make("application/json", t.text, t.used);
  if (r && status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  if (r && status == MHD_HTTP_UNAUTHORIZED) {
    MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
  }
  return send_response(c, status, r);
}

// ---- who may ask --------------------------------------------------------------------------------------------------

/// For count_deciding.
struct twice {
  uint32_t seen;
  const char *name; // of one that was seen before; NULL: none
};

static const char *header(struct MHD_Connection *c, const char *name)
{
  return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

// "/?token=…" from the address that the program prints: the token becomes a cookie, and leaves the address bar.
static enum MHD_Result log_in(grove__dash *d, struct MHD_Connection *c, const char *token)
{
  char cookie[sizeof d->cookie + GROVE__TOKEN_MOST + 64];
  if (!grove__guard_same(token, d->token)) {
    return grove__dash_refuse(c, MHD_HTTP_UNAUTHORIZED, "this token is not the dashboard's");
  }
  struct MHD_Response *r = make("text/plain", "", 0);
  if (r) {
    snprintf(
        cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict", d->cookie, d->token);
    MHD_add_response_header(r, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    MHD_add_response_header(r, MHD_HTTP_HEADER_LOCATION, "/");
  }
  return send_response(c, MHD_HTTP_SEE_OTHER, r);
}

static bool knows_token(grove__dash *d, struct MHD_Connection *c)
{
  char given[GROVE__TOKEN_MOST + 1];
  grove__guard_bearer(header(c, MHD_HTTP_HEADER_AUTHORIZATION), given);
  if (!given[0]) {
    grove__guard_cookie(header(c, MHD_HTTP_HEADER_COOKIE), d->cookie, given);
  }
  return grove__guard_same(given, d->token);
}

// Those by which it is judged who asks, and what follows: one who sends two wants different readers to see different ones.
static enum MHD_Result count_deciding(void *twice, enum MHD_ValueKind kind, const char *name, const char *value)
{
  static const char *const names[] = {MHD_HTTP_HEADER_HOST, MHD_HTTP_HEADER_ORIGIN, "Sec-Fetch-Site",
      MHD_HTTP_HEADER_AUTHORIZATION, MHD_HTTP_HEADER_COOKIE, MHD_HTTP_HEADER_CONTENT_LENGTH,
      MHD_HTTP_HEADER_TRANSFER_ENCODING, "X-Grove-Action"};
  _Static_assert(GROVE__COUNT(names) <= 32, "a bit for each");
  struct twice *t = twice;
  (void)kind, (void)value;
  for (uint32_t i = 0; i < GROVE__COUNT(names); i++) {
    if (grove__same_letters(name, names[i])) {
      t->name = t->seen >> i & 1 ? names[i] : t->name;
      t->seen |= UINT32_C(1) << i;
    }
  }
  return MHD_YES;
}

// The deciding header that is there twice; NULL: none.
static const char *doubled(struct MHD_Connection *c)
{
  struct twice t = {.seen = 0};
  MHD_get_connection_values(c, MHD_HEADER_KIND, count_deciding, &t);
  return t.name;
}

static bool is_data(const char *url)
{
  return strncmp(url, "/api/", 5) == 0 || strcmp(url, "/metrics") == 0;
}

// True: *result is the answer already.
static bool stopped_at_the_door(grove__dash *d, struct MHD_Connection *c, const char *url,
    const char *method, enum MHD_Result *result)
{
  const char *host = header(c, MHD_HTTP_HEADER_HOST),
             *length = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
  bool post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
  const char *two = doubled(c);
  if (two) {
    *result = grove__dash_refuse(c, MHD_HTTP_BAD_REQUEST, "the header %s is there twice", two);
  } else if (!grove__guard_host(host, (const char *const *)d->hosts)) {
    *result = grove__dash_refuse(c, MHD_HTTP_FORBIDDEN,
        "the Host header is no name of this dashboard: ask for localhost, for an address in "
        "numbers, or name it in the option hosts");
  } else if (!grove__guard_origin(header(c, MHD_HTTP_HEADER_ORIGIN), host) ||
             ((post || is_data(url)) && !grove__guard_site(header(c, "Sec-Fetch-Site")))) {
    *result = grove__dash_refuse(
        c, MHD_HTTP_FORBIDDEN, "another site's page asks: only the dashboard's own may");
  } else if (url[0] != '/' && strcmp(url, "*") != 0) { // a host that is named there would be judged by nobody
    *result = grove__dash_refuse(
        c, MHD_HTTP_BAD_REQUEST, "a path is asked for here, which begins with \"/\": this is no proxy");
  } else if (!post && strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
             strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
    *result =
        grove__dash_refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "the dashboard reads: GET and HEAD");
  } else if ((length && strcmp(length, "0") != 0) || header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
    *result = grove__dash_refuse(c, MHD_HTTP_CONTENT_TOO_LARGE, "no request has a body here");
  } else if (d->token[0] && !post && strcmp(url, "/") == 0 &&
             MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "token")) {
    *result = log_in(d, c, MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "token"));
  } else if (d->token[0] && !knows_token(d, c)) {
    *result = grove__dash_refuse(c, MHD_HTTP_UNAUTHORIZED,
        "a token is wanted: open the address that the program printed, or send it as "
        "Authorization: Bearer");
  } else if (post &&
             (!d->actions || strcmp(header(c, "X-Grove-Action") ? header(c, "X-Grove-Action") : "",
                                 "1") != 0)) {
    *result = d->actions ? grove__dash_refuse(c, MHD_HTTP_FORBIDDEN,
                               "an action bears the header X-Grove-Action: 1")
                         : grove__dash_refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED,
                               "the dashboard reads: actions are not allowed by its options");
  } else {
    return false;
  }
  return true;
}

// ---- what for ---------------------------------------------------------------------------------------------------------

static enum MHD_Result give_asset(struct MHD_Connection *c, const grove__dash_asset *a)
{
  const char *known = header(c, MHD_HTTP_HEADER_IF_NONE_MATCH),
             *accepted = header(c, MHD_HTTP_HEADER_ACCEPT_ENCODING);
  bool same = known && strcmp(known, a->tag) == 0;
  if (accepted && !strstr(accepted, "gzip") && !strstr(accepted, "*")) {
    return grove__dash_refuse(c, MHD_HTTP_NOT_ACCEPTABLE, "the page is there as gzip alone");
  }
  struct MHD_Response *r = MHD_create_response_from_buffer(
      same ? 0 : a->size, (void *)(uintptr_t)a->bytes, MHD_RESPMEM_PERSISTENT);
  if (r) {
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_ETAG, a->tag);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    if (!same) {
      MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    }
  }
  return send_response(c, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, r);
}

static enum MHD_Result route(grove__dash *d, struct MHD_Connection *c, const char *url, bool post)
{
  if (strncmp(url, "/api/1/", 7) == 0) {
    return grove__dash_document(d, c, url + 7, post);
  }
  if (post) {
    return grove__dash_refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "the dashboard reads: GET and HEAD");
  }
  if (strcmp(url, "/metrics") == 0) {
    return grove__dash_metrics(d, c);
  }
  for (size_t i = 0; i < grove__dash_asset_count; i++) {
    if (strcmp(url, grove__dash_assets[i].path) == 0) {
      return give_asset(c, &grove__dash_assets[i]);
    }
  }
  return grove__dash_refuse(c, MHD_HTTP_NOT_FOUND, "there is nothing of that name");
}

enum MHD_Result grove__dash_answer(void *dash, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_bytes,
    void **request)
{
  static const char seen;
  enum MHD_Result result;
  (void)version, (void)upload;
  if (!*request) { // the header alone is here
    *request = (void *)(uintptr_t)&seen;
    return stopped_at_the_door(dash, c, url, method, &result) ? result : MHD_YES;
  }
  if (*upload_bytes) { // none was announced
    return MHD_NO;
  }
  return route(dash, c, url, strcmp(method, MHD_HTTP_METHOD_POST) == 0);
}
