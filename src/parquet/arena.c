#include "parquet/arena.h"
#include "base/alloc.h"

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

static struct grove__arena_block *add_block(grove__arena *a, size_t need)
{
  size_t bytes;
  if (!grove__add(need, HEAD_BYTES, &bytes)) {
    return NULL;
  }
  bytes = bytes < BLOCK_BYTES ? BLOCK_BYTES : bytes;
  struct grove__arena_block *block = grove__alloc_zero(&a->allocator, bytes);
  if (block) {
    block->older = a->blocks;
    block->bytes = bytes;
    block->used = HEAD_BYTES;
    a->blocks = block;
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
  a->over = a->over || (a->most && need > a->most - a->used);
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
  a->used += need;
  return p;
}

void grove__arena_free(grove__arena *a)
{
  while (a->blocks) {
    struct grove__arena_block *block = a->blocks;
    a->blocks = block->older;
    grove__free(&a->allocator, block, block->bytes);
  }
}
