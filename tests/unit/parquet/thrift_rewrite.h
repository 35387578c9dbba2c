// Thrift structs, read and written again with every number at its longest, so that a change of one moves nothing.
#ifndef GROVE_TESTS_THRIFT_REWRITE_H
#define GROVE_TESTS_THRIFT_REWRITE_H
#include "check.h"
#include "parquet/thrift.h"

enum { DEPTH = 24 };

typedef struct rewriting {
  const uint8_t *p, *end;
  uint8_t *to;
  int path[DEPTH]; // numbers of the fields that are open
  int depth;
  size_t numbers; // seen so far
  size_t target;  // the one that is changed; SIZE_MAX: none
  bool every;     // all of them are asked for
  bool small;     // numbers take 5 bytes, not 10
  int64_t (*change)(void *user, const struct rewriting *r, int64_t value);
  void *user;
} rewriting;

GROVE_MAYBE_UNUSED static uint64_t take_varint(rewriting *r)
{
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    assert_true(r->p < r->end);
    uint8_t b = *r->p++;
    v |= (uint64_t)(b & 0x7f) << shift;
    if (!(b & 0x80)) {
      break;
    }
  }
  return v;
}

GROVE_MAYBE_UNUSED static void put_varint(rewriting *r, uint64_t v)
{
  for (int i = r->small ? 4 : 9; i; i--, v >>= 7) {
    *r->to++ = (uint8_t)(0x80 | (v & 0x7f));
  }
  *r->to++ = (uint8_t)(v & (r->small ? 15 : 1));
}

GROVE_MAYBE_UNUSED static uint64_t to_zigzag(int64_t v)
{
  return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

// A number's turn: the target is changed, others go as they are.
GROVE_MAYBE_UNUSED static int64_t turn(rewriting *r, int64_t value)
{
  return r->numbers++ == r->target || r->every ? r->change(r->user, r, value) : value;
}

GROVE_MAYBE_UNUSED static void rewrite_value(rewriting *r, int type);

GROVE_MAYBE_UNUSED static void rewrite_struct(rewriting *r)
{
  int id = 0;
  for (;;) {
    uint8_t head = *r->p++;
    if (!head) {
      *r->to++ = 0;
      return;
    }
    int64_t more = head >> 4;
    if (!more) {
      uint64_t u = take_varint(r);
      id = (int)((int64_t)(u >> 1) ^ -(int64_t)(u & 1));
    } else {
      id += (int)more;
    }
    *r->to++ = head & 15; // the long form
    put_varint(r, to_zigzag(id));
    assert_true(r->depth < DEPTH);
    r->path[r->depth++] = id;
    rewrite_value(r, head & 15);
    r->depth--;
  }
}

GROVE_MAYBE_UNUSED static void rewrite_list(rewriting *r)
{
  uint8_t head = *r->p++;
  int type = head & 15;
  int64_t n = head >> 4 == 15 ? (int64_t)take_varint(r) : head >> 4;
  *r->to++ = (uint8_t)(0xf0 | type);
  put_varint(r, (uint64_t)turn(r, n));
  for (int64_t i = 0; i < n; i++) {
    if (type <= GROVE__THRIFT_FALSE) {
      *r->to++ = *r->p++;
    } else {
      rewrite_value(r, type);
    }
  }
}

GROVE_MAYBE_UNUSED static void rewrite_value(rewriting *r, int type)
{
  int64_t n;
  switch (type) {
  case GROVE__THRIFT_TRUE:
  case GROVE__THRIFT_FALSE: return;
  case GROVE__THRIFT_I8: *r->to++ = *r->p++; return;
  case GROVE__THRIFT_I16:
  case GROVE__THRIFT_I32:
  case GROVE__THRIFT_I64: {
    uint64_t u = take_varint(r);
    put_varint(r, to_zigzag(turn(r, (int64_t)(u >> 1) ^ -(int64_t)(u & 1))));
    return;
  }
  case GROVE__THRIFT_BINARY:
    n = (int64_t)take_varint(r);
    assert_true(n <= r->end - r->p);
    put_varint(r, (uint64_t)turn(r, n));
    memcpy(r->to, r->p, (size_t)n);
    r->to += n;
    r->p += n;
    return;
  case GROVE__THRIFT_LIST: rewrite_list(r); return;
  case GROVE__THRIFT_STRUCT: rewrite_struct(r); return;
  default: fail_msg("a Thrift type %d", type);
  }
}

// Rewrites the struct of n bytes at p to `to`. Gives the bytes written.
GROVE_MAYBE_UNUSED static size_t rewrite(rewriting *r, const uint8_t *p, size_t n, uint8_t *to)
{
  r->p = p;
  r->end = p + n;
  r->to = to;
  r->depth = 0;
  r->numbers = 0;
  rewrite_struct(r);
  return (size_t)(r->to - to);
}
#endif
