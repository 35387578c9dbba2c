#include "check.h"
#include "plat/clock.h"
#include "plat/thread.h"
#include <pthread.h>
#include <signal.h>

typedef struct gate {
  grove__mutex lock;
  grove__cond changed;
  int count;
} gate;

static void open_gate(gate *g)
{
  memset(g, 0, sizeof(*g));
  check_ok(grove__mutex_init(&g->lock));
  check_ok(grove__cond_init(&g->changed));
}
static void close_gate(gate *g)
{
  grove__cond_deinit(&g->changed);
  grove__mutex_deinit(&g->lock);
}
static void count_up(void *user)
{
  gate *g = user;
  grove__mutex_lock(&g->lock);
  g->count++;
  grove__cond_broadcast(&g->changed);
  grove__mutex_unlock(&g->lock);
}
static void wait_for_count(gate *g, int count)
{
  grove__mutex_lock(&g->lock);
  while (g->count < count) {
    grove__cond_wait(&g->changed, &g->lock);
  }
  grove__mutex_unlock(&g->lock);
}

// ---- locks ----------------------------------------------------------------------------------------

enum { ROUNDS = 20000 };

static void add_many(void *user)
{
  gate *g = user;
  for (int i = 0; i < ROUNDS; i++) {
    grove__mutex_lock(&g->lock);
    g->count++;
    grove__mutex_unlock(&g->lock);
  }
}

static void mutex_excludes(void **state)
{
  (void)state;
  gate g;
  open_gate(&g);
  grove__thread threads[4];
  for (size_t i = 0; i < 4; i++) {
    check_ok(grove__thread_create(&threads[i], 0, "adder", add_many, &g));
  }
  for (size_t i = 0; i < 4; i++) {
    grove__thread_join(&threads[i]);
  }
  assert_int_equal(g.count, 4 * ROUNDS);
  close_gate(&g);
}

static void play_ping(void *user)
{
  gate *g = user;
  grove__mutex_lock(&g->lock);
  for (int i = 0; i < 1000; i++) {
    while (g->count % 2 == 0) {
      (void)grove__cond_wait_until(&g->changed, &g->lock, INT64_MAX);
    }
    g->count++;
    grove__cond_signal(&g->changed);
  }
  grove__mutex_unlock(&g->lock);
}

static void cond_wakes(void **state)
{
  (void)state;
  gate g;
  open_gate(&g);
  grove__thread other;
  check_ok(grove__thread_create(&other, 64 << 10, NULL, play_ping, &g));
  int64_t far = grove__clock_ns() + INT64_C(3600) * 1000000000;
  grove__mutex_lock(&g.lock);
  for (int i = 0; i < 1000; i++) {
    g.count++;
    grove__cond_signal(&g.changed);
    while (g.count % 2) {
      assert_true(grove__cond_wait_until(&g.changed, &g.lock, far));
    }
  }
  grove__mutex_unlock(&g.lock);
  grove__thread_join(&other);
  assert_int_equal(g.count, 2000);
  close_gate(&g);
}

static void cond_gives_up_at_its_deadline(void **state)
{
  (void)state;
  gate g;
  open_gate(&g);
  grove__mutex_lock(&g.lock);
  assert_false(grove__cond_wait_until(&g.changed, &g.lock, grove__clock_ns()));
  assert_false(grove__cond_wait_until(&g.changed, &g.lock, 0));
  assert_false(grove__cond_wait_until(&g.changed, &g.lock, INT64_MIN));
  int64_t deadline = grove__clock_ns() + 3000000;
  while (grove__cond_wait_until(&g.changed, &g.lock, deadline)) {}
  assert_true(grove__clock_ns() >= deadline);
  grove__mutex_unlock(&g.lock);
  close_gate(&g);
}

static void cond_takes_a_deadline_beyond_the_clock(void **state)
{
  (void)state;
  gate g;
  open_gate(&g);
  grove__thread other;
  grove__mutex_lock(&g.lock);
  check_ok(grove__thread_create(&other, 0, NULL, count_up, &g));
  while (g.count == 0) {
    assert_true(grove__cond_wait_until(&g.changed, &g.lock, INT64_MAX - 1));
  }
  grove__mutex_unlock(&g.lock);
  grove__thread_join(&other);
  close_gate(&g);
}

static void clock_runs_forward(void **state)
{
  (void)state;
  int64_t last = grove__clock_ns();
  assert_true(last > 0);
  int64_t first = last;
  while (last < first + 1000000) {
    int64_t now = grove__clock_ns();
    assert_true(now >= last);
    last = now;
  }
}

// ---- threads --------------------------------------------------------------------------------------

typedef struct portrait {
  char name[32];
  size_t stack_bytes;
  sigset_t blocked;
  uint64_t self;
} portrait;

