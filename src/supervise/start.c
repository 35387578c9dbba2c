// A runtime is a tree of supervisors: it starts with their policy in place.
#include "supervise/policy.h"

grove_status grove_start(const grove_options *o, grove **out)
{
  return grove__system_start(o, &grove__supervise_policy, 0, out);
}
