// A recording of spans: a feed of them is open for as long as a page asked for, and no longer, because spans are told by
// every message. The answer comes when it is over.
#include "dash/dash.h"
#include <stdlib.h>

enum { LEAST_MS = 50, DEFAULT_MS = 1000, MOST_MS = 10000, SPANS_MOST = 20000, AT_ONCE = 128 };

struct grove__dash_recording {
  grove__dash *dash;
  struct MHD_Connection *connection;
  grove_feed *feed; // NULL: it is over
  int64_t begun_ns, until_ms;
  bool suspended;
  grove__dash_buffer text;
  size_t taken; // of it
};

static const char *kind_text(uint32_t kind)
{
  static const char *const words[] = {"unknown", "method", "wait", "queue", "send", "user", "yield"};
  return words[kind < GROVE__COUNT(words) ? kind : 0];
}

static void put_span(grove__json *j, const grove_span *s, int64_t from_ns)
{
  grove__json_open(j, NULL, '[');
  grove__json_text(j, NULL, kind_text(s->kind));
  grove__json_signed(j, NULL, s->begin_ns - from_ns);
  grove__json_signed(j, NULL, s->end_ns - s->begin_ns);
  grove__json_number(j, NULL, s->thread);
  grove__json_ref(j, NULL, s->who);
  grove__json_text(j, NULL, s->class_name);
  grove__json_text(j, NULL, s->name);
  grove__json_number(j, NULL, s->flow);
  grove__json_number(j, NULL, s->reserved);
  grove__json_close(j, ']');
}

// ---- what is kept: the last of all threads, for those of the first ones alone would show the others idle -----------

typedef struct kept {
  grove_span *span; // room for 2 * SPANS_MOST
  size_t n;
  uint64_t lost;
  int64_t from_ns; // since when all that happened is there
} kept;

static int compare_ends(const void *a, const void *b)
{
  const grove_span *x = a, *y = b;
  return x->end_ns != y->end_ns ? (x->end_ns < y->end_ns ? -1 : 1) : x->thread < y->thread ? -1 : x->thread > y->thread;
}

static void cut(kept *k)
{
  if (k->n) {
    qsort(k->span, k->n, sizeof *k->span, compare_ends);
  }
  if (k->n > SPANS_MOST) {
    size_t more = k->n - SPANS_MOST;
    k->from_ns = k->span[more - 1].end_ns;
    k->lost += more;
    k->n = SPANS_MOST;
    memmove(k->span, k->span + more, k->n * sizeof *k->span);
  }
}

// A ring that was overwritten begins late: until then there is nothing of its thread. Whose it was is not told, but threads
// come one after the other, and what was lost is told with the first of them.
static void see_loss(kept *k, const grove_span *few, size_t n, uint32_t before)
{
  for (size_t i = 0; i < n; i++) {
    if (few[i].thread != before && few[i].end_ns > k->from_ns) {
      k->from_ns = few[i].end_ns;
    }
    before = few[i].thread;
  }
}

static void read_spans(kept *k, grove_feed *feed, size_t most)
{
  uint32_t thread = UINT32_MAX;
  uint64_t lost = 0, before = 0;
  size_t n = 0, all = 0;
  do {
    grove_span *few = k->span + k->n;
    if (grove_feed_spans(feed, few, sizeof *few, AT_ONCE, &n, &lost)) {
      break;
    }
    if (lost > before) {
      see_loss(k, few, n, thread);
    }
    before = lost;
    thread = n ? few[n - 1].thread : thread;
    all += n;
    k->n += n;
    if (k->n + AT_ONCE > 2 * (size_t)SPANS_MOST) {
      cut(k);
    }
  } while (n && all < most);
  cut(k);
  k->lost += lost;
}

