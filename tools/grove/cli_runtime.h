// The runtime of one command: its workers on threads of their own, or on libuv's pool.
#ifndef GROVE_TOOL_CLI_RUNTIME_H
#define GROVE_TOOL_CLI_RUNTIME_H
#include "cli.h"
#include "cli_trace.h"
#include <uv.h>

typedef struct cli_runtime {
  grove *g;
  bool on_uv;
  uv_loop_t loop; ///< on_uv only
  cli_trace trace;
} cli_runtime;

enum { CLI_WAITING = 4 }; // threads that wait for servers, by worker: as many as a job has members then

typedef struct cli_runtime_wish {
  uint64_t threads; ///< 0: the CPU budget
  uint64_t seed;
  const char *executor; ///< NULL or "threads", or "uv"
  const char *trace; ///< a file for what the actors do; NULL: none
  bool waits; // its work waits for servers most of the time
} cli_runtime_wish;

/// Starts; blocking functions get as many threads as there are workers, so that --threads bounds the work, or if it waits
/// for servers CLI_WAITING times as many.
/// On failure reports, and gives the exit code.
int cli_runtime_start(cli_runtime *r, const cli_runtime_wish *wish);
/// Waits up to a tenth of a second for a future. Gives grove_wait's status.
grove_status cli_runtime_wait(cli_runtime *r, grove_future f);
/// Lets libuv's loop do what is due, if the workers are on it; else nothing. Call it in waiting loops.
void cli_runtime_pump(cli_runtime *r);
/// Stops, within some seconds. Reports what would not end; gives `code`, or EXIT_RUN then.
int cli_runtime_stop(cli_runtime *r, int code);
/// How long a waiting loop may wait at a time.
int64_t cli_runtime_tick_ms(const cli_runtime *r);
#endif
