// What a training showed: the learning curves that it told of itself, for --plot and --report.
#ifndef GROVE_TOOL_TRAIN_LOOK_H
#define GROVE_TOOL_TRAIN_LOOK_H
#include "cli.h"
#include <stdio.h>

typedef struct train_curve {
  char name[32];
  char steps[16]; ///< what its x counts: "trees", "depth"
  double *xy; ///< steps, error; in turn
  size_t n;   ///< 0: it has no curve
  double mse; ///< NaN: it failed
} train_curve;
typedef struct train_look {
  train_curve *curves; ///< by error, as the results
  size_t n;
} train_look;

/// Of the newest run, in the order of `list`. Memory that is not there: fewer curves.
void train_look_read(train_look *l, grove *g, grove_trained_list list);
void train_look_free(train_look *l);
/// Curves and errors, drawn with letters, `width` columns wide.
void train_look_plot(FILE *to, const train_look *l, int width);
/// Whether it stands in the chart of curves that count so: one without a curve, in the one of trees.
bool train_look_is_of(const train_curve *c, const char *steps);
/// Ticks of an axis: a step of 1, 2 or 5 times a power of ten, so that there are about `about` from low to high.
double train_look_step(double low, double high, int about);
#endif
