#include "remote/client.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/random.h"
#include "plat/clock.h"
#include "plat/thread.h"
#include "remote/keys.h"
#include "remote/transfer.h"

struct grove__client {
  grove_allocator allocator;
  grove_store_options options; // with our copies of the texts
  CURLM *multi;
  grove__mutex lock;
  grove__cond done; // an exchange was
  // Guarded by lock.
  grove__thread thread;
  bool started, stop;
  bool drops;                           // some exchange was dropped
  bool interrupted;                     // all reads that were begun are to end
  grove__exchange *added, **added_end;
  // The thread's own.
  grove__exchange *waiting, *running;
  uint32_t n_running;
  uint64_t random;
  grove__keyring keys;
};

enum { CONNECTIONS = 16, RETRIES = 4, TIMEOUT_MS = 30000, BACKOFF_MS = 100, BACKOFF_MOST_MS = 10000 };
enum { PART_BYTES = 8 << 20, LEAST_PART_BYTES = 5 << 20, IDLE_MS = 3600000 };

// ---- create ---------------------------------------------------------------------------------------

static void free_texts(grove__client *c)
{
  const char **texts[] = {&c->options.region, &c->options.endpoint, &c->options.proxy,
      &c->options.key, &c->options.secret, &c->options.token, &c->options.ca_file,
      &c->options.no_proxy};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    grove__free_text(&c->allocator, (char *)(uintptr_t)*texts[i]);
    *texts[i] = NULL;
  }
}

static bool copy_texts(grove__client *c, const grove_store_options *o)
{
  const char *const from[] = {
      o->region, o->endpoint, o->proxy, o->key, o->secret, o->token, o->ca_file,
      o->no_proxy};
  const char **to[] = {&c->options.region, &c->options.endpoint, &c->options.proxy,
      &c->options.key, &c->options.secret, &c->options.token, &c->options.ca_file,
      &c->options.no_proxy};
  bool good = true;
  for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
    *to[i] = grove__copy_text(&c->allocator, from[i]);
    good = good && (*to[i] || !from[i]);
  }
  return good;
}

static void fill_defaults(grove_store_options *o)
{
  uint32_t *const fields[] = {&o->connections, &o->retries, &o->timeout_ms, &o->backoff_ms,
      &o->backoff_most_ms, &o->part_bytes};
  const uint32_t defaults[] = {
      CONNECTIONS, RETRIES, TIMEOUT_MS, BACKOFF_MS, BACKOFF_MOST_MS, PART_BYTES};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (!*fields[i]) {
      *fields[i] = defaults[i];
    }
  }
  if (o->part_bytes < LEAST_PART_BYTES) {
    o->part_bytes = LEAST_PART_BYTES; // the servers' own least
  }
}

static grove_status check_options(const grove_store_options *o, grove_error *err)
{
  if (!o->key != !o->secret) {
    return grove__error(err, GROVE_EINVAL, -1, "a store has a %s, but no %s",
        o->key ? "key" : "secret", o->key ? "secret" : "key");
  }
  if (o->renew && !o->key) {
    return grove__error(err, GROVE_EINVAL, -1, "a store is told how to renew its keys, but has no key");
  }
  if (o->endpoint && strncmp(o->endpoint, "http://", 7) && strncmp(o->endpoint, "https://", 8)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "the endpoint \"%.200s\" must begin with http:// or https://", o->endpoint);
  }
  return GROVE_OK;
}

static void wake(void *user)
{
  grove__client *c = user;
  (void)curl_multi_wakeup(c->multi);
}

static void deinit_locks(grove__client *c)
{
  grove__keyring_deinit(&c->keys);
  grove__cond_deinit(&c->done);
  grove__mutex_deinit(&c->lock);
}

static grove_status init_locks(grove__client *c)
{
  GROVE__TRY(grove__mutex_init(&c->lock));
  grove_status s = grove__cond_init(&c->done);
  if (s) {
    grove__mutex_deinit(&c->lock);
    return s;
  }
  s = grove__keyring_init(&c->keys, &c->options, &c->allocator, wake, c);
  if (s) {
    grove__cond_deinit(&c->done);
    grove__mutex_deinit(&c->lock);
  }
  return s;
}

