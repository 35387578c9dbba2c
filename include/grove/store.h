// grove/store.h: where bytes live: files, http(s), s3. Blocking calls: from an actor, by grove_offload or a
// `blocking` class. Reads no environment: the host hands in keys and proxies.
#ifndef GROVE_STORE_H
#define GROVE_STORE_H
#include <grove/base.h>
GROVE_BEGIN
typedef struct grove_range {
  uint64_t offset, bytes;
} grove_range;

/// One readable thing. A table of callbacks, so that a host can bring its own (memory, a database).
/// read_at: fills exactly n bytes or fails; from several threads at once. close: once, by its owner.
/// will_read: hears where reads will be soon, so that a remote source can fetch it ahead and in few requests. The
/// ranges are in order and apart by 64 KiB at least, and gone when it returns. A hint: what was told may stay unread, and
/// what was not may be read. From several threads at once; does not block.
typedef struct grove_source {
  uint32_t struct_size;
  uint64_t bytes;
  void *user;
  grove_status (*read_at)(void *user, uint64_t offset, void *out, size_t n, grove_error *err);
  void (*close)(void *user);                       ///< may be NULL
  const char *version;                             ///< changes when the bytes do (an etag, size and time of a file);
                                                   ///< the source's own. NULL: not known
  void (*will_read)(void *user, const grove_range *ranges, size_t n); ///< may be NULL
} grove_source;

/// One thing being written, as a store's scheme hands it out: what grove_writer_* calls.
typedef struct grove_sink {
  uint32_t struct_size;
  void *user;
  grove_status (*put)(void *user, const void *bytes, size_t n, grove_error *err);
  /// commit != 0: makes it visible, if all went well. Ends `user`, whatever it returns.
  grove_status (*close)(void *user, int commit, grove_error *err);
} grove_sink;

typedef struct grove_store_options grove_store_options;
/// How urls of some schemes are reached: for hosts that bring their own, and grove_remote (remote.h). Functions that are
/// NULL give GROVE_ENOTSUP. The url is passed whole. Called from any thread.
typedef struct grove_store_scheme {
  uint32_t struct_size;
  const char *names;                               ///< "http https s3": without "://", in lower case
  /// Once a store: *out is passed to all below, and to close. The options are full (struct_size is the library's).
  grove_status (*open)(const grove_store_options *o, void **out, grove_error *err);
  void (*close)(void *opened);
  grove_status (*list)(void *opened, const char *url, grove_status (*fn)(void *user, const char *url, uint64_t bytes),
      void *user, grove_error *err);
  grove_status (*source)(void *opened, const char *url, grove_source *out, grove_error *err);
  grove_status (*write)(void *opened, const char *url, grove_sink *out, grove_error *err);
  void (*interrupt)(void *opened);                 ///< as grove_store_interrupt; may be NULL, or not be there by struct_size
  /// Takes away what writers of that very object that died left behind: uploads that were begun and not ended. Called when
  /// nobody writes it. A help: what can't be done is passed over. May be NULL, or not be there by struct_size.
  void (*sweep)(void *opened, const char *url);
  /// As write, of an object that is not there: where one has come by the commit it stays, and the sink's close gives GROVE_EEXIST. May be
  /// NULL, or not be there by struct_size: then `write` is taken, which replaces it.
  grove_status (*write_new)(void *opened, const char *url, grove_sink *out, grove_error *err);
} grove_store_scheme;

