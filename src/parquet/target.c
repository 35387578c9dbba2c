#include "parquet/target.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/bitmap.h"
#include "columnar/layout.h"
#include <stdlib.h>
#include <string.h>

typedef struct plain_target {
  char format[4];
  uint8_t physical, transform, order, from, width;
  int8_t converted;
} plain_target;

static const plain_target plain_targets[] = {
    {"b", GROVE__BOOLEAN, GROVE__TRANSFORM_BITS, GROVE__ORDER_UNSIGNED, 0, 0, -1},
    {"c", GROVE__INT32, GROVE__TRANSFORM_WIDEN, GROVE__ORDER_SIGNED, 1, 4, 15},
    {"C", GROVE__INT32, GROVE__TRANSFORM_WIDEN, GROVE__ORDER_UNSIGNED, 1, 4, 11},
    {"s", GROVE__INT32, GROVE__TRANSFORM_WIDEN, GROVE__ORDER_SIGNED, 2, 4, 16},
    {"S", GROVE__INT32, GROVE__TRANSFORM_WIDEN, GROVE__ORDER_UNSIGNED, 2, 4, 12},
    {"i", GROVE__INT32, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 4, 4, -1},
    {"I", GROVE__INT32, GROVE__TRANSFORM_COPY, GROVE__ORDER_UNSIGNED, 4, 4, 13},
    {"l", GROVE__INT64, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 8, 8, -1},
    {"L", GROVE__INT64, GROVE__TRANSFORM_COPY, GROVE__ORDER_UNSIGNED, 8, 8, 14},
    {"f", GROVE__FLOAT, GROVE__TRANSFORM_COPY, GROVE__ORDER_FLOAT, 4, 4, -1},
    {"g", GROVE__DOUBLE, GROVE__TRANSFORM_COPY, GROVE__ORDER_FLOAT, 8, 8, -1},
    {"e", GROVE__FIXED, GROVE__TRANSFORM_COPY, GROVE__ORDER_NONE, 2, 2, -1},
    {"u", GROVE__BYTE_ARRAY, GROVE__TRANSFORM_TEXT, GROVE__ORDER_BYTES, 4, 0, 0},
    {"U", GROVE__BYTE_ARRAY, GROVE__TRANSFORM_TEXT, GROVE__ORDER_BYTES, 8, 0, 0},
    {"z", GROVE__BYTE_ARRAY, GROVE__TRANSFORM_TEXT, GROVE__ORDER_BYTES, 4, 0, -1},
    {"Z", GROVE__BYTE_ARRAY, GROVE__TRANSFORM_TEXT, GROVE__ORDER_BYTES, 8, 0, -1},
    {"n", GROVE__INT32, GROVE__TRANSFORM_NULL, GROVE__ORDER_NONE, 0, 4, -1},
    {"tdD", GROVE__INT32, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 4, 4, 6},
    {"tdm", GROVE__INT32, GROVE__TRANSFORM_DAYS, GROVE__ORDER_SIGNED, 8, 4, 6},
    {"tts", GROVE__INT32, GROVE__TRANSFORM_THOUSAND, GROVE__ORDER_SIGNED, 4, 4, 7},
    {"ttm", GROVE__INT32, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 4, 4, 7},
    {"ttu", GROVE__INT64, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 8, 8, 8},
    {"ttn", GROVE__INT64, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 8, 8, -1},
    {"tDs", GROVE__INT64, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 8, 8, -1},
    {"tDm", GROVE__INT64, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 8, 8, -1},
    {"tDu", GROVE__INT64, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 8, 8, -1},
    {"tDn", GROVE__INT64, GROVE__TRANSFORM_COPY, GROVE__ORDER_SIGNED, 8, 8, -1},
};

static bool find_plain(grove__target *t, const char *format)
{
  for (size_t i = 0; i < GROVE__COUNT(plain_targets); i++) {
    const plain_target *p = &plain_targets[i];
    if (strcmp(p->format, format) == 0) {
      *t = (grove__target){.physical = p->physical,
          .transform = p->transform,
          .order = p->order,
          .converted = p->converted,
          .from = p->from,
          .width = p->width,
          .logical = grove__logical_of_converted(p->converted, 0, 0)};
      return true;
    }
  }
  return false;
}

