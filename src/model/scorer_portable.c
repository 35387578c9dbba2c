#include "model/scorer_body.h"

const grove__scorer_body grove__scorer_portable = {
    code_rows, walk_groups, predict_one, NULL, 0, false};
