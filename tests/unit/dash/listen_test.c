// Addresses: which are some, what is said of the others, and sockets' files.
#include "check.h"
#include "dash/listen.h"
#include "http_client.h"
#include <sys/stat.h>
#include <unistd.h>

static void addresses(void **state)
{
  static const char *const bad[] = {"", ":", "8265", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
      "127.0.0.1:1x", "127.0.0.1:-1", "localhost:8265", "::1:80", "[::1]", "[::1:80",
      "[127.0.0.1]:80", "300.0.0.1:1", "unix:", "127.0.0.1:123456"};
  grove__listener l;
  grove_error err;
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    check_status(grove__listen(bad[i], &l, &err), GROVE_EINVAL);
    assert_int_equal(l.fd, -1);
  }
  check_contains(err.text, "127.0.0.1:123456 is no address");
  check_ok_err(grove__listen("127.0.0.1:0", &l, &err), &err);
  assert_true(l.is_loopback);
  assert_true(l.port != 0);
  assert_string_equal(l.where, "127.0.0.1");
  char again[40];
  grove__listener other;
  snprintf(again, sizeof again, "127.0.0.1:%u", (unsigned)l.port);
  check_status(grove__listen(again, &other, &err), GROVE_EEXIST);
  check_contains(err.text, again);
  assert_int_equal(other.fd, -1);
  close(l.fd);
  check_ok_err(grove__listen("127.9.9.9:0", &l, &err), &err);
  assert_true(l.is_loopback);
  close(l.fd);
  check_ok_err(grove__listen("0.0.0.0:0", &l, &err), &err);
  assert_false(l.is_loopback);
  close(l.fd);
}

static void files(void **state)
{
  char folder[] = "/tmp/grove-listen-XXXXXX", address[80];
  struct stat is;
  grove__listener l, other;
  grove_error err;
  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(address, sizeof address, "unix:%s/s", folder);
  mode_t before = umask(0);
  check_ok_err(grove__listen(address, &l, &err), &err);
  umask(before);
  assert_int_equal(l.port, 0);
  assert_true(l.is_loopback);
  assert_int_equal(stat(address + 5, &is), 0);
  assert_int_equal(is.st_mode & 0777, 0600);                        // even with no umask
  check_status(grove__listen(address, &other, &err), GROVE_EEXIST); // somebody serves there
  assert_int_equal(stat(address + 5, &is), 0);
  close(l.fd); // as if its program was killed
  check_ok_err(grove__listen(address, &l, &err), &err);
  close(l.fd);
  grove__listen_forget(&l);
  assert_int_not_equal(stat(address + 5, &is), 0);
  FILE *f = fopen(address + 5, "w"); // a file that is no socket stays
  assert_non_null(f);
  fclose(f);
  check_status(grove__listen(address, &l, &err), GROVE_EEXIST);
  assert_int_equal(stat(address + 5, &is), 0);
  unlink(address + 5);
  rmdir(folder);
}

// "unix:DIR/": what `grove top` finds is named after the process, in a folder that is this user's alone.
static void folders(void **state)
{
  char base[] = "/tmp/grove-listen-XXXXXX", address[80], want[100], link[80];
  struct stat is;
  grove__listener first, second, none;
  grove_error err;
  (void)state;
  assert_non_null(mkdtemp(base));
  snprintf(address, sizeof address, "unix:%s/grove/", base);
  mode_t before = umask(0);
  check_ok_err(grove__listen(address, &first, &err), &err);
  umask(before);
  snprintf(want, sizeof want, "%s/grove", base);
  assert_int_equal(stat(want, &is), 0);
  assert_int_equal(is.st_mode & 0777, 0700);
  snprintf(want, sizeof want, "%s/grove/%ld.sock", base, (long)getpid());
  assert_string_equal(first.where, want);
  assert_int_equal(stat(want, &is), 0);
  assert_int_equal(is.st_mode & 0777, 0600);
  check_ok_err(grove__listen(address, &second, &err), &err); // a process may have two runtimes
  snprintf(want, sizeof want, "%s/grove/%ld-2.sock", base, (long)getpid());
  assert_string_equal(second.where, want);
  close(first.fd); // as if its program was killed: the name is free again
  check_ok_err(grove__listen(address, &none, &err), &err);
  assert_string_equal(none.where, first.where);
  close(none.fd);
  close(second.fd);
  grove__listen_forget(&none);
  grove__listen_forget(&second);
  snprintf(want, sizeof want, "%s/grove", base);
  assert_int_equal(chmod(want, 0770), 0); // others of the group could put a socket there
  check_status(grove__listen(address, &none, &err), GROVE_EIO);
  check_contains(err.text, "not this user's own folder");
  assert_int_equal(none.fd, -1);
  assert_int_equal(chmod(want, 0700), 0);
  snprintf(link, sizeof link, "%s/link", base);
  assert_int_equal(symlink(want, link), 0);
  snprintf(address, sizeof address, "unix:%s/link/", base);
  check_status(grove__listen(address, &none, &err), GROVE_EIO);
  snprintf(address, sizeof address, "unix:%s/nothing/grove/", base);
  check_status(grove__listen(address, &none, &err), GROVE_EIO);
  check_contains(err.text, "can't be made");
  unlink(link);
  rmdir(want);
  rmdir(base);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses), cmocka_unit_test(files), cmocka_unit_test(folders)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
