// The supervisor: an actor that owns one model actor for each kind.
#ifndef SUPERVISOR_H
#define SUPERVISOR_H
#include "model_actor.h"

enum { MODELS = 5 };

typedef struct supervisor_plan {
  grove_shared train, test;
  const model_config *configs; // MODELS of them
  const grove_registry *registry;
  uint64_t seed;
} supervisor_plan;
extern const grove_type grove_type_of_supervisor_plan;

/// How each model did: its row, or why it has none.
typedef struct result {
  const char *kind;
  grove_status status;
  model_row row;
  char error[300];
} result;
typedef struct report {
  result of[MODELS];
} report;
GROVE_TYPE(report)

// work: trains and evaluates all, at the same time; the report is sorted by error, failed ones last.
#define SUPERVISOR(START, METHOD)                                                                  \
  START(supervisor, supervisor_plan)                                                               \
  METHOD(supervisor, work, grove_none, report)
GROVE_INTERFACE(SUPERVISOR, supervisor)
#endif
