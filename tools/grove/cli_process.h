// Keys from a program that a profile names (credential_process).
#ifndef GROVE_TOOL_CLI_PROCESS_H
#define GROVE_TOOL_CLI_PROCESS_H
#include "cli.h"

/// What such a program says; freed by free.
typedef struct cli_process_keys {
  char *key, *secret, *token; ///< token NULL: none
} cli_process_keys;

/// Runs `command` by the shell and reads its answer: JSON, Version 1.
/// Returns: GROVE_EIO: it can't be run, or failed; GROVE_ECORRUPT: its answer is none. What it said is not in the words: it may
/// be a secret.
grove_status cli_process_ask(const char *command, const char *profile, cli_process_keys *out, grove_error *err);
#endif
