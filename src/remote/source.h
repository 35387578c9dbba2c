// One remote object as a source of bytes.
#ifndef GROVE_REMOTE_SOURCE_H
#define GROVE_REMOTE_SOURCE_H
#include "remote/client.h"

/// `url` is the canonical one. Asks for the end of the object: its length, its version and, of a Parquet file, the
/// footer come with one request.
grove_status grove__remote_source(
    grove__client *c, const char *url, bool sign, grove_source *out, grove_error *err);
/// Its length alone, without its bytes.
grove_status grove__remote_size(
    grove__client *c, const char *url, bool sign, uint64_t *bytes, grove_error *err);
#endif
