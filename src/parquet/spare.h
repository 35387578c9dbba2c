// Memory that goes round: an allocator whose freed blocks are kept for the next batch. A stream frees each batch's
// buffers just before it wants the same again; taken from the system each time, most of a scan would be page faults.
#ifndef GROVE_PARQUET_SPARE_H
#define GROVE_PARQUET_SPARE_H
#include <grove/base.h>

/// Lives until it is closed and all its blocks are freed, whichever is last: batches may outlive their stream, and
/// be freed by other threads.
typedef struct grove__spare grove__spare;

/// NULL: no memory. `from` is copied: it is where the blocks come from. `most` (0: none): nothing is kept ready that
/// would bring all blocks together over so many bytes.
grove__spare *grove__spare_open(const grove_allocator *from, uint64_t most);
/// Blocks that lie ready are freed; those that are still out, when they come back.
void grove__spare_close(grove__spare *s); ///< NULL: nothing
/// The allocator to hand out.
grove_allocator grove__spare_allocator(grove__spare *s);
#endif
