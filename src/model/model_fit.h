// From a table to what a learner's fit is given: for one model, and for one of each group.
#ifndef GROVE_MODEL_MODEL_FIT_H
#define GROVE_MODEL_MODEL_FIT_H
#include "model/fit_columns.h"
#include "model/model_object.h"

/// What one fit needs besides the model; zeroed but for model, table and error.
typedef struct grove__fitting {
  grove_model *m;
  const grove_table *t;
  grove_fit_options o;
  grove_work given;      // the caller's, completed
  uint64_t deadline_ns;  // 0: none
  atomic_bool stopped;   // a yield said so, and what there is is kept
  _Atomic int32_t ended; // what the learner was told
  size_t rows;
  size_t target; // column of the table
  size_t weight; // column of the table, if o.weight
  bool has_key;
  size_t key;     // column of the table that is no feature, if has_key
  size_t *wanted; // columns of the table
  const char **names;
  size_t count;
  size_t room;            // of wanted and names
  grove__numbers columns; // features, then the target, then the weight if there is one
  grove__numbers held;    // the same of the rows to validate on
  grove__numbers watched; // of the rows to watch: features and target
  uint8_t *categorical;   // by feature, as grove_fit_data has it; NULL: none
  int8_t *monotone;       // by feature
  grove_error *err;
} grove__fitting;

/// Chooses columns and kinds of features, and names them in the model. Its end is due in any case.
grove_status grove__fitting_begin(grove__fitting *f, const grove_fit_options *o);
/// Whether target, weights and features are what the learner takes. `weight` NULL: all 1.
grove_status grove__fitting_check(const grove__fitting *f, const grove_matrix *x, const double *y,
    const double *weight, grove_error *err);
void grove__fitting_end(grove__fitting *f);
/// Has the learner of `m` fit `state`. `err` gets the learner's words.
grove_status grove__fitting_run(const grove_model *m, void *state, const grove_fit_data *d,
    const grove_work *work, grove_error *err);
/// What the learner is given, but for weights and rows.
grove_fit_data grove__fitting_data(const grove__fitting *f, const grove_matrix *x);
/// Nanoseconds, from any time on.
uint64_t grove__fitting_clock(void);
/// The caller's work, completed.
grove_status grove__fitting_work(grove__fitting *f, grove_work *out);
#endif
