// Threads, locks and thread-local keys over libuv. The types are libuv's own by size only: no other room includes
// uv.h, so their storage is checked against libuv's by static asserts in thread.c.
#ifndef GROVE_PLAT_THREAD_H
#define GROVE_PLAT_THREAD_H
#include "base/status.h"

/// A mutex, not recursive, and a condition to wait for with it. Storage is embedded; init can fail, the others can't.
/// Where the kernel has futexes they are lock.h's, so that a lock that nobody else wants is an exchange and no call;
/// elsewhere libuv's.
#if defined(__linux__) && defined(__LP64__)
#include "plat/lock.h"
#else
typedef struct grove__mutex {
  _Alignas(8) unsigned char opaque[64];
} grove__mutex;
typedef struct grove__cond {
  _Alignas(8) unsigned char opaque[64];
} grove__cond;
grove_status grove__mutex_init(grove__mutex *m);
void grove__mutex_deinit(grove__mutex *m);
void grove__mutex_lock(grove__mutex *m);
void grove__mutex_unlock(grove__mutex *m);
grove_status grove__cond_init(grove__cond *c);
void grove__cond_deinit(grove__cond *c);
void grove__cond_signal(grove__cond *c);
void grove__cond_broadcast(grove__cond *c);
#endif
void grove__cond_wait(grove__cond *c, grove__mutex *m);
/// Waits until `deadline_ns` of grove__clock_ns (INT64_MAX: no limit); false: it passed. Spurious wakes happen.
/// A deadline that has passed before the call gives false at once, with the mutex held throughout.
bool grove__cond_wait_until(grove__cond *c, grove__mutex *m, int64_t deadline_ns);

/// A thread with an explicit stack size (0: the system's) and a name (15 bytes are kept; set inside it).
/// Its async signals are blocked (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS stay open), so the host's
/// handlers run on the host's threads.
/// Returns: GROVE_EAGAIN: the system gives no thread (or the test hook says so), GROVE_ENOMEM
typedef struct grove__thread {
  _Alignas(8) unsigned char opaque[16];
} grove__thread;
grove_status grove__thread_create(
    grove__thread *out, size_t stack_bytes, const char *name, void (*run)(void *user), void *user);
void grove__thread_join(grove__thread *t);
/// Gives up the right to join; the thread frees itself.
void grove__thread_detach(grove__thread *t);
/// A number that is this thread's own as long as it lives. Read it anew after a fiber switch.
uint64_t grove__thread_self(void);
/// Lets another thread run.
void grove__thread_relax(void);
/// One of a row of looks at what another thread is about to write: pauses, and now and then lets another thread run.
static inline void grove__thread_look_again(uint32_t looks)
{
  if (looks % 64 == 63) {
    grove__thread_relax();
    return;
  }
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// A thread-local pointer, one per key; NULL until set. Returns: GROVE_ELIMIT: the system has no more keys
typedef struct grove__key {
  _Alignas(8) unsigned char opaque[8];
} grove__key;
grove_status grove__key_create(grove__key *out);
void grove__key_destroy(grove__key *k);
void *grove__key_get(const grove__key *k);
/// Returns: GROVE_ENOMEM: no place for the first value of this thread; setting it anew or to NULL can't fail
grove_status grove__key_set(const grove__key *k, void *value);
#endif
