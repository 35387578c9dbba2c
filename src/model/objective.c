#include "model/objective.h"
#include "base/error.h"
#include "base/status.h"
#include <math.h>

bool grove__objective_is_plain(const grove__objective *o)
{
  return o->kind != GROVE__OBJECTIVE_POISSON && o->kind != GROVE__OBJECTIVE_LOGISTIC;
}

bool grove__objective_renews(const grove__objective *o, double *quantile)
{
  *quantile = o->kind == GROVE__OBJECTIVE_QUANTILE ? o->quantile : 0.5;
  return o->kind == GROVE__OBJECTIVE_QUANTILE || o->kind == GROVE__OBJECTIVE_ABSOLUTE;
}

grove_status grove__objective_check(
    const grove__objective *o, const double *y, size_t rows, grove_error *err)
{
  double sum = 0;
  for (size_t i = 0; i < rows; i++) {
    sum += y[i];
    if (o->kind == GROVE__OBJECTIVE_POISSON && y[i] < 0) {
      return grove__error(err, GROVE_EINVAL, (int64_t)i,
          "the target is %g in row %zu (rows from 0); poisson takes numbers of 0 or more", y[i], i);
    }
    if (o->kind == GROVE__OBJECTIVE_LOGISTIC && y[i] != 0 && y[i] != 1) {
      return grove__error(err, GROVE_EINVAL, (int64_t)i,
          "the target is %g in row %zu (rows from 0); logistic takes 0 and 1 only", y[i], i);
    }
  }
  if (o->kind == GROVE__OBJECTIVE_POISSON && sum == 0) {
    return grove__error(err, GROVE_EINVAL, -1, "the target is 0 in all rows; poisson needs others");
  }
  if (o->kind == GROVE__OBJECTIVE_LOGISTIC && (sum == 0 || sum == (double)rows)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "the target is %d in all rows: logistic needs rows of both classes", sum != 0);
  }
  return GROVE_OK;
}

// ---- quantiles --------------------------------------------------------------------------------------
static void swap_rows(double *value, double *weight, size_t i, size_t k)
{
  double v = value[i];
  value[i] = value[k];
  value[k] = v;
  if (weight) {
    double w = weight[i];
    weight[i] = weight[k];
    weight[k] = w;
  }
}

static double weight_of(const double *weight, size_t from, size_t end)
{
  double sum = 0;
  for (size_t i = from; weight && i < end; i++) {
    sum += weight[i];
  }
  return weight ? sum : (double)(end - from);
}

// The least value with at least `want` of the weight up to it: quickselect with the median of three, in three parts,
// so that equal values cost one round.
double grove__weighted_quantile(double *value, double *weight, size_t n, double quantile)
{
  size_t from = 0, end = n;
  double want = quantile * weight_of(weight, 0, n);
  while (end - from > 1) {
    double a = value[from], b = value[from + (end - from) / 2], c = value[end - 1];
    double pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
    size_t low = from, at = from, high = end;
    while (at < high) {
      if (value[at] < pivot) {
        swap_rows(value, weight, low++, at++);
      } else if (value[at] > pivot) {
        swap_rows(value, weight, at, --high);
      } else {
        at++;
      }
    }
    double below = weight_of(weight, from, low), equal = weight_of(weight, low, high);
    if (want <= below && low > from) {
      end = low;
    } else if (want <= below + equal || high == end) {
      return pivot;
    } else {
      want -= below + equal;
      from = high;
    }
  }
  return value[from];
}

// ---- the first guess --------------------------------------------------------------------------------
static double mean_of(const double *y, const double *weight, size_t rows)
{
  double sum = 0, all = weight_of(weight, 0, rows);
  for (size_t i = 0; i < rows; i++) {
    sum += (weight ? weight[i] : 1) * y[i] / all;
  }
  return sum;
}

static grove_status quantile_of(const grove_allocator *a, const double *y, const double *weight,
    size_t rows, double quantile, double *out)
{
  double *copy = grove__alloc_array(a, rows, 2 * sizeof *copy);
  if (!copy) {
    return GROVE_ENOMEM;
  }
  memcpy(copy, y, rows * sizeof *y);
  if (weight) {
    memcpy(copy + rows, weight, rows * sizeof *weight);
  }
  *out = grove__weighted_quantile(copy, weight ? copy + rows : NULL, rows, quantile);
  grove__free(a, copy, rows * 2 * sizeof *copy);
  return GROVE_OK;
}