// "tsu:UTC": a zone means an instant. Other zones than UTC have no place in a file; the instants stay right.
static void make_stamp(grove__target *t, const char *format)
{
  char unit = format[2];
  *t = (grove__target){.physical = GROVE__INT64,
      .order = GROVE__ORDER_SIGNED,
      .converted = -1,
      .from = 8,
      .width = 8};
  t->transform = unit == 's' ? GROVE__TRANSFORM_THOUSAND : GROVE__TRANSFORM_COPY;
  t->logical.kind = GROVE__KIND_TIMESTAMP;
  t->logical.utc = format[3] == ':' && format[4];
  t->logical.unit = unit == 'n'   ? GROVE__UNIT_NANOS
                    : unit == 'u' ? GROVE__UNIT_MICROS
                                  : GROVE__UNIT_MILLIS;
  if (t->logical.utc && unit != 'n') {
    t->converted =
        unit == 'u' ? GROVE__CONVERTED_TIMESTAMP_MICROS : GROVE__CONVERTED_TIMESTAMP_MILLIS;
  }
}

static bool make_decimal(grove__target *t, const char *format, const grove__layout *layout)
{
  long precision = strtol(format + 2, NULL, 10);
  if (layout->scale < 0 || layout->scale > precision) {
    return false; // legal in Arrow, not in Parquet
  }
  *t = (grove__target){.physical = layout->width == 4   ? GROVE__INT32
                                   : layout->width == 8 ? GROVE__INT64
                                                        : GROVE__FIXED,
      .converted = GROVE__CONVERTED_DECIMAL,
      .from = layout->width,
      .width = layout->width};
  t->transform = layout->width <= 8 ? GROVE__TRANSFORM_COPY : GROVE__TRANSFORM_REVERSE;
  t->order = layout->width <= 8 ? GROVE__ORDER_SIGNED : GROVE__ORDER_DECIMAL;
  t->logical = grove__logical_of_converted(t->converted, (int32_t)precision, layout->scale);
  return true;
}

static bool find_target(grove__target *t, const char *format)
{
  grove__layout layout;
  if (find_plain(t, format)) {
    t->logical.kind = *format == 'e'   ? GROVE__KIND_FLOAT16
                      : *format == 'n' ? GROVE__KIND_UNKNOWN
                                       : t->logical.kind;
    if (strcmp(format, "ttn") == 0) {
      t->logical.kind = GROVE__KIND_TIME;
      t->logical.unit = GROVE__UNIT_NANOS;
    }
    return true;
  }
  if (grove__layout_read(format, &layout)) {
    return false;
  }
  if (strncmp(format, "ts", 2) == 0) {
    make_stamp(t, format);
    return true;
  }
  if (layout.number == GROVE__NUMBER_DECIMAL) {
    return make_decimal(t, format, &layout);
  }
  if (strncmp(format, "w:", 2) == 0 && layout.width) {
    *t = (grove__target){.physical = GROVE__FIXED,
        .order = GROVE__ORDER_BYTES,
        .converted = -1,
        .from = layout.width,
        .width = layout.width};
    return true;
  }
  return false;
}

grove_status grove__target_of(
    grove__target *t, const char *name, const char *format, grove_error *err)
{
  return find_target(t, format)
             ? GROVE_OK
             : grove__error(err, GROVE_ENOTSUP, -1,
                   "column \"%.100s\": Parquet has no place for the format \"%.40s\"", name,
                   format);
}

// ---- values ---------------------------------------------------------------------------------------

static bool is_valid(const grove__column_view *v, int64_t row)
{
  return !v->validity || grove__bit_get(v->validity, v->offset + row);
}

static bool stage_one(const grove__target *t, const uint8_t *from, bool is_signed, uint8_t *to)
{
  int64_t wide;
  int32_t narrow = 0;
  switch (t->transform) {
  case GROVE__TRANSFORM_WIDEN:
    narrow = t->from == 1
                 ? (is_signed ? (int8_t)from[0] : from[0])
                 : (is_signed ? (int16_t)(from[0] | from[1] << 8) : from[0] | from[1] << 8);
    memcpy(to, &narrow, 4);
    return true;
  case GROVE__TRANSFORM_THOUSAND:
    if (t->from == 4) {
      memcpy(&narrow, from, 4);
      bool fits = !__builtin_mul_overflow(narrow, 1000, &narrow);
      memcpy(to, &narrow, 4);
      return fits;
    }
    memcpy(&wide, from, 8);
    bool fits = !__builtin_mul_overflow(wide, (int64_t)1000, &wide);
    memcpy(to, &wide, 8);
    return fits;
  case GROVE__TRANSFORM_DAYS:
    memcpy(&wide, from, 8);
    wide = wide / 86400000 - (wide % 86400000 < 0);
    narrow = (int32_t)wide;
    memcpy(to, &narrow, 4);
    return narrow == wide;
  case GROVE__TRANSFORM_REVERSE:
    for (uint32_t i = 0; i < t->width; i++) {
      to[i] = from[t->width - 1 - i];
    }
    return true;
  default: memcpy(to, from, t->width); return true;
  }
}

