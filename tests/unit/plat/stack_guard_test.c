// What happens to a fiber that runs over its stack: each kind of guard must stop it. The overrun is in a child
// process, whose death is looked at.
#include "check.h"
#include "plat/stack.h"
#include "plat/stack_map.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static grove__fiber *home;
static grove__fiber *diver;

// Frames of a kilobyte, one below the other. Reads what it wrote, so that nothing is optimised away.
static int dive(int depth)
{
  volatile char frame[1024];
  for (size_t i = 0; i < sizeof(frame); i++) {
    frame[i] = (char)depth;
  }
  return depth > 0 ? dive(depth - 1) + frame[0] : frame[1];
}

// Deeper than any stack here.
static void dive_to_the_end(void *user)
{
  (void)user;
  (void)dive(1 << 20);
  _exit(1);
}

// A little over the low end and back: no page is missing where only a canary guards.
static void dive_a_little_too_deep(void *user)
{
  volatile char *low = user;
  for (int i = 0; i < 64; i++) {
    low[-1 - i] = 1;
  }
  grove__fiber_switch(diver, home);
  _exit(1);
}

static void do_nothing(void *user)
{
  (void)user;
  for (;;) {
    grove__fiber_switch(diver, home);
  }
}

static void write_text(void *user, const char *text)
{
  const int *fd = user;
  if (write(*fd, text, strlen(text)) < 0) {
    _exit(2);
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

static int signal_of(pid_t child)
{
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void pages_stop_an_overrun(void **state)
{
  static const size_t sizes[] = {0, 512 << 10}; // a slot of an arena, a mapping of its own
  for (size_t i = 0; i < 2; i++) {
    grove__stacks *s;
    grove__fiber *below;
    grove__fiber *above;
    check_ok(grove__stacks_create(NULL, 64 << 10, 3, *(int *)*state, &s));
    check_ok(grove__fiber_of_thread(s, &home));
    check_ok(grove__fiber_create(s, 0, do_nothing, NULL, &below));
    check_ok(grove__fiber_create(s, sizes[i], dive_to_the_end, NULL, &diver));
    check_ok(grove__fiber_create(s, 0, do_nothing, NULL, &above));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      die_quietly();
      grove__fiber_switch(home, diver);
      _exit(3);
    }
    assert_int_equal(signal_of(child), SIGSEGV);
    grove__fiber_destroy(below);
    grove__fiber_destroy(diver);
    grove__fiber_destroy(above);
    grove__fiber_destroy(home);
    grove__stacks_destroy(s);
  }
}

// Runs `diver` in a child; the signal that ends it, and what the hook said.
static int run_diver(int *hook_fd, char *text, size_t text_bytes)
{
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  *hook_fd = fds[1];
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    die_quietly();
    grove__fiber_switch(home, diver);
    _exit(3);
  }
  (void)close(fds[1]);
  size_t got = 0;
  ssize_t n;
  while ((n = read(fds[0], text + got, text_bytes - 1 - got)) > 0) {
    got += (size_t)n;
  }
  text[got] = 0;
  (void)close(fds[0]);
  return signal_of(child);
}

// The low end of a fiber: is_low's margin finds it without a look inside.
static char *low_of(const grove__fiber *f, const char *inside)
{
  const char *at = inside;
  while (grove__fiber_is_low(f, at, SIZE_MAX)) {
    at -= 64;
  }
  while (!grove__fiber_is_low(f, at, SIZE_MAX)) {
    at++;
  }
  return (char *)(uintptr_t)at;
}

static const char *somewhere;
static void say_where(void *user)
{
  volatile char here = 0;
  (void)user;
  somewhere = (const char *)(uintptr_t)&here;
  for (;;) {
    grove__fiber_switch(diver, home);
  }
}

static bool is_trap(int signal_number)
{
  return signal_number == SIGILL || signal_number == SIGTRAP;
}

// Makes a fiber of a stack that `low` is the low end of.
static grove__stacks *start_over_canary(char **low, void (*entry)(void *user))
{
  grove__stacks *s;
  check_ok(grove__stacks_create(NULL, 64 << 10, 2, GROVE__GUARD_CANARY, &s));
  check_ok(grove__fiber_of_thread(s, &home));
  check_ok(grove__fiber_create(s, 0, say_where, NULL, &diver));
  grove__fiber_switch(home, diver);
  *low = low_of(diver, somewhere);
  grove__fiber *used = diver;
  grove__fiber_destroy(diver);
  check_ok(grove__fiber_create(s, 0, entry, *low, &diver));
  assert_ptr_equal(used, diver); // the same stack again, so `low` is right
  return s;
}

static void finish_canary(grove__stacks *s)
{
  grove__fiber_destroy(diver);
  grove__fiber_destroy(home);
  grove__stacks_destroy(s);
}

static void canary_tells_of_an_overrun(void **state)
{
  (void)state;
  int hook_fd;
  char text[512];
  char *low;
  grove__stacks *s = start_over_canary(&low, dive_a_little_too_deep);
  grove__stacks_on_overrun(s, write_text, &hook_fd);
  assert_true(is_trap(run_diver(&hook_fd, text, sizeof(text))));
  check_contains(text, "overran its stack of 6");
  check_contains(text, "stack_bytes");
  finish_canary(s);
}

static void canary_may_have_no_hook(void **state)
{
  (void)state;
  int unused;
  char text[64];
  char *low;
  grove__stacks *s = start_over_canary(&low, dive_a_little_too_deep);
  assert_true(is_trap(run_diver(&unused, text, sizeof(text))));
  assert_string_equal(text, "");
  finish_canary(s);
}

// Also of a mapping of its own, and when a fiber is destroyed that was not left again.
static void canary_is_looked_at_in_the_end(void **state)
{
  (void)state;
  grove__stacks *s;
  check_ok(grove__stacks_create(NULL, 64 << 10, 2, GROVE__GUARD_CANARY, &s));
  check_ok(grove__fiber_of_thread(s, &home));
  check_ok(grove__fiber_create(s, 512 << 10, say_where, NULL, &diver));
  grove__fiber_switch(home, diver);
  char *low = low_of(diver, somewhere);
  for (int at = 1; at <= 64; at += 9) { // any byte of it
    low[-at] = (char)~low[-at];
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      die_quietly();
      grove__fiber_destroy(diver);
      _exit(3);
    }
    assert_true(is_trap(signal_of(child)));
    low[-at] = (char)~low[-at];
  }
  finish_canary(s);
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

// Where memory is locked, guards can't be installed: the weaker kind takes over and still guards.
static void locked_memory_falls_back(void **state)
{
  (void)state;
  grove__stack_maps m;
  grove__stack_area area;
  grove__stack_maps_init(&m, 16 << 10, GROVE__GUARD_BEST);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    die_quietly();
    if (mlockall(MCL_FUTURE)) {
      _exit(77); // not allowed here
    }
    if (grove__stack_maps_take_own(&m, 16 << 10, &area) || m.guard == GROVE__GUARD_BEST ||
        area.canary) {
      _exit(1);
    }
    *(volatile char *)(area.low - 1) = 1;
    _exit(2);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    skip();
  }
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  grove__stack_maps_deinit(&m);
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
