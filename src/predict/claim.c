// Whose place an output has: what may be written over when a shard is begun, and what is said of it before it becomes visible.
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "predict/note.h"
#include "store/folder.h"
#include "store/url.h"
#include <stdio.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

enum { VOID_ROOM = 2 * GROVE__URL_ROOM + 256, SHOWN = 160 };

// ---- who has the note -----------------------------------------------------------------------------

typedef enum holder { NOBODY, OURS, ANOTHERS, NO_NOTE, AN_OUTPUTS, NOT_SAID } holder;

static bool is_note(const char *text)
{
  static const char magic[] = "grove predictions ";
  return !strncmp(text, magic, sizeof magic - 1);
}

// Whether some job wrote an output by it, which that job's resume goes by.
static bool speaks_of_output(const char *text)
{
  grove__output_mark known[GROVE__OUTPUT_KNOWN];
  return is_note(text) && grove__note_known(text, known) > 0;
}

// How it begins says whose it is: of another shard of that name, or another folder, if otherwise than ours would. One without a byte is what
// a power cut leaves of a first note (see announce): it may have been ours.
static holder judge(const grove__shard_output_wish *w, const char *text, grove__output_place *place)
{
  char head[VOID_ROOM];
  size_t n = grove__note_head(w, head, sizeof head);
  if (!*text) {
    return NOT_SAID;
  }
  if (!w->folder && speaks_of_output(text)) { // who only counts has none
    return AN_OUTPUTS;
  }
  if (n == sizeof head || strncmp(text, head, n) != 0) {
    return is_note(text) ? ANOTHERS : NO_NOTE;
  }
  place->n_known = grove__note_known(text + n, place->known);
  return OURS;
}

static grove_status read_holder(const grove__shard_output_wish *w, const char *url, holder *out, grove__output_place *place, grove_error *err)
{
  size_t n;
  char *text = grove__alloc(memory, GROVE__NOTE_ROOM);
  if (!text) {
    return grove__error_memory(err, "a note", GROVE__NOTE_ROOM);
  }
  grove_status s = grove__note_text(w->plan->store, url, text, GROVE__NOTE_ROOM, &n, err);
  place->noted = s != GROVE_ENOENT;
  *out = s == GROVE_ENOENT ? NOBODY : s ? NO_NOTE : judge(w, text, place);
  grove__free(memory, text, GROVE__NOTE_ROOM);
  return s == GROVE_ENOENT || s == GROVE_ELIMIT ? GROVE_OK : s;
}

static grove_status refuse_unread(const char *url, const char *what, grove_status s, const grove_error *why, grove_error *err)
{
  char shown[SHOWN];
  grove__url_show(url, shown, sizeof shown);
  return grove__error(err, s == GROVE_EINVAL ? GROVE_EEXIST : s, -1, // EINVAL: it is no file
      "\"%s\" can't be read, and may be %s: it wants %s, another folder, or force to write over it (%.150s)",
      shown, what, grove__wanted_right(url), why->text);
}

static grove_status refuse(const char *url, const char *why, grove_error *err)
{
  char shown[SHOWN];
  grove__url_show(url, shown, sizeof shown);
  return grove__error(err, GROVE_EEXIST, -1, "\"%s\" is there already%s", shown, why);
}

static grove_status look_at_note(const grove__shard_output_wish *w, holder *is, grove__output_place *place, grove_error *err)
{
  char url[GROVE__URL_ROOM];
  grove_error why = {0};
  if (!w->notes || !grove__note_url(w, w->notes, url, sizeof url)) {
    return GROVE_OK; // there is none, or it is refused when it is written
  }
  grove_status s = read_holder(w, url, is, place, &why);
  if (s && !w->force) {
    return refuse_unread(url, "somebody's note", s, &why, err);
  }
  return w->force         ? GROVE_OK
         : *is == NO_NOTE ? refuse(url, ", and is no note of a job: notes into another folder, or force to write over it", err)
         : *is == AN_OUTPUTS
             ? refuse(url, ", and is the note of an output, which this job doesn't write: the folder of that output (out), other notes, or "
                           "force to write over it", err)
             : GROVE_OK;
}

// ---- who has the output ---------------------------------------------------------------------------

