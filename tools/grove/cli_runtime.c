#include "cli_runtime.h"
#include "cli_dashboard.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// How many workers a runtime would have by itself. It is known only once there is one; starting makes no
// thread, so this is cheap.
static uint32_t count_workers(void)
{
  grove *g;
  grove_stats stats = {.struct_size = sizeof stats};
  if (grove_start(NULL, &g)) {
    return 1;
  }
  uint32_t n = grove_stats_get(g, &stats) || !stats.workers ? 1 : stats.workers;
  grove_stop(g, 0, NULL);
  return n;
}

int cli_runtime_start(cli_runtime *r, const cli_runtime_wish *wish)
{
  *r = (cli_runtime){.on_uv = wish->executor && !strcmp(wish->executor, "uv")};
  if (wish->executor && !r->on_uv && strcmp(wish->executor, "threads") != 0) {
    return cli_fail(EXIT_USAGE, "--executor is \"%s\"; it can be threads or uv", wish->executor);
  }
  uint32_t threads = wish->threads ? (uint32_t)wish->threads : count_workers();
  grove_options o = {
      GROVE_OPTIONS, .workers = threads, .seed = wish->seed};
  o.offload_threads = wish->waits ? threads * CLI_WAITING : threads; // those that wait for servers take no processor
  if (r->on_uv) {
    if (uv_loop_init(&r->loop)) {
      return cli_fail(EXIT_RUN, "libuv's loop can't be made");
    }
    o.work_loop = &r->loop;
  }
  grove_status s = grove_start(&o, &r->g);
  if (!s) {
    int code = cli_trace_start(&r->trace, r->g, wish->trace);
    code = code ? code : cli_dashboard_start(r->g);
    return code ? cli_runtime_stop(r, code) : EXIT_GOOD;
  }
  if (r->on_uv) {
    uv_loop_close(&r->loop);
  }
  return cli_fail(EXIT_RUN, "the runtime can't start: %s", grove_status_text(s));
}

int64_t cli_runtime_tick_ms(const cli_runtime *r)
{
  return r->on_uv ? 5 : 100;
}

void cli_runtime_pump(cli_runtime *r)
{
  if (r->on_uv) {
    uv_run(&r->loop, UV_RUN_NOWAIT);
  }
}

grove_status cli_runtime_wait(cli_runtime *r, grove_future f)
{
  cli_runtime_pump(r);
  return grove_wait(r->g, &f, 1, 1, cli_runtime_tick_ms(r));
}

int cli_runtime_stop(cli_runtime *r, int code)
{
  enum { STOP_MS = 5000 }; // of a machine with much else to do, too
  grove_stop_report report = {.struct_size = sizeof report};
  if (!r->g) {
    return code;
  }
  grove_status s = grove_stop(r->g, STOP_MS, &report);
  r->g = NULL;
  code = cli_trace_stop(&r->trace, code);
  if (s) {
    for (uint32_t i = 0; i < report.busy && i < 8; i++) {
      const char *method = report.first[i].method, *state = report.first[i].state;
      cli_note("%s did not end%s%s%s%s", report.first[i].name, *method ? ": it is in " : "", method, *state ? ", " : "", state);
    }
    return code ? code : cli_fail(EXIT_RUN, "the runtime did not stop: %s", grove_status_text(s));
  }
  if (r->on_uv) {
    uv_run(&r->loop, UV_RUN_DEFAULT);
    uv_loop_close(&r->loop);
  }
  return code;
}
