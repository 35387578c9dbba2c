// Counts how often cache lines cross between threads, and where: what `perf c2c` shows on processors whose counters can be read,
// without any. Linked into a program whose compiler tells of each access to memory, in the way that is meant for
// ThreadSanitizer (`-fsanitize=thread`, without its library); `scripts/lines` does so.
//
// A line is held by any number of threads that have read it, or by the one that wrote it last (the states of MESI: Papamarcos and
// Patel, "A Low-Overhead Coherence Solution for Multiprocessors with Private Cache Memories", 1984; each thread has a cache of its own, without end). An access crosses if
// its thread does not hold the line as it must: a read or a write of what another has, or a write of what others have read, too
// (`upgrade`). What a line's first user does is free. Not seen: what the C library and the kernel do, and processors that fetch ahead.
//
// At the end it writes lines `T COUNT KIND OFFSET PC WRITER` to standard error: OFFSET in the line, WRITER the place that wrote it last.
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINES = 1 << 20, PLACES = 1 << 16, SHOWN = 60, LINE_SHIFT = 6, THREADS = 32 };
enum { READ, WRITE, UPGRADE };
static const char *const kind_name[] = {"read", "write", "upgrade"};

// Of two lines that fall on one entry the newer forgets the older: what is lost is a crossing that is not counted.
static struct line {
  _Atomic uint32_t lock;
  uint32_t holders; // a bit for each thread
  uintptr_t line;
  uintptr_t writer;
} lines[LINES];
static struct place {
  _Atomic uintptr_t pc; // 0: free; written last
  uintptr_t writer, offset;
  int kind;
  _Atomic uint64_t n;
} places[PLACES];
static _Atomic uint32_t places_lock;
static _Atomic uint32_t threads;
static _Thread_local uint32_t me; // from 1 on

static void lock(_Atomic uint32_t *l)
{
  while (atomic_exchange_explicit(l, 1, memory_order_acquire)) {}
}
static void unlock(_Atomic uint32_t *l)
{
  atomic_store_explicit(l, 0, memory_order_release);
}

static struct place *place_of(uintptr_t pc, uintptr_t writer, uintptr_t offset, int kind)
{
  uint64_t hash = (pc * 31 + writer * 17 + offset * 7 + (uintptr_t)kind) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
  for (uint64_t i = 0; i < PLACES; i++) {
    struct place *p = &places[(hash + i) % PLACES];
    uintptr_t have = atomic_load(&p->pc);
    if (!have) {
      lock(&places_lock);
      have = atomic_load(&p->pc);
      if (!have) {
        p->writer = writer;
        p->offset = offset;
        p->kind = kind;
        atomic_store(&p->pc, have = pc);
      }
      unlock(&places_lock);
    }
    if (have == pc && p->writer == writer && p->offset == offset && p->kind == kind) {
      return p;
    }
  }
  abort(); // more places than any program of ours has
}

static void access_line(uintptr_t at, int write, uintptr_t pc)
{
  if (!me) {
    me = 1 + atomic_fetch_add(&threads, 1) % THREADS;
  }
  uintptr_t line = at >> LINE_SHIFT;
  uint32_t mine = UINT32_C(1) << (me - 1);
  struct line *l = &lines[(line ^ line >> 20) % LINES];
  int kind = -1;
  uintptr_t writer = 0;
  lock(&l->lock);
  if (l->line != line) {
    l->line = line;
    l->holders = mine;
    l->writer = 0;
  } else if (!(l->holders & mine)) {
    kind = write ? WRITE : READ;
  } else if (write && l->holders != mine) {
    kind = UPGRADE;
  }
  writer = l->writer;
  l->holders = write ? mine : l->holders | mine;
  l->writer = write ? pc : l->writer;
  unlock(&l->lock);
  if (kind >= 0) {
    atomic_fetch_add(&place_of(pc, writer, at % (1 << LINE_SHIFT), kind)->n, 1);
  }
}

static void access_range(uintptr_t at, uintptr_t bytes, int write, uintptr_t pc)
{
  for (uintptr_t line = at >> LINE_SHIFT; bytes && line <= (at + bytes - 1) >> LINE_SHIFT; line++) {
    uintptr_t begin = line << LINE_SHIFT;
    access_line(begin > at ? begin : at, write, pc);
  }
}

static int by_count(const void *a, const void *b)
{
  uint64_t x = atomic_load(&((struct place *)(uintptr_t)a)->n), y = atomic_load(&((struct place *)(uintptr_t)b)->n);
  return x < y ? 1 : x > y ? -1 : 0;
}

static __attribute__((destructor)) void tell(void)
{
  uint64_t all = 0;
  qsort(places, PLACES, sizeof *places, by_count);
  for (size_t i = 0; i < PLACES; i++) {
    all += atomic_load(&places[i].n);
  }
  fprintf(stderr, "crossings %llu threads %u\n", (unsigned long long)all, (unsigned)atomic_load(&threads));
  for (size_t i = 0; i < SHOWN && atomic_load(&places[i].n); i++) {
    const struct place *p = &places[i];
    fprintf(stderr, "T %llu %s %u %#llx %#llx\n", (unsigned long long)p->n, kind_name[p->kind], (unsigned)p->offset,
        (unsigned long long)p->pc - 1, (unsigned long long)(p->writer ? p->writer - 1 : 0)); // the call, not where it returns to
  }
}

