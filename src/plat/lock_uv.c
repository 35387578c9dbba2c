// Locks of libuv, where lock.h has none of its own.
#include "plat/thread.h"
#if !(defined(__linux__) && defined(__LP64__))
#include "plat/clock.h"
#include <uv.h>

#define FITS(outer, inner)                                                                         \
  _Static_assert(sizeof(inner) <= sizeof(outer), #outer " is too small for libuv's " #inner);      \
  _Static_assert(_Alignof(inner) <= _Alignof(outer), #outer " is not aligned for libuv's " #inner)
FITS(grove__mutex, uv_mutex_t);
FITS(grove__cond, uv_cond_t);

// The storage is ours, the objects in it are libuv's alone: nobody reads them as bytes.
static uv_mutex_t *mutex_of(grove__mutex *m)
{
  return (uv_mutex_t *)(void *)m->opaque;
}
static uv_cond_t *cond_of(grove__cond *c)
{
  return (uv_cond_t *)(void *)c->opaque;
}

static grove_status status_of(int uv_error)
{
  return uv_error == 0           ? GROVE_OK
         : uv_error == UV_EAGAIN ? GROVE_EAGAIN
         : uv_error == UV_ENOMEM ? GROVE_ENOMEM
                                 : GROVE_EINTERNAL;
}

grove_status grove__mutex_init(grove__mutex *m)
{
  return status_of(uv_mutex_init(mutex_of(m)));
}
void grove__mutex_deinit(grove__mutex *m)
{
  uv_mutex_destroy(mutex_of(m));
}
void grove__mutex_lock(grove__mutex *m)
{
  uv_mutex_lock(mutex_of(m));
}
void grove__mutex_unlock(grove__mutex *m)
{
  uv_mutex_unlock(mutex_of(m));
}

grove_status grove__cond_init(grove__cond *c)
{
  return status_of(uv_cond_init(cond_of(c)));
}
void grove__cond_deinit(grove__cond *c)
{
  uv_cond_destroy(cond_of(c));
}
void grove__cond_signal(grove__cond *c)
{
  uv_cond_signal(cond_of(c));
}
void grove__cond_broadcast(grove__cond *c)
{
  uv_cond_broadcast(cond_of(c));
}
void grove__cond_wait(grove__cond *c, grove__mutex *m)
{
  uv_cond_wait(cond_of(c), mutex_of(m));
}

bool grove__cond_wait_until(grove__cond *c, grove__mutex *m, int64_t deadline_ns)
{
  // libuv adds its clock to the time it is given: a day at most keeps that far from wrapping around, and a
  // longer wait shows as a spurious wake.
  const int64_t most_ns = INT64_C(86400) * 1000000000;
  if (deadline_ns == INT64_MAX) {
    uv_cond_wait(cond_of(c), mutex_of(m));
    return true;
  }
  int64_t now = grove__clock_ns();
  if (deadline_ns <= now) {
    return false;
  }
  int64_t left = deadline_ns - now;
  if (uv_cond_timedwait(cond_of(c), mutex_of(m), (uint64_t)(left < most_ns ? left : most_ns)) ==
      0) {
    return true;
  }
  return grove__clock_ns() < deadline_ns;
}
#else
typedef int grove__lock_uv_is_not_needed; // a file of C holds at least one declaration
#endif
