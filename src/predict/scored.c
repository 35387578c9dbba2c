#include "predict/scored.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/status.h"
#include "columnar/build.h"
#include "predict/choose.h"

static const grove_allocator *const memory = &grove__allocator_malloc;

// ---- the table ------------------------------------------------------------------------------------

// A column's block is exactly as long as its values; shrinking can't fail.
static grove_status build_predictions(grove__tally *t, grove_table **out, grove_error *err)
{
  size_t used = (size_t)t->rows * sizeof *t->kept;
  double *exact = grove__realloc(memory, t->kept, t->kept_room, used);
  if (!exact) {
    return grove__error_memory(err, "predictions", used);
  }
  t->kept = exact;
  t->kept_room = used;
  grove__column column = {
      .name = "prediction", .format = "g", .values = exact, .values_bytes = used};
  GROVE__TRY(grove__table_build(memory, &column, 1, t->rows, out, err));
  t->kept = NULL;
  t->kept_room = 0;
  return GROVE_OK;
}

// ---- what is passed through -----------------------------------------------------------------------

// The kept columns without rows, as they are called in the output.
static grove_status choose_none(const grove__passing *p, grove_table **out, grove_error *err)
{
  grove_table *all = NULL;
  GROVE__TRY(grove__shard_no_rows(p->shard, &all, err));
  bool file = grove__shard_streams(p->shard);
  grove_status s = grove__table_choose(all, p->places, file ? NULL : p->kept->names, file ? NULL : p->kept->formats,
      p->kept->n, out, err);
  grove_table_release(all);
  return s;
}

grove_status grove__passing_begin(grove__passing *p, grove_error *err)
{
  const size_t *places = grove__shard_places(p->shard);
  p->places = grove__alloc_array(memory, p->kept->n, sizeof *p->places);
  if (!p->places) {
    return grove__error_memory(err, "the places of columns", p->kept->n * sizeof *p->places);
  }
  for (size_t i = 0; i < p->kept->n; i++) {
    p->places[i] = places[p->kept->columns[i]];
  }
  if (!grove__shard_streams(p->shard)) {
    return GROVE_OK;
  }
  grove_table *like = NULL;
  GROVE__TRY(choose_none(p, &like, err));
  grove_status s = grove__growing_create(like, p->limit, &p->growing, err);
  grove_table_release(like);
  return s;
}

static grove_status choose(grove__passing *p, const grove_table *batch, const grove__tally *t, grove_error *err)
{
  static const uint64_t none[1];
  grove_table *all = NULL;
  GROVE__TRY(grove__table_choose(batch, p->places, p->kept->names, p->kept->formats, p->kept->n, &all, err));
  if (!t->picks || t->n_picked == grove_table_rows(all)) {
    p->chosen = all;
    return GROVE_OK;
  }
  grove_status s = grove_table_take(all, t->picked ? t->picked : none, t->n_picked, &p->chosen, err);
  grove_table_release(all);
  return s;
}

grove_status grove__passing_take(grove__passing *p, const grove_table *batch, const grove__tally *t, grove_error *err)
{
  if (!p->growing) {
    return choose(p, batch, t, err);
  }
  bool all = !t->picks || t->n_picked == grove_table_rows(batch);
  return !all && !t->n_picked
             ? GROVE_OK
             : grove__growing_add(p->growing, batch, p->places, all ? NULL : t->picked, t->n_picked, err);
}

grove_status grove__passing_end(grove__passing *p, grove_table **out, grove_error *err)
{
  if (p->growing) {
    return grove__growing_finish(p->growing, out, err);
  }
  if (!p->chosen) {
    return choose_none(p, out, err);
  }
  *out = p->chosen;
  p->chosen = NULL;
  return GROVE_OK;
}

void grove__passing_free(grove__passing *p)
{
  grove__free(memory, p->places, p->kept ? p->kept->n * sizeof *p->places : 0);
  grove__growing_free(p->growing);
  grove_table_release(p->chosen);
}

grove_status grove__scored_table(grove_table *passed, grove__tally *t, grove_table **out, grove_error *err)
{
  grove_table *predictions = NULL;
  *out = NULL;
  grove_status s = build_predictions(t, &predictions, err);
  grove__tally_free(t);
  if (!s && !passed) {
    *out = predictions;
    return GROVE_OK;
  }
  s = s ? s : grove__tables_join(passed, predictions, out, err);
  grove_table_release(passed);
  grove_table_release(predictions);
  return s;
}
