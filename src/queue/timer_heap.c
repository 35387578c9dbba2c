#include "queue/timer_heap.h"

static bool before(const grove__heap_node *a, const grove__heap_node *b)
{
  return a->when != b->when ? a->when < b->when : a->order < b->order;
}

// Two heaps become one: the later root becomes the first child of the earlier.
static grove__heap_node *meld(grove__heap_node *a, grove__heap_node *b)
{
  if (!a || !b) {
    return a ? a : b;
  }
  if (before(b, a)) {
    grove__heap_node *c = a;
    a = b;
    b = c;
  }
  b->next = a->child;
  if (b->next) {
    b->next->prev = b;
  }
  b->prev = a;
  a->child = b;
  return a;
}

// Siblings become one heap: melded in pairs from the left, then from the right. Without recursion: a heap may be
// one long list of siblings.
static grove__heap_node *combine(grove__heap_node *first)
{
  grove__heap_node *pairs = NULL;
  while (first) {
    grove__heap_node *a = first, *b = first->next;
    first = b ? b->next : NULL;
    a->next = a->prev = NULL;
    if (b) {
      b->next = b->prev = NULL;
    }
    a = meld(a, b);
    a->next = pairs;
    pairs = a;
  }
  grove__heap_node *all = NULL;
  while (pairs) {
    grove__heap_node *next = pairs->next;
    pairs->next = NULL;
    all = meld(all, pairs);
    pairs = next;
  }
  return all;
}

void grove__timer_heap_add(grove__timer_heap *h, grove__heap_node *n, int64_t when)
{
  GROVE__ASSERT(!n->in);
  n->child = n->next = n->prev = NULL;
  n->when = when;
  n->order = h->orders++;
  n->in = true;
  h->root = meld(h->root, n);
  h->count++;
}

void grove__timer_heap_remove(grove__timer_heap *h, grove__heap_node *n)
{
  if (!n->in) {
    return;
  }
  n->in = false;
  h->count--;
  if (n == h->root) {
    h->root = combine(n->child);
    return;
  }
  if (n->prev->child == n) {
    n->prev->child = n->next;
  } else {
    n->prev->next = n->next;
  }
  if (n->next) {
    n->next->prev = n->prev;
  }
  n->next = n->prev = NULL;
  h->root = meld(h->root, combine(n->child));
}
