// A host with its own loop: then-functions of outside futures, a descriptor, an attached uv_loop_t.
#include "actor/future.h"
#include "plat/loop.h"
#include <grove/host.h>
#include <grove/uv.h>

static grove__future *take_ready(grove__system *y)
{
  grove__mutex_lock(&y->outside_lock);
  grove__future *f = y->ready_first;
  if (f) {
    y->ready_first = f->queue_next;
  } else if (y->has_notify) {
    grove__notify_clear(&y->notify);
  }
  grove__mutex_unlock(&y->outside_lock);
  return f;
}

size_t grove_dispatch(grove *g, size_t most)
{
  grove__system *y;
  grove__activation *here;
  size_t ran = 0;
  if (grove__enter(g, &y, &here) || here) {
    return 0;
  }
  uint64_t none = 0;
  // Relaxed: only this thread ever compares it with itself.
  if (!atomic_compare_exchange_strong_explicit(&y->dispatcher, &none, grove__thread_self(),
          memory_order_relaxed, memory_order_relaxed)) {
    return 0; // another thread is at it, or this one, further up its stack
  }
  grove__future *f;
  while ((most == 0 || ran < most) && (f = take_ready(y))) {
    grove__future_lock(f);
    grove_then_fn *fn = f->then;
    void *user = f->then_user;
    grove_future h = grove__future_handle(f);
    f->then = NULL; // from here on the function may spend it
    grove__future_leave(f);
    (void)fn(&y->here, user, h);
    grove__future_drop(f, h.generation);
    atomic_fetch_sub_explicit(
        &y->then_open, 1, memory_order_relaxed); // the loop's own thread looks at it
    ran++;
  }
  atomic_store_explicit(&y->dispatcher, 0, memory_order_relaxed);
  return ran;
}

int grove_fd(grove *g)
{
  grove__system *y = grove__system_of(g);
  if (!y || y->options.simulate) {
    return -1;
  }
  grove__mutex_lock(&y->outside_lock);
  if (!y->has_notify && !grove__notify_init(&y->notify)) {
    y->has_notify = true;
    if (y->ready_first) {
      grove__notify_raise(&y->notify);
    }
  }
  int fd = y->has_notify ? y->notify.read_fd : -1;
  grove__mutex_unlock(&y->outside_lock);
  return fd;
}

// ---- an attached uv_loop_t -------------------------------------------------------------------------------

static void on_ready(void *user)
{
  grove__system *y = user;
  grove__mutex_lock(&y->outside_lock);
  bool over = y->waits_over;
  grove__mutex_unlock(&y->outside_lock);
  if (over) { // the host has stopped the runtime and did not detach it
    grove_uv_detach(&y->here);
    return;
  }
  (void)grove_dispatch(&y->here, 0);
  grove__uv_keep(y);
}

static void on_freed(void *user)
{
  grove__system_part(user);
}

void grove__uv_keep(grove__system *y)
{
  if (y->watcher) {
    // Relaxed: on the loop's thread, where then-functions are set and run.
    grove__watcher_keep(y->watcher, atomic_load_explicit(&y->then_open, memory_order_relaxed) > 0);
  }
}

grove_status grove_uv_attach(grove *g, struct uv_loop_s *loop)
{
  grove__system *y;
  grove__activation *here;
  GROVE__TRY(grove__enter(g, &y, &here));
  if (here || !loop || y->options.simulate) {
    return GROVE_EINVAL;
  }
  if (y->watcher) {
    return GROVE_EEXIST;
  }
  int fd = grove_fd(g);
  if (fd < 0) {
    return GROVE_EIO;
  }
  atomic_fetch_add_explicit(
      &y->parts, 1, memory_order_relaxed); // the loop's, until it has let go; ours keeps it
  grove_status s =
      // By the host's own allocator: where it fails half way, the loop frees it later, maybe after the runtime.
      grove__watcher_create(&y->host_allocator, loop, fd, on_ready, on_freed, y, &y->watcher);
  if (s) {
    y->watcher = NULL;
    grove__system_part(y);
    return s;
  }
  grove__uv_keep(y);
  return GROVE_OK;
}

void grove_uv_detach(grove *g)
{
  grove__system *y = grove__system_of(g);
  if (y && y->watcher) {
    grove__watcher *w = y->watcher;
    y->watcher = NULL;
    grove__watcher_close(w);
  }
}
