// How many threads this process may keep busy.
#ifndef GROVE_PLAT_BUDGET_H
#define GROVE_PLAT_BUDGET_H
#include <stdint.h>

/// The smaller of the affinity mask and the cgroup quota (v2: cpu.max along the path up to the root; v1:
/// cpu.cfs_quota_us / cpu.cfs_period_us), rounded up; at least 1.
uint32_t grove__cpu_budget(void);
/// The same read from other places, for tests: `root` in front of /proc/self/cgroup and /sys/fs/cgroup.
uint32_t grove__cpu_budget_at(const char *root, uint32_t affinity);
#endif
