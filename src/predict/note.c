#include "predict/note.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "store/url.h"
#include <inttypes.h>
#include <stdio.h>
#include <zlib.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

enum { PIECE = 1 << 20 };

// ---- names ----------------------------------------------------------------------------------------

// The shard's file name without its ending, as a piece of `url`.
static const char *find_stem(const char *url, size_t *n)
{
  const char *name = grove__url_name(url, n);
  for (size_t i = *n; i-- > 1;) {
    if (name[i] == '.') {
      *n = i;
      break;
    }
  }
  return name;
}

bool grove__shard_output_name(const char *shard, uint32_t form, char *out, size_t room)
{
  size_t n;
  const char *stem = find_stem(shard, &n);
  int length = snprintf(
      out, room, "%.*s%s", (int)n, stem, form == GROVE_JOB_CSV ? ".csv" : ".parquet");
  return length > 0 && (size_t)length < room;
}

bool grove__output_url(const grove__shard_output_wish *w, char *out, size_t room)
{
  char name[GROVE__NAME_ROOM];
  return w->folder && grove__shard_output_name(w->shard, w->form, name, sizeof name) &&
         snprintf(out, room, "%s/%s", w->folder, name) < (int)room;
}

bool grove__note_url(const grove__shard_output_wish *w, const char *folder, char *out, size_t room)
{
  char name[GROVE__NAME_ROOM];
  return grove__shard_output_name(w->shard, w->form, name, sizeof name) &&
         snprintf(out, room, "%s/.%s.done", folder, name) < (int)room;
}

bool grove__note_is_elsewhere(const grove__shard_output_wish *w)
{
  return w->folder && w->notes && strcmp(w->folder, w->notes) != 0;
}

// ---- texts ----------------------------------------------------------------------------------------

// How `at` grows by a snprintf that may not have fitted; then it stays at the end, which says so.
static size_t grown(size_t at, int n, size_t room)
{
  return n < 0 || (size_t)n >= room - at ? room : at + (size_t)n;
}

// Notes that stand elsewhere name the folder, which may be another one the next time.
size_t grove__note_head(const grove__shard_output_wish *w, char *out, size_t room)
{
  char shard[GROVE__URL_ROOM];
  grove__url_show(w->shard, shard, sizeof shard); // a signature would be another one the next time, too
  size_t at = grown(0, snprintf(out, room, "grove predictions 2\nshard %s\n", shard), room);
  if (at < room && grove__note_is_elsewhere(w)) {
    at = grown(at, snprintf(out + at, room - at, "out %s\n", w->folder), room);
  }
  return at;
}

// The part of the note that must be equal for the outputs to be the same. Gives `room` if it does not fit.
static size_t make_key(const grove__shard_output_wish *w, char *out, size_t room)
{
  const grove_parquet_write_options *o = w->write;
  size_t at = grove__note_head(w, out, room);
  if (at == room) {
    return room;
  }
  at = grown(at,
      snprintf(out + at, room - at,
          "bytes %" PRIu64 "\nversion %s\n%s\nfilter %s\nform %s",
          w->shard_bytes, w->version, w->plan->identity,
          w->plan->filter_text ? w->plan->filter_text : "none",
          !w->folder                   ? "none"
          : w->form == GROVE_JOB_CSV ? "csv"
                                     : "parquet"),
      room);
  if (o && at < room) {
    at = grown(at,
        snprintf(out + at, room - at, " codec %u level %u group %u page %u without %u%u%u%u", o->codec,
            o->level, o->group_rows, o->page_rows, o->no_crc, o->no_dictionary, o->no_statistics,
            o->no_page_index),
        room);
  }
  for (const char *const *k = w->keep; k && *k && at < room; k++) {
    at = grown(at, snprintf(out + at, room - at, "\nkeep %s", *k), room);
  }
  return at < room ? grown(at, snprintf(out + at, room - at, "\n"), room) : room;
}

static size_t put_mark(const grove__output_mark *m, size_t at, char *out, size_t room)
{
  return at < room ? grown(at,
                         snprintf(out + at, room - at, "written %" PRIu64 "\nchecksum %08" PRIx32 "\nend\n", m->bytes, m->checksum),
                         room)
                   : room;
}

