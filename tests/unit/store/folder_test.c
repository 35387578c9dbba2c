// The lock of a folder, where another user left its file, or rights are missing.
#include "check.h"
#include "store/folder.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, TAKEN = 1, HELD = 2, REFUSED = 3, OTHER = 4 };

static char folder[64], lock_file[128];

static int set_up(void **state)
{
  (void)state;
  strcpy(folder, "/tmp/grove_lock_XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)snprintf(lock_file, sizeof lock_file, "%s/.grove-job.lock", folder);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  (void)chmod(folder, 0700);
  (void)unlink(lock_file);
  assert_int_equal(rmdir(folder), 0);
  return 0;
}

static void leave_lock(mode_t mode)
{
  int fd = open(lock_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(fchmod(fd, mode), 0);
  close(fd);
}

static int look(const char *words)
{
  grove_error err = {0};
  int lock = -1;
  grove_status s = grove__folder_lock(folder, &lock, &err);
  if (!s && lock >= 0) {
    grove__folder_unlock(folder, lock);
    return TAKEN;
  }
  return s == GROVE_EEXIST ? HELD : s == GROVE_EIO && strstr(err.text, words) && strstr(err.text, lock_file) ? REFUSED : OTHER;
}

// What somebody finds who may do everything nowhere.
static int look_as_another(const char *words)
{
  int how = 0;
  pid_t child = fork();
  assert_true(child >= 0);
  if (!child) {
    if (!geteuid() && (setgid(NOBODY) || setuid(NOBODY))) {
      _exit(OTHER);
    }
    _exit(look(words));
  }
  assert_int_equal(waitpid(child, &how, 0), child);
  return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

static void a_lock_that_cant_be_written_is_taken_even_so(void **state)
{
  (void)state;
  leave_lock(0444);
  assert_int_equal(chmod(folder, 01777), 0); // where another's file can't be taken away, either
  assert_int_equal(look_as_another(""), TAKEN);
  int fd = open(lock_file, O_RDONLY | O_CREAT | O_CLOEXEC, 0444), lock = -1; // the user whose it is takes it away with the lock
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(chmod(lock_file, 0444), 0);
  check_ok(grove__folder_lock(folder, &lock, NULL));
  assert_true(lock >= 0);
  assert_int_equal(look_as_another(""), HELD);
  grove__folder_unlock(folder, lock);
}

static void what_cant_be_locked_is_refused(void **state)
{
  (void)state;
  static const char words[] = ": it wants the right to write to the folder, or to read that file; or write to another folder";
  leave_lock(0000);
  assert_int_equal(chmod(folder, 01777), 0);
  assert_int_equal(look_as_another(words), REFUSED);
  assert_int_equal(unlink(lock_file), 0);
  assert_int_equal(chmod(folder, 0555), 0);
  assert_int_equal(look_as_another(words), REFUSED);
  assert_int_equal(chmod(folder, 0700), 0);
  assert_int_equal(symlink("elsewhere", lock_file), 0); // nobody's lock is in another place
  assert_int_equal(look(words), REFUSED);
}

// No such folder is told of when something is written to it.
static void no_folder_has_no_lock(void **state)
{
  (void)state;
  int lock = 0;
  check_ok(grove__folder_lock("/tmp/grove_lock_nowhere/at/all", &lock, NULL));
  assert_int_equal(lock, -1);
  assert_true(grove__folder_holds("/tmp/grove_lock_nowhere/at/all", lock));
}

static void a_lock_without_its_name_holds_nothing(void **state)
{
  (void)state;
  int lock = -1, other = -1;
  check_ok(grove__folder_lock(folder, &lock, NULL));
  assert_true(grove__folder_holds(folder, lock));
  assert_int_equal(unlink(lock_file), 0);
  assert_false(grove__folder_holds(folder, lock));
  check_ok(grove__folder_lock(folder, &other, NULL));
  assert_true(other >= 0);
  assert_false(grove__folder_holds(folder, lock));
  assert_true(grove__folder_holds(folder, other));
  grove__folder_unlock(folder, lock); // which takes nothing of the other's away
  assert_true(grove__folder_holds(folder, other));
  grove__folder_unlock(folder, other);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_lock_that_cant_be_written_is_taken_even_so, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_cant_be_locked_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_folder_has_no_lock, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_lock_without_its_name_holds_nothing, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
