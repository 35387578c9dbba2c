// What listings of S3 (ListObjectsV2, ListMultipartUploads) answer, page by page.
#ifndef GROVE_REMOTE_LISTING_H
#define GROVE_REMOTE_LISTING_H
#include <grove/base.h>

/// Of objects, or of uploads: one of the two functions is NULL. `next`: the token of the page that follows, or of uploads the key
/// and with `next_id` the upload after which it begins, freed by grove__free_text; NULL: this was the last.
typedef struct grove__listing_page {
  grove_status (*object)(void *user, const char *key, uint64_t bytes);
  grove_status (*upload)(void *user, const char *key, const char *id);
  void *user;
  char *next, *next_id;
} grove__listing_page;

/// Reads one page; keys that it says are encoded (EncodingType url) are decoded. A status of a function that is not GROVE_OK ends it and is given back.
/// Returns: GROVE_ECORRUPT: no such XML
grove_status grove__listing_parse(const grove_allocator *a, const char *xml, size_t n,
    grove__listing_page *page, grove_error *err);
/// The text of the first element of that name anywhere in `xml`, freed by grove__free_text; NULL: there is none.
/// Returns: GROVE_ENOMEM
grove_status grove__xml_text(
    const grove_allocator *a, const char *xml, size_t n, const char *element, char **out);
#endif
