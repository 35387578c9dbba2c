// Outputs of the job that lie among its inputs.
#ifndef GROVE_TOOL_PREDICT_OURS_H
#define GROVE_TOOL_PREDICT_OURS_H
#include <stdbool.h>

/// If the folder of the outputs lies within what an argument lists (not if it is that folder itself): how the listing's paths that
/// lie in it begin, freed by free(). NULL: it does not, or there is none.
char *predict_ours(const char *argument, const char *out);
/// Whether a listed shard is one of them. `folder` may be NULL.
bool predict_is_ours(const char *folder, const char *shard);
#endif
