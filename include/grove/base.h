// grove/base.h: status, error, allocator, shared memory, types of messages. No threads, no runtime.
//
// How to read the contracts. What is the same everywhere is said once, here:
//   Threads:  any thread and any method, unless a line "Threads" says otherwise. Two threads may not use
//             one *object* (pool, writer, table being built) at once, unless its type says so.
//   Blocking: never, unless a line "Blocking" says otherwise. "Waits" means: an actor is suspended and its
//             worker goes on; an outside thread is blocked; in simulation, outside, the actors are run.
//   Errors:   each function may give GROVE_EINVAL (misuse), GROVE_ENOMEM, GROVE_EFORKED (this process is a
//             forked child of the one that started the runtime) and, once the runtime stops, GROVE_ECLOSED.
//             A line "Returns" lists the others. On error, out handles are NULL or zero; other outputs
//             are untouched; what was to be taken over is still the caller's.
//   Errors:   `grove_error *err` may be NULL and is written only on failure.
//   Options:  `struct_size` first; zero is the default; copied; NULL means all defaults. A larger struct
//             than this library knows is accepted if its tail is zero, else GROVE_ENOTSUP.
#ifndef GROVE_BASE_H
#define GROVE_BASE_H
#include <grove/version.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__GNUC__)
#define GROVE_CHECK __attribute__((warn_unused_result))
#define GROVE_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define GROVE_MAYBE_UNUSED __attribute__((unused))
#else
#define GROVE_CHECK
#define GROVE_PRINTF(f, a)
#define GROVE_MAYBE_UNUSED
#endif
#ifndef GROVE_API
#if defined(__GNUC__)
#define GROVE_API __attribute__((visibility("default")))
#else
#define GROVE_API
#endif
#endif
#define GROVE_INLINE GROVE_MAYBE_UNUSED static inline
#ifdef __cplusplus
#define GROVE_BEGIN extern "C" {
#define GROVE_END }
#else
#define GROVE_BEGIN
#define GROVE_END
#endif
GROVE_BEGIN

// ---- status ---------------------------------------------------------------------------------------
// Values are never renumbered. -1..-9 general, -10..-19 time and room, -20..-29 actors, -30..-39 data.
#define GROVE_STATUS_MAP(X)                                                                      \
  X(OK, 0, "ok") X(ENOMEM, -1, "out of memory") X(EINVAL, -2, "bad argument")                   \
  X(ENOTSUP, -3, "not supported") X(EFORKED, -4, "not usable in a forked child")                \
  X(EINTERNAL, -5, "an internal invariant failed")                                              \
  X(EAGAIN, -10, "full") X(ETIMEDOUT, -11, "timed out") X(ECANCELED, -12, "cancelled")          \
  X(ECLOSED, -13, "the runtime is stopping") X(EEXPIRED, -14, "the call's deadline passed")    \
  X(ENOACTOR, -20, "no such actor") X(EDEAD, -21, "the actor died") X(ESPENT, -22, "future already spent") \
  X(EDEADLK, -23, "waits in a circle") X(EEXIST, -24, "name taken") X(ESTUCK, -25, "did not end in time") \
  X(ENOENT, -30, "not found") X(EIO, -31, "input or output failed") X(ECORRUPT, -32, "damaged data")   \
  X(ELIMIT, -33, "over a limit")                                                                \
  X(EUSER, -1000, "the first code for the application; all below are its own")
typedef enum grove_status {
#define GROVE__X(n, v, t) GROVE_##n = v,
  GROVE_STATUS_MAP(GROVE__X)
#undef GROVE__X
  GROVE__STATUS_MIN = -0x7fffffff
} grove_status;
/// The words for a status; static, never NULL.
GROVE_API const char *grove_status_text(grove_status s);
/// Version of the library that is linked, "0.1.0"; static.
GROVE_API const char *grove_version(void);

// ---- where you stand, and who is meant ------------------------------------------------------------
/// Where you stand. Outside actors: the runtime, usable from any thread. Inside a method: that actor's
/// view of it, usable until the method returns and only by it. Every call takes one; none is hidden.
typedef struct grove grove;

/// Address of an actor or of a pool. A plain value: copy, store, put it in messages. Owns nothing, never
/// dangles, stays valid over restarts. A failed spawn or find gives an address that carries the reason,
/// and every call to it ends with that reason. Zero is nobody.
typedef struct grove_ref { uint64_t where, which; } grove_ref;
GROVE_MAYBE_UNUSED static const grove_ref GROVE_NOBODY = {0, 0};
GROVE_INLINE bool grove_ref_equal(grove_ref a, grove_ref b) { return a.where == b.where && a.which == b.which; }

/// A result to come; see call.h. A plain value, owns nothing visible, never dangles.
typedef struct grove_future { uint64_t slot, generation; } grove_future;

