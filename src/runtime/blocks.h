// Blocks of memory for messages, without the allocator's locks: what one thread frees, it uses again.
//
// Each worker keeps up to two batches of each size (its cache, which only its thread touches); a batch too many goes to a
// depot that all share, one that is missing comes from there: so a lock is taken once in GROVE__BLOCK_BATCH times, also
// where one thread only makes what another only frees. Memory comes from the allocator in chunks and goes back when the
// runtime does. (A tcmalloc in small: Ghemawat and Menage, "TCMalloc: Thread-Caching Malloc".)
// Under AddressSanitizer, and in simulation, where allocations are to fail one by one, blocks are the allocator's own.
#ifndef GROVE_RUNTIME_BLOCKS_H
#define GROVE_RUNTIME_BLOCKS_H
#include "plat/thread.h"

enum { GROVE__BLOCK_SIZES = 3, GROVE__BLOCK_BATCH = 64 }; // 64, 128 and 256 bytes
enum { GROVE__BLOCK_USUAL = 128 }; // most messages are of the two smaller sizes
typedef struct grove__block {
  struct grove__block *next;
  struct grove__block *next_batch; // of a batch's first, in the depot
} grove__block;
typedef struct grove__block_list {
  grove__block *first;
  uint32_t count;
} grove__block_list;

/// What a thread has at hand. Zero is empty.
typedef struct grove__block_cache {
  grove__block_list of[GROVE__BLOCK_SIZES]; // its thread's alone
} grove__block_cache;

typedef struct grove__blocks {
  const grove_allocator *allocator;
  bool direct; // constant: every block is the allocator's
  grove__mutex lock;
  grove__block *batches[GROVE__BLOCK_SIZES];   // guarded by lock: whole batches
  grove__block_list loose[GROVE__BLOCK_SIZES]; // guarded by lock: of threads without a cache
  struct grove__block_chunk *chunks;           // guarded by lock
} grove__blocks;

grove_status grove__blocks_init(grove__blocks *b, const grove_allocator *a, bool direct);
/// Gives all memory back; no block is used any more.
void grove__blocks_deinit(grove__blocks *b);
/// A block of so many bytes, aligned to 16. `cache` is the calling thread's, or NULL. NULL: no memory.
void *grove__blocks_take(grove__blocks *b, grove__block_cache *cache, size_t bytes);
/// `bytes` as it was asked for. From any thread.
void grove__blocks_give(grove__blocks *b, grove__block_cache *cache, void *block, size_t bytes);
/// The newest of a list, or NULL; and back.
static inline grove__block *grove__block_pop(grove__block_list *l)
{
  grove__block *x = l->first;
  if (x) {
    l->first = x->next;
    l->count--;
  }
  return x;
}
static inline void grove__block_push(grove__block_list *l, grove__block *x)
{
  x->next = l->first;
  l->first = x;
  l->count++;
}
/// A block of up to GROVE__BLOCK_USUAL bytes from what the thread has at hand; NULL: grove__blocks_take. And back; false:
/// grove__blocks_give.
static inline void *grove__blocks_take_usual(grove__block_cache *cache, size_t bytes)
{
  grove__block_list *l = &cache->of[bytes > GROVE__BLOCK_USUAL / 2];
  grove__block *x = grove__block_pop(l);
  __builtin_prefetch(l->first, 1); // the next one: another worker may have had it last
  return x;
}
static inline bool grove__blocks_give_usual(
    const grove__blocks *b, grove__block_cache *cache, void *block, size_t bytes)
{
  grove__block_list *l = &cache->of[bytes > GROVE__BLOCK_USUAL / 2];
  if (b->direct || l->count + 1 >= 2 * GROVE__BLOCK_BATCH) {
    return false;
  }
  grove__block_push(l, block);
  return true;
}
/// A thread goes: what it has at hand is for others.
void grove__block_cache_empty(grove__blocks *b, grove__block_cache *cache);
#endif
