#include "plat/fork.h"
#include <sys/mman.h>
#include <unistd.h>

static size_t page_bytes(void)
{
  long page = sysconf(_SC_PAGESIZE);
  return page > 0 ? (size_t)page : 4096;
}

static bool wipe_on_fork(void *page)
{
#if defined(MADV_WIPEONFORK)
  // Emulators take any advice for success: only who refuses nonsense is believed.
  return madvise(page, page_bytes(), 0x7fff) != 0 &&
         madvise(page, page_bytes(), MADV_WIPEONFORK) == 0;
#else
  (void)page;
  return false;
#endif
}

grove_status grove__fork_mark_init(grove__fork_mark *m)
{
  *m = (grove__fork_mark){0};
  void *page = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    return GROVE_ENOMEM;
  }
  m->word = page;
  m->process = wipe_on_fork(page) ? 0 : (uint64_t)getpid();
  *m->word = !m->process;
  return GROVE_OK;
}

void grove__fork_mark_deinit(grove__fork_mark *m)
{
  if (m->word) {
    (void)munmap((void *)(uintptr_t)m->word, page_bytes());
  }
  *m = (grove__fork_mark){0};
}

bool grove__fork_mark_asks(const grove__fork_mark *m)
{
  return (uint64_t)getpid() != m->process;
}
