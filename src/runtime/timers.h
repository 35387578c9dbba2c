// Timers: one heap and, with real time, one thread that sleeps until the earliest is due. In simulation there is no
// thread: the clock stands still until it is moved.
//
// A timer lives in its user's memory. When it is due, its function runs with no lock held, on values that were copied
// while it was taken out of the heap: so the memory may go as soon as grove__timer_cancel has returned, and the
// function must look its object up again by `a` and `b` (a generation, a serial number) before it believes in it.
#ifndef GROVE_RUNTIME_TIMERS_H
#define GROVE_RUNTIME_TIMERS_H
#include "plat/clock.h"
#include "plat/thread.h"
#include "queue/timer_heap.h"
#include <stdatomic.h>

typedef void grove__timer_fn(void *user, uint64_t a, uint64_t b);
typedef struct grove__timer {
  grove__heap_node node; // guarded by the timers' lock, as all below
  grove__timer_fn *fire;
  void *user;
  uint64_t a, b;
} grove__timer;

typedef struct grove__timers {
  grove__mutex lock; // a leaf
  grove__cond cond;
  grove__timer_heap heap; // guarded by lock
  int64_t sleeps_until;   // guarded by lock: when the thread wakes by itself
  bool stopping;          // guarded by lock
  bool virtual_time;      // constant
  _Atomic int64_t virtual_now;
  _Atomic bool started; // written under lock
  grove__thread thread;
  void (*thread_hook)(void *user, const char *name, bool starts); // constant
  void (*thread_comes)(void *user);                               // constant
  void (*thread_gone)(void *user);                                // constant
  void *user;
} grove__timers;

grove_status grove__timers_init(grove__timers *t, bool virtual_time);
/// Tells the thread to end and joins it. From any thread but its own.
void grove__timers_stop(grove__timers *t);
void grove__timers_deinit(grove__timers *t);
/// Starts the thread if it does not run: to be called by what may fail, before timers are set by what may not.
/// Returns: GROVE_EAGAIN: the system gives no thread
grove_status grove__timers_ensure(grove__timers *t);
int64_t grove__timers_now(grove__timers *t);
/// Sets, or sets again, a timer. when: of grove__timers_now; INT64_MAX: never, which is cancel.
void grove__timer_set(grove__timers *t, grove__timer *timer, int64_t when, grove__timer_fn *fire,
    void *user, uint64_t a, uint64_t b);
/// One that is not set: nothing.
void grove__timer_cancel(grove__timers *t, grove__timer *timer);
/// Simulation: when the earliest is due (INT64_MAX: none); and running one that is due by `now`.
int64_t grove__timers_next(grove__timers *t);
bool grove__timers_run_one(grove__timers *t, int64_t now);
#endif
