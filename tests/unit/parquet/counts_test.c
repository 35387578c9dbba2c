// Footers whose counts are not those of the pages: pages too many, rows too few or too many, bytes that are no page. The
// reader says so, and check says how much is there.
#include "nested_table.h"
#include "footer_change.h"

enum { ROWS = 200 };

// Numbers of the footer that are another one: 3 the file's rows, 43 a group's, 4135 a chunk's values, 4137 its bytes.
typedef struct change {
  int path, more; // more: is added
} change;

static int64_t spoil_type(void *user, const rewriting *r, int64_t value)
{
  int *left = user;
  bool type = r->depth == 4 && r->path[0] == 4 && r->path[1] == 1 && r->path[2] == 3 && r->path[3] == 1;
  return type && (*left)-- == 1 ? value + 1 : value;
}

static int64_t apply(void *user, const rewriting *r, int64_t value)
{
  int path = 0;
  for (int i = 0; i < r->depth; i++) {
    path = path * 10 + r->path[i];
  }
  for (const change *c = user; c->path; c++) {
    value += c->path == path ? c->more : 0;
  }
  return value;
}

static bytes make_file(const char *spec, uint32_t version)
{
  const grove_parquet_write_options o = {.struct_size = sizeof o, .page_rows = 100, .page_version = version,
      .no_dictionary = 1, .no_page_index = 1, .codec = GROVE_CODEC_NONE};
  grove_table *t = nested_table(&spec, 1, ROWS, 0, 5, 1);
  bytes file = write_table(t, &o);
  grove_table_release(t);
  return file;
}

// How the ways to read go: as a table, as a stream to its end, check and survey.
typedef struct outcome {
  grove_status table, check;
  int stream;
  grove_error table_error, check_error;
  uint64_t flaws;
  grove_error flaw; // the last
  grove_parquet_survey_result survey;
} outcome;

static void hear(void *user, const grove_error *flaw)
{
  outcome *o = user;
  o->flaws++;
  o->flaw = *flaw;
}

static void read_all_ways(bytes file, outcome *o)
{
  grove_source source;
  grove_parquet *p = NULL;
  grove_table *t = NULL;
  struct ArrowArrayStream in;
  struct ArrowArray batch;
  grove_error err;
  memset(o, 0, sizeof *o);
  o->survey.struct_size = sizeof o->survey;
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, NULL, &p, &err), &err);
  o->table = grove_parquet_read(p, 0, 0, &t, &o->table_error);
  grove_table_release(t);
  check_ok(grove_parquet_stream(p, 0, 0, &in, NULL));
  while (!(o->stream = in.get_next(&in, &batch)) && batch.release) {
    batch.release(&batch);
  }
  in.release(&in);
  o->check = grove_parquet_check(p, &o->check_error);
  check_ok_err(grove_parquet_survey(p, hear, o, &o->survey, &err), &err);
  grove_parquet_close(p);
}

typedef struct counts_case {
  const char *spec;
  change changes[5];
  size_t gap;
  bool read; // a reader has no reason to look
  const char *words;
  uint64_t good, values; // by the survey
} counts_case;

static const counts_case cases[] = {
    // of two pages one has no rows in the footer
    {"l", {{3, -100}, {43, -100}, {4135, -100}}, 0, false,
        "row group 0, column \"l\", page 1, offset ", 100, 100},
    {"l", {{3, -100}, {43, -100}, {4135, -100}}, 0, false,
        "the page has 100 values, and the column chunk had all of its number before", 100, 100},
    {"u", {{3, -200}, {43, -200}, {4135, -200}}, 0, false, "the page has 100 values, and the column", 0, 0},
    {"+l(l)", {{3, -1}, {43, -1}}, 0, false, "values behind the last row of its row group", 199, 199},
    {"+l(l)", {{3, 1}, {43, 1}}, 0, false, "the column chunk ends before the last row of its row group", 0, 201},
    {"l", {{4137, 20}}, 20, true, "20 bytes behind the column chunk's last value are no page", 200, 200},
    {"l", {{3, 7}}, 0, true, "the file is said to have 207 rows, its row groups have 200", 200, 200},
    {"+l(l)", {{3, -7}}, 0, true, "the file is said to have 193 rows, its row groups have 200", 200, 200},
};

