// The kernels as plain C.
#define GROVE__KERNELS grove__kernels_portable
#define GROVE__KERNELS_NAME "portable"
#include "model/kernels_body.h"
