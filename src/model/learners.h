// The built-in learners, as the registry and the model see them.
#ifndef GROVE_MODEL_LEARNERS_H
#define GROVE_MODEL_LEARNERS_H
#include <grove/model.h>

/// What a built-in learner can do beyond its public table: take memory from the model's allocator.
typedef struct grove__builtin {
  const grove_learner *learner;
  grove_status (*create)(
      const grove_allocator *a, const double *values, void **state, grove_error *err);
  grove_status (*load)(
      const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err);
  size_t (*features)(const void *state); ///< how many a row has, of a fitted or loaded state
  /// As load, but the bytes stay, and are used where they are if the machine can. NULL: load does.
  grove_status (*load_in_place)(
      const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err);
  struct grove__ensemble *(*ensemble)(void *state);      ///< the trees; NULL: a kind without
  const double *(*losses)(const void *state, size_t *n); ///< NULL: a kind without
  /// Bytes that a fit takes at most, the model included. NULL: not known
  uint64_t (*estimate)(const double *values, size_t rows, size_t columns, size_t width);
} grove__builtin;

extern const grove__builtin grove__decision_tree;
extern const grove__builtin grove__random_forest;
extern const grove__builtin grove__gradient_boosting;
extern const grove__builtin grove__linear;
extern const grove__builtin grove__imported; ///< found by name, in no list: it can only be loaded

/// The built-in whose table this is, or NULL.
const grove__builtin *grove__builtin_of(const grove_learner *learner);
/// The kind of that name or alias. Returns: GROVE_ENOENT, with the known ones
grove_status grove__registry_find(
    const grove_registry *r, const char *name, const grove_learner **out, grove_error *err);
const grove_allocator *grove__registry_allocator(const grove_registry *r);
/// A full copy of a caller's table, whatever its size. Returns: GROVE_ENOTSUP: larger than we know
grove_status grove__learner_copy(const grove_learner *given, grove_learner *out);
#endif