// Methods that go on have told nothing, though they may be all that there is to see: from what their actors look like now.
// `reserved` of such a span: 1 it runs, 2 it waits.
static void add_open(kept *k, grove *g, int64_t begun_ns, int64_t now_ns, const grove_allocator *a)
{
  enum { OPEN_MOST = 200 };
  grove_info *row = grove__alloc_array(a, OPEN_MOST, sizeof *row);
  grove_page page = {.struct_size = sizeof page};
  grove_snapshot_options o = {GROVE_SNAPSHOT, .phases = 1u << GROVE_PHASE_RUNNING | 1u << GROVE_PHASE_WAITING, .sort = GROVE_SORT_BUSY};
  bool seen = row && !grove_snapshot_page(g, &o, row, sizeof *row, OPEN_MOST, &page);
  for (size_t i = 0; seen && i < page.shown; i++) {
    int64_t begin = now_ns - row[i].turn_ns;
    if (row[i].turn_ns <= 0 || !row[i].method[0]) {
      continue;
    }
    grove_span *s = &k->span[k->n++]; // there is room: SPANS_MOST are kept
    *s = (grove_span){.kind = GROVE_SPAN_METHOD,
        .begin_ns = begin > begun_ns ? begin : begun_ns,
        .end_ns = now_ns,
        .who = row[i].ref,
        .reserved = row[i].phase == GROVE_PHASE_RUNNING ? 1 : 2};
    memcpy(s->name, row[i].method, sizeof s->name);
    memcpy(s->class_name, row[i].class_name, sizeof s->class_name);
  }
  grove__free(a, row, OPEN_MOST * sizeof *row);
}

// ---- the answer ------------------------------------------------------------------------------------------------------

static void put_spans(grove__json *j, const struct grove__dash_recording *r, const kept *k)
{
  static const char *const columns[] = {
      "kind", "begin_ns", "length_ns", "thread", "id", "class", "name", "flow", "open"};
  grove__json_open(j, "columns", '[');
  for (size_t i = 0; i < GROVE__COUNT(columns); i++) {
    grove__json_text(j, NULL, columns[i]);
  }
  grove__json_close(j, ']');
  grove__json_open(j, "spans", '[');
  for (size_t i = 0; i < k->n; i++) {
    put_span(j, &k->span[i], r->begun_ns);
  }
  grove__json_close(j, ']');
  grove__json_number(j, "lost", k->lost);
}

static int compare_ids(const void *a, const void *b)
{
  const grove_ref *x = a, *y = b;
  return x->where != y->where ? (x->where < y->where ? -1 : 1) : x->which < y->which ? -1 : x->which > y->which;
}

// "names": what the actors of the spans are called, by id; of those that are called anything, and known still.
static void put_names(grove__json *j, grove__dash *d, const kept *k)
{
  enum { NAMES_MOST = 2000 };
  grove_ref *who = grove__alloc_array(d->memory, k->n, sizeof *who);
  size_t named = 0;
  grove__json_open(j, "names", '{');
  for (size_t i = 0; who && i < k->n; i++) {
    who[i] = k->span[i].who;
  }
  if (who && k->n) {
    qsort(who, k->n, sizeof *who, compare_ids);
  }
  for (size_t i = 0; who && i < k->n && named < NAMES_MOST; i++) {
    grove_info a = {.struct_size = sizeof a};
    char id[GROVE__REF_TEXT];
    if (who[i].where && (!i || compare_ids(&who[i - 1], &who[i])) && !grove_inspect(d->g, who[i], &a) && (a.name[0] || a.label[0])) {
      grove__ref_text(who[i], id);
      grove__json_text(j, id, a.name[0] ? a.name : a.label);
      named++;
    }
  }
  grove__json_close(j, '}');
  grove__free(d->memory, who, k->n * sizeof *who);
}

// All that is kept for each thread, and a little more: other feeds may keep the rings moving while this one is read.
static size_t rings_hold(grove *g)
{
  enum { OF_A_THREAD = 2 * 65536 };
  grove_stats s = {.struct_size = sizeof s};
  return grove_stats_get(g, &s) ? OF_A_THREAD : ((size_t)s.workers + 1) * OF_A_THREAD;
}

static void compose(struct grove__dash_recording *r)
{
  grove__dash *d = r->dash;
  grove__emitter e;
  grove__json j;
  int64_t now_ns = grove_now_ns(d->g);
  kept k = {.span = grove__alloc_array(d->memory, 2 * SPANS_MOST, sizeof *k.span), .from_ns = r->begun_ns};
  grove_feed_finish(r->feed);
  if (k.span) {
    read_spans(&k, r->feed, rings_hold(d->g));
    add_open(&k, d->g, r->begun_ns, now_ns, d->memory);
    grove__emit_init(&e, grove__dash_buffer_write, &r->text);
    grove__json_begin(&j, &e, now_ns);
    grove__json_signed(&j, "recorded_ns", now_ns - r->begun_ns);
    grove__json_signed(&j, "from_ns", k.from_ns - r->begun_ns);
    put_spans(&j, r, &k);
    put_names(&j, d, &k);
    grove__json_close(&j, '}');
    grove__emit_text(&e, "\n");
    if (grove__emit_flush(&e)) {
      r->text.used = 0; // no memory: the answer ends where it begins, and the page says so
    }
    grove__free(d->memory, k.span, 2 * SPANS_MOST * sizeof *k.span);
  }
  grove_feed_close(r->feed);
  r->feed = NULL;
}