grove_status grove__client_create(
    const grove_store_options *o, grove__client **out, grove_error *err)
{
  *out = NULL;
  grove_status s = check_options(o, err);
  if (s) {
    return s;
  }
  grove_allocator a = grove__allocator_of(o->allocator);
  if (curl_global_init(CURL_GLOBAL_DEFAULT)) { // counted; from any thread since 7.84
    return grove__error(err, GROVE_EIO, -1, "libcurl can't be started");
  }
  grove__client *c = grove__alloc_zero(&a, sizeof *c);
  if (!c) {
    curl_global_cleanup();
    return grove__error_memory(err, "a client", sizeof *c);
  }
  c->allocator = a;
  c->options = *o;
  c->added_end = &c->added;
  c->random = grove__mix64((uint64_t)grove__clock_ns() ^ (uint64_t)(uintptr_t)c);
  fill_defaults(&c->options);
  bool locks = !init_locks(c);
  c->multi = curl_multi_init();
  bool texts = copy_texts(c, o);
  if (locks && c->multi && texts) {
    *out = c;
    return GROVE_OK;
  }
  if (locks) {
    deinit_locks(c);
  }
  curl_multi_cleanup(c->multi);
  free_texts(c);
  grove__free(&a, c, sizeof *c);
  curl_global_cleanup();
  return grove__error_memory(err, "a client", sizeof *c);
}

void grove__client_destroy(grove__client *c)
{
  if (!c) {
    return;
  }
  grove__mutex_lock(&c->lock);
  c->stop = true;
  bool started = c->started;
  grove__mutex_unlock(&c->lock);
  if (started) {
    (void)curl_multi_wakeup(c->multi);
    grove__thread_join(&c->thread);
  }
  deinit_locks(c); // first, for who is asked for keys wakes the other
  curl_multi_cleanup(c->multi);
  free_texts(c);
  grove_allocator a = c->allocator;
  grove__free(&a, c, sizeof *c);
  curl_global_cleanup();
}

const grove_store_options *grove__client_options(const grove__client *c)
{
  return &c->options;
}

const grove_allocator *grove__client_allocator(const grove__client *c)
{
  return &c->allocator;
}

// ---- the thread -----------------------------------------------------------------------------------

// Of lock's holder: the object's time goes on while anything is asked of it.
static void begin_spending(const grove__client *c, grove__exchange *x)
{
  grove__spent *s = x->ask.spent;
  if (!s || !c->options.file_ms) {
    return;
  }
  if (!s->asking++) {
    s->since_ns = grove__clock_ns();
  }
  x->late_ns = s->since_ns + (int64_t)c->options.file_ms * 1000000 - s->ns;
}

static void end_spending(const grove__client *c, const grove__exchange *x)
{
  grove__spent *s = x->ask.spent;
  if (s && c->options.file_ms && !--s->asking) {
    s->ns += grove__clock_ns() - s->since_ns;
  }
}

static void finish(grove__client *c, grove__exchange *x)
{
  grove__transfer_unset(x);
  grove__mutex_lock(&c->lock);
  end_spending(c, x);
  x->done = true;
  grove__cond_broadcast(&c->done);
  grove__mutex_unlock(&c->lock);
  // From here on x may be gone.
}

static void append(grove__exchange **list, grove__exchange *x)
{
  while (*list) {
    list = &(*list)->next;
  }
  x->next = NULL;
  *list = x;
}

static void take_out(grove__exchange **list, grove__exchange *x)
{
  while (*list != x) {
    list = &(*list)->next;
  }
  *list = x->next;
}

static bool take_added(grove__client *c)
{
  grove__mutex_lock(&c->lock);
  grove__exchange *added = c->added;
  bool stop = c->stop;
  c->added = NULL;
  c->added_end = &c->added;
  grove__mutex_unlock(&c->lock);
  while (added) {
    grove__exchange *next = added->next;
    append(&c->waiting, added);
    added = next;
  }
  return !stop;
}

static void stop_running(grove__client *c, grove__exchange *x)
{
  (void)curl_multi_remove_handle(c->multi, x->easy);
  take_out(&c->running, x);
  c->n_running--;
}

static void end_dropped_of(grove__client *c, grove__exchange *list, bool running, bool reads)
{
  for (grove__exchange *x = list, *next; x; x = next) {
    next = x->next;
    grove__mutex_lock(&c->lock);
    bool dropped = x->dropped;
    grove__mutex_unlock(&c->lock);
    if (dropped || (reads && !strcmp(x->ask.method, "GET"))) {
      if (running) {
        stop_running(c, x);
      } else {
        take_out(&c->waiting, x);
      }
      x->status = grove__error(&x->error, GROVE_ECANCELED, -1, "the request was given up");
      finish(c, x);
    }
  }
}

