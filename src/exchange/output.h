// Bytes that grow as they are written.
#ifndef GROVE_EXCHANGE_OUTPUT_H
#define GROVE_EXCHANGE_OUTPUT_H
#include <grove/base.h>

/// Zeroed but for the allocator. After the first failure nothing more is written.
typedef struct grove__output {
  const grove_allocator *allocator;
  char *bytes;
  size_t used;
  size_t room;
  bool failed; // no memory
} grove__output;

void grove__output_put(grove__output *s, const void *bytes, size_t n);
void grove__output_text(grove__output *s, const char *text);
void grove__output_format(grove__output *s, const char *format, ...) GROVE_PRINTF(2, 3);
/// The fewest digits that read back as the same double (float, if it is one of floats).
void grove__output_double(grove__output *s, double v);
void grove__output_float(grove__output *s, float v);
void grove__output_free(grove__output *s);
/// The bytes as a block of just their size; the sink is empty then, and on failure too.
/// Returns: GROVE_ENOMEM
grove_status grove__output_take(grove__output *s, void **bytes, size_t *n, grove_error *err);
/// As grove__writer's put function.
grove_status grove__output_put_fn(void *sink, const void *bytes, size_t n);
#endif
