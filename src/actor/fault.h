// Faults of a simulation: what goes wrong on purpose, and when.
#ifndef GROVE_ACTOR_FAULT_H
#define GROVE_ACTOR_FAULT_H
#include "actor/cell.h"
#include <grove/sim.h>

typedef struct grove__fault_rule {
  struct grove__fault_rule *next;
  grove_fault fault;
} grove__fault_rule;

/// Puts the allocator that can fail in front of the host's. At start, in simulation.
void grove__faults_init(grove__system *y);
/// Frees rules and messages that are still delayed.
void grove__faults_deinit(grove__system *y);
/// A message is about to begin. True: a fault has taken it (killed, dropped, delayed).
bool grove__fault_takes(grove__cell *c, grove__message *m);
#endif
