// grove/train.h: actors meet models: the training supervisor, and what is shared between the two.
#ifndef GROVE_TRAIN_H
#define GROVE_TRAIN_H
#include <grove/model.h>
#include <grove/typed.h>
GROVE_BEGIN
/// A table or a fitted model as shared data: stored once, read by all, no copy.
/// Ownership: on GROVE_OK takes the caller's count (table) or the model over; on failure nothing.
GROVE_API GROVE_CHECK grove_status grove_share_table(grove *g, grove_table *t, grove_shared *out);
GROVE_API GROVE_CHECK grove_status grove_share_model(grove *g, grove_model *m, grove_shared *out);
/// Borrowed, while the caller has a count. NULL: `s` is not one.
GROVE_API const grove_table *grove_table_of(grove_shared s);
GROVE_API const grove_model *grove_model_of(grove_shared s);

/// How one model did. Plain.
typedef struct grove_trained {
  char name[32], state[32];          ///< "DONE", "FAILED"
  double mse, train_seconds, predict_seconds;
  uint64_t seed, model_hash;
  char parameters[768];              ///< "max_depth=15 …", all of them
  char error[440];
  char notes[160];                   ///< what was given and has no effect: "lr is ignored: eta is given"
  double mae, r2;                    ///< on the rows that mse is of
  double mse_error;                  ///< standard error of the mean over folds; NaN: no folds
  int32_t ended;                     ///< GROVE_ENDED_*
} grove_trained;
GROVE_LIST(grove_trained)

typedef struct grove_trainer_options {
  uint32_t struct_size;
  uint32_t time_limit_ms;            ///< for each model; default none
  uint64_t seed;
  double test_part;                  ///< 0.2
  const char *target;                ///< default the last column
  const char *const *models;         ///< NULL-ended names; default all of the registry
  const grove_parameter *parameters; ///< "decision_tree.max_depth"; default the learners' own
  const grove_registry *registry;    ///< must stay while the trainer lives; default the built-in four
  const char *save_folder;           ///< a file for each model, NAME.grove, atomically; default: none
  const grove_spawn_options *spawn;  ///< of the supervisor
  const char *const *categorical;    ///< NULL-ended features, as grove_fit_options has them
  const char *const *increasing, *const *decreasing;
  uint64_t memory_bytes;             ///< of each fit, see grove_fit_options; default none
  uint32_t parallelism;              ///< chunks of one model that run at once; default: as many as there are workers
  uint32_t folds;                    ///< 2 or more: errors are means over so many parts (grove_model_cross_validate), and the
                                     ///< model itself is fitted to all rows; test_part is not used. Default 0: one test part
  uint32_t curves;                   ///< 1: forests and boosting tell the error on the test part after each tree (runs.h): a
                                     ///< learning curve. It takes one more prediction a tree. Not with folds. Default 0
  uint32_t reserved;
} grove_trainer_options;
#define GROVE_TRAINER .struct_size = (uint32_t)sizeof(grove_trainer_options)

// work:   trains and scores all, in parallel; a list by MSE, failed ones last. Fails only if none could be trained.
//         The list's count is the caller's.
// model:  the fitted model of that name, for grove_model_of; the count is the caller's. GROVE_ENOENT: none yet.
// finish: the model of that name, or with "" all, ends its training early and gives what there is: of boosting and forests
//         the trees that stand, at least one; of a tree what is split so far. It is scored and saved as ever, and its row's
//         `ended` is GROVE_ENDED_CANCELLED. Answers at once; `work` answers when the models have ended. A request: it counts
//         for the `work` at hand (none: nothing happens), a model that is done stays as it is, and a kind that knows no
//         halves (linear; one of your own that does not ask grove_work's `expired`) goes on to its end. Its curve stops
//         there. GROVE_ENOENT: no such model here.
#define GROVE__TRAINER(START, METHOD)                          \
  METHOD(grove_trainer, work, grove_none, grove_trained_list)  \
  METHOD(grove_trainer, model, grove_string, grove_shared)     \
  METHOD(grove_trainer, finish, grove_string, grove_none)
GROVE_API extern const grove_class grove_trainer_class;
GROVE_API extern const grove_method grove_trainer_work_method, grove_trainer_model_method, grove_trainer_finish_method;
GROVE_INTERFACE(GROVE__TRAINER, grove_trainer)
/// The training supervisor: one actor, with a child for each model (label: its name, state and progress:
/// watch.h). What a model does wrong ends that model's row, not the others.
///
/// Ownership: retains the table for its life; the caller's count stays the caller's. NULL ends its calls.
/// Returns:   always an address; unknown names and parameters end its calls, with the known ones listed.
GROVE_API GROVE_CHECK grove_trainer_ref grove_trainer_spawn(grove *g, grove_table *table, const grove_trainer_options *o);
GROVE_END
#endif
