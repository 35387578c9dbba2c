// Memory of one read, counted against its limit, and buffers that grow in it.
#ifndef GROVE_PARQUET_BUDGET_H
#define GROVE_PARQUET_BUDGET_H
#include <grove/base.h>
#include <stdatomic.h>

typedef struct grove__budget {
  grove_allocator allocator;
  uint64_t most;          ///< 0: no limit
  _Atomic(uint64_t) used; ///< written by all columns of a parallel read
} grove__budget;

/// What may be read behind the end of what a buffer holds: lets loops load whole words.
enum { GROVE__SLACK = 32 };

/// Zero is empty. `bytes` is what was asked of the allocator.
typedef struct grove__block {
  uint8_t *p;
  size_t bytes;
} grove__block;

/// Makes the buffer hold `want` bytes at least, twice the old size at least if it must grow; keeps what is in it.
/// Returns: GROVE_ENOMEM; GROVE_ELIMIT: over the budget, `what` is said
grove_status grove__block_reserve(
    grove__budget *b, grove__block *buffer, size_t want, const char *what, grove_error *err);
/// To exactly `bytes`, if that is less by a lot; never fails.
void grove__block_shrink(grove__budget *b, grove__block *buffer, size_t bytes);
void grove__block_free(grove__budget *b, grove__block *buffer);
/// Counts bytes that are no block's until they are given back. Returns: GROVE_ELIMIT: over the budget, and nothing is counted
grove_status grove__budget_take(grove__budget *b, uint64_t bytes, const char *what, grove_error *err);
void grove__budget_give(grove__budget *b, uint64_t bytes);
/// The caller takes the memory out. It counts until grove__budget_give.
grove__block grove__block_give(grove__budget *b, grove__block *buffer);
/// As grove__block_reserve, for what is good to have and can be done without: at most half of what is left, so that what can't
/// be done without has room behind it.
bool grove__block_help(grove__budget *b, grove__block *buffer, size_t want);
#endif
