// The CSV reader from the inside: source (bytes) → scan (fields) → column (values).
#ifndef GROVE_COLUMNAR_CSV_H
#define GROVE_COLUMNAR_CSV_H
#include "columnar/builder.h"
#include "columnar/number.h"

/// The bytes, a window at a time. Memory is one window that is never refilled.
typedef struct grove__csv_source {
  const char *p, *end; ///< what is not read yet
  bool last;           ///< nothing comes after `end`
  const char *text;    ///< memory: the whole of it; NULL: a file
  size_t bytes;        ///< of `text`; of a file: its size when it was opened
  int fd;              ///< -1: none
  grove__buffer window;
} grove__csv_source;

typedef enum grove__csv_type {
  GROVE__CSV_UNKNOWN, // only nulls so far; built as doubles
  GROVE__CSV_INT,
  GROVE__CSV_DOUBLE,
  GROVE__CSV_BOOL,
  GROVE__CSV_TEXT
} grove__csv_type;

typedef struct grove__csv_column {
  size_t name; ///< offset into grove__csv.names
  grove__csv_type type;
  bool wanted; ///< selected by the options
  bool active; ///< collects values in this pass
  bool again;  ///< turned out to be text too late: collected in the second pass
  bool quick;  ///< numbers may be read without looking at the nulls
  grove__builder builder;
} grove__csv_column;

typedef struct grove__csv {
  grove_csv_options options; ///< nulls and columns point to the caller's
  grove_work work;
  char delimiter, quote;
  bool stops[256]; ///< bytes that end an unquoted field
  bool quick;      ///< no null looks like a number
  uint64_t null_lengths; ///< bit n: some null has n bytes (63: or more), so that most fields are none at a look
  grove__budget budget;
  grove__csv_source source;
  grove__buffer names, columns, scratch;
  size_t n;                 ///< columns in the file
  uint64_t row, line, rows; ///< rows: of the first pass
  grove_error *err;
} grove__csv;

/// One field. `text` lies in the window or in scratch: gone with the next field.
typedef struct grove__csv_field {
  const char *text;
  size_t n;
  bool ends; ///< the record's last
} grove__csv_field;

static inline grove__csv_column *grove__csv_column_at(const grove__csv *c, size_t i)
{
  return (grove__csv_column *)(void *)c->columns.p + i;
}
static inline const char *grove__csv_name(const grove__csv *c, size_t i)
{
  return (const char *)c->names.p + grove__csv_column_at(c, i)->name;
}

// ---- csv_source.c ------------------------------------------------------------------------------
grove_status grove__csv_open(grove__csv *c, const char *path);
void grove__csv_close(grove__csv *c);
/// Back to the first byte, behind a byte order mark.
grove_status grove__csv_rewind(grove__csv *c);
/// More bytes behind `end`; keeps [p, end), moves both.
grove_status grove__csv_refill(grove__csv *c);

// ---- csv_scan.c --------------------------------------------------------------------------------
/// Skips empty lines. *end: there is no further record.
grove_status grove__csv_next_record(grove__csv *c, bool *end);
/// Reads the field at the source's p. `column` is its number, for errors.
grove_status grove__csv_scan(grove__csv *c, size_t column, grove__csv_field *out);
/// Tries to read a number with its end of field; false: nothing has moved, scan it.
bool grove__csv_scan_number(grove__csv *c, grove__digits *out, bool *ends);

// ---- csv_header.c ------------------------------------------------------------------------------
/// Reads or counts the names, and marks the columns that are wanted. The source is then at the
/// first row.
grove_status grove__csv_read_header(grove__csv *c);

// ---- csv_column.c ------------------------------------------------------------------------------
grove_status grove__csv_start_column(grove__csv *c, size_t i, grove__csv_type type);
grove_status grove__csv_put_number(grove__csv *c, size_t i, const grove__digits *d);
grove_status grove__csv_put_field(grove__csv *c, size_t i, const grove__csv_field *f);

// ---- csv.c -------------------------------------------------------------------------------------
/// `line 17, column 3 "rooms": …`; column SIZE_MAX: the line alone.
grove_status grove__csv_fail(grove__csv *c, grove_status s, size_t column, const char *format, ...)
    GROVE_PRINTF(4, 5);
/// Out of memory or over the limit, in words.
grove_status grove__csv_fail_memory(grove__csv *c, grove_status s);
#endif
