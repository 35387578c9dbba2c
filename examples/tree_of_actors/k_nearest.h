#ifndef K_NEAREST_H
#define K_NEAREST_H
#include <grove/model.h>

extern const grove_learner k_nearest_learner;
#endif
