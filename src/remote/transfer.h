// One attempt of an exchange: setting libcurl up for it, taking what comes, and judging how it ended. All on the
// client's thread.
#ifndef GROVE_REMOTE_TRANSFER_H
#define GROVE_REMOTE_TRANSFER_H
#include "remote/client.h"

typedef enum grove__verdict {
  GROVE__VERDICT_DONE,
  GROVE__VERDICT_FAILED, ///< x->status and x->error are filled
  GROVE__VERDICT_RETRY   ///< the same, in case there is no attempt left
} grove__verdict;

/// Fills x->easy. Returns: GROVE_ENOMEM: x->error is filled
grove_status grove__transfer_set(grove__exchange *x, const grove_store_options *o);
/// `stalled`: we ended it, for nothing moved in timeout_ms.
grove__verdict grove__transfer_judge(
    grove__exchange *x, CURLcode code, bool stalled, const grove_store_options *o);
void grove__transfer_unset(grove__exchange *x);
/// The object's time is over (file_ms): sets status and words.
void grove__transfer_late(grove__exchange *x, const grove_store_options *o);
#endif
