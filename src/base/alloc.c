#include "base/alloc.h"
#include "base/memory.h"
#include <stdlib.h>

static void *malloc_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  (void)user;
  (void)old_bytes;
  if (new_bytes == 0) {
    free(p);
    return NULL;
  }
  return realloc(p, new_bytes);
}

const grove_allocator grove__allocator_malloc = {malloc_realloc, NULL};

void *grove__alloc_zero(const grove_allocator *a, size_t bytes)
{
  if (a->realloc_fn == malloc_realloc) {
    return calloc(1, bytes ? bytes : 1); // fresh pages are zero already; touching them would cost
  }
  if (grove__memory_is_face(a)) {
    return grove__memory_zero(a, bytes ? bytes : 1);
  }
  void *p = grove__alloc(a, bytes);
  if (p) {
    memset(p, 0, bytes);
  }
  return p;
}

void *grove__alloc_array(const grove_allocator *a, size_t n, size_t each)
{
  size_t bytes;
  return grove__multiply(n, each, &bytes) ? grove__alloc(a, bytes) : NULL;
}

enum { SIZED_HEADER = 16 }; // keeps the alignment that an allocator owes

void *grove__alloc_sized(const grove_allocator *a, size_t bytes)
{
  size_t all;
  if (!grove__add(bytes, SIZED_HEADER, &all)) {
    return NULL;
  }
  char *p = grove__alloc(a, all);
  if (!p) {
    return NULL;
  }
  memcpy(p, &all, sizeof all);
  return p + SIZED_HEADER;
}

void grove__free_sized(const grove_allocator *a, void *p)
{
  if (p) {
    char *block = (char *)p - SIZED_HEADER;
    size_t all;
    memcpy(&all, block, sizeof all);
    grove__free(a, block, all);
  }
}

enum { LINE = GROVE__LINES_MORE };

// The byte before the block says how far behind the allocator's own it begins: 1 to LINE.
void *grove__alloc_lines(const grove_allocator *a, size_t n, size_t each)
{
  size_t bytes, all;
  if (!grove__multiply(n, each, &bytes) || !grove__add(bytes, LINE, &all)) {
    return NULL;
  }
  unsigned char *p = grove__alloc(a, all);
  if (!p) {
    return NULL;
  }
  size_t ahead = LINE - (uintptr_t)p % LINE;
  p[ahead - 1] = (unsigned char)ahead;
  return p + ahead;
}

void grove__free_lines(const grove_allocator *a, void *p, size_t bytes)
{
  if (p) {
    unsigned char *block = p;
    grove__free(a, block - block[-1], bytes + LINE);
  }
}

char *grove__copy_text(const grove_allocator *a, const char *text)
{
  if (!text) {
    return NULL;
  }
  size_t n = strlen(text) + 1;
  char *copy = grove__alloc(a, n);
  if (copy) {
    memcpy(copy, text, n);
  }
  return copy;
}
