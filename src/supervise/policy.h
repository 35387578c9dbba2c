// The supervisor's policy: what becomes of a child that has failed. Pure functions over a child's specification and
// its history; the mechanism is in actor/.
#ifndef GROVE_SUPERVISE_POLICY_H
#define GROVE_SUPERVISE_POLICY_H
#include "actor/policy.h"

extern const grove__policy grove__supervise_policy;
#endif
