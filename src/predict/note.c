#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "predict/output.h"
#include "store/folder.h"
#include "store/url.h"
#include <inttypes.h>
#include <stdio.h>

enum { NOTE_ROOM = 16384 };

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

static bool note_url(const grove__shard_output_wish *w, char *out, size_t room)
{
  char name[GROVE__NAME_ROOM];
  if (!grove__shard_output_name(w->shard, w->form, name, sizeof name)) {
    return false;
  }
  int length = snprintf(out, room, "%s/.%s.done", w->notes, name);
  return length > 0 && (size_t)length < room;
}

// How `at` grows by a snprintf that may not have fitted; then it stays at the end, which says so.
static size_t grown(size_t at, int n, size_t room)
{
  return n < 0 || (size_t)n >= room - at ? room : at + (size_t)n;
}

// How each note begins: whose it is. Notes that stand elsewhere name the folder, which may be another one the next time.
static size_t make_head(const grove__shard_output_wish *w, char *out, size_t room)
{
  char shard[GROVE__URL_ROOM];
  grove__url_show(w->shard, shard, sizeof shard); // a signature would be another one the next time, too
  size_t at = grown(0, snprintf(out, room, "grove predictions 2\nshard %s\n", shard), room);
  if (at < room && w->folder && strcmp(w->folder, w->notes) != 0) {
    at = grown(at, snprintf(out + at, room - at, "out %s\n", w->folder), room);
  }
  return at;
}

