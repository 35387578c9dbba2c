// Stacks under a whole runtime: each way to guard them, the limit by its name, and who overran his.
#include "actor/policy.h"
#include "actors.h"
#include "plat/budget.h"
#include "plat/stack.h"
#include "supervise/policy.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const int guards[] = {GROVE__GUARD_BEST, GROVE__GUARD_MPROTECT, GROVE__GUARD_CANARY};

// Uses a good part of the stack, before and after it waits.
__attribute__((noinline)) static long dig(grove *self, int depth, pause_point *p)
{
  volatile char earth[2000];
  long n = 0;
  memset((char *)(uintptr_t)earth, depth, sizeof earth);
  if (depth == 0) {
    return job_pause(self, NULL, p, &n) ? -1000000 : n;
  }
  n = dig(self, depth - 1, p);
  for (size_t i = 0; i < sizeof earth; i += 100) {
    n += earth[i] != (char)depth;
  }
  return n;
}
static grove_status job_dig(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  *reply = dig(self, 60, user);
  return GROVE_OK;
}

static void test_each_guard(void **state)
{
  (void)state;
  enum { DIGGERS = 150, MOST = 100 };
  for (size_t k = 0; k < sizeof guards / sizeof *guards; k++) {
    static pause_point p[DIGGERS];
    grove_future f[DIGGERS];
    grove *g;
    grove_error err;
    memset(p, 0, sizeof p);
    grove_options o = {GROVE_OPTIONS, .workers = 2, .max_suspended = MOST, .turn_warn_ms = 100000};
    check_ok(grove__system_start(&o, &grove__supervise_policy, guards[k], &g));
    for (int i = 0; i < DIGGERS; i++) {
      f[i] = ask(g, spawn_hand(g), job_dig, &p[i]);
    }
    int limited = 0;
    for (int i = 0; i < DIGGERS; i++) { // each stands in its wait, or was refused one
      while (!atomic_load(&p[i].begun)) {
        check_pause();
      }
    }
    grove_stats s = {.struct_size = sizeof s};
    do {
      check_ok(grove_stats_get(g, &s));
      limited = 0;
      for (int i = 0; i < DIGGERS; i++) {
        limited += atomic_load(&p[i].ended);
      }
    } while (s.suspended + (uint32_t)limited < DIGGERS);
    assert_in_range(s.suspended, MOST, MOST + 2);
    for (int i = 0; i < DIGGERS; i++) {
      long n = -1;
      if (!atomic_load(&p[i].ended)) {
        pause_end(g, &p[i], 7);
      }
      check_ok_err(grove_get(g, f[i], 20000, &n, sizeof n, &err), &err);
      assert_true(n == 7 || n == -1000000);
    }
    check_ok(grove_stop(g, 20000, NULL));
  }
}

