// An object of S3 being written: nobody sees it before it is whole.
#ifndef GROVE_REMOTE_UPLOAD_H
#define GROVE_REMOTE_UPLOAD_H
#include "remote/address.h"
#include "remote/client.h"

/// What fits into one part goes up with one PUT; more, by a multipart upload, which commits at its end or is aborted.
/// `fresh`: nothing is replaced, by "If-None-Match: *" (a server that says it has not that is looked at right before; one that passes over
/// it replaces): GROVE_EEXIST at the commit.
grove_status grove__s3_write(
    grove__client *c, const grove__address *d, bool fresh, grove_sink *out, grove_error *err);
#endif
