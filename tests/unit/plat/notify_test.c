#include "check.h"
#include "plat/notify.h"
#include "plat/thread.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

// The same source once more in its other shape, for systems without eventfd.
#define GROVE_NOTIFY_PIPE 1
#define grove__notify_init pipe_init
#define grove__notify_deinit pipe_deinit
#define grove__notify_raise pipe_raise
#define grove__notify_clear pipe_clear
grove_status pipe_init(grove__notify *n);
void pipe_deinit(grove__notify *n);
void pipe_raise(grove__notify *n);
void pipe_clear(grove__notify *n);
#include "plat/notify.c"
#undef grove__notify_init
#undef grove__notify_deinit
#undef grove__notify_raise
#undef grove__notify_clear

typedef struct shape {
  grove_status (*init)(grove__notify *n);
  void (*deinit)(grove__notify *n);
  void (*raise)(grove__notify *n);
  void (*clear)(grove__notify *n);
} shape;
static shape usual = {
    grove__notify_init, grove__notify_deinit, grove__notify_raise, grove__notify_clear};
static shape with_pipe = {pipe_init, pipe_deinit, pipe_raise, pipe_clear};

static bool is_readable(const grove__notify *n, int timeout_ms)
{
  struct pollfd p = {.fd = n->read_fd, .events = POLLIN};
  return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLIN);
}

static void raise_and_clear_are_idempotent(void **state)
{
  const shape *s = *state;
  grove__notify n;
  check_ok(s->init(&n));
  assert_false(is_readable(&n, 0));
  s->clear(&n);
  for (int i = 0; i < 100; i++) {
    s->raise(&n);
    assert_true(is_readable(&n, 0));
  }
  s->clear(&n);
  assert_false(is_readable(&n, 0));
  s->raise(&n);
  assert_true(is_readable(&n, 0));
  s->deinit(&n);
  assert_int_equal(n.read_fd, -1);
}

static void raise_never_blocks(void **state)
{
  const shape *s = *state;
  grove__notify n;
  check_ok(s->init(&n));
  for (int i = 0; i < 100000; i++) { // more than a pipe holds
    s->raise(&n);
  }
  assert_true(is_readable(&n, 0));
  s->clear(&n);
  assert_false(is_readable(&n, 0));
  s->deinit(&n);
}

static void descriptors_are_not_inherited(void **state)
{
  const shape *s = *state;
  grove__notify n;
  check_ok(s->init(&n));
  assert_true(fcntl(n.read_fd, F_GETFD) & FD_CLOEXEC);
  assert_true(fcntl(n.write_fd, F_GETFD) & FD_CLOEXEC);
  assert_true(fcntl(n.read_fd, F_GETFL) & O_NONBLOCK);
  assert_true(fcntl(n.write_fd, F_GETFL) & O_NONBLOCK);
  s->deinit(&n);
}

static void no_descriptor_left_is_a_limit(void **state)
{
  const shape *s = *state;
  struct rlimit old;
  grove__notify n;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
  struct rlimit none = {.rlim_cur = 0, .rlim_max = old.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  grove_status status = s->init(&n);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
  check_status(status, GROVE_ELIMIT);
  assert_int_equal(n.read_fd, -1);
  s->deinit(&n); // harmless
}

typedef struct raiser {
  const shape *shape;
  grove__notify *n;
} raiser;

static void raise_once(void *user)
{
  raiser *r = user;
  r->shape->raise(r->n);
}

static void raise_wakes_another_thread(void **state)
{
  grove__notify n;
  raiser r = {*state, &n};
  check_ok(r.shape->init(&n));
  grove__thread t;
  check_ok(grove__thread_create(&t, 0, NULL, raise_once, &r));
  assert_true(is_readable(&n, 30000));
  grove__thread_join(&t);
  r.shape->deinit(&n);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(raise_and_clear_are_idempotent, &usual),
      cmocka_unit_test_prestate(raise_and_clear_are_idempotent, &with_pipe),
      cmocka_unit_test_prestate(raise_never_blocks, &usual),
      cmocka_unit_test_prestate(raise_never_blocks, &with_pipe),
      cmocka_unit_test_prestate(descriptors_are_not_inherited, &usual),
      cmocka_unit_test_prestate(descriptors_are_not_inherited, &with_pipe),
      cmocka_unit_test_prestate(no_descriptor_left_is_a_limit, &usual),
      cmocka_unit_test_prestate(no_descriptor_left_is_a_limit, &with_pipe),
      cmocka_unit_test_prestate(raise_wakes_another_thread, &usual),
      cmocka_unit_test_prestate(raise_wakes_another_thread, &with_pipe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
