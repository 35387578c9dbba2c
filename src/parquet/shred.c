// Rows of a nested column to the levels of one of its leaves: the reverse of nest_build.c.
#include "base/error.h"
#include "base/status.h"
#include "columnar/bitmap.h"
#include "parquet/stem.h"

typedef struct shredding {
  const grove__way *way;
  const grove__column_view *views;
  grove__shreds *out;
  const grove__stem *flaw; // has a null, and says that it has none
} shredding;

static uint32_t *room(grove__out *o, size_t n)
{
  return (uint32_t *)(void *)grove__out_room(o, n * sizeof(uint32_t));
}

static bool is_there(const grove__column_view *v, int64_t row)
{
  return !v->validity || grove__bit_get(v->validity, v->offset + row);
}

// What is not there: its own null, an empty list, or nothing further down.
static void put_entry(shredding *s, uint32_t rep, uint32_t def)
{
  grove__out_bytes(&s->out->reps, &rep, sizeof rep);
  grove__out_bytes(&s->out->defs, &def, sizeof def);
}

static uint32_t null_level(shredding *s, const grove__stem *stem)
{
  s->flaw = stem->optional ? s->flaw : stem;
  return stem->optional ? stem->def - 1u : 0;
}

static void add_range(shredding *s, uint64_t from, uint64_t n)
{
  grove__out *o = &s->out->ranges;
  grove__leaf_range *ranges = (grove__leaf_range *)(void *)o->block.p;
  size_t count = o->used / sizeof *ranges;
  if (count && ranges[count - 1].from + ranges[count - 1].n == from) {
    ranges[count - 1].n += n;
    return;
  }
  const grove__leaf_range range = {from, n};
  grove__out_bytes(o, &range, sizeof range);
}

static void shred_leaf(shredding *s, int64_t from, int64_t to, uint32_t rep, uint32_t further)
{
  const grove__stem *leaf = grove__way_leaf(s->way);
  const grove__column_view *v = &s->views[s->way->depth - 1];
  bool none = leaf->target.transform == GROVE__TRANSFORM_NULL;
  size_t n = (size_t)(to - from);
  uint32_t *reps = room(&s->out->reps, n), *defs = room(&s->out->defs, n);
  if (!reps || !defs) {
    return;
  }
  for (size_t i = 0; i < n; i++, rep = further) {
    reps[i] = rep;
    defs[i] = none || !is_there(v, from + (int64_t)i) ? null_level(s, leaf) : leaf->def;
  }
  s->out->reps.used += n * sizeof *reps;
  s->out->defs.used += n * sizeof *defs;
  add_range(s, (uint64_t)from, n);
}

// Rows [from, to) of a stem, of which the first has the repetition level `rep`. As deep as the schema.
static void shred(shredding *s, size_t depth, int64_t from, int64_t to, uint32_t rep)
{
  const grove__stem *stem = s->way->stems[depth];
  const grove__column_view *v = &s->views[depth];
  uint32_t further = depth ? s->way->stems[depth - 1]->rep : 0;
  if (stem->kind == GROVE__STEM_LEAF) {
    shred_leaf(s, from, to, rep, further);
    return;
  }
  if (stem->kind == GROVE__STEM_STRUCT && !v->validity) {
    shred(s, depth + 1, from, to, rep);
    return;
  }
  for (int64_t row = from; row < to; row++, rep = further) {
    int64_t first = row, end = row + 1;
    if (!is_there(v, row)) {
      put_entry(s, rep, null_level(s, stem));
    } else if (grove__view_items(v, row, &first, &end) && first == end) {
      put_entry(s, rep, stem->def);
    } else {
      shred(s, depth + 1, first, end, rep);
    }
  }
}

grove_status grove__shred(const grove__way *w, const grove__column_view *views, uint64_t from,
    uint64_t n, grove__shreds *out, grove_error *err)
{
  shredding s = {.way = w, .views = views, .out = out};
  out->reps.used = out->defs.used = out->ranges.used = 0;
  if (n) {
    shred(&s, 0, (int64_t)from, (int64_t)(from + n), 0);
  }
  if (s.flaw) {
    return grove__error(err, GROVE_EINVAL, -1,
        "column \"%.200s\", rows %llu to %llu: a null, where the schema says that there is none",
        s.flaw->path, (unsigned long long)from, (unsigned long long)(from + n - 1));
  }
  return out->reps.status ? out->reps.status
         : out->defs.status ? out->defs.status
                            : out->ranges.status;
}

grove__leaf_range grove__shred_range(
    const grove__way *w, const grove__column_view *views, uint64_t from, uint64_t n)
{
  int64_t first = (int64_t)from, end = (int64_t)(from + n), other;
  for (size_t i = 0; i + 1 < w->depth && first < end; i++) {
    int64_t last = end - 1;
    if (grove__view_items(&views[i], first, &first, &other)) {
      grove__view_items(&views[i], last, &other, &end);
    }
  }
  return (grove__leaf_range){(uint64_t)first, (uint64_t)(end - first)};
}
