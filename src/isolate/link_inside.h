// What link.c and its thread in link_thread.c have in common.
#ifndef GROVE_ISOLATE_LINK_INSIDE_H
#define GROVE_ISOLATE_LINK_INSIDE_H
#include "base/alloc.h"
#include "base/error.h"
#include "isolate/link.h"

// Who waits for a frame.
typedef struct grove__waiter {
  struct grove__waiter *next;
  uint64_t id; // of calls; else one of those below
  grove_promise promise;
} grove__waiter;
// Calls count from FIRST_CALL.
enum { GROVE__WAIT_READY = 1, GROVE__WAIT_GONE, GROVE__WAIT_CLOSED, GROVE__FIRST_CALL = 16 };
struct grove__link {
  grove__link_options o;
  char *program;
  grove__process process; // of the thread, but for pid, which stays here below
  int pid;
  int fd;
  grove__notify notify; // raised: there is something to write, or the link is to close
  grove__thread thread;
  grove__mutex lock;
  // Guarded by the lock:
  grove__outbox out;
  grove__waiter *waiters;
  uint64_t next_id;
  bool closing; // by force
  bool over;    // nothing will come any more: `why` says why
  grove_error why;
  // The thread's own:
  grove__wire_buffer in;
  bool gone;        // the actor has ended, as a frame said
  char broken[160]; // why the process was given up by us; "": it was not
};

grove__waiter *grove__link_take_waiter_locked(grove__link *l, uint64_t id);
/// The thread: until the process has ended.
void grove__link_run(void *link);
#endif
