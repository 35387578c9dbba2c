// Which kind of store a url names.
#ifndef GROVE_STORE_URL_H
#define GROVE_STORE_URL_H
#include <grove/store.h>

/// The path that a plain path or a file:// url names, percent signs decoded, freed by grove__free_text.
/// Returns: GROVE_ENOTSUP: a scheme that is not linked; GROVE_EINVAL: empty, another host, a bad percent sign
grove_status grove__url_path(
    const grove_allocator *a, const char *url, char **out, grove_error *err);
#endif