grove_status grove__objective_base(const grove__objective *o, const grove_allocator *a,
    const double *y, const double *weight, size_t rows, double *out)
{
  double mean = mean_of(y, weight, rows);
  switch (o->kind) {
  case GROVE__OBJECTIVE_ABSOLUTE:
  case GROVE__OBJECTIVE_HUBER: return quantile_of(a, y, weight, rows, 0.5, out);
  case GROVE__OBJECTIVE_QUANTILE: return quantile_of(a, y, weight, rows, o->quantile, out);
  case GROVE__OBJECTIVE_POISSON: *out = log(mean > 1e-300 ? mean : 1e-300); return GROVE_OK;
  case GROVE__OBJECTIVE_LOGISTIC:
    mean = fmin(fmax(mean, 1e-15), 1 - 1e-15);
    *out = log(mean / (1 - mean));
    return GROVE_OK;
  default: *out = mean; return GROVE_OK;
  }
}

// ---- gradients --------------------------------------------------------------------------------------
static double sigmoid(double x)
{
  return 1 / (1 + exp(-x));
}

static double slope_of(const grove__objective *o, double y, double raw, double *second)
{
  double r = y - raw;
  *second = 1;
  switch (o->kind) {
  case GROVE__OBJECTIVE_ABSOLUTE: return (r > 0) - (r < 0);
  case GROVE__OBJECTIVE_HUBER: return fmin(fmax(r, -o->slope), o->slope);
  case GROVE__OBJECTIVE_QUANTILE: return r > 0 ? o->quantile : r < 0 ? o->quantile - 1 : 0;
  case GROVE__OBJECTIVE_POISSON: {
    double mean = exp(fmin(raw, 500));
    *second =
        mean * 2.0137527074704766; // exp(0.7): so that no step is too long, as the peers have it
    return y - mean;
  }
  case GROVE__OBJECTIVE_LOGISTIC: {
    double p = sigmoid(raw);
    *second = fmax(p * (1 - p), 1e-16);
    return y - p;
  }
  default: return r;
  }
}

void grove__objective_gradients(const grove__objective *o, const double *y, const double *raw,
    const double *weight, size_t from, size_t end, double *g, double *h)
{
  for (size_t i = from; i < end; i++) {
    double second, w = weight ? weight[i] : 1;
    g[i] = w * slope_of(o, y[i], raw[i], &second);
    if (h) {
      h[i] = w * second;
    }
  }
}

// ---- loss -------------------------------------------------------------------------------------------
static double loss_of(const grove__objective *o, double y, double raw)
{
  double r = y - raw, size = fabs(r);
  switch (o->kind) {
  case GROVE__OBJECTIVE_ABSOLUTE: return size;
  case GROVE__OBJECTIVE_HUBER:
    return size <= o->slope ? r * r / 2 : o->slope * (size - o->slope / 2);
  case GROVE__OBJECTIVE_QUANTILE: return r > 0 ? o->quantile * r : (o->quantile - 1) * r;
  case GROVE__OBJECTIVE_POISSON: return exp(fmin(raw, 500)) - y * raw;
  case GROVE__OBJECTIVE_LOGISTIC: // log(1 + exp(-z)), without overflow
    r = y > 0.5 ? raw : -raw;
    return r > 0 ? log1p(exp(-r)) : log1p(exp(r)) - r;
  default: return r * r;
  }
}

double grove__objective_loss(const grove__objective *o, const double *y, const double *raw,
    const double *weight, size_t rows)
{
  double sum = 0, all = weight_of(weight, 0, rows);
  for (size_t i = 0; i < rows; i++) {
    sum += (weight ? weight[i] : 1) * loss_of(o, y[i], raw[i]);
  }
  return sum / all;
}

uint32_t grove__objective_link(const grove__objective *o)
{
  return o->kind == GROVE__OBJECTIVE_POISSON    ? GROVE__LINK_EXP
         : o->kind == GROVE__OBJECTIVE_LOGISTIC ? GROVE__LINK_LOGISTIC
                                                : GROVE__LINK_IDENTITY;
}

const char *grove__objective_metric(const grove__objective *o)
{
  static const char *const names[] = {"mse", "mae", "huber", "pinball", "poisson", "logloss"};
  return names[o->kind];
}
