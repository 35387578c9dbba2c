// Bytes that are being written: a buffer with its fill, and Thrift's compact protocol on top. The first failure
// sticks; the writers of structs look once, at the end.
#ifndef GROVE_PARQUET_OUT_H
#define GROVE_PARQUET_OUT_H
#include "parquet/budget.h"
#include "parquet/thrift.h"

typedef struct grove__out {
  grove__budget *budget;
  grove__block block;
  size_t used;
  grove_status status;
  grove_error *err;
} grove__out;

/// Room for n bytes more, at the end; NULL: no memory (and the status says so).
uint8_t *grove__out_room(grove__out *o, size_t n);
void grove__out_bytes(grove__out *o, const void *p, size_t n);
void grove__out_varint(grove__out *o, uint64_t v);
void grove__out_free(grove__out *o);

/// `last` is the number of the struct's field before, 0 at first; each struct has its own.
void grove__out_field(grove__out *o, int *last, int id, int type);
void grove__out_int(grove__out *o, int *last, int id, int type, int64_t v);
void grove__out_bool(grove__out *o, int *last, int id, bool v);
void grove__out_binary(grove__out *o, int *last, int id, const void *p, size_t n);
/// The head of a list; the elements follow.
void grove__out_list(grove__out *o, int *last, int id, int type, size_t n);
void grove__out_stop(grove__out *o);
#endif
