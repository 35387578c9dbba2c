// Attacks: what a broken process, a broken moment or an odd host can do to actors in processes of their own. The homes here are
// given options that nobody there could serve, too.
#include <fcntl.h>
#include <grove/watch.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "plat/clock.h"
#include "plat/process.h"
#include "rogue.h"

enum { LONG_MS = 60 * 1000 };

// Counts what is live, from any thread.
static _Atomic long live_bytes;

static void *metered(void *user, void *p, size_t old_bytes, size_t bytes)
{
  (void)user;
  void *out = bytes ? realloc(p, bytes) : NULL;
  if (!bytes) {
    free(p);
  }
  if (out || !bytes) {
    live_bytes += (long)bytes - (long)old_bytes;
  }
  return out;
}

static grove *start_with(uint64_t memory_bytes)
{
  static const grove_allocator a = {metered, NULL};
  grove *g;
  check_ok(grove_start(
      &(grove_options){GROVE_OPTIONS, .workers = 2, .allocator = &a, .memory_bytes = memory_bytes},
      &g));
  return g;
}

static grove *start(void)
{
  return start_with(0);
}

static void stop(grove *g)
{
  check_ok(grove_stop(g, LONG_MS, NULL));
  assert_int_equal(live_bytes, 0);
}

static rogue_ref spawn(grove *g, uint32_t restart)
{
  const grove_spawn_options o = {GROVE_SPAWN, .restart = restart, .backoff_min_ms = 1,
      .queue_ms = LONG_MS, .max_restarts = 100};
  return (rogue_ref){grove_isolated_spawn(g, &rogue_class, &GROVE_NONE, &o, NULL)};
}

static long pid_of(grove *g, rogue_ref r)
{
  long pid = 0;
  grove_error err = {.at = -1};
  check_ok_err(rogue_pid_ask(g, r, GROVE_NONE, LONG_MS, &pid, &err), &err);
  return pid;
}

static grove_error end_of(grove *g, rogue_ref r)
{
  grove_error why = {.at = -1};
  check_ok(grove_get(g, grove_monitor(g, r.ref), LONG_MS, &why, sizeof why, NULL));
  return why;
}

// ---- what the contract allows -------------------------------------------------------------------------
static void leaf_methods_and_alignment_cross(void **state)
{
  (void)state;
  grove *g = start();
  rogue_ref r = spawn(g, GROVE_TEMPORARY);
  long sum = 0;
  grove_error err = {.at = -1};
  check_ok_err(rogue_leaf_ask(g, r, 4, LONG_MS, &sum, &err), &err);
  assert_int_equal(sum, 4);
  aligned16 a = {.number = 7}, back = {0};
  check_ok(rogue_mirror_ask(g, r, a, LONG_MS, &back, NULL));
  assert_int_equal(back.number, 7);
  stop(g);
}

static void an_encode_may_write_to_the_log(void **state)
{
  (void)state;
  grove *g = start();
  rogue_ref r = spawn(g, GROVE_TEMPORARY);
  chatty back = {0};
  check_ok(rogue_chat_ask(g, r, (chatty){1}, LONG_MS / 4, &back, NULL));
  assert_int_equal(back.number, 2);
  stop(g);
}

// As with any actor: what the same sender has sent before is still handled, within the grace.
static void an_end_in_order_takes_what_came_before(void **state)
{
  (void)state;
  enum { N = 200 };
  grove *g = start();
  rogue_ref r = spawn(g, GROVE_TEMPORARY);
  grove_future f[N];
  (void)pid_of(g, r);
  for (int n = 0; n < N; n++) {
    f[n] = rogue_slow_call(g, r, 1).future;
  }
  grove_future end = grove_exit(g, r.ref, LONG_MS);
  for (int n = 0; n < N; n++) {
    long sum = 0;
    grove_error err = {.at = -1};
    check_ok_err(grove_get(g, f[n], LONG_MS, &sum, sizeof sum, &err), &err);
    assert_int_equal(sum, n + 1);
  }
  grove_error why = {.at = -1};
  check_ok(grove_get(g, end, LONG_MS, &why, sizeof why, NULL));
  check_ok(why.status);
  stop(g);
}

#define PARENT(START, METHOD) START(parent, grove_none) METHOD(parent, bear, grove_none, grove_ref)
typedef struct parent {
  int nothing;
} parent;
GROVE_ACTOR(PARENT, parent)

static grove_status parent_start(grove *self, parent *p, const grove_none *none)
{
  (void)self, (void)p, (void)none;
  return GROVE_OK;
}

static grove_status parent_bear(grove *self, parent *p, const grove_none *none, grove_ref *child)
{
  (void)p, (void)none;
  *child = spawn(self, GROVE_PERMANENT).ref;
  return GROVE_OK;
}

