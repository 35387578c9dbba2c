// Actors in processes of their own: messages, failures, ends, and what a process can do to its host, which is nothing.
#include <fcntl.h>
#include <grove/watch.h>
#include <signal.h>
#include <unistd.h>
#include "check.h"
#include "inmate.h"
#include "plat/lock.h"
#include "plat/thread.h"

#if defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

// ---- the host -----------------------------------------------------------------------------------------
static char logged[64 * 1024];
static size_t logged_n;
static grove__mutex logged_lock;

static void keep_line(void *user, int level, const char *component, const char *text)
{
  (void)user, (void)level;
  grove__mutex_lock(&logged_lock);
  int n = snprintf(
      logged + logged_n, sizeof logged - logged_n, "%s %s\n", component ? component : "", text);
  if (n > 0 && (size_t)n < sizeof logged - logged_n) {
    logged_n += (size_t)n;
  }
  grove__mutex_unlock(&logged_lock);
}

static bool was_logged(const char *text)
{
  grove__mutex_lock(&logged_lock);
  bool found = strstr(logged, text) != NULL;
  grove__mutex_unlock(&logged_lock);
  return found;
}

static grove *start(void)
{
  grove *g;
  logged_n = 0;
  logged[0] = 0;
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2, .log = keep_line}, &g));
  return g;
}

// All that there was is gone, and in time.
static void stop(grove *g)
{
  grove_stop_report report = {.struct_size = sizeof report};
  check_ok(grove_stop(g, 60 * 1000, &report));
  assert_int_equal(report.busy, 0);
  assert_false(was_logged("not back"));
}

static inmate_ref spawn(grove *g, uint32_t restart)
{
  const int how = INMATE_STARTS;
  const grove_spawn_options o = {GROVE_SPAWN, .restart = restart, .backoff_min_ms = 1,
      .queue_ms = 60 * 1000, .max_restarts = 100};
  return (inmate_ref){grove_isolated_spawn(g, &inmate_class, &how, &o, NULL)};
}

enum { LONG_MS = 60 * 1000 };

static long pid_of(grove *g, inmate_ref i)
{
  long pid = 0;
  grove_error err = {.at = -1};
  check_ok_err(inmate_pid_ask(g, i, GROVE_NONE, LONG_MS, &pid, &err), &err);
  return pid;
}

static bool is_alive(long pid)
{
  return kill((pid_t)pid, 0) == 0;
}

// What its parent hears of its end.
static grove_error end_of(grove *g, inmate_ref i)
{
  grove_error why = {.at = -1};
  check_ok(grove_get(g, grove_monitor(g, i.ref), LONG_MS, &why, sizeof why, NULL));
  return why;
}

// ---- messages -----------------------------------------------------------------------------------------
static void calls_cross_in_order(void **state)
{
  (void)state;
  enum { N = 500 };
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  static grove_future f[N];
  for (long n = 0; n < N; n++) {
    f[n] = inmate_add_call(g, i, n).future;
  }
  long sum = 0;
  for (long n = 0; n < N; n++) {
    long got = 0;
    sum += n;
    check_ok(grove_get(g, f[n], LONG_MS, &got, sizeof got, NULL));
    assert_int_equal(got, sum);
  }
  assert_int_not_equal(pid_of(g, i), getpid());
  check_ok(inmate_add_send(g, i, 1)); // one without an answer comes before the next
  long got = 0;
  check_ok(inmate_add_ask(g, i, 1, LONG_MS, &got, NULL));
  assert_int_equal(got, sum + 2);
  stop(g);
}

