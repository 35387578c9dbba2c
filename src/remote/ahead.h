// What a source was told will be read, fetched before it is: blocks of bytes on their way or here.
#ifndef GROVE_REMOTE_AHEAD_H
#define GROVE_REMOTE_AHEAD_H
#include "plat/thread.h"
#include "remote/client.h"

typedef struct grove__block_ahead grove__block_ahead;
typedef struct grove__ahead {
  grove__client *client;
  size_t part, most; ///< bytes of a request at most, and of all blocks together
  /// Whether an answer is of the object that was opened.
  grove_status (*check)(const void *user, const grove__exchange *x, grove_error *err);
  const void *user;
  grove__mutex lock;
  // Guarded by lock.
  grove__block_ahead *first;
  size_t held;
} grove__ahead;

/// `check` and `user` must stay.
grove_status grove__ahead_init(grove__ahead *a, grove__client *c,
    grove_status (*check)(const void *user, const grove__exchange *x, grove_error *err), const void *user);
/// Gives up what is under way.
void grove__ahead_deinit(grove__ahead *a);
/// Begins to fetch [from, from + n), as far as there is room and it is not fetched already. `like` has the url, header and
/// signing of the request. Does not block.
void grove__ahead_fetch(grove__ahead *a, const grove__request *like, uint64_t from, uint64_t n);
/// Copies what a block has from `at` on, up to `n` bytes, and waits for it if it is on its way. 0: none has byte `at`, or it
/// failed; then *next is where the next block begins, or `at` + n.
size_t grove__ahead_read(grove__ahead *a, uint64_t at, void *out, size_t n, uint64_t *next);
#endif
