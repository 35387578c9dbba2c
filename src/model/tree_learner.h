// What the three tree learners have in common: their state, and all slots but create and fit.
#ifndef GROVE_MODEL_TREE_LEARNER_H
#define GROVE_MODEL_TREE_LEARNER_H
#include "model/learners.h"
#include "model/tree.h"

enum { GROVE__TREE_VALUES = 32 };

typedef struct grove__tree_model {
  grove_allocator allocator;
  double values[GROVE__TREE_VALUES]; // parameters; none when loaded
  grove__ensemble ensemble;
  double *losses; // on rows that were not learned from, as fit went on
  size_t loss_count;
  size_t loss_room;
} grove__tree_model;

grove_status grove__tree_model_create(
    const grove_allocator *a, const double *values, size_t count, void **state, grove_error *err);
void grove__tree_model_destroy(void *state);
grove_status grove__tree_model_predict(
    const void *state, const grove_matrix *x, double *out, grove_error *err);
grove_status grove__tree_model_save(const void *state, void *sink,
    grove_status (*put)(void *sink, const void *, size_t), grove_error *err);
grove_status grove__tree_model_load(
    const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err);
/// load as the public slot has it: with malloc.
grove_status grove__tree_model_load_plain(
    const void *bytes, size_t n, void **state, grove_error *err);

/// One more loss, for grove_model_losses. Returns: GROVE_ENOMEM
grove_status grove__tree_model_keep_loss(grove__tree_model *m, double loss);
const double *grove__tree_model_losses(const void *state, size_t *n);
size_t grove__tree_model_features(const void *state);
grove_status grove__tree_model_load_in_place(
    const grove_allocator *a, const void *bytes, size_t n, void **state, grove_error *err);
grove__ensemble *grove__tree_model_ensemble(void *state);
/// Bytes of a tree of at most so many rows, levels and leaves (0: no limit); `placed`: see grove__tree.
uint64_t grove__tree_bytes(size_t rows, uint32_t depth, size_t leaves, bool placed);
/// Bytes of binned features, and of sorting them in so many lanes.
uint64_t grove__bins_bytes(size_t rows, size_t columns, bool ranks, size_t width);
/// The entry of a kind whose state is a grove__tree_model.
#define GROVE__TREE_BUILTIN(learner, create_in, estimate)                                          \
  {                                                                                                \
    &(learner), create_in, grove__tree_model_load, grove__tree_model_features,                     \
        grove__tree_model_load_in_place, grove__tree_model_ensemble, grove__tree_model_losses,     \
        estimate                                                                                   \
  }

/// A whole number of features or rows of `all` that a parameter says: up to 1 a share (rounded down, at least
/// one), above a number.
size_t grove__share_of(double parameter, size_t all);
/// How many features a node looks at: as share_of; -1: the square root, -2: log2 of their number.
size_t grove__features_at_node(double parameter, size_t all);
/// Depths are counted with 32 bits: 0 means no limit.
uint32_t grove__depth_of(double parameter);
/// Refuses what the tree learners can't number. Returns: GROVE_ELIMIT
grove_status grove__tree_check_size(const grove_matrix *x, grove_error *err);
/// Weights of rows as whole numbers.
typedef struct grove__row_units {
  double unit;    // what a whole number is worth
  double per_row; // units of a row of average weight
  size_t alive;   // rows that weigh something
  int bits;       // of the sum of all
} grove__row_units;
/// Fills units[rows]: the weights times the least power of two that makes them whole, unless their sum takes more than
/// 24 bits then. `weight` NULL: all 1, and `units` is not filled.
grove__row_units grove__units_of(const double *weight, size_t rows, int64_t *units);
/// The center of what is quantised: about the mean. *most gets the largest distance from it.
double grove__center_of(const double *y, size_t rows, double *most);
#endif
