// What bodies with byte lanes add at the end of a group's paths. Behind scorer_body.h and scorer_lanes.h, in their files, so
// that it is made of their instructions.
#ifndef GROVE_MODEL_SCORER_SUMS_H
#define GROVE_MODEL_SCORER_SUMS_H
#include "model/scorer_body.h"
#include "model/scorer_lanes.h"

static inline void add_all(const grove__scorer *s, const grove__score_tree *t,
    const grove__lane_tree *h, const uint16_t *path, const int8_t *rows, void *sums, size_t first)
{
  const void *leaf = (const unsigned char *)h + h->leaf;
  if (!h->whole) {
    walk_from(s, t, h, path, rows, sums, first);
  } else if (s->leaf_floats) {
    float *to = (float *)sums + first;
    for (size_t i = 0; i < GROVE__GROUP; i++) {
      to[i] += ((const float *)leaf)[path[i]];
    }
  } else {
    double *to = (double *)sums + first;
    for (size_t i = 0; i < GROVE__GROUP; i++) {
      to[i] += ((const double *)leaf)[path[i]];
    }
  }
}
#endif
