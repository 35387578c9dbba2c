// A group's predictions as a table: the columns that are passed through, and then "prediction".
#ifndef GROVE_PREDICT_SCORED_H
#define GROVE_PREDICT_SCORED_H
#include "columnar/growing.h"
#include "predict/strip.h"

/// Columns of a shard that are written, too.
typedef struct grove__kept {
  const size_t *columns;      ///< which of the shard's names; n of them
  const char *const *names;   ///< what they are called where a table is chosen from; a file's reader calls them so by itself
  const char *const *formats; ///< and the formats that they get there; NULL, or NULL or "" in it: as they are
  size_t n;
} grove__kept;

/// Those columns of one group while it is scored: made zero but for the first three, fed by grove__passing_take, which takes one as
/// its user. What of it is left over is freed by grove__passing_free.
typedef struct grove__passing {
  const grove__shard *shard;
  const grove__kept *kept;
  uint64_t limit;         ///< bytes; 0: none
  size_t *places;         // of the kept columns in a batch
  grove__growing *growing; // of a file: its batches are gone with the next
  grove_table *chosen;     // else there is one, whose memory is shared
} grove__passing;
grove_status grove__passing_begin(grove__passing *p, grove_error *err);
grove_status grove__passing_take(grove__passing *p, const grove_table *batch, const grove__tally *t, grove_error *err);
/// All that was taken; without any, the columns without rows. *out has one count, the caller's.
grove_status grove__passing_end(grove__passing *p, grove_table **out, grove_error *err);
void grove__passing_free(grove__passing *p);

/// The two side by side. Takes `passed` (NULL: nothing is passed through) and t->kept, whatever it returns. *out has one count, the
/// caller's.
grove_status grove__scored_table(grove_table *passed, grove__tally *t, grove_table **out, grove_error *err);
#endif
