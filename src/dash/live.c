// Server-sent events: a stream a page. What is told once is composed once, and copied to each stream; one whose client
// takes too little misses ticks, and its page sees that by the time of the next.
#include "dash/dash.h"

static void free_stream(void *stream)
{
  grove__dash_stream *s = stream;
  grove__dash *d = s->dash;
  *(s->prev ? &s->prev->next : &d->streams) = s->next;
  if (s->next) {
    s->next->prev = s->prev;
  }
  d->stream_count--;
  grove__dash_buffer_free(&s->pending);
  grove__free(d->memory, s, sizeof *s);
}

static ssize_t read_stream(void *stream, uint64_t at, char *out, size_t most)
{
  grove__dash_stream *s = stream;
  (void)at;
  size_t n = s->pending.used - s->taken;
  if (n) {
    n = n < most ? n : most;
    memcpy(out, s->pending.bytes + s->taken, n);
    s->taken += n;
    s->taken_ms = grove__dash_now_ms();
    if (s->taken == s->pending.used) {
      s->taken = s->pending.used = 0;
    }
    return (ssize_t)n;
  }
  // Relaxed: the thread that runs here reads it before it goes round again.
  if (atomic_load_explicit(&s->dash->closing, memory_order_relaxed)) {
    return MHD_CONTENT_READER_END_OF_STREAM;
  }
  s->suspended = true;
  MHD_suspend_connection(s->connection);
  return 0;
}

static void go_on(grove__dash_stream *s)
{
  if (s->suspended) {
    s->suspended = false;
    s->dash->look_again = true;
    MHD_resume_connection(s->connection);
  }
}

static void tell(grove__dash_stream *s, const grove__dash_buffer *news)
{
  if (s->taken) {
    s->pending.used -= s->taken;
    memmove(s->pending.bytes, s->pending.bytes + s->taken, s->pending.used);
    s->taken = 0;
  }
  size_t before = s->pending.used;
  s->taken_ms = before ? s->taken_ms : grove__dash_now_ms();
  if (before + news->used > GROVE__DASH_PENDING ||
      grove__dash_buffer_write(&s->pending, news->bytes, news->used) ||
      grove__dash_log_text(s->dash, &s->log_serial, &s->pending)) {
    s->pending.used = before; // this one it misses, whole
  }
  go_on(s);
}

void grove__dash_streams_tell(grove__dash *d)
{
  grove__dash_buffer news = {.memory = d->memory};
  if (d->streams && !grove__dash_tick_text(d, &news)) {
    for (grove__dash_stream *s = d->streams; s; s = s->next) {
      tell(s, &news);
    }
  }
  grove__dash_buffer_free(&news);
}

void grove__dash_streams_end(grove__dash *d)
{
  for (grove__dash_stream *s = d->streams; s; s = s->next) {
    go_on(s);
  }
}

enum MHD_Result grove__dash_stream_open(grove__dash *d, struct MHD_Connection *c)
{
  enum { BLOCK = 4096 };
  if (d->stream_count >= GROVE__DASH_STREAMS) {
    return grove__dash_refuse(c, MHD_HTTP_SERVICE_UNAVAILABLE,
        "%d pages are open already: close one", (int)GROVE__DASH_STREAMS);
  }
  grove__dash_stream *s = grove__alloc_zero(d->memory, sizeof *s);
  if (!s) {
    return MHD_NO;
  }
  *s = (grove__dash_stream){
      .dash = d, .connection = c, .pending.memory = d->memory, .log_serial = d->log_count, .taken_ms = grove__dash_now_ms()};
  s->next = d->streams;
  if (s->next) {
    s->next->prev = s;
  }
  d->streams = s;
  d->stream_count++;
  struct MHD_Response *r =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, s, free_stream);
  if (!r) {
    free_stream(s);
    return MHD_NO;
  }
  (void)!grove__dash_buffer_write(&s->pending, "retry: 2000\n\n", 13);
  (void)!grove__dash_tick_text(d, &s->pending);
  grove__dash_headers(r);
  MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
  MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
  enum MHD_Result queued = MHD_queue_response(c, MHD_HTTP_OK, r);
  MHD_destroy_response(r);
  return queued;
}
