// Columns of doubles as Arrow has them: what the commands write as CSV or Parquet.
#ifndef GROVE_TOOL_CLI_COLUMNS_H
#define GROVE_TOOL_CLI_COLUMNS_H
#include <grove/columnar.h>

/// Names and values are borrowed.
typedef struct cli_columns cli_columns;
cli_columns *cli_columns_create(
    size_t n, const char *const *names, const double *const *values, size_t rows);
/// As CSV with a header, to `put`.
grove_status cli_columns_put_csv(const cli_columns *c,
    grove_status (*put)(void *user, const void *bytes, size_t n, grove_error *err), void *user,
    grove_error *err);
/// As CSV on standard output; that it can't be written, main finds out.
grove_status cli_columns_print_csv(const cli_columns *c, grove_error *err);
/// As a table, which borrows the columns: it is to be released before them.
grove_status cli_columns_table(cli_columns *c, grove_table **out, grove_error *err);
void cli_columns_drop(cli_columns *c);
#endif
