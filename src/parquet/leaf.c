// From Parquet's types to Arrow's.
#include "base/status.h"
#include "parquet/footer.h"
#include <stdio.h>
#include <string.h>

enum { FIXED_MAX = 1 << 24 };

const char *grove__physical_name(int32_t physical)
{
  static const char *const names[] = {"BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE",
      "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
  return physical >= 0 && physical < GROVE__PHYSICAL_COUNT ? names[physical] : "unknown";
}

static grove__logical of_kind(uint8_t kind, uint8_t unit)
{
  grove__logical l = {.kind = kind, .unit = unit};
  return l;
}

grove__logical grove__logical_of_converted(int32_t converted, int32_t precision, int32_t scale)
{
  grove__logical l = {0};
  if (converted >= GROVE__CONVERTED_UINT_8 && converted <= GROVE__CONVERTED_INT_64) {
    l.kind = GROVE__KIND_INTEGER;
    l.is_signed = converted >= GROVE__CONVERTED_INT_8;
    l.bits = (uint8_t)(8u << ((converted - GROVE__CONVERTED_UINT_8) % 4));
    return l;
  }
  switch (converted) {
  case GROVE__CONVERTED_MAP:
  case GROVE__CONVERTED_MAP_KEY_VALUE: return of_kind(GROVE__KIND_MAP, 0);
  case GROVE__CONVERTED_LIST: return of_kind(GROVE__KIND_LIST, 0);
  case GROVE__CONVERTED_UTF8: return of_kind(GROVE__KIND_STRING, 0);
  case GROVE__CONVERTED_ENUM: return of_kind(GROVE__KIND_ENUM, 0);
  case GROVE__CONVERTED_JSON: return of_kind(GROVE__KIND_JSON, 0);
  case GROVE__CONVERTED_BSON: return of_kind(GROVE__KIND_BSON, 0);
  case GROVE__CONVERTED_DATE: return of_kind(GROVE__KIND_DATE, 0);
  case GROVE__CONVERTED_TIME_MILLIS: return of_kind(GROVE__KIND_TIME, GROVE__UNIT_MILLIS);
  case GROVE__CONVERTED_TIME_MICROS: return of_kind(GROVE__KIND_TIME, GROVE__UNIT_MICROS);
  // Writers of the old annotation meant local time and UTC alike; without a zone nothing wrong is claimed.
  case GROVE__CONVERTED_TIMESTAMP_MILLIS: return of_kind(GROVE__KIND_TIMESTAMP, GROVE__UNIT_MILLIS);
  case GROVE__CONVERTED_TIMESTAMP_MICROS: return of_kind(GROVE__KIND_TIMESTAMP, GROVE__UNIT_MICROS);
  case GROVE__CONVERTED_DECIMAL:
    l.kind = GROVE__KIND_DECIMAL;
    l.precision = precision;
    l.scale = scale;
    return l;
  default: return l;
  }
}

static void set(grove__leaf *leaf, grove__convert convert, uint32_t width, const char *format)
{
  leaf->convert = (uint8_t)convert;
  leaf->width = width;
  snprintf(leaf->format, sizeof leaf->format, "%s", format);
}

static void resolve_physical(grove__leaf *leaf)
{
  switch (leaf->physical) {
  case GROVE__BOOLEAN: set(leaf, GROVE__CONVERT_BITS, 0, "b"); break;
  case GROVE__INT32: set(leaf, GROVE__CONVERT_COPY, 4, "i"); break;
  case GROVE__INT64: set(leaf, GROVE__CONVERT_COPY, 8, "l"); break;
  case GROVE__INT96: set(leaf, GROVE__CONVERT_INT96, 8, "tsn:"); break;
  case GROVE__FLOAT: set(leaf, GROVE__CONVERT_COPY, 4, "f"); break;
  case GROVE__DOUBLE: set(leaf, GROVE__CONVERT_COPY, 8, "g"); break;
  case GROVE__BYTE_ARRAY: set(leaf, GROVE__CONVERT_TEXT, 0, "z"); break;
  default:
    set(leaf, GROVE__CONVERT_COPY, leaf->stored_width, "");
    snprintf(leaf->format, sizeof leaf->format, "w:%u", leaf->stored_width);
  }
}

// These give whether the logical type fits the physical one.
static bool resolve_integer(grove__leaf *leaf)
{
  static const char *const formats[] = {"C", "c", "S", "s", "I", "i", "L", "l"};
  unsigned bits = leaf->logical.bits;
  unsigned size = bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : bits == 64 ? 3 : 4;
  if (size > 3 || (leaf->physical == GROVE__INT64) != (size == 3) ||
      (leaf->physical != GROVE__INT32 && leaf->physical != GROVE__INT64)) {
    return false;
  }
  set(leaf, size < 2 ? GROVE__CONVERT_NARROW : GROVE__CONVERT_COPY, bits / 8,
      formats[2 * size + leaf->logical.is_signed]);
  return true;
}

static bool resolve_time(grove__leaf *leaf)
{
  static const char units[] = "?mun";
  unsigned unit = leaf->logical.unit;
  bool stamp = leaf->logical.kind == GROVE__KIND_TIMESTAMP;
  bool wide = stamp || unit != GROVE__UNIT_MILLIS;
  if (unit < GROVE__UNIT_MILLIS || unit > GROVE__UNIT_NANOS ||
      leaf->physical != (wide ? GROVE__INT64 : GROVE__INT32)) {
    return false;
  }
  if (stamp) {
    snprintf(
        leaf->format, sizeof leaf->format, "ts%c:%s", units[unit], leaf->logical.utc ? "UTC" : "");
  } else {
    snprintf(leaf->format, sizeof leaf->format, "tt%c", units[unit]);
  }
  return true;
}

static bool resolve_decimal(grove__leaf *leaf)
{
  int32_t p = leaf->logical.precision, s = leaf->logical.scale;
  bool fits = leaf->physical == GROVE__INT32 || leaf->physical == GROVE__INT64 ||
              leaf->physical == GROVE__FIXED || leaf->physical == GROVE__BYTE_ARRAY;
  if (!fits || p < 1 || p > 76 || s < 0 || s > p) {
    return false;
  }
  bool narrow = p <= 38; // what 128 bits hold
  set(leaf, GROVE__CONVERT_DECIMAL, narrow ? 16 : 32, "");
  snprintf(leaf->format, sizeof leaf->format, narrow ? "d:%d,%d" : "d:%d,%d,256", p, s);
  return true;
}

static bool resolve_logical(grove__leaf *leaf)
{
  bool fits = true;
  switch (leaf->logical.kind) {
  case GROVE__KIND_STRING:
  case GROVE__KIND_ENUM:
  case GROVE__KIND_JSON:
    fits = leaf->physical == GROVE__BYTE_ARRAY;
    if (fits) {
      set(leaf, GROVE__CONVERT_TEXT, 0, "u");
      leaf->utf8 = true;
    }
    return fits;
  case GROVE__KIND_DECIMAL: return resolve_decimal(leaf);
  case GROVE__KIND_DATE:
    fits = leaf->physical == GROVE__INT32;
    if (fits) {
      set(leaf, GROVE__CONVERT_COPY, 4, "tdD");
    }
    return fits;
  case GROVE__KIND_TIME:
  case GROVE__KIND_TIMESTAMP: return resolve_time(leaf);
  case GROVE__KIND_INTEGER: return resolve_integer(leaf);
  case GROVE__KIND_UNKNOWN:
    if (leaf->optional) {
      set(leaf, GROVE__CONVERT_NULL, 0, "n");
    }
    return leaf->optional;
  case GROVE__KIND_FLOAT16:
    fits = leaf->physical == GROVE__FIXED && leaf->stored_width == 2;
    if (fits) {
      set(leaf, GROVE__CONVERT_COPY, 2, "e");
    }
    return fits;
  case GROVE__KIND_NONE: return true;
  default: return leaf->physical == GROVE__FIXED || leaf->physical == GROVE__BYTE_ARRAY; // UUID and BSON are bytes to Arrow too
  }
}

const char *grove__leaf_resolve(grove__leaf *leaf, int32_t type_length)
{
  static const uint8_t widths[] = {0, 4, 8, 12, 4, 8, 0};
  if (leaf->physical == GROVE__FIXED) {
    if (type_length < 1 || type_length > FIXED_MAX) {
      return "a fixed length that is not between 1 and 16777216";
    }
    leaf->stored_width = (uint32_t)type_length;
  } else {
    leaf->stored_width = widths[leaf->physical];
  }
  resolve_physical(leaf);
  leaf->strange = !resolve_logical(leaf) || leaf->logical.unknown;
  return NULL;
}
