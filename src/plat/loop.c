#include "plat/loop.h"
#include "base/alloc.h"
#include "plat/thread.h"
#include <string.h>
#include <uv.h>

static grove_status status_of(int uv_error)
{
  switch (uv_error) {
  case 0: return GROVE_OK;
  case UV_ENOMEM: return GROVE_ENOMEM;
  case UV_EMFILE:
  case UV_ENFILE: return GROVE_ELIMIT;
  case UV_EEXIST: return GROVE_EEXIST;
  case UV_EBADF:
  case UV_EPERM: // a file that can't be polled
  case UV_EINVAL: return GROVE_EINVAL;
  default: return GROVE_EIO;
  }
}

// ---- work -----------------------------------------------------------------------------------------

typedef struct work_item {
  uv_work_t request;
  grove__work_loop *owner;
  void (*run)(void *user);
  void *user;
  struct work_item *next; // guarded by owner->lock: in requests or spare
} work_item;

struct grove__work_loop {
  grove_allocator allocator;
  uv_loop_t *loop;
  uint64_t thread; // the loop's
  void (*freed)(void *user);
  void *user;
  uv_async_t async; // sent under lock and only while `closed` is false, so never to a closed handle
  // Loop's thread only.
  size_t submitted; // items that the loop has not given back
  bool handle_open;
  // Guarded by lock.
  grove__mutex lock;
  work_item *requests, **requests_end;
  work_item *spare; // that are over: the next run takes one of them, and asks for no memory
  void (*requested)(void *user);
  void *requested_user;
  bool closed; // written by the loop's thread only, which so may read it without the lock
};

static void run_item(uv_work_t *request)
{
  work_item *item = request->data;
  item->run(item->user);
}

// The last of closed, handle and items to go takes the rest along.
static void free_if_done(grove__work_loop *w)
{
  if (!w->closed || w->handle_open || w->submitted) {
    return;
  }
  grove_allocator allocator = w->allocator;
  void (*freed)(void *user) = w->freed;
  void *user = w->user;
  grove__mutex_deinit(&w->lock);
  for (work_item *item = w->spare, *next; item; item = next) {
    next = item->next;
    grove__free(&allocator, item, sizeof(*item));
  }
  grove__free(&allocator, w, sizeof(*w));
  if (freed) {
    freed(user);
  }
}

static void put_spare(grove__work_loop *w, work_item *item)
{
  grove__mutex_lock(&w->lock);
  item->next = w->spare;
  w->spare = item;
  grove__mutex_unlock(&w->lock);
}

static work_item *take_item(grove__work_loop *w)
{
  grove__mutex_lock(&w->lock);
  work_item *item = w->spare;
  w->spare = item ? item->next : NULL;
  grove__mutex_unlock(&w->lock);
  if (!item) {
    return grove__alloc_zero(&w->allocator, sizeof(*item));
  }
  memset(item, 0, sizeof *item);
  return item;
}

void grove__work_loop_reserve(grove__work_loop *w, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    work_item *item = grove__alloc_zero(&w->allocator, sizeof(*item));
    if (!item) {
      return;
    }
    put_spare(w, item);
  }
}

static void take_back(uv_work_t *request, int status)
{
  (void)status; // nobody else has the request, so it was not cancelled
  work_item *item = request->data;
  grove__work_loop *w = item->owner;
  put_spare(w, item);
  w->submitted--;
  free_if_done(w);
}

static void submit_on_loop(work_item *item)
{
  item->owner->submitted++;
  int rc = uv_queue_work(item->owner->loop, &item->request, run_item, take_back);
  GROVE__ASSERT(rc == 0); // it refuses only a missing callback
  (void)rc;
}

static void submit_requests_on_loop(grove__work_loop *w)
{
  grove__mutex_lock(&w->lock);
  work_item *item = w->requests;
  w->requests = NULL;
  w->requests_end = &w->requests;
  grove__mutex_unlock(&w->lock);
  while (item) {
    work_item *next = item->next;
    submit_on_loop(item);
    item = next;
  }
}

static void wake_on_loop(uv_async_t *async)
{
  submit_requests_on_loop(async->data);
}

static void close_work_handle(uv_handle_t *handle)
{
  grove__work_loop *w = handle->data;
  w->handle_open = false;
  free_if_done(w);
}

grove_status grove__work_loop_create(const grove_allocator *a, struct uv_loop_s *loop,
    void (*freed)(void *user), void *user, grove__work_loop **out)
{
  *out = NULL;
  grove_allocator allocator = grove__allocator_of(a);
  grove__work_loop *w = grove__alloc_zero(&allocator, sizeof(*w));
  if (!w) {
    return GROVE_ENOMEM;
  }
  w->allocator = allocator;
  w->loop = loop;
  w->thread = grove__thread_self();
  w->freed = freed;
  w->user = user;
  w->requests_end = &w->requests;
  grove_status status = grove__mutex_init(&w->lock);
  if (status) {
    goto no_lock;
  }
  status = status_of(uv_async_init(loop, &w->async, wake_on_loop));
  if (status) {
    goto no_handle;
  }
  w->async.data = w;
  w->handle_open = true;
  uv_unref((uv_handle_t *)&w->async);
  *out = w;
  return GROVE_OK;
no_handle:
  grove__mutex_deinit(&w->lock);
no_lock:
  grove__free(&allocator, w, sizeof(*w));
  return status;
}

