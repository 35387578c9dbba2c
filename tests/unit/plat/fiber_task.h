// What tests of fibers share.
#ifndef GROVE_TESTS_FIBER_TASK_H
#define GROVE_TESTS_FIBER_TASK_H
#include "check.h"
#include "plat/stack.h"

// What a fiber of these tests works on. Fibers don't assert: cmocka jumps back to its own stack.
typedef struct task {
  grove__fiber *home, *self;
  uint64_t random;
  uint64_t steps, wrong;
  void *seen;
  bool done;
} task;

GROVE_MAYBE_UNUSED static grove__stacks *make_stacks(size_t usual, size_t most, int guard)
{
  grove__stacks *s;
  check_ok(grove__stacks_create(NULL, usual, most, guard, &s));
  return s;
}

GROVE_MAYBE_UNUSED static void go_home(task *t)
{
  grove__fiber_switch(t->self, t->home);
}

GROVE_MAYBE_UNUSED static void start_task(
    grove__stacks *s, size_t bytes, void (*entry)(void *), task *t)
{
  check_ok(grove__fiber_create(s, bytes, entry, t, &t->self));
}
#endif
