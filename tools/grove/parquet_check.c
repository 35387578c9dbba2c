// grove parquet check: what is wrong with files, where, and how much of them can still be read.
#include "cli_output.h"
#include "parquet_look.h"
#include <inttypes.h>
#include <stdio.h>

static const cli_option check_options[] = {JSON_OPTION, CRC_OPTION, {NULL, NULL, NULL, 0, false}};
static const int check_which[] = {LOOK_JSON, LOOK_NO_CRC};

// Each flaw is told as it comes, and the first is the document's error; the command's own last line says how many there
// were, and what is left.
struct flaws {
  const parquet_look *l;
  grove_error first;
  uint64_t count;
  bool counted; // what is readable is known: the file was opened, and nothing ended the survey
  json_t *problems;
};

static json_t *problem_json(const grove_error *flaw)
{
  char text[sizeof flaw->text];
  snprintf(text, sizeof text, "%s", flaw->text[0] ? flaw->text : grove_status_text(flaw->status));
  cli_clean_text(text);
  return json_pack("{s:s, s:s, s:o}", "status", grove_status_text(flaw->status), "message", text,
      "at", flaw->at < 0 ? json_null() : json_integer(flaw->at));
}

enum { TOLD = 20 };

static void hear_flaw(void *user, const grove_error *flaw)
{
  struct flaws *f = user;
  f->count++;
  if (f->count == 1) {
    f->first = *flaw;
  }
  if (f->l->json) {
    json_array_append_new(f->problems, problem_json(flaw));
  } else if (!f->l->failed && f->count <= TOLD) {
    cli_note("%s: %s", f->l->path, flaw->text[0] ? flaw->text : grove_status_text(flaw->status));
  }
}

// What is readable; counts that are not known are null.
static json_t *check_json(struct flaws *f, const grove_parquet_survey_result *r)
{
  json_t *j = json_pack("{s:i, s:s, s:b}", "schema", 1, "path", f->l->path, "good", !f->count);
  const struct {
    const char *key;
    uint64_t value;
  } counts[] = {{"rows", r->rows}, {"whole_rows", r->whole_rows}, {"chunks", r->chunks},
      {"good_chunks", r->good_chunks}, {"values", r->values}, {"good_values", r->good_values}};
  for (size_t i = 0; j && i < sizeof counts / sizeof *counts; i++) {
    json_object_set_new(
        j, counts[i].key, f->counted ? json_integer((json_int_t)counts[i].value) : json_null());
  }
  if (j) {
    json_object_set(j, "problems", f->problems);
  }
  return j;
}

static int say_good(const parquet_look *l)
{
  printf("%s: good, %" PRIu64 " rows in %zu row groups\n", l->path, grove_parquet_rows(l->file),
      grove_parquet_groups(l->file));
  return EXIT_GOOD;
}

// The last line of a file that was opened: the flaws were told before.
static int say_rest(const struct flaws *f, const grove_parquet_survey_result *r)
{
  char hidden[80] = "";
  if (f->count > TOLD) {
    snprintf(hidden, sizeof hidden, " (%" PRIu64 " of them not shown; --json has all)", f->count - TOLD);
  }
  return cli_fail(cli_exit_code(f->first.status),
      "%s: %" PRIu64 " %s%s; %" PRIu64 " of %" PRIu64 " column chunks are good, %" PRIu64 " of %" PRIu64
      " values can be read, %" PRIu64 " of %" PRIu64 " rows in all columns",
      f->l->path, f->count, f->count == 1 ? "flaw" : "flaws", hidden, r->good_chunks, r->chunks, r->good_values,
      r->values, r->whole_rows, r->rows);
}

static int report(struct flaws *f, const grove_parquet_survey_result *r)
{
  const parquet_look *l = f->l;
  int code = l->json ? cli_put_json(check_json(f, r), EXIT_GOOD) : EXIT_GOOD;
  if (!f->count) {
    return l->json ? code : say_good(l);
  }
  return !l->json && f->counted ? say_rest(f, r) : look_fail(l, f->first.status, &f->first);
}

static int check_file(parquet_look *l, void *user)
{
  grove_error err = {0};
  struct flaws flaws = {.l = l, .problems = json_array()};
  grove_parquet_survey_result r = {.struct_size = sizeof r};
  (void)user;
  grove_status s = l->failed ? GROVE_OK : grove_parquet_survey(l->file, hear_flaw, &flaws, &r, &err);
  flaws.counted = !l->failed && !s;
  if (l->failed) {
    l->error.status = l->failed;
    hear_flaw(&flaws, &l->error);
  } else if (s) {
    err.status = s;
    if (!flaws.count) {
      hear_flaw(&flaws, &err);
    }
    flaws.first = err; // what ended the survey, and not what was found before
  }
  int code = report(&flaws, &r);
  json_decref(flaws.problems);
  return code;
}

static int run_check(const cli_command *c, int argc, char **argv)
{
  parquet_look l = {.salvage = true};
  int code = look_options(&l, c, check_which, argc, argv);
  code = code ? code : look_each(&l, true, check_file, NULL);
  look_drop(&l);
  return code;
}

const cli_command cli_parquet_check = {.name = "parquet check",
    .arguments = "FILE...",
    .summary = "Reads all of Parquet files: exit 0 if they are good, 5 if one is not.",
    .examples = "  grove parquet check trips/*.parquet\n",
    .options = check_options,
    .run = run_check};