static bool is_over(const struct grove__dash_recording *r)
{
  // Relaxed: the thread that runs here reads it before it goes round again.
  return grove__dash_now_ms() >= r->until_ms ||
         atomic_load_explicit(&r->dash->closing, memory_order_relaxed);
}

static ssize_t read_recording(void *recording, uint64_t at, char *out, size_t most)
{
  struct grove__dash_recording *r = recording;
  (void)at;
  if (r->feed && !is_over(r)) {
    r->suspended = true;
    MHD_suspend_connection(r->connection);
    return 0;
  }
  if (r->feed) {
    compose(r);
  }
  size_t n = r->text.used - r->taken;
  n = n < most ? n : most;
  if (!n) {
    return MHD_CONTENT_READER_END_OF_STREAM;
  }
  memcpy(out, r->text.bytes + r->taken, n);
  r->taken += n;
  return (ssize_t)n;
}

static void free_recording(void *recording)
{
  struct grove__dash_recording *r = recording;
  grove__dash *d = r->dash;
  grove_feed_close(r->feed);
  grove__dash_buffer_free(&r->text);
  grove__free(d->memory, r, sizeof *r);
  d->recording = NULL;
}

int64_t grove__dash_recording_due(const grove__dash *d)
{
  return d->recording && d->recording->suspended ? d->recording->until_ms : INT64_MAX;
}

void grove__dash_recording_look(grove__dash *d)
{
  struct grove__dash_recording *r = d->recording;
  if (r && r->suspended && is_over(r)) {
    r->suspended = false;
    d->look_again = true;
    MHD_resume_connection(r->connection);
  }
}

static enum MHD_Result begin(grove__dash *d, struct MHD_Connection *c, int64_t ms)
{
  enum { BLOCK = 65536 };
  struct grove__dash_recording *r = grove__alloc_zero(d->memory, sizeof *r);
  grove_feed_options o = {GROVE_FEED, .spans = GROVE_SPANS_ALL};
  if (!r || grove_feed_open(d->g, &o, &r->feed)) {
    grove__free(d->memory, r, sizeof *r);
    return grove__dash_refuse(c, MHD_HTTP_SERVICE_UNAVAILABLE,
        "there is no memory for a recording, or the runtime stops");
  }
  r->dash = d;
  r->connection = c;
  r->text.memory = d->memory;
  r->begun_ns = grove_now_ns(d->g);
  r->until_ms = grove__dash_now_ms() + ms + 1; // it begins within a millisecond, and lasts as long as was asked at least
  d->recording = r;
  struct MHD_Response *answer =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_recording, r, free_recording);
  if (!answer) {
    free_recording(r);
    return MHD_NO;
  }
  grove__dash_headers(answer);
  MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  MHD_add_response_header(answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  MHD_set_connection_option(
      c, MHD_CONNECTION_OPTION_TIMEOUT, 0u); // it is silent for as long as it records
  enum MHD_Result queued = MHD_queue_response(c, MHD_HTTP_OK, answer);
  MHD_destroy_response(answer);
  return queued;
}

enum MHD_Result grove__dash_timeline(grove__dash *d, struct MHD_Connection *c)
{
  const char *text = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "ms");
  long ms = text && strlen(text) <= 5 && strspn(text, "0123456789") == strlen(text)
                ? strtol(text, NULL, 10)
            : text ? 0
                   : DEFAULT_MS;
  if (ms < LEAST_MS || ms > MOST_MS) {
    return grove__dash_refuse(
        c, MHD_HTTP_BAD_REQUEST, "ms is a number from %d to %d", (int)LEAST_MS, (int)MOST_MS);
  }
  if (d->recording) {
    return grove__dash_refuse(
        c, MHD_HTTP_SERVICE_UNAVAILABLE, "another page is recording: try again when it has ended");
  }
  return begin(d, c, ms);
}
