// What a model is, inside the room.
#ifndef GROVE_MODEL_MODEL_OBJECT_H
#define GROVE_MODEL_MODEL_OBJECT_H
#include <grove/model.h>
#include <stdatomic.h>

enum { GROVE__MODEL_NEW, GROVE__MODEL_FITTED, GROVE__MODEL_FAILED };

struct grove_model {
  grove_allocator allocator;
  grove_learner learner;               // a full copy of the registry's table
  const struct grove__builtin *inside; // NULL: a learner of the user
  double *values;                      // one for each parameter
  size_t value_count;
  char *notes; // NULL: none
  void *state; // the learner's
  char **features;
  uint8_t *kinds; // of each feature, GROVE__KIND_*; made with the names
  size_t feature_count;
  char *target;
  uint64_t seed;
  uint64_t rows;  // that it was fitted on
  int32_t ended;  // GROVE_ENDED_*
  double *losses; // see grove_model_losses
  size_t loss_count;
  int stage;             // GROVE__MODEL_*
  _Atomic uint64_t hash; // 0: not computed yet. Any thread computes the same value
};

/// An empty model of a kind, without values and state.
grove_status grove__model_make(
    const grove_registry *r, const char *name, grove_model **out, grove_error *err);
/// Copies the names over; on failure the model can only be destroyed.
grove_status grove__model_name_columns(
    grove_model *m, const char *const *features, size_t n, const char *target, grove_error *err);
/// A copy of these; `losses` NULL: room for them. Returns: GROVE_ENOMEM
grove_status grove__model_keep_losses(grove_model *m, const double *losses, size_t n);
/// Refuses what the learner does not take: NaN and infinity; `fit`: infinity in any case. `floats`: see
/// grove_fit_data. Rows are counted
/// from `first`. Returns: GROVE_EINVAL, naming row and column
grove_status grove__model_check_features(const grove_model *m, const grove_matrix *x,
    const float *const *floats, size_t first, bool fit, grove_error *err);
/// Refuses numbers that name no category, in the features that have them. Rows are counted from `first`.
/// Returns: GROVE_EINVAL, naming row and column
grove_status grove__model_check_categories(const grove_model *m, const grove_matrix *x,
    const float *const *floats, size_t first, grove_error *err);
/// As grove_model_evaluate, rows predicted by as many lanes as the work (NULL: alone) has.
grove_status grove__model_evaluate_by(const grove_model *m, const grove_table *t,
    const char *target, const grove_work *work, grove_evaluation *out, grove_error *err);
/// Makes the prepared form of a fitted or loaded model, if that pays. Returns: GROVE_ENOMEM
grove_status grove__model_prepare(grove_model *m);
/// The saved form, piece by piece. GROVE_ENOTSUP: the learner can't be saved
grove_status grove__model_write(const grove_model *m, void *sink,
    grove_status (*put)(void *sink, const void *, size_t), uint64_t *hash, grove_error *err);
#endif
