// The keys that requests are signed with, where they end: who is asked for new ones, and when.
#ifndef GROVE_REMOTE_KEYS_H
#define GROVE_REMOTE_KEYS_H
#include "plat/thread.h"
#include "remote/exchange.h"
#include <grove/store.h>

/// Of one client, and its thread's own but for what says otherwise. While new keys are asked for, on a thread of their own, requests go
/// on with those that are there as long as these are good.
typedef struct grove__keyring {
  grove_store_options *options; ///< the client's: key, secret and token are replaced
  const grove_allocator *allocator;
  void (*wake)(void *user); ///< from any thread: an answer has come
  void *user;
  uint64_t nth;             ///< which keys these are
  int64_t renew_ns, end_ns; ///< when new ones are asked for, and when these are no good; INT64_MAX: never
  bool asking;
  grove__thread thread; ///< while asking
  grove__mutex lock;
  bool answered; ///< guarded by lock
  // The thread's that asks, until it has answered.
  char *key, *secret, *token;
  int64_t end; ///< of these, as grove_store_keys has it
  grove_status status;
  grove_error error;
} grove__keyring;

/// Of options that have their own copies of keys. Returns: GROVE_ENOMEM
grove_status grove__keyring_init(grove__keyring *k, grove_store_options *options, const grove_allocator *a, void (*wake)(void *user), void *user);
/// Blocking, while somebody is asked for keys. Behind the client's thread.
void grove__keyring_deinit(grove__keyring *k);
/// Takes what has been answered since. Returns: GROVE_OK: new keys are there, or nothing was answered; else that none came, and k->error
grove_status grove__keyring_take(grove__keyring *k, int64_t now);
/// Whether the exchange waits for new keys.
bool grove__keyring_holds(const grove__keyring *k, const grove__exchange *x, int64_t now);
/// Before it is started: whether it may be; asks for new keys if it is time, and says with which it goes.
bool grove__keyring_lets(grove__keyring *k, grove__exchange *x, int64_t now);
/// Of one whose answer was judged: whether it said that its keys had ended, and is to be tried with others, once. Then it asks for them.
bool grove__keyring_refused(grove__keyring *k, grove__exchange *x, int64_t now);
/// Says beside the server's words that no new keys came.
void grove__keyring_fail(const grove__keyring *k, grove__exchange *x);
#endif
