#include "plat/stack_map.h"
#include "plat/stack.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/random.h>
#include <sys/syscall.h>
#endif

// Linux 6.13; not in the headers of older systems.
#define GUARD_INSTALL_ADVICE 102
// Wide enough that a large local array does not step over it unseen; address space only.
#define GUARD_BYTES ((size_t)64 << 10)
#define FIRST_ARENA_BYTES ((size_t)32 << 20)
#define LARGEST_ARENA_BYTES ((size_t)1 << 30)

// In the first page of its own mapping, so that no allocator is called under the owner's lock.
typedef struct arena {
  struct arena *next;
  size_t bytes;
  size_t slots, used;
} arena;

static size_t round_up(size_t n, size_t to)
{
  return (n + to - 1) / to * to;
}

// An mprotect guard splits a mapping in two, so each costs two maps: a quarter of the limit is an eighth in guards.
static size_t read_protect_limit(void)
{
  unsigned long maps = 65530; // Linux's default
  FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
  if (f) {
    if (fscanf(f, "%lu", &maps) != 1) {
      maps = 65530;
    }
    (void)fclose(f);
  }
  return maps / 4 / 2;
}

void grove__stack_maps_init(grove__stack_maps *m, size_t usable, int guard)
{
  memset(m, 0, sizeof(*m));
  long page = sysconf(_SC_PAGESIZE);
  m->page = page > 0 ? (size_t)page : 4096;
  m->slot_bytes = round_up(usable, m->page);
  m->guard_bytes = round_up(GUARD_BYTES, m->page);
  m->guard = guard;
  m->protected_most = read_protect_limit();
}

void grove__stack_maps_deinit(grove__stack_maps *m)
{
  arena *a = m->arenas;
  while (a) {
    arena *next = a->next;
    m->mapped -= a->bytes;
    (void)munmap(a, a->bytes);
    a = next;
  }
  m->arenas = NULL;
}

static void *map_bytes(size_t bytes)
{
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#if defined(MAP_STACK)
  flags |= MAP_STACK;
#endif
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (p == MAP_FAILED) {
    return NULL;
  }
#if defined(MADV_NOHUGEPAGE)
  // One huge page would back several stacks whole, where each touches a page or two.
  (void)madvise(p, bytes, MADV_NOHUGEPAGE);
#endif
  return p;
}

// Emulators take unknown advice for success. The kernel is asked to write there: it must say that it can't. By the
// bare system call: the C library's getrandom (glibc 2.41 on) writes in user space, and would die of the guard.
static bool is_untouchable(char *p)
{
#if defined(__linux__)
  return syscall(SYS_getrandom, p, (size_t)1, (unsigned)GRND_NONBLOCK) < 0 && errno == EFAULT;
#else
  (void)p;
  return false;
#endif
}

static bool install_guard(char *p, size_t bytes)
{
#if defined(__linux__)
  return madvise(p, bytes, GUARD_INSTALL_ADVICE) == 0 && is_untouchable(p);
#else
  (void)p;
  (void)bytes;
  return false;
#endif
}

// Guards the area by the best means that is left.
static void put_guard(grove__stack_maps *m, grove__stack_area *area)
{
  char *guard = area->low - m->guard_bytes;
  area->canary = false;
  area->protects = false;
  if (m->guard == GROVE__GUARD_BEST) {
    if (install_guard(guard, m->guard_bytes)) {
      return;
    }
    m->guard = GROVE__GUARD_MPROTECT; // an older kernel, or the host locks its memory
  }
  if (m->guard == GROVE__GUARD_MPROTECT && m->protected < m->protected_most &&
      mprotect(guard, m->guard_bytes, PROT_NONE) == 0) {
    m->protected ++;
    area->protects = true;
    return;
  }
  area->canary = true;
}

static grove_status add_arena(grove__stack_maps *m)
{
  size_t stride = m->guard_bytes + m->slot_bytes;
  size_t want = m->arenas ? m->arenas->bytes * 2 : FIRST_ARENA_BYTES;
  size_t slots = (want < LARGEST_ARENA_BYTES ? want : LARGEST_ARENA_BYTES) / stride;
  slots = slots ? slots : 1;
  for (; slots; slots /= 2) { // where address space is short, less is better than nothing
    size_t bytes = m->page + slots * stride;
    arena *a = map_bytes(bytes);
    if (a) {
      *a = (arena){.next = m->arenas, .bytes = bytes, .slots = slots};
      m->arenas = a;
      m->mapped += bytes;
      return GROVE_OK;
    }
  }
  return GROVE_ENOMEM;
}

grove_status grove__stack_maps_take_slot(grove__stack_maps *m, grove__stack_area *out)
{
  if (!m->arenas || m->arenas->used == m->arenas->slots) {
    GROVE__TRY(add_arena(m));
  }
  arena *a = m->arenas;
  size_t stride = m->guard_bytes + m->slot_bytes;
  char *slot = (char *)a + m->page + a->used * stride;
  a->used++;
  *out = (grove__stack_area){.low = slot + m->guard_bytes, .bytes = m->slot_bytes};
  put_guard(m, out);
  return GROVE_OK;
}

grove_status grove__stack_maps_take_own(grove__stack_maps *m, size_t usable, grove__stack_area *out)
{
  if (usable > SIZE_MAX / 4) {
    return GROVE_ENOMEM;
  }
  size_t bytes = round_up(usable, m->page);
  char *p = map_bytes(m->guard_bytes + bytes);
  if (!p) {
    return GROVE_ENOMEM;
  }
  *out = (grove__stack_area){
      .low = p + m->guard_bytes, .bytes = bytes, .map = p, .map_bytes = m->guard_bytes + bytes};
  m->mapped += out->map_bytes;
  put_guard(m, out);
  return GROVE_OK;
}

void grove__stack_maps_give_own(grove__stack_maps *m, grove__stack_area *area)
{
  m->mapped -= area->map_bytes;
  m->protected -= area->protects ? 1 : 0;
  (void)munmap(area->map, area->map_bytes);
}

void grove__stack_area_cool(const grove__stack_area *area)
{
  (void)madvise(area->low, area->bytes, MADV_DONTNEED);
}
