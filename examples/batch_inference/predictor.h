// The model and the actors that predict with it.
#ifndef PREDICTOR_H
#define PREDICTOR_H
#include <grove.h>
#include <grove/parquet.h>

/// The tutorial's dummy: 1 where passenger_count is at least `least`, else 0. The payload is what a real model would
/// weigh: it is there to be shared, not copied.
typedef struct dummy_model {
  double least;
  size_t payload_size;
  double payload[];
} dummy_model;

/// One for all actors; *out has one count, the caller's.
grove_status dummy_model_share(grove *g, size_t payload_size, grove_shared *out);

typedef struct shard_score {
  uint64_t predictions;
  double score;
} shard_score;
GROVE_TYPE(shard_score)
// A predictor is spawned with the shared model; predict: reads one shard and scores it.
#define PREDICTOR(START, METHOD)                                                                   \
  START(predictor, grove_shared)                                                                   \
  METHOD(predictor, predict, grove_string, shard_score)
GROVE_INTERFACE(PREDICTOR, predictor)
#endif
