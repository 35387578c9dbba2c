// The address that a dashboard serves on.
#ifndef GROVE_DASH_LISTEN_H
#define GROVE_DASH_LISTEN_H
#include "base/error.h"
#include "base/status.h"

typedef struct grove__listener {
  int fd;           // -1: none
  uint16_t port;    // 0: a unix socket
  bool is_loopback; // or a unix socket
  char where[128];  // "127.0.0.1", "[::1]", or the socket's path
} grove__listener;

/// Binds and listens, non-blocking and close-on-exec. NULL: 127.0.0.1:8265. A socket file that nobody listens on any
/// more is replaced; the new one is for this user alone (mode 0600). "unix:DIR/": DIR is made where it is not there, for
/// this user alone, and the socket in it is PID.sock, or if this process serves there already PID-2.sock and so on.
/// Returns: GROVE_EINVAL: no such address; GROVE_EEXIST: taken; GROVE_EIO: the system refuses, or DIR is not ours alone
grove_status grove__listen(const char *address, grove__listener *out, grove_error *err);
/// Removes a socket's file. The descriptor is closed by whoever serves on it.
void grove__listen_forget(const grove__listener *l);
#endif
