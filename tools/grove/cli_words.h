// Actors of a dashboard's documents in words, as its pages have them.
#ifndef GROVE_TOOL_CLI_WORDS_H
#define GROVE_TOOL_CLI_WORDS_H
#include <jansson.h>
#include <stdint.h>

enum { CLI_WORD = 32, CLI_LONG_WORD = 192 };

/// "1.5 ms", "3 min 2 s"; "-" for nothing.
void cli_words_duration(int64_t ns, char out[CLI_WORD]);
/// "1.5 MiB"
void cli_words_bytes(int64_t n, char out[CLI_WORD]);
/// "1234", "12.3 k", "4.0 M"
void cli_words_count(int64_t n, char out[CLI_WORD]);
/// "12 %"; "-" if it is none
void cli_words_share(double x, char out[CLI_WORD]);

/// Its members: "" and 0 where they are not there.
const char *cli_words_text(const json_t *object, const char *key);
int64_t cli_words_number(const json_t *object, const char *key);
/// What an actor is called: its name, else its label, else its class.
const char *cli_words_title(const json_t *actor);
/// What it does: its state, else the cause of its last failure, else its method; with its progress.
void cli_words_doing(const json_t *actor, char out[CLI_LONG_WORD]);
/// What an event says, beside its kind.
void cli_words_event(const json_t *event, char out[CLI_LONG_WORD]);
/// "2 of 2 busy and 1 stand-in", of the document's runtime.
void cli_words_workers(const json_t *runtime, char out[CLI_LONG_WORD]);
#endif
