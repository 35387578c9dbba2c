// What a switch between fibers takes along: registers, floating point control, and an end for backtraces.
#include "plat/switch.h"
#include "fiber_task.h"
#include <fenv.h>
#if defined(GROVE__SWITCH_ASM) && defined(__GLIBC__)
#include <execinfo.h>
#define HAS_BACKTRACE 1
#endif

// Keeps more values alive over a switch than there are registers of either kind.
static uint64_t hold_registers(task *t, uint64_t base)
{
  volatile uint64_t v = base;
  volatile double d = (double)base;
  uint64_t a = v + 1, b = v + 2, c = v + 3, e = v + 4, f = v + 5, g = v + 6, h = v + 7, i = v + 8;
  uint64_t j = v + 9, k = v + 10, l = v + 11, m = v + 12;
  double p = d + 1, q = d + 2, r = d + 3, s = d + 4, w = d + 5, x = d + 6, y = d + 7, z = d + 8;
  if (t->home && t->self) {
    go_home(t);
  }
  double floats = p + 2 * q + 3 * r + 5 * s + 7 * w + 11 * x + 13 * y + 17 * z;
  return a + 2 * b + 3 * c + 5 * e + 7 * f + 11 * g + 13 * h + 17 * i + 19 * j + 23 * k + 29 * l +
         31 * m + (uint64_t)floats;
}

static void hold_forever(void *user)
{
  task *t = user;
  task nobody = {0};
  for (uint64_t base = t->random;; base += 1000) {
    t->wrong += hold_registers(t, base) != hold_registers(&nobody, base);
    t->steps++;
  }
}

static void registers_survive(void **state)
{
  (void)state;
  grove__stacks *s = make_stacks(0, 2, GROVE__GUARD_BEST);
  task a = {.random = 1};
  task b = {.random = 777777};
  check_ok(grove__fiber_of_thread(s, &a.home));
  b.home = a.home;
  start_task(s, 0, hold_forever, &a);
  start_task(s, 0, hold_forever, &b);
  task nobody = {0};
  for (uint64_t i = 0; i < 100; i++) {
    task mine = {.home = i % 2 ? a.self : b.self, .self = a.home};
    assert_int_equal(hold_registers(&mine, i), hold_registers(&nobody, i));
  }
  assert_true(a.steps > 10 && b.steps > 10);
  assert_int_equal(a.wrong + b.wrong, 0);
  grove__fiber_destroy(a.self);
  grove__fiber_destroy(b.self);
  grove__fiber_destroy(a.home);
  grove__stacks_destroy(s);
}

static void round_down(void *user)
{
  task *t = user;
  t->wrong += fegetround() != FE_UPWARD; // as its creator had it
  (void)fesetround(FE_DOWNWARD);
  for (;;) {
    go_home(t);
    t->wrong += fegetround() != FE_DOWNWARD;
    t->steps++;
  }
}

static void rounding_goes_with_the_fiber(void **state)
{
  (void)state;
  grove__stacks *s = make_stacks(0, 1, GROVE__GUARD_BEST);
  task t = {0};
  check_ok(grove__fiber_of_thread(s, &t.home));
  (void)fesetround(FE_UPWARD);
  start_task(s, 0, round_down, &t);
  (void)fesetround(FE_TONEAREST);
  int rounding[3];
  for (size_t i = 0; i < 3; i++) {
    grove__fiber_switch(t.home, t.self);
    rounding[i] = fegetround();
  }
  (void)fesetround(FE_TONEAREST);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(rounding[i], FE_TONEAREST);
  }
  assert_int_equal(t.wrong, 0);
  assert_int_equal(t.steps, 2);
  grove__fiber_destroy(t.self);
  grove__fiber_destroy(t.home);
  grove__stacks_destroy(s);
}

#if defined(HAS_BACKTRACE)
extern void grove__switch_enter(void);

static void take_backtrace(void *user)
{
  task *t = user;
  void *frames[64];
  int n = backtrace(frames, 64);
  t->steps = (uint64_t)n;
  t->seen = n > 0 ? frames[n - 1] : NULL;
  for (;;) {
    go_home(t);
  }
}

static void backtrace_ends_where_the_fiber_began(void **state)
{
  (void)state;
  grove__stacks *s = make_stacks(64 << 10, 1, GROVE__GUARD_BEST);
  task t = {0};
  check_ok(grove__fiber_of_thread(s, &t.home));
  start_task(s, 0, take_backtrace, &t);
  grove__fiber_switch(t.home, t.self);
  assert_in_range(t.steps, 2, 8);
  uintptr_t enter = (uintptr_t)grove__switch_enter;
  assert_in_range((uintptr_t)t.seen, enter, enter + 32);
  grove__fiber_destroy(t.self);
  grove__fiber_destroy(t.home);
  grove__stacks_destroy(s);
}
#endif

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(registers_survive),
    cmocka_unit_test(rounding_goes_with_the_fiber),
#if defined(HAS_BACKTRACE)
    cmocka_unit_test(backtrace_ends_where_the_fiber_began),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