static void shared_bytes_cross(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  grove_string got;
  check_ok(inmate_twice_ask(g, i, grove_string_of("grove"), LONG_MS, &got, NULL));
  assert_string_equal(grove_text(got), "grovegrove");
  grove_release(got.shared);
  check_ok(inmate_twice_ask(g, i, grove_string_of(""), LONG_MS, &got, NULL));
  assert_string_equal(grove_text(got), "");
  grove_release(got.shared);
  enum { MUCH = 5 * 1000 * 1000 };
  char *much = malloc(MUCH + 1);
  assert_non_null(much);
  memset(much, 'y', MUCH);
  much[MUCH] = 0;
  check_ok(inmate_twice_ask(g, i, grove_string_of(much), LONG_MS, &got, NULL));
  assert_int_equal(strlen(grove_text(got)), 2 * MUCH);
  assert_memory_equal((const char *)got.shared.ptr + MUCH, much, MUCH);
  grove_release(got.shared);
  free(much);
  stop(g);
}

static void long_messages_are_refused(void **state)
{
  (void)state;
  grove *g = start();
  const int how = INMATE_STARTS;
  const grove_isolated_options o = {GROVE_ISOLATED, .message_bytes = 10000};
  inmate_ref i = {grove_isolated_spawn(g, &inmate_class, &how, NULL, &o)};
  static char text[20001];
  memset(text, 'z', sizeof text - 1);
  grove_error err = {.at = -1};
  check_status(inmate_twice_ask(g, i, grove_string_of(text), LONG_MS, NULL, &err), GROVE_ELIMIT);
  check_contains(err.text, "message_bytes");
  check_status(inmate_fill_ask(g, i, 20000, LONG_MS, NULL, &err), GROVE_ELIMIT);
  check_contains(err.text, "message_bytes");
  grove_string got;
  check_ok(inmate_fill_ask(g, i, 9000, LONG_MS, &got, NULL)); // it lives on
  grove_release(got.shared);
  stop(g);
}

static void a_failed_call_keeps_its_words(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  grove_error err = {.at = -1};
  check_status(inmate_refuse_ask(g, i, GROVE_NONE, LONG_MS, NULL, &err), GROVE_EUSER - 7);
  check_contains(err.text, "it refuses");
  long got = 0;
  check_ok(inmate_add_ask(g, i, 3, LONG_MS, &got, NULL));
  assert_int_equal(got, 3);
  stop(g);
}

static void a_cancel_crosses(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  grove_future f = inmate_yield_for_ever_call(g, i, GROVE_NONE).future;
  grove_info info = {.struct_size = sizeof info};
  do { // one that has not crossed would be taken back
    check_ok(grove_inspect(g, i.ref, &info));
  } while (strcmp(info.state, "yields for ever") != 0);
  grove_cancel(g, f);
  (void)!grove_get(g, f, LONG_MS, NULL, 0, NULL);
  check_status(inmate_yield_for_ever_ask(g, i, GROVE_NONE, 50, NULL, NULL), GROVE_EEXPIRED);
  // The actor takes its next message when the method has seen it.
  long n = 0;
  check_ok(inmate_canceled_ask(g, i, GROVE_NONE, LONG_MS, &n, NULL));
  assert_in_range(n, 1, 2); // the second may never have crossed
  stop(g);
}

static void state_and_log_cross(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  check_ok(grove_get(g, grove_ready(g, i.ref), LONG_MS, NULL, 0, NULL));
  grove_info info = {.struct_size = sizeof info};
  check_ok(grove_inspect(g, i.ref, &info));
  check_contains(info.state, "process ");
  check_ok(inmate_say_ask(g, i, grove_string_of("let me out"), LONG_MS, NULL, NULL));
  assert_true(was_logged("let me out")); // written before the answer was
  check_ok(inmate_show_ask(g, i, grove_string_of("digging 3/7"), LONG_MS, NULL, NULL));
  do {
    check_ok(grove_inspect(g, i.ref, &info));
  } while (strcmp(info.state, "digging 3/7") != 0);
  stop(g);
}

