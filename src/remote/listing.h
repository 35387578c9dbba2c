// What a listing of S3 (ListObjectsV2) answers, page by page.
#ifndef GROVE_REMOTE_LISTING_H
#define GROVE_REMOTE_LISTING_H
#include <grove/base.h>

/// `next`: the token of the page that follows, freed by grove__free_text; NULL: this was the last.
typedef struct grove__listing_page {
  grove_status (*object)(void *user, const char *key, uint64_t bytes);
  void *user;
  char *next;
} grove__listing_page;

/// Reads one page; keys that it says are encoded (EncodingType url) are decoded. A status of `object` that is not GROVE_OK ends it and is given back.
/// Returns: GROVE_ECORRUPT: no such XML
grove_status grove__listing_parse(const grove_allocator *a, const char *xml, size_t n,
    grove__listing_page *page, grove_error *err);
/// The text of the first element of that name anywhere in `xml`, freed by grove__free_text; NULL: there is none.
/// Returns: GROVE_ENOMEM
grove_status grove__xml_text(
    const grove_allocator *a, const char *xml, size_t n, const char *element, char **out);
#endif
