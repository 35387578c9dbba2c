// grove/model.h: fit, predict, save, load. No threads and no runtime: parallelism, yielding and
// cancelling come as a grove_work.
#ifndef GROVE_MODEL_H
#define GROVE_MODEL_H
#include <grove/columnar.h>
GROVE_BEGIN
typedef struct grove_parameter { const char *name, *value; } grove_parameter;  ///< a list ends with {NULL, NULL}
/// What a learner can be told. `standard` is the default, as text. The fields after `high` may be left out.
/// A parameter is given by its name or an alias; beside its name an alias is ignored, and of two aliases
/// the second (grove_model_notes says so); of the same name given twice the last one counts.
typedef struct grove_parameter_info {
  const char *name, *standard, *help;
  double low, high;            ///< both allowed
  const char *aliases;         ///< other names, with blanks between: "learning_rate lr"; NULL: none
  const char *words;           ///< words for numbers, in or out of range: "none=0 sqrt=-1"; NULL: none
  uint32_t whole;              ///< 1: whole numbers only (words apart)
} grove_parameter_info;

/// Numbers by column: column[c][row]. NaN: missing. Borrowed.
typedef struct grove_matrix { const double *const *column; size_t columns, rows; } grove_matrix;

/// All that a fit is given. All borrowed.
typedef struct grove_fit_data {
  uint32_t struct_size;
  uint64_t seed;
  const grove_matrix *x;
  const double *y;
  const double *weight;              ///< by row, 0 or more, not all 0; NULL: all 1
  const grove_matrix *validation_x;  ///< not to be learned from, but to stop by; NULL: none
  const double *validation_y, *validation_weight;
  const uint8_t *categorical;        ///< by column: 1: its numbers name categories, whole numbers from 0 on; NULL: none
  const int8_t *monotone;            ///< by column: 1: predictions must not fall as it rises, -1: must not rise; NULL: free
  const float *const *floats;        ///< by column: its numbers, where x->column[c] is NULL; NULL: all are doubles
  const grove_matrix *watch_x;       ///< only to be told of in progress texts, "37/150 mse 0.21", where that is cheap; NULL: none
  const double *watch_y;
} grove_fit_data;

/// A kind of model: a constant table. A fifth model is one of these and one grove_registry_add. Slots may not
/// call grove's runtime; `state` is what create made, one for each model. `err` is never NULL here.
typedef struct grove_learner {
  uint32_t struct_size;
  const char *name;                                ///< "k_nearest"
  const grove_parameter_info *parameters;          ///< ends with a NULL name; checked before create
  grove_status (*create)(const double *values, void **state, grove_error *err); ///< values as in `parameters`
  void (*destroy)(void *state);                    ///< exactly once for each create that gave GROVE_OK
  /// Once. Splits by data and seed only; yields now and then; GROVE_ECANCELED from yield: return it. NULL: fit_data is given
  grove_status (*fit)(void *state, const grove_matrix *x, const double *y, uint64_t seed, const grove_work *work, grove_error *err);
  /// After fit, from any number of threads at once. No lock, no allocation.
  grove_status (*predict)(const void *state, const grove_matrix *x, double *out, grove_error *err);
  grove_status (*save)(const void *state, void *sink, grove_status (*put)(void *sink, const void *, size_t), grove_error *err); ///< NULL: can't be saved
  grove_status (*load)(const void *bytes, size_t n, void **state, grove_error *err); ///< hostile bytes: GROVE_ECORRUPT
  const char *aliases;                             ///< other names of the kind, with blanks between; NULL: none
  uint32_t flags;                                  ///< GROVE_LEARNER_*
  /// Instead of fit, for a kind that takes weights and rows to validate on; NULL: fits with these are refused.
  grove_status (*fit_data)(void *state, const grove_fit_data *data, const grove_work *work, grove_error *err);
} grove_learner;
/// NaN in a feature means "missing" to fit and predict. Without it grove refuses NaN (and, in predict,
/// infinity) before the learner sees it, naming row and column. Fit never sees infinity, nor NaN in y.
/// CATEGORIES and MONOTONE: fit_data heeds these. Without them grove refuses fits that ask for it.
/// FLOATS: fit_data takes columns of floats where they lie. Without it they are copied to doubles.
enum { GROVE_LEARNER_MISSING = 1, GROVE_LEARNER_CATEGORIES = 2, GROVE_LEARNER_MONOTONE = 4, GROVE_LEARNER_FLOATS = 8 };

