// What `grove predict` says in the end: a table or JSON of what was scored, or of what would be.
#ifndef GROVE_TOOL_PREDICT_REPORT_H
#define GROVE_TOOL_PREDICT_REPORT_H
#include "predict_wish.h"

typedef struct predict_report {
  predict_wish *w; // its shards are filled
  grove_job_progress at;
  double seconds;
  grove_job_member *members;
  size_t n_members;
  char **schemas; // each list of columns that a plan has seen, once
  size_t n_schemas;
  uint64_t memory_bytes; // of a plan
} predict_report;

/// A shard has its fate.
void predict_report_take(predict_report *r, size_t shard, const grove_job_result *result);
void predict_report_member(predict_report *r, const grove_job_member *m);
/// Prints it, and what failed on standard error. Gives the exit code.
int predict_report_put(const predict_report *r);
void predict_report_free(predict_report *r);
#endif
