// Little-endian numbers out through a put function, and in from bytes that nobody vouches for.
#ifndef GROVE_MODEL_MODEL_BYTES_H
#define GROVE_MODEL_MODEL_BYTES_H
#include <grove/base.h>

enum { GROVE__WRITER_ROOM = 4096 };

/// The model file, see model_file.c: its version, what its order of bytes reads as, and where a learner's part stands.
enum { GROVE__MODEL_VERSION = 3, GROVE__MODEL_ORDER = 0x01020304, GROVE__MODEL_ALIGN = 16 };

/// Of a feature. In files: never renumbered.
enum {
  GROVE__KIND_CATEGORY = 1,
  GROVE__KIND_INCREASING = 2,
  GROVE__KIND_DECREASING = 4,
  GROVE__KIND_ALL = 7
};

/// Zeroed but for sink and put. Failures are kept and told by grove__write_end.
typedef struct grove__writer {
  void *sink;
  grove_status (*put)(void *sink, const void *bytes, size_t n);
  grove_status status;
  size_t used;
  uint64_t total; // bytes written so far
  unsigned char bytes[GROVE__WRITER_ROOM];
} grove__writer;

void grove__write_bytes(grove__writer *w, const void *bytes, size_t n);
void grove__write_u32(grove__writer *w, uint32_t v);
void grove__write_u64(grove__writer *w, uint64_t v);
void grove__write_double(grove__writer *w, double v);
/// A length of 32 bits, then the characters.
void grove__write_text(grove__writer *w, const char *text);
/// Zeros, up to the next multiple of `to` bytes from the writer's first.
void grove__write_align(grove__writer *w, size_t to);
/// Puts what is still held back. Returns: the first failure of put
grove_status grove__write_end(grove__writer *w);

/// What is left to read. Past the end all numbers are zero and `failed` is set.
typedef struct grove__reader {
  const unsigned char *at;
  size_t left;
  const unsigned char *start; // of what is aligned; may be NULL where nothing is
  bool failed;
} grove__reader;

/// The next n bytes, or NULL.
const void *grove__read_bytes(grove__reader *r, size_t n);
uint32_t grove__read_u32(grove__reader *r);
uint64_t grove__read_u64(grove__reader *r);
double grove__read_double(grove__reader *r);
/// Skips zeros up to the next multiple of `to` bytes from the reader's start.
void grove__read_align(grove__reader *r, size_t to);
/// The characters, not ended by a zero; NULL on failure. No zero is among them.
const char *grove__read_text(grove__reader *r, size_t *n);

/// A 64-bit hash of bytes that come piece by piece: the pieces' sizes do not matter. Zeroed to begin with.
typedef struct grove__hash {
  uint64_t lane[4];
  uint64_t total;
  size_t held;
  unsigned char rest[32];
} grove__hash;
void grove__hash_add(grove__hash *h, const void *bytes, size_t n);
uint64_t grove__hash_end(const grove__hash *h);
#endif
