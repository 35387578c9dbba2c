// The kernels as plain C.
#define GROVE__KERNELS grove__grow_kernels_portable
#define GROVE__KERNELS_NAME "portable"
#include "model/grow_kernels_body.h"
