// What an Arrow column becomes in a file: the reverse of leaf.c.
#ifndef GROVE_PARQUET_TARGET_H
#define GROVE_PARQUET_TARGET_H
#include "columnar/build.h"
#include "parquet/footer.h"
#include "parquet/out.h"

typedef enum grove__transform {
  GROVE__TRANSFORM_COPY,
  GROVE__TRANSFORM_BITS,
  GROVE__TRANSFORM_TEXT,
  GROVE__TRANSFORM_WIDEN,    ///< 1 and 2 byte integers to int32
  GROVE__TRANSFORM_THOUSAND, ///< seconds to milliseconds
  GROVE__TRANSFORM_DAYS,     ///< milliseconds to days
  GROVE__TRANSFORM_REVERSE,  ///< decimals: big-endian
  GROVE__TRANSFORM_NULL
} grove__transform;

typedef enum grove__order {
  GROVE__ORDER_NONE, ///< no statistics
  GROVE__ORDER_SIGNED,
  GROVE__ORDER_UNSIGNED,
  GROVE__ORDER_FLOAT,
  GROVE__ORDER_BYTES,
  GROVE__ORDER_DECIMAL ///< big-endian, two's complement
} grove__order;

typedef struct grove__target {
  uint8_t physical, transform, order;
  int32_t converted; ///< -1: none
  uint32_t from;     ///< bytes of an Arrow value, or of a text's offset
  uint32_t width;    ///< bytes of a stored value; 0: a bit or a text
  bool in_list;      ///< what errors count are items
  grove__logical logical;
} grove__target;

/// Returns: GROVE_ENOTSUP; err names the column and its format
grove_status grove__target_of(
    grove__target *t, const char *name, const char *format, grove_error *err);
/// Appends the stored form of the values among rows [from, from + n) that are not null, side by side; texts behind
/// their lengths, booleans as bytes. *valid: how many. Returns: GROVE_ELIMIT: a value that the file can't hold
grove_status grove__target_stage(const grove__target *t, const grove__column_view *v, uint64_t from,
    size_t n, grove__out *out, size_t *valid);
#endif
