// Blocks of memory for messages, without the allocator's locks, in the order of their addresses.
//
// Blocks of a size lie in pages of 4096 bytes, one set bit for each that is free, and the first of a page is its header. A thread
// takes from one page until none of what it had there is free: a shift and an addition, and the block itself is not touched. So
// messages that are sent one after the other lie one behind the other, and both who writes and who reads them is ahead
// of himself by what processors fetch on their own. (A list through the free blocks would have each of them wait for the line of the one before it,
// which lies in the cache of whoever gave it back.)
//
// The block that a thread has given back is the first that it takes again: it is in its cache. What else it gives back of the page
// that it takes from is free there at once. Of others it notes the bits, of a few pages at a time, and tells a page by one exchange, for as many blocks as there are by then. Who makes half of a page's blocks
// free lists it, with what he has at hand, or, if that is enough, in a depot that all share, under its lock. What is free in a page that
// is listed belongs to who takes it off the list. (Mimalloc has pages and lists of what others gave back, too: Leijen, Zorn and de Moura,
// "Mimalloc: Free List Sharding in Action".)
//
// Memory comes from the allocator in chunks and goes back when the runtime does. Where few blocks of a page stay in use, the others
// serve: no more than half of a page lies idle, but for what is on its way.
// Under AddressSanitizer, and in simulation, where allocations are to fail one by one, blocks are the allocator's own.
#ifndef GROVE_RUNTIME_BLOCKS_H
#define GROVE_RUNTIME_BLOCKS_H
#include "plat/thread.h"

enum { GROVE__BLOCK_SIZES = 3 }; // 64, 128 and 256 bytes
enum { GROVE__BLOCK_USUAL = 128 }; // most messages are of the two smaller sizes
enum { GROVE__BLOCK_PAGE = 4096, GROVE__BLOCK_SHIFT = 6, GROVE__BLOCK_NOTES = 16 };

typedef struct grove__block_page {
  _Atomic uint64_t free;          // a bit for each that was given back, and is nobody's; the header's own is never set
  struct grove__block_page *next; // of the list it is in
  uint32_t size;                  // constant: which of the sizes
} grove__block_page;

/// Blocks of one page that are a thread's: bit i is the one that begins i blocks behind its start. `page` NULL: none.
typedef struct grove__block_set {
  grove__block_page *page;
  uint64_t free;
} grove__block_set;
typedef struct grove__block_list {
  grove__block_page *first;
  uint32_t count;
} grove__block_list;

/// What a thread has at hand. Zero is empty.
typedef struct grove__block_cache {
  // All its thread's alone:
  void *last[GROVE__BLOCK_SIZES];             // one that it gave back, or NULL
  grove__block_set from[GROVE__BLOCK_SIZES];  // what it takes from
  grove__block_set notes[GROVE__BLOCK_NOTES]; // what it gave back of other pages, and has not told
  grove__block_list listed[GROVE__BLOCK_SIZES];
} grove__block_cache;

typedef struct grove__blocks {
  const grove_allocator *allocator;
  bool direct; // constant: every block is the allocator's
  grove__mutex lock;
  grove__block_list listed[GROVE__BLOCK_SIZES]; // guarded by lock: the depot
  grove__block_set loose[GROVE__BLOCK_SIZES];   // guarded by lock: what threads without a cache take
  struct grove__block_chunk *chunks;            // guarded by lock
} grove__blocks;

grove_status grove__blocks_init(grove__blocks *b, const grove_allocator *a, bool direct);
/// Gives all memory back; no block is used any more.
void grove__blocks_deinit(grove__blocks *b);
/// A block of so many bytes, aligned to 16. `cache` is the calling thread's, or NULL. NULL: no memory.
void *grove__blocks_take(grove__blocks *b, grove__block_cache *cache, size_t bytes);
/// `bytes` as it was asked for. From any thread.
void grove__blocks_give(grove__blocks *b, grove__block_cache *cache, void *block, size_t bytes);

/// One of the set's, the first, or NULL.
static inline void *grove__block_set_take(grove__block_set *s, unsigned size)
{
  uint64_t free = s->free;
  if (!free) {
    return NULL;
  }
  s->free = free & (free - 1);
  return (char *)s->page + ((size_t)(unsigned)__builtin_ctzll(free) << (GROVE__BLOCK_SHIFT + size));
}
static inline grove__block_page *grove__block_page_of(const void *block)
{
  return (grove__block_page *)((uintptr_t)block & ~(uintptr_t)(GROVE__BLOCK_PAGE - 1));
}
static inline uint64_t grove__block_bit(const void *block, unsigned size)
{
  return UINT64_C(1) << ((uintptr_t)block % GROVE__BLOCK_PAGE >> (GROVE__BLOCK_SHIFT + size));
}
/// Where what is given back of a page is noted.
static inline grove__block_set *grove__block_note(grove__block_cache *cache, const grove__block_page *page)
{
  return &cache->notes[(uintptr_t)page / GROVE__BLOCK_PAGE % GROVE__BLOCK_NOTES];
}
/// Gives a block to the set that the thread has of its page. False: it has none.
static inline bool grove__block_cache_give(grove__block_cache *cache, const void *block, unsigned size)
{
  grove__block_page *page = grove__block_page_of(block);
  grove__block_set *s = &cache->from[size];
  s = page == s->page ? s : grove__block_note(cache, page);
  if (s->page != page) {
    return false;
  }
  s->free |= grove__block_bit(block, size);
  return true;
}
/// One of a size that the thread has at hand, or NULL.
static inline void *grove__block_cache_take(grove__block_cache *cache, unsigned size)
{
  void *last = cache->last[size];
  cache->last[size] = NULL;
  return last ? last : grove__block_set_take(&cache->from[size], size);
}
/// A block of up to GROVE__BLOCK_USUAL bytes from what the thread has at hand; NULL: grove__blocks_take. And back; false:
/// grove__blocks_give: as always where blocks are the allocator's, for nothing was ever taken from a page there.
static inline void *grove__blocks_take_usual(grove__block_cache *cache, size_t bytes)
{
  return grove__block_cache_take(cache, bytes > GROVE__BLOCK_USUAL / 2);
}
static inline bool grove__blocks_give_usual(grove__block_cache *cache, void *block, size_t bytes)
{
  unsigned size = bytes > GROVE__BLOCK_USUAL / 2;
  if (!cache->last[size] && cache->from[size].page) {
    cache->last[size] = block;
    return true;
  }
  return grove__block_cache_give(cache, block, size);
}
/// A thread goes: what it has at hand is for others.
void grove__block_cache_empty(grove__blocks *b, grove__block_cache *cache);
#endif