// ---- ends of the process ------------------------------------------------------------------------------
static void a_signal_is_a_death(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  grove_error err = {.at = -1};
  check_status(inmate_raise_ask(g, i, SIGKILL, LONG_MS, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "signal 9 (SIGKILL)");
  grove_error why = end_of(g, i);
  check_contains(why.text, "signal 9 (SIGKILL)");
  stop(g);
}

static void an_exit_is_a_death(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  grove_error err = {.at = -1};
  check_status(inmate_leave_ask(g, i, 3, LONG_MS, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "exited with code 3");
  assert_int_equal(end_of(g, i).status, GROVE_EDEAD);
  stop(g);
}

static void a_crash_is_a_death_with_its_words(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  grove_error err = {.at = -1};
  check_status(inmate_crash_ask(g, i, GROVE_NONE, LONG_MS, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "it lost its mind");
  check_contains(end_of(g, i).text, "it lost its mind");
  stop(g);
}

static void an_exit_of_its_own_is_no_failure(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TRANSIENT);
  check_ok(inmate_quit_ask(g, i, GROVE_NONE, LONG_MS, NULL, NULL));
  assert_int_equal(end_of(g, i).status, GROVE_OK);
  stop(g);
}

static void it_starts_again(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_PERMANENT);
  long before = pid_of(g, i), got = 0;
  check_ok(inmate_add_ask(g, i, 5, LONG_MS, &got, NULL));
  grove_future dies = inmate_raise_call(g, i, SIGSEGV).future;
  // What stands in the mailbox behind it may have crossed already, and died with it; what comes after the restart is kept.
  check_status(grove_get(g, dies, LONG_MS, NULL, 0, NULL), GROVE_EDEAD);
  check_ok(inmate_add_ask(g, i, 5, LONG_MS, &got, NULL));
  assert_int_equal(got, 5); // of a new life
  assert_int_not_equal(pid_of(g, i), before);
  assert_false(is_alive(before));
  grove_info info = {.struct_size = sizeof info};
  check_ok(grove_inspect(g, i.ref, &info));
  assert_int_equal(info.restarts, 1);
  stop(g);
}

// It can neither go on unseen nor keep its host waiting.
static void a_process_that_does_not_talk_is_ended(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  long pid = pid_of(g, i);
  check_status(inmate_let_go_ask(g, i, GROVE_NONE, LONG_MS, NULL, NULL), GROVE_EDEAD);
  check_contains(end_of(g, i).text, "SIGKILL");
  assert_false(is_alive(pid));
  i = spawn(g, GROVE_TEMPORARY);
  pid = pid_of(g, i);
  check_status(inmate_babble_ask(g, i, GROVE_NONE, LONG_MS, NULL, NULL), GROVE_EDEAD);
  check_contains(end_of(g, i).text, "it sent a message of");
  assert_false(is_alive(pid));
  stop(g);
}

static void one_that_computes_ends_by_force(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  long pid = pid_of(g, i);
  grove_future f = inmate_compute_for_ever_call(g, i, GROVE_NONE).future;
  grove_error why = {.at = -1};
  check_ok(grove_get(g, grove_exit(g, i.ref, 50), LONG_MS, &why, sizeof why, NULL));
  assert_int_not_equal(why.status, GROVE_ESTUCK);
  check_status(grove_get(g, f, LONG_MS, NULL, 0, NULL), GROVE_EDEAD);
  assert_false(is_alive(pid));
  stop(g);
}

static void a_stop_ends_processes(void **state)
{
  (void)state;
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_PERMANENT), busy = spawn(g, GROVE_PERMANENT);
  long pid[2] = {pid_of(g, i), pid_of(g, busy)};
  grove_future f = inmate_compute_for_ever_call(g, busy, GROVE_NONE).future;
  (void)f;
  grove_stop_report report = {.struct_size = sizeof report};
  check_ok(grove_stop(g, 2000, &report));
  assert_int_equal(report.busy, 0);
  assert_false(is_alive(pid[0]));
  assert_false(is_alive(pid[1]));
  assert_true(was_logged("it is let out")); // `stop` of the idle one's class ran over there
}