size_t grove__note_void(const grove__shard_output_wish *w, const grove__output_mark *mark, const grove__output_mark *known,
    size_t n_known, char *out, size_t room)
{
  size_t at = grove__note_head(w, out, room);
  at = at < room ? grown(at, snprintf(out + at, room - at, "void\n"), room) : room;
  for (size_t i = 0; i < n_known && i < GROVE__OUTPUT_KNOWN - 1 && at < room; i++) {
    at = grown(at, snprintf(out + at, room - at, "was %" PRIu64 " %08" PRIx32 "\n", known[i].bytes, known[i].checksum), room);
  }
  return put_mark(mark, at, out, room);
}

// The last line that begins so: what stands before it may be anybody's text.
static const char *find_last(const char *text, const char *start)
{
  const char *last = NULL;
  for (const char *at = strstr(text, start); at; at = strstr(at + 1, start)) {
    last = at;
  }
  return last;
}

size_t grove__note_known(const char *rest, grove__output_mark out[GROVE__OUTPUT_KNOWN])
{
  static const char begun[] = "void\n";
  size_t n = 0;
  const char *last = find_last(rest, "\nwritten ");
  int end = 0;
  bool whole = last && sscanf(last, "\nwritten %" SCNu64 "\nchecksum %" SCNx32 "\nend%n", &out[0].bytes, &out[0].checksum, &end) == 2;
  n += whole && end && out[0].bytes; // an empty file is nobody's in particular
  if (!strncmp(rest, begun, sizeof begun - 1)) {
    rest += sizeof begun - 1;
    for (; n < GROVE__OUTPUT_KNOWN; n++) {
      end = 0;
      if (sscanf(rest, "was %" SCNu64 " %" SCNx32 "%n", &out[n].bytes, &out[n].checksum, &end) != 2 || rest[end] != '\n') {
        break;
      }
      rest += end + 1;
    }
  }
  return n;
}

grove_status grove__note_text(grove_store *store, const char *url, char *out, size_t room, size_t *n, grove_error *err)
{
  grove_source in = {.struct_size = sizeof in};
  *n = 0;
  out[0] = '\0';
  GROVE__TRY(grove_store_source(store, url, &in, err));
  grove_status s = in.bytes < room ? GROVE_OK
                                   : grove__error(err, GROVE_ELIMIT, -1, "it has %llu bytes, and %zu at most are looked at",
                                         (unsigned long long)in.bytes, room - 1);
  s = s || !in.bytes ? s : in.read_at(in.user, 0, out, (size_t)in.bytes, err);
  if (in.close) {
    in.close(in.user);
  }
  *n = s ? 0 : (size_t)in.bytes;
  out[*n] = '\0';
  return s;
}

grove_status grove__put_text(
    grove_store *store, const char *url, const char *text, size_t n, grove_error *err)
{
  grove_writer *out = NULL;
  GROVE__TRY(grove_store_write(store, url, &out, err));
  grove_status s = grove_writer_put(out, text, n, err);
  grove_status closed = grove_writer_close(out, s == GROVE_OK, s ? NULL : err);
  return s ? s : closed;
}

const char *grove__wanted_right(const char *url)
{
  return grove__url_scheme_is(url, grove__url_scheme(url), "s3")
             ? "the right to (and to list the bucket: else what is not there is forbidden)"
             : "the right to";
}

// ---- what is there --------------------------------------------------------------------------------

grove_status grove__output_sum(const grove__shard_output_wish *w, grove_source *in, uint32_t *out, grove_error *err)
{
  unsigned char *piece = grove__alloc(memory, PIECE);
  grove_status s = piece ? GROVE_OK : grove__error_memory(err, "a piece of an output", PIECE);
  uint32_t sum = 0;
  if (!s && in->will_read) {
    in->will_read(in->user, &(grove_range){0, in->bytes}, 1);
  }
  for (uint64_t at = 0; !s && at < in->bytes;) {
    size_t n = in->bytes - at < PIECE ? (size_t)(in->bytes - at) : PIECE;
    bool ends = w->stop && atomic_load_explicit(w->stop, memory_order_relaxed);
    s = ends ? grove__error(err, GROVE_ECANCELED, -1, "the job ends") : in->read_at(in->user, at, piece, n, err);
    sum = s ? sum : (uint32_t)crc32(sum, piece, (uInt)n);
    at += n;
  }
  grove__free(memory, piece, PIECE);
  *out = s ? *out : sum;
  return s;
}

