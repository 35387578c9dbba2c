// Results on standard output: JSON documents and tables for people. Whether they could be written is looked at once,
// at the end, by main.
#ifndef GROVE_TOOL_CLI_OUTPUT_H
#define GROVE_TOOL_CLI_OUTPUT_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/// Prints the document on one line and frees it. Gives `code`, or EXIT_RUN if it can't be made.
int cli_put_json(json_t *document, int code);
/// The same as a text, to be freed: for documents that are printed piece by piece. NULL: it can't be made.
char *cli_json_text(json_t *document);
/// A number, or null for NaN and infinity, which JSON has no words for.
json_t *cli_json_number(double v);

/// A table with aligned columns. Cells are copied; right: columns that are numbers.
typedef struct cli_table cli_table;
cli_table *cli_table_create(size_t columns, const char *const *heads, const bool *right);
void cli_table_add(cli_table *t, const char *const *cells);
/// Prints and frees it.
void cli_table_put(cli_table *t);
/// Frees it unprinted.
void cli_table_drop(cli_table *t);
#endif
