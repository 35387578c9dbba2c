#include "parquet/budget.h"
#include "base/alloc.h"
#include "base/error.h"

// Counts `more` bytes if the limit allows. Relaxed: a count only, it orders nothing.
// By exchange: what does not fit must not be counted for a moment either, or another column's read would fail by it.
static bool charge(grove__budget *b, uint64_t more)
{
  uint64_t used = atomic_load_explicit(&b->used, memory_order_relaxed);
  do {
    if (b->most && (used > b->most || more > b->most - used)) {
      return false;
    }
  } while (!atomic_compare_exchange_weak_explicit(
      &b->used, &used, used + more, memory_order_relaxed, memory_order_relaxed));
  return true;
}

static void uncharge(grove__budget *b, uint64_t bytes)
{
  atomic_fetch_sub_explicit(&b->used, bytes, memory_order_relaxed); // a count only
}

static grove_status refuse(const grove__budget *b, uint64_t bytes, const char *what, grove_error *err)
{
  return grove__error(err, GROVE_ELIMIT, -1,
      "%s needs %llu bytes more, over the limit of %llu bytes (memory_bytes); read fewer columns or row groups, or "
      "stream smaller batches (batch_rows)",
      what, (unsigned long long)bytes, (unsigned long long)b->most);
}

grove_status grove__budget_take(grove__budget *b, uint64_t bytes, const char *what, grove_error *err)
{
  return charge(b, bytes) ? GROVE_OK : refuse(b, bytes, what, err);
}

void grove__budget_give(grove__budget *b, uint64_t bytes)
{
  uncharge(b, bytes);
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
      return refuse(b, want - old, what, err);
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

bool grove__block_help(grove__budget *b, grove__block *buffer, size_t want)
{
  uint64_t used = atomic_load_explicit(&b->used, memory_order_relaxed); // a guess will do
  uint64_t left = b->most > used ? b->most - used : 0;
  return (!b->most || want <= left / 2) && !grove__block_reserve(b, buffer, want, "a help", NULL);
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
  (void)b; // counts on
  grove__block given = *buffer;
  *buffer = (grove__block){NULL, 0};
  return given;
}
