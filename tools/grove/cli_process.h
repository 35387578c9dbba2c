// Keys from a program that a profile names (credential_process).
#ifndef GROVE_TOOL_CLI_PROCESS_H
#define GROVE_TOOL_CLI_PROCESS_H
#include "cli.h"

enum { CLI_PROCESS_MS = 60000 }; ///< what it may take, where nothing else is said

/// What such a program says; freed by cli_process_free.
typedef struct cli_process_keys {
  char *key, *secret, *token; ///< token NULL: none
  int64_t end;                ///< from when on they are no good: seconds since 1970, UTC; 0: not said
} cli_process_keys;
void cli_process_free(cli_process_keys *k);

/// Runs `command` by the shell and reads its answer: JSON, Version 1. One that has not ended by then is ended, by its pid: not what it
/// has started in the background. From any thread. Blocking.
/// Returns: GROVE_EIO: it can't be run, or failed; GROVE_ETIMEDOUT: it did not end in time; GROVE_ECORRUPT: its answer is none. What it
/// said is not in the words: it may be a secret.
grove_status cli_process_ask(const char *command, const char *profile, uint64_t limit_ms, cli_process_keys *out, grove_error *err);
/// Seconds since 1970, UTC, of "2026-01-31T12:00:00Z", also with a fraction, and with "+01:00" for the Z.
bool cli_process_time(const char *text, int64_t *out);
#endif
