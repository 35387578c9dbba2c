// The texts of notes: what note.c writes and reads, and claim.c goes by.
#ifndef GROVE_PREDICT_NOTE_H
#define GROVE_PREDICT_NOTE_H
#include "predict/output.h"

enum { GROVE__NOTE_ROOM = 16384 };

/// FOLDER/NAME of the output. false: there is no folder, or it is longer than `room`.
bool grove__output_url(const grove__shard_output_wish *w, char *out, size_t room);
/// FOLDER/.NAME.done, of the output's note in that folder. false: longer than `room`.
bool grove__note_url(const grove__shard_output_wish *w, const char *folder, char *out, size_t room);
/// Whether notes stand in another folder than outputs.
bool grove__note_is_elsewhere(const grove__shard_output_wish *w);
/// How each note begins: whose it is. Gives its length; `room` if it does not fit.
size_t grove__note_head(const grove__shard_output_wish *w, char *out, size_t room);
/// What there is to know of outputs in the rest of a note, behind its head: whole ones say what was written, void ones also what
/// stood there before. Gives how many, the one that was written first.
size_t grove__note_known(const char *rest, grove__output_mark out[GROVE__OUTPUT_KNOWN]);
/// Says that the output of `mark` is about to come to its place, where one of `known` may stand. The text's length; `room`: does not fit.
size_t grove__note_void(const grove__shard_output_wish *w, const grove__output_mark *mark, const grove__output_mark *known,
    size_t n_known, char *out, size_t room);
/// Says that it is done.
grove_status grove__note_write(const grove__shard_output_wish *w, const grove__done *done, grove_error *err);
/// The CRC-32 of all of it. Blocking. Returns: GROVE_ECANCELED: the job ends
grove_status grove__output_sum(const grove__shard_output_wish *w, grove_source *in, uint32_t *out, grove_error *err);
#endif
