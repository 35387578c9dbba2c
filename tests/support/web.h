// A web server inside a test: on the loopback address, a thread for each connection, which stays open. Each request is
// recorded, whole, before the test's own function answers it; so what a client saw answered has been recorded.
#ifndef GROVE_TESTS_WEB_H
#define GROVE_TESTS_WEB_H
#include <stdbool.h>
#include <stddef.h>

typedef struct web web;
typedef struct web_peer web_peer; ///< a connection, while one of its requests is answered

/// Texts stay until web_stop.
typedef struct web_request {
  const char *method, *target, *path, *query; ///< target: path?query, as sent; query: "" where there is none
  const char *head;                           ///< the lines of the header
  const char *body;
  size_t body_bytes;
  unsigned n;          ///< of this server's requests, from 0 on, in the order they were read
  unsigned connection; ///< of this server's, from 0 on
} web_request;

/// Answers with the calls below. From the connection's thread: several at once.
typedef void web_fn(void *user, web_peer *p, const web_request *r);

web *web_start(web_fn *fn, void *user);
/// Cuts all connections, ends all threads. NULL: nothing.
void web_stop(web *w);
int web_port(const web *w);
size_t web_count(web *w);
/// NULL: there are not so many.
const web_request *web_nth(web *w, size_t n);
/// The connections of the next `n` requests with a body are cut when `after` bytes of it have come; these are not
/// recorded. Before the client has begun.
void web_cut_bodies(web *w, unsigned n, size_t after);
/// The value of a header line; false: there is none.
bool web_header(const web_request *r, const char *name, char *out, size_t room);

// ---- answers ----------------------------------------------------------------------------------------
/// Bytes as they are. What the client does not take any more is dropped.
void web_send(web_peer *p, const void *bytes, size_t n);
void web_send_text(web_peer *p, const char *text);
/// A whole answer. `lines`: more of the header, each with \r\n; NULL: none.
void web_say(web_peer *p, const char *code, const char *lines, const void *body, size_t n);
void web_say_text(web_peer *p, const char *code, const char *lines, const char *body);
/// An object as a good server gives it: by Range (one span or suffix), 416 where there is nothing of it, or whole.
void web_say_object(
    web_peer *p, const web_request *r, const char *lines, const void *bytes, size_t n);
/// The first and last byte that the request's Range wants of `n`. false: none that can be given.
bool web_range(const web_request *r, size_t n, size_t *first, size_t *last);
/// No more comes on this connection.
void web_cut(web_peer *p);
/// Whether nobody takes any more.
bool web_is_cut(const web_peer *p);
/// Until the client goes, or the server stops.
void web_hold(web_peer *p);
#endif
