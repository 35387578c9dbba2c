#include "parquet/page.h"
#include "parquet/format.h"
#include "parquet/thrift.h"
#include <string.h>

static void read_data(grove__thrift *t, grove__page_head *h)
{
  for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
    switch (f.id) {
    case 1: h->values = grove__thrift_i32(t, &f); break;
    case 2: h->encoding = grove__thrift_i32(t, &f); break;
    case 3: h->level_encoding = grove__thrift_i32(t, &f); break;
    case 4: h->repetition_encoding = grove__thrift_i32(t, &f); break;
    default: grove__thrift_skip(t, &f);
    }
  }
}

static void read_dictionary(grove__thrift *t, grove__page_head *h)
{
  for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
    switch (f.id) {
    case 1: h->values = grove__thrift_i32(t, &f); break;
    case 2: h->encoding = grove__thrift_i32(t, &f); break;
    default: grove__thrift_skip(t, &f);
    }
  }
}

static void read_data_v2(grove__thrift *t, grove__page_head *h)
{
  h->rows = h->nulls = h->levels_bytes = h->repetition_bytes = -1;
  h->compressed = true;
  for (grove__field f = {0, 0}; grove__thrift_field(t, &f);) {
    switch (f.id) {
    case 1: h->values = grove__thrift_i32(t, &f); break;
    case 2: h->nulls = grove__thrift_i32(t, &f); break;
    case 3: h->rows = grove__thrift_i32(t, &f); break;
    case 4: h->encoding = grove__thrift_i32(t, &f); break;
    case 5: h->levels_bytes = grove__thrift_i32(t, &f); break;
    case 6: h->repetition_bytes = grove__thrift_i32(t, &f); break;
    case 7: h->compressed = grove__thrift_bool(t, &f); break;
    default: grove__thrift_skip(t, &f);
    }
  }
  if (h->nulls < 0 || h->nulls > h->values || h->rows < 0 || h->levels_bytes < 0 ||
      h->repetition_bytes < 0) {
    grove__thrift_blame(t, "a count is negative, missing or too large");
  }
}

static void read_part(grove__thrift *t, const grove__field *f, grove__page_head *h)
{
  // A header has one part, that of its type; another one's would overwrite what it says.
  static const int8_t part_of[] = {5, 6, 7, 8};
  if (h->type < 0 || h->type > GROVE__PAGE_DATA_V2 || part_of[h->type] != f->id || f->id == 6) {
    grove__thrift_skip(t, f);
  } else if (grove__thrift_struct(t, f)) {
    f->id == 5 ? read_data(t, h) : f->id == 7 ? read_dictionary(t, h) : read_data_v2(t, h);
  }
}

const char *grove__page_head_read(
    grove__page_head *h, const uint8_t *bytes, size_t n, size_t *used, bool *cut)
{
  grove__thrift t;
  int32_t packed = -1, unpacked = -1;
  memset(h, 0, sizeof *h);
  h->type = h->values = h->encoding = -1;
  grove__thrift_init(&t, bytes, n);
  for (grove__field f = {0, 0}; grove__thrift_field(&t, &f);) {
    switch (f.id) {
    case 1: h->type = grove__thrift_i32(&t, &f); break;
    case 2: unpacked = grove__thrift_i32(&t, &f); break;
    case 3: packed = grove__thrift_i32(&t, &f); break;
    case 4:
      h->crc = (uint32_t)grove__thrift_i32(&t, &f);
      h->has_crc = true;
      break;
    default: read_part(&t, &f, h);
    }
  }
  if (!t.flaw && (h->type < 0 || packed < 0 || unpacked < 0)) {
    grove__thrift_blame(&t, "a size is negative or missing");
  }
  bool counted = h->type == GROVE__PAGE_DATA || h->type == GROVE__PAGE_DATA_V2 ||
                 h->type == GROVE__PAGE_DICTIONARY;
  if (!t.flaw && counted && (h->values < 0 || h->encoding < 0)) {
    grove__thrift_blame(&t, "its number of values is negative or missing");
  }
  h->packed = (uint32_t)packed;
  h->unpacked = (uint32_t)unpacked;
  *used = (size_t)(t.p - bytes);
  *cut = t.cut;
  return t.flaw;
}