// ---- what the compiler calls --------------------------------------------------------------------------------

#define HERE ((uintptr_t)__builtin_return_address(0))
#define PLAIN(BYTES, NAME, WRITES)                                                                                     \
  void __tsan_##NAME##BYTES(void *at);                                                                                 \
  void __tsan_##NAME##BYTES(void *at)                                                                                  \
  {                                                                                                                    \
    access_range((uintptr_t)at, BYTES, WRITES, HERE);                                                                  \
  }
#define PLAINS(BYTES)                                                                                                  \
  PLAIN(BYTES, read, 0)                                                                                                \
  PLAIN(BYTES, write, 1)                                                                                               \
  PLAIN(BYTES, unaligned_read, 0)                                                                                      \
  PLAIN(BYTES, unaligned_write, 1)                                                                                     \
  PLAIN(BYTES, volatile_read, 0) PLAIN(BYTES, volatile_write, 1)
PLAINS(1)
PLAINS(2)
PLAINS(4)
PLAINS(8)
PLAINS(16)
#define RANGE(NAME, WRITES)                                                                                            \
  void __tsan_##NAME##_range(void *at, unsigned long bytes);                                                           \
  void __tsan_##NAME##_range(void *at, unsigned long bytes)                                                            \
  {                                                                                                                    \
    access_range((uintptr_t)at, bytes, WRITES, HERE);                                                                  \
  }
RANGE(read, 0)
RANGE(write, 1)

#define CHANGE(BITS, NAME)                                                                                             \
  uint##BITS##_t __tsan_atomic##BITS##_##NAME(volatile uint##BITS##_t *at, uint##BITS##_t v, int order);               \
  uint##BITS##_t __tsan_atomic##BITS##_##NAME(volatile uint##BITS##_t *at, uint##BITS##_t v, int order)                \
  {                                                                                                                    \
    (void)order;                                                                                                       \
    access_line((uintptr_t)at, 1, HERE);                                                                               \
    return __atomic_##NAME(at, v, __ATOMIC_SEQ_CST);                                                                   \
  }
#define COMPARE(BITS, NAME)                                                                                            \
  _Bool __tsan_atomic##BITS##_compare_exchange_##NAME(                                                                 \
      volatile uint##BITS##_t *at, uint##BITS##_t *was, uint##BITS##_t v, int order, int failed);                      \
  _Bool __tsan_atomic##BITS##_compare_exchange_##NAME(                                                                 \
      volatile uint##BITS##_t *at, uint##BITS##_t *was, uint##BITS##_t v, int order, int failed)                       \
  {                                                                                                                    \
    (void)order, (void)failed;                                                                                         \
    access_line((uintptr_t)at, 1, HERE);                                                                               \
    return __atomic_compare_exchange_n(at, was, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                             \
  }
#define ATOMICS(BITS)                                                                                                  \
  uint##BITS##_t __tsan_atomic##BITS##_load(const volatile uint##BITS##_t *at, int order);                             \
  uint##BITS##_t __tsan_atomic##BITS##_load(const volatile uint##BITS##_t *at, int order)                              \
  {                                                                                                                    \
    (void)order;                                                                                                       \
    access_line((uintptr_t)at, 0, HERE);                                                                               \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                                      \
  }                                                                                                                    \
  void __tsan_atomic##BITS##_store(volatile uint##BITS##_t *at, uint##BITS##_t v, int order);                          \
  void __tsan_atomic##BITS##_store(volatile uint##BITS##_t *at, uint##BITS##_t v, int order)                           \
  {                                                                                                                    \
    (void)order;                                                                                                       \
    access_line((uintptr_t)at, 1, HERE);                                                                               \
    __atomic_store_n(at, v, __ATOMIC_SEQ_CST);                                                                         \
  }                                                                                                                    \
  CHANGE(BITS, fetch_add)                                                                                              \
  CHANGE(BITS, fetch_sub)                                                                                              \
  CHANGE(BITS, fetch_and)                                                                                              \
  CHANGE(BITS, fetch_or) CHANGE(BITS, fetch_xor) CHANGE(BITS, exchange) COMPARE(BITS, strong) COMPARE(BITS, weak)
#define __atomic_exchange __atomic_exchange_n
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);
void __tsan_init(void) {}
void __tsan_func_entry(void *pc)
{
  (void)pc;
}
void __tsan_func_exit(void) {}
void __tsan_atomic_thread_fence(int order)
{
  (void)order;
  atomic_thread_fence(memory_order_seq_cst);
}
void __tsan_atomic_signal_fence(int order)
{
  (void)order;
}
