// The footer: schema, row groups and column chunks, in our own structs. Lives in one arena.
#ifndef GROVE_PARQUET_FOOTER_H
#define GROVE_PARQUET_FOOTER_H
#include "parquet/arena.h"
#include "parquet/format.h"
#include "parquet/thrift.h"
#include <grove/base.h>

/// How deep a schema may be, its root included: levels then fit in a byte; and how long a column's path, dots included.
enum { GROVE__SCHEMA_DEPTH = 100, GROVE__PATH_BYTES = 4095 };

/// What a column means, beyond how its bytes lie.
typedef struct grove__logical {
  uint8_t kind; ///< grove__kind
  uint8_t unit; ///< GROVE__UNIT_*
  uint8_t bits;
  bool utc, is_signed;
  bool unknown; ///< a kind that is newer than this code
  int32_t precision, scale;
} grove__logical;

/// How stored values become Arrow's.
typedef enum grove__convert {
  GROVE__CONVERT_COPY,    ///< they are the same bytes
  GROVE__CONVERT_BITS,    ///< booleans, to a bitmap
  GROVE__CONVERT_TEXT,    ///< byte arrays, to offsets and characters
  GROVE__CONVERT_NARROW,  ///< the low 1 or 2 bytes of an int32
  GROVE__CONVERT_INT96,   ///< day and nanoseconds to nanoseconds since 1970
  GROVE__CONVERT_DECIMAL, ///< to 128 bits, or 256
  GROVE__CONVERT_NULL     ///< a column that can only be null
} grove__convert;

/// A node of the schema as it is written: depth first, each with its number of children.
typedef struct grove__element {
  grove__bytes name;
  grove__logical logical;
  int32_t physical, type_length, repetition, children, converted, precision, scale;
  size_t leaf; ///< its number; SIZE_MAX: a group
  size_t end;  ///< the element behind it and what is in it
} grove__element;

/// A leaf of the schema tree: a column.
typedef struct grove__leaf {
  const char *path; ///< dotted; of a column at the top, its name
  size_t element;   ///< its place in the schema
  uint8_t physical; ///< grove__physical
  uint8_t convert;  ///< grove__convert
  bool flat;        ///< one value a row: neither it nor what it stands in is repeated
  bool optional;    ///< it or a struct that it stands in can be null; of a list's, within the item
  bool strange;     ///< its logical type is not known or does not fit the physical one: what order it has is not known either
  bool ordered;     ///< the footer says that statistics are in the order of the column's type
  uint8_t levels;   ///< the definition level of a value that is there: how many of these can be, or repeat
  uint8_t repeats;  ///< the highest repetition level; 0: flat
  uint8_t slot_def; ///< the definition level of an item of the innermost list that it stands in; 0: flat
  bool utf8;
  uint32_t stored_width; ///< bytes of a stored value, 0: a bit or a text
  uint32_t width;        ///< bytes of a value in Arrow's layout, 0: a bit or a text
  grove__logical logical;
  char format[32]; ///< Arrow's
} grove__leaf;

/// What statistics say of some rows. Bounds hold for all values but NaN; inexact ones are bounds, too.
typedef struct grove__bounds {
  double low, high; ///< if `there`
  int64_t nulls;    ///< -1: not said
  bool there, all_null;
} grove__bounds;

/// A part of the file that is not pages: an index or a filter. bytes 0: none.
typedef struct grove__extra {
  uint64_t at;
  uint32_t bytes;
} grove__extra;

/// There is one a leaf and row group, so its size is most of what a footer takes; names are the leaf's.
typedef struct grove__chunk {
  uint64_t start, bytes; ///< where its pages lie
  uint64_t values;
  grove__bounds bounds;
  grove__extra offset_index, column_index, bloom; ///< bloom.bytes 1: its length is not said
  int16_t physical, codec; ///< as they came; what 16 bits don't hold is the largest or smallest that they do
  bool encrypted, elsewhere, present;
} grove__chunk;

typedef struct grove__group {
  uint64_t rows;
  grove__chunk *chunks; ///< one a leaf
} grove__group;

/// A column of lists or maps, or in one of them (nest.h).
typedef struct grove__branch grove__branch;
typedef struct grove__nest {
  const char *path;
  size_t element; ///< its group in the schema
  grove__branch *branch;
} grove__nest;

typedef struct grove__footer {
  grove__arena arena;
  grove__leaf *leaves;
  size_t n_leaves;
  grove__nest *nests;
  size_t n_nests;
  grove__group *groups;
  size_t n_groups;
  uint64_t rows; ///< the sum of the groups'
  uint64_t stated_rows; ///< what the file says of it; 0: nothing
  const grove__element *elements; ///< the schema; their names lie in the footer's bytes
} grove__footer;

/// Reads a footer of n bytes that lies at `at` in its file. On failure nothing is kept. `most`: bytes of what is made of
/// it, 0: any number; `held` of them are taken already.
/// Returns: GROVE_ECORRUPT, GROVE_ENOMEM, GROVE_ELIMIT
grove_status grove__footer_read(grove__footer *f, const grove_allocator *a, uint64_t most, uint64_t held,
    const uint8_t *bytes, size_t n, uint64_t at, grove_error *err);
void grove__footer_free(grove__footer *f);

/// The bounds of `leaf` in stored form, as numbers; none if they can't be trusted to be bounds (deprecated ones must
/// not be given here). Texts, decimals and int96 have none.
void grove__bounds_set(
    grove__bounds *b, const grove__leaf *leaf, grove__bytes low, grove__bytes high);

/// Translates a converted type of older writers.
grove__logical grove__logical_of_converted(int32_t converted, int32_t precision, int32_t scale);
/// Fills convert, widths and format from physical, type length and logical type. A logical type that does not
/// fit its physical one is left aside, as one that we don't know is. Gives the flaw, or NULL.
const char *grove__leaf_resolve(grove__leaf *leaf, int32_t type_length);
const char *grove__physical_name(int32_t physical);
#endif
