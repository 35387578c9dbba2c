// Names of objects: s3://[anonymous@]bucket/key to the url that is asked for, and back.
#ifndef GROVE_REMOTE_ADDRESS_H
#define GROVE_REMOTE_ADDRESS_H
#include <grove/store.h>

/// An s3 url, taken apart. `key` may be empty: the bucket itself. Texts are owned, freed by grove__address_free.
typedef struct grove__address {
  char *bucket, *key;
  bool anonymous;
} grove__address;

bool grove__url_is_s3(const char *url);
/// Keys are taken as they are written, without percent signs' meaning, as other S3 tools do.
/// Returns: GROVE_EINVAL: no bucket, or one that can't be
grove_status grove__address_parse(
    const grove_allocator *a, const char *url, grove__address *out, grove_error *err);
void grove__address_free(const grove_allocator *a, grove__address *d);
/// The url of bucket and `key` (which may be another than the address's; NULL: the bucket's own), with `query` as it
/// is (NULL: none), freed by grove__free_text. NULL: no memory.
char *grove__address_url(const grove_allocator *a, const grove_store_options *o,
    const grove__address *d, const char *key, const char *query);
/// Percent-encodes as SigV4 wants it; with `slashes`, those too. Freed by grove__free_text. NULL: no memory.
char *grove__percent_encode(const grove_allocator *a, const char *text, bool slashes);
#endif
