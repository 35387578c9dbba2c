// grove top, actors and timeline of a grove that was built without libcurl: they say so.
#include "cli.h"

static const cli_option options[] = {{NULL, NULL, NULL, 0, false}};

static int run(const cli_command *c, int argc, char **argv)
{
  (void)c, (void)argc, (void)argv;
  return cli_fail(
      EXIT_USAGE, "this grove was built without libcurl, by which running processes are asked");
}

#define WITHOUT(VARIABLE, NAME)                                                                    \
  const cli_command VARIABLE = {.name = NAME,                                                      \
      .arguments = "",                                                                             \
      .summary = "Not in this grove: it was built without libcurl.",                               \
      .examples = "",                                                                              \
      .options = options,                                                                          \
      .run = run}
WITHOUT(cli_top, "top");
WITHOUT(cli_actors_ls, "actors ls");
WITHOUT(cli_actors_show, "actors show");
WITHOUT(cli_actors_tree, "actors tree");
WITHOUT(cli_actors_kill, "actors kill");
WITHOUT(cli_actors_restart, "actors restart");
WITHOUT(cli_timeline, "timeline");
