#include "runtime/blocks.h"
#include "base/alloc.h"

enum { CHUNK_PAGES = 16, CHUNK_BYTES = (CHUNK_PAGES + 1) * GROVE__BLOCK_PAGE }; // one more: the allocator aligns to 16
enum { MOST_LISTED = 2 }; // pages at hand of each size
struct grove__block_chunk {
  struct grove__block_chunk *next;
};
_Static_assert(sizeof(grove__block_page) <= 1 << GROVE__BLOCK_SHIFT, "the header is the first block of its page");
_Static_assert(GROVE__BLOCK_PAGE >> GROVE__BLOCK_SHIFT <= 64, "a bit for each");

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

// Which; GROVE__BLOCK_SIZES: too large for any.
static unsigned size_of(size_t bytes)
{
  return bytes <= 64 ? 0 : bytes <= 128 ? 1 : bytes <= 256 ? 2 : GROVE__BLOCK_SIZES;
}

// How many of a page are free when it is listed, at least: half of those beside the header.
static int half_of(unsigned size)
{
  return ((GROVE__BLOCK_PAGE >> (GROVE__BLOCK_SHIFT + size)) - 1) / 2;
}

static void list(grove__block_list *l, grove__block_page *p)
{
  p->next = l->first;
  l->first = p;
  l->count++;
}

static grove__block_page *unlist(grove__block_list *l)
{
  grove__block_page *p = l->first;
  if (p) {
    l->first = p->next;
    l->count--;
  }
  return p;
}

// A new chunk, cut into pages. Without memory nothing is listed.
static void grow_locked(grove__blocks *b, unsigned size)
{
  char *chunk = grove__alloc(b->allocator, CHUNK_BYTES);
  if (!chunk) {
    return;
  }
  struct grove__block_chunk *head = (struct grove__block_chunk *)(void *)chunk;
  head->next = b->chunks;
  b->chunks = head;
  // The next page's start behind the head, which leaves the last page whole wherever the chunk begins.
  char *at = (char *)(grove__block_page_of(chunk + sizeof *head - 1)) + GROVE__BLOCK_PAGE;
  for (; at + GROVE__BLOCK_PAGE <= chunk + CHUNK_BYTES; at += GROVE__BLOCK_PAGE) {
    grove__block_page *p = (grove__block_page *)(void *)at;
    uint64_t all = UINT64_MAX >> (64 - (GROVE__BLOCK_PAGE >> (GROVE__BLOCK_SHIFT + size)));
    p->size = size;
    atomic_init(&p->free, all & ~UINT64_C(1));
    list(&b->listed[size], p);
  }
}

// What is free of a page that was listed, and is the caller's by that.
static void open_page(grove__block_set *s, grove__block_page *p)
{
  s->page = p;
  // ORDER acquire: who gave them back is done with them. PAIRS tell. Release: `next` was read by who took it off its list, and is
  // written by who lists it next, whose exchange there sees this one.
  s->free = atomic_exchange_explicit(&p->free, 0, memory_order_acq_rel);
}

// From here on they are nobody's. True: the page is the caller's to list.
static bool tell(grove__block_set *s)
{
  grove__block_page *p = s->page;
  // ORDER release, PAIRS open_page; acquire: who lists it hands over what others gave back, and `next` is his.
  uint64_t before = atomic_fetch_or_explicit(&p->free, s->free, memory_order_acq_rel);
  int half = half_of(p->size);
  return __builtin_popcountll(before) < half && __builtin_popcountll(before | s->free) >= half;
}

// The same, and lists it; `cache` NULL: in the depot.
static void tell_and_list(grove__blocks *b, grove__block_cache *cache, grove__block_set *s)
{
  grove__block_page *p = s->page;
  if (!s->free || !tell(s)) {
    return;
  }
  if (cache && cache->listed[p->size].count < MOST_LISTED) {
    list(&cache->listed[p->size], p);
    return;
  }
  grove__mutex_lock(&b->lock);
  list(&b->listed[p->size], p);
  grove__mutex_unlock(&b->lock);
}

static grove__block_page *take_page_locked(grove__blocks *b, unsigned size)
{
  if (!b->listed[size].first) {
    grow_locked(b, size);
  }
  return unlist(&b->listed[size]);
}

static void *take_loose(grove__blocks *b, unsigned size)
{
  grove__mutex_lock(&b->lock);
  grove__block_set *s = &b->loose[size];
  grove__block_page *p = s->free ? NULL : take_page_locked(b, size);
  if (p) {
    open_page(s, p);
  }
  void *x = grove__block_set_take(s, size);
  grove__mutex_unlock(&b->lock);
  return x;
}

void *grove__blocks_take(grove__blocks *b, grove__block_cache *cache, size_t bytes)
{
  unsigned size = b->direct ? GROVE__BLOCK_SIZES : size_of(bytes);
  if (size == GROVE__BLOCK_SIZES) {
    return grove__alloc(b->allocator, bytes);
  }
  if (!cache) {
    return take_loose(b, size);
  }
  void *x = grove__block_cache_take(cache, size);
  if (x) {
    return x;
  }
  grove__block_page *p = unlist(&cache->listed[size]);
  if (!p) {
    grove__mutex_lock(&b->lock);
    p = take_page_locked(b, size);
    grove__mutex_unlock(&b->lock);
  }
  if (p) {
    open_page(&cache->from[size], p);
  }
  return grove__block_cache_take(cache, size);
}

void grove__blocks_give(grove__blocks *b, grove__block_cache *cache, void *block, size_t bytes)
{
  unsigned size = b->direct ? GROVE__BLOCK_SIZES : size_of(bytes);
  if (size == GROVE__BLOCK_SIZES) {
    grove__free(b->allocator, block, bytes);
    return;
  }
  grove__block_page *page = grove__block_page_of(block);
  grove__block_set one = {page, grove__block_bit(block, size)};
  if (!cache) {
    tell_and_list(b, NULL, &one);
    return;
  }
  if (!grove__block_cache_give(cache, block, size)) {
    grove__block_set *s = grove__block_note(cache, page);
    tell_and_list(b, cache, s);
    *s = one;
  }
}

void grove__block_cache_empty(grove__blocks *b, grove__block_cache *cache)
{
  for (size_t i = 0; i < GROVE__BLOCK_NOTES; i++) {
    tell_and_list(b, NULL, &cache->notes[i]);
  }
  for (unsigned size = 0; size < GROVE__BLOCK_SIZES; size++) {
    if (cache->last[size]) {
      grove__blocks_give(b, NULL, cache->last[size], (size_t)1 << (GROVE__BLOCK_SHIFT + size));
    }
    tell_and_list(b, NULL, &cache->from[size]);
    grove__mutex_lock(&b->lock);
    for (grove__block_page *p; (p = unlist(&cache->listed[size]));) {
      list(&b->listed[size], p);
    }
    grove__mutex_unlock(&b->lock);
  }
  memset(cache, 0, sizeof *cache);
}
