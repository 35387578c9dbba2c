// --dashboard [ADDRESS:PORT], of every command: taken from its words before its own options are looked at.
#ifndef GROVE_TOOL_CLI_DASHBOARD_H
#define GROVE_TOOL_CLI_DASHBOARD_H
#include "cli.h"

/// For the options of a command that runs actors: shown in its help, never seen by its own walk.
#define CLI_DASHBOARD_OPTION                                                                       \
  {"dashboard", "[ADDRESS:PORT]",                                                                  \
      "a page in the browser while it runs, default\n127.0.0.1:8265 (port 0: any); its address "   \
      "is\nprinted on standard error, and \"grove top\" finds it",                                 \
      0, false},                                                                                   \
  {                                                                                                \
    "dashboard-actions", NULL, "who looks may end actors, too", 0, false                           \
  }
/// Takes the options out of argv, up to "--": `--dashboard`, with the next word if that is an ADDRESS:PORT, or
/// `--dashboard=ADDRESS`; and `--dashboard-actions`.
void cli_dashboard_take(int *argc, char **argv);
/// Whether it was there, and nobody has started it.
bool cli_dashboard_is_due(void);
/// Starts it, if it was wanted, and says where. On failure reports, and gives the exit code.
int cli_dashboard_start(grove *g);
#endif
