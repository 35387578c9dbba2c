// grove train --report: one page that says how the models did, without anything from elsewhere.
#ifndef GROVE_TOOL_TRAIN_REPORT_H
#define GROVE_TOOL_TRAIN_REPORT_H
#include "train_look.h"

typedef struct train_report {
  const char *path, *data;   ///< of the page; of the table
  grove *g;
  grove_trainer_ref trainer;
  const grove_table *table;
  const char *target;        ///< NULL: the last column
  double test_part;          ///< 0: 0.2
  uint64_t seed, folds;
  double seconds;
  grove_trained_list list;
  const train_look *look;
} train_report;
/// Writes it, in one piece or not at all. On failure reports, and gives the exit code.
int train_report_write(const train_report *r);
#endif