/// The explanation of a failure, on the caller's stack. Also the reply of grove_monitor: who ended, in
/// which method, why (GROVE_OK: in an orderly way), after how many restarts.
typedef struct grove_error {
  grove_status status;
  uint32_t restarts;
  int64_t at;          ///< files: byte offset or row; lists of futures: the index. -1: none
  grove_ref who;
  char method[40];
  char text[440];      ///< "order.buy: bank.pay: no such account"
} grove_error;

/// Where memory comes from. realloc_fn(user, NULL, 0, n) allocates, (…, p, n, 0) frees and can't fail.
/// Blocks are aligned to 16, as malloc's are. Called from any thread, may not call grove, must live until grove_options.freed has been called.
typedef struct grove_allocator {
  void *(*realloc_fn)(void *user, void *p, size_t old_bytes, size_t new_bytes);
  void *user;
} grove_allocator;

// ---- shared memory --------------------------------------------------------------------------------
/// Counted immutable bytes, by value. Whoever has a count may read `ptr`, from any thread.
/// `owner` NULL is a *borrowed* view (grove_borrow): sending it copies the bytes, releasing it does nothing.
/// As a reply, which outlives the method's frame, a borrowed view ends the call with GROVE_EINVAL.
typedef struct grove_shared { const void *ptr; size_t bytes; struct grove__owner *owner; } grove_shared;

/// Makes `ptr` shared without a copy: what to do with a model, a table, a file in memory.
/// Ownership: taken over on GROVE_OK; destroy(ptr, user) then runs exactly once, when the last count
///            goes, on any thread; it may not call grove, nor wait. On failure it does not run.
/// Returns:   GROVE_ELIMIT  over the runtime's memory_bytes; `bytes` is what it is counted as
GROVE_API GROVE_CHECK grove_status grove_share(grove *g, const void *ptr, size_t bytes,
    void (*destroy)(void *ptr, void *user), void *user, grove_shared *out);
/// The same with a copy, followed by a zero byte that `bytes` does not count. The caller has one count.
GROVE_API GROVE_CHECK grove_status grove_share_copy(grove *g, const void *bytes, size_t n, grove_shared *out);
/// One count more; gives `s` back. Does nothing to a borrowed view.
GROVE_API grove_shared grove_retain(grove_shared s);
/// One count less. A zero `s` is allowed, so that one release serves all paths. May run after grove_stop.
GROVE_API void grove_release(grove_shared s);
GROVE_INLINE grove_shared grove_borrow(const void *ptr, size_t bytes)
{ grove_shared s; s.ptr = ptr; s.bytes = bytes; s.owner = NULL; return s; }

// ---- types of messages ----------------------------------------------------------------------------
enum {
  GROVE_TYPE_PLAIN = 1, ///< no pointers, and nothing shared
  GROVE_TYPE_FLAT = 2   ///< nor are there any in what its grove_shared members hold: bytes, that may go elsewhere as they are
};
/// What an argument or a reply is made of: fixed size, copied by memcpy, aligned to 16 at most. The only
/// pointers it may own are grove_shared members, listed by offset. Who owns their counts:
///   argument       sending takes counts of its own; the method borrows them until it returns
///   start argument borrowed for the actor's whole life, restarts too
///   reply          the method gives its counts away; they are the getter's, or dropped with the future
/// encode and decode are for other processes and machines; GROVE_TYPE_PLAIN and GROVE_TYPE_FLAT need neither between
/// equal ABIs. Where one is needed and missing, the call ends with GROVE_ENOTSUP and the type's name.
/// Two constants are the same type if they are one object, or have equal name and size.
typedef struct grove_type {
  uint32_t struct_size, bytes;
  const char *name;
  uint32_t flags, holds;        ///< holds: how many offsets follow
  const uint16_t *hold_offset;  ///< of the grove_shared members
  grove_status (*encode)(const void *value, void *sink, grove_status (*put)(void *sink, const void *, size_t));
  grove_status (*decode)(grove *g, const void *bytes, size_t n, void *value);
} grove_type;
typedef struct grove_none { char none; } grove_none;
GROVE_MAYBE_UNUSED static const grove_none GROVE_NONE = {0};

// ---- work -----------------------------------------------------------------------------------------
/// What code without threads (model.h, parquet.h, your own) is handed by code with threads. All slots
/// may be NULL: then it runs alone and to the end. Filled from an actor by grove_work_init.
typedef struct grove_work {
  uint32_t struct_size;
  uint32_t width;               ///< how many chunks can run at once
  void *user;                   ///< for all below
  /// Runs fn(user, i) for each i < n, on several threads, and returns when all have ended. fn may not wait.
  /// The caller splits the work by data, never by width: so the same seed gives the same bits.
  void (*parallel_for)(void *work_user, size_t n, void (*fn)(void *user, size_t i), void *user);
  grove_status (*yield)(void *user);     ///< not from chunks. GROVE_ECANCELED: stop and return it
  void (*progress)(void *user, double done, const char *text); ///< not from chunks; 0..1, text copied
  bool (*cancelled)(void *user);         ///< also from chunks; two loads
  bool (*expired)(void *user);           ///< also from chunks; true: time is up, end early and well with what there is
} grove_work;
GROVE_END
#endif