/// The kinds that are known: the built-in four and those added. Single owner. add from one thread, before
/// the others look; then any thread reads. NULL wherever one is taken: the built-in four.
typedef struct grove_registry grove_registry;
GROVE_API GROVE_CHECK grove_status grove_registry_create(const grove_allocator *a, grove_registry **out);
GROVE_API void grove_registry_destroy(grove_registry *r);          ///< after all of its models. NULL: nothing
/// Keeps the pointer: the table must stay. Returns: GROVE_EEXIST: the name is taken
GROVE_API GROVE_CHECK grove_status grove_registry_add(grove_registry *r, const grove_learner *learner, grove_error *err);
/// The i-th kind, NULL past the end: for help texts. `r` NULL: of the built-in four.
GROVE_API const grove_learner *grove_registry_at(const grove_registry *r, size_t i);

/// A model. Single owner; once fitted or loaded it is const, for any number of threads.
typedef struct grove_model grove_model;
/// Returns: GROVE_ENOENT: no such name (err lists the known ones) or parameter; GROVE_EINVAL: out of range
GROVE_API GROVE_CHECK grove_status grove_model_create(const grove_registry *r, const char *name, const grove_parameter *p, grove_model **out, grove_error *err);
GROVE_API void grove_model_destroy(grove_model *m);                ///< NULL: nothing
/// What was given and has no effect: "lr is ignored: eta is given", with "; " between; "" if nothing.
/// Borrowed, for the model's life. Of a loaded model: "".
GROVE_API const char *grove_model_notes(const grove_model *m);
/// All parameters with the values in force, in the learner's order: "max_depth=15 min_samples_leaf=1 …",
/// cut at `room` with a final zero. Gives the length of the whole text, as snprintf; `out` NULL with room 0.
GROVE_API size_t grove_model_parameters(const grove_model *m, char *out, size_t room);
typedef struct grove_fit_options {
  uint32_t struct_size;
  uint32_t time_limit_ms;        ///< then the fit ends early and well; default none. Not the same bits then.
                                 ///< A learner of your own sees it as work->expired
  uint64_t seed;
  const char *target;            ///< column; default the last
  const char *const *features;   ///< NULL-ended; default: all other columns of numbers
  const grove_work *work;        ///< default: alone
  const char *weight;            ///< column of numbers of 0 or more: what each row counts; it is no feature then. Default: all 1
  const grove_table *validation; ///< rows to stop by (early_stopping_rounds), with the same columns; default none
  uint64_t memory_bytes;         ///< most that fit may take besides the table; it is estimated before. Default: no limit
  const char *const *categorical; ///< NULL-ended: features whose numbers name categories: whole numbers of 0 to 16777215,
                                 ///< or NaN. Splits are by sets of them. What fit has not seen goes where most rows went
  const char *const *increasing; ///< NULL-ended: features with which predictions must not fall
  const char *const *decreasing; ///< NULL-ended: features with which predictions must not rise
  uint32_t keep_cancelled;       ///< 1: a fit that is cancelled ends well, with what there is: of boosting and forests the trees
                                 ///< that stand, at least one; of a tree what is split so far. grove_model_ended says so
  const grove_table *watch;      ///< rows, with the same columns, whose mean squared error progress texts tell after each tree of
                                 ///< forests and boosting ("37/150 mse 0.21"): a learning curve. The model does not depend on
                                 ///< them. Other kinds tell nothing; it takes one more prediction a row and tree. Default none
} grove_fit_options;
#define GROVE_FIT .struct_size = (uint32_t)sizeof(grove_fit_options)
/// Once a model. The same seed gives the same bits for any width of `work`. On failure the model can only be
/// destroyed. Blocking: computes; in an actor, grove_work_init makes it yield. Progress texts are "37/150",
/// with rows to stop by "37/150 mse 0.21" (mae, huber, pinball, poisson, logloss: the objective's mean loss).
/// Returns: GROVE_ENOENT (column), GROVE_ENOTSUP (type), GROVE_ECANCELED; GROVE_EINVAL: no rows, no features,
///          NaN or infinity where it can't be (err->at: the row, from 0); GROVE_ELIMIT: too many rows, or more memory than memory_bytes
GROVE_API GROVE_CHECK grove_status grove_model_fit(grove_model *m, const grove_table *t, const grove_fit_options *o, grove_error *err);
/// One number a row, into the caller's buffer of `rows` = grove_table_rows. Columns are found by name.
GROVE_API GROVE_CHECK grove_status grove_model_predict(const grove_model *m, const grove_table *t, double *out, size_t rows, grove_error *err);
/// The same on numbers in the order of grove_model_feature. Lock-free, allocation-free.
/// Returns: GROVE_EINVAL: x->columns is not the number of features, or NaN that the model can't take
GROVE_API GROVE_CHECK grove_status grove_model_predict_matrix(const grove_model *m, const grove_matrix *x, double *out);
/// Sets of instructions that predicting can use. All give the same bits. Values are never renumbered.
enum {
  GROVE_INSTRUCTIONS_BEST = 0,     ///< what the processor has, found out at run time
  GROVE_INSTRUCTIONS_PORTABLE = 1, ///< what the build asks for alone
  GROVE_INSTRUCTIONS_AVX2 = 2,
  GROVE_INSTRUCTIONS_AVX512 = 3,   ///< with VBMI
  GROVE_INSTRUCTIONS_NEON = 4      ///< of 64-bit ARM
};
typedef struct grove_prepare_options {
  uint32_t struct_size;
  uint32_t instructions; ///< GROVE_INSTRUCTIONS_*: the most that may be used; those of another machine are as PORTABLE
  uint32_t drop;         ///< 1: no prepared form; predicts straight from the trees, slower and in less memory
} grove_prepare_options;
#define GROVE_PREPARE .struct_size = (uint32_t)sizeof(grove_prepare_options)
/// Makes the form that trees predict from fast, once; load and import do it, if it pays. Memory: nodes once more, in 4
/// to 12 bytes, the distinct thresholds, and on machines with byte lanes tables of up to 10 KB a tree. Not done by fit,
/// which has a caller's time to keep, nor by grove_model_load_in_place: until then they predict straight from the
/// trees, with the same bits.
/// As a change: nobody may predict meanwhile. A model that has no trees, or does not fit the form, stays as it is.
/// Returns: GROVE_EINVAL: not fitted, or no such instructions
GROVE_API GROVE_CHECK grove_status grove_model_prepare(grove_model *m, const grove_prepare_options *o, grove_error *err);
/// Of the prepared form; 0: there is none.
GROVE_API size_t grove_model_prepared_bytes(const grove_model *m);
/// GROVE_INSTRUCTIONS_* that the prepared form is for.
GROVE_API uint32_t grove_model_instructions(const grove_model *m);
/// Numbers as they stand, floats or doubles. Borrowed.
typedef struct grove_rows {
  uint32_t struct_size;
  uint32_t floats;               ///< 1: float; 0: double
  const void *data;              ///< number r, c is data[r * row_step + c * column_step]
  const void *const *column;     ///< or column[c][r]; NULL: data
  size_t rows, columns;
  ptrdiff_t row_step, column_step; ///< in numbers; both 0: row after row, without gaps
} grove_rows;
#define GROVE_ROWS .struct_size = (uint32_t)sizeof(grove_rows)
/// One number a row, into the caller's buffer of x->rows. Lock-free, allocation-free, from any number of threads.
/// Scratch of grove_model_scratch bytes is the fastest; with less (or NULL, 0) up to 32 KB of stack are used instead.
/// Returns: GROVE_EINVAL: x->columns is not the number of features, or NaN that the model can't take
GROVE_API GROVE_CHECK grove_status grove_model_predict_rows(const grove_model *m, const grove_rows *x, void *scratch, size_t scratch_bytes, double *out);
GROVE_API size_t grove_model_scratch(const grove_model *m, size_t rows);
/// How far predictions are from a column. mse: mean of the squares, rmse its root; mae: mean of the sizes; r2: 1 - mse / the
/// variance of the column (NaN if that is 0).
typedef struct grove_evaluation {
  uint32_t struct_size;
  uint64_t rows;
  double mse, rmse, mae, r2;
} grove_evaluation;
#define GROVE_EVALUATION .struct_size = (uint32_t)sizeof(grove_evaluation)
/// Against a column (NULL: the fit's target). out->struct_size is the caller's.
GROVE_API GROVE_CHECK grove_status grove_model_evaluate(const grove_model *m, const grove_table *t, const char *target, grove_evaluation *out, grove_error *err);
/// Fits a model of that kind `folds` times, each time without another part of the rows, on which it is evaluated: out[i], of the
/// caller's `folds` places, is of part i. The parts are those of scikit-learn's KFold(folds, shuffle=True, random_state=seed),
/// with the seed of `o`, which the fits have, too. o->validation is not for this.
/// Returns: as grove_model_create and grove_model_fit; GROVE_EINVAL: fewer than 2 folds, or more than rows
GROVE_API GROVE_CHECK grove_status grove_model_cross_validate(const grove_registry *r, const char *name, const grove_parameter *p, const grove_table *t, const grove_fit_options *o, uint32_t folds, grove_evaluation *out, grove_error *err);
/// Many small models of one kind, one for each value of a key column. Single owner; const once fitted, for any number of threads.
typedef struct grove_models grove_models;
/// Each is what grove_model_fit would make of its rows alone, with the same options and seed. They are shared out among the chunks
/// of o->work, which is all the parallelism there is. A group that can't be fitted has its error, and the others go on.
/// Returns: as grove_model_create and grove_model_fit, for what is wrong with all; GROVE_ENOENT: no such key column;
///          GROVE_ENOTSUP: o->validation, o->time_limit_ms or o->memory_bytes, which are for one fit
GROVE_API GROVE_CHECK grove_status grove_models_fit(const grove_registry *r, const char *name, const grove_parameter *p, const grove_table *t, const char *key, const grove_fit_options *o, grove_models **out, grove_error *err);
GROVE_API void grove_models_destroy(grove_models *m);              ///< NULL: nothing
/// In the order of the keys' first sight. key: the value as text, as grove_table_group has it; NULL: of nulls (and past the end).
GROVE_API size_t grove_models_count(const grove_models *m);
GROVE_API const char *grove_models_key(const grove_models *m, size_t i);
/// GROVE_OK: it is fitted. Else why not, with words in `err`.
GROVE_API grove_status grove_models_state(const grove_models *m, size_t i, grove_error *err);
/// One number a row, by the model of the row's key; NaN where there is none. Columns are found by name.
GROVE_API GROVE_CHECK grove_status grove_models_predict(const grove_models *m, const grove_table *t, double *out, size_t rows, grove_error *err);
/// Moves one out: a model like any other, the caller's. Rows of its key are NaN from then on. As a change: nobody may predict
/// meanwhile. Returns: GROVE_ENOENT: there is no such model, any more
GROVE_API GROVE_CHECK grove_status grove_models_take(grove_models *m, size_t i, grove_model **out, grove_error *err);
/// Mean squared error against a column (NULL: the fit's target).
GROVE_API GROVE_CHECK grove_status grove_model_score(const grove_model *m, const grove_table *t, const char *target, double *mse, grove_error *err);
/// SHAP values, by the weights of the leaves (TreeSHAP): for each row one number a feature, in the order of
/// grove_model_feature, and last what the model says without knowing any; their sum is the prediction before its link
/// (the same within rounding). `out` has rows * (features + 1) places. Allocates, as grove_model_predict does.
/// Returns: GROVE_ENOTSUP: no trees, or their file did not say what leaves weigh; GROVE_ELIMIT: more than 256 levels
GROVE_API GROVE_CHECK grove_status grove_model_explain(const grove_model *m, const grove_table *t, double *out, size_t rows, grove_error *err);
enum {
  GROVE_IMPORTANCE_GAIN = 0,  ///< what the splits by a feature have gained, all together; of an imported model in its units
  GROVE_IMPORTANCE_SPLIT = 1  ///< how many splits are by it
};
/// Of each feature. Returns: GROVE_ENOTSUP: no trees, or their file did not say
GROVE_API GROVE_CHECK grove_status grove_model_importance(const grove_model *m, int32_t kind, double *out, size_t features, grove_error *err);
/// Of any model, a place a feature: by how much its mean squared error on `t` grows when the rows of that column change
/// places; the mean of `repeats` (0: 5). `target` NULL: the fit's. The same seed gives the same numbers.
GROVE_API GROVE_CHECK grove_status grove_model_importance_permuted(const grove_model *m, const grove_table *t, const char *target, uint32_t repeats, uint64_t seed, double *out, grove_error *err);
/// Save: versioned, checksummed bytes, malloc-like from `a`, freed by the caller with it. The same model
/// gives the same bytes. Load: unknown shapes are refused by name (XGBoost's and LightGBM's: see exchange.h).
/// Returns: save: GROVE_ENOTSUP: the learner can't; load: GROVE_ECORRUPT: cut short or changed bytes,
///          GROVE_ENOTSUP: another version or shape, GROVE_ENOENT: a kind that is not in the registry
GROVE_API GROVE_CHECK grove_status grove_model_save(const grove_model *m, const grove_allocator *a, void **bytes, size_t *n, grove_error *err);
GROVE_API GROVE_CHECK grove_status grove_model_load(const grove_registry *r, const void *bytes, size_t n, grove_model **out, grove_error *err);
/// As load, but the bytes are borrowed for the model's life, and trees are used where they are: of a mapped file only
/// the pages that are needed take memory. Copied all the same: what does not stand on a multiple of 16 bytes, files of
/// version 1, learners without trees, and on machines of the other order of bytes.
GROVE_API GROVE_CHECK grove_status grove_model_load_in_place(const grove_registry *r, const void *bytes, size_t n, grove_model **out, grove_error *err);
/// Borrowed, for the model's life. feature: NULL past the end. hash: of the saved bytes (their checksum);
/// 0: not fitted, or can't be saved. Computed when first asked for.
/// losses: how many, and at *out (borrowed) the mean loss on rows that were not learned from: of boosting with rows to stop by
/// after each tree that was grown, those that were dropped included; of a forest with oob_score one. Kept in files since version 3.
GROVE_API size_t grove_model_losses(const grove_model *m, const double **out);
GROVE_API const char *grove_model_name(const grove_model *m);
GROVE_API const char *grove_model_feature(const grove_model *m, size_t i);
/// How the fit came to its end. Values are in files: never renumbered.
enum {
  GROVE_ENDED_WHOLE = 0,     ///< all was done that was asked for
  GROVE_ENDED_TIME = 1,      ///< time_limit_ms, or the work's `expired`
  GROVE_ENDED_CANCELLED = 2, ///< with keep_cancelled, or a trainer was asked to `finish` (train.h)
  GROVE_ENDED_EARLY = 3      ///< early_stopping_rounds
};
GROVE_API int32_t grove_model_ended(const grove_model *m);
enum { GROVE_FEATURE_NUMBER = 0, GROVE_FEATURE_CATEGORY = 1 };
GROVE_API int32_t grove_model_feature_kind(const grove_model *m, size_t i);
GROVE_API uint64_t grove_model_hash(const grove_model *m);
GROVE_END
#endif
