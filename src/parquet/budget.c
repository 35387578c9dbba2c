#include "parquet/budget.h"
#include "base/alloc.h"
#include "base/error.h"

// Counts `more` bytes if the limit allows. Relaxed: a count only, it orders nothing.
static bool charge(grove__budget *b, size_t more)
{
  uint64_t before = atomic_fetch_add_explicit(&b->used, more, memory_order_relaxed);
  if (b->most && (before > b->most || more > b->most - before)) {
    atomic_fetch_sub_explicit(&b->used, more, memory_order_relaxed);
    return false;
  }
  return true;
}

static void uncharge(grove__budget *b, size_t bytes)
{
  atomic_fetch_sub_explicit(&b->used, bytes, memory_order_relaxed); // a count only
}

grove_status grove__budget_take(grove__budget *b, uint64_t bytes, const char *what, grove_error *err)
{
  uint64_t before = atomic_fetch_add_explicit(&b->used, bytes, memory_order_relaxed); // a count only
  if (!b->most || (before <= b->most && bytes <= b->most - before)) {
    return GROVE_OK;
  }
  return grove__error(err, GROVE_ELIMIT, -1,
      "%s needs %llu bytes, over the limit of %llu bytes (memory_bytes); read fewer columns or row groups, or stream "
      "smaller batches",
      what, (unsigned long long)bytes, (unsigned long long)b->most);
}

void grove__budget_give(grove__budget *b, uint64_t bytes)
{
  atomic_fetch_sub_explicit(&b->used, bytes, memory_order_relaxed); // a count only
}

grove_status grove__block_reserve(
    grove__budget *b, grove__block *buffer, size_t want, const char *what, grove_error *err)
{
  if (want <= buffer->bytes && buffer->p) {
    return GROVE_OK;
  }
  size_t old = buffer->bytes, bytes = want;
  if (old && old <= SIZE_MAX / 2 && bytes < 2 * old) {
    bytes = 2 * old;
  }
  if (!charge(b, bytes - old)) {
    bytes = want;
    if (bytes > old && !charge(b, bytes - old)) {
      return grove__error(err, GROVE_ELIMIT, -1,
          "%s needs %zu bytes more, over the limit of %llu bytes (memory_bytes); read fewer "
          "columns or row "
          "groups, or stream",
          what, want - old, (unsigned long long)b->most);
    }
  }
  uint8_t *p = grove__realloc(&b->allocator, buffer->p, old, bytes);
  if (!p) {
    uncharge(b, bytes - old);
    return grove__error_memory(err, what, bytes);
  }
  buffer->p = p;
  buffer->bytes = bytes;
  return GROVE_OK;
}

void grove__block_shrink(grove__budget *b, grove__block *buffer, size_t bytes)
{
  if (buffer->p && bytes < buffer->bytes && buffer->bytes - bytes > buffer->bytes / 8) {
    uint8_t *p = grove__realloc(&b->allocator, buffer->p, buffer->bytes, bytes);
    if (p) {
      uncharge(b, buffer->bytes - bytes);
      buffer->p = p;
      buffer->bytes = bytes;
    }
  }
}

void grove__block_free(grove__budget *b, grove__block *buffer)
{
  if (buffer->p) {
    uncharge(b, buffer->bytes);
    grove__free(&b->allocator, buffer->p, buffer->bytes);
  }
  *buffer = (grove__block){NULL, 0};
}

grove__block grove__block_give(grove__budget *b, grove__block *buffer)
{
  grove__block given = *buffer;
  if (given.p) {
    uncharge(b, given.bytes);
  }
  *buffer = (grove__block){NULL, 0};
  return given;
}
