// One model as an actor: it knows its kind and its parameters, shares the data with the others, trains and is scored.
#ifndef MODEL_ACTOR_H
#define MODEL_ACTOR_H
#include <grove.h>
#include <grove/train.h>

enum { MOST_PARAMETERS = 16 };

/// What a model is to be. Stays with the program for as long as it runs; the texts too.
typedef struct model_config {
  const char *kind;
  grove_parameter parameters[MOST_PARAMETERS + 1];
} model_config;

/// What a model actor is spawned with. The tables are shared: stored once, counted here.
typedef struct model_plan {
  grove_shared train, test;
  const model_config *config;
  const grove_registry *registry;
  uint64_t seed;
} model_plan;
extern const grove_type
    grove_type_of_model_plan; // it holds two shared things, so it is written by hand

typedef struct model_row {
  double mse, train_seconds, predict_seconds;
  char parameters[320];
} model_row;
GROVE_TYPE(model_row)

// train_and_evaluate: fits on `train`, and tells the error on `test`.
#define MODEL(START, METHOD)                                                                       \
  START(model, model_plan)                                                                         \
  METHOD(model, train_and_evaluate, grove_none, model_row)
GROVE_INTERFACE(MODEL, model)
#endif
