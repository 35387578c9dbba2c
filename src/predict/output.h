// What a shard leaves behind: a file with its predictions, written group by group, and a note beside it that says what
// they were made of, so that a run that is started again leaves out what is done.
#ifndef GROVE_PREDICT_OUTPUT_H
#define GROVE_PREDICT_OUTPUT_H
#include "predict/plan.h"
#include <stdatomic.h>

enum { GROVE__NAME_ROOM = 1024, GROVE__URL_ROOM = 4096, GROVE__OUTPUT_KNOWN = 3 };

/// By which an output is told from others.
typedef struct grove__output_mark {
  uint64_t bytes;
  uint32_t checksum; ///< CRC-32
} grove__output_mark;

/// What was found where an output is to go. Zero: nothing was looked at.
typedef struct grove__output_place {
  bool entered;   ///< it may be written
  bool fresh;     ///< nothing stood under its name: what comes there meanwhile stays
  bool noted;     ///< something stands under its note's name
  size_t n_known; ///< outputs of ours, one of which may stand there until the new one does
  grove__output_mark known[GROVE__OUTPUT_KNOWN];
  bool shorter;   ///< what stands there is none of those, but shorter: it may be one that was cut; or its note is
                  ///< empty. If it is ours it is a beginning of the new one
  grove__output_mark stands; ///< if `shorter`
} grove__output_place;

/// All that makes two outputs the same, and where they lie. Texts are borrowed.
typedef struct grove__shard_output_wish {
  const grove__predict_plan *plan;
  const char *folder; ///< of the output; NULL: none is written
  const char *notes;  ///< folder of the notes; NULL: none are written
  uint32_t form;
  const char *const *keep;
  const grove_parquet_write_options *write;
  const char *shard;
  uint64_t shard_bytes;
  const char *version;
  bool resume, force; ///< what may be written over, see grove__shard_output_claim
  grove__output_place place;
  const _Atomic(bool) *stop; ///< outputs that are looked at are no more, once it is set; NULL: never. Nothing else is told by it, so relaxed
} grove__shard_output_wish;

/// What a note says of the result.
typedef struct grove__done {
  uint64_t read, rows, bytes; ///< bytes of the output
  double score;
  uint32_t checksum; ///< CRC-32 of the output
} grove__done;

/// Whether it was done before, and is still there; then *out is filled.
bool grove__note_read(const grove__shard_output_wish *w, grove__done *out);
/// The output's name within its folder, "NAME.parquet". false: longer than `room`.
bool grove__shard_output_name(const char *shard, uint32_t form, char *out, size_t room);

typedef struct grove__shard_output grove__shard_output;
/// Begins a file with the columns of `like`.
grove_status grove__shard_output_open(
    const grove__shard_output_wish *w, const grove_table *like, grove__shard_output **out, grove_error *err);
grove_status grove__shard_output_put(grove__shard_output *o, const grove_table *t, grove_error *err);
/// Writes what is left of it, and fills bytes and checksum of *done; nothing is visible yet.
grove_status grove__shard_output_end(grove__shard_output *o, grove__done *done, grove_error *err);
/// Whether what stands in its place, and was `shorter`, is a beginning of it.
bool grove__shard_output_goes_on(const grove__shard_output *o);
/// Makes one that was ended visible. Frees `o`, whatever it returns.
/// Returns: GROVE_EEXIST: its place was `fresh`, and something has come there
grove_status grove__shard_output_commit(grove__shard_output *o, grove_error *err);
void grove__shard_output_abandon(grove__shard_output *o); ///< nothing is left; NULL: nothing

// ---- whose it is: claim.c -------------------------------------------------------------------------
/// Whether the output may be written, by what stands there and what its note says: with `force` in any case; with `resume` over what
/// has the bytes that the note of this shard and folder says a job wrote, or is shorter, which grove__shard_output_settle decides about.
/// Nothing is written here, so a shard that fails leaves no note.
/// Returns: GROVE_EEXIST: there is something, which is not to be written over; the store's: that can't be told
grove_status grove__shard_output_claim(const grove__shard_output_wish *w, grove__output_place *place, grove_error *err);
/// Says in a void note which bytes come to be there, makes them visible, and says in the note that it is done, if `notes`. A note of what
/// was there before would speak for bytes that are not its own if we were killed in between; so would one of another job beside the
/// output, which is made void, too. Frees `o` (NULL: there is no output), whatever it returns.
/// Returns: as grove__shard_output_commit; GROVE_EEXIST also: its place was `shorter`, and what stands there is no beginning of it
grove_status grove__shard_output_settle(const grove__shard_output_wish *w, grove__shard_output *o, bool notes,
    grove__done *done, grove_error *err);

// ---- notes: note.c --------------------------------------------------------------------------------
/// What is wanted to read an object there, as words of an error: "the right to", and of s3 why that may not be enough.
const char *grove__wanted_right(const char *url);
/// A short text, with a zero behind it. Returns: GROVE_ELIMIT: it has `room` bytes or more; what the store says: it is not there
/// (GROVE_ENOENT), or can't be read
grove_status grove__note_text(grove_store *store, const char *url, char *out, size_t room, size_t *n, grove_error *err);
/// Writes a text as an object of its own.
grove_status grove__put_text(
    grove_store *store, const char *url, const char *text, size_t n, grove_error *err);
#endif
