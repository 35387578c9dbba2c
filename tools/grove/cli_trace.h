// --trace FILE: what the actors of a command did, for Perfetto.
#ifndef GROVE_TOOL_CLI_TRACE_H
#define GROVE_TOOL_CLI_TRACE_H
#include "cli.h"
#include <grove/trace.h>
#include <stdio.h>

#define CLI_TRACE_OPTION                                                                           \
  {                                                                                                \
    "trace", "FILE",                                                                               \
        "write what the actors did, and when, to FILE, for\nui.perfetto.dev or chrome://tracing", 0, \
        false                                                                                      \
  }
typedef struct cli_trace {
  const char *path;
  FILE *file;
  grove_trace *trace;
} cli_trace;
/// Opens the file and begins to record. `path` NULL: nothing. On failure reports, and gives the exit code.
int cli_trace_start(cli_trace *t, grove *g, const char *path);
/// Writes the file, after grove_stop. What could not be written is reported; gives `code`, or EXIT_RUN then.
int cli_trace_stop(cli_trace *t, int code);
#endif
