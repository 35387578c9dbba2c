// Which kind of store a url names.
#ifndef GROVE_STORE_URL_H
#define GROVE_STORE_URL_H
#include <grove/store.h>

/// Length of "scheme" in "scheme://…"; 0: a plain path.
size_t grove__url_scheme(const char *url);
/// Whether the first `n` bytes of `url` are one of `names` ("http https"), without regard to case.
bool grove__url_scheme_is(const char *url, size_t n, const char *names);
/// The url as it may be said to anybody: without who and the password (of http) and without the query, which may be a
/// signature. A plain path or file:// url is as it is. What does not fit is cut.
void grove__url_show(const char *url, char *out, size_t room);
/// Without what grove__url_show leaves out, where its file name begins and how long it is.
const char *grove__url_name(const char *url, size_t *n);
/// Whether both name one object: of local files, one that is there, by whatever path; of others, the same text but for who asks.
bool grove__url_same(const char *a, const char *b);
/// Length of a folder's url without the slashes at its end: "s3://bucket/a//b" is another key than "s3://bucket/a/b".
size_t grove__url_folder(const char *url);
/// A copy of so much of it, freed by grove__free_text. NULL for NULL, or no memory.
char *grove__url_copy_folder(const grove_allocator *a, const char *url);
/// The path that a plain path or a file:// url names, percent signs decoded, freed by grove__free_text.
/// Returns: GROVE_ENOTSUP: a scheme that is not linked; GROVE_EINVAL: empty, another host, a bad percent sign
grove_status grove__url_path(
    const grove_allocator *a, const char *url, char **out, grove_error *err);
#endif
