// What an Arrow format text says about a flat column: how its buffers lie, and what number a value
// is.
#ifndef GROVE_COLUMNAR_LAYOUT_H
#define GROVE_COLUMNAR_LAYOUT_H
#include <grove/base.h>

typedef enum grove__shape {
  GROVE__SHAPE_NULL,  // no buffers at all
  GROVE__SHAPE_BITS,  // validity, bitmap
  GROVE__SHAPE_FIXED, // validity, `width` bytes a value
  GROVE__SHAPE_TEXT,  // validity, rows + 1 offsets of `width` bytes, characters
  GROVE__SHAPE_VIEWS, // validity, 16 bytes a value, any number of data buffers; never inside a table
  // Nested: only in what grove__layout_any reads.
  GROVE__SHAPE_STRUCT,     // validity; as many rows in each child
  GROVE__SHAPE_LIST,       // validity, rows + 1 offsets of `width` bytes; one child
  GROVE__SHAPE_FIXED_LIST, // validity; one child, `width` of its rows a row
} grove__shape;

typedef enum grove__number {
  GROVE__NUMBER_NONE,
  GROVE__NUMBER_NULL,
  GROVE__NUMBER_BOOL,
  GROVE__NUMBER_I8,
  GROVE__NUMBER_U8,
  GROVE__NUMBER_I16,
  GROVE__NUMBER_U16,
  GROVE__NUMBER_I32,
  GROVE__NUMBER_U32,
  GROVE__NUMBER_I64,
  GROVE__NUMBER_U64,
  GROVE__NUMBER_F16,
  GROVE__NUMBER_F32,
  GROVE__NUMBER_F64,
  GROVE__NUMBER_DECIMAL
} grove__number;

typedef struct grove__layout {
  grove__shape shape;
  grove__number number;
  uint32_t width; ///< bytes of a value, or of an offset
  bool utf8;      ///< the characters are text
  int32_t scale;  ///< decimals: value = integer / 10^scale
} grove__layout;

/// Reads a format. Returns: GROVE_ENOTSUP: nested, run-end or unknown; GROVE_ECORRUPT: not well
/// formed. No error object: the caller knows the column's name.
grove_status grove__layout_read(const char *format, grove__layout *out);
/// The same, and structs, lists and maps (lists whose child is a struct of two).
grove_status grove__layout_any(const char *format, grove__layout *out);
static inline bool grove__layout_is_nested(const grove__layout *l)
{
  return l->shape >= GROVE__SHAPE_STRUCT;
}
enum { GROVE__NESTED_MOST = 64 }; ///< how deep nested columns may be
/// What a format is called in an error's text: "list", "struct" … ; static.
const char *grove__format_words(const char *format);
/// How many buffers an array of this layout has; views: at least.
static inline int64_t grove__layout_buffers(const grove__layout *l)
{
  switch (l->shape) {
  case GROVE__SHAPE_NULL: return 0;
  case GROVE__SHAPE_STRUCT:
  case GROVE__SHAPE_FIXED_LIST: return 1;
  case GROVE__SHAPE_TEXT:
  case GROVE__SHAPE_VIEWS: return 3;
  default: return 2;
  }
}
#endif
