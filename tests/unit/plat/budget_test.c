#include "check.h"
#include "plat/budget.h"
#include <ftw.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct tree {
  char root[64];
} tree;

static void make_parents(char *path)
{
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    (void)mkdir(path, 0700);
    *slash = '/';
  }
}

static void put(const tree *t, const char *name, const char *text)
{
  char path[1024];
  assert_true(snprintf(path, sizeof(path), "%s/%s", t->root, name) < (int)sizeof(path));
  make_parents(path);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  assert_int_equal(fclose(f), 0);
}

static int plant(void **state)
{
  static tree t;
  (void)snprintf(t.root, sizeof(t.root), "/tmp/grove_budget_XXXXXX");
  *state = &t;
  return mkdtemp(t.root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *ftw)
{
  (void)s;
  (void)type;
  (void)ftw;
  return remove(path);
}
static int fell(void **state)
{
  const tree *t = *state;
  return nftw(t->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void nothing_there_is_the_affinity(void **state)
{
  const tree *t = *state;
  assert_int_equal(grove__cpu_budget_at(t->root, 6), 6);
  assert_int_equal(grove__cpu_budget_at("/nowhere/at/all", 6), 6);
  assert_int_equal(grove__cpu_budget_at(t->root, 0), 1);
}

static void v2_quota_is_rounded_up(void **state)
{
  const tree *t = *state;
  put(t, "proc/self/cgroup", "0::/app\n");
  put(t, "sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 8), 2);
  assert_int_equal(grove__cpu_budget_at(t->root, 1), 1);
  put(t, "sys/fs/cgroup/app/cpu.max", "200000 100000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 8), 2);
  put(t, "sys/fs/cgroup/app/cpu.max", "1000 100000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 8), 1);
  put(t, "sys/fs/cgroup/app/cpu.max", "max 100000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 8), 8);
}

static void v2_narrowest_group_above_counts(void **state)
{
  const tree *t = *state;
  put(t, "proc/self/cgroup", "0::/a.slice/b.slice/c.scope\n");
  put(t, "sys/fs/cgroup/a.slice/b.slice/c.scope/cpu.max", "max 100000\n");
  put(t, "sys/fs/cgroup/a.slice/b.slice/cpu.max", "500000 100000\n");
  put(t, "sys/fs/cgroup/a.slice/cpu.max", "60000 20000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 3);
  put(t, "sys/fs/cgroup/cpu.max", "200000 100000\n"); // a container's own, seen as the root
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 2);
}

static void v2_group_of_the_host_falls_back_to_the_root(void **state)
{
  const tree *t = *state;
  put(t, "sys/fs/cgroup/cpu.max", "300000 100000\n");
  put(t, "proc/self/cgroup", "0::/\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 3);
  put(t, "proc/self/cgroup", "0::/docker/0123456789abcdef/deep/er\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 3);
  put(t, "proc/self/cgroup", "0::/../../system.slice\n");
  put(t, "system.slice/cpu.max", "100000 100000\n"); // what naive joining would find
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 3);
  put(t, "proc/self/cgroup", "0::/gone (deleted)\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 3);
}

static void v1_reads_both_files(void **state)
{
  const tree *t = *state;
  put(t, "proc/self/cgroup",
      "12:cpuset:/x\n11:memory:/y\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/z\n0::/q\n");
  put(t, "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "250000\n");
  put(t, "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "50000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 5);
  put(t, "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "-1\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 16);
  put(t, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "400000\n"); // its period is the usual one
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 4);
  put(t, "sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us", "300000\n"); // under the shorter name
  put(t, "sys/fs/cgroup/cpu/docker/cpu.cfs_period_us", "100000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 3);
}

static void v1_other_controllers_do_not_count(void **state)
{
  const tree *t = *state;
  put(t, "proc/self/cgroup", "3:cpuset,cpuacct:/x\n");
  put(t, "sys/fs/cgroup/cpuset,cpuacct/x/cpu.cfs_quota_us", "100000\n");
  put(t, "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "100000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 16), 16);
}

static void odd_files_are_no_quota(void **state)
{
  const tree *t = *state;
  static const char *const quotas[] = {"", "\n", "0 100000\n", "abc\n", "100000 0\n", "-5 100000\n",
      "99999999999999999999999999 100000\n", "max", "18446744073709551615 1\n"};
  put(t, "proc/self/cgroup", "0::/app\n");
  for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
    put(t, "sys/fs/cgroup/app/cpu.max", quotas[i]);
    assert_int_equal(grove__cpu_budget_at(t->root, 7), 7);
  }
  put(t, "sys/fs/cgroup/app/cpu.max", "300000");
  assert_int_equal(grove__cpu_budget_at(t->root, 7), 3);
  put(t, "proc/self/cgroup", "garbage\n::\n0:\n0::\n\n0::relative\n5:cpu:\n0::/app:with:colons\n");
  put(t, "sys/fs/cgroup/app:with:colons/cpu.max", "200000 100000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 7), 2);
}

static void long_group_is_no_quota(void **state)
{
  const tree *t = *state;
  static char line[20000];
  (void)snprintf(line, sizeof(line), "0::");
  for (size_t n = 3; n < sizeof(line) - 16; n += 4) {
    memcpy(line + n, "/abc", 5);
  }
  strcat(line, "\n0::/\n");
  put(t, "proc/self/cgroup", line);
  put(t, "sys/fs/cgroup/cpu.max", "200000 100000\n");
  assert_int_equal(grove__cpu_budget_at(t->root, 7), 2);
}

static void this_process_gets_at_most_its_affinity(void **state)
{
  (void)state;
  cpu_set_t set;
  assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
  uint32_t budget = grove__cpu_budget();
  assert_in_range(budget, 1, CPU_COUNT(&set));
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, plant, fell)

int main(void)
{
  const struct CMUnitTest tests[] = {
      in_tree(nothing_there_is_the_affinity),
      in_tree(v2_quota_is_rounded_up),
      in_tree(v2_narrowest_group_above_counts),
      in_tree(v2_group_of_the_host_falls_back_to_the_root),
      in_tree(v1_reads_both_files),
      in_tree(v1_other_controllers_do_not_count),
      in_tree(odd_files_are_no_quota),
      in_tree(long_group_is_no_quota),
      cmocka_unit_test(this_process_gets_at_most_its_affinity),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
