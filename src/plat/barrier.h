// A barrier in all threads of the process at once. Where one thread does something very often, and another seldom wants to come
// between, the one needs no barrier of its own for what it stores and then loads: the other makes one for both (Dice, Huang and
// Yang, "Asymmetric Dekker Synchronization", 2001).
#ifndef GROVE_PLAT_BARRIER_H
#define GROVE_PLAT_BARRIER_H
#include <stdbool.h>

/// Whether grove__barrier_all works in this process, from now on. Linux has to be told once that it will be asked: in a process of
/// one thread that costs microseconds, else a grace period of the kernel's, some 20 ms, for which nobody waits here: then it is
/// false, as where the system has none, or forbids it.
bool grove__barrier_ready(void);
/// What each thread did before some moment within this call is seen by all others after it, and the other way round. Some
/// microseconds. False: it is not so, because the system forbids by now what it allowed before.
bool grove__barrier_all(void);
#endif
