// grove actors kill: ends actors of a running process that allows it.
#include "actors_find.h"
#include "cli_attach.h"
#include "cli_output.h"
#include "cli_words.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The process gives an actor 5 s to end in an orderly way, then it is ended.
enum { LOOK_MS = 100, ENDS_MS = 7000 };

enum { YES = CLI_ATTACH_OPTION_COUNT, JSON };
static const cli_option options[] = {CLI_ATTACH_OPTIONS, {"yes", NULL, "does not ask", 'y', false},
    {"json", NULL, "the result as one JSON document (wants --yes)", 0, false},
    {NULL, NULL, NULL, 0, false}};

static int ask_actor(cli_http *h, const char *id, json_t **d)
{
  char *path = cli_format("actors/%s", id);
  int code = cli_http_ask(h, path, false, 0, d);
  free(path);
  return code;
}

// How many are below it.
static int count_below(cli_http *h, const char *id, int64_t *n)
{
  json_t *d;
  char *path = cli_format("actors?under=%s&rows=1", id);
  int code = cli_http_ask(h, path, false, 0, &d);
  free(path);
  *n = code ? 0 : cli_words_number(json_object_get(d, "actors"), "total");
  if (!code) {
    json_decref(d);
  }
  return code;
}

static bool confirm(const json_t *a, int64_t below)
{
  char line[16] = "";
  char *words =
      cli_format("End %s (%s, %s) and the %" PRId64 " below it? It is not restarted. [y/N] ",
          cli_words_title(a), cli_words_text(a, "class"), cli_words_text(a, "id"), below);
  cli_clean_text(words);
  fprintf(stderr, "%s", words);
  free(words);
  return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

// Looks until it has ended; `ended` says whether it has. Gone, and forgotten, or with its process is ended, too.
static int watch(cli_http *h, const char *id, bool *ended)
{
  char *path = cli_format("actors/%s", id);
  int64_t left_ms = ENDS_MS;
  int code = EXIT_GOOD;
  *ended = false;
  while (!*ended && left_ms > 0 && !code) {
    cli_answer a = cli_http_answer(h, path, false, 0);
    const char *phase = cli_words_text(json_object_get(a.document, "actor"), "phase");
    *ended = a.document ? !strcmp(phase, "ended") : a.over || a.code == EXIT_INPUT;
    if (!*ended && !a.document) {
      code = cli_fail(a.code, "%s", a.words);
    } else if (!*ended) {
      (void)cli_http_work(h, NULL, 0, LOOK_MS);
      left_ms -= LOOK_MS;
    }
    json_decref(a.document);
  }
  free(path);
  return code;
}

static int end_one(cli_http *h, const char *id, const json_t *a, json_t *done)
{
  bool ended;
  json_t *d;
  char *path = cli_format("actors/%s/stop", id);
  int code = cli_http_ask(h, path, true, 0, &d);
  free(path);
  if (code) {
    return code;
  }
  json_decref(d);
  code = watch(h, id, &ended);
  if (code) {
    return code;
  }
  json_array_append_new(done, json_pack("{s:s, s:b}", "id", id, "ended", ended));
  if (!ended) {
    return cli_fail(EXIT_LIMIT,
        "%s (%s) was asked to end and has not within %d ms: a method of it, or of one below it, "
        "does not return; \"grove actors show %s\" says which",
        cli_words_title(a), id, (int)ENDS_MS, id);
  }
  if (!cli_said.json) {
    char *line = cli_format("%s  %s  ended", id, cli_words_title(a));
    cli_clean_text(line);
    puts(line);
    free(line);
  }
  return EXIT_GOOD;
}

static int kill_one(cli_http *h, const char *who, bool yes, json_t *done)
{
  char *id = NULL;
  json_t *d = NULL;
  int64_t below = 0;
  int code = actors_find(h, who, &id);
  code = code ? code : ask_actor(h, id, &d);
  const json_t *a = json_object_get(d, "actor");
  if (!code && strcmp(cli_words_text(a, "phase"), "ended") == 0) {
    code = cli_fail(EXIT_INPUT, "%s (%s) has ended already", cli_words_title(a), id);
  }
  code = code || yes ? code : count_below(h, id, &below);
  if (!code && !yes && !confirm(a, below)) {
    code = cli_fail(EXIT_RUN, "%s was left as it is", cli_words_title(a));
  }
  code = code ? code : end_one(h, id, a, done);
  json_decref(d);
  free(id);
  return code;
}

static int check_allowed(cli_http *h)
{
  char *root;
  bool actions;
  int code = actors_root(h, &root, &actions);
  if (code) {
    return code;
  }
  free(root);
  return actions ? EXIT_GOOD
                 : cli_fail(EXIT_RUN,
                       "%s lets actors be looked at, not ended: its process has to be started so "
                       "(--dashboard-actions, or .actions = 1 in grove_dashboard_options)",
                       cli_http_name(h));
}

static int run_kill(const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  cli_attach_wish attach = {0};
  cli_http *h = NULL;
  bool yes = false;
  int option;
  while ((option = cli_next(&walk)) >= 0) {
    yes |= option == YES;
    (void)cli_attach_option(&attach, option, walk.value);
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (walk.first == argc) {
    return cli_fail(EXIT_USAGE, "which actor? An ID, a name, a label or a path of those is wanted; "
                                "\"grove actors ls\" lists them");
  }
  if (!yes && (cli_said.json || !isatty(STDIN_FILENO))) {
    return cli_fail(EXIT_USAGE, "there is nobody to be asked whether it is meant: --yes says so");
  }
  int code = cli_attach(&attach, &h);
  code = code ? code : check_allowed(h);
  json_t *done = json_array();
  for (int i = walk.first; i < argc && !code; i++) {
    code = kill_one(h, argv[i], yes, done);
  }
  if (cli_said.json && json_array_size(done)) {
    code = cli_put_json(json_pack("{s:i, s:O}", "schema", 1, "actors", done), code);
  }
  json_decref(done);
  cli_http_destroy(h);
  return code;
}

const cli_command cli_actors_kill = {.name = "actors kill",
    .arguments = "WHO...",
    .summary = "Ends actors of a running process that allows it; they are not restarted.",
    .examples =
        "  grove actors kill \"trunk/leaf 1\"\n  grove actors kill --yes 722ec6a300000003-4\n",
    .options = options,
    .run = run_kill};
