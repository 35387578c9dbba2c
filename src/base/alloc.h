// Memory through the host's allocator, with sizes that are checked before they are multiplied.
#ifndef GROVE_BASE_ALLOC_H
#define GROVE_BASE_ALLOC_H
#include <grove/base.h>
#include <string.h>

/// What NULL means: malloc.
extern const grove_allocator grove__allocator_malloc;

/// A copy of *a, or malloc's. The copy is what an object keeps: the caller's may go.
static inline grove_allocator grove__allocator_of(const grove_allocator *a)
{
  return a && a->realloc_fn ? *a : grove__allocator_malloc;
}
/// All three give NULL when there is no memory or the size overflows. Zero bytes give a valid block of one.
static inline void *grove__alloc(const grove_allocator *a, size_t bytes)
{
  return a->realloc_fn(a->user, NULL, 0, bytes ? bytes : 1);
}
void *grove__alloc_zero(const grove_allocator *a, size_t bytes);
void *grove__alloc_array(const grove_allocator *a, size_t n, size_t each);
/// Grows or shrinks; on failure the old block stays as it was.
static inline void *grove__realloc(const grove_allocator *a, void *p, size_t old_bytes, size_t bytes)
{
  return a->realloc_fn(a->user, p, p ? (old_bytes ? old_bytes : 1) : 0, bytes ? bytes : 1);
}
/// NULL: nothing. `bytes` is what was asked for.
static inline void grove__free(const grove_allocator *a, const void *p, size_t bytes)
{
  if (p) {
    a->realloc_fn(a->user, (void *)(uintptr_t)p, bytes ? bytes : 1, 0);
  }
}
/// A block whose size is found again when it is freed: for what is handed over as a bare pointer.
void *grove__alloc_sized(const grove_allocator *a, size_t bytes);
void grove__free_sized(const grove_allocator *a, void *p);
/// A block that begins a cache line: for rows of a line, or an even part of one, which no line's end should cut in two.
/// `bytes` is n * each.
/// GROVE__LINES_MORE bytes more than that are asked for.
enum { GROVE__LINES_MORE = 64 };
void *grove__alloc_lines(const grove_allocator *a, size_t n, size_t each);
void grove__free_lines(const grove_allocator *a, void *p, size_t bytes);
/// A copy of a text, freed by grove__free_text. NULL for NULL (and then it is no failure) or no memory.
char *grove__copy_text(const grove_allocator *a, const char *text);
static inline void grove__free_text(const grove_allocator *a, char *text)
{
  grove__free(a, text, text ? strlen(text) + 1 : 0);
}
/// Whether n * each fits in a size_t; *out gets it.
static inline bool grove__multiply(size_t n, size_t each, size_t *out)
{
  if (each && n > SIZE_MAX / each) {
    return false;
  }
  *out = n * each;
  return true;
}
static inline bool grove__add(size_t a, size_t b, size_t *out)
{
  if (a > SIZE_MAX - b) {
    return false;
  }
  *out = a + b;
  return true;
}
#endif
