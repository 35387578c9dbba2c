// What boosting makes small: gradients, the first guess, and the loss that is reported.
#ifndef GROVE_MODEL_OBJECTIVE_H
#define GROVE_MODEL_OBJECTIVE_H
#include "model/tree.h"

/// In parameters as numbers behind words: never renumbered.
enum {
  GROVE__OBJECTIVE_SQUARED = 0,
  GROVE__OBJECTIVE_ABSOLUTE = 1,
  GROVE__OBJECTIVE_HUBER = 2,
  GROVE__OBJECTIVE_QUANTILE = 3,
  GROVE__OBJECTIVE_POISSON = 4,
  GROVE__OBJECTIVE_LOGISTIC = 5
};

typedef struct grove__objective {
  int kind;
  double quantile;
  double slope; // Huber: residuals beyond this count by their sign
} grove__objective;

/// Whether every row's second derivative is its weight: then a row needs one number.
bool grove__objective_is_plain(const grove__objective *o);
/// Whether leaves are not means but quantiles of what is left over, and which.
bool grove__objective_renews(const grove__objective *o, double *quantile);
/// Returns: GROVE_EINVAL: a target that the objective can't have, by row
grove_status grove__objective_check(
    const grove__objective *o, const double *y, size_t rows, grove_error *err);
/// The constant with the least loss. `weight` NULL: all 1. Returns: GROVE_ENOMEM
grove_status grove__objective_base(const grove__objective *o, const grove_allocator *a,
    const double *y, const double *weight, size_t rows, double *out);
/// Of rows [from, end): minus the first derivative, and (unless plain; `h` NULL then) the second, times the weight.
void grove__objective_gradients(const grove__objective *o, const double *y, const double *raw,
    const double *weight, size_t from, size_t end, double *g, double *h);
/// The mean loss of raw predictions. Squared: of the squares.
double grove__objective_loss(const grove__objective *o, const double *y, const double *raw,
    const double *weight, size_t rows);
/// From sums to predictions, one of GROVE__LINK_*.
uint32_t grove__objective_link(const grove__objective *o);
/// What the loss is called: "mse", "mae" ...
const char *grove__objective_metric(const grove__objective *o);
/// The weighted quantile of `value`, which it rearranges together with `weight` (NULL: all 1). n > 0.
double grove__weighted_quantile(double *value, double *weight, size_t n, double quantile);
#endif
