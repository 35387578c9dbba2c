#include "parquet/out.h"
#include <string.h>

uint8_t *grove__out_room(grove__out *o, size_t n)
{
  if (!o->status) {
    o->status = n > SIZE_MAX / 2 - o->used ? GROVE_ELIMIT
                                           : grove__block_reserve(o->budget, &o->block,
                                                 o->used + n + GROVE__SLACK, "a page", o->err);
  }
  return o->status ? NULL : o->block.p + o->used;
}

void grove__out_bytes(grove__out *o, const void *p, size_t n)
{
  uint8_t *to = grove__out_room(o, n);
  if (to && n) {
    memcpy(to, p, n);
    o->used += n;
  }
}

void grove__out_varint(grove__out *o, uint64_t v)
{
  uint8_t *to = grove__out_room(o, 10);
  while (to && v >= 0x80) {
    *to++ = (uint8_t)(v | 0x80);
    o->used++;
    v >>= 7;
  }
  if (to) {
    *to = (uint8_t)v;
    o->used++;
  }
}

void grove__out_free(grove__out *o)
{
  grove__block_free(o->budget, &o->block);
  o->used = 0;
}

static void put_zigzag(grove__out *o, int64_t v)
{
  grove__out_varint(o, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

void grove__out_field(grove__out *o, int *last, int id, int type)
{
  int delta = id - *last;
  uint8_t head = (uint8_t)(delta > 0 && delta < 16 ? delta << 4 | type : type);
  grove__out_bytes(o, &head, 1);
  if (head < 16) {
    put_zigzag(o, id);
  }
  *last = id;
}

void grove__out_int(grove__out *o, int *last, int id, int type, int64_t v)
{
  grove__out_field(o, last, id, type);
  if (type == GROVE__THRIFT_I8) {
    uint8_t byte = (uint8_t)v;
    grove__out_bytes(o, &byte, 1);
  } else {
    put_zigzag(o, v);
  }
}

void grove__out_bool(grove__out *o, int *last, int id, bool v)
{
  grove__out_field(o, last, id, v ? GROVE__THRIFT_TRUE : GROVE__THRIFT_FALSE);
}

void grove__out_binary(grove__out *o, int *last, int id, const void *p, size_t n)
{
  grove__out_field(o, last, id, GROVE__THRIFT_BINARY);
  grove__out_varint(o, n);
  grove__out_bytes(o, p, n);
}

void grove__out_list(grove__out *o, int *last, int id, int type, size_t n)
{
  grove__out_field(o, last, id, GROVE__THRIFT_LIST);
  uint8_t head = (uint8_t)((n < 15 ? n : 15) << 4 | (unsigned)type);
  grove__out_bytes(o, &head, 1);
  if (n >= 15) {
    grove__out_varint(o, n);
  }
}

void grove__out_stop(grove__out *o)
{
  uint8_t stop = 0;
  grove__out_bytes(o, &stop, 1);
}
