#include "pool/pool_items.h"

static size_t item_bytes(const grove_method *m)
{
  return sizeof(grove__item) + m->arg->bytes;
}

grove__item *grove__item_create(
    const grove_allocator *a, const grove_method *m, const void *arg, grove_promise promise)
{
  grove__item *item = grove__alloc(a, item_bytes(m));
  if (!item) {
    return NULL;
  }
  *item = (grove__item){.method = m, .promise = promise};
  memcpy(item->arg, arg, m->arg->bytes);
  grove__holds_retain(m->arg, item->arg);
  return item;
}

void grove__item_destroy(const grove_allocator *a, grove__item *item)
{
  grove__holds_release(item->method->arg, item->arg);
  grove__free(a, item, item_bytes(item->method));
}

void grove__item_list_append(grove__item_list *l, grove__item *item)
{
  item->next = NULL;
  item->prev = l->last;
  *(l->last ? &l->last->next : &l->first) = item;
  l->last = item;
  l->n++;
}

void grove__item_list_prepend(grove__item_list *l, grove__item *item)
{
  item->prev = NULL;
  item->next = l->first;
  *(l->first ? &l->first->prev : &l->last) = item;
  l->first = item;
  l->n++;
}

void grove__item_list_remove(grove__item_list *l, grove__item *item)
{
  *(item->prev ? &item->prev->next : &l->first) = item->next;
  *(item->next ? &item->next->prev : &l->last) = item->prev;
  item->next = item->prev = NULL;
  l->n--;
}

void grove__item_list_clear(const grove_allocator *a, grove__item_list *l)
{
  while (l->first) {
    grove__item *item = l->first;
    grove__item_list_remove(l, item);
    grove__item_destroy(a, item);
  }
}