static void paint(void *user)
{
  portrait *p = user;
  (void)pthread_getname_np(pthread_self(), p->name, sizeof(p->name));
  pthread_attr_t attr;
  void *low;
  if (pthread_getattr_np(pthread_self(), &attr) == 0) {
    (void)pthread_attr_getstack(&attr, &low, &p->stack_bytes);
    (void)pthread_attr_destroy(&attr);
  }
  (void)pthread_sigmask(SIG_BLOCK, NULL, &p->blocked);
  p->self = grove__thread_self();
}

static void thread_is_as_asked(void **state)
{
  (void)state;
  sigset_t usr1;
  sigset_t before;
  sigset_t after;
  (void)sigemptyset(&usr1);
  (void)sigaddset(&usr1, SIGUSR1);
  (void)pthread_sigmask(SIG_BLOCK, &usr1, NULL);
  (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
  portrait p = {0};
  grove__thread t;
  check_ok(grove__thread_create(&t, (size_t)20 << 20, "a name that is too long", paint, &p));
  (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
  grove__thread_join(&t);
  for (int s = 1; s < 32; s++) {
    assert_int_equal(sigismember(&before, s), sigismember(&after, s));
  }
  assert_string_equal(p.name, "a name that is ");
  assert_true(p.stack_bytes >= ((size_t)20 << 20) - (64 << 10)); // glibc counts its own part in
  assert_int_not_equal(p.self, grove__thread_self());
  static const int blocked[] = {SIGINT, SIGTERM, SIGCHLD, SIGPIPE, SIGALRM, SIGUSR1, SIGHUP};
  static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++) {
    assert_int_equal(sigismember(&p.blocked, blocked[i]), 1);
  }
  for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
    assert_int_equal(sigismember(&p.blocked, open[i]), 0);
  }
  (void)pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
}

static void thread_with_impossible_stack_is_refused(void **state)
{
  (void)state;
  grove__thread t;
  sigset_t before;
  sigset_t after;
  (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
  check_status(grove__thread_create(&t, SIZE_MAX, NULL, paint, NULL), GROVE_ENOMEM);
  check_status(grove__thread_create(&t, (size_t)1 << 60, NULL, paint, NULL), GROVE_EAGAIN);
  (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
  assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

static void detached_thread_runs(void **state)
{
  (void)state;
  static gate g; // outlives the thread, which may still be in count_up when it is seen
  open_gate(&g);
  for (int i = 0; i < 8; i++) {
    grove__thread t;
    check_ok(grove__thread_create(&t, 0, "loose", count_up, &g));
    grove__thread_detach(&t);
  }
  wait_for_count(&g, 8);
}

// ---- keys -----------------------------------------------------------------------------------------

typedef struct key_task {
  grove__key *key;
  void *first, *last;
  grove_status status;
} key_task;

static void use_key(void *user)
{
  key_task *t = user;
  t->first = grove__key_get(t->key);
  t->status = grove__key_set(t->key, t);
  t->last = grove__key_get(t->key);
}

static void key_is_per_thread(void **state)
{
  (void)state;
  grove__key key;
  int mine;
  check_ok(grove__key_create(&key));
  assert_null(grove__key_get(&key));
  check_ok(grove__key_set(&key, &mine));
  key_task task = {.key = &key, .first = &mine};
  grove__thread t;
  check_ok(grove__thread_create(&t, 0, NULL, use_key, &task));
  grove__thread_join(&t);
  check_ok(task.status);
  assert_null(task.first);
  assert_ptr_equal(task.last, &task);
  assert_ptr_equal(grove__key_get(&key), &mine);
  check_ok(grove__key_set(&key, NULL));
  assert_null(grove__key_get(&key));
  grove__key_destroy(&key);
}

static void keys_run_out_with_a_status(void **state)
{
  (void)state;
  enum { MOST = 8192 };
  static grove__key keys[MOST];
  size_t n = 0;
  grove_status status = GROVE_OK;
  while (n < MOST && (status = grove__key_create(&keys[n])) == GROVE_OK) {
    check_ok(grove__key_set(&keys[n], keys));
    n++;
  }
  check_status(status, GROVE_ELIMIT);
  while (n) {
    grove__key_destroy(&keys[--n]);
  }
  check_ok(grove__key_create(&keys[0]));
  assert_null(grove__key_get(&keys[0]));
  grove__key_destroy(&keys[0]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mutex_excludes),
      cmocka_unit_test(cond_wakes),
      cmocka_unit_test(cond_gives_up_at_its_deadline),
      cmocka_unit_test(cond_takes_a_deadline_beyond_the_clock),
      cmocka_unit_test(clock_runs_forward),
      cmocka_unit_test(thread_is_as_asked),
      cmocka_unit_test(thread_with_impossible_stack_is_refused),
      cmocka_unit_test(detached_thread_runs),
      cmocka_unit_test(key_is_per_thread),
      cmocka_unit_test(keys_run_out_with_a_status),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