// Whether what stands there is one that the note says we wrote; then it is the only one that may be there. One that is shorter than these
// may have been cut since: that is seen once the shard is scored again, for it is a beginning of what is written then.
static grove_status find_known(const grove__shard_output_wish *w, grove_source *in, grove__output_place *place, grove_error *err)
{
  grove__output_mark is = {.bytes = in->bytes};
  bool as_long = false, shorter = false;
  for (size_t i = 0; i < place->n_known; i++) {
    as_long = as_long || is.bytes == place->known[i].bytes;
    shorter = shorter || is.bytes < place->known[i].bytes;
  }
  GROVE__TRY((as_long || shorter) && is.bytes ? grove__output_sum(w, in, &is.checksum, err) : GROVE_OK);
  bool known = false;
  for (size_t i = 0; i < place->n_known && !known; i++) {
    known = is.bytes == place->known[i].bytes && is.checksum == place->known[i].checksum;
  }
  place->n_known = known;
  place->known[0] = is;
  place->shorter = shorter && !known;
  place->stands = place->shorter ? is : (grove__output_mark){0};
  return GROVE_OK;
}

// What stands there without a word of its note is left to grove__shard_output_settle, too.
static grove_status find_unsaid(const grove__shard_output_wish *w, grove_source *in, grove__output_place *place, grove_error *err)
{
  place->shorter = true;
  place->stands.bytes = in->bytes;
  return in->bytes ? grove__output_sum(w, in, &place->stands.checksum, err) : GROVE_OK;
}

static grove_status look_at_output(
    const grove__shard_output_wish *w, const char *url, holder is, grove__output_place *place, grove_error *err)
{
  grove_source in = {.struct_size = sizeof in};
  grove_error why = {0};
  grove_status s = grove_store_source(w->plan->store, url, &in, &why);
  bool there = !s, unsaid = w->resume && is == NOT_SAID, noted = unsaid || (w->resume && is == OURS && place->n_known);
  if (s == GROVE_ENOENT) {
    place->fresh = true;
    place->n_known = 0;
    return GROVE_OK;
  }
  s = there && noted ? (unsaid ? find_unsaid : find_known)(w, &in, place, &why) : s;
  if (there && in.close) {
    in.close(in.user);
  }
  if (s) {
    return refuse_unread(url, "somebody's", s, &why, err);
  }
  return !w->resume            ? refuse(url, ": resume to leave out what is done, force to write over it", err)
         : noted && (place->n_known || place->shorter) ? GROVE_OK
         : noted ? refuse(url, ", and is not what its note says that a job wrote: force to write over it", err)
                 : refuse(url, ", and no note says that a job made it of this shard: force to write over it", err);
}

grove_status grove__shard_output_claim(const grove__shard_output_wish *w, grove__output_place *place, grove_error *err)
{
  char url[GROVE__URL_ROOM];
  holder is = NOBODY;
  *place = (grove__output_place){0};
  GROVE__TRY(look_at_note(w, &is, place, err));
  if (grove__output_url(w, url, sizeof url)) { // else there is none, or it is refused when it is opened
    GROVE__TRY(w->force ? GROVE_OK : look_at_output(w, url, is, place, err));
    if (w->resume && !grove__url_is_local(url)) { // of files it was done for the folder
      grove__store_sweep(w->plan->store, url);
    }
  }
  place->entered = true;
  return GROVE_OK;
}

// ---- before it becomes visible --------------------------------------------------------------------

// A note beside the outputs, of a job whose notes we don't write: it would speak for bytes that are not its own.
static grove_status silence(const grove__shard_output_wish *w, const char *folder, grove_error *err)
{
  char url[GROVE__URL_ROOM], text[VOID_ROOM];
  grove__shard_output_wish beside = *w;
  beside.notes = beside.folder;
  if (!grove__note_url(w, folder, url, sizeof url)) {
    return GROVE_OK;
  }
  char *is = grove__alloc(memory, GROVE__NOTE_ROOM);
  size_t n = 0;
  if (!is) {
    return grove__error_memory(err, "a note", GROVE__NOTE_ROOM);
  }
  bool stands = !grove__note_text(w->plan->store, url, is, GROVE__NOTE_ROOM, &n, NULL) && is_note(is);
  grove__free(memory, is, GROVE__NOTE_ROOM);
  if (!stands) {
    return GROVE_OK;
  }
  n = grove__note_head(&beside, text, sizeof text - sizeof "void\n");
  memcpy(text + n, "void\n", sizeof "void\n" - 1);
  return grove__put_text(w->plan->store, url, text, n + sizeof "void\n" - 1, err);
}

