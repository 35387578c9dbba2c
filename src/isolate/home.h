// What the two sides of an isolated actor's home share: home.c, its main thread, and gate.c, its messages.
#ifndef GROVE_ISOLATE_HOME_H
#define GROVE_ISOLATE_HOME_H
#include "isolate/wire.h"
#include "plat/process.h"
#include "plat/thread.h"

typedef struct grove__job grove__job;
typedef struct grove__home grove__home;
struct grove__home {
  grove_allocator allocator;
  grove *g;
  const grove_class *of;
  grove_ref actor, gate;
  uint64_t message_bytes;
  grove__wire_buffer in;
  int host;          // its process, as long as it is our parent
  bool starts, ends; // is not ready yet; the host or the actor is gone
  char state[64];    // as it was shown last
  grove__mutex lock; // of writing: answers and lines of the log come from all threads
  // Guarded by it:
  grove__wire_buffer out; // one frame, while it is made
  grove__job *jobs;
  bool gone;       // the actor is: to be told when the answers are written
  grove_error why; // of that
};

// ---- gate.c, on any thread ------------------------------------------------------------------------------
void grove__home_tell(
    grove__home *h, uint32_t kind, uint64_t id, grove_status s, const char *words);
/// When the actor is gone and all answers are written: tells, and that is the last word.
void grove__home_tell_gone_locked(grove__home *h);
/// The actor that stands between the socket and the one that lives here.
grove_ref grove__gate_open(grove__home *h);
/// Frames from the host, on the main thread. Returns: why no answer will come
grove_status grove__gate_take_call(
    grove__home *h, const grove__frame *f, const unsigned char *body);
void grove__gate_take_cancel(grove__home *h, uint64_t id);
void grove__gate_take_exit(grove__home *h);
/// After the runtime has stopped: frees what the gate has not come to.
void grove__gate_close(grove__home *h);
#endif
