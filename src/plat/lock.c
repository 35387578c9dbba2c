// The kernel's part of locks: sleeping and waking.
#include "plat/thread.h"
#if defined(__linux__) && defined(__LP64__)
#include "plat/clock.h"
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  LOOKS = 100
}; // before sleeping: most locks are held for less than the kernel takes to put us to bed

static void relax(void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Errors are looks again: the word has changed meanwhile, a signal came, the time is up. A wake of a word whose memory
// has gone since it was given back wakes nobody, or somebody who looks again.
static void sleep_while(_Atomic uint32_t *word, uint32_t value, const struct timespec *until)
{
  (void)syscall(
      SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until, NULL, FUTEX_BITSET_MATCH_ANY);
}
static void wake(_Atomic uint32_t *word, int most)
{
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
}

void grove__mutex_lock_slowly(grove__mutex *m)
{
  for (int i = 0; i < LOOKS; i++) {
    uint32_t expected = GROVE__LOCK_FREE;
    // Relaxed: a look; the exchange decides. ORDER acquire, PAIRS grove__mutex_unlock.
    if (atomic_load_explicit(&m->word, memory_order_relaxed) == GROVE__LOCK_FREE &&
        atomic_compare_exchange_weak_explicit(
            &m->word, &expected, GROVE__LOCK_HELD, memory_order_acquire, memory_order_relaxed)) {
      return;
    }
    relax();
  }
  // ORDER acquire, PAIRS grove__mutex_unlock. It is said to be wanted even if it was free: others may sleep.
  while (atomic_exchange_explicit(&m->word, GROVE__LOCK_WANTED, memory_order_acquire) !=
         GROVE__LOCK_FREE) {
    sleep_while(&m->word, GROVE__LOCK_WANTED, NULL);
  }
}

void grove__mutex_wake(grove__mutex *m)
{
  wake(&m->word, 1);
}

void grove__cond_wake(grove__cond *c, int most)
{
  // ORDER seq_cst, both: a waiter counts itself before it reads `signals`, we count up before we read `waiters`: so one
  // of the two sees the other, also where a signal is given without the mutex. PAIRS wait_counted.
  atomic_fetch_add_explicit(&c->signals, 1, memory_order_seq_cst);
  if (atomic_load_explicit(&c->waiters, memory_order_seq_cst)) {
    wake(&c->signals, most);
  }
}

static void wait_counted(grove__cond *c, grove__mutex *m, const struct timespec *until)
{
  atomic_fetch_add_explicit(&c->waiters, 1, memory_order_seq_cst); // PAIRS grove__cond_wake
  uint32_t before = atomic_load_explicit(&c->signals, memory_order_seq_cst);
  grove__mutex_unlock(m);
  sleep_while(&c->signals, before, until);
  grove__mutex_lock(m);
  atomic_fetch_sub_explicit(
      &c->waiters, 1, memory_order_relaxed); // one too many costs a system call
}

void grove__cond_wait(grove__cond *c, grove__mutex *m)
{
  wait_counted(c, m, NULL);
}

bool grove__cond_wait_until(grove__cond *c, grove__mutex *m, int64_t deadline_ns)
{
  if (deadline_ns == INT64_MAX) {
    wait_counted(c, m, NULL);
    return true;
  }
  if (deadline_ns <= grove__clock_ns()) {
    return false;
  }
  struct timespec until = {deadline_ns / 1000000000, deadline_ns % 1000000000};
  wait_counted(c, m, &until);
  return grove__clock_ns() < deadline_ns;
}
#else
typedef int grove__lock_is_not_needed; // a file of C holds at least one declaration
#endif
