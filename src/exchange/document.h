// Reading and writing documents of objects and arrays as JSON and as UBJSON (draft 12), as XGBoost has them.
#ifndef GROVE_EXCHANGE_DOCUMENT_H
#define GROVE_EXCHANGE_DOCUMENT_H
#include "exchange/output.h"
#include <jansson.h>

/// UBJSON as a tree of jansson's. Sizes are checked against the bytes that are left, depth against 64.
/// Returns: GROVE_ECORRUPT with the offset, GROVE_ENOTSUP: high-precision numbers
grove_status grove__ubjson_read(
    const unsigned char *bytes, size_t n, json_t **out, grove_error *err);

/// A document being written. Keys inside objects, NULL inside arrays.
typedef struct grove__document {
  grove__output *out;
  bool binary;
  bool comma; // JSON: something stands before on this level
} grove__document;

void grove__document_object(grove__document *d, const char *key);
void grove__document_object_end(grove__document *d);
/// `n` must be right: UBJSON says it in front.
void grove__document_array(grove__document *d, const char *key, size_t n);
void grove__document_array_end(grove__document *d);
void grove__document_text(grove__document *d, const char *key, const char *text);
void grove__document_int(grove__document *d, const char *key, int64_t v);
/// Arrays of one type: UBJSON's 'l' (32 bits), 'L' (64), 'U' (bytes), 'd' (floats).
void grove__document_ints(
    grove__document *d, const char *key, char type, const int64_t *v, size_t n);
void grove__document_floats(grove__document *d, const char *key, const float *v, size_t n);
#endif
