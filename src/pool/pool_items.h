// What a pool is given to do: one item is one call that waits for a member or is with one.
#ifndef GROVE_POOL_ITEMS_H
#define GROVE_POOL_ITEMS_H
#include <grove/call.h>
#include "base/alloc.h"
#include "base/holds.h"

struct grove__member;
typedef struct grove__item {
  struct grove__item *next, *prev;
  const grove_method *method;
  grove_promise promise;        ///< the caller's: ended exactly once, by the pool or by its end
  struct grove__member *member; ///< that has it; NULL: queued
  uint32_t deaths;              ///< of members that had begun it
  _Alignas(16) unsigned char arg[];
} grove__item;

/// A list in order of coming. An item is in one list at a time.
typedef struct grove__item_list {
  grove__item *first, *last;
  size_t n;
} grove__item_list;

/// Takes counts of the shared data in `arg`. NULL: no memory.
grove__item *grove__item_create(
    const grove_allocator *a, const grove_method *m, const void *arg, grove_promise promise);
/// Gives them back. Does not end the promise.
void grove__item_destroy(const grove_allocator *a, grove__item *item);
void grove__item_list_append(grove__item_list *l, grove__item *item);
void grove__item_list_prepend(grove__item_list *l, grove__item *item);
void grove__item_list_remove(grove__item_list *l, grove__item *item);
/// Destroys all that are in it.
void grove__item_list_clear(const grove_allocator *a, grove__item_list *l);
#endif
