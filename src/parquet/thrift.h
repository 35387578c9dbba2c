// A reader of Thrift's compact protocol over hostile bytes. The first flaw sticks: from then on every call gives
// zero or ends its loop, so that the readers of structs need no checks of their own.
#ifndef GROVE_PARQUET_THRIFT_H
#define GROVE_PARQUET_THRIFT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  GROVE__THRIFT_TRUE = 1,
  GROVE__THRIFT_FALSE = 2,
  GROVE__THRIFT_I8 = 3,
  GROVE__THRIFT_I16 = 4,
  GROVE__THRIFT_I32 = 5,
  GROVE__THRIFT_I64 = 6,
  GROVE__THRIFT_DOUBLE = 7,
  GROVE__THRIFT_BINARY = 8,
  GROVE__THRIFT_LIST = 9,
  GROVE__THRIFT_SET = 10,
  GROVE__THRIFT_MAP = 11,
  GROVE__THRIFT_STRUCT = 12
};

typedef struct grove__thrift {
  const uint8_t *start, *p, *end;
  const char *flaw; ///< what is wrong, static; NULL: nothing so far
  bool cut;         ///< the flaw is that the bytes end: more of them may help
} grove__thrift;

/// A field of the struct being read. Zero before the first.
typedef struct grove__field {
  int32_t id;
  uint8_t type;
} grove__field;

typedef struct grove__bytes {
  const uint8_t *p;
  size_t n;
} grove__bytes;

void grove__thrift_init(grove__thrift *t, const void *bytes, size_t n);
/// The next field of a struct; false at its end.
bool grove__thrift_field(grove__thrift *t, grove__field *f);
/// The value of a field; another type than wanted is a flaw. Integers of every width are taken, within the range.
int32_t grove__thrift_i32(grove__thrift *t, const grove__field *f);
int64_t grove__thrift_i64(grove__thrift *t, const grove__field *f);
bool grove__thrift_bool(grove__thrift *t, const grove__field *f);
grove__bytes grove__thrift_binary(grove__thrift *t, const grove__field *f);
/// Whether the field is a struct; its fields follow.
bool grove__thrift_struct(grove__thrift *t, const grove__field *f);
/// How many elements a list of structs has; each takes at least a byte of what is left, so the count is bounded.
size_t grove__thrift_structs(grove__thrift *t, const grove__field *f);
/// How many elements a list of that type has, likewise; they are read one by one by the functions below.
size_t grove__thrift_list(grove__thrift *t, const grove__field *f, uint8_t type);
int64_t grove__thrift_element_i64(grove__thrift *t);
bool grove__thrift_element_bool(grove__thrift *t);
grove__bytes grove__thrift_element_binary(grove__thrift *t);
void grove__thrift_skip(grove__thrift *t, const grove__field *f);
/// Notes a flaw that the reader of a struct found.
void grove__thrift_blame(grove__thrift *t, const char *flaw);
#endif
