// How a scan judges the splits behind one bin: eight features side by side, written so that a compiler makes vectors
// of it. No branches.
#ifndef GROVE_MODEL_SCAN_JUDGE_H
#define GROVE_MODEL_SCAN_JUDGE_H
#include "model/histogram.h"
#include <math.h>

static inline void judge(
    const grove__scan_terms *t, const double *s, const double *w, int64_t bin, grove__scan_lanes *l)
{
  for (int k = 0; k < GROVE__BLOCK; k++) {
    double a = w[k] + t->lambda, rest = t->weight - w[k], c = rest + t->lambda;
    double q = fabs(s[k]) - t->alpha, r = fabs(t->sum - s[k]) - t->alpha;
    q = q > 0 ? q : 0;
    r = r > 0 ? r : 0;
    double top = q * q * c + r * r * a, under = a * c;
    top = w[k] >= t->least ? top : -1;
    top = rest >= t->least ? top : -1;
    bool better = top >= 0 && top * l->under[k] > l->top[k] * under;
    l->top[k] = better ? top : l->top[k];
    l->under[k] = better ? under : l->under[k];
    l->bin[k] = better ? bin : l->bin[k];
  }
}
#endif