static grove_status stage_fixed(const grove__target *t, const grove__column_view *v, uint64_t from,
    size_t n, grove__out *out, size_t *valid)
{
  const uint8_t *values =
      (const uint8_t *)v->values + (size_t)((uint64_t)v->offset + from) * t->from;
  bool is_signed = t->order == GROVE__ORDER_SIGNED;
  uint8_t *first = grove__out_room(out, n * t->width), *to = first;
  if (!to) {
    return out->status;
  }
  if (!v->validity && t->transform == GROVE__TRANSFORM_COPY) {
    memcpy(to, values, n * t->width);
    to += n * t->width;
  } else {
    for (size_t i = 0; i < n; i++) {
      if (!is_valid(v, (int64_t)(from + i))) {
        continue;
      }
      if (!stage_one(t, values + i * t->from, is_signed, to)) {
        return grove__error(out->err, GROVE_ELIMIT, (int64_t)(from + i),
            "column \"%.100s\", %s %llu: the time is too far away for Parquet", v->name,
            t->in_list ? "item" : "row", (unsigned long long)(from + i));
      }
      to += t->width;
    }
  }
  *valid = (size_t)(to - first) / t->width;
  out->used += (size_t)(to - first);
  return GROVE_OK;
}

static void find_text(const grove__target *t, const grove__column_view *v, int64_t row,
    const uint8_t **p, uint64_t *n)
{
  int64_t i = v->offset + row;
  if (t->from == 4) {
    const int32_t *offsets = v->values;
    *p = (const uint8_t *)v->data + offsets[i];
    *n = (uint64_t)(offsets[i + 1] - offsets[i]);
  } else {
    const int64_t *offsets = v->values;
    *p = (const uint8_t *)v->data + offsets[i];
    *n = (uint64_t)(offsets[i + 1] - offsets[i]);
  }
}

static grove_status stage_text(const grove__target *t, const grove__column_view *v, uint64_t from,
    size_t n, grove__out *out, size_t *valid)
{
  for (size_t i = 0; i < n; i++) {
    const uint8_t *p;
    uint64_t bytes;
    if (!is_valid(v, (int64_t)(from + i))) {
      continue;
    }
    find_text(t, v, (int64_t)(from + i), &p, &bytes);
    uint32_t length = (uint32_t)bytes;
    if (bytes > INT32_MAX / 2) {
      return grove__error(out->err, GROVE_ELIMIT, (int64_t)(from + i),
          "column \"%.100s\", %s %llu: a text of %llu bytes is too long for a Parquet page",
          v->name, t->in_list ? "item" : "row", (unsigned long long)(from + i),
          (unsigned long long)bytes);
    }
    grove__out_bytes(out, &length, 4);
    grove__out_bytes(out, p, length);
    ++*valid;
  }
  return out->status;
}

static grove_status stage_bits(
    const grove__column_view *v, uint64_t from, size_t n, grove__out *out, size_t *valid)
{
  uint8_t *to = grove__out_room(out, n);
  for (size_t i = 0; to && i < n; i++) {
    if (is_valid(v, (int64_t)(from + i))) {
      to[(*valid)++] = grove__bit_get(v->values, v->offset + (int64_t)(from + i));
      out->used++;
    }
  }
  return out->status;
}

grove_status grove__target_stage(const grove__target *t, const grove__column_view *v, uint64_t from,
    size_t n, grove__out *out, size_t *valid)
{
  *valid = 0;
  switch (t->transform) {
  case GROVE__TRANSFORM_NULL: return GROVE_OK;
  case GROVE__TRANSFORM_BITS: return stage_bits(v, from, n, out, valid);
  case GROVE__TRANSFORM_TEXT: return stage_text(t, v, from, n, out, valid);
  default: return stage_fixed(t, v, from, n, out, valid);
  }
}
