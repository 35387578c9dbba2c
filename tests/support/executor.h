// Put in front of a test (grove_test's ON_LOOP), this makes it run its workers on the thread pool of a host's loop: each
// runtime that it starts gets a thread with a uv_loop_t of its own, on which it is started, driven and stopped. The test
// itself says grove_start and grove_stop, and does not know.
#ifndef GROVE_TESTS_EXECUTOR_H
#define GROVE_TESTS_EXECUTOR_H
#include <grove/runtime.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { EXECUTOR_POOL = 4, EXECUTOR_MOST = 64 };

/// A host: its loop's thread, and what is asked of it.
typedef struct executor_host {
  uv_thread_t thread;
  uv_loop_t loop;
  uv_async_t stop; // sent when `end` is there
  uv_sem_t done;   // posted when it has started, or has not
  const grove_options *options;
  grove *g;
  grove_status status;
  // Stored before `stop` is sent. Atomic, because a loop that is awake already may look at `stop` before the sender has
  // written to the loop's descriptor, and what orders the two then is inside of libuv, where ThreadSanitizer sees nothing.
  _Atomic(struct executor_end *) end;
} executor_host;
/// What is asked of it in the end; whoever asks owns that.
typedef struct executor_end {
  int64_t ms;
  grove_stop_report *report;
  grove_status status;
  uv_sem_t done;
} executor_end;
static _Atomic(executor_host *) executor_hosts[EXECUTOR_MOST];

static void executor_stop_on_loop(uv_async_t *a)
{
  executor_host *h = (executor_host *)a->data;
  executor_end *e = atomic_load(&h->end);
  e->status = grove_stop(h->g, e->ms, e->report);
  if (e->status != GROVE_EINVAL) {
    uv_close((uv_handle_t *)a, NULL); // the runtime's own handle is closing, too: so the loop ends
  }
  uv_sem_post(&e->done);
}

static void executor_check(int rc, const char *what)
{
  if (rc) {
    fprintf(stderr, "the host's loop: %s: %s\n", what, uv_strerror(rc));
    abort();
  }
}

static void executor_run(void *user)
{
  executor_host *h = (executor_host *)user;
  grove_options o = {0};
  executor_check(uv_loop_init(&h->loop), "init");
  executor_check(uv_async_init(&h->loop, &h->stop, executor_stop_on_loop), "async");
  h->stop.data = h;
  if (h->options) {
    o = *h->options;
  }
  o.struct_size = sizeof o;
  o.work_loop = &h->loop;
  o.workers = o.workers < EXECUTOR_POOL ? o.workers : EXECUTOR_POOL - 1;
  h->status = grove_start(&o, &h->g);
  if (h->status) {
    uv_close((uv_handle_t *)&h->stop, NULL);
  }
  uv_sem_post(&h->done);
  uv_run(&h->loop, UV_RUN_DEFAULT);
  executor_check(uv_loop_close(&h->loop), "something is left in it");
}

static void executor_leave(executor_host *h)
{
  uv_thread_join(&h->thread);
  uv_sem_destroy(&h->done);
  free(h);
}

GROVE_MAYBE_UNUSED static grove_status executor_start(const grove_options *o, grove **out)
{
  if (!out || (o && (o->simulate || o->work_loop || o->struct_size != sizeof *o))) {
    return grove_start(o, out);
  }
  executor_host *h = (executor_host *)calloc(1, sizeof *h);
  h->options = o;
  executor_check(uv_sem_init(&h->done, 0), "semaphore");
  executor_check(uv_thread_create(&h->thread, executor_run, h), "thread");
  uv_sem_wait(&h->done);
  grove_status s = h->status;
  *out = h->g;
  if (s) {
    executor_leave(h);
    return s;
  }
  for (int i = 0; i < EXECUTOR_MOST; i++) {
    executor_host *none = NULL;
    if (atomic_compare_exchange_strong(&executor_hosts[i], &none, h)) {
      return GROVE_OK;
    }
  }
  fprintf(stderr, "more than %d runtimes at once\n", EXECUTOR_MOST);
  abort();
}

GROVE_MAYBE_UNUSED static grove_status executor_stop(
    grove *g, int64_t ms, grove_stop_report *report)
{
  executor_host *h = NULL;
  int at = 0;
  for (; at < EXECUTOR_MOST && !(h && h->g == g); at++) {
    h = atomic_load(&executor_hosts[at]);
  }
  if (!h || h->g != g) {
    return grove_stop(g, ms, report); // simulated, or a method's view
  }
  executor_end e = {.ms = ms, .report = report};
  executor_check(uv_sem_init(&e.done, 0), "semaphore");
  atomic_store(&h->end, &e);
  uv_async_send(&h->stop);
  uv_sem_wait(&e.done);
  uv_sem_destroy(&e.done);
  if (e.status == GROVE_OK) {
    atomic_store(&executor_hosts[at - 1], NULL);
    executor_leave(h);
  } else if (
      e.status !=
      GROVE_EINVAL) { // a thread of the pool is stuck, and the loop waits for it: nobody joins it
    executor_check(pthread_detach(h->thread), "detach");
  }
  return e.status;
}

#define grove_start executor_start
#define grove_stop executor_stop
#endif
