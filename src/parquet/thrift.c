#include "parquet/thrift.h"
#include <limits.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

void grove__thrift_init(grove__thrift *t, const void *bytes, size_t n)
{
  memset(t, 0, sizeof *t);
  t->start = t->p = bytes;
  t->end = t->start + n;
}

void grove__thrift_blame(grove__thrift *t, const char *flaw)
{
  if (!t->flaw) {
    t->flaw = flaw;
  }
  t->end = t->p; // nothing more to read
}

static void run_out(grove__thrift *t)
{
  if (!t->flaw) {
    t->cut = true;
  }
  grove__thrift_blame(t, "it ends in the middle");
}

static uint8_t next_byte(grove__thrift *t)
{
  if (t->p == t->end) {
    run_out(t);
    return 0;
  }
  return *t->p++;
}

static uint64_t varint(grove__thrift *t)
{
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    uint8_t b = next_byte(t);
    if (shift == 63 && b > 1) {
      break;
    }
    value |= (uint64_t)(b & 0x7f) << shift;
    if (!(b & 0x80)) {
      return value;
    }
  }
  grove__thrift_blame(t, "an integer has too many bytes");
  return 0;
}

static int64_t zigzag(grove__thrift *t)
{
  uint64_t u = varint(t);
  return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

bool grove__thrift_field(grove__thrift *t, grove__field *f)
{
  uint8_t head = next_byte(t);
  if (t->flaw || !head) {
    return false;
  }
  f->type = head & 15;
  int64_t id = head >> 4 ? f->id + (head >> 4) : zigzag(t);
  if (f->type < GROVE__THRIFT_TRUE || f->type > GROVE__THRIFT_STRUCT || id < -32768 || id > 32767) {
    grove__thrift_blame(t, "a field has an impossible type or number");
  }
  f->id = (int32_t)id;
  return !t->flaw;
}

static void blame_type(grove__thrift *t)
{
  grove__thrift_blame(t, "a field has the wrong type");
}

int64_t grove__thrift_i64(grove__thrift *t, const grove__field *f)
{
  switch (f->type) {
  case GROVE__THRIFT_I8: return (int8_t)next_byte(t);
  case GROVE__THRIFT_I16:
  case GROVE__THRIFT_I32:
  case GROVE__THRIFT_I64: return zigzag(t);
  default: blame_type(t); return 0;
  }
}

int32_t grove__thrift_i32(grove__thrift *t, const grove__field *f)
{
  int64_t value = grove__thrift_i64(t, f);
  if (value < INT32_MIN || value > INT32_MAX) {
    grove__thrift_blame(t, "an integer is out of range");
    return 0;
  }
  return (int32_t)value;
}

bool grove__thrift_bool(grove__thrift *t, const grove__field *f)
{
  if (f->type > GROVE__THRIFT_FALSE) {
    blame_type(t);
  }
  return f->type == GROVE__THRIFT_TRUE;
}

static grove__bytes take_bytes(grove__thrift *t)
{
  grove__bytes none = {NULL, 0};
  uint64_t n = varint(t);
  if (n > (size_t)(t->end - t->p)) {
    run_out(t);
    return none;
  }
  grove__bytes taken = {t->p, (size_t)n};
  t->p += n;
  return taken;
}

grove__bytes grove__thrift_binary(grove__thrift *t, const grove__field *f)
{
  if (f->type != GROVE__THRIFT_BINARY) {
    blame_type(t);
  }
  return take_bytes(t);
}

bool grove__thrift_struct(grove__thrift *t, const grove__field *f)
{
  if (f->type != GROVE__THRIFT_STRUCT) {
    blame_type(t);
  }
  return !t->flaw;
}

// Count and element type of a list or set.
static size_t list_head(grove__thrift *t, uint8_t *type)
{
  uint8_t head = next_byte(t);
  uint64_t n = head >> 4;
  *type = head & 15;
  if (n == 15) {
    n = varint(t);
  }
  if (n > (size_t)(t->end - t->p)) {
    run_out(t);
    return 0;
  }
  return (size_t)n;
}

size_t grove__thrift_list(grove__thrift *t, const grove__field *f, uint8_t wanted)
{
  uint8_t type = 0;
  if (f->type != GROVE__THRIFT_LIST) {
    blame_type(t);
    return 0;
  }
  size_t n = list_head(t, &type);
  bool both = wanted == GROVE__THRIFT_TRUE && type == GROVE__THRIFT_FALSE; // either means booleans
  if (n && type != wanted && !both) {
    blame_type(t);
  }
  return t->flaw ? 0 : n;
}

size_t grove__thrift_structs(grove__thrift *t, const grove__field *f)
{
  return grove__thrift_list(t, f, GROVE__THRIFT_STRUCT);
}

int64_t grove__thrift_element_i64(grove__thrift *t)
{
  return zigzag(t);
}

bool grove__thrift_element_bool(grove__thrift *t)
{
  return next_byte(t) == GROVE__THRIFT_TRUE;
}

grove__bytes grove__thrift_element_binary(grove__thrift *t)
{
  return take_bytes(t);
}

static void skip_value(grove__thrift *t, uint8_t type, bool in_list, unsigned depth);

static void skip_list(grove__thrift *t, unsigned depth)
{
  uint8_t type = 0;
  size_t n = list_head(t, &type);
  for (size_t i = 0; i < n && !t->flaw; i++) {
    skip_value(t, type, true, depth);
  }
}

static void skip_map(grove__thrift *t, unsigned depth)
{
  uint64_t n = varint(t);
  if (!n || t->flaw) {
    return;
  }
  uint8_t types = next_byte(t);
  for (uint64_t i = 0; i < n && !t->flaw; i++) {
    skip_value(t, types >> 4, true, depth);
    skip_value(t, types & 15, true, depth);
  }
}

static void skip_value(grove__thrift *t, uint8_t type, bool in_list, unsigned depth)
{
  if (depth > DEPTH_MAX) {
    grove__thrift_blame(t, "it is nested too deep");
    return;
  }
  switch (type) {
  case GROVE__THRIFT_TRUE:
  case GROVE__THRIFT_FALSE:
    if (in_list) { // alone, a boolean is its type
      next_byte(t);
    }
    break;
  case GROVE__THRIFT_I8: next_byte(t); break;
  case GROVE__THRIFT_I16:
  case GROVE__THRIFT_I32:
  case GROVE__THRIFT_I64: varint(t); break;
  case GROVE__THRIFT_DOUBLE:
    for (int i = 0; i < 8; i++) {
      next_byte(t);
    }
    break;
  case GROVE__THRIFT_BINARY: take_bytes(t); break;
  case GROVE__THRIFT_LIST:
  case GROVE__THRIFT_SET: skip_list(t, depth + 1); break;
  case GROVE__THRIFT_MAP: skip_map(t, depth + 1); break;
  case GROVE__THRIFT_STRUCT:
    for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
      skip_value(t, f.type, false, depth + 1);
    }
    break;
  default: grove__thrift_blame(t, "an element has an impossible type");
  }
}

void grove__thrift_skip(grove__thrift *t, const grove__field *f)
{
  skip_value(t, f->type, false, 0);
}
