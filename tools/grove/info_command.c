// grove info: what this build is and what it would use.
#include "cli.h"
#include "cli_dashboard.h"
#include "cli_output.h"
#include "cli_runtime.h"
#include <stdio.h>

static const cli_option options[] = {
    {"json", NULL, "the result as one JSON document", 0, false},
    CLI_DASHBOARD_OPTION,
    {NULL, NULL, NULL, 0, false},
};

static int put_json(uint32_t workers)
{
  const grove_learner *l;
  json_t *models = json_array();
  for (size_t i = 0; (l = grove_registry_at(NULL, i)); i++) {
    json_array_append_new(models, json_string(l->name));
  }
  return cli_put_json(
      json_pack("{s:i, s:s, s:I, s:s, s:o}", "schema", 1, "version", grove_version(), "workers",
          (json_int_t)workers, "libuv", uv_version_string(), "models", models),
      EXIT_GOOD);
}

static void put_text(uint32_t workers)
{
  const grove_learner *l;
  printf("version  %s\nworkers  %u (the CPUs this process may use)\nlibuv    %s\nmodels   ",
      grove_version(), workers, uv_version_string());
  for (size_t i = 0; (l = grove_registry_at(NULL, i)); i++) {
    printf("%s%s", i ? ", " : "", l->name);
  }
  printf("\n");
}

static int run_info(const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  cli_runtime r;
  bool json = false;
  int option;
  while ((option = cli_next(&walk)) >= 0) {
    json = true;
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (walk.first < argc) {
    return cli_fail(EXIT_USAGE, "unexpected argument \"%s\"", argv[walk.first]);
  }
  int code = cli_runtime_start(&r, &(cli_runtime_wish){0});
  if (code) {
    return code;
  }
  grove_stats stats = {.struct_size = sizeof stats};
  uint32_t workers = grove_stats_get(r.g, &stats) ? 0 : stats.workers;
  if (json) {
    code = put_json(workers);
  } else {
    put_text(workers);
  }
  return cli_runtime_stop(&r, code);
}

const cli_command cli_info = {.name = "info",
    .arguments = "",
    .summary = "Says what this build is, and how many workers it would use here.",
    .examples = "",
    .options = options,
    .run = run_info};
