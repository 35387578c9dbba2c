// Names of status codes, and the macros that pass failures on.
#ifndef GROVE_BASE_STATUS_H
#define GROVE_BASE_STATUS_H
#include <grove/base.h>
#include <assert.h>

/// "GROVE_ENOMEM"; static.
const char *grove__status_name(grove_status s);

/// Passes a failure on. Hides no other control flow.
#define GROVE__TRY(expression)                                                                     \
  do {                                                                                             \
    grove_status grove__try_status = (expression);                                                 \
    if (grove__try_status) {                                                                       \
      return grove__try_status;                                                                    \
    }                                                                                              \
  } while (0)

/// Only for facts that our own code guarantees; bad arguments are a status.
#define GROVE__ASSERT(fact) assert(fact)

#define GROVE__COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GROVE__CONTAINER(pointer, type, member)                                                    \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#if defined(__GNUC__)
#define GROVE__LIKELY(x) __builtin_expect(!!(x), 1)
#define GROVE__UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define GROVE__LIKELY(x) (x)
#define GROVE__UNLIKELY(x) (x)
#endif
/// Whether AddressSanitizer looks on: then each block is the allocator's own, so that it sees who writes past its end.
#if defined(__SANITIZE_ADDRESS__)
#define GROVE__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GROVE__ASAN 1
#endif
#endif
#if !defined(GROVE__ASAN)
#define GROVE__ASAN 0
#endif
#endif
