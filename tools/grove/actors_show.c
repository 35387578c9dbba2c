#include "actors_show.h"
#include "cli.h"
#include "cli_words.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_SHOWN = 20 };

static void add(actors_text *t, const char *format, ...) GROVE_PRINTF(2, 3);
static void add(actors_text *t, const char *format, ...)
{
  char *line = NULL;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&line, format, args);
  va_end(args);
  if (n < 0) {
    exit(cli_fail(EXIT_RUN, "out of memory for a text"));
  }
  if (t->count == t->room) {
    t->room = t->room ? 2 * t->room : 32;
    t->line = cli_grow(t->line, t->room, sizeof *t->line);
  }
  cli_clean_text(line);
  t->line[t->count++] = line;
}

void actors_text_drop(actors_text *t)
{
  for (size_t i = 0; i < t->count; i++) {
    free(t->line[i]);
  }
  free(t->line);
  *t = (actors_text){0};
}

static void add_fact(actors_text *t, const char *name, const char *value)
{
  if (*value && strcmp(value, "-") != 0) {
    add(t, "%-12s %s", name, value);
  }
}

static void add_duration(actors_text *t, const char *name, const json_t *a, const char *key)
{
  char word[CLI_WORD];
  cli_words_duration(cli_words_number(a, key), word);
  add_fact(t, name, word);
}

static void add_head(actors_text *t, const json_t *d, const json_t *a)
{
  char doing[CLI_LONG_WORD];
  const json_t *parent = json_object_get(d, "parent");
  cli_words_doing(a, doing);
  add(t, "%s (%s), %s", cli_words_title(a), cli_words_text(a, "class"), cli_words_text(a, "phase"));
  add_fact(t, "id", cli_words_text(a, "id"));
  if (*cli_words_text(a, "name")) {
    add_fact(t, "label", cli_words_text(a, "label"));
  }
  if (*cli_words_text(a, "parent")) {
    add(t, "%-12s %s  %s", "parent", cli_words_text(a, "parent"),
        parent ? cli_words_title(parent) : "");
  }
  add_fact(t, "state", doing);
  add_fact(t, "method", cli_words_text(a, "method"));
  add_duration(t, "  for", a, "turn_ns");
  add_duration(t, "up", a, "up_ns");
  if (strcmp(cli_words_text(a, "phase"), "ended") != 0) { // how that came stands below
    add_fact(t, "last failure", cli_words_text(a, "last_error"));
  }
}

// What each of its methods that is suspended waits for.
static void add_waits(actors_text *t, const json_t *waits)
{
  size_t i;
  json_t *w;
  json_array_foreach(json_object_get(waits, "rows"), i, w)
  {
    char until[CLI_WORD], of[64] = "", limit[CLI_WORD + 24] = "";
    int64_t futures = cli_words_number(w, "futures"), until_ns = cli_words_number(w, "until_ns");
    const char *actor = cli_words_text(w, "actor");
    if (futures > 1) {
      snprintf(of, sizeof of, "%" PRId64 " of %" PRId64 " answers, now ", cli_words_number(w, "wanted"), futures);
    }
    if (until_ns >= 0) {
      cli_words_duration(until_ns ? until_ns : 1, until);
      snprintf(limit, sizeof limit, "; gives up in %s", until);
    }
    add(t, "%-12s %s for %s%s%s%s%s%s", i ? "" : "waits", cli_words_text(w, "method"), of, cli_words_text(w, "text"),
        *actor ? " (" : "", actor, *actor ? ")" : "", limit);
  }
}

static void add_methods(actors_text *t, const json_t *methods)
{
  size_t i;
  json_t *m;
  json_array_foreach(methods, i, m)
  {
    int64_t at_work = cli_words_number(m, "at_work");
    char begun[48] = "";
    const char *reply = cli_words_text(m, "reply");
    if (at_work) {
      snprintf(begun, sizeof begun, "  %" PRId64 " at work", at_work);
    }
    add(t, "%-12s %s(%s)%s%s%s", i ? "" : "methods", cli_words_text(m, "name"), cli_words_text(m, "argument"), *reply ? ": " : "", reply, begun);
  }
}

static void add_work(actors_text *t, const json_t *a)
{
  char bytes[CLI_WORD], busy[CLI_WORD], of[CLI_WORD];
  cli_words_bytes(cli_words_number(a, "mailbox_bytes"), bytes);
  add(t, "%-12s %" PRId64 " messages, %s", "mailbox", cli_words_number(a, "depth"), bytes);
  add_duration(t, "oldest", a, "oldest_ns");
  cli_words_duration(cli_words_number(a, "busy_ns"), busy);
  add(t, "%-12s %" PRId64 ", %" PRId64 " of them failed, in %s", "handled",
      cli_words_number(a, "handled"), cli_words_number(a, "failed"), busy);
  cli_words_duration(cli_words_number(a, "window_ms") * 1000000, of);
  add(t, "%-12s %" PRId64 " (%s); %" PRId64 " of %" PRId64 " within %s", "restarts",
      cli_words_number(a, "restarts"), cli_words_text(a, "restart"),
      cli_words_number(a, "recent_restarts"), cli_words_number(a, "max_restarts"), of);
  add_duration(t, "starts in", a, "restart_in_ns");
  if (cli_words_number(a, "children")) {
    add(t, "%-12s %" PRId64 ", %s", "children", cli_words_number(a, "children"),
        cli_words_text(a, "strategy"));
  }
  add(t, "%-12s %" PRId64, "futures", cli_words_number(a, "futures"));
}