static void end_dropped(grove__client *c)
{
  grove__mutex_lock(&c->lock);
  bool reads = c->interrupted, drops = c->drops || reads;
  c->drops = c->interrupted = false;
  grove__mutex_unlock(&c->lock);
  if (drops) {
    end_dropped_of(c, c->waiting, false, reads);
    end_dropped_of(c, c->running, true, reads);
  }
}

static void start(grove__client *c, grove__exchange *x, int64_t now)
{
  take_out(&c->waiting, x);
  x->attempts++;
  grove_status s = grove__transfer_set(x, &c->options);
  if (!s && curl_multi_add_handle(c->multi, x->easy)) {
    s = grove__error_memory(&x->error, "a request", sizeof *x);
  }
  if (s) {
    x->status = s;
    finish(c, x);
    return;
  }
  x->progress_ns = now;
  append(&c->running, x);
  c->n_running++;
}

static void start_due(grove__client *c, int64_t now)
{
  for (grove__exchange *x = c->waiting, *next; x && c->n_running < c->options.connections;
       x = next) {
    next = x->next;
    if (x->due_ns <= now && grove__keyring_lets(&c->keys, x, now)) {
      start(c, x, now);
    }
  }
}

// Exponential, with jitter from one half on, so that many clients of a busy server don't come back together
// (the "equal jitter" of M. Brooker, "Exponential Backoff and Jitter", 2015). A server's Retry-After counts if it is
// longer, up to the same limit.
static int64_t backoff_ns(grove__client *c, const grove__exchange *x)
{
  uint64_t ms = c->options.backoff_ms;
  for (uint32_t i = 1; i < x->attempts && ms < c->options.backoff_most_ms; i++) {
    ms *= 2;
  }
  uint64_t most = c->options.backoff_most_ms;
  ms = ms < most ? ms : most;
  ms = ms / 2 + grove__random_next(&c->random) % (ms / 2 + 1);
  uint64_t asked = x->retry_after_ms < most ? x->retry_after_ms : most;
  return (int64_t)((ms > asked ? ms : asked) * 1000000);
}

static void end_attempt(grove__client *c, grove__exchange *x, CURLcode code, bool stalled)
{
  stop_running(c, x);
  grove__verdict verdict = grove__transfer_judge(x, code, stalled, &c->options);
  int64_t now = grove__clock_ns();
  if (verdict != GROVE__VERDICT_DONE && grove__keyring_refused(&c->keys, x, now)) {
    grove__transfer_unset(x);
    x->due_ns = now;
    append(&c->waiting, x);
    return;
  }
  if (verdict == GROVE__VERDICT_RETRY && x->attempts <= c->options.retries) {
    grove__transfer_unset(x);
    x->due_ns = now + backoff_ns(c, x);
    append(&c->waiting, x);
    return;
  }
  finish(c, x);
}

static void end_finished(grove__client *c)
{
  int left;
  for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left)) != NULL;) {
    if (m->msg == CURLMSG_DONE) {
      CURLcode code = m->data.result;
      char *user = NULL;
      (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &user);
      end_attempt(c, (grove__exchange *)(void *)user, code, false);
    }
  }
}

static void end_stalled(grove__client *c, int64_t now)
{
  int64_t most = (int64_t)c->options.timeout_ms * 1000000;
  for (grove__exchange *x = c->running, *next; x; x = next) {
    next = x->next;
    if (now - x->progress_ns >= most) {
      end_attempt(c, x, CURLE_OPERATION_TIMEDOUT, true);
    }
  }
}

static void end_late_of(grove__client *c, grove__exchange *list, bool running, int64_t now)
{
  for (grove__exchange *x = list, *next; x; x = next) {
    next = x->next;
    if (!x->late_ns || now < x->late_ns) {
      continue;
    }
    if (running) {
      stop_running(c, x);
    } else {
      take_out(&c->waiting, x);
    }
    grove__transfer_late(x, &c->options);
    finish(c, x);
  }
}

static void end_late(grove__client *c, int64_t now)
{
  if (c->options.file_ms) {
    end_late_of(c, c->waiting, false, now);
    end_late_of(c, c->running, true, now);
  }
}

static int64_t earlier(int64_t until, const grove__exchange *x)
{
  return x->late_ns && x->late_ns < until ? x->late_ns : until;
}

