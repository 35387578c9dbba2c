// grove timeline: records the spans of a running process for a while, and says where the time went.
#include "cli_attach.h"
#include "cli_output.h"
#include "cli_words.h"
#include "base/suggest.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECONDS = CLI_ATTACH_OPTION_COUNT, SORT, LIMIT, OUT, JSON };
enum { LIMIT_USUAL = 20, LIMIT_MOST = 100000, PATIENCE_MS = 15000 };
static const cli_option options[] = {CLI_ATTACH_OPTIONS,
    [SECONDS] = {"seconds", "N", "how long it records, 0.05 to 10; default 1", 0, false},
    [SORT] = {"sort", "KEY", "longest (default), total or count", 0, false},
    [LIMIT] = {"limit", "N", "at most so many lines; default 20", 0, false},
    [OUT] = {"out", "FILE", "the recording as JSON into a file, too", 'o', false},
    [JSON] = {"json", NULL, "the recording as one JSON document", 0, false},
    {NULL, NULL, NULL, 0, false}};

typedef struct wish {
  cli_attach_wish attach;
  int64_t ms;
  const char *sort, *out;
  uint64_t limit;
} wish;

/// All spans of one kind and name of one actor.
typedef struct place {
  const char *kind, *id, *class_name, *name;
  int64_t count, total_ns, longest_ns;
} place;

// ---- options -----------------------------------------------------------------------------------------------------------

static const char *const sorts[] = {"longest", "total", "count", NULL};
static const char *sort_at(const void *user, size_t i)
{
  (void)user;
  return sorts[i];
}

static bool check_sort(const char *word)
{
  for (size_t i = 0; sorts[i]; i++) {
    if (!strcmp(word, sorts[i])) {
      return true;
    }
  }
  const char *near = grove__suggest(word, sort_at, NULL);
  (void)cli_fail(EXIT_USAGE, "--sort \"%.60s\"%s%s%s known: longest, total, count", word,
      near ? "; did you mean \"" : ";", near ? near : "", near ? "\"?" : "");
  return false;
}

static bool take_option(wish *w, int option, const char *value)
{
  char *end;
  double s;
  switch (option) {
  case SECONDS:
    s = strtod(value, &end);
    if (end == value || *end || !(s >= 0.05 && s <= 10)) {
      (void)cli_fail(EXIT_USAGE, "--seconds is \"%.60s\"; 0.05 to 10 are wanted", value);
      return false;
    }
    w->ms = (int64_t)(s * 1000 + 0.5);
    return true;
  case SORT: w->sort = value; return check_sort(value);
  case LIMIT: return cli_parse_count("limit", value, 1, LIMIT_MOST, &w->limit);
  case OUT: w->out = value; return true;
  case JSON: return true;
  default: return cli_attach_option(&w->attach, option, value);
  }
}

// ---- spans ------------------------------------------------------------------------------------------------------------

// Which of a span's values has the name; -1: none, so it is another release's.
static int column(const json_t *d, const char *name)
{
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(d, "columns"), i, c)
  {
    if (json_is_string(c) && !strcmp(json_string_value(c), name)) {
      return (int)i;
    }
  }
  return -1;
}

static const char *text_of(const json_t *span, int at)
{
  const char *text = at < 0 ? NULL : json_string_value(json_array_get(span, (size_t)at));
  return text ? text : "";
}

static void add_span(place *p, const json_t *span, int length_at)
{
  int64_t ns = length_at < 0 ? 0 : json_integer_value(json_array_get(span, (size_t)length_at));
  p->count++;
  p->total_ns += ns;
  p->longest_ns = ns > p->longest_ns ? ns : p->longest_ns;
}

// Gives the number of places; they are the caller's, their texts the document's.
static size_t gather(const json_t *d, place **out)
{
  int kind = column(d, "kind"), id = column(d, "id"), class_name = column(d, "class"),
      name = column(d, "name"), length = column(d, "length_ns");
  json_t *number_of = json_object(); // of a place, by what makes it one
  place *places = cli_alloc(json_array_size(json_object_get(d, "spans")) + 1, sizeof *places);
  size_t i, n = 0;
  json_t *s;
  json_array_foreach(json_object_get(d, "spans"), i, s)
  {
    char *key = cli_format("%s %s %s", text_of(s, kind), text_of(s, id), text_of(s, name));
    const json_t *known = json_object_get(number_of, key);
    size_t at = known ? (size_t)json_integer_value(known) : n;
    if (!known && strcmp(text_of(s, kind), "send") != 0) { // a send takes no time worth a line
      places[n] = (place){
          text_of(s, kind), text_of(s, id), text_of(s, class_name), text_of(s, name), 0, 0, 0};
      json_object_set_new(number_of, key, json_integer((json_int_t)n++));
    }
    if (at < n) {
      add_span(&places[at], s, length);
    }
    free(key);
  }
  json_decref(number_of);
  *out = places;
  return n;
}

