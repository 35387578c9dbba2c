// grove actors kill and restart: ends actors of a running process that allows it, or has their parents start them again.
#include "actors_find.h"
#include "cli_attach.h"
#include "cli_output.h"
#include "cli_words.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The process gives an actor 5 s to end in an orderly way, then it is ended. One that is to start again fails at its next wait
// or return.
enum { LOOK_MS = 100, ENDS_MS = 7000 };

/// What is done to them.
typedef struct deed {
  const char *action, *done; // done: in words, and the member of the document
  bool again;
} deed;
static const deed kill_it = {"stop", "ended", false}, restart_it = {"restart", "restarted", true};

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

static char *question(const deed *d, const json_t *a, int64_t below)
{
  const char *title = cli_words_title(a), *class_name = cli_words_text(a, "class"), *id = cli_words_text(a, "id");
  return d->again ? cli_format("Restart %s (%s, %s)? It fails, the %" PRId64 " below it end, and its parent starts it again. [y/N] ", title,
                        class_name, id, below)
                  : cli_format("End %s (%s, %s) and the %" PRId64 " below it? It is not restarted. [y/N] ", title, class_name, id, below);
}

static bool confirm(const deed *d, const json_t *a, int64_t below)
{
  char line[16] = "";
  char *words = question(d, a, below);
  cli_clean_text(words);
  fprintf(stderr, "%s", words);
  free(words);
  return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

enum { NOT_YET, BEGUN, DONE };

// How far it is, by what is known of the actor. Gone, and forgotten, or with its process is ended, too. One that starts again
// has a pause before.
static int progress_of(const deed *d, const cli_answer *a, int64_t restarts)
{
  const json_t *actor = json_object_get(a->document, "actor");
  const char *phase = cli_words_text(actor, "phase");
  if (!d->again) {
    bool ended = a->document ? !strcmp(phase, "ended") : a->over || a->code == EXIT_INPUT;
    return ended ? DONE : NOT_YET;
  }
  bool pauses = !strcmp(phase, "restarting") || !strcmp(phase, "starting");
  return cli_words_number(actor, "restarts") <= restarts ? NOT_YET : pauses ? BEGUN : DONE;
}

// Looks until it is done; `done` says whether it is, or has begun by then.
static int watch(cli_http *h, const deed *d, const char *id, int64_t restarts, bool *done)
{
  char *path = cli_format("actors/%s", id);
  int64_t left_ms = ENDS_MS;
  int code = EXIT_GOOD, at = NOT_YET;
  while (at != DONE && left_ms > 0 && !code) {
    cli_answer a = cli_http_answer(h, path, false, 0);
    at = progress_of(d, &a, restarts);
    if (at != DONE && !a.document) {
      code = cli_fail(a.code, "%s", a.words);
    } else if (at != DONE) {
      (void)cli_http_work(h, NULL, 0, LOOK_MS);
      left_ms -= LOOK_MS;
    }
    json_decref(a.document);
  }
  free(path);
  *done = at != NOT_YET;
  return code;
}

static int fail_late(const deed *d, const json_t *a, const char *id)
{
  return d->again ? cli_fail(EXIT_LIMIT,
                        "%s (%s) was asked to restart and has not within %d ms: a method of it does not return, or its parent has given it up; "
                        "\"grove actors show %s\" says which",
                        cli_words_title(a), id, (int)ENDS_MS, id)
                  : cli_fail(EXIT_LIMIT,
                        "%s (%s) was asked to end and has not within %d ms: a method of it, or of one below it, "
                        "does not return; \"grove actors show %s\" says which",
                        cli_words_title(a), id, (int)ENDS_MS, id);
}

static int do_to_it(cli_http *h, const deed *d, const char *id, const json_t *a, json_t *list)
{
  bool done;
  json_t *answer;
  char *path = cli_format("actors/%s/%s", id, d->action);
  int code = cli_http_ask(h, path, true, 0, &answer);
  free(path);
  if (code) {
    return code;
  }
  json_decref(answer);
  code = watch(h, d, id, cli_words_number(a, "restarts"), &done);
  if (code) {
    return code;
  }
  json_array_append_new(list, json_pack("{s:s, s:b}", "id", id, d->done, done));
  if (!done) {
    return fail_late(d, a, id);
  }
  if (!cli_said.json) {
    char *line = cli_format("%s  %s  %s", id, cli_words_title(a), d->done);
    cli_clean_text(line);
    puts(line);
    free(line);
  }
  return EXIT_GOOD;
}

static int do_to_one(cli_http *h, const deed *d, const char *who, bool yes, json_t *list)
{
  char *id = NULL;
  json_t *doc = NULL;
  int64_t below = 0;
  int code = actors_find(h, who, &id);
  code = code ? code : ask_actor(h, id, &doc);
  const json_t *a = json_object_get(doc, "actor");
  const char *phase = cli_words_text(a, "phase");
  if (!code && (!strcmp(phase, "ended") || (d->again && !strcmp(phase, "restarting")))) {
    code = cli_fail(EXIT_INPUT, "%s (%s) %s already", cli_words_title(a), id, strcmp(phase, "ended") ? "is between two lives" : "has ended");
  }
  code = code || yes ? code : count_below(h, id, &below);
  if (!code && !yes && !confirm(d, a, below)) {
    code = cli_fail(EXIT_RUN, "%s was left as it is", cli_words_title(a));
  }
  code = code ? code : do_to_it(h, d, id, a, list);
  json_decref(doc);
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
                       "%s lets actors be looked at, no more: its process has to be started so "
                       "(--dashboard-actions, or .actions = 1 in grove_dashboard_options)",
                       cli_http_name(h));
}

static int run_deed(const deed *d, const cli_command *c, int argc, char **argv)
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
    code = do_to_one(h, d, argv[i], yes, done);
  }
  if (cli_said.json && json_array_size(done)) {
    code = cli_put_json(json_pack("{s:i, s:O}", "schema", 1, "actors", done), code);
  }
  json_decref(done);
  cli_http_destroy(h);
  return code;
}

static int run_kill(const cli_command *c, int argc, char **argv)
{
  return run_deed(&kill_it, c, argc, argv);
}

static int run_restart(const cli_command *c, int argc, char **argv)
{
  return run_deed(&restart_it, c, argc, argv);
}

const cli_command cli_actors_kill = {.name = "actors kill",
    .arguments = "WHO...",
    .summary = "Ends actors of a running process that allows it; they are not restarted.",
    .examples =
        "  grove actors kill \"trunk/leaf 1\"\n  grove actors kill --yes 722ec6a300000003-4\n",
    .options = options,
    .run = run_kill};
const cli_command cli_actors_restart = {.name = "actors restart",
    .arguments = "WHO...",
    .summary = "Has actors of a running process that allows it fail, so that their parents start them again.",
    .examples = "  grove actors restart \"trunk/leaf 1\"\n  grove actors restart --yes --json trunk\n",
    .options = options,
    .run = run_restart};