// Where notes stand beside their outputs, all that writes such an output makes its note void first, so the length is enough for one
// that is not. Other folders of notes know nothing of each other.
static bool is_there(const grove__shard_output_wish *w, const grove__done *done)
{
  char url[GROVE__URL_ROOM];
  grove_source in = {.struct_size = sizeof in};
  uint32_t sum = 0;
  if (!w->folder) {
    return true;
  }
  if (!grove__output_url(w, url, sizeof url) || grove_store_source(w->plan->store, url, &in, NULL)) {
    return false;
  }
  bool same = in.bytes == done->bytes;
  if (same && grove__note_is_elsewhere(w)) {
    same = !grove__output_sum(w, &in, &sum, NULL) && sum == done->checksum;
  }
  if (in.close) {
    in.close(in.user);
  }
  return same;
}

// A score goes as its bits: exact, and the same in every locale.
static const char result_format[] = "read %" SCNu64 "\nrows %" SCNu64 "\nscore %" SCNx64
                                    "\nwritten %" SCNu64 "\nchecksum %" SCNx32 "\nend\n";

bool grove__note_read(const grove__shard_output_wish *w, grove__done *out)
{
  char *room = w->notes ? grove__alloc(memory, 2 * GROVE__NOTE_ROOM) : NULL;
  if (!room) {
    return false;
  }
  char *key = room, *note = room + GROVE__NOTE_ROOM;
  char url[GROVE__URL_ROOM];
  grove__done done = {0};
  uint64_t bits;
  size_t n, length = make_key(w, key, GROVE__NOTE_ROOM);
  bool good = length < GROVE__NOTE_ROOM && grove__note_url(w, w->notes, url, sizeof url) &&
              !grove__note_text(w->plan->store, url, note, GROVE__NOTE_ROOM, &n, NULL) && n > length + 4 &&
              !memcmp(note, key, length) && !strcmp(note + n - 4, "end\n") &&
              sscanf(note + length, result_format, &done.read, &done.rows, &bits, &done.bytes,
                  &done.checksum) == 5 &&
              is_there(w, &done);
  if (good) {
    memcpy(&done.score, &bits, sizeof bits);
    *out = done;
  }
  grove__free(memory, room, 2 * GROVE__NOTE_ROOM);
  return good;
}

grove_status grove__note_write(const grove__shard_output_wish *w, const grove__done *done, grove_error *err)
{
  char url[GROVE__URL_ROOM];
  char *note = grove__alloc(memory, GROVE__NOTE_ROOM);
  if (!note) {
    return grove__error_memory(err, "a note", GROVE__NOTE_ROOM);
  }
  uint64_t bits;
  memcpy(&bits, &done->score, sizeof bits);
  size_t at = make_key(w, note, GROVE__NOTE_ROOM);
  if (at < GROVE__NOTE_ROOM) {
    at = grown(at,
        snprintf(note + at, GROVE__NOTE_ROOM - at, "read %" PRIu64 "\nrows %" PRIu64 "\nscore %016" PRIx64 "\n", done->read,
            done->rows, bits),
        GROVE__NOTE_ROOM);
  }
  at = put_mark(&(grove__output_mark){done->bytes, done->checksum}, at, note, GROVE__NOTE_ROOM);
  grove_status s = at < GROVE__NOTE_ROOM && grove__note_url(w, w->notes, url, sizeof url)
                       ? grove__put_text(w->plan->store, url, note, at, err)
                       : grove__error(err, GROVE_ELIMIT, -1,
                             "a note of over %d bytes: shorter names, or fewer columns to keep",
                             GROVE__NOTE_ROOM);
  grove__free(memory, note, GROVE__NOTE_ROOM);
  return s;
}
