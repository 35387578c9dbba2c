// grove parquet check: what is wrong with files, where, and how much of them can still be read.
#include "cli_output.h"
#include "parquet_look.h"
#include <inttypes.h>
#include <stdio.h>

static const cli_option check_options[] = {JSON_OPTION, CRC_OPTION, {NULL, NULL, NULL, 0, false}};
static const int check_which[] = {LOOK_JSON, LOOK_NO_CRC};

// The first flaw is the command's error; the others are told as they come, or are all in the document.
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

static void hear_flaw(void *user, const grove_error *flaw)
{
  enum { TOLD = 20 };
  struct flaws *f = user;
  f->count++;
  if (f->l->json) {
    json_array_append_new(f->problems, problem_json(flaw));
  }
  if (f->count == 1) {
    f->first = *flaw;
  } else if (f->count <= TOLD && !f->l->json) {
    fprintf(stderr, "%s: %s\n", f->l->path, flaw->text);
  } else if (f->count == TOLD + 1 && !f->l->json) {
    fprintf(stderr, "%s: and more of the same kind\n", f->l->path);
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

static void say_rest(const parquet_look *l, const grove_parquet_survey_result *r)
{
  fprintf(stderr,
      "%s: %" PRIu64 " of %" PRIu64 " column chunks are good, %" PRIu64 " of %" PRIu64
      " values can be read, %" PRIu64 " of %" PRIu64 " rows in all columns\n",
      l->path, r->good_chunks, r->chunks, r->good_values, r->values, r->whole_rows, r->rows);
}

static int report(struct flaws *f, const grove_parquet_survey_result *r)
{
  const parquet_look *l = f->l;
  int code = l->json ? cli_put_json(check_json(f, r), EXIT_GOOD) : EXIT_GOOD;
  if (!f->count) {
    return l->json ? code : say_good(l);
  }
  if (!l->json && f->counted) {
    say_rest(l, r);
  }
  return look_fail(l, f->first.status, &f->first);
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
  } else if (s && !flaws.count) {
    err.status = s;
    hear_flaw(&flaws, &err);
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
