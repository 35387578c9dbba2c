// Charts of a report as inline SVG, in the colours of its style sheet.
#ifndef GROVE_TOOL_REPORT_SVG_H
#define GROVE_TOOL_REPORT_SVG_H
#include "train_look.h"

/// Writes a text with what HTML would take for its own escaped, in elements and in quoted attributes.
void html_text(FILE *f, const char *text);

/// The learning curves that count so; a model without one is a line across.
void svg_curves(FILE *f, const train_look *l, const char *steps);
/// n points and the line on which x is y (diagonal), or the line y = 0. At most 2,000 are drawn, evenly.
void svg_scatter(FILE *f, const char *label, const char *x_name, const char *y_name, const double *x, const double *y,
    size_t n, bool diagonal);
void svg_histogram(FILE *f, const char *label, const char *x_name, const double *v, size_t n);
/// The largest `n` of the bars, with their names.
void svg_bars(FILE *f, const char *label, const char *const *names, const double *v, size_t n);
/// Points by longitude and latitude, in colours by value: below 0, above 0. At most 3,000 are drawn.
void svg_map(FILE *f, const char *label, const double *longitude, const double *latitude, const double *v, size_t n);
#endif