// It does not wait, so it is not cancelled: as in an actor that lives here.
static void an_end_with_the_parent_lets_the_message_at_hand_end(void **state)
{
  (void)state;
  grove *g = start();
  parent_ref p = parent_spawn(g, GROVE_NONE, NULL);
  rogue_ref r;
  check_ok(parent_bear_ask(g, p, GROVE_NONE, LONG_MS, &r.ref, NULL));
  (void)pid_of(g, r);
  grove_info info = {.struct_size = sizeof info};
  grove_future f = rogue_slow_call(g, r, 300).future;
  do { // it is in work there
    check_ok(grove_inspect(g, r.ref, &info));
  } while (strcmp(info.state, "is slow") != 0);
  grove_error why = {.at = -1}, err = {.at = -1};
  check_ok(grove_get(g, grove_exit(g, p.ref, LONG_MS), LONG_MS, &why, sizeof why, NULL));
  check_ok(why.status);
  long sum = 0;
  check_ok_err(grove_get(g, f, LONG_MS, &sum, sizeof sum, &err), &err);
  assert_int_equal(sum, 300);
  stop(g);
}

// However many wait for it.
static void the_state_of_a_busy_one_shows(void **state)
{
  (void)state;
  enum { N = 200 };
  grove *g = start();
  rogue_ref r = spawn(g, GROVE_TEMPORARY);
  (void)pid_of(g, r);
  grove_future hold = rogue_hold_call(g, r, grove_string_of("reading 3/7")).future, f[N];
  for (int n = 0; n < N; n++) {
    f[n] = rogue_add_call(g, r, 1).future;
  }
  grove_info info = {.struct_size = sizeof info};
  int looks = 0;
  do {
    check_ok(grove_inspect(g, r.ref, &info));
    (void)poll(NULL, 0, 1);
  } while (strcmp(info.state, "reading 3/7") != 0 && ++looks < LONG_MS / 4);
  assert_string_equal(info.state, "reading 3/7");
  grove_cancel(g, hold);
  grove_drop(g, hold);
  for (int n = 0; n < N; n++) {
    check_ok(grove_get(g, f[n], LONG_MS, NULL, 0, NULL));
  }
  stop(g);
}

// ---- memory -------------------------------------------------------------------------------------------
static void a_process_that_reads_nothing_costs_no_memory(void **state)
{
  (void)state;
  enum { N = 500, BYTES = 100 * 1000 };
  static char text[BYTES + 1];
  memset(text, 'x', BYTES);
  grove *g = start();
  rogue_ref r = spawn(g, GROVE_TEMPORARY);
  long pid = pid_of(g, r);
  assert_int_equal(kill((pid_t)pid, SIGSTOP), 0);
  long before = live_bytes;
  for (int n = 0; n < N; n++) {
    grove_error err = {.at = -1};
    check_status(rogue_length_ask(g, r, grove_string_of(text), 5, NULL, &err), GROVE_EEXPIRED);
  }
  assert_true(live_bytes - before < 20L * BYTES);
  assert_int_equal(kill((pid_t)pid, SIGCONT), 0);
  long n = 0; // the frames that are left are whole ones
  check_ok(rogue_length_ask(g, r, grove_string_of(text), LONG_MS, &n, NULL));
  assert_int_equal(n, BYTES);
  stop(g);
}

static void a_long_message_keeps_no_memory(void **state)
{
  (void)state;
  enum { BYTES = 20 * 1000 * 1000 };
  char *text = malloc(BYTES + 1);
  assert_non_null(text);
  memset(text, 'x', BYTES);
  text[BYTES] = 0;
  grove *g = start();
  rogue_ref r = spawn(g, GROVE_TEMPORARY);
  long n = 0;
  check_ok(rogue_length_ask(g, r, grove_string_of(text), LONG_MS, &n, NULL));
  assert_int_equal(n, BYTES);
  (void)pid_of(g, r); // taken when the one before has been forgotten
  assert_true(live_bytes < BYTES);
  free(text);
  stop(g);
}

// The words of the end are shared bytes, too, and may be too many.
static void an_end_without_room_for_its_words_is_an_end(void **state)
{
  (void)state;
  enum { PIECES = 64 };
  grove *g = start_with(1 << 20);
  rogue_ref r = spawn(g, GROVE_TEMPORARY);
  (void)pid_of(g, r);
  grove_future f = rogue_crash_call(g, r, GROVE_NONE).future; // before the room is gone
  grove_shared held[PIECES];
  static char bytes[1 << 20];
  int n = 0;
  for (size_t size = sizeof bytes; size && n < PIECES; size /= 2) {
    while (n < PIECES && !grove_share_copy(g, bytes, size, &held[n])) {
      n++;
    }
  }
  assert_int_not_equal(end_of(g, r).status, GROVE_OK);
  assert_int_not_equal(grove_get(g, f, LONG_MS, NULL, 0, NULL), GROVE_OK);
  while (n) {
    grove_release(held[--n]);
  }
  stop(g);
}