// The part of the note that must be equal for the outputs to be the same. Gives `room` if it does not fit.
static size_t make_key(const grove__shard_output_wish *w, char *out, size_t room)
{
  const grove_parquet_write_options *o = w->write;
  size_t at = make_head(w, out, room);
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

static bool is_there(const grove__shard_output_wish *w, uint64_t bytes)
{
  char name[GROVE__NAME_ROOM], url[GROVE__URL_ROOM];
  grove_source in = {.struct_size = sizeof in};
  if (!w->folder) {
    return true;
  }
  if (!grove__shard_output_name(w->shard, w->form, name, sizeof name) ||
      snprintf(url, sizeof url, "%s/%s", w->folder, name) >= (int)sizeof url ||
      grove_store_source(w->plan->store, url, &in, NULL)) {
    return false;
  }
  bool same = in.bytes == bytes;
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
  char *room = w->notes ? grove__alloc(&grove__allocator_malloc, 2 * NOTE_ROOM) : NULL;
  if (!room) {
    return false;
  }
  char *key = room, *note = room + NOTE_ROOM;
  char url[GROVE__URL_ROOM];
  grove__done done = {0};
  uint64_t bits;
  size_t n, length = make_key(w, key, NOTE_ROOM);
  bool good = length < NOTE_ROOM && note_url(w, url, sizeof url) &&
              !grove__note_text(w->plan->store, url, note, NOTE_ROOM, &n, NULL) && n > length + 4 &&
              !memcmp(note, key, length) && !strcmp(note + n - 4, "end\n") &&
              sscanf(note + length, result_format, &done.read, &done.rows, &bits, &done.bytes,
                  &done.checksum) == 5 &&
              is_there(w, done.bytes);
  if (good) {
    memcpy(&done.score, &bits, sizeof bits);
    *out = done;
  }
  grove__free(&grove__allocator_malloc, room, 2 * NOTE_ROOM);
  return good;
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

static grove_status write_note(
    const grove__shard_output_wish *w, const grove__done *done, grove_error *err)
{
  char url[GROVE__URL_ROOM];
  char *note = grove__alloc(&grove__allocator_malloc, NOTE_ROOM);
  if (!note) {
    return grove__error_memory(err, "a note", NOTE_ROOM);
  }
  uint64_t bits;
  memcpy(&bits, &done->score, sizeof bits);
  size_t at = make_key(w, note, NOTE_ROOM);
  if (at < NOTE_ROOM) {
    at = grown(at,
        snprintf(note + at, NOTE_ROOM - at,
            "read %" PRIu64 "\nrows %" PRIu64 "\nscore %016" PRIx64 "\nwritten %" PRIu64
            "\nchecksum %08" PRIx32 "\nend\n",
            done->read, done->rows, bits, done->bytes, done->checksum),
        NOTE_ROOM);
  }
  grove_status s = at < NOTE_ROOM && note_url(w, url, sizeof url)
                       ? grove__put_text(w->plan->store, url, note, at, err)
                       : grove__error(err, GROVE_ELIMIT, -1,
                             "a note of over %d bytes: shorter names, or fewer columns to keep",
                             NOTE_ROOM);
  grove__free(&grove__allocator_malloc, note, NOTE_ROOM);
  return s;
}

// What can't be looked at may be there.
static bool may_be_there(grove_store *store, const char *url)
{
  grove_source in = {.struct_size = sizeof in};
  grove_status s = grove_store_source(store, url, &in, NULL);
  if (!s && in.close) {
    in.close(in.user);
  }
  return s != GROVE_ENOENT;
}

// Says whose the place is, and that nothing stands there that could be resumed.
static size_t make_nothing(const grove__shard_output_wish *w, char *out, size_t room)
{
  size_t at = make_head(w, out, room);
  return at < room ? grown(at, snprintf(out + at, room - at, "void\n"), room) : room;
}

enum { NOTHING_ROOM = 2 * GROVE__URL_ROOM + 64 };

static grove_status put_void(const grove__shard_output_wish *w, const char *url, grove_error *err)
{
  char nothing[NOTHING_ROOM];
  return grove__put_text(w->plan->store, url, nothing, make_nothing(w, nothing, sizeof nothing), err);
}

// The first note: if it is lost by a power cut the output is taken for somebody's, and stays. That is worth no wait for the disk.
static grove_status put_first(const grove__shard_output_wish *w, const char *url, grove_error *err)
{
  char nothing[NOTHING_ROOM];
  return grove__url_is_local(url) ? grove__folder_touch(url, nothing, make_nothing(w, nothing, sizeof nothing), err)
                                  : put_void(w, url, err);
}

// What stands in the place of the note.
typedef enum holder { NOBODY, OURS, ANOTHERS, NO_NOTE } holder;

// How it begins says whose it is: of another shard of that name, or another folder, if otherwise than ours would.
static holder holder_of(const grove__shard_output_wish *w, const char *url)
{
  static const char magic[] = "grove predictions ";
  char head[NOTHING_ROOM], is[NOTHING_ROOM];
  grove_source in = {.struct_size = sizeof in};
  grove_status s = grove_store_source(w->plan->store, url, &in, NULL);
  if (s) {
    return s == GROVE_ENOENT ? NOBODY : NO_NOTE; // not known to be ours
  }
  size_t wanted = make_head(w, head, sizeof head), n = in.bytes < wanted ? (size_t)in.bytes : wanted;
  bool read = !in.read_at(in.user, 0, is, n, NULL);
  if (in.close) {
    in.close(in.user);
  }
  if (read && n == wanted && !memcmp(is, head, n)) {
    return OURS;
  }
  return read && n >= sizeof magic - 1 && !memcmp(is, magic, sizeof magic - 1) ? ANOTHERS : NO_NOTE;
}

static grove_status make_void(const grove__shard_output_wish *w, grove_error *err)
{
  char url[GROVE__URL_ROOM];
  return !w->claimed && note_url(w, url, sizeof url) && may_be_there(w->plan->store, url) ? put_void(w, url, err)
                                                                                          : GROVE_OK;
}

grove_status grove__shard_output_claim(const grove__shard_output_wish *w, bool *claimed, grove_error *err)
{
  char name[GROVE__NAME_ROOM], url[GROVE__URL_ROOM], note[GROVE__URL_ROOM];
  if (!w->folder || !grove__shard_output_name(w->shard, w->form, name, sizeof name) ||
      snprintf(url, sizeof url, "%s/%s", w->folder, name) >= (int)sizeof url) {
    return GROVE_OK; // there is none, or it is refused when it is opened
  }
  bool noted = w->notes && note_url(w, note, sizeof note);
  holder is = noted ? holder_of(w, note) : NOBODY;
  if (is == NO_NOTE && !w->force) {
    return grove__error(err, GROVE_EEXIST, -1,
        "\".%.100s.done\" is there already, and is no note of a job: notes into another folder, or force to write over it", name);
  }
  if (!w->force && !(w->resume && is == OURS) && may_be_there(w->plan->store, url)) {
    return grove__error(err, GROVE_EEXIST, -1,
        w->resume ? "\"%.100s\" is there already, and no note says that a job made it of this shard: force to write over it"
                  : "\"%.100s\" is there already: resume to leave out what is done, force to write over it",
        name);
  }
  if (w->resume && !grove__url_is_local(url)) { // of files it was done for the folder
    grove__store_sweep(w->plan->store, url);
  }
  *claimed = noted && is != OURS;
  return is == NOBODY && noted ? put_first(w, note, err) : *claimed ? put_void(w, note, err) : GROVE_OK;
}

grove_status grove__shard_output_settle(const grove__shard_output_wish *w, grove__shard_output *o, bool notes,
    grove__done *done, grove_error *err)
{
  grove_status s = w->notes && o ? make_void(w, err) : GROVE_OK;
  if (s) {
    grove__shard_output_abandon(o);
    return s;
  }
  GROVE__TRY(grove__shard_output_commit(o, done, err));
  return w->notes && notes ? write_note(w, done, err) : GROVE_OK;
}
