#include "remote/keys.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include <string.h>
#include <time.h>

// MARGIN_S: before their end new keys are asked for, of those that are good for much longer; else in the last quarter. AGAIN_S: after it was
// in vain.
enum { MARGIN_S = 300, AGAIN_S = 30 };
static const int64_t second = 1000000000;

// The wall's clock says how long they are good once, when they come; a step of it later changes nothing.
static void set_end(grove__keyring *k, int64_t end, int64_t now)
{
  struct timespec wall = {0};
  clock_gettime(CLOCK_REALTIME, &wall);
  int64_t left = end - (int64_t)wall.tv_sec;
  k->renew_ns = k->end_ns = INT64_MAX;
  // What is over when it comes may be good by the server's clock: it says when it is not.
  if (end && left > 0 && left < INT64_MAX / second / 2) {
    int64_t margin = left > 4 * MARGIN_S ? MARGIN_S : left / 4;
    k->renew_ns = now + (left - margin) * second;
    k->end_ns = now + left * second;
  }
}

grove_status grove__keyring_init(grove__keyring *k, grove_store_options *options, const grove_allocator *a, void (*wake)(void *user), void *user)
{
  *k = (grove__keyring){.options = options, .allocator = a, .wake = wake, .user = user};
  k->renew_ns = k->end_ns = INT64_MAX;
  return grove__mutex_init(&k->lock);
}

static void free_answer(grove__keyring *k)
{
  grove__free_text(k->allocator, k->key);
  grove__free_text(k->allocator, k->secret);
  grove__free_text(k->allocator, k->token);
  k->key = k->secret = k->token = NULL;
}

void grove__keyring_deinit(grove__keyring *k)
{
  if (k->asking) {
    grove__thread_join(&k->thread);
  }
  free_answer(k);
  grove__mutex_deinit(&k->lock);
}

// ---- asking ---------------------------------------------------------------------------------------

static grove_status copy_answer(grove__keyring *k, const grove_store_keys *keys, grove_error *err)
{
  const char *const from[] = {keys->key, keys->secret, keys->token};
  char **const to[] = {&k->key, &k->secret, &k->token};
  if (!keys->key || !keys->secret || !*keys->key || !*keys->secret) {
    return grove__error(err, GROVE_EINVAL, -1, "there is no key, or no secret, among the new keys");
  }
  for (size_t i = 0; i < 3; i++) {
    *to[i] = grove__copy_text(k->allocator, from[i]);
    if (from[i] && !*to[i]) {
      return grove__error_memory(err, "new keys", strlen(from[i]));
    }
  }
  k->end = keys->end;
  return GROVE_OK;
}

static void ask(void *user)
{
  grove__keyring *k = user;
  grove_store_keys keys = {.struct_size = sizeof keys};
  grove_error err = {0};
  grove_status s = k->options->renew(k->options->renew_user, &keys, &err);
  s = s ? s : copy_answer(k, &keys, &err);
  k->status = s;
  k->error = err;
  grove__mutex_lock(&k->lock);
  k->answered = true;
  grove__mutex_unlock(&k->lock);
  k->wake(k->user);
}

static void begin(grove__keyring *k, int64_t now)
{
  if (k->asking) {
    return;
  }
  k->renew_ns = INT64_MAX;
  k->answered = false; // nobody else looks at it now
  k->asking = !grove__thread_create(&k->thread, 0, "grove-keys", ask, k);
  if (!k->asking) {
    k->renew_ns = now + AGAIN_S * second;
  }
}

grove_status grove__keyring_take(grove__keyring *k, int64_t now)
{
  if (!k->asking) {
    return GROVE_OK;
  }
  grove__mutex_lock(&k->lock);
  bool answered = k->answered;
  grove__mutex_unlock(&k->lock);
  if (!answered) {
    return GROVE_OK;
  }
  grove__thread_join(&k->thread);
  k->asking = false;
  if (k->status) {
    free_answer(k);
    k->end_ns = INT64_MAX; // the server says whether they are good
    k->renew_ns = now + AGAIN_S * second;
    return k->status;
  }
  grove__free_text(k->allocator, (char *)(uintptr_t)k->options->key);
  grove__free_text(k->allocator, (char *)(uintptr_t)k->options->secret);
  grove__free_text(k->allocator, (char *)(uintptr_t)k->options->token);
  k->options->key = k->key;
  k->options->secret = k->secret;
  k->options->token = k->token;
  k->key = k->secret = k->token = NULL;
  k->nth++;
  set_end(k, k->end, now);
  return GROVE_OK;
}

// ---- who waits ------------------------------------------------------------------------------------

static bool ends(const grove__keyring *k, const grove__exchange *x)
{
  return k->options->renew && k->options->key && x->ask.sign;
}

bool grove__keyring_holds(const grove__keyring *k, const grove__exchange *x, int64_t now)
{
  return k->asking && ends(k, x) && (x->awaits_keys || now >= k->end_ns);
}

bool grove__keyring_lets(grove__keyring *k, grove__exchange *x, int64_t now)
{
  if (!k->nth) { // the first: from now on they are looked after
    k->nth = 1;
    set_end(k, k->options->keys_end, now);
  }
  if (ends(k, x) && now >= k->renew_ns) {
    begin(k, now);
  }
  if (grove__keyring_holds(k, x, now)) {
    return false;
  }
  x->awaits_keys = false;
  x->keys_nth = k->nth;
  return true;
}

bool grove__keyring_refused(grove__keyring *k, grove__exchange *x, int64_t now)
{
  if (!x->keys_ended || x->asked_keys || !ends(k, x)) {
    return false;
  }
  x->asked_keys = true;
  if (x->keys_nth == k->nth) { // else there are others already
    begin(k, now);
    x->awaits_keys = k->asking;
  }
  return x->keys_nth != k->nth || k->asking;
}

void grove__keyring_fail(const grove__keyring *k, grove__exchange *x)
{
  grove_error said = x->error;
  x->status = grove__error(&x->error, x->status, said.at, "%.230s; and no new keys came: %.170s", said.text, k->error.text);
}
