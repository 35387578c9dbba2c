// A client of a web server that a test started: bytes as they are, so that it can be as rude as a test wants.
#ifndef GROVE_TESTS_HTTP_CLIENT_H
#define GROVE_TESTS_HTTP_CLIENT_H
#include <stdbool.h>
#include <stddef.h>

typedef struct http_answer {
  int status; ///< 0: the connection was closed without one
  char head[4096];
  char *body; ///< zero-ended; free it by http_free
  size_t body_bytes;
} http_answer;

/// A connection to 127.0.0.1; port 0: to the unix socket `path`. -1: refused.
int http_connect(unsigned port, const char *path);
void http_send(int fd, const char *text);
/// All until the server closes.
http_answer http_read(int fd);
/// One request, with the Host header of the server and these more lines ("Name: value\r\n"), and its answer.
http_answer http_ask(unsigned port, const char *method, const char *target, const char *lines);
/// The value of a header line of the answer, in `out`; false: there is none.
bool http_header(const http_answer *a, const char *name, char *out, size_t room);
void http_free(http_answer *a);
#endif
