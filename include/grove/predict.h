// grove/predict.h: the batch predictor: a pool whose members read shards and score them.
#ifndef GROVE_PREDICT_H
#define GROVE_PREDICT_H
#include <grove/parquet.h>
#include <grove/train.h>
GROVE_BEGIN
/// The score of one shard: the sum of its predictions. Plain.
typedef struct grove_shard_score { uint64_t rows, bytes; double score; } grove_shard_score;
GROVE_TYPE(grove_shard_score)

typedef struct grove_predictor_options {
  uint32_t struct_size;
  const char *rule;                  ///< instead of a model: "passenger_count >= 2"; a null row counts, and scores 0
  const char *out_folder;            ///< predictions written back: one Parquet a shard, atomically; done ones
                                     ///< (same shard, same model) are skipped; what is there and no note says that it was made
                                     ///< of that shard stays (GROVE_EEXIST), as with grove_job_options.resume. Default: none
  grove_store *store;                ///< counted by the pool; default: local files
  const grove_parquet_options *read; ///< `columns`, `rule` and `work` are set by the predictor
  const grove_pool_options *pool;
} grove_predictor_options;
#define GROVE_PREDICTOR .struct_size = (uint32_t)sizeof(grove_predictor_options)

// predict: one shard, by path or url. Only the needed columns are read, in bounded memory.
#define GROVE__PREDICTOR(START, METHOD) METHOD(grove_predictor, predict, grove_string, grove_shard_score)
GROVE_API extern const grove_class grove_predictor_class;
GROVE_API extern const grove_method grove_predictor_predict_method;
GROVE_INTERFACE(GROVE__PREDICTOR, grove_predictor)
/// A pool of predictors; submit and take with grove_predictor_predict_submit, _get_next, _map.
///
/// Ownership: counts the shared model for the pool's life. `model` zero: options.rule is wanted.
/// Returns:   NULL: a pool that could not be made, as grove_pool_spawn. A bad rule ends the items, in words.
GROVE_API GROVE_CHECK grove_pool *grove_predictor_spawn(grove *g, grove_shared model, const grove_predictor_options *o);
/// Whether a rule can be read, before any shard is. Returns: GROVE_EINVAL: err says at which character (err->at,
/// from 0) what was expected
GROVE_API GROVE_CHECK grove_status grove_rule_check(const char *rule, grove_error *err);
GROVE_END
#endif
