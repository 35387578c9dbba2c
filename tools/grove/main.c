// The grove program: finds the sub-command and runs it.
#include "base/suggest.h"
#include "cli.h"
#include "cli_store.h"
#include "cli_dashboard.h"
#include <stdio.h>
#include <string.h>

const cli_command *const cli_commands[] = {&cli_train, &cli_predict, &cli_model_info,
    &cli_model_predict, &cli_model_convert, &cli_model_diff, &cli_model_importance,
    &cli_model_explain, &cli_parquet_cat, &cli_parquet_head, &cli_parquet_check,
    &cli_parquet_schema, &cli_parquet_meta, &cli_parquet_stats, &cli_top, &cli_actors_ls,
    &cli_actors_show, &cli_actors_tree, &cli_actors_kill, &cli_actors_restart,
    &cli_timeline, &cli_info, &cli_completion, &cli_man, NULL};
enum { COMMANDS = sizeof cli_commands / sizeof cli_commands[0] - 1 };

static void print_usage(FILE *out)
{
  fprintf(out,
      "Usage: grove COMMAND [options]\n\n"
      "Trains many models at once, and scores shards of columnar data, with a tree of actors; and shows\n"
      "what the actors of a running process do.\n\n"
      "Commands:\n");
  for (size_t i = 0; i < COMMANDS; i++) {
    fprintf(out, "  %-16s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
  }
  fprintf(out, "  %-16s %s\n  %-16s %s\n\n", "help [COMMAND]", "this text, or a command's",
      "--version", "the version");
  fprintf(out, "Examples:\n"
               "  grove train --data california_housing.csv\n"
               "  grove predict --rule \"passenger_count >= 2\" taxi/*.parquet --dashboard\n"
               "  grove top\n\n"
               "\"grove COMMAND --help\" says more about one.\n");
}

// How many words of the command's name stand at argv; 0: another command.
static int match_command(const char *name, int argc, char **argv)
{
  int words = 0;
  while (*name) {
    size_t n = strcspn(name, " ");
    if (words >= argc || strlen(argv[words]) != n || strncmp(argv[words], name, n) != 0) {
      return 0;
    }
    words++;
    name += n + (name[n] == ' ');
  }
  return words;
}

static const cli_command *find_command(int argc, char **argv, int *words)
{
  for (size_t i = 0; i < COMMANDS; i++) {
    *words = match_command(cli_commands[i]->name, argc, argv);
    if (*words) {
      return cli_commands[i];
    }
  }
  return NULL;
}

static const char *command_at(const void *user, size_t i)
{
  (void)user;
  return i < COMMANDS ? cli_commands[i]->name : NULL;
}

static int fail_command(int argc, char **argv)
{
  char name[128];
  bool two = argc > 1 && argv[1][0] != '-' && strchr(argv[1], '/') == NULL;
  bool group = !strcmp(argv[0], "model") || !strcmp(argv[0], "parquet") || !strcmp(argv[0], "actors");
  snprintf(name, sizeof name, "%.60s%s%.60s", argv[0], group && two ? " " : "",
      group && two ? argv[1] : "");
  const char *near = grove__suggest(name, command_at, NULL);
  char known[512] = "";
  for (size_t i = 0; i < COMMANDS; i++) {
    size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", cli_commands[i]->name);
  }
  return cli_fail(EXIT_USAGE, "unknown command \"%s\"%s%s%s known: %s", name,
      near ? "; did you mean \"" : ";", near ? near : "", near ? "\"?" : "", known);
}

static bool has_word(int argc, char **argv, const char *word, const char *other)
{
  for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (!strcmp(argv[i], word) || (other && !strcmp(argv[i], other))) {
      return true;
    }
  }
  return false;
}

// What was printed may still be in a buffer, or lost on a full disk: then the command has not done its work.
static int finish(int code)
{
  if (!fflush(stdout) && !ferror(stdout)) {
    return code;
  }
  int lost = cli_fail(EXIT_RUN, "can't write to standard output");
  return code == EXIT_GOOD || code == EXIT_PARTIAL ? lost : code;
}

static int run_help(int argc, char **argv)
{
  int words;
  const cli_command *c = argc ? find_command(argc, argv, &words) : NULL;
  if (c) {
    cli_print_help(c);
    return finish(EXIT_GOOD);
  }
  if (argc) {
    return fail_command(argc, argv);
  }
  print_usage(stdout);
  return finish(EXIT_GOOD);
}

static int run_command(int argc, char **argv)
{
  int words;
  const cli_command *c = find_command(argc, argv, &words);
  if (!c) {
    return fail_command(argc, argv);
  }
  // getopt takes argv[0] for the program's name: here it is the last word of the command's.
  argc -= words - 1;
  argv += words - 1;
  if (has_word(argc, argv, "--help", "-h")) {
    cli_print_help(c);
    return finish(EXIT_GOOD);
  }
  char name[64];
  snprintf(name, sizeof name, "grove %s", c->name);
  cli_said.command = name;
  cli_dashboard_take(&argc, argv);
  int code = finish(c->run(c, argc, argv));
  if (cli_dashboard_is_due() && !code) {
    cli_note("it runs no actors, so there was no dashboard");
  }
  cli_said.command = "grove";
  return code;
}

int main(int argc, char **argv)
{
  cli_said.json = has_word(argc, argv, "--json", NULL);
  if (argc < 2) {
    print_usage(stderr);
    return EXIT_USAGE;
  }
  if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
    printf("grove %s\n", grove_version());
    return finish(EXIT_GOOD);
  }
  if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
    return run_help(argc - 2, argv + 2);
  }
  cli_store_look(argc, argv);
  return run_command(argc - 1, argv + 1);
}