// ---- starts -------------------------------------------------------------------------------------------
static grove_status start_of(
    grove *g, const grove_class *c, int how, const grove_isolated_options *o, grove_error *err)
{
  grove_ref r = grove_isolated_spawn(g, c, &how, NULL, o);
  *err = (grove_error){.at = -1};
  return grove_get(g, grove_ready(g, r), LONG_MS, NULL, 0, err);
}

static void starts_fail_in_words(void **state)
{
  (void)state;
  grove *g = start();
  grove_error err;
  check_status(start_of(g, &inmate_class, INMATE_FAILS, NULL, &err), GROVE_EUSER);
  check_contains(err.text, "it would rather not");
  grove_isolated_options o = {GROVE_ISOLATED, .program = "/nowhere/to/be/found"};
  check_status(start_of(g, &inmate_class, INMATE_STARTS, &o, &err), GROVE_EIO);
  check_contains(err.text, "/nowhere/to/be/found");
  check_contains(err.text, "o such file");
  o = (grove_isolated_options){GROVE_ISOLATED, .start_ms = 100};
  check_status(start_of(g, &inmate_class, INMATE_HANGS, &o, &err), GROVE_ETIMEDOUT);
  check_contains(err.text, "start_ms");
  o = (grove_isolated_options){GROVE_ISOLATED, .program = "/bin/true"};
  check_status(start_of(g, &inmate_class, INMATE_STARTS, &o, &err), GROVE_EDEAD);
  check_contains(err.text, "exited with code 0");
  stop(g);
}

static void what_cannot_cross_is_refused(void **state)
{
  (void)state;
  grove *g = start();
  const int arg = 0;
  grove_ref r = grove_isolated_spawn(g, &settled_class, &arg, NULL, NULL);
  check_status(grove_ref_status(r), GROVE_ENOTSUP);
  assert_true(was_logged("tied can't go to another process"));
  grove_class other = inmate_class;
  other.name = "nobody";
  grove_error err;
  check_status(start_of(g, &other, 0, NULL, &err), GROVE_ENOTSUP);
  check_contains(err.text, "knows no class nobody");
  const grove_spawn_options o = {GROVE_SPAWN, .stands_for = &settled_class};
  check_status(
      grove_ref_status(grove_isolated_spawn(g, &inmate_class, &arg, &o, NULL)), GROVE_EINVAL);
  stop(g);
}

static void it_inherits_nothing(void **state)
{
  (void)state;
  grove *g = start();
  int fd = open("/dev/null", O_RDONLY); // not close-on-exec
  int high = fcntl(fd, F_DUPFD, 200);
  assert_true(fd >= 0 && high >= 200);
  inmate_ref i = spawn(g, GROVE_TEMPORARY);
  bool has = true;
  check_ok(inmate_has_open_ask(g, i, high, LONG_MS, &has, NULL));
  assert_false(has);
  check_ok(inmate_has_open_ask(g, i, 1, LONG_MS, &has, NULL));
  assert_true(has);
  (void)close(fd);
  (void)close(high);
  stop(g);
}

static void its_address_space_is_bounded(void **state)
{
  (void)state;
  if (SANITIZED) {
    skip(); // their shadows are address space, too
  }
  grove *g = start();
  const int how = INMATE_STARTS;
  const grove_isolated_options o = {GROVE_ISOLATED, .address_bytes = (uint64_t)1 << 30};
  inmate_ref i = {grove_isolated_spawn(g, &inmate_class, &how, NULL, &o)};
  bool got = true;
  grove_error err = {.at = -1};
  check_ok_err(inmate_reserve_ask(g, i, 2L << 30, LONG_MS, &got, &err), &err);
  assert_false(got);
  check_ok(inmate_reserve_ask(g, i, 1L << 20, LONG_MS, &got, NULL));
  assert_true(got);
  stop(g);
}

