// Values of Arrow arrays as text: exact numbers, ISO 8601 dates and times, for CSV and JSON lines.
#ifndef GROVE_TOOL_PARQUET_TEXT_H
#define GROVE_TOOL_PARQUET_TEXT_H
#include "columnar/arrow.h"
#include <stdbool.h>
#include <stdio.h>

/// How a column is printed; made once from its schema.
typedef struct text_column text_column;
/// NULL: a type that has no text form here (nested ones); *why is its format.
text_column *text_column_create(const struct ArrowSchema *schema);
void text_column_destroy(text_column *c);
/// Prints row `row` of the column's array.
void text_put_csv(const text_column *c, const struct ArrowArray *array, int64_t row, FILE *out);
void text_put_json(const text_column *c, const struct ArrowArray *array, int64_t row, FILE *out);
/// A text as CSV has it (quoted where it must be) and as JSON has it.
void text_put_csv_string(const char *text, size_t n, FILE *out);
void text_put_json_string(const char *text, size_t n, FILE *out);
#endif
