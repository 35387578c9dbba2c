#include "dash/history.h"

enum { COLUMNS = sizeof(grove__sample) / sizeof(uint64_t) };
static const char *const columns[] = {"at_ms", "actors", "suspended", "futures", "queued",
    "messages", "handled", "failed", "lost", "restarts", "busy_ns", "memory_bytes", "wait_p99_ns"};
_Static_assert(GROVE__COUNT(columns) == COLUMNS, "a name for each");

grove_status grove__history_init(grove__history *h, const grove_allocator *a, size_t room)
{
  h->taken = 0;
  h->room = room;
  h->ring = grove__alloc_array(a, room, sizeof *h->ring);
  return h->ring ? GROVE_OK : GROVE_ENOMEM;
}

void grove__history_deinit(grove__history *h, const grove_allocator *a)
{
  grove__free(a, h->ring, h->room * sizeof *h->ring);
  h->ring = NULL;
}

void grove__history_add(grove__history *h, const grove_stats *s)
{
  uint64_t begun = s->handled + s->failed + s->dropped;
  h->ring[h->taken++ % h->room] = (grove__sample){.at_ms = s->up_ns / 1000000,
      .actors = s->actors,
      .suspended = s->suspended,
      .futures = s->futures,
      .queued = s->messages > begun ? s->messages - begun : 0,
      .messages = s->messages,
      .handled = s->handled,
      .failed = s->failed,
      .lost = s->dropped +
              s->refused, // dead letters are not added: those of a mailbox are among the dropped
      .restarts = s->restarts,
      .busy_ns = s->busy_ns,
      .memory_bytes = s->memory_bytes,
      .wait_p99_ns = s->wait_p99_ns};
}

static void put_row(grove__json *j, const char *key, const grove__sample *s)
{
  uint64_t words[COLUMNS];
  memcpy(words, s, sizeof words);
  grove__json_open(j, key, '[');
  for (size_t i = 0; i < COLUMNS; i++) {
    grove__json_number(j, NULL, words[i]);
  }
  grove__json_close(j, ']');
}

void grove__history_json(grove__json *j, const grove__history *h, size_t points)
{
  size_t n = h->taken < h->room ? (size_t)h->taken : h->room;
  size_t step = points && n > points ? (n + points - 1) / points : 1;
  grove__json_open(j, "history", '{');
  grove__json_open(j, "columns", '[');
  for (size_t i = 0; i < COLUMNS; i++) {
    grove__json_text(j, NULL, columns[i]);
  }
  grove__json_close(j, ']');
  grove__json_open(j, "rows", '[');
  for (size_t i = n ? (n - 1) % step : 0; i < n; i += step) { // so that the last one is the newest
    put_row(j, NULL, &h->ring[(h->taken - n + i) % h->room]);
  }
  grove__json_close(j, ']');
  grove__json_close(j, '}');
}

void grove__history_json_last(grove__json *j, const char *key, const grove__history *h)
{
  if (h->taken) {
    put_row(j, key, &h->ring[(h->taken - 1) % h->room]);
  }
}
