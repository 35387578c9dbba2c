// One request of a server and its answer, with all its attempts: what source.c, list.c and upload.c hand to the
// client, whose thread runs it.
#ifndef GROVE_REMOTE_EXCHANGE_H
#define GROVE_REMOTE_EXCHANGE_H
#include <grove/base.h>
#include <curl/curl.h>

typedef enum grove__span {
  GROVE__SPAN_WHOLE, ///< no range is asked for
  GROVE__SPAN_BYTES, ///< exactly `n` bytes at `from`, into `into`
  GROVE__SPAN_TAIL,  ///< the last `n` bytes; a server without ranges gives all, which is taken up to `most`
  GROVE__SPAN_PEEK   ///< the headers alone: the first byte is asked for, and dropped. Where they don't say how long it
                     ///< is, all of it is let pass and counted, up to `most`
} grove__span;

/// How long something was asked for, for all requests of one object. All of the client's lock.
typedef struct grove__spent {
  unsigned asking;  ///< requests that are under way
  int64_t since_ns; ///< when the first of them began
  int64_t ns;       ///< before that
} grove__spent;

/// What is asked. All pointers stay the asker's, and must stay until the exchange is done.
typedef struct grove__request {
  const char *method; ///< "GET", "PUT", "POST", "DELETE"
  const char *url;    ///< canonical: percent signs as SigV4 wants them, queries sorted
  const char *header; ///< one more, such as "If-Match: …"; NULL: none
  grove__span span;
  uint64_t from;
  size_t n;
  void *into;
  size_t most; ///< of an answer whose length is not known before; more of it is GROVE_ELIMIT
  const void *body;
  size_t body_bytes;
  bool sign;       ///< by SigV4 if there is a key; then redirects are not followed: the signature names the host
  bool fails_late; ///< the code of success can come with S3's error as its body
  grove__spent *spent; ///< of the object, for file_ms; NULL: no limit
  bool once;       ///< sent once an attempt: libcurl sends anew by itself what a kept connection lost
} grove__request;

enum { GROVE__ETAG_ROOM = 160, GROVE__DATE_ROOM = 48, GROVE__PROBLEM_ROOM = 1024 };

typedef struct grove__exchange {
  grove__request ask;

  // The answer, to be read once it is done.
  grove_status status;
  grove_error error; ///< the words, if status is not GROVE_OK
  long code;         ///< of HTTP; 0: there was no answer
  uint64_t total;    ///< bytes of the whole object; UINT64_MAX: not said
  bool ranged;       ///< the server gave the range that was asked for
  char *body;        ///< of SPAN_WHOLE and SPAN_TAIL, freed by grove__exchange_clear
  size_t bytes;
  char etag[GROVE__ETAG_ROOM], modified[GROVE__DATE_ROOM], region[40];
  uint32_t attempts;

  // The client's.
  CURL *easy;
  struct curl_slist *headers;
  struct grove__client *client;
  struct grove__exchange *next;
  size_t room;          // of body
  uint64_t answer_from; // of the answer's Content-Range
  uint64_t retry_after_ms;
  int64_t due_ns, progress_ns;
  int64_t late_ns; // then the object's time is over; 0: never
  curl_off_t moved;
  uint64_t keys_nth;                         // of the keyring: the keys that this attempt was signed with
  bool keys_ended, asked_keys, awaits_keys; // the server said so; others were asked for; and have not come
  bool dropped; // guarded by the client's lock: nobody wants it any more
  bool done;    // guarded by the client's lock
  bool refused; // we ended it: what came is not what was asked for
  bool encoded; // the server packed it, unasked
  bool partial; // the code is 206: a Content-Range says of what
  bool lengthy; // `total` comes from a Content-Range
  char problem[GROVE__PROBLEM_ROOM]; // the beginning of an error's body
  size_t problem_bytes;
  char words[CURL_ERROR_SIZE];
} grove__exchange;
#endif