// ---- a process that lies ------------------------------------------------------------------------------
// Its process would have had that long to end by itself, and the turn that closes the link waits for it.
static void one_that_feigns_its_end_holds_nobody(void **state)
{
  (void)state;
  enum { FREE_MS = 2000 };
  grove *g = start();
  const int status[] = {GROVE_OK, GROVE_EUSER};
  for (size_t i = 0; i < sizeof status / sizeof status[0]; i++) {
    rogue_ref r = spawn(g, GROVE_TEMPORARY);
    long pid = pid_of(g, r);
    int64_t begun = grove__clock_ns();
    grove_future f = rogue_feign_call(g, r, status[i]).future;
    assert_int_not_equal(end_of(g, r).status, GROVE_ESTUCK);
    assert_true(!status[i] || grove__clock_ns() - begun < FREE_MS * INT64_C(1000000));
    assert_int_not_equal(grove_get(g, f, LONG_MS, NULL, 0, NULL), GROVE_OK);
    assert_int_not_equal(kill((pid_t)pid, 0), 0);
  }
  stop(g);
}

static void a_forged_status_is_a_failure_in_words(void **state)
{
  (void)state;
  grove *g = start();
  const int status[] = {INT32_MIN, INT32_MIN + 1, INT32_MIN + 2};
  for (size_t i = 0; i < sizeof status / sizeof status[0]; i++) {
    rogue_ref r = spawn(g, GROVE_TEMPORARY);
    grove_error err = {.at = -1};
    check_status(rogue_forge_ask(g, r, status[i], LONG_MS, NULL, &err), GROVE_EDEAD);
    check_contains(err.text, "it sent a status");
  }
  stop(g);
}

