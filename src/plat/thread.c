#include "plat/thread.h"
#include "base/alloc.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <uv.h>

#define FITS(outer, inner)                                                                         \
  _Static_assert(sizeof(inner) <= sizeof(outer), #outer " is too small for libuv's " #inner);      \
  _Static_assert(_Alignof(inner) <= _Alignof(outer), #outer " is not aligned for libuv's " #inner)
FITS(grove__thread, uv_thread_t);
FITS(grove__key, uv_key_t);

// The storage is ours, the objects in it are libuv's alone: nobody reads them as bytes.
static uv_thread_t *thread_of(grove__thread *t)
{
  return (uv_thread_t *)(void *)t->opaque;
}

static grove_status status_of(int uv_error)
{
  switch (uv_error) {
  case 0: return GROVE_OK;
  case UV_EAGAIN: return GROVE_EAGAIN;
  case UV_ENOMEM: return GROVE_ENOMEM;
  case UV_EINVAL: return GROVE_EINVAL;
  default: return GROVE_EINTERNAL;
  }
}

// What a new thread is told. Freed by it as soon as it has read it.
typedef struct start_note {
  void (*run)(void *user);
  void *user;
  char name[16];
} start_note;

static void name_self(const char *name)
{
#if defined(__linux__)
  if (name[0]) {
    (void)pthread_setname_np(pthread_self(), name); // only for people who look: may fail
  }
#else
  (void)name;
#endif
}

static void begin(void *arg)
{
  start_note note = *(start_note *)arg;
  grove__free(&grove__allocator_malloc, arg, sizeof(note));
  name_self(note.name);
  note.run(note.user);
}

// All that can come from outside; what the thread's own instructions raise stays as the creator has it.
static void fill_async(sigset_t *set)
{
  static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  (void)sigfillset(set);
  for (size_t i = 0; i < GROVE__COUNT(own); i++) {
    (void)sigdelset(set, own[i]);
  }
}

grove_status grove__thread_create(
    grove__thread *out, size_t stack_bytes, const char *name, void (*run)(void *user), void *user)
{
  if (stack_bytes > SIZE_MAX / 2) { // libuv rounds up to pages, unchecked
    return GROVE_ENOMEM;
  }
  start_note *note = grove__alloc_zero(&grove__allocator_malloc, sizeof(*note));
  if (!note) {
    return GROVE_ENOMEM;
  }
  note->run = run;
  note->user = user;
  for (size_t i = 0; name && name[i] && i < sizeof(note->name) - 1; i++) {
    note->name[i] = name[i];
  }
  const uv_thread_options_t options = {
      .flags = stack_bytes ? UV_THREAD_HAS_STACK_SIZE : UV_THREAD_NO_FLAGS,
      .stack_size = stack_bytes};
  // A new thread inherits the mask of its creator, so it is changed for that moment: inside the thread it would
  // be too late for a signal that comes first.
  sigset_t async;
  sigset_t before;
  fill_async(&async);
  (void)pthread_sigmask(SIG_BLOCK, &async, &before);
  int rc = uv_thread_create_ex(thread_of(out), &options, begin, note);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (rc) {
    grove__free(&grove__allocator_malloc, note, sizeof(*note));
  }
  // The only attribute is the stack's size: one that can't be had is told as EINVAL by some systems.
  return rc == UV_EINVAL ? GROVE_EAGAIN : status_of(rc);
}

void grove__thread_join(grove__thread *t)
{
  int rc = uv_thread_join(thread_of(t));
  GROVE__ASSERT(rc == 0);
  (void)rc;
}

void grove__thread_detach(grove__thread *t)
{
  // uv_thread_detach came with libuv 1.50; a uv_thread_t is a pthread_t wherever this library runs.
  int rc = pthread_detach(*thread_of(t));
  GROVE__ASSERT(rc == 0);
  (void)rc;
}

// Not to be inlined, not even by the linker: pthread_self counts as a constant of the calling function, and a
// caller that was suspended may stand on another thread after it.
__attribute__((noinline)) uint64_t grove__thread_self(void)
{
  return (uint64_t)(uintptr_t)pthread_self();
}

void grove__thread_relax(void)
{
  (void)sched_yield();
}

grove_status grove__key_create(grove__key *out)
{
  int rc = uv_key_create((uv_key_t *)(void *)out->opaque);
  return rc == UV_EAGAIN ? GROVE_ELIMIT : status_of(rc);
}
void grove__key_destroy(grove__key *k)
{
  uv_key_delete((uv_key_t *)(void *)k->opaque);
}
__attribute__((noinline)) void *grove__key_get(const grove__key *k)
{
  return pthread_getspecific(*(const uv_key_t *)(const void *)k->opaque);
}
grove_status grove__key_set(const grove__key *k, void *value)
{
  // Not uv_key_set: that aborts when there is no memory for the value's place.
  return pthread_setspecific(*(const uv_key_t *)(const void *)k->opaque, value) ? GROVE_ENOMEM
                                                                                : GROVE_OK;
}