static void counts_that_are_wrong(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (uint32_t version = 1; version <= 2; version++) {
      const counts_case *k = &cases[i];
      bytes whole = make_file(k->spec, version);
      bytes file = change_footer(whole, apply, (void *)(uintptr_t)k->changes, k->gap);
      outcome o;
      read_all_ways(file, &o);
      bool empty = !k->values; // nothing is read of a group without rows
      if (k->read ? o.table || o.stream : !o.table || (!o.stream && !empty)) {
        fail_msg("case %zu, v%u: %d, %d: %s", i, version, o.table, o.stream, o.table_error.text);
      }
      if (!k->read) {
        check_status(o.table, GROVE_ECORRUPT);
        check_contains(o.table_error.text, k->words);
      }
      check_status(o.check, GROVE_ECORRUPT);
      check_contains(o.check_error.text, k->words);
      assert_int_equal(o.flaws, 1);
      check_contains(o.flaw.text, k->words);
      assert_int_equal(o.survey.good_values, k->good);
      assert_int_equal(o.survey.values, k->values);
      free(file.p);
      free(whole.p);
    }
  }
}

// Of flat columns it is seen before anything is read.
static void rows_that_are_not_those_of_the_columns(void **state)
{
  (void)state;
  for (int more = -1; more < 2; more += 2) {
    change changes[] = {{43, more}, {0, 0}};
    bytes whole = make_file("l", 1), file = change_footer(whole, apply, changes, 0);
    grove_source source;
    grove_parquet *p = NULL;
    grove_error err = {0};
    grove_source_of_memory(file.p, file.n, &source);
    check_status(grove_parquet_open(&source, NULL, &p, &err), GROVE_ECORRUPT);
    check_contains(err.text, "row group 0, column \"l\", footer at ");
    check_contains(err.text, more < 0 ? "(200 values, of 199 rows, " : "(200 values, of 201 rows, ");
    check_contains(err.text, "its number of values is not the number of rows");
    free(file.p);
    free(whole.p);
  }
}

// With salvage the file opens, what is good in it is read, and what is not is refused by whoever reads it.
static void the_rest_is_salvaged(void **state)
{
  static const char *const specs[] = {"l", "u"}, *const good[] = {"u", NULL};
  const grove_parquet_write_options w = {.struct_size = sizeof w, .group_rows = 100, .no_dictionary = 1};
  (void)state;
  grove_table *t = nested_table(specs, 2, ROWS, 0, 5, 1), *got = NULL;
  bytes whole = write_table(t, &w);
  int the_first = 1;
  bytes file = change_footer(whole, spoil_type, &the_first, 0);
  grove_source source;
  grove_parquet *p = NULL;
  grove_error err = {0};
  grove_parquet_survey_result r = {.struct_size = sizeof r};
  outcome o = {0};
  grove_source_of_memory(file.p, file.n, &source);
  check_status(grove_parquet_open(&source, NULL, &p, &err), GROVE_ECORRUPT);
  grove_parquet_options ro = {GROVE_PARQUET, .salvage = 1};
  check_ok_err(grove_parquet_open(&source, &ro, &p, &err), &err);
  check_ok_err(grove_parquet_survey(p, hear, &o, &r, &err), &err);
  assert_int_equal(o.flaws, 1);
  check_contains(o.flaw.text, "its physical type is not the schema's");
  assert_int_equal(r.good_chunks, 3);
  assert_int_equal(r.good_values, 300);
  assert_int_equal(r.whole_rows, 100);
  check_ok_err(grove_parquet_read(p, 1, 1, &got, &err), &err);
  assert_int_equal(grove_table_rows(got), 100);
  grove_table_release(got);
  check_status(grove_parquet_read(p, 0, 1, &got, &err), GROVE_ECORRUPT);
  check_contains(err.text, "its physical type is not the schema's");
  grove_parquet_close(p);
  ro.columns = good;
  check_ok_err(grove_parquet_open(&source, &ro, &p, &err), &err);
  check_ok_err(grove_parquet_check(p, &err), &err);
  grove_parquet_close(p);
  free(file.p);
  free(whole.p);
  grove_table_release(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_that_are_wrong),
      cmocka_unit_test(the_rest_is_salvaged),
      cmocka_unit_test(rows_that_are_not_those_of_the_columns),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
