#include "parquet/arena.h"
#include "base/alloc.h"
#include "base/error.h"

#if defined(__SANITIZE_ADDRESS__)
enum { BLOCK_BYTES = 1 }; // each taking has its own: what runs over its end is seen
#else
enum { BLOCK_BYTES = 16 * 1024 };
#endif

struct grove__arena_block {
  struct grove__arena_block *older;
  size_t bytes, used; // of the whole block, this head included
};

enum { HEAD_BYTES = (sizeof(struct grove__arena_block) + 15) & ~(size_t)15 };

// Whole blocks are what counts: their ends may stay empty.
static struct grove__arena_block *add_block(grove__arena *a, size_t need)
{
  size_t bytes;
  if (!grove__add(need, HEAD_BYTES, &bytes)) {
    return NULL;
  }
  uint64_t left = a->most > a->used ? a->most - a->used : 0;
  a->over = a->most && bytes > left;
  if (a->over) {
    return NULL;
  }
  bytes = bytes > BLOCK_BYTES ? bytes : a->most && left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
  struct grove__arena_block *block = grove__alloc_zero(&a->allocator, bytes);
  if (block) {
    block->older = a->blocks;
    block->bytes = bytes;
    block->used = HEAD_BYTES;
    a->blocks = block;
    a->used += bytes;
  }
  return block;
}

void *grove__arena_take(grove__arena *a, size_t n, size_t each)
{
  size_t need;
  if (!grove__multiply(n, each, &need) || !grove__add(need, 15, &need)) {
    return NULL;
  }
  need &= ~(size_t)15;
  if (a->over) {
    return NULL;
  }
  struct grove__arena_block *block = a->blocks;
  if (!block || block->bytes - block->used < need) {
    block = add_block(a, need);
  }
  if (!block) {
    return NULL;
  }
  void *p = (char *)block + block->used;
  block->used += need;
  return p;
}

grove_status grove__arena_error(const grove__arena *a, const char *what, grove_error *err)
{
  return a->over ? grove__error(err, GROVE_ELIMIT, -1,
                       "footer: there is no room for it and for %s under the limit of %llu bytes (memory_bytes)", what,
                       (unsigned long long)a->most)
                 : grove__error_memory(err, what, 0);
}

void grove__arena_free(grove__arena *a)
{
  while (a->blocks) {
    struct grove__arena_block *block = a->blocks;
    a->blocks = block->older;
    grove__free(&a->allocator, block, block->bytes);
  }
}
