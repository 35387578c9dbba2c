#include "plat/barrier.h"
#if defined(__linux__)
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__linux__) && defined(SYS_membarrier)
enum { BARRIER = 1 << 3, REGISTER = 1 << 4 }; // linux/membarrier.h, which not every system has: private, expedited

static bool is_alone(void)
{
  struct stat s;
  return !stat("/proc/self/task", &s) && s.st_nlink == 3; // with the folder's own two
}

bool grove__barrier_ready(void)
{
  return !syscall(SYS_membarrier, BARRIER, 0, 0) || (is_alone() && !syscall(SYS_membarrier, REGISTER, 0, 0));
}

bool grove__barrier_all(void)
{
  return !syscall(SYS_membarrier, BARRIER, 0, 0);
}
#else
bool grove__barrier_ready(void)
{
  return false;
}

bool grove__barrier_all(void)
{
  return false;
}
#endif
