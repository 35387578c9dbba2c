// What happens to a fiber that runs over its stack: each kind of guard must stop it. That is in a child process,
// whose death is looked at.
#include "check.h"
#include "plat/stack.h"
#include "plat/stack_map.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The child's. It makes its fibers itself: ThreadSanitizer takes each for a thread, and what a process with
// threads may do after fork is little.
static grove__stacks *stacks;
static grove__fiber *home;
static grove__fiber *diver;
static const char *somewhere; // on the diver's stack
static int hook_fd;

enum { RETURNED = 10, BROKEN = 11 };

// In the child cmocka's asserts would go back into the parent's tests.
static void must(bool fact)
{
  if (!fact) {
    _exit(BROKEN);
  }
}

static void die_quietly(void)
{
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT};
  for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
    (void)signal(signals[i], SIG_DFL); // sanitizers have their own handlers there
  }
  struct rlimit none = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
}

// Runs body(arg) in a child. Gives the signal that ends it, 0 if none did, and what it wrote to hook_fd.
static int run_child(void (*body)(int arg), int arg, char *text, size_t text_bytes)
{
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    hook_fd = fds[1];
    die_quietly();
    body(arg);
    _exit(RETURNED);
  }
  (void)close(fds[1]);
  size_t got = 0;
  ssize_t n;
  while ((n = read(fds[0], text + got, text_bytes - 1 - got)) > 0) {
    got += (size_t)n;
  }
  text[got] = 0;
  (void)close(fds[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFEXITED(status)) {
    assert_int_equal(WEXITSTATUS(status), RETURNED);
  }
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void do_nothing(void *user)
{
  (void)user;
  somewhere = __builtin_frame_address(0);
  for (;;) {
    grove__fiber_switch(diver, home);
  }
}

// ---- pages ----------------------------------------------------------------------------------------

// Frames of a kilobyte, one below the other. Reads what it wrote, so that nothing is optimised away.
static int dive(int depth)
{
  volatile char frame[1024];
  for (size_t i = 0; i < sizeof(frame); i++) {
    frame[i] = (char)depth;
  }
  return depth > 0 ? dive(depth - 1) + frame[0] : frame[1];
}

static void dive_deep(void *user)
{
  (void)dive(*(int *)user);
  for (;;) {
    grove__fiber_switch(diver, home);
  }
}

static size_t diver_bytes; // of the diver's stack: 0: a slot of an arena; or a mapping of its own
static int diver_depth;

static void dive_between_two(int guard)
{
  grove__fiber *other;
  must(grove__stacks_create(NULL, 64 << 10, 3, guard, &stacks) == GROVE_OK);
  must(grove__fiber_of_thread(stacks, &home) == GROVE_OK);
  must(grove__fiber_create(stacks, 0, do_nothing, NULL, &other) == GROVE_OK);
  must(grove__fiber_create(stacks, diver_bytes, dive_deep, &diver_depth, &diver) == GROVE_OK);
  must(grove__fiber_create(stacks, 0, do_nothing, NULL, &other) == GROVE_OK);
  grove__fiber_switch(home, diver);
}

static void pages_stop_an_overrun(void **state)
{
  static const size_t sizes[] = {0, 512 << 10};
  char text[16];
  for (size_t i = 0; i < 2; i++) {
    diver_bytes = sizes[i];
    diver_depth = 1 << 20;
    assert_int_equal(run_child(dive_between_two, *(int *)*state, text, sizeof(text)), SIGSEGV);
    diver_depth = 20; // what fits passes
    assert_int_equal(run_child(dive_between_two, *(int *)*state, text, sizeof(text)), 0);
  }
}

// ---- canary ---------------------------------------------------------------------------------------

static bool is_trap(int signal_number)
{
  return signal_number == SIGILL || signal_number == SIGTRAP;
}

static void write_text(void *user, const char *text)
{
  must(write(*(int *)user, text, strlen(text)) > 0);
}

// The low end of a fiber: is_low's margin finds it without a look inside.
static char *low_of(const grove__fiber *f, const char *inside)
{
  const char *at = inside;
  must(grove__fiber_is_low(f, at, SIZE_MAX));
  while (grove__fiber_is_low(f, at, SIZE_MAX)) {
    at -= 64;
  }
  while (!grove__fiber_is_low(f, at, SIZE_MAX)) {
    at++;
  }
  return (char *)(uintptr_t)at;
}

static char *start_on_canary(size_t bytes)
{
  must(grove__stacks_create(NULL, 64 << 10, 2, GROVE__GUARD_CANARY, &stacks) == GROVE_OK);
  must(grove__fiber_of_thread(stacks, &home) == GROVE_OK);
  must(grove__fiber_create(stacks, bytes, do_nothing, NULL, &diver) == GROVE_OK);
  grove__fiber_switch(home, diver);
  return low_of(diver, somewhere);
}

// Over the low end and back: no page is missing where only a canary guards.
static void scratch_below(void *user)
{
  volatile char *low = user;
  for (int i = 0; i < 64; i++) {
    low[-1 - i] = 1;
  }
  grove__fiber_switch(diver, home);
}

static void overrun_canary(int with_hook)
{
  char *low = start_on_canary(0);
  if (with_hook) {
    grove__stacks_on_overrun(stacks, write_text, &hook_fd);
  }
  grove__fiber *used = diver;
  grove__fiber_destroy(diver);
  must(grove__fiber_create(stacks, 0, scratch_below, low, &diver) == GROVE_OK);
  must(used == diver); // the same stack again, so `low` is right
  grove__fiber_switch(home, diver);
}

static void canary_tells_of_an_overrun(void **state)
{
  (void)state;
  char text[512];
  assert_true(is_trap(run_child(overrun_canary, 1, text, sizeof(text))));
  check_contains(text, "overran its stack of 6");
  check_contains(text, "stack_bytes");
}

static void canary_may_have_no_hook(void **state)
{
  (void)state;
  char text[512];
  assert_true(is_trap(run_child(overrun_canary, 0, text, sizeof(text))));
  assert_string_equal(text, "");
}

static void scratch_and_destroy(int at)
{
  char *low = start_on_canary(512 << 10);
  low[-at] = (char)~low[-at];
  grove__fiber_destroy(diver);
}

// Also of a mapping of its own, any byte of it, and when a fiber is destroyed that was not left again.
static void canary_is_looked_at_in_the_end(void **state)
{
  (void)state;
  char text[16];
  for (int at = 1; at <= 64; at += 9) {
    assert_true(is_trap(run_child(scratch_and_destroy, at, text, sizeof(text))));
  }
}

// ---- how many maps --------------------------------------------------------------------------------

static size_t count_maps(void)
{
  size_t n = 0;
  int c;
  FILE *f = fopen("/proc/self/maps", "re");
  assert_non_null(f);
  while ((c = getc(f)) != EOF) {
    n += c == '\n';
  }
  (void)fclose(f);
  return n;
}

// The guard of the whole is not one of each: the point of MADV_GUARD_INSTALL.
static void best_guards_take_no_maps(void **state)
{
  (void)state;
  enum { MANY = 500 };
  grove__stack_maps m;
  grove__stack_area area;
  grove__stack_maps_init(&m, 64 << 10, GROVE__GUARD_BEST);
  check_ok(grove__stack_maps_take_slot(&m, &area));
  if (m.guard != GROVE__GUARD_BEST) {
    print_message("this kernel has no MADV_GUARD_INSTALL\n");
    grove__stack_maps_deinit(&m);
    skip();
  }
  size_t before = count_maps();
  for (int i = 0; i < MANY; i++) {
    check_ok(grove__stack_maps_take_slot(&m, &area));
    assert_false(area.canary);
    assert_false(area.protects);
  }
  assert_in_range(count_maps(), 1, before + 50);
  grove__stack_maps_deinit(&m);
  assert_int_equal(m.mapped, 0);
}

static void mprotect_stops_at_its_share(void **state)
{
  (void)state;
  grove__stack_maps m;
  grove__stack_area slot;
  grove__stack_area own;
  grove__stack_maps_init(&m, 16 << 10, GROVE__GUARD_MPROTECT);
  assert_in_range(m.protected_most, 1, 1 << 28);
  m.protected_most = 300; // the real one would take this test seconds
  size_t before = count_maps();
  check_ok(grove__stack_maps_take_own(&m, 100000, &own));
  assert_true(own.protects);
  for (size_t i = 1; i < 300; i++) {
    check_ok(grove__stack_maps_take_slot(&m, &slot));
    assert_true(slot.protects && !slot.canary);
  }
  assert_in_range(count_maps(), before + 300, before + 2 * 300 + 20);
  check_ok(grove__stack_maps_take_slot(&m, &slot));
  assert_true(slot.canary && !slot.protects);
  grove__stack_maps_give_own(&m, &own); // one is free again
  check_ok(grove__stack_maps_take_slot(&m, &slot));
  assert_true(slot.protects && !slot.canary);
  grove__stack_maps_deinit(&m);
  assert_int_equal(m.mapped, 0);
  assert_in_range(count_maps(), 1, before + 20);
}

static void share_is_a_quarter_of_the_maps(void **state)
{
  (void)state;
  unsigned long maps = 0;
  FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
  if (!f) {
    skip();
  }
  assert_int_equal(fscanf(f, "%lu", &maps), 1);
  (void)fclose(f);
  grove__stack_maps m;
  grove__stack_maps_init(&m, 16 << 10, GROVE__GUARD_MPROTECT);
  assert_in_range(m.protected_most * 2, maps / 4 - 2, maps / 4);
  grove__stack_maps_deinit(&m);
}

static void touch_guard_of_locked(int unused)
{
  (void)unused;
  grove__stack_maps m;
  grove__stack_area area;
  grove__stack_maps_init(&m, 16 << 10, GROVE__GUARD_BEST);
  if (syscall(SYS_mlockall, MCL_FUTURE)) { // sanitizers make mlockall do nothing
    must(write(hook_fd, "no", 2) == 2);
    return;
  }
  must(grove__stack_maps_take_own(&m, 16 << 10, &area) == GROVE_OK);
  must(m.guard == GROVE__GUARD_MPROTECT && area.protects && !area.canary);
  *(volatile char *)(area.low - 1) = 1;
}

// Where memory is locked, guards can't be installed: the weaker kind takes over and still guards.
static void locked_memory_falls_back(void **state)
{
  (void)state;
  char text[16];
  int signal_number = run_child(touch_guard_of_locked, 0, text, sizeof(text));
  if (text[0]) {
    print_message("this process may not lock memory\n");
    skip();
  }
  assert_int_equal(signal_number, SIGSEGV);
}

int main(void)
{
  static int best = GROVE__GUARD_BEST;
  static int protect = GROVE__GUARD_MPROTECT;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(pages_stop_an_overrun, &best),
      cmocka_unit_test_prestate(pages_stop_an_overrun, &protect),
      cmocka_unit_test(canary_tells_of_an_overrun),
      cmocka_unit_test(canary_may_have_no_hook),
      cmocka_unit_test(canary_is_looked_at_in_the_end),
      cmocka_unit_test(best_guards_take_no_maps),
      cmocka_unit_test(mprotect_stops_at_its_share),
      cmocka_unit_test(share_is_a_quarter_of_the_maps),
      cmocka_unit_test(locked_memory_falls_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
