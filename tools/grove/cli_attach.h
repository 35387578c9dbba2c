// Which running process a command looks into: --at, GROVE_AT, or the one that is found in the usual place.
#ifndef GROVE_TOOL_CLI_ATTACH_H
#define GROVE_TOOL_CLI_ATTACH_H
#include "cli_http.h"

/// The first options of each of these commands, in this order.
enum { CLI_AT, CLI_TOKEN_FILE, CLI_ATTACH_OPTION_COUNT };
#define CLI_ATTACH_OPTIONS                                                                         \
  {"at", "WHERE",                                                                                  \
      "which process: ADDRESS:PORT, unix:PATH, or the\nnumber of a process of yours that serves "  \
      "in the\nusual place (default: the only one there)",                                         \
      0, false},                                                                                   \
  {                                                                                                \
    "token-file", "FILE",                                                                          \
        "the token, if it wants one, is this file's first\nline; or in GROVE_TOKEN", 0, false      \
  }

typedef struct cli_attach_wish {
  const char *at, *token_file; ///< NULL: not given
} cli_attach_wish;
/// Takes one of the options above; false: it is another.
bool cli_attach_option(cli_attach_wish *w, int option, const char *value);
/// Finds the process. On failure reports (several: lists them), and gives the exit code.
int cli_attach(const cli_attach_wish *w, cli_http **out);
#endif
