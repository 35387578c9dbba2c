// Values of Arrow arrays as text: exact numbers, ISO 8601 dates and times, bytes in hexadecimal.
#ifndef GROVE_COLUMNAR_VALUE_TEXT_H
#define GROVE_COLUMNAR_VALUE_TEXT_H
#include "columnar/arrow.h"
#include "columnar/builder.h"

typedef enum grove__value_kind {
  GROVE__VALUE_NULL,
  GROVE__VALUE_BOOL,
  GROVE__VALUE_INTEGER,
  GROVE__VALUE_FLOAT,
  GROVE__VALUE_TEXT,
  GROVE__VALUE_BYTES,
  GROVE__VALUE_DECIMAL,
  GROVE__VALUE_DATE,
  GROVE__VALUE_TIME,
  GROVE__VALUE_STAMP
} grove__value_kind;

/// How a flat column is printed; made once from its format.
typedef struct grove__value_type {
  grove__value_kind kind;
  grove__layout layout;
  int64_t second; ///< times: how many units make one; dates: how many make a day
  bool utc;       ///< a stamp is an instant, not a wall clock's reading
} grove__value_type;

/// Returns: what grove__layout_read does
grove_status grove__value_type_read(const char *format, grove__value_type *out);
/// Whether the value at `i` (the array's offset included) is there.
static inline bool grove__value_there(
    const grove__value_type *t, const struct ArrowArray *a, int64_t i)
{
  const uint8_t *valid = a->n_buffers > 0 ? a->buffers[0] : NULL;
  return t->kind != GROVE__VALUE_NULL &&
         (!a->null_count || !valid || grove__bit_get(valid, i));
}
/// Text and bytes: where the value at `i` lies.
const char *grove__value_bytes(
    const grove__value_type *t, const struct ArrowArray *a, int64_t i, size_t *n);

enum { GROVE__VALUE_TEXT_MOST = 1200 }; ///< a decimal may have a scale of 1000
/// Any other value that is there, to `out`, without a zero behind it. Gives its length; *number: JSON has a word for it.
size_t grove__value_print(const grove__value_type *t, const struct ArrowArray *a, int64_t i,
    char out[GROVE__VALUE_TEXT_MOST], bool *number);

/// The day of the Gregorian calendar, days counted from 1970-01-01. Gives the length.
size_t grove__date_text(int64_t days, char *out);
enum { GROVE__DATE_TEXT = 32 }; ///< the most that a date takes
#endif
