// The runtime's side of a process: its thread, which reads and writes and sees the end, and who waits for what.
//
// A link has one thread. It alone reads from the socket, and it alone waits for the process to end; frames to write are left
// under the lock by anybody. Who waits is an activation of the actor, by a future whose promise is in the list here. Every
// promise is answered exactly once: by its frame, or with the words of the end.
#ifndef GROVE_ISOLATE_LINK_H
#define GROVE_ISOLATE_LINK_H
#include "isolate/wire.h"
#include "plat/notify.h"
#include "plat/process.h"
#include "plat/thread.h"

typedef struct grove__link grove__link;
/// Called on its thread: the state text that the process shows now; a line for the log.
typedef struct grove__link_options {
  grove *root; ///< the runtime
  grove_allocator allocator;
  const char *program;
  uint64_t message_bytes; ///< most in a frame from the process
  void *user;
  void (*state)(void *user, const char *text);
  void (*log)(void *user, int pid, int level, const char *line);
} grove__link_options;

/// Starts the program and its thread. Returns: GROVE_EIO, GROVE_ELIMIT, GROVE_EAGAIN, GROVE_ENOMEM, with words
grove_status grove__link_open(const grove__link_options *o, grove__link **out, grove_error *err);
/// Ends the process by force, waits for it and for the thread, and frees the link. What is open is answered: GROVE_EDEAD.
/// NULL: nothing.
void grove__link_close(grove__link *l);
int grove__link_pid(const grove__link *l);

/// What ends a future of grove__wire_reply: its frame, and the bytes that followed it.
typedef struct grove__wire_reply {
  grove__frame frame;
  grove_shared body;
} grove__wire_reply;
extern const grove_type grove__wire_reply_type;

/// A frame that has no answer. Returns: GROVE_ENOMEM; after the end: GROVE_OK, and it goes nowhere
grove_status grove__link_send(grove__link *l, const grove__frame *f, const void *body);
/// A message; *answer ends with its answer's frame, or fails with GROVE_EDEAD. *id: for grove__link_forget.
/// Returns: GROVE_ENOTSUP, GROVE_ENOMEM, GROVE_ELIMIT: longer than message_bytes; what encode gives; GROVE_EDEAD
grove_status grove__link_call(grove *self, grove__link *l, uint32_t method, const grove_type *arg,
    const void *value, uint64_t *id, grove_future *answer, grove_error *err);
/// Nobody waits for that answer any more: the process is told so.
void grove__link_forget(grove__link *l, uint64_t id);
/// Futures that end with the frame READY or REFUSED, with GONE, and, never with a frame, when the process has ended; all fail with
/// GROVE_EDEAD and how it ended, where nothing came before. One at a time of each.
grove_status grove__link_await_ready(grove *self, grove__link *l, grove_future *f);
grove_status grove__link_await_gone(grove *self, grove__link *l, grove_future *f);
grove_status grove__link_await_closed(grove *self, grove__link *l, grove_future *f);
#endif
