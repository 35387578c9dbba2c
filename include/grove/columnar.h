// grove/columnar.h: tables over the Arrow C Data Interface. No threads, no runtime.
#ifndef GROVE_COLUMNAR_H
#define GROVE_COLUMNAR_H
#include <grove/base.h>
GROVE_BEGIN
struct ArrowSchema;      // Arrow's own names and layouts; grove includes no Arrow header
struct ArrowArray;
struct ArrowArrayStream;

/// Columns of equal length, immutable. Counted: retain and release from any thread, read by any number.
typedef struct grove_table grove_table;
GROVE_API grove_table *grove_table_retain(grove_table *t);
GROVE_API void grove_table_release(grove_table *t);               ///< NULL: nothing

typedef struct grove_csv_options {
  uint32_t struct_size;
  uint32_t delimiter, quote;          ///< ',' and '"'
  uint32_t no_header;                 ///< 1: columns are named "0", "1" …
  uint64_t memory_bytes;              ///< most; default none; GROVE_ELIMIT
  const char *const *columns;         ///< NULL-ended; NULL: all. The table has them in this order
  const char *const *nulls;           ///< NULL-ended texts that mean null; default "", "NA", "NaN", "null"
  const grove_allocator *allocator;   ///< default malloc
  const grove_work *work;             ///< default: alone
} grove_csv_options;
/// Reads a CSV of a local file or of memory (UTF-8; RFC 4180; lines end in LF, CR LF or CR; empty lines are
/// skipped). Types: int64, double, bool, else string; decided by all rows. A column of nulls is double, and so is
/// one of integers that int64 does not hold. Doubles are the nearest to what is written. Fields are compared with
/// `nulls` without their quotes.
/// Blocking:  the calling thread, on files: from an actor, by grove_offload or a `blocking` class.
/// Ownership: *out has one count, the caller's.
/// Returns:   GROVE_ENOENT (the file, or one of `columns`), GROVE_EIO, GROVE_ECORRUPT (err->at: the row; the text
///            has line and column), GROVE_ELIMIT, GROVE_ECANCELED
GROVE_API GROVE_CHECK grove_status grove_csv_read(const char *path, const grove_csv_options *o, grove_table **out, grove_error *err);
GROVE_API GROVE_CHECK grove_status grove_csv_parse(const char *text, size_t bytes, const grove_csv_options *o, grove_table **out, grove_error *err);

/// Arrow batches as lines of text: CSV (RFC 4180, a header, LF) or JSON lines (an object a row). Numbers in full or
/// as short as reads back, dates and times by ISO 8601, bytes in hexadecimal. CSV: null is nothing, but "" where it is all of a
/// line, an empty text ""; flat columns alone. JSON: lists are arrays, structs objects, maps arrays of [key, value]; NaN and infinities are
/// texts. Single owner, one thread at a time.
typedef struct grove_lines grove_lines;
enum { GROVE_LINES_CSV, GROVE_LINES_JSON };
typedef struct grove_lines_options {
  uint32_t struct_size;
  uint32_t form;                      ///< GROVE_LINES_*
  uint32_t delimiter, quote;          ///< of CSV; ',' and '"'
  uint32_t no_header;                 ///< 1: without
  grove_status (*put)(void *user, const void *bytes, size_t n, grove_error *err); ///< takes the text, 64 KiB or so at a time; not NULL
  void *user;
  const grove_allocator *allocator;   ///< default malloc
} grove_lines_options;
/// Puts the header. The schema is a struct's, as of a stream; it stays the caller's.
/// Returns: GROVE_ENOTSUP: a format that has no text; GROVE_ECORRUPT; what put gave
GROVE_API GROVE_CHECK grove_status grove_lines_create(const struct ArrowSchema *schema, const grove_lines_options *o, grove_lines **out, grove_error *err);
/// Rows [from, from + n) of a batch of that schema, which stays the caller's. When it returns, all went to put.
/// Offsets are not looked at: what comes from outside goes through grove_table_import first.
/// Returns: GROVE_ECORRUPT: not of the schema's shape; what put gave
GROVE_API GROVE_CHECK grove_status grove_lines_put(grove_lines *l, const struct ArrowArray *batch, uint64_t from, uint64_t n, grove_error *err);
GROVE_API void grove_lines_destroy(grove_lines *l);               ///< NULL: nothing

