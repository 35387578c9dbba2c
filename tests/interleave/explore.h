// Every interleaving of a few threads, one after the other: a test of lock-free code's small cases.
//
// The source under test is compiled into the test, behind this header, which makes each atomic operation and each taking
// of a lock a *point*. Threads are fibers; at a point the explorer decides who goes on. It runs a case again and again,
// with another decision each time, depth first, until there is none left (Godefroid, "Model Checking for Programming
// Languages using VeriSoft", 1997), or within a bound of switches away from a thread that could go on (Musuvathi and
// Qadeer, "Iterative Context Bounding", 2007). What is found wrong is found again by the same run: nothing is left to chance.
//
// What is explored: sequential consistency; a weak exchange that fails for no reason; and, with `delays`, plain stores that
// others see only when their thread does something that waits for its stores (as x86 does, in the worst case). Not: what
// only processors with weaker orders do; for those there are the argument in the code, and ThreadSanitizer.
#ifndef GROVE_TESTS_EXPLORE_H
#define GROVE_TESTS_EXPLORE_H
#include "base/status.h"
#include "plat/thread.h"
#include <stdatomic.h>
#include <string.h>

enum { EXPLORE_THREADS = 4 };
typedef struct explore_case {
  const char *name;
  void (*begin)(void);                    ///< makes the world anew; before the threads, which are not there yet
  void (*thread[EXPLORE_THREADS])(void);  ///< NULL: there are fewer
  void (*always)(void);                   ///< at each point; NULL: nothing. Only looks
  void (*end)(void);                      ///< when all have returned
  int switches;                           ///< away from one that could go on, at most; -1: any number
  int spurious;                           ///< weak exchanges that fail for no reason, at most
  int delays;                             ///< stores that are seen late, at most
} explore_case;

/// Runs all interleavings within the bounds, or `random` of them chosen by `seed`. Gives how many it ran. One that
/// fails is told on standard error, and -1 is given.
long explore_all(const explore_case *c);
long explore_some(const explore_case *c, uint64_t seed, long random);

/// In a case: fails it unless it holds.
#define EXPLORE_CHECK(X) explore_check((X), #X, __FILE__, __LINE__)
void explore_check(bool holds, const char *what, const char *file, int line);
/// In a thread: waits until `ready`, asked with that thread's number, says so. All threads waiting is a failure: somebody
/// was not woken.
void explore_wait(bool (*ready)(int me));
/// Which thread this is, from 0.
int explore_self(void);

// ---- what the source under test is compiled with ----------------------------------------------------------
void explore_point(void);
bool explore_fails(void); ///< whether a weak exchange is to fail now
void explore_store(void *at, const void *value, size_t bytes, int order);
void explore_load(const void *at, void *value, size_t bytes);
void explore_drain(void);
bool explore_drain_all(void); ///< of all threads
void explore_lock(grove__mutex *m);
void explore_unlock(grove__mutex *m);

#define EXPLORE__VALUE(P) __typeof__((void)0, *(P))
#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit
#define atomic_load_explicit(P, ORDER)                                                             \
  __extension__({                                                                                  \
    EXPLORE__VALUE(P) explore_got;                                                                   \
    explore_point();                                                                               \
    explore_load((const void *)(P), &explore_got, sizeof explore_got);                                 \
    explore_got;                                                                                     \
  })
#define atomic_store_explicit(P, V, ORDER)                                                         \
  __extension__({                                                                                  \
    EXPLORE__VALUE(P) explore_put = (V);                                                             \
    explore_point();                                                                               \
    explore_store((void *)(P), &explore_put, sizeof explore_put, (int)(ORDER));                        \
  })
// An operation that reads and writes at once: the expression may use `explore_old`.
#define EXPLORE__CHANGE(P, NEXT)                                                                   \
  __extension__({                                                                                  \
    explore_point();                                                                               \
    explore_drain();                                                                               \
    EXPLORE__VALUE(P) explore_old = *(P);                                                          \
    *(P) = (EXPLORE__VALUE(P))(NEXT);                                                              \
    explore_old;                                                                                   \
  })
#define atomic_exchange_explicit(P, V, ORDER) EXPLORE__CHANGE(P, V)
#define atomic_fetch_add_explicit(P, V, ORDER) EXPLORE__CHANGE(P, explore_old + (V))
#define atomic_fetch_sub_explicit(P, V, ORDER) EXPLORE__CHANGE(P, explore_old - (V))
#define atomic_fetch_or_explicit(P, V, ORDER) EXPLORE__CHANGE(P, explore_old | (V))
#define atomic_fetch_and_explicit(P, V, ORDER) EXPLORE__CHANGE(P, explore_old & (V))
#define EXPLORE__COMPARE(P, E, V, FAILS)                                                           \
  __extension__({                                                                                  \
    EXPLORE__VALUE(P) explore_new = (V);                                                           \
    explore_point();                                                                               \
    explore_drain();                                                                               \
    bool explore_same = *(P) == *(E) && !(FAILS);                                                  \
    if (explore_same) {                                                                            \
      *(P) = explore_new;                                                                          \
    } else {                                                                                       \
      *(E) = *(P);                                                                                 \
    }                                                                                              \
    explore_same;                                                                                  \
  })
#define atomic_compare_exchange_weak_explicit(P, E, V, YES, NO)                                    \
  EXPLORE__COMPARE(P, E, V, explore_fails())
#define atomic_compare_exchange_strong_explicit(P, E, V, YES, NO) EXPLORE__COMPARE(P, E, V, false)
#define grove__mutex_lock explore_lock
#define grove__mutex_unlock explore_unlock
#endif
