// Many small models of one kind: a state of the learner for each key, and one model that has all they share.
#ifndef GROVE_MODEL_MANY_MODELS_H
#define GROVE_MODEL_MANY_MODELS_H
#include "model/model_object.h"

typedef struct grove__one_model {
  char *key;   // NULL: of nulls
  void *state; // the learner's; NULL: there is none, see status
  uint64_t rows;
  grove_status status; // GROVE_ENOENT: it was taken
  char *words;         // of a failure; NULL: the status alone
} grove__one_model;

struct grove_models {
  grove_allocator allocator;
  const grove_registry *registry;
  grove_model *shape; // kind, parameters and columns of all; never fitted itself
  char *key;          // column
  grove__one_model *one;
  size_t count;
  size_t room;
  uint32_t *by_key; // places in `one`, by rising key, the one without first
};

/// By the text of a key; SIZE_MAX: there is none.
size_t grove__models_find(const grove_models *m, const char *key);
/// Fills by_key. Returns: GROVE_ENOMEM
grove_status grove__models_sort(grove_models *m);
#endif
