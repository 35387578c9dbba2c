#include "remote/ahead.h"
#include "base/alloc.h"
#include "base/status.h"

// AHEAD: how many parts a source may have fetched that nobody has read.
enum { AHEAD = 4 };

struct grove__block_ahead {
  grove__block_ahead *next;
  uint64_t from;
  size_t bytes;
  grove__exchange x; // its `into` is `room`
  // Guarded by the lock:
  size_t users; // who wait for it or copy from it
  size_t taken; // bytes that were read: all of them, and it is of no use any more
  bool failed;
  char room[];
};

grove_status grove__ahead_init(grove__ahead *a, grove__client *c,
    grove_status (*check)(const void *user, const grove__exchange *x, grove_error *err),
    const void *user)
{
  a->client = c;
  a->check = check;
  a->user = user;
  a->part = grove__client_options(c)->part_bytes;
  a->most = AHEAD * a->part;
  a->first = NULL;
  a->held = 0;
  return grove__mutex_init(&a->lock);
}

static void free_block(grove__ahead *a, grove__block_ahead *b)
{
  a->held -= b->bytes;
  grove__exchange_clear(a->client, &b->x);
  grove__free(grove__client_allocator(a->client), b, sizeof *b + b->bytes);
}

static void take_out(grove__ahead *a, grove__block_ahead *b)
{
  grove__block_ahead **at = &a->first;
  while (*at != b) {
    at = &(*at)->next;
  }
  *at = b->next;
}

void grove__ahead_deinit(grove__ahead *a)
{
  while (a->first) { // nobody else is here any more
    grove__block_ahead *b = a->first;
    a->first = b->next;
    grove__client_drop(a->client, &b->x);
    free_block(a, b);
  }
  grove__mutex_deinit(&a->lock);
}

// Of lock's holder. The block that has the byte, or the first behind it in *next.
static grove__block_ahead *find(const grove__ahead *a, uint64_t at, uint64_t *next)
{
  for (grove__block_ahead *b = a->first; b; b = b->next) {
    if (b->failed) {
      continue;
    }
    if (b->from <= at && at - b->from < b->bytes) {
      return b;
    }
    if (b->from > at && b->from < *next) {
      *next = b->from;
    }
  }
  return NULL;
}

static grove__block_ahead *make_block(
    grove__ahead *a, const grove__request *like, uint64_t from, size_t n)
{
  grove__block_ahead *b =
      grove__alloc(grove__client_allocator(a->client), sizeof *b + n);
  if (!b) {
    return NULL; // a hint that is not followed: the read itself will say what memory it lacks
  }
  b->from = from;
  b->bytes = n;
  b->users = b->taken = 0;
  b->failed = false;
  grove__exchange_init(&b->x);
  b->x.ask = *like;
  b->x.ask.span = GROVE__SPAN_BYTES;
  b->x.ask.from = from;
  b->x.ask.n = n;
  b->x.ask.into = b->room;
  return b;
}

// Of lock's holder: blocks that were read in part, or never, are let go when the room is wanted, the oldest first.
static void make_room(grove__ahead *a, size_t n)
{
  for (grove__block_ahead *b = a->first, *next; b && a->held + n > a->most; b = next) {
    next = b->next;
    if (!b->users && grove__client_is_done(a->client, &b->x)) {
      take_out(a, b);
      free_block(a, b);
    }
  }
}

void grove__ahead_fetch(grove__ahead *a, const grove__request *like, uint64_t from, uint64_t n)
{
  uint64_t end = from + n;
  grove__mutex_lock(&a->lock);
  while (from < end) {
    uint64_t next = end;
    const grove__block_ahead *there = find(a, from, &next);
    if (there) {
      from = there->from + there->bytes;
      continue;
    }
    size_t length = next - from < a->part ? (size_t)(next - from) : a->part;
    make_room(a, length);
    grove__block_ahead *b =
        a->held + length <= a->most ? make_block(a, like, from, length) : NULL;
    if (!b) {
      break;
    }
    grove__block_ahead **last = &a->first;
    while (*last) {
      last = &(*last)->next;
    }
    b->next = NULL;
    *last = b;
    a->held += length;
    grove__client_begin(a->client, &b->x);
    from += length;
  }
  grove__mutex_unlock(&a->lock);
}

size_t grove__ahead_read(grove__ahead *a, uint64_t at, void *out, size_t n, uint64_t *next)
{
  size_t copied = 0;
  *next = at + n;
  grove__mutex_lock(&a->lock);
  grove__block_ahead *b = find(a, at, next);
  if (!b) {
    grove__mutex_unlock(&a->lock);
    return 0;
  }
  b->users++;
  grove__mutex_unlock(&a->lock);
  // The read that follows says why, if it fails too.
  bool good = !grove__client_wait(a->client, &b->x, NULL) && !a->check(a->user, &b->x, NULL);
  if (good) {
    size_t left = b->bytes - (size_t)(at - b->from);
    copied = n < left ? n : left;
    memcpy(out, b->room + (at - b->from), copied);
  }
  grove__mutex_lock(&a->lock);
  b->users--;
  b->taken += copied;
  b->failed = b->failed || !good;
  if (!b->users && (b->failed || b->taken >= b->bytes)) {
    take_out(a, b);
    free_block(a, b);
  }
  grove__mutex_unlock(&a->lock);
  return copied;
}
