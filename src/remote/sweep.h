// Uploads that their writers did not live to end.
#ifndef GROVE_REMOTE_SWEEP_H
#define GROVE_REMOTE_SWEEP_H
#include "remote/address.h"
#include "remote/client.h"

/// Aborts the multipart uploads to that object. A help: what the server does not let us do is passed over.
void grove__s3_sweep(grove__client *c, const grove__address *d);
#endif