// The note says from now on that what stands under the output's name is a job's if it has these bytes, so that one that is killed can be
// resumed. The first note is not synced, which is worth no wait: if a power cut leaves it empty the output is held against what is made again.
static grove_status announce(const grove__shard_output_wish *w, const grove__done *done, grove_error *err)
{
  char url[GROVE__URL_ROOM], text[VOID_ROOM];
  const grove__output_mark mark = {done->bytes, done->checksum};
  if (!grove__note_url(w, w->notes, url, sizeof url)) {
    return grove__error(err, GROVE_ELIMIT, -1, "the path of the note is too long (limit %d bytes)", GROVE__URL_ROOM);
  }
  size_t n = grove__note_void(w, &mark, w->place.known, w->place.n_known, text, sizeof text);
  return !w->place.noted && grove__url_is_local(url) ? grove__folder_touch(url, text, n, err)
                                                      : grove__put_text(w->plan->store, url, text, n, err);
}

static grove_status say_first(const grove__shard_output_wish *w, bool notes, const grove__done *done, grove_error *err)
{
  if (!notes || grove__note_is_elsewhere(w)) {
    GROVE__TRY(silence(w, w->folder, err));
  }
  if (!notes) {
    return grove__note_is_elsewhere(w) ? silence(w, w->notes, err) : GROVE_OK;
  }
  return w->notes ? announce(w, done, err) : GROVE_OK;
}

// Whether it has our bytes: a commit whose answer was lost, and that was asked for again, finds its own.
static bool is_ours(const grove__shard_output_wish *w, const grove__done *done)
{
  char url[GROVE__URL_ROOM];
  grove_source in = {.struct_size = sizeof in};
  uint32_t sum = 0;
  if (!grove__output_url(w, url, sizeof url) || grove_store_source(w->plan->store, url, &in, NULL)) {
    return false;
  }
  bool same = in.bytes == done->bytes && !grove__output_sum(w, &in, &sum, NULL) && sum == done->checksum;
  if (in.close) {
    in.close(in.user);
  }
  return same;
}

static grove_status commit(const grove__shard_output_wish *w, grove__shard_output *o, const grove__done *done, grove_error *err)
{
  grove_error why = {0};
  grove_status s = grove__shard_output_commit(o, &why);
  if (!s || (s == GROVE_EEXIST && is_ours(w, done))) {
    return GROVE_OK;
  }
  return s == GROVE_EEXIST ? grove__error(err, s, -1,
                                 "something came to the place of its output meanwhile, and stays: force to write over it (%.250s)",
                                 why.text)
                           : grove__error(err, s, why.at, "%s", why.text);
}

// One that was cut loses nothing: all its bytes are in the new one. What else is shorter is somebody's, or of another model.
static grove_status look_at_shorter(const grove__shard_output_wish *w, const grove__shard_output *o, grove__shard_output_wish *out, grove_error *err)
{
  char url[GROVE__URL_ROOM];
  *out = *w;
  if (!w->place.shorter) {
    return GROVE_OK;
  }
  if (!grove__shard_output_goes_on(o)) {
    return grove__output_url(w, url, sizeof url)
               ? refuse(url, ", and is neither what its note says that a job wrote nor a beginning of what is to be written: force to write over it", err)
               : GROVE_EEXIST;
  }
  out->place.known[0] = w->place.stands;
  out->place.n_known = 1;
  return GROVE_OK;
}

grove_status grove__shard_output_settle(const grove__shard_output_wish *w, grove__shard_output *o, bool notes,
    grove__done *done, grove_error *err)
{
  if (o) {
    grove__shard_output_wish knows;
    grove_status s = grove__shard_output_end(o, done, err);
    s = s ? s : look_at_shorter(w, o, &knows, err);
    s = s ? s : say_first(&knows, notes, done, err);
    if (s) {
      grove__shard_output_abandon(o);
      return s;
    }
    GROVE__TRY(commit(w, o, done, err));
  }
  return w->notes && notes ? grove__note_write(w, done, err) : GROVE_OK;
}
