// Documents of a running process's dashboard, by HTTP (libcurl), one request at a time over a connection that stays.
#ifndef GROVE_TOOL_CLI_HTTP_H
#define GROVE_TOOL_CLI_HTTP_H
#include "cli.h"
#include <jansson.h>

typedef struct cli_http cli_http;

/// What came of a request.
typedef struct cli_answer {
  json_t *document; ///< the caller's; NULL: `words` say why there is none
  int code;         ///< EXIT_GOOD, or the exit code that fits
  bool over; ///< nobody is there to be asked again: the process has ended, or refuses the token
  char words[700];
} cli_answer;

/// A way to who serves at `address`: "ADDRESS:PORT", "unix:PATH", or "http(s)://…" where a proxy stands in front. `token`:
/// NULL or "" for none. Nothing is sent yet. On failure reports, and gives NULL.
cli_http *cli_http_create(const char *address, const char *token);
void cli_http_destroy(cli_http *h);
/// How it is named in words.
const char *cli_http_name(const cli_http *h);

/// Begins to ask for a path under /api/1/. `acts`: a POST that does something.
void cli_http_begin(cli_http *h, const char *path, bool acts, int64_t limit_ms);
bool cli_http_is_asking(const cli_http *h);
/// Works on it for up to ms, and no longer than until there is something to be read from `fds`. True: it is done.
bool cli_http_work(cli_http *h, const int *fds, size_t n, int ms);
/// Takes the answer of a request that is done.
cli_answer cli_http_take(cli_http *h);

/// All of it at once: asks and waits.
cli_answer cli_http_answer(cli_http *h, const char *path, bool acts, int64_t limit_ms);
/// The same. 0: the usual limit. On failure reports, and gives the exit code.
int cli_http_ask(cli_http *h, const char *path, bool acts, int64_t limit_ms, json_t **out);
/// Appends "&key=value" or "?key=value", with the value escaped, to a path that was allocated.
char *cli_http_add(char *path, const char *key, const char *value);
#endif
