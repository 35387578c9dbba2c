#include "runtime/blocks.h"
#include "base/alloc.h"

enum { FIRST_SIZE = 64, CHUNK_BYTES = 64 * 1024 };
struct grove__block_chunk {
  _Alignas(64) struct grove__block_chunk *next;
};

grove_status grove__blocks_init(grove__blocks *b, const grove_allocator *a, bool direct)
{
  memset(b, 0, sizeof *b);
  b->allocator = a;
  b->direct = direct || GROVE__ASAN;
  return grove__mutex_init(&b->lock);
}

void grove__blocks_deinit(grove__blocks *b)
{
  while (b->chunks) {
    struct grove__block_chunk *next = b->chunks->next;
    grove__free(b->allocator, b->chunks, CHUNK_BYTES);
    b->chunks = next;
  }
  grove__mutex_deinit(&b->lock);
}

// Which list; GROVE__BLOCK_SIZES: too large for any.
static unsigned size_of(size_t bytes)
{
  return bytes <= 64 ? 0 : bytes <= 128 ? 1 : bytes <= 256 ? 2 : GROVE__BLOCK_SIZES;
}

// Cuts a new chunk into batches, the last one shorter. False: no memory.
static bool grow_locked(grove__blocks *b, unsigned size)
{
  size_t each = (size_t)FIRST_SIZE << size;
  char *chunk = grove__alloc(b->allocator, CHUNK_BYTES);
  if (!chunk) {
    return false;
  }
  struct grove__block_chunk *head = (struct grove__block_chunk *)(void *)chunk;
  head->next = b->chunks;
  b->chunks = head;
  grove__block_list batch = {NULL, 0};
  // A block that crosses no line more than it must: the allocator aligns to 16, so the first line is left out.
  size_t at = (FIRST_SIZE - (uintptr_t)chunk % FIRST_SIZE) % FIRST_SIZE + FIRST_SIZE;
  for (; at + each <= CHUNK_BYTES; at += each) {
    grove__block_push(&batch, (grove__block *)(void *)(chunk + at));
    if (batch.count == GROVE__BLOCK_BATCH) {
      batch.first->next_batch = b->batches[size];
      b->batches[size] = batch.first;
      batch = (grove__block_list){NULL, 0};
    }
  }
  while (batch.first) {
    grove__block_push(&b->loose[size], grove__block_pop(&batch));
  }
  return true;
}

static grove__block *take_batch_locked(grove__blocks *b, unsigned size)
{
  if (!b->batches[size] && !grow_locked(b, size)) {
    return NULL;
  }
  grove__block *batch = b->batches[size];
  b->batches[size] = batch->next_batch;
  return batch;
}

static void *take_shared(grove__blocks *b, grove__block_cache *cache, unsigned size)
{
  grove__block_list *l = cache ? &cache->of[size] : &b->loose[size];
  grove__mutex_lock(&b->lock);
  if (!l->first) {
    l->first = take_batch_locked(b, size);
    l->count = l->first ? GROVE__BLOCK_BATCH : 0;
  }
  grove__block *x = grove__block_pop(l);
  grove__mutex_unlock(&b->lock);
  return x;
}

void *grove__blocks_take(grove__blocks *b, grove__block_cache *cache, size_t bytes)
{
  unsigned size = b->direct ? GROVE__BLOCK_SIZES : size_of(bytes);
  if (size == GROVE__BLOCK_SIZES) {
    return grove__alloc(b->allocator, bytes);
  }
  grove__block *x = cache ? grove__block_pop(&cache->of[size]) : NULL;
  return x ? x : take_shared(b, cache, size);
}

// A batch off a list, for the depot.
static void give_batch_locked(grove__blocks *b, grove__block_list *l, unsigned size)
{
  grove__block *batch = l->first, *last = batch;
  for (int i = 1; i < GROVE__BLOCK_BATCH; i++) {
    last = last->next;
  }
  l->first = last->next;
  l->count -= GROVE__BLOCK_BATCH;
  last->next = NULL;
  batch->next_batch = b->batches[size];
  b->batches[size] = batch;
}

void grove__blocks_give(grove__blocks *b, grove__block_cache *cache, void *block, size_t bytes)
{
  unsigned size = b->direct ? GROVE__BLOCK_SIZES : size_of(bytes);
  if (size == GROVE__BLOCK_SIZES) {
    grove__free(b->allocator, block, bytes);
    return;
  }
  if (cache) {
    grove__block_push(&cache->of[size], block);
    if (cache->of[size].count < 2 * GROVE__BLOCK_BATCH) {
      return;
    }
  }
  grove__mutex_lock(&b->lock);
  grove__block_list *l = cache ? &cache->of[size] : &b->loose[size];
  if (!cache) {
    grove__block_push(l, block);
  }
  if (l->count >= 2 * GROVE__BLOCK_BATCH) {
    give_batch_locked(b, l, size);
  }
  grove__mutex_unlock(&b->lock);
}

void grove__block_cache_empty(grove__blocks *b, grove__block_cache *cache)
{
  grove__mutex_lock(&b->lock);
  for (unsigned size = 0; size < GROVE__BLOCK_SIZES; size++) {
    grove__block_list *l = &cache->of[size];
    while (l->count >= GROVE__BLOCK_BATCH) {
      give_batch_locked(b, l, size);
    }
    while (l->first) {
      grove__block_push(&b->loose[size], grove__block_pop(l));
    }
  }
  grove__mutex_unlock(&b->lock);
}