// Until the next exchange is due, stalled or late; libcurl's own timers are in curl_multi_poll.
static int wait_ms(const grove__client *c, int64_t now)
{
  int64_t until = now + (int64_t)IDLE_MS * 1000000;
  for (const grove__exchange *x = c->waiting; x && c->n_running < c->options.connections;
       x = x->next) {
    bool due = x->due_ns < until && !grove__keyring_holds(&c->keys, x, now); // the keyring wakes us for those
    until = due ? x->due_ns : until;
  }
  for (const grove__exchange *x = c->running; x; x = x->next) {
    int64_t end = x->progress_ns + (int64_t)c->options.timeout_ms * 1000000;
    until = earlier(end < until ? end : until, x);
  }
  for (const grove__exchange *x = c->waiting; x; x = x->next) {
    until = earlier(until, x);
  }
  return until <= now ? 0 : (int)((until - now) / 1000000 + 1);
}

// New keys, or none: then who was refused and waits for them has failed.
static void take_keys(grove__client *c)
{
  if (!grove__keyring_take(&c->keys, grove__clock_ns())) {
    return;
  }
  for (grove__exchange *x = c->waiting, *next; x; x = next) {
    next = x->next;
    if (x->awaits_keys) {
      take_out(&c->waiting, x);
      grove__keyring_fail(&c->keys, x);
      finish(c, x);
    }
  }
}

static void run(void *user)
{
  grove__client *c = user;
  while (take_added(c)) {
    int n;
    end_dropped(c);
    take_keys(c);
    start_due(c, grove__clock_ns());
    (void)curl_multi_perform(c->multi, &n);
    end_finished(c);
    end_stalled(c, grove__clock_ns());
    end_late(c, grove__clock_ns());
    (void)curl_multi_poll(c->multi, NULL, 0, wait_ms(c, grove__clock_ns()), NULL);
  }
}

// ---- the face -------------------------------------------------------------------------------------

void grove__exchange_init(grove__exchange *x)
{
  memset(x, 0, sizeof *x);
  x->ask.method = "GET";
  x->total = UINT64_MAX;
}

void grove__client_begin(grove__client *c, grove__exchange *x)
{
  x->client = c;
  x->next = NULL;
  grove__mutex_lock(&c->lock);
  if (!c->started) {
    x->status = grove__thread_create(&c->thread, 0, "grove-remote", run, c);
    c->started = !x->status;
    if (x->status) {
      x->done = true;
      grove__mutex_unlock(&c->lock);
      (void)grove__error(&x->error, x->status, -1, "no thread for a store's requests");
      return;
    }
  }
  begin_spending(c, x);
  *c->added_end = x;
  c->added_end = &x->next;
  grove__mutex_unlock(&c->lock);
  (void)curl_multi_wakeup(c->multi);
}

static void wait_done(grove__client *c, const grove__exchange *x)
{
  while (!x->done) {
    grove__cond_wait(&c->done, &c->lock);
  }
}

grove_status grove__client_wait(grove__client *c, grove__exchange *x, grove_error *err)
{
  grove__mutex_lock(&c->lock);
  wait_done(c, x);
  grove__mutex_unlock(&c->lock);
  if (x->status && err) {
    *err = x->error;
  }
  return x->status;
}

bool grove__client_is_done(grove__client *c, const grove__exchange *x)
{
  grove__mutex_lock(&c->lock);
  bool done = x->done;
  grove__mutex_unlock(&c->lock);
  return done;
}

void grove__client_drop(grove__client *c, grove__exchange *x)
{
  grove__mutex_lock(&c->lock);
  if (!x->done) {
    x->dropped = true;
    c->drops = true;
    (void)curl_multi_wakeup(c->multi);
    wait_done(c, x);
  }
  grove__mutex_unlock(&c->lock);
}

void grove__client_interrupt(grove__client *c)
{
  grove__mutex_lock(&c->lock);
  c->interrupted = c->started;
  grove__mutex_unlock(&c->lock);
  (void)curl_multi_wakeup(c->multi);
}

grove_status grove__client_run(grove__client *c, grove__exchange *x, grove_error *err)
{
  grove__client_begin(c, x);
  return grove__client_wait(c, x, err);
}

void grove__exchange_clear(grove__client *c, grove__exchange *x)
{
  grove__free(&c->allocator, x->body, x->room);
  x->body = NULL;
  x->room = x->bytes = 0;
}