static int by(int64_t a, int64_t b)
{
  return (b > a) - (b < a);
}
static int by_longest(const void *a, const void *b)
{
  return by(((const place *)a)->longest_ns, ((const place *)b)->longest_ns);
}
static int by_total(const void *a, const void *b)
{
  return by(((const place *)a)->total_ns, ((const place *)b)->total_ns);
}
static int by_count(const void *a, const void *b)
{
  return by(((const place *)a)->count, ((const place *)b)->count);
}

// ---- the table ----------------------------------------------------------------------------------------------------------

// What it is called, else its ID.
static const char *title_of(const json_t *d, const char *id)
{
  const char *name = cli_words_text(json_object_get(d, "names"), id);
  return *name ? name : id;
}

static void put_table(const json_t *d, const wish *w)
{
  static const char *const heads[] = {
      "KIND", "ACTOR", "CLASS", "METHOD", "COUNT", "TOTAL", "SHARE", "MEAN", "LONGEST"};
  static const bool right[] = {false, false, false, false, true, true, true, true, true};
  place *places;
  size_t n = gather(d, &places);
  int64_t recorded = cli_words_number(d, "recorded_ns") - cli_words_number(d, "from_ns"); // of what is whole
  qsort(places, n, sizeof *places,
      !strcmp(w->sort, "total")   ? by_total
      : !strcmp(w->sort, "count") ? by_count
                                  : by_longest);
  cli_table *t = cli_table_create(9, heads, right);
  for (size_t i = 0; i < n && i < w->limit; i++) {
    const place *p = &places[i];
    char count[CLI_WORD], total[CLI_WORD], share[CLI_WORD], mean[CLI_WORD], longest[CLI_WORD];
    cli_words_count(p->count, count);
    cli_words_duration(p->total_ns, total);
    cli_words_share(!strcmp(p->kind, "queue") || !recorded ? (double)NAN
                                                           : (double)p->total_ns / (double)recorded,
        share);
    cli_words_duration(p->total_ns / (p->count ? p->count : 1), mean);
    cli_words_duration(p->longest_ns, longest);
    cli_table_add(t, (const char *const[]){p->kind, title_of(d, p->id), p->class_name, *p->name ? p->name : "-",
                         count, total, share, mean, longest});
  }
  cli_table_put(t);
  char length[CLI_WORD];
  cli_words_duration(recorded, length);
  printf("\n%zu spans of %s; what goes on is counted until the end",
      json_array_size(json_object_get(d, "spans")), length);
  if (cli_words_number(d, "lost")) {
    printf("; these are the last, more happened than is kept: record for less");
  }
  puts("");
  if (n > w->limit) {
    cli_note("%" PRIu64 " of %zu lines are shown: --limit N shows more", w->limit, n);
  }
  free(places);
}

// In one piece or not at all.
static int write_file(const char *path, json_t *d)
{
  char *text = cli_json_text(json_incref(d));
  char *next = cli_format("%s.%ld.part", path, (long)getpid());
  FILE *f = text ? fopen(next, "wx") : NULL;
  bool good = f && fprintf(f, "%s\n", text) > 0;
  good = (f ? fclose(f) == 0 : false) && good;
  good = good && rename(next, path) == 0;
  int code = good ? EXIT_GOOD
                  : cli_fail(EXIT_RUN, "--out: %s: %s", path,
                        text ? strerror(errno) : "it can't be made into JSON");
  if (!good && f) {
    unlink(next);
  }
  free(next);
  free(text);
  return code;
}

static int run_timeline(const cli_command *c, int argc, char **argv)
{
  cli_walk walk = {.c = c, .argc = argc, .argv = argv};
  wish w = {.ms = 1000, .sort = "longest", .limit = LIMIT_USUAL};
  cli_http *h = NULL;
  json_t *d = NULL;
  int option;
  while ((option = cli_next(&walk)) >= 0) {
    if (!take_option(&w, option, walk.value)) {
      return EXIT_USAGE;
    }
  }
  if (option == -2) {
    return EXIT_USAGE;
  }
  if (walk.first < argc) {
    return cli_fail(
        EXIT_USAGE, "unexpected argument \"%s\"; a process is named by --at", argv[walk.first]);
  }
  int code = cli_attach(&w.attach, &h);
  if (!code) {
    char *path = cli_format("timeline?ms=%" PRId64, w.ms);
    code = cli_http_ask(h, path, false, w.ms + PATIENCE_MS, &d);
    free(path);
  }
  if (!code && w.out) {
    code = write_file(w.out, d);
  }
  if (!code && cli_said.json) {
    code = cli_put_json(json_incref(d), EXIT_GOOD);
  } else if (!code) {
    put_table(d, &w);
  }
  json_decref(d);
  cli_http_destroy(h);
  return code;
}

const cli_command cli_timeline = {.name = "timeline",
    .arguments = "",
    .summary = "Records a running process for a while, and says where the time went.",
    .examples = "  grove timeline --seconds 5\n  grove timeline --sort total -o spans.json\n",
    .options = options,
    .run = run_timeline};