void grove__work_loop_close(grove__work_loop *w)
{
  if (!w) {
    return;
  }
  GROVE__ASSERT(grove__work_loop_is_here(w));
  grove__mutex_lock(&w->lock);
  bool again = w->closed;
  w->closed = true;
  grove__mutex_unlock(&w->lock);
  if (again) {
    return;
  }
  submit_requests_on_loop(w); // what was promised to run runs
  uv_close((uv_handle_t *)&w->async, close_work_handle);
}

grove_status grove__work_loop_run(grove__work_loop *w, void (*run)(void *user), void *user)
{
  work_item *item = take_item(w);
  if (!item) {
    return GROVE_ENOMEM;
  }
  item->request.data = item;
  item->owner = w;
  item->run = run;
  item->user = user;
  bool here = grove__work_loop_is_here(w);
  void (*requested)(void *user) = NULL;
  void *requested_user = NULL;
  grove__mutex_lock(&w->lock);
  bool closed = w->closed;
  if (!closed && !here) {
    *w->requests_end = item;
    w->requests_end = &item->next;
    (void)uv_async_send(&w->async);
    requested = w->requested;
    requested_user = w->requested_user;
  }
  grove__mutex_unlock(&w->lock);
  if (closed) {
    put_spare(w, item); // as the contract has it, w is there until the call returns
    return GROVE_ECLOSED;
  }
  if (here) {
    submit_on_loop(item);
  } else if (requested) {
    requested(requested_user); // without the lock: it may want one that pump's caller holds
  }
  return GROVE_OK;
}

bool grove__work_loop_is_here(const grove__work_loop *w)
{
  return w->thread == grove__thread_self();
}

void grove__work_loop_pump(grove__work_loop *w)
{
  GROVE__ASSERT(grove__work_loop_is_here(w));
  submit_requests_on_loop(w);
}

void grove__work_loop_on_request(grove__work_loop *w, void (*requested)(void *user), void *user)
{
  grove__mutex_lock(&w->lock);
  w->requested = requested;
  w->requested_user = user;
  grove__mutex_unlock(&w->lock);
}

// ---- watching a descriptor ------------------------------------------------------------------------

struct grove__watcher { // loop's thread only
  grove_allocator allocator;
  uv_poll_t poll;
  void (*ready)(void *user);
  void (*freed)(void *user);
  void *user;
};

static void tell_ready(uv_poll_t *poll, int status, int events)
{
  // A failure is told like readiness: whoever reads the descriptor then finds out.
  (void)status;
  (void)events;
  grove__watcher *w = poll->data;
  w->ready(w->user);
}

static void free_watcher(uv_handle_t *handle)
{
  grove__watcher *w = handle->data;
  grove_allocator allocator = w->allocator;
  void (*freed)(void *user) = w->freed;
  void *user = w->user;
  grove__free(&allocator, w, sizeof(*w));
  if (freed) {
    freed(user);
  }
}

grove_status grove__watcher_create(const grove_allocator *a, struct uv_loop_s *loop, int fd,
    void (*ready)(void *user), void (*freed)(void *user), void *user, grove__watcher **out)
{
  *out = NULL;
  grove_allocator allocator = grove__allocator_of(a);
  grove__watcher *w = grove__alloc_zero(&allocator, sizeof(*w));
  if (!w) {
    return GROVE_ENOMEM;
  }
  w->allocator = allocator;
  w->poll.data = w;
  grove_status status = status_of(uv_poll_init(loop, &w->poll, fd));
  if (status) {
    grove__free(&allocator, w, sizeof(*w));
    return status;
  }
  w->ready = ready;
  status = status_of(uv_poll_start(&w->poll, UV_READABLE, tell_ready));
  if (status) {
    uv_close((uv_handle_t *)&w->poll, free_watcher); // freed is not set yet, so nobody is told
    return status;
  }
  w->freed = freed;
  w->user = user;
  uv_unref((uv_handle_t *)&w->poll);
  *out = w;
  return GROVE_OK;
}

void grove__watcher_keep(grove__watcher *w, bool keep)
{
  if (keep) {
    uv_ref((uv_handle_t *)&w->poll);
  } else {
    uv_unref((uv_handle_t *)&w->poll);
  }
}

void grove__watcher_close(grove__watcher *w)
{
  if (w && !uv_is_closing((uv_handle_t *)&w->poll)) {
    uv_close((uv_handle_t *)&w->poll, free_watcher);
  }
}