/// Where the bucket stands in the url of s3. AUTO: in the path if `endpoint` is set or the name has a dot, else in the
/// host's name.
enum { GROVE_S3_AUTO, GROVE_S3_PATH, GROVE_S3_HOST };
/// Credentials, connections, retries: for http and s3, which grove_remote brings; local files use the allocator
/// alone. Counted: retained and closed from any thread, used by any number.
typedef struct grove_store grove_store;
/// What signs requests of s3.
typedef struct grove_store_keys {
  uint32_t struct_size;
  const char *key, *secret, *token;                ///< token NULL: none
  int64_t end;                                     ///< from when on they are no good: seconds since 1970, UTC; 0: not known
} grove_store_keys;
struct grove_store_options {
  uint32_t struct_size;
  uint32_t connections, retries, timeout_ms;       ///< 16, 4, 30000 without progress
  const char *region, *endpoint, *proxy;           ///< s3 and http; default: of the url, none
  const char *key, *secret, *token;                ///< default: anonymous; "s3://anonymous@bucket" always is
  const grove_allocator *allocator;
  const grove_store_scheme *const *schemes;        ///< beside files, NULL-ended; grove_remote_schemes(). They must stay
  uint32_t request_ms;                             ///< most for one request, its retries not counted; default: none
  uint32_t backoff_ms, backoff_most_ms;            ///< before the first retry, 100, then doubled up to 10000; jittered
  uint32_t s3_addressing;                          ///< GROVE_S3_*
  uint32_t part_bytes;                             ///< of a multipart upload and of one ranged read; 8 Mi
  const char *ca_file;                             ///< certificates to trust; default: the system's
  const char *no_proxy;                            ///< hosts to reach without `proxy`: "localhost,.example.org"
  uint32_t file_ms;                                ///< most for all requests of one object while it is open, retries and backoff
                                                   ///< counted; not the time in which nothing of it is asked. Default: none
  /// New keys, where those that are there end: fills *out, whose texts must stay until the next call or the store's end. Called some
  /// minutes before the keys' end (of short-lived ones in their last quarter), when something is asked of s3, and once for a
  /// request that s3 refuses with ExpiredToken, which is then tried again. What is not refused goes on meanwhile. On a thread of the
  /// store's own, one call at a time. It may wait, but not for ever: grove_store_close waits for it. NULL: none are to be had
  grove_status (*renew)(void *user, grove_store_keys *out, grove_error *err);
  void *renew_user;
  int64_t keys_end;                                ///< of key, secret and token, as grove_store_keys.end
};
/// NULL options: local files alone. Returns: what a scheme's open gives
GROVE_API GROVE_CHECK grove_status grove_store_open(const grove_store_options *o, grove_store **out, grove_error *err);
/// One count more, for who uses it beside its owner; gives `s` back. Jobs and pools of predictors take one themselves.
GROVE_API grove_store *grove_store_retain(grove_store *s);
/// One count less; the last closes it, after its sources and writers: it is who calls the schemes' close. NULL: nothing
GROVE_API void grove_store_close(grove_store *s);

/// Ends the reads and listings that wait for a server now, whoever waits: with GROVE_ECANCELED, and no retry. What is asked
/// after it, and what is written, goes on. For who wants to end soon and has told his readers so: a server may be silent for
/// timeout_ms and all retries. From any thread; does not wait. Local files are not waited for.
GROVE_API void grove_store_interrupt(grove_store *s);
/// Calls fn for each object of a path, folder, glob or url prefix, in the order of names (by their bytes). A
/// status that is not GROVE_OK ends the list and is returned. A folder lists its *.parquet files and those of its
/// folders, without names that start with . or _; a glob knows * ? [a-z] [!a-z] and ** (folders, any depth).
/// Returns: GROVE_ENOENT: none, GROVE_ENOTSUP: no such scheme linked
GROVE_API GROVE_CHECK grove_status grove_store_list(grove_store *s, const char *url,
    grove_status (*fn)(void *user, const char *url, uint64_t bytes), void *user, grove_error *err);
/// Fills *out; the caller closes it by out->close(out->user). Local: reads by pread, not mmap.
GROVE_API GROVE_CHECK grove_status grove_store_source(grove_store *s, const char *url, grove_source *out, grove_error *err);
/// A source over memory that the caller keeps; close does nothing.
GROVE_API void grove_source_of_memory(const void *bytes, size_t n, grove_source *out);

/// Atomic: readers see the old object or the whole new one. Single owner, one thread at a time.
typedef struct grove_writer grove_writer;
GROVE_API GROVE_CHECK grove_status grove_store_write(grove_store *s, const char *url, grove_writer **out, grove_error *err);
/// A writer into a sink of the caller's, which the writer's close ends. `a` may be NULL.
GROVE_API GROVE_CHECK grove_status grove_writer_of_sink(const grove_sink *sink, const grove_allocator *a, grove_writer **out, grove_error *err);
GROVE_API GROVE_CHECK grove_status grove_writer_put(grove_writer *w, const void *bytes, size_t n, grove_error *err);
/// commit != 0 and all went well: makes it visible (local: synced, renamed). Else leaves nothing. Frees `w`
/// whatever it returns. NULL: GROVE_OK.
GROVE_API GROVE_CHECK grove_status grove_writer_close(grove_writer *w, int commit, grove_error *err);
GROVE_END
#endif
