#ifndef MEAN_H
#define MEAN_H
#include <grove/model.h>

extern const grove_learner mean_learner;
#endif