// ---- with others --------------------------------------------------------------------------------------
static void a_pool_works_on(void **state)
{
  (void)state;
  enum { N = 200, MEMBERS = 3 };
  grove *g = start();
  grove_pool *p = grove_pool_over(g, GROVE_NOBODY, NULL);
  assert_non_null(p);
  long pid[MEMBERS];
  for (int m = 0; m < MEMBERS; m++) {
    inmate_ref i = spawn(g, GROVE_PERMANENT);
    pid[m] = pid_of(g, i);
    check_ok(grove_pool_push(p, i.ref));
  }
  for (int n = 0; n < N; n++) {
    check_ok(inmate_add_submit(g, p, 1, (uint64_t)n));
    if (n == N / 2) {
      assert_int_equal(kill((pid_t)pid[1], SIGKILL), 0);
    }
  }
  for (int n = 0; n < N; n++) {
    long got;
    grove_error err = {.at = -1};
    check_ok_err(inmate_add_get_next(g, p, LONG_MS, NULL, &got, &err), &err);
  }
  grove_pool_destroy(p);
  stop(g);
}

static void in_simulation_it_lives_here(void **state)
{
  (void)state;
  grove *g;
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .simulate = 1, .seed = 1}, &g));
  assert_int_equal(pid_of(g, spawn(g, GROVE_TEMPORARY)), getpid());
  stop(g);
}

// ---- a host that is gone ------------------------------------------------------------------------------
static char program[4096];

// This program once more, as a host that says where its actor lives, and is killed.
static int be_host(void)
{
  grove *g = start();
  inmate_ref i = spawn(g, GROVE_PERMANENT);
  long pid = pid_of(g, i);
  grove_future f = inmate_compute_for_ever_call(g, i, GROVE_NONE).future;
  (void)f;
  (void)!write(1, &pid, sizeof pid);
  (void)kill(getpid(), SIGKILL);
  return 1;
}

static void a_host_that_is_gone_leaves_nobody(void **state)
{
  (void)state;
  char command[5000];
  (void)snprintf(command, sizeof command, "exec '%s' --host", program);
  FILE *host = popen(command, "r");
  assert_non_null(host);
  long pid = 0;
  assert_int_equal(fread(&pid, sizeof pid, 1, host), 1);
  assert_true(pid > 0);
  // The pipe's end is the actor's stdout, too: there is nothing more to read when that has ended.
  assert_int_equal(fread(command, 1, 1, host), 0);
  (void)pclose(host);
}

int main(int argc, char **argv)
{
  int code;
  if (grove_isolated_main(argc, argv, inmate_classes, NULL, &code)) {
    return code;
  }
  if (grove__mutex_init(&logged_lock)) {
    return 1;
  }
  if (argc > 1 && strcmp(argv[1], "--host") == 0) {
    return be_host();
  }
  (void)snprintf(program, sizeof program, "%s", argv[0]);
  const struct CMUnitTest tests[] = {cmocka_unit_test(calls_cross_in_order),
      cmocka_unit_test(shared_bytes_cross), cmocka_unit_test(long_messages_are_refused),
      cmocka_unit_test(a_failed_call_keeps_its_words), cmocka_unit_test(a_cancel_crosses),
      cmocka_unit_test(state_and_log_cross), cmocka_unit_test(a_signal_is_a_death),
      cmocka_unit_test(an_exit_is_a_death), cmocka_unit_test(a_crash_is_a_death_with_its_words),
      cmocka_unit_test(an_exit_of_its_own_is_no_failure), cmocka_unit_test(it_starts_again),
      cmocka_unit_test(a_process_that_does_not_talk_is_ended),
      cmocka_unit_test(one_that_computes_ends_by_force), cmocka_unit_test(a_stop_ends_processes),
      cmocka_unit_test(starts_fail_in_words), cmocka_unit_test(what_cannot_cross_is_refused),
      cmocka_unit_test(it_inherits_nothing), cmocka_unit_test(its_address_space_is_bounded),
      cmocka_unit_test(a_pool_works_on), cmocka_unit_test(in_simulation_it_lives_here),
      cmocka_unit_test(a_host_that_is_gone_leaves_nobody)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
