// grove/dashboard.h: a page in the browser that shows a runtime at work, with its numbers as JSON and for Prometheus.
// Link grove_dashboard. No other service, nothing loaded from elsewhere. docs/design/dashboard.md says what it trusts.
//
//   grove_dashboard d = {.struct_size = sizeof d};
//   if (!grove_dashboard_start(g, NULL, &d, &err)) { fprintf(stderr, "dashboard: %s\n", d.url); }
#ifndef GROVE_DASHBOARD_H
#define GROVE_DASHBOARD_H
#include <grove/metrics.h>
GROVE_BEGIN
typedef struct grove_dashboard_options {
  uint32_t struct_size;
  uint32_t actions;           ///< 1: actors may be ended from the page. Default: it only reads
  const char *address;        ///< "ADDRESS:PORT" with an address in numbers ("[::1]:80"; port 0: any that is free), or
                              ///< "unix:PATH"; default "127.0.0.1:8265". "unix:DIR/": PID.sock in DIR, which is made
                              ///< for this user alone: where `grove top` looks if DIR is $XDG_RUNTIME_DIR/grove/
  const char *token;          ///< what a client has to know, 16 to 128 bytes of A-Z a-z 0-9 - _ ; default: none on a
                              ///< loopback address or a unix socket, else one made by chance
  const char *const *hosts;   ///< NULL-ended: names that clients may call this host by, beside localhost and addresses
                              ///< in numbers; default none
  uint32_t connections;       ///< most at once; 256. One more takes the place of the one that is idle longest
  uint32_t history_seconds;   ///< how long the ring of samples is, one a second; 3600; at most 86400
  uint32_t idle_ms;           ///< a connection that has brought no whole request for so long is cut (to a second), and a page
                              ///< that takes nothing of what it is told for four times as long; 15000
  uint32_t reserved;
} grove_dashboard_options;
#define GROVE_DASHBOARD .struct_size = (uint32_t)sizeof(grove_dashboard_options)

typedef struct grove_dashboard {
  uint32_t struct_size;       ///< set by the caller
  uint32_t port;              ///< 0: a unix socket
  grove_ref ref;              ///< an actor: it ends, and the dashboard with it
  char url[320];              ///< for a browser, with the token if there is one; "unix:PATH"
} grove_dashboard;

/// Starts to serve, on one thread of its own. The dashboard is an actor, a child of the caller (outside: of the root),
/// named nothing: it ends with the runtime, with its parent, by grove_exit or by grove_dashboard_stop, and then its
/// thread, its sockets and its memory are gone. Any number in a process and in a runtime.
///
/// Ownership: all that the options name is copied. Memory is taken from grove_runtime_allocator.
/// Blocking:  waits until it serves.
/// Returns:   GROVE_EINVAL   an address, a token or a host that is none;  GROVE_EEXIST  the address is taken
///            GROVE_EIO      the system refuses;  GROVE_ENOTSUP  in simulation
GROVE_API GROVE_CHECK grove_status grove_dashboard_start(grove *g, const grove_dashboard_options *o, grove_dashboard *out, grove_error *err);
/// Ends it. One that has ended is fine. Blocking: waits until its thread has ended.
GROVE_API grove_status grove_dashboard_stop(grove *g, grove_ref dashboard);
GROVE_END
#endif
