// What goes between a runtime and the process of an isolated actor: frames over a stream, with values in them.
//
// Both ends are of one version of grove on one machine, which the first frame says and the other end checks. The
// runtime trusts nothing that comes from the process: each length is checked against what is there and against a limit.
#ifndef GROVE_ISOLATE_WIRE_H
#define GROVE_ISOLATE_WIRE_H
#include <grove/typed.h>
#include "base/status.h"

/// The first argument of a process that is an actor's home.
#define GROVE__ISOLATED_ARGUMENT "--grove-isolated-actor"

/// `id` ties an answer to its message; `status` is that of an answer, a failure, an end.
enum {
  // to the process
  GROVE__WIRE_HELLO = 1, ///< grove__hello: who is to live there
  GROVE__WIRE_CALL, ///< method, id, the argument. Each has its answer, those that nobody waits for, too
  GROVE__WIRE_CANCEL, ///< id: nobody wants the answer any more
  GROVE__WIRE_EXIT,   ///< it is to end in an orderly way
  // from it
  GROVE__WIRE_READY,   ///< the actor has started
  GROVE__WIRE_REFUSED, ///< status, words: it is no home for that actor, or its start failed
  GROVE__WIRE_ANSWER,  ///< id, status; the reply, or words
  GROVE__WIRE_STATE,   ///< text that is its state now
  GROVE__WIRE_LOG,     ///< status: the level; a line
  GROVE__WIRE_GONE     ///< status, words: the actor has ended
};
typedef struct grove__frame {
  uint64_t bytes; ///< that follow
  uint64_t id;
  uint32_t kind, method;
  int32_t status;
  uint32_t reserved;
} grove__frame;

/// Whether a process may send it: the lowest numbers are grove's own marks, that a method's return means.
static inline bool grove__wire_is_status(int32_t s)
{
  return s > -0x7ffffff0;
}

/// Bytes that grow behind, and are taken in front.
typedef struct grove__wire_buffer {
  grove_allocator allocator;
  unsigned char *bytes;
  size_t begin, end, room;
} grove__wire_buffer;
void grove__wire_buffer_init(grove__wire_buffer *b, const grove_allocator *a);
void grove__wire_buffer_deinit(grove__wire_buffer *b);
static inline size_t grove__wire_buffer_count(const grove__wire_buffer *b)
{
  return b->end - b->begin;
}
/// Room for n more; NULL: there is no memory. What is written there counts when `end` says so.
unsigned char *grove__wire_buffer_reserve(grove__wire_buffer *b, size_t n);
/// Returns: GROVE_ENOMEM, and nothing was added. `bytes` may be NULL when n is 0
grove_status grove__wire_put(grove__wire_buffer *b, const void *bytes, size_t n);
void grove__wire_drop_front(grove__wire_buffer *b, size_t n);
/// Whole: head and body.
grove_status grove__wire_put_frame(grove__wire_buffer *b, const grove__frame *f, const void *body);

/// Whether values of the type can go to another process. Returns: GROVE_ENOTSUP, with its name in `err`
grove_status grove__wire_check(const grove_type *t, grove_error *err);
/// Returns: GROVE_ENOMEM, GROVE_ENOTSUP, what encode gives; then a part of it may have been put
grove_status grove__wire_put_value(grove__wire_buffer *b, const grove_type *t, const void *value);
/// Fills *value, whose shared data the caller then owns; on failure it is zeroed.
/// Returns: GROVE_ECORRUPT: it is no such value; GROVE_ENOMEM, what decode gives
grove_status grove__wire_get_value(
    grove *g, const grove_type *t, const void *bytes, size_t n, void *value);

/// A frame with that value. Nothing is added on failure.
/// Returns: as grove__wire_put_value; GROVE_ELIMIT: it is longer than `most`, head included
grove_status grove__wire_put_message(grove__wire_buffer *b, const grove__frame *f,
    const grove_type *t, const void *value, uint64_t most);

/// Whole frames that wait to be written.
typedef struct grove__outbox {
  grove__wire_buffer bytes;
  size_t begun; ///< bytes in front that are the rest of a frame which has begun to cross
} grove__outbox;
/// So many bytes have been written, from the front.
void grove__outbox_wrote(grove__outbox *o, size_t n);
/// Takes a call back. False: it has begun to cross, or there is none.
bool grove__outbox_recall(grove__outbox *o, uint64_t id);

/// Bytes that are read from the front.
typedef struct grove__wire_reader {
  const unsigned char *at;
  size_t left;
} grove__wire_reader;
/// Returns: GROVE_ECORRUPT: there are not so many
grove_status grove__wire_take(grove__wire_reader *r, void *out, size_t n);
/// A text as grove__wire_put_text puts it; too long for `room`: GROVE_ECORRUPT.
grove_status grove__wire_take_text(grove__wire_reader *r, char *out, size_t room);
grove_status grove__wire_put_text(grove__wire_buffer *b, const char *text);

/// The first frame's body: this, then the texts and sizes of grove__wire_put_class, then the start argument.
typedef struct grove__hello {
  char version[16];
  uint32_t struct_bytes; ///< of grove_class, which differs where the ABIs do
  uint32_t pointer_bytes;
  uint64_t address_bytes, message_bytes;
} grove__hello;
grove_status grove__wire_put_class(grove__wire_buffer *b, const grove_class *c);
uint32_t grove__class_methods(const grove_class *c);
/// Finds that class among the NULL-ended `classes`, and compares. Returns: GROVE_ENOTSUP, with words; GROVE_ECORRUPT
grove_status grove__wire_take_class(grove__wire_reader *r, const grove_class *const *classes,
    const grove_class **out, grove_error *err);
#endif