// The limit has its name wherever one waits.
static grove_status job_get_in_words(grove *self, hand_state *s, void *user, long *reply)
{
  grove_error err = {.status = GROVE_OK};
  grove_promise p;
  grove_future f;
  (void)s;
  grove_status status = grove_promise_create(self, &grove_type_of_long, &p, &f);
  status = status ? status : grove_get(self, f, GROVE_FOREVER, reply, sizeof *reply, &err);
  *(grove_error *)user = err;
  return status;
}
static void test_the_limit_has_a_name(void **state)
{
  struct rig *r = *state;
  static pause_point p[3];
  static grove_error words;
  memset(p, 0, sizeof p);
  rig_restart(r, &(grove_options){.workers = 1, .max_suspended = 3, .turn_warn_ms = 100000});
  grove_future f[3];
  for (int i = 0; i < 3; i++) {
    f[i] = ask(r->g, spawn_hand(r->g), job_pause, &p[i]);
    rig_until(r, &p[i].begun, 1);
  }
  grove_stats s = {.struct_size = sizeof s};
  while (s.suspended < 3) {
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_stats_get(r->g, &s));
  }
  check_status(
      ask_and_get(r->g, spawn_hand(r->g), job_get_in_words, &words, NULL, NULL), GROVE_ELIMIT);
  check_contains(words.text, "max_suspended (3)");
  for (int i = 0; i < 3; i++) {
    pause_end(r->g, &p[i], 1);
    check_ok(grove_get(r->g, f[i], 20000, NULL, 0, NULL));
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#else
#define SANITIZED 1
#endif
#if !defined(SANITIZED)
// Deeper than its stack, and back: nothing but the canary can tell, when it waits next.
__attribute__((noinline)) static int fall(int depth, volatile char *above)
{
  volatile char frame[4096];
  for (size_t i = 0; i < sizeof frame; i++) { // all of it: a canary has few words
    frame[i] = (char)depth;
  }
  above[0] = frame[0]; // so each call has a frame of its own
  return depth ? fall(depth - 1, frame) + frame[0] : frame[4095];
}
static grove_status job_fall(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  volatile char ground[1];
  *reply = fall(20, ground);
  return grove_sleep(self, 1);
}
static void log_to_pipe(void *user, int level, const char *component, const char *text)
{
  if (level == GROVE_LOG_ERROR) {
    (void)!write(*(int *)user, component, strlen(component));
    (void)!write(*(int *)user, ": ", 2);
    (void)!write(*(int *)user, text, strlen(text));
  }
}
static void overrun(int fd, int guard)
{
  grove *g;
  static pause_point p[8];
  grove_options o = {
      GROVE_OPTIONS, .workers = 1, .stack_bytes = 64 << 10, .log = log_to_pipe, .user = &fd};
  if (grove__system_start(&o, &grove__supervise_policy, guard, &g)) {
    _exit(1);
  }
  for (int i = 0; i < 8; i++) { // the stacks below it are others'
    (void)ask(g, spawn_hand(g), job_pause, &p[i]);
  }
  grove_ref a = spawn_plan(g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "icarus"});
  (void)ask_and_get(g, a, job_fall, NULL, NULL, NULL);
  _exit(2);
}
static void test_who_overran_his_stack(void **state)
{
  (void)state;
  for (size_t k = 0; k < sizeof guards / sizeof *guards; k++) {
    int fd[2], how;
    char text[600] = "";
    assert_int_equal(pipe(fd), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      close(fd[0]);
      signal(SIGSEGV, SIG_DFL); // cmocka's would print
      signal(SIGILL, SIG_DFL);
      signal(SIGTRAP, SIG_DFL);
      overrun(fd[1], guards[k]);
    }
    close(fd[1]);
    for (size_t n = 0; n < sizeof text - 1;) {
      ssize_t got = read(fd[0], text + n, sizeof text - 1 - n);
      if (got <= 0) {
        break;
      }
      n += (size_t)got;
    }
    close(fd[0]);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how)); // a page that can't be touched, or the trap
    if (guards[k] == GROVE__GUARD_CANARY) {
      assert_true(WTERMSIG(how) == SIGILL || WTERMSIG(how) == SIGTRAP);
      check_contains(text, "stack: hand \"icarus\": an actor overran its stack of ");
      check_contains(text, "stack_bytes");
    } else {
      assert_int_equal(WTERMSIG(how), SIGSEGV);
    }
  }
}
#endif

// ---- threads ----------------------------------------------------------------------------------------------------
GROVE_FUNCTION(nothing_much, long, long)
static grove_status nothing_much(grove *self, const long *n, long *out)
{
  (void)self;
  *out = *n;
  return GROVE_OK;
}
#define apart_LIST(S, M) HAND_METHODS(S, M, apart)
HANDS(apart, .own_thread = 1)
typedef struct names {
  atomic_int begun[5], ended[5], other;
} names;
static const char *const known[] = {
    "grove-work-0", "grove-clock", "grove-offload", "grove-own", "grove-work-1"};
