// One dashboard: what its thread has. Everything here is the thread's alone once it runs, but for `closing` and `wake`.
#ifndef GROVE_DASH_DASH_H
#define GROVE_DASH_DASH_H
#include "base/alloc.h"
#include "dash/guard.h"
#include "dash/history.h"
#include "dash/listen.h"
#include "plat/fork.h"
#include "plat/notify.h"
#include "plat/thread.h"
#include <grove/dashboard.h>
#include <microhttpd.h>

enum {
  GROVE__DASH_LOGS = 1000,       // events that are kept
  GROVE__DASH_STREAMS = 32,      // most pages that are told as it happens
  GROVE__DASH_PENDING = 1 << 18, // bytes that a stream may be behind; then it misses ticks
  GROVE__DASH_ANSWER_MS = 60000  // a request until its answer is taken
};

/// Bytes that grow.
typedef struct grove__dash_buffer {
  const grove_allocator *memory;
  char *bytes;
  size_t used, room;
} grove__dash_buffer;
/// A grove_write_fn. Returns: GROVE_ENOMEM
grove_status grove__dash_buffer_write(void *buffer, const char *bytes, size_t n);
void grove__dash_buffer_free(grove__dash_buffer *b);

/// A connection, from accept to close.
typedef struct grove__dash_peer {
  struct grove__dash_peer *next, *prev; // in the order of `since_ms`, the oldest first
  int fd;
  bool asked;       // a whole request header is here, and the answer is not yet done
  int64_t since_ms; // since when it is in that state
} grove__dash_peer;

/// A page that is told as it happens (server-sent events).
typedef struct grove__dash_stream {
  struct grove__dash_stream *next, *prev;
  struct grove__dash *dash;
  struct MHD_Connection *connection;
  bool suspended;
  uint64_t log_serial; // of the last event it was told
  int64_t taken_ms;    // when something was last taken of what is pending, or began to be
  grove__dash_buffer pending;
  size_t taken; // of it
} grove__dash_stream;

typedef struct grove__dash {
  const grove_allocator *memory;
  grove *g;
  bool actions;
  uint32_t connections, idle_ms;
  char token[GROVE__TOKEN_MOST + 1]; // "": none is wanted
  char cookie[40];
  char **hosts; // NULL-ended; NULL: none
  size_t host_count;
  grove__listener listener;
  struct MHD_Daemon *daemon;
  int epoll_fd;
  grove__fork_mark fork_mark;
  grove__notify wake; // raised by who closes it
  grove__thread thread;
  bool has_wake, has_mark, has_thread; // what of those there is
  _Atomic bool closing;                // written by who closes it, read by the thread
  grove__history history;
  grove_feed *feed;
  grove_event *logs; // a ring
  uint64_t log_count, log_lost;
  grove__dash_peer *first, *last;
  uint32_t peer_count;
  bool look_again; // one was closed (a full library listens again when it is run next), or goes on
  grove__dash_stream *streams;
  uint32_t stream_count;
  struct grove__dash_recording *recording; // NULL: there is none
  int64_t next_tick_ms;
} grove__dash;

// ---- server.c -------------------------------------------------------------------------------------------
/// Makes it serve: the daemon and the thread. The listener is taken over.
grove_status grove__dash_serve(grove__dash *d, grove_error *err);
grove_status grove__dash_run(grove__dash *d);
/// Ends the thread and closes everything; `d` itself stays. False: this is a forked child, where the thread is not and the
/// sockets are the parent's: nothing was closed, and only memory may be given back.
bool grove__dash_close(grove__dash *d);
int64_t grove__dash_now_ms(void);

// ---- answer.c -------------------------------------------------------------------------------------------
/// What the daemon calls for each request.
enum MHD_Result grove__dash_answer(void *dash, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_bytes,
    void **request);
enum MHD_Result grove__dash_reply(
    struct MHD_Connection *c, unsigned status, const char *type, const void *bytes, size_t n);
/// {"schema":1,"status":…,"error":"…"}
enum MHD_Result grove__dash_refuse(
    struct MHD_Connection *c, unsigned status, const char *format, ...) GROVE_PRINTF(3, 4);
void grove__dash_headers(struct MHD_Response *r);

// ---- pages.c: the documents under /api/1/, and /metrics --------------------------------------------------
enum MHD_Result grove__dash_document(
    grove__dash *d, struct MHD_Connection *c, const char *path, bool post);
enum MHD_Result grove__dash_metrics(grove__dash *d, struct MHD_Connection *c);
/// Appends what a page that is told each second is told. Returns: GROVE_ENOMEM; what the runtime says
grove_status grove__dash_tick_text(grove__dash *d, grove__dash_buffer *out);
/// Appends the events behind *serial, if there are any, and moves it.
grove_status grove__dash_log_text(grove__dash *d, uint64_t *serial, grove__dash_buffer *out);

// ---- live.c ------------------------------------------------------------------------------------------------
enum MHD_Result grove__dash_stream_open(grove__dash *d, struct MHD_Connection *c);
/// Tells all streams what is new; once a second.
void grove__dash_streams_tell(grove__dash *d);
/// So that each ends when the daemon looks at it next.
void grove__dash_streams_end(grove__dash *d);

// ---- timeline.c --------------------------------------------------------------------------------------------
enum MHD_Result grove__dash_timeline(grove__dash *d, struct MHD_Connection *c);
/// When the recording is over that waits for it; INT64_MAX: none does.
int64_t grove__dash_recording_due(const grove__dash *d);
/// Lets one that is over, or whose dashboard closes, give its answer.
void grove__dash_recording_look(grove__dash *d);

// ---- assets.c (made when grove is built) -------------------------------------------------------------------
typedef struct grove__dash_asset {
  const char *path, *type, *tag; // tag: of these bytes, for caches
  const unsigned char *bytes;    // gzip
  size_t size;
} grove__dash_asset;
extern const grove__dash_asset grove__dash_assets[];
extern const size_t grove__dash_asset_count;
#endif
