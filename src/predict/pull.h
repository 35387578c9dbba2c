// Batches of a stream that somebody else made (a database's answer), one by one.
#ifndef GROVE_PREDICT_PULL_H
#define GROVE_PREDICT_PULL_H
#include <grove/columnar.h>

/// The next batch, with one count; NULL and *last: there is none. *pulled says whether any came before, and is set: of a
/// stream without batches the first is its columns without rows.
/// Returns: GROVE_EIO: the stream failed, its words are in err; GROVE_ECORRUPT, GROVE_ENOTSUP: as grove_table_import
grove_status grove__batch_pull(struct ArrowArrayStream *in, bool *pulled, grove_table **out,
    bool *last, grove_error *err);
#endif
