#include "check.h"
#include "plat/fork.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// The same source as on a system that can't wipe pages.
#undef MADV_WIPEONFORK
#define grove__fork_mark_init ask_init
#define grove__fork_mark_deinit ask_deinit
#define grove__fork_mark_asks ask_asks
grove_status ask_init(grove__fork_mark *m);
void ask_deinit(grove__fork_mark *m);
bool ask_asks(const grove__fork_mark *m);
#include "plat/fork.c"
#undef grove__fork_mark_init
#undef grove__fork_mark_deinit
#undef grove__fork_mark_asks

// What the header's look comes to where a page does not tell.
static bool ask_is_child(const grove__fork_mark *m)
{
  return ask_asks(m);
}

typedef struct shape {
  grove_status (*init)(grove__fork_mark *m);
  void (*deinit)(grove__fork_mark *m);
  bool (*is_child)(const grove__fork_mark *m);
  int asks;
} shape;
static shape usual = {grove__fork_mark_init, grove__fork_mark_deinit, grove__fork_mark_is_child, 0};
static shape asking = {ask_init, ask_deinit, ask_is_child, 1};

// The exit code of a child that runs nothing but this.
static int exit_code_of(pid_t child)
{
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void child_and_grandchild_know(void **state)
{
  const shape *s = *state;
  grove__fork_mark m;
  check_ok(s->init(&m));
  assert_true((m.process != 0) >= s->asks); // under an emulator both ask
  assert_false(s->is_child(&m));
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    int seen = s->is_child(&m);
    pid_t grandchild = fork();
    if (grandchild == 0) {
      _exit(s->is_child(&m));
    }
    int status = 0;
    (void)waitpid(grandchild, &status, 0);
    s->deinit(&m); // freeing there must be harmless here
    _exit(seen && WIFEXITED(status) && WEXITSTATUS(status) == 1 ? 42 : 0);
  }
  assert_int_equal(exit_code_of(child), 42);
  assert_false(s->is_child(&m));
  s->deinit(&m);
}

static void child_has_its_own_mark(void **state)
{
  const shape *s = *state;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    grove__fork_mark m;
    _exit(s->init(&m) == GROVE_OK && !s->is_child(&m) ? 42 : 0);
  }
  assert_int_equal(exit_code_of(child), 42);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(child_and_grandchild_know, &usual),
      cmocka_unit_test_prestate(child_and_grandchild_know, &asking),
      cmocka_unit_test_prestate(child_has_its_own_mark, &usual),
      cmocka_unit_test_prestate(child_has_its_own_mark, &asking),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
