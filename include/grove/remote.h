// grove/remote.h: http, https and s3 for a store: the library grove_remote, over libcurl.
//
// A store that is given these schemes has one thread of its own for all its requests, started by the first, with all
// signals blocked. Reads no environment: keys, regions, endpoints and proxies come by the store's options. libcurl keeps
// state for the process (curl_global_init, counted).
//
//   http(s)://…   is read by ranges, from servers that give them; of others, objects up to 64 MiB. Redirects are
//                 followed, from https only to https. No listing (a url stands for itself), no writing.
//   s3://BUCKET/KEY, s3://anonymous@BUCKET/KEY   the key is taken as it is written. Signed by SigV4 if the options have
//                 a key, except for "anonymous@". An object, a folder of keys, or a pattern can be listed. Written
//                 with one PUT or a multipart upload: it is there as a whole, or not at all.
//
// An object that changes while it is read is GROVE_ECORRUPT (by If-Match, else If-Unmodified-Since). Tried again, with
// backoff: failures of the connection, short answers, 408, 429 and 5xx. Errors name the url without its query, the
// range, the server's words, and the attempt. GROVE_ENOENT: 404. GROVE_ETIMEDOUT: nothing moved for timeout_ms, or
// request_ms or file_ms passed.
#ifndef GROVE_REMOTE_H
#define GROVE_REMOTE_H
#include <grove/store.h>
GROVE_BEGIN
/// For grove_store_options.schemes. Static.
GROVE_API const grove_store_scheme *const *grove_remote_schemes(void);
GROVE_END
#endif
