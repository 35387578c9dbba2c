// Which objects there are.
#ifndef GROVE_REMOTE_LIST_H
#define GROVE_REMOTE_LIST_H
#include "remote/address.h"
#include "remote/client.h"

/// As grove_store_list: an object, a folder of keys, or a pattern. `url` is for words.
grove_status grove__s3_list(grove__client *c, const grove__address *d, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err);
/// Http has no listings: the url itself, if it is there.
grove_status grove__http_list(grove__client *c, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err);
#endif
