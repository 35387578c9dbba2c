// The prepared form of trees, and predicting rows as they stand.
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/status.h"
#include "model/learners.h"
#include "model/model_object.h"
#include "model/scorer.h"

static grove__ensemble *ensemble_of(const grove_model *m)
{
  bool fitted = m && m->stage == GROVE__MODEL_FITTED && m->inside && m->inside->ensemble;
  return fitted ? m->inside->ensemble(m->state) : NULL;
}

static grove_status prepare(grove__ensemble *e, uint32_t instructions)
{
  grove__scorer *made = NULL;
  GROVE__TRY(grove__scorer_make(&e->allocator, e, instructions, &made));
  grove__scorer_free(e->scorer);
  e->scorer = made;
  return GROVE_OK;
}

grove_status grove__model_prepare(grove_model *m)
{
  grove__ensemble *e = ensemble_of(m);
  return e && grove__scorer_pays(e) ? prepare(e, GROVE_INSTRUCTIONS_BEST) : GROVE_OK;
}

grove_status grove_model_prepare(grove_model *m, const grove_prepare_options *o, grove_error *err)
{
  grove_prepare_options own;
  if (!m || m->stage != GROVE__MODEL_FITTED) {
    return grove__error(err, GROVE_EINVAL, -1, "only a fitted model can be prepared");
  }
  if (grove__options_read(&own, sizeof own, o)) {
    return grove__error(err, GROVE_ENOTSUP, -1, "struct_size of the prepare options is not known");
  }
  if (own.instructions > GROVE_INSTRUCTIONS_NEON) {
    return grove__error(err, GROVE_EINVAL, -1, "instructions is %u; it can be 0 to %d",
        own.instructions, GROVE_INSTRUCTIONS_NEON);
  }
  grove__ensemble *e = ensemble_of(m);
  if (!e) {
    return GROVE_OK;
  }
  if (own.drop) {
    grove__scorer_free(e->scorer);
    e->scorer = NULL;
    return GROVE_OK;
  }
  grove_status s = prepare(e, own.instructions);
  return s ? grove__error_memory(err, "the prepared form", 0) : GROVE_OK;
}

size_t grove_model_prepared_bytes(const grove_model *m)
{
  const grove__ensemble *e = ensemble_of(m);
  return e && e->scorer ? grove__scorer_bytes(e->scorer) : 0;
}

uint32_t grove_model_instructions(const grove_model *m)
{
  const grove__ensemble *e = ensemble_of(m);
  return e && e->scorer ? e->scorer->instructions : GROVE_INSTRUCTIONS_PORTABLE;
}

// ---- rows as they stand -------------------------------------------------------------------------------
enum {
  STACK = 16 * 1024, // of doubles that a learner without trees is given
  COLUMNS = 256      // of which so many pointers
};

size_t grove_model_scratch(const grove_model *m, size_t rows)
{
  const grove__ensemble *e = ensemble_of(m);
  if (e) {
    return e->scorer ? grove__scorer_scratch(e->scorer, rows) + 64 : 0;
  }
  size_t each = (m ? m->feature_count : 0) * sizeof(double);
  return each * (rows < COLUMNS ? rows : COLUMNS) + (m ? m->feature_count : 0) * sizeof(double *) +
         64;
}

// A learner without trees takes columns of doubles: as many rows at a time as the scratch holds.
static grove_status predict_copies(
    const grove_model *m, const grove__view *x, void *scratch, size_t bytes, double *out)
{
  size_t n = m->feature_count, skip = (64 - (uintptr_t)scratch % 64) % 64;
  size_t pointers = n * sizeof(double *);
  if (bytes < skip + pointers + n * sizeof(double)) {
    return GROVE_ELIMIT;
  }
  const double **column = (const double **)(void *)((unsigned char *)scratch + skip);
  double *values = (double *)(void *)(column + n);
  size_t block = (bytes - skip - pointers) / (n * sizeof(double));
  for (size_t from = 0; from < x->rows; from += block) {
    size_t rows = x->rows - from < block ? x->rows - from : block;
    for (size_t c = 0; c < n; c++) {
      column[c] = values + c * rows;
      for (size_t i = 0; i < rows; i++) {
        values[c * rows + i] = grove__view_at(x, (uint32_t)c, from + i);
      }
    }
    grove_matrix part = {column, n, rows};
    GROVE__TRY(grove__model_check_features(m, &part, NULL, from, false, NULL));
    GROVE__TRY(m->learner.predict(m->state, &part, out + from, &(grove_error){.at = -1}));
  }
  return GROVE_OK;
}

static grove_status predict_on_stack(const grove_model *m, const grove__view *x, double *out)
{
  double room[(STACK + 64) / sizeof(double)];
  return predict_copies(m, x, room, sizeof room, out);
}

grove_status grove_model_predict_rows(
    const grove_model *m, const grove_rows *x, void *scratch, size_t scratch_bytes, double *out)
{
  grove_rows own;
  if (!m || !x || m->stage != GROVE__MODEL_FITTED || grove__options_read(&own, sizeof own, x) ||
      own.columns != m->feature_count || own.floats > 1 || (own.rows && !out) ||
      (own.rows && !own.data && !own.column)) {
    return GROVE_EINVAL;
  }
  bool dense = own.row_step == 0 && own.column_step == 0;
  const grove__view view = {.data = own.data,
      .column = own.column,
      .row_step = dense ? (ptrdiff_t)own.columns : own.row_step,
      .column_step = dense ? 1 : own.column_step,
      .rows = own.rows,
      .floats = own.floats};
  const grove__ensemble *e = ensemble_of(m);
  if (e) {
    grove__ensemble_predict_view(e, &view, scratch, scratch_bytes, out);
    return GROVE_OK;
  }
  return scratch && scratch_bytes >= grove_model_scratch(m, 1)
             ? predict_copies(m, &view, scratch, scratch_bytes, out)
             : predict_on_stack(m, &view, out);
}
