// The thread that moves bytes: one for each store, started by the first exchange, over libcurl's multi interface.
// Idle it sleeps in poll. It retries with backoff, keeps the time limits, and never has more exchanges under way than
// the store has connections; the others wait their turn in the order they came.
#ifndef GROVE_REMOTE_CLIENT_H
#define GROVE_REMOTE_CLIENT_H
#include <grove/store.h>
#include "remote/exchange.h"

typedef struct grove__client grove__client;

/// Copies the options' texts.
grove_status grove__client_create(
    const grove_store_options *o, grove__client **out, grove_error *err);
/// All exchanges must be done. NULL: nothing.
void grove__client_destroy(grove__client *c);
const grove_store_options *grove__client_options(const grove__client *c);
const grove_allocator *grove__client_allocator(const grove__client *c);

/// Prepares an exchange whose `ask` is filled afterwards.
void grove__exchange_init(grove__exchange *x);
/// Starts it. `x` must stay where it is until it is done. On failure it is done already.
void grove__client_begin(grove__client *c, grove__exchange *x);
/// Blocking. Gives x->status back, and its words.
grove_status grove__client_wait(grove__client *c, grove__exchange *x, grove_error *err);
/// Ends it early and waits until it is done. Of an exchange that is done: nothing.
void grove__client_drop(grove__client *c, grove__exchange *x);
/// Ends all GETs that were begun, with GROVE_ECANCELED; does not wait.
void grove__client_interrupt(grove__client *c);
/// Whether a wait would not block.
bool grove__client_is_done(grove__client *c, const grove__exchange *x);
/// begin and wait.
grove_status grove__client_run(grove__client *c, grove__exchange *x, grove_error *err);
/// Frees what the answer holds; the exchange can then be prepared again.
void grove__exchange_clear(grove__client *c, grove__exchange *x);
/// `url` without its query, which may hold a signature, and without a password, for a person to read.
void grove__show_url(const char *url, char *out, size_t room);
#endif