// What it has started may still hold the socket: its end shows all the same.
static void an_end_shows_though_a_child_is_left(void **state)
{
  (void)state;
  grove *g = start();
  grove_error err = {.at = -1};
  check_status(
      rogue_part_ask(g, spawn(g, GROVE_TEMPORARY), GROVE_NONE, LONG_MS, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "exited with code 3");
  check_status(
      rogue_haunt_ask(g, spawn(g, GROVE_TEMPORARY), GROVE_NONE, LONG_MS, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "exited with code 3");
  stop(g);
}

// So it does where no descriptor tells of it, as on older systems, or when the last one went to the socket.
static void an_end_shows_without_a_descriptor_for_it(void **state)
{
  (void)state;
  enum { MOST = 256 };
  int hole[MOST], n = 0, next;
  struct rlimit was, few;
  grove *g = start();
  rogue_ref r = spawn(g, GROVE_TEMPORARY); // the threads are there
  (void)pid_of(g, r);
  do { // all holes are filled, so that the next descriptors have the next numbers
    next = hole[n++] = dup(0);
    assert_in_range(next, 0, MOST - 1);
  } while (next < 100);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
  few = was;
  few.rlim_cur = (rlim_t)next + 1 + 3; // one to wake the link's thread, and two for the socket
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  r = spawn(g, GROVE_TEMPORARY);
  (void)pid_of(g, r);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
  grove_error err = {.at = -1};
  check_status(rogue_part_ask(g, r, GROVE_NONE, LONG_MS / 4, NULL, &err), GROVE_EDEAD);
  check_contains(err.text, "exited with code 3");
  while (n) {
    (void)close(hole[--n]);
  }
  stop(g);
}

// ---- an odd host --------------------------------------------------------------------------------------
static void sleep_for_ever(void)
{
  for (;;) {
    (void)pause();
  }
}

// Where the host has waited for its process, or ignores SIGCHLD, the number may be another's by then.
static void a_number_that_is_anothers_is_left_alone(void **state)
{
#if defined(SYS_pidfd_open)
  (void)state;
  pid_t first = fork();
  if (first == 0) {
    _exit(0);
  }
  int fd = (int)syscall(SYS_pidfd_open, first, 0);
  if (fd < 0) {
    skip();
  }
  assert_int_equal(waitpid(first, NULL, 0), first); // by the host
  pid_t other = fork();
  if (other == 0) {
    (void)setpgid(0, 0);
    sleep_for_ever();
  }
  (void)setpgid(other, other);
  grove__process p = {.pid = (int)other, .exit_fd = fd};
  grove__process_kill(&p);
  assert_true(grove__process_has_ended(&p));
  assert_false(grove__process_wait(&p).known);
  int how = 0;
  assert_int_equal(waitpid(other, &how, WNOHANG), 0);
  assert_int_equal(kill(other, SIGTERM), 0);
  assert_int_equal(waitpid(other, &how, 0), other);
  assert_int_equal(WTERMSIG(how), SIGTERM); // and no SIGKILL came before it
#else
  (void)state;
  skip();
#endif
}

static char program[4096];

// This program once more, as a host with a habit. It says where its actor lives, and is killed.
static int be_host(const char *habit)
{
  int said = dup(STDOUT_FILENO);
  if (strcmp(habit, "closed") == 0) {
    (void)close(STDIN_FILENO), (void)close(STDOUT_FILENO), (void)close(STDERR_FILENO);
  }
  (void)fcntl(said, F_SETFD, FD_CLOEXEC);
  grove *g;
  if (grove_start(NULL, &g)) {
    return 1;
  }
  rogue_ref r = spawn(g, GROVE_TEMPORARY);
  long pid = 0;
  if (rogue_pid_ask(g, r, GROVE_NONE, LONG_MS, &pid, NULL)) {
    return 1;
  }
  if (strcmp(habit, "linger") == 0 && rogue_linger_ask(g, r, GROVE_NONE, LONG_MS, NULL, NULL)) {
    return 1;
  }
  for (int fd = 0; fd < 3; fd++) {
    bool has = false;
    if (rogue_has_open_ask(g, r, fd, LONG_MS, &has, NULL) || !has) {
      pid = -1;
    }
  }
  pid_t stays = strcmp(habit, "fork") == 0 ? fork() : 0;
  if (strcmp(habit, "fork") == 0 && stays == 0) {
    (void)close(said), (void)close(STDOUT_FILENO);
    sleep_for_ever();
  }
  long words[] = {pid, (long)stays};
  (void)!write(said, words, sizeof words);
  (void)kill(getpid(), SIGKILL);
  return 1;
}

// Whether the actor of such a host ends with it.
static bool ends_with_host(const char *habit)
{
  char command[5000], byte;
  (void)snprintf(command, sizeof command, "exec '%s' --host %s", program, habit);
  FILE *host = popen(command, "r");
  assert_non_null(host);
  long words[2] = {0, 0};
  assert_int_equal(read(fileno(host), words, sizeof words), sizeof words);
  assert_true(words[0] > 0);
  // The pipe is the actor's stdout, too (where the host had one): there is nothing more to read when that has ended.
  struct pollfd at = {.fd = fileno(host), .events = POLLIN};
  bool ended = poll(&at, 1, LONG_MS / 2) > 0 && read(fileno(host), &byte, 1) == 0;
  if (!ended) {
    (void)kill((pid_t)words[0], SIGKILL);
  }
  if (words[1] > 0) {
    (void)kill((pid_t)words[1], SIGKILL);
  }
  (void)pclose(host);
  return ended;
}

static void an_exit_that_hangs_ends_with_the_host(void **state)
{
  (void)state;
  assert_true(ends_with_host("linger"));
}

static void a_host_that_has_forked_is_missed(void **state)
{
  (void)state;
  assert_true(ends_with_host("fork"));
}

static void a_host_without_streams_gives_some(void **state)
{
  (void)state;
  assert_true(ends_with_host("closed"));
}

int main(int argc, char **argv)
{
  int code;
  const grove_options o = {GROVE_OPTIONS, .simulate = 1, .seed = 1};
  if (grove_isolated_main(argc, argv, rogue_classes, &o, &code)) {
    return code;
  }
  if (argc > 2 && strcmp(argv[1], "--host") == 0) {
    return be_host(argv[2]);
  }
  (void)snprintf(program, sizeof program, "%s", argv[0]);
  const struct CMUnitTest tests[] = {cmocka_unit_test(leaf_methods_and_alignment_cross),
      cmocka_unit_test(an_encode_may_write_to_the_log),
      cmocka_unit_test(an_end_in_order_takes_what_came_before),
      cmocka_unit_test(an_end_with_the_parent_lets_the_message_at_hand_end),
      cmocka_unit_test(the_state_of_a_busy_one_shows),
      cmocka_unit_test(a_process_that_reads_nothing_costs_no_memory),
      cmocka_unit_test(a_long_message_keeps_no_memory),
      cmocka_unit_test(an_end_without_room_for_its_words_is_an_end),
      cmocka_unit_test(one_that_feigns_its_end_holds_nobody),
      cmocka_unit_test(a_forged_status_is_a_failure_in_words),
      cmocka_unit_test(an_end_shows_though_a_child_is_left),
      cmocka_unit_test(an_end_shows_without_a_descriptor_for_it),
      cmocka_unit_test(a_number_that_is_anothers_is_left_alone),
      cmocka_unit_test(an_exit_that_hangs_ends_with_the_host),
      cmocka_unit_test(a_host_that_has_forked_is_missed),
      cmocka_unit_test(a_host_without_streams_gives_some)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