static void add_memory(actors_text *t, const json_t *a)
{
  char all[CLI_WORD], limit[CLI_WORD] = "", state[CLI_WORD], own[CLI_WORD], futures[CLI_WORD],
                      used[CLI_WORD], stack[CLI_WORD];
  cli_words_bytes(cli_words_number(a, "bytes"), all);
  cli_words_bytes(cli_words_number(a, "memory_limit"), limit);
  cli_words_bytes(cli_words_number(a, "state_bytes"), state);
  cli_words_bytes(cli_words_number(a, "own_bytes"), own);
  cli_words_bytes(cli_words_number(a, "future_bytes"), futures);
  cli_words_bytes(cli_words_number(a, "stack_used_bytes"), used);
  cli_words_bytes(cli_words_number(a, "stack_bytes"), stack);
  bool limited = cli_words_number(a, "memory_limit") > 0;
  add(t, "%-12s %s%s%s: state %s, own %s, futures %s", "memory", all, limited ? " of " : "",
      limited ? limit : "", state, own, futures);
  if (cli_words_number(a, "stack_bytes")) {
    add(t, "%-12s %s of %s", "stack", used, stack);
  }
}

// Percentiles: its own, or its class's.
static void add_times(actors_text *t, const char *whose, const json_t *c)
{
  char a[CLI_WORD], b[CLI_WORD];
  if (!cli_words_number(c, "timed")) {
    return;
  }
  cli_words_duration(cli_words_number(c, "wait_p50_ns"), a);
  cli_words_duration(cli_words_number(c, "wait_p99_ns"), b);
  add(t, "%-12s wait in mailboxes p50 %s, p99 %s", whose, a, b);
  cli_words_duration(cli_words_number(c, "run_p50_ns"), a);
  cli_words_duration(cli_words_number(c, "run_p99_ns"), b);
  add(t, "%-12s run p50 %s, p99 %s", "", a, b);
}

static void add_children(actors_text *t, const json_t *actors)
{
  char doing[CLI_LONG_WORD];
  size_t i;
  json_t *row;
  const json_t *rows = json_object_get(actors, "rows");
  if (!json_array_size(rows)) {
    return;
  }
  add(t, "%s", "");
  add(t, "Children: %zu of %" PRId64, json_array_size(rows), cli_words_number(actors, "total"));
  json_array_foreach(rows, i, row)
  {
    cli_words_doing(row, doing);
    add(t, "  %-19s %-10s %s  %s", cli_words_text(row, "id"), cli_words_text(row, "phase"),
        cli_words_title(row), doing);
  }
}

static void add_happened(actors_text *t, const json_t *d, const json_t *a)
{
  char ago[CLI_WORD], words[CLI_LONG_WORD];
  size_t i, n = json_array_size(json_object_get(d, "events"));
  json_t *e;
  json_array_foreach(json_object_get(json_object_get(d, "deaths"), "rows"), i, e)
  {
    if (strcmp(cli_words_text(e, "id"), cli_words_text(a, "id")) == 0) {
      const char *text = cli_words_text(e, "text"), *method = cli_words_text(e, "method");
      cli_words_duration(cli_words_number(e, "ago_ns"), ago);
      add(t, "%s", "");
      size_t n_method = strlen(method);
      bool said = strncmp(text, method, n_method) == 0 && text[n_method] == ':'; // its words begin with it
      add(t, "%s %s ago%s%s: %s", json_is_true(json_object_get(e, "again")) ? "Failed" : "Ended",
          ago, *method && !said ? " in " : "", said ? "" : method, *text ? text : cli_words_text(e, "status_text"));
      break;
    }
  }
  json_array_foreach(json_object_get(d, "events"), i, e)
  {
    if (i == 0) {
      add(t, "%s", "");
      add(t, "Recent events of it and its children:");
    }
    if (i + EVENTS_SHOWN >= n) {
      bool itself = strcmp(cli_words_text(e, "id"), cli_words_text(a, "id")) == 0;
      cli_words_duration(cli_words_number(e, "ago_ns"), ago);
      cli_words_event(e, words);
      add(t, "  %10s ago  %-11s %s  %s", ago, cli_words_text(e, "kind"),
          itself ? "itself" : cli_words_text(e, "name"), words);
    }
  }
}

void actors_text_of(const json_t *document, actors_text *out)
{
  const json_t *a = json_object_get(document, "actor");
  *out = (actors_text){0};
  add_head(out, document, a);
  add_waits(out, json_object_get(document, "waits"));
  add_work(out, a);
  add_memory(out, a);
  add_times(out, "its times", json_object_get(document, "times"));
  add_times(out, "its class", json_array_get(json_object_get(document, "classes"), 0));
  add_methods(out, json_object_get(document, "methods"));
  add_happened(out, document, a);
  add_children(out, json_object_get(document, "actors"));
}
