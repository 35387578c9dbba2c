// Memory that is freed all at once: what a footer is made of.
#ifndef GROVE_PARQUET_ARENA_H
#define GROVE_PARQUET_ARENA_H
#include <grove/base.h>

typedef struct grove__arena {
  grove_allocator allocator;
  struct grove__arena_block *blocks; ///< newest first
  uint64_t most, used;               ///< bytes of the blocks; most 0: no limit
  bool over;                         ///< the limit was met
} grove__arena;

/// n * each zeroed bytes, aligned to 16; NULL: no memory, or over the limit.
void *grove__arena_take(grove__arena *a, size_t n, size_t each);
/// What NULL was. Returns: GROVE_ELIMIT: the limit, memory_bytes; GROVE_ENOMEM
grove_status grove__arena_error(const grove__arena *a, const char *what, grove_error *err);
void grove__arena_free(grove__arena *a);
#endif