/// In at Arrow's door, without a copy. Checked: offsets, lengths, counts, text, names; how long a buffer is, Arrow does
/// not say. Decoded, so copied: dictionaries and string views (to "u", "U", "z" or "Z"). A null row of the struct
/// is null in every column. Metadata is not kept.
/// Ownership: on GROVE_OK moves both structs in (their release is NULL then); on failure nothing.
/// Returns:   GROVE_ECORRUPT; GROVE_ENOTSUP: a layout we don't read, named
GROVE_API GROVE_CHECK grove_status grove_table_import(struct ArrowArray *array, struct ArrowSchema *schema, grove_table **out, grove_error *err);
/// The same from a stream, to its end; its batches are put one behind the other. The stream stays the caller's.
/// Blocking:  as long as the stream does.
/// Returns:   as above; GROVE_EIO: the stream failed, its words are in err; GROVE_ELIMIT: over memory_bytes (0: none)
GROVE_API GROVE_CHECK grove_status grove_table_import_stream(struct ArrowArrayStream *in, uint64_t memory_bytes, grove_table **out, grove_error *err);
/// Out, as one struct array. The two share the table's memory (a count each) until the consumer releases them;
/// children have counts of their own, so that they can be moved out.
GROVE_API GROVE_CHECK grove_status grove_table_export(const grove_table *t, struct ArrowArray *array, struct ArrowSchema *schema, grove_error *err);

GROVE_API size_t grove_table_rows(const grove_table *t);
GROVE_API size_t grove_table_columns(const grove_table *t);
GROVE_API uint64_t grove_table_bytes(const grove_table *t);
/// Borrowed, NULL past the end. The format is Arrow's letter ("g": double).
GROVE_API const char *grove_table_name(const grove_table *t, size_t column);
GROVE_API const char *grove_table_format(const grove_table *t, size_t column);
/// Returns: GROVE_ENOENT; err lists the columns there are.
GROVE_API GROVE_CHECK grove_status grove_table_find(const grove_table *t, const char *name, size_t *column, grove_error *err);
/// Copies rows [from, from + n) of a column as doubles; null becomes NaN. Returns: GROVE_ENOTSUP: not a number
GROVE_API GROVE_CHECK grove_status grove_table_doubles(const grove_table *t, size_t column, size_t from, size_t n, double *out, grove_error *err);

/// Two tables of shuffled rows; `second` (the test part) has ceil(rows * part) of them, `first` the rest. The rows
/// are those of scikit-learn's train_test_split(random_state=seed), in its order: NumPy's legacy
/// RandomState(seed).permutation(rows), a Mersenne Twister (Matsumoto and Nishimura 1998); the first
/// ceil(rows * part) of it are `second`. Returns: GROVE_EINVAL: a part outside (0, 1), a side without a row, or
/// a seed above 4294967295
GROVE_API GROVE_CHECK grove_status grove_table_split(const grove_table *t, double part, uint64_t seed, grove_table **first, grove_table **second, grove_error *err);
/// A table of some rows, in that order (repeats allowed). Texts of more than 2 GB in all come out as "U" or "Z".
/// Returns: GROVE_EINVAL: no such row; err->at is its index in `rows`
GROVE_API GROVE_CHECK grove_status grove_table_take(const grove_table *t, const uint64_t *rows, size_t n, grove_table **out, grove_error *err);
/// Rows by the value of a key column: `order` (caller's, rows of the table) gets the row numbers, groups side
/// by side, in the order of first sight; calls fn for each group, `rows` and `key` borrowed. `key` is the value
/// as text (numbers in full, dates and timestamps by ISO 8601). Nulls are one group, whose key is NULL; so are
/// the NaNs. Returns: what fn returned, if that was not GROVE_OK
GROVE_API GROVE_CHECK grove_status grove_table_group(const grove_table *t, size_t key_column, uint64_t *order,
    grove_status (*fn)(void *user, const char *key, const uint64_t *rows, size_t n), void *user, grove_error *err);
/// The same with the groups in the order of their keys: numbers and times ascend, NaN behind them, texts and bytes by
/// their bytes, false before true, nulls last. Rows of a group are in the table's order. Of a table that is in this
/// order already the rows stay where they are: `order` counts up, so that each group is rows [rows[0], rows[0] + n),
/// and nothing is hashed, sorted or copied.
GROVE_API GROVE_CHECK grove_status grove_table_group_sorted(const grove_table *t, size_t key_column, uint64_t *order,
    grove_status (*fn)(void *user, const char *key, const uint64_t *rows, size_t n), void *user, grove_error *err);
GROVE_END
#endif