static void note_name(names *n, atomic_int *counts, const char *name)
{
  for (int i = 0; i < 5; i++) {
    if (strcmp(name, known[i]) == 0) {
      atomic_fetch_add(&counts[i], 1);
      return;
    }
  }
  atomic_fetch_add(&n->other, 1);
}
static void note_start(void *user, const char *name)
{
  char own[16] = "";
  (void)pthread_getname_np(pthread_self(), own, sizeof own);
  atomic_fetch_add(&((names *)user)->other, strncmp(own, name, 15) != 0); // the system has the same
  note_name(user, ((names *)user)->begun, name);
}
static void note_stop(void *user, const char *name)
{
  note_name(user, ((names *)user)->ended, name);
}
static void test_threads_have_names(void **state)
{
  (void)state;
  static names n;
  memset(&n, 0, sizeof n);
  grove *g;
  long out;
  grove_options o = {GROVE_OPTIONS, .workers = 1, .turn_warn_ms = 100000,
      .thread_start = note_start, .thread_stop = note_stop, .user = &n};
  check_ok(grove_start(&o, &g));
  check_ok(ask_and_get(g, spawn_hand(g), job_echo, NULL, NULL, NULL));
  check_ok(nothing_much_get(g, nothing_much_offload(g, 3), 20000, &out, NULL));
  grove_future f = ask_of(g, spawn_of(g, &apart_class), &apart_run_method, job_echo, NULL);
  check_ok(grove_get(g, f, 20000, NULL, 0, NULL));
  check_ok(grove_stop(g, 20000, NULL));
  for (int i = 0; i < 4; i++) {
    assert_in_range(
        n.begun[i], 1, i == 2 ? 2 : 1); // a second offload thread may have come for nothing
    assert_int_equal(n.ended[i], n.begun[i]);
  }
  assert_int_equal(n.begun[4], 0);
  assert_int_equal(n.other, 0);
}

static void test_as_many_workers_as_processors(void **state)
{
  (void)state;
  grove *g;
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_start(NULL, &g));
  check_ok(grove_stats_get(g, &s));
  uint32_t budget = grove__cpu_budget();
  assert_int_equal(s.workers, budget < 256 ? budget : 256);
  check_ok(grove_stop(g, 20000, NULL));
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = budget + 3}, &g));
  check_ok(grove_stats_get(g, &s));
  assert_int_equal(s.workers, budget + 3); // what is asked for is what there is
  check_ok(grove_stop(g, 20000, NULL));
}

// What a time-out says of waits that are for no call.
static grove_status start_slowly(grove *self, hand_state *s, void *user, long *reply)
{
  return job_pause(self, s, user, reply);
}
static void test_starts_and_ends_that_do_not_come(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  long n;
  memset(&p, 0, sizeof p);
  grove_error err;
  grove_ref a = spawn_plan(r->g, (hand_plan){.start = start_slowly, .user = &p},
      &(grove_spawn_options){GROVE_SPAWN, .name = "snail"});
  grove_future ready = grove_ready(r->g, a), down = grove_monitor(r->g, a);
  check_status(grove_get(r->g, ready, 20, NULL, 0, &err), GROVE_ETIMEDOUT);
  check_contains(err.text, "the start of hand \"snail\" has not come");
  check_status(grove_get(r->g, down, 20, NULL, 0, &err), GROVE_ETIMEDOUT);
  check_contains(err.text, "the end of hand \"snail\" has not come");
  rig_until(r, &p.begun, 1);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, ready, 20000, NULL, 0, NULL));
  check_ok(ask_and_get(r->g, a, job_echo, (void *)2, &n, NULL));
}

static const rig_test tests[] = {
    ON(WORKERS, test_each_guard),
    EVERYWHERE(test_the_limit_has_a_name),
#if !defined(SANITIZED)
    ON(WORKERS, test_who_overran_his_stack),
#endif
    ON(WORKERS, test_threads_have_names),
    ON(WORKERS, test_as_many_workers_as_processors),
    EVERYWHERE(test_starts_and_ends_that_do_not_come),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
