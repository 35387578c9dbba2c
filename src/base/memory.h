// Counted memory: an allocator in front of the host's, with a face for each part of a runtime, so that every byte is
// counted as somebody's. What a face gave goes back through the same face.
//
// The counts are spread over stripes, which a thread chooses by the stack that it stands on: so two workers seldom
// write one cache line, and the price of an allocation is one addition. Only a limit, where there is one, is kept in a
// single word.
#ifndef GROVE_BASE_MEMORY_H
#define GROVE_BASE_MEMORY_H
#include "base/alloc.h"
#include <stdatomic.h>

enum {
  GROVE__MEMORY_RUNTIME,  // scheduler, tables, names, the runtime itself
  GROVE__MEMORY_ACTORS,   // states, start arguments, names, links, timers
  GROVE__MEMORY_MESSAGES, // with their arguments
  GROVE__MEMORY_FUTURES,  // slots, large replies, words of failures
  GROVE__MEMORY_SHARED,   // counts and copies of shared data; it may outlive the runtime
  GROVE__MEMORY_WATCH,    // counters, rings, deaths
  GROVE__MEMORY_USER,     // what the application takes from the runtime's allocator, or an actor's
  GROVE__MEMORY_PARTS
};

typedef struct grove__memory grove__memory;
typedef struct grove__memory_face {
  grove_allocator allocator;
  grove__memory *memory;
  uint32_t part;
} grove__memory_face;

_Static_assert(GROVE__MEMORY_PARTS <= 8, "a stripe has a word for each part");
enum { GROVE__MEMORY_STRIPES = 16 };
typedef struct grove__memory_stripe {
  // Relaxed: sums. A stripe alone may be below zero (what one thread took, another gave back), all together never.
  _Atomic int64_t bytes
      [8]; // of parts; as many as a cache line holds, though a host's memory is aligned to 16 only
} grove__memory_stripe;

struct grove__memory {
  grove_allocator host; // constant once threads are there
  uint64_t most;        // constant; 0: no limit
  grove__memory_face face[GROVE__MEMORY_PARTS];
  _Atomic uint64_t total;   // with a limit only
  _Atomic uint64_t refused; // how often the limit was hit
  grove__memory_stripe stripe[GROVE__MEMORY_STRIPES];
};

/// `host` is copied. Itself it is counted in no part. Returns NULL: no memory
grove__memory *grove__memory_create(const grove_allocator *host, uint64_t most);
/// NULL: nothing. What was not given back stays with the host.
void grove__memory_destroy(grove__memory *m);
static inline const grove_allocator *grove__memory_of(const grove__memory *m, uint32_t part)
{
  return &m->face[part].allocator;
}
/// Bytes of a part that were taken and not given back: exact when no thread allocates, else true a moment ago.
uint64_t grove__memory_bytes(const grove__memory *m, uint32_t part);
uint64_t grove__memory_total(const grove__memory *m);
/// Counts what was taken from elsewhere (bytes below zero: given back). Not held against the limit.
static inline void grove__memory_note(grove__memory *m, uint32_t part, int64_t bytes)
{
  // The stack tells threads (and strands) apart well enough, and costs nothing to ask for.
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  grove__memory_stripe *s = &m->stripe[(here >> 16 ^ here >> 20) % GROVE__MEMORY_STRIPES];
  atomic_fetch_add_explicit(&s->bytes[part], bytes, memory_order_relaxed); // relaxed: a sum
}
/// The same as grove__alloc_zero, for a face.
void *grove__memory_zero(const grove_allocator *face, size_t bytes);
/// Whether an allocator is such a face.
bool grove__memory_is_face(const grove_allocator *a);
#endif
