// The page index: bounds of each page, and where it lies.
#include "parquet/write.h"

static bool is_empty(const grove__page_note *note)
{
  return note->nulls == note->values;
}

bool grove__index_fits(const grove__page_note *notes, size_t n, const grove__target *t)
{
  for (size_t i = 0; i < n; i++) {
    if (notes[i].extent.given_up || (!is_empty(&notes[i]) && !notes[i].extent.any)) {
      return false;
    }
  }
  return t->order != GROVE__ORDER_NONE;
}

static void put_texts(grove__out *o, int *last, int id, const grove__page_note *notes, size_t n)
{
  grove__out_list(o, last, id, GROVE__THRIFT_BINARY, n);
  for (size_t i = 0; i < n; i++) {
    const grove__extent *e = &notes[i].extent;
    uint32_t bytes = is_empty(&notes[i]) ? 0 : id == 2 ? e->low_bytes : e->high_bytes;
    grove__out_varint(o, bytes);
    grove__out_bytes(o, id == 2 ? e->low : e->high, bytes);
  }
}

void grove__index_put_columns(grove__out *o, const grove__page_note *notes, size_t n)
{
  int last = 0;
  grove__out_list(o, &last, 1, GROVE__THRIFT_TRUE, n);
  for (size_t i = 0; i < n; i++) {
    uint8_t flag = is_empty(&notes[i]) ? GROVE__THRIFT_TRUE : GROVE__THRIFT_FALSE;
    grove__out_bytes(o, &flag, 1);
  }
  put_texts(o, &last, 2, notes, n);
  put_texts(o, &last, 3, notes, n);
  grove__out_int(o, &last, 4, GROVE__THRIFT_I32, 0); // in no order that is promised
  grove__out_list(o, &last, 5, GROVE__THRIFT_I64, n);
  for (size_t i = 0; i < n; i++) {
    grove__out_varint(o, notes[i].nulls << 1); // zigzag
  }
  grove__out_stop(o);
}

void grove__index_put_offsets(grove__out *o, const grove__page_note *notes, size_t n)
{
  int last = 0;
  grove__out_list(o, &last, 1, GROVE__THRIFT_STRUCT, n);
  for (size_t i = 0; i < n; i++) {
    int inner = 0;
    grove__out_int(o, &inner, 1, GROVE__THRIFT_I64, (int64_t)notes[i].at);
    grove__out_int(o, &inner, 2, GROVE__THRIFT_I32, notes[i].bytes);
    grove__out_int(o, &inner, 3, GROVE__THRIFT_I64, (int64_t)notes[i].first);
    grove__out_stop(o);
  }
  grove__out_stop(o);
}
