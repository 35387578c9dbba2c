#include "model/imported.h"
#include "base/error.h"
#include "base/status.h"
#include "model/learners.h"
#include "model/tree_file.h"
#include "model/tree_form.h"
#include "model/tree_learner.h"

// Models of version 1 had a form of their own for this kind.
static bool is_old(const void *bytes, size_t n)
{
  grove__reader r = {.at = bytes, .left = n};
  return grove__read_u32(&r) != GROVE__TREES_TAG;
}

static grove_status load_in(
    const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err)
{
  void *made = NULL;
  if (!is_old(bytes, n)) {
    return grove__tree_model_load(a, bytes, n, state, err);
  }
  GROVE__TRY(grove__tree_model_create(a, NULL, 0, &made, err));
  grove__tree_model *m = made;
  grove_status s = grove__imported_load_old(a, bytes, n, &m->ensemble, err);
  if (s) {
    grove__tree_model_destroy(m);
    return s;
  }
  *state = m;
  return GROVE_OK;
}

static grove_status load_in_place(
    const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err)
{
  return is_old(bytes, n) ? load_in(a, bytes, n, state, err)
                          : grove__tree_model_load_in_place(a, bytes, n, state, err);
}

static grove_status load(const void *bytes, size_t n, void **state, grove_error *err)
{
  return load_in(&grove__allocator_malloc, bytes, n, state, err);
}

// ---- the table ----------------------------------------------------------------------------------------
static const grove_parameter_info parameters[] = {
    {"library", "0", "whose model it was", 0, 2, NULL, "unknown=0 xgboost=1 lightgbm=2", 1},
    {"library_version", "0", "the version that it was written by", 0, 1e9, NULL, NULL, 0},
    {"link", "0", "from the sum of the trees to the prediction", 0, GROVE__LINK_COUNT - 1, NULL,
        "identity=0 exp=1 logistic=2 signed_square=3 log1p_exp=4", 1},
    {"trees", "0", "how many there are", 0, 4294967295.0, NULL, NULL, 1},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, 0}};

static grove_status create_in(
    const grove_allocator *a, const double *values, void **state, grove_error *err)
{
  (void)a;
  (void)values;
  (void)state;
  return grove__error(err, GROVE_ENOTSUP, -1,
      "a model of kind \"imported\" is not made, it comes from grove_model_import");
}

static grove_status create(const double *values, void **state, grove_error *err)
{
  return create_in(NULL, values, state, err);
}

static grove_status fit(void *state, const grove_matrix *x, const double *y, uint64_t seed,
    const grove_work *work, grove_error *err)
{
  (void)state;
  (void)x;
  (void)y;
  (void)seed;
  (void)work;
  return grove__error(err, GROVE_ENOTSUP, -1, "an imported model can't be fitted");
}

static const grove_learner learner = {.struct_size = sizeof(grove_learner),
    .name = "imported",
    .parameters = parameters,
    .create = create,
    .destroy = grove__tree_model_destroy,
    .fit = fit,
    .predict = grove__tree_model_predict,
    .save = grove__tree_model_save,
    .load = load,
    .flags = GROVE_LEARNER_MISSING};
const grove__builtin grove__imported = {&learner, create_in, load_in, grove__tree_model_features,
    load_in_place, grove__tree_model_ensemble};
