// Which kind of store a url names.
#ifndef GROVE_STORE_URL_H
#define GROVE_STORE_URL_H
#include <grove/store.h>

/// Length of "scheme" in "scheme://…"; 0: a plain path.
size_t grove__url_scheme(const char *url);
/// Whether the first `n` bytes of `url` are one of `names` ("http https"), without regard to case.
bool grove__url_scheme_is(const char *url, size_t n, const char *names);
/// The path that a plain path or a file:// url names, percent signs decoded, freed by grove__free_text.
/// Returns: GROVE_ENOTSUP: a scheme that is not linked; GROVE_EINVAL: empty, another host, a bad percent sign
grove_status grove__url_path(
    const grove_allocator *a, const char *url, char **out, grove_error *err);
#endif
